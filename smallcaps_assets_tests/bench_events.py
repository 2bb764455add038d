"""``make bench``, third part: the intraday detectors as the asset calls them, beside plain pandas in the same process.

63 sessions of one letter lie in a lake and are read, detected and measured by the dataset's own function; the baseline
finds the first system's six, without measures, in bars that are in memory already. Memory is that of a fresh process.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from smallcaps_assets import sessions
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.intraday_events import KNOWN, NAMES, intraday_events, prefix_stable
from smallcaps_assets.maths.detector_rules import IntradayRules
from smallcaps_assets.maths.detectors import DETECTORS
from smallcaps_assets.maths.event_measures import USUAL_SESSIONS
from smallcaps_assets.maths.event_table import DAY, days_of, in_order, timed, with_known
from smallcaps_assets.maths.minute_table import minutes
from smallcaps_assets.partitions import Partition
from smallcaps_assets.store.lake import Lake
from smallcaps_assets_tests import drawn_sessions
from smallcaps_assets_tests.plain_events import of_ours, plain_events

LETTER = "G"
TICKERS = 120  # of 1,250 members the share of a large letter
SESSIONS = 63
SAMPLE = 6  # sessions for the baseline
ROUNDS = 5
FIRST_SYSTEM = 60  # ticker-sessions a second and worker, from its own record: 12 s for two years of a symbol
Inputs = dict[str, pl.LazyFrame]


def drawn(count: int) -> list[date]:
    """That many sessions of 390 regular minutes."""
    return drawn_sessions.full_sessions(date(2024, 1, 2), date(2024, 12, 31))[:count]


def stored(lake: Lake) -> None:
    """A lake of the sessions to detect in and of those that they look back upon."""
    wanted = drawn(USUAL_SESSIONS + SESSIONS)
    for name, rows in drawn_sessions.market(wanted, TICKERS, LETTER)._asdict().items():
        for (session,), part in rows.partition_by("session", as_dict=True).items():
            file = f"{LETTER}/{session}" if name == "minute_bars" else str(session)
            lake.commit(name, file, part, passed=True, group_rows=100_000)


def scanned(lake: Lake) -> Inputs:
    """The dataset's inputs, as the store hands them over."""
    names = ("minute_bars", "daily_metrics", "halts")
    return {name: lake.scan(name, lake.partitions(name), pl.DataFrame()) for name in names}


def detected(inputs: Inputs, wanted: list[date]) -> Counter[str]:
    """Run the dataset's function; the events by detector."""
    found: Counter[str] = Counter()
    run = Run("intraday_events", tuple(Partition(session, LETTER) for session in wanted))
    for part in intraday_events(run, **inputs, config=IntradayRules()):
        found.update(part.frame["detector"].to_list())
    return found


def six(bars: pl.DataFrame, metrics: pl.DataFrame) -> int:
    """The first system's six in bars that are in memory, without measures: what the baseline does; the events."""
    rows, hours = in_order(bars), sessions.table().with_row_index("ordinal")
    days = days_of(rows, hours)
    unused = {name: pl.lit(None, pl.Float64) for name in ("premarket_rvol", "before_halt")}
    arrays = minutes(with_known(timed(rows, days), days, metrics.select(*DAY, *KNOWN)).with_columns(**unused))
    rules = IntradayRules()
    return sum(len(find(arrays, **getattr(rules, find.__name__).model_dump()).rows) for find in DETECTORS[:6])


def alternately(inputs: Inputs, wanted: list[date]) -> tuple[float, float, float, int]:
    """Ticker-sessions a second of all, of the six and of pandas' six, medians of rounds in turn; events of the six.

    Raises:
        AssertionError: ours and pandas' find different events.
    """
    few = wanted[-SAMPLE:]
    own = pl.col("session").is_in(few)
    bars, metrics = (inputs[name].filter(own).collect() for name in ("minute_bars", "daily_metrics"))
    plain_bars, plain_metrics = bars.to_pandas(), metrics.to_pandas()
    run = Run("intraday_events", tuple(Partition(session, LETTER) for session in few))
    events = pl.concat([part.frame for part in intraday_events(run, **inputs, config=IntradayRules())])
    ours = of_ours(events.filter(pl.col("detector").is_in(NAMES[:6])).to_pandas())
    theirs = plain_events(plain_bars, plain_metrics, IntradayRules())
    if ours != theirs:
        raise AssertionError(f"pandas finds other events: {sorted(ours ^ theirs)[:5]}")
    six(bars, metrics)
    rates = [
        (
            rate(lambda: detected(inputs, wanted), len(wanted)),
            rate(lambda: six(bars, metrics), len(few)),
            rate(lambda: plain_events(plain_bars, plain_metrics, IntradayRules()), len(few)),
        )
        for _ in range(ROUNDS)
    ]
    every, same, plain = (statistics.median(column) for column in zip(*rates, strict=True))
    return every, same, plain, len(ours)


def rate(call: Callable[[], object], count: int) -> float:
    """Ticker-sessions a second, for that many sessions."""
    begun = time.perf_counter()
    call()
    return count * TICKERS / (time.perf_counter() - begun)


def law(inputs: Inputs, wanted: list[date]) -> float:
    """Seconds that the prefix law takes for one partition."""
    run = Run("intraday_events", (Partition(wanted[-1], LETTER),))
    (part,) = intraday_events(run, **inputs, config=IntradayRules())
    spent = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        if not prefix_stable(part.frame, inputs, IntradayRules()).passed:
            raise AssertionError("the events are not prefix stable")
        spent.append(time.perf_counter() - begun)
    return statistics.median(spent)


def main(folder: str) -> None:
    """Print the tables; with ``--memory`` only detect and print the peak of this process in MB."""
    lake = Lake(Path(folder))
    wanted = drawn(USUAL_SESSIONS + SESSIONS)[USUAL_SESSIONS:]
    console = Console()
    if "--memory" in sys.argv:
        detected(scanned(lake), wanted)
        console.print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    stored(lake)
    inputs = scanned(lake)
    found = detected(inputs, wanted)  # compiles
    if silent := set(NAMES) - found.keys():
        raise AssertionError(f"nothing to find for {sorted(silent)}: their speed says nothing")
    ours, same, plain, agreed = alternately(inputs, wanted)
    again = [sys.executable, "-m", "smallcaps_assets_tests.bench_events", "--memory", folder]
    peak = float(subprocess.run(again, capture_output=True, text=True, check=True).stdout)
    table = Table("events", "measured", "wanted", "beside it")
    table.add_row(
        f"{len(NAMES)} detectors",
        f"{ours:,.0f} ticker-sessions/s",
        "≥ 2,000",
        f"the first system: {FIRST_SYSTEM} a worker",
    )
    table.add_row("six of them, in memory", f"{same:,.0f} ticker-sessions/s", "", f"pandas: {plain:,.0f}")
    table.add_row("ratio to pandas", f"{same / plain:.1f}", "≥ 5", f"{agreed} events of {SAMPLE} sessions are the same")
    table.add_row("memory", f"{peak:,.0f} MB", "< 2,048 MB", f"{SESSIONS} sessions × {TICKERS} tickers")
    share = law(inputs, wanted) * ours / TICKERS
    table.add_row(
        "prefix law", f"{share:.1f} × the detection of a partition", "", f"reads {USUAL_SESSIONS} sessions more"
    )
    console.print(table)
    console.print("events:", ", ".join(f"{name} {found[name]:,}" for name in NAMES))


if __name__ == "__main__":
    if "--memory" in sys.argv:
        main(sys.argv[-1])
    else:
        with tempfile.TemporaryDirectory() as name:
            main(name)
