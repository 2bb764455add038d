"""``python -m smallcaps_assets_tests.first_system --shared ../shared``: whose events ours confirm, and why not others.

Prints counts only: what was recorded stays where it is.
"""

import argparse
import sys
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from smallcaps_assets_tests.first_system.daily import days
from smallcaps_assets_tests.first_system.listed import listed, on_recorded_minutes
from smallcaps_assets_tests.first_system.replayed import mislabelled, replayed
from smallcaps_assets_tests.real_minutes import evidence


def table(title: str, rows: pl.DataFrame, across: str | None = None) -> Table:
    """Counts of ``reason``, over all and by another column."""
    names = rows[across].unique().sort().to_list() if across else []
    shown = Table("reason", "events", *names, title=title, title_justify="left")
    ordered = rows.group_by("reason").len().sort("len", "reason", descending=[True, False])["reason"].to_list()
    for reason in [*ordered, "all"]:
        part = rows if reason == "all" else rows.filter(reason=reason)
        each = [part.filter(pl.col(str(across)) == name).height for name in names]
        shown.add_row(reason, *(str(count) for count in (part.height, *each)))
    return shown


def main(given: list[str]) -> int:
    """Exit code 0."""
    parser = argparse.ArgumentParser(prog="python -m smallcaps_assets_tests.first_system", description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="the folder in which realdata/ lies")
    parser.add_argument("--every", type=int, default=1, help="only each n-th session of the daily lists")
    options = parser.parse_args(given)
    console = Console(width=190)
    found = evidence(options.shared / "realdata" / "recorded")
    own, again = listed(options.shared), replayed(found)
    overlap = on_recorded_minutes(own, found.minute_bars)
    console.print(table("The first system's list, by what each event's own bar refutes", own, "event_type"))
    console.print(f"of them on a ticker and session with recorded minutes: {overlap}")
    console.print(f"label that is not the segment in New York: {mislabelled(own):.1%}\n")
    console.print(table("The first system's rules on the recorded minutes, against our events", again, "detector"))
    console.print(f"label that is not the segment in New York: {mislabelled(again):.1%}\n")
    daily = days(options.shared, options.every)
    console.print(table("The first system's event days against daily_events", daily.event_days))
    console.print(table("A third party's gaps against daily_metrics", daily.gaps))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
