"""`make demo`: every dataset for the last sessions of the embedded market, or of recorded data.

One emulator serves the whole demo; the runs are ordinary Dagster runs on the ordinary instance, two at a time, so that
`make ui` shows what was done. A partition that is in the lake and has passed its contract is left as it is.
"""

import argparse
import json
import multiprocessing
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from smallcaps_assets import definitions, inventory, sessions
from smallcaps_assets.automation.schedules import range_tags
from smallcaps_assets.dataset import Dataset
from smallcaps_assets.datasets.ml_splits import LEAST_SESSIONS
from smallcaps_assets.definitions import DATASETS, FLOW, Settings
from smallcaps_assets.materialize import SESSIONS_A_RUN
from smallcaps_assets.partitions import LETTERS, WHOLE, Axes, Axis, Partition
from smallcaps_assets.source.emulator.halt_file import write_halt_files
from smallcaps_assets.source.emulator.launch import running_emulator
from smallcaps_assets.source.emulator.recorded import RecordedMarket
from smallcaps_assets.source.emulator.routes_flat import ACCESS_KEY
from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
from smallcaps_assets.step import INBOX
from smallcaps_assets.store.lake import Lake

PROCESSES = 2
WITH_HISTORY = (
    "reference",
    "market",
)  # their look-backs are filled; statistics of events begin with the demo's sessions


@dataclass(frozen=True)
class Step:
    """One Dagster run: some datasets of one axis over a range of partitions."""

    datasets: tuple[str, ...]
    partitions: tuple[Partition, ...]
    config: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def tags(self) -> dict[str, str]:
        """The range, as Dagster wants it; none for the whole."""
        first, last = self.partitions[0], self.partitions[-1]
        return {} if first == WHOLE else range_tags(first.key, last.key)


@dataclass(frozen=True)
class Outcome:
    """What a run did."""

    step: Step
    success: bool
    seconds: Mapping[str, float]
    failed_checks: tuple[str, ...]
    blocked: bool
    error: str


def phases() -> list[tuple[Axis, list[Dataset]]]:
    """The datasets in groups of one axis that can share a run, in the order data flow; what spans all comes last."""
    remaining, groups = dict(DATASETS), []
    while remaining:
        for axis in Axis:
            group: list[Dataset] = []
            while ready := [d for d in remaining.values() if d.axis is axis and not set(d.inputs) & remaining.keys()]:
                group.extend(remaining.pop(dataset.name) for dataset in ready)
                if axis is Axis.WHOLE:
                    break  # each has a run of its own, side by side: those that read each other cannot share a phase
            if group:
                groups.append((axis, group))
                break
    return groups


def sessions_before(most: int) -> dict[str, int]:
    """How many sessions before the demo's each dataset has: the look-backs of those that read it, or ``most``."""
    needed = dict.fromkeys(DATASETS, 0)
    readers = [dataset for stage in WITH_HISTORY for dataset in FLOW[stage] if dataset.axis is Axis.SESSION]
    for _ in readers:  # as often as the longest chain could be
        for reader in readers:
            for name in reader.inputs:
                needed[name] = max(needed[name], needed[reader.name] + reader.before.get(name, 0))
    return {name: min(count, most) for name, count in needed.items() if min(count, most)}


def steps(axis: Axis, group: list[Dataset], wanted: list[date], letters: list[str], config: Any) -> Iterator[Step]:
    """The runs of one group: all sessions of a letter, or of the market, in batches as large as a backfill's."""
    names = tuple(dataset.name for dataset in group)
    chosen = {name: config[name] for name in names if name in config}
    if axis is Axis.WHOLE:
        yield from (Step((name,), (WHOLE,), chosen) for name in names)
        return
    size = SESSIONS_A_RUN[axis]
    for letter in letters if axis is Axis.LETTER else [None]:
        for start in range(0, len(wanted), size):
            yield Step(names, tuple(Partition(session, letter) for session in wanted[start : start + size]), chosen)


def history(first: date, earliest: date, config: Any, most: int) -> list[list[Step]]:
    """The runs that fill the look-backs before the demo's first session, dataset by dataset in the order data flow."""
    counts = sessions_before(most)
    ordered = [dataset for axis, group in phases() for dataset in group if dataset.name in counts]
    return [
        list(steps(Axis.SESSION, [dataset], [s for s in before if s >= earliest], [], config))
        for dataset in ordered
        if (before := sessions.before(first, counts[dataset.name]))
    ]


def needed(step: Step, lake: Lake) -> bool:
    """Whether any of its partitions is not there, or not sound."""
    return any(not lake.sound(name, p.file, DATASETS[name].empty()) for name in step.datasets for p in step.partitions)


def too_little(step: Step, lake: Lake) -> str:
    """Why the step cannot be asked for at all: folds are not cut from a day or two. Empty if it can."""
    inputs = [DATASETS[name] for dataset in step.datasets for name in DATASETS[dataset].inputs]
    if absent := [
        d.name for d in inputs if d.axis is Axis.WHOLE and d.name not in step.datasets and not lake.partitions(d.name)
    ]:
        return f"it needs {absent[0]}, which was left out"
    if step.datasets != ("ml_splits",):
        return ""
    rows = lake.scan("training_rows", lake.partitions("training_rows"), DATASETS["training_rows"].empty())
    there = rows.select("session").collect()["session"].n_unique()
    return f"it needs training rows of {LEAST_SESSIONS} sessions, there are {there}" if there < LEAST_SESSIONS else ""


def execute(step: Step) -> Outcome:
    """Run the step in this process, on the instance that the UI shows."""
    run_config = {
        "ops": {name: {"config": dict(values)} for name, values in step.config.items()},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},  # the demo shows progress and errors itself
    }
    with dg.DagsterInstance.get() as instance:
        result = definitions.defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(name) for name in step.datasets],
            tags=step.tags,
            run_config=run_config,
            raise_on_error=False,
        )
    failed: list[str] = []
    seconds: defaultdict[str, float] = defaultdict(float)
    error, blocked = "", False
    for event in result.all_events:
        if event.event_type is dg.DagsterEventType.STEP_SUCCESS:
            seconds[str(event.step_key)] += event.step_success_data.duration_ms / 1000
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = event.asset_check_evaluation_data
            if not evaluation.passed:
                failed.append(f"{evaluation.asset_key.path[-1]} {evaluation.partition}: {evaluation.check_name}")
                blocked |= bool(evaluation.blocking)
        elif event.event_type is dg.DagsterEventType.STEP_FAILURE and event.step_failure_data.error:
            cause = event.step_failure_data.error.cause or event.step_failure_data.error
            error = f"{event.step_key}: {cause.message.strip()}"
    return Outcome(step, result.success, seconds, tuple(failed), blocked, error)


def parse_sessions(text: str, market: list[date]) -> list[date]:
    """``40`` (the last ones), ``2013-10-07..2013-10-09`` or one date: a span, because look-backs allow no holes."""
    if text.isdigit():
        return market[-int(text) :]
    first, *last = (date.fromisoformat(day) for day in text.split(".."))
    return sessions.between(first, last[0] if last else first)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m smallcaps_assets.demo", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--recorded", type=Path, help="a folder of recorded market data instead of the synthetic market"
    )
    parser.add_argument("--sessions", default="40", help="a number (the last ones), FIRST..LAST, or one date")
    parser.add_argument("--tickers", type=int, default=60, help="tickers of the synthetic market")
    parser.add_argument(
        "--config", type=json.loads, default={}, help='run config as JSON: {"universe": {"max_price": 50}}'
    )
    parser.add_argument("--history", type=int, default=10_000, help="sessions of look-backs at most; default: all")
    parser.add_argument("--emulator-key", help="the emulator's key; without one it makes its own")
    return parser.parse_args()


def reaching_back(settings: Settings, first: date, most: int) -> Settings:
    """The settings with partitions that begin early enough for the look-backs of ``first``, here and in the runs."""
    earliest = sessions.before(first, max(sessions_before(most).values(), default=1))[0]
    if earliest >= settings.first_session:
        return settings
    os.environ["SMALLCAPS_FIRST_SESSION"] = str(earliest)
    return replace(settings, first_session=earliest)


def main() -> int:
    """Exit code 0: every dataset is there and every check is green."""
    asked, console = arguments(), Console()
    settings = Settings.of(os.environ)
    lake = Lake(settings.lake.resolve())
    market = RecordedMarket(asked.recorded) if asked.recorded else SyntheticMarket(tickers=asked.tickers)
    newest = date.fromisoformat(str(Axes(settings.first_session).session.get_last_partition_key()))
    wanted = parse_sessions(asked.sessions, [session for session in market.sessions() if session <= newest])
    settings = reaching_back(settings, wanted[0], asked.history)
    there = (pl.col("listed") <= wanted[-1]) & (pl.col("delisted") >= wanted[0]).fill_null(True)
    letters = sorted({ticker[0].upper() for ticker in market.listings().filter(there)["ticker"]} & set(LETTERS))
    write_halt_files(market, lake.root / INBOX / "halts", wanted)
    plan = history(wanted[0], settings.first_session, asked.config, asked.history)
    plan += [list(steps(axis, group, wanted, letters, asked.config)) for axis, group in phases()]
    with dg.DagsterInstance.get() as instance:  # two processes that both made the instance's tables would collide
        instance.get_runs(limit=1)
        instance.fetch_materializations(dg.AssetKey("tickers"), limit=1)
    options = {"recorded": str(asked.recorded)} if asked.recorded else {"tickers": asked.tickers}
    with running_emulator(key=asked.emulator_key, **options) as emulator:
        os.environ[definitions.KEY] = emulator.key
        os.environ.update(POLYGON_BASE_URL=emulator.base_url, POLYGON_REQUESTS_PER_MINUTE="0")
        os.environ |= {definitions.S3_ACCESS_KEY: ACCESS_KEY, definitions.S3_SECRET: emulator.key}
        os.environ["POLYGON_S3_ENDPOINT"] = emulator.base_url
        outcomes = run_all(plan, lake, console)
    seconds: defaultdict[str, float] = defaultdict(float)
    for outcome in outcomes:
        for name, spent in outcome.seconds.items():
            seconds[name] += spent
    failed = [text for outcome in outcomes for text in outcome.failed_checks]
    console.print(inventory.table(lake, seconds))
    for text in failed[:20]:
        console.print(f"[yellow]check failed:[/yellow] {text}")
    console.print(
        f"{wanted[0]} to {wanted[-1]}, letters {''.join(letters)}; the lake's bytes hash to {inventory.digest(lake)}"
    )
    # what was recorded is incomplete in ways that the laws point out; the synthetic market has no such excuse
    if any(not outcome.success or outcome.blocked for outcome in outcomes) or (failed and not asked.recorded):
        return 1
    console.print("Every blocking check is green." if failed else "All checks are green.")
    same = f" RECORDED={asked.recorded} FIRST_SESSION={settings.first_session}" if asked.recorded else ""
    console.print(f"Now look at it: [bold]make ui{same}[/bold], then http://127.0.0.1:3000")
    return 0


def run_all(plan: list[list[Step]], lake: Lake, console: Console) -> list[Outcome]:
    """Run phase after phase, the runs of a phase side by side; stop after a phase that failed."""
    due = [[step for step in phase if needed(step, lake)] for phase in plan]
    total = sum(len(step.datasets) * len(step.partitions) for phase in due for step in phase)
    outcomes: list[Outcome] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    spawn = multiprocessing.get_context("spawn")
    with Progress(*columns, console=console) as progress, ProcessPoolExecutor(PROCESSES, mp_context=spawn) as pool:
        bar = progress.add_task("partitions", total=total)
        for phase in due:
            ready = []
            for step in phase:
                if why := too_little(step, lake):
                    console.print(f"[yellow]left out:[/yellow] {step.datasets[0]}: {why}")
                else:
                    ready.append(step)
            for future in as_completed([pool.submit(execute, step) for step in ready]):
                outcome = future.result()
                outcomes.append(outcome)
                done = f"{outcome.step.datasets[-1]} {outcome.step.partitions[-1].key}"
                progress.update(
                    bar, advance=len(outcome.step.datasets) * len(outcome.step.partitions), description=done
                )
                if outcome.error:
                    console.print(f"[red]failed:[/red] {outcome.error}")
            if any(not outcome.success for outcome in outcomes):
                break
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
