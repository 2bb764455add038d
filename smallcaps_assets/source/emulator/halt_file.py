"""Trading halts as the listing exchanges publish them: one CSV file a session, New York times."""

import csv
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

from smallcaps_assets.source.emulator.calendar import NEW_YORK, SECOND
from smallcaps_assets.source.emulator.market import Market

HEADER = (
    "Halt Date",
    "Halt Time",
    "Issue Symbol",
    "Issue Name",
    "Market",
    "Reason Codes",
    "Pause Threshold Price",
    "Resumption Date",
    "Resumption Quote Time",
    "Resumption Trade Time",
)


def write_halt_files(market: Market, folder: Path, sessions: Iterable[date]) -> list[Path]:
    """Write ``trade_halts_YYYY-MM-DD.csv`` for each session into ``folder``; a session without halts has a header only.

    Dates are MM/DD/YYYY, times HH:MM:SS New York. Quoting resumes with trading; the threshold price stays empty, as it
    does in most published rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for session in sessions:
        path = folder / f"trade_halts_{session.isoformat()}.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            rows = csv.writer(stream, lineterminator="\n")
            rows.writerow(HEADER)
            for halt in market.halts(session).iter_rows(named=True):
                day, clock = _local(halt["halted_at"])
                back, again = _local(halt["resumed_at"])
                rows.writerow(
                    [
                        day,
                        clock,
                        halt["ticker"],
                        halt["name"],
                        halt["market"],
                        halt["reason_code"],
                        "",
                        back,
                        again,
                        again,
                    ]
                )
        written.append(path)
    return written


def _local(instant: int | None) -> tuple[str, str]:
    if instant is None:
        return "", ""
    local = datetime.fromtimestamp(instant // SECOND, UTC).astimezone(NEW_YORK)
    return local.strftime("%m/%d/%Y"), local.strftime("%H:%M:%S")
