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
from datetime import date
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.intraday_events import NAMES, intraday_events, prefix_stable
from smallcaps_assets.maths.detector_rules import IntradayRules
from smallcaps_assets.maths.event_measures import USUAL_SESSIONS
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


def alternately(inputs: Inputs, wanted: list[date]) -> tuple[float, float, int]:
    """Ticker-sessions a second of ours and of pandas, medians of rounds in turn, and the events both find.

    Raises:
        AssertionError: the two find different events.
    """
    few = wanted[-SAMPLE:]
    own = pl.col("session").is_in(few)
    bars, metrics = (inputs[name].filter(own).collect().to_pandas() for name in ("minute_bars", "daily_metrics"))
    run = Run("intraday_events", tuple(Partition(session, LETTER) for session in few))
    events = pl.concat([part.frame for part in intraday_events(run, **inputs, config=IntradayRules())])
    ours, theirs = of_ours(events.filter(pl.col("detector").is_in(NAMES[:6])).to_pandas()), set()
    rates: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        detected(inputs, wanted)
        between = time.perf_counter()
        theirs = plain_events(bars, metrics, IntradayRules())
        rates.append((len(wanted) * TICKERS / (between - begun), len(few) * TICKERS / (time.perf_counter() - between)))
    if ours != theirs:
        raise AssertionError(f"pandas finds other events: {sorted(ours ^ theirs)[:5]}")
    return statistics.median(r[0] for r in rates), statistics.median(r[1] for r in rates), len(ours)


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
    ours, plain, agreed = alternately(inputs, wanted)
    again = [sys.executable, "-m", "smallcaps_assets_tests.bench_events", "--memory", folder]
    peak = float(subprocess.run(again, capture_output=True, text=True, check=True).stdout)
    table = Table("events", "measured", "wanted", "beside it")
    table.add_row(
        f"{len(NAMES)} detectors",
        f"{ours:,.0f} ticker-sessions/s",
        "≥ 2,000",
        f"pandas, six: {plain:,.0f} (the first system: {FIRST_SYSTEM} a worker)",
    )
    table.add_row("ratio to pandas", f"{ours / plain:.1f}", "≥ 5", f"{agreed} events of {SAMPLE} sessions are the same")
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
