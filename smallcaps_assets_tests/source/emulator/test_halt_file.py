"""The exchange's halt file, byte by byte."""

from datetime import date
from pathlib import Path
from typing import cast

import polars as pl

from smallcaps_assets.source.emulator.calendar import MINUTE, hours
from smallcaps_assets.source.emulator.halt_file import write_halt_files
from smallcaps_assets.source.emulator.market import HALTS, Market

WINTER, SUMMER = date(2024, 1, 3), date(2024, 7, 5)
HEADER = (
    "Halt Date,Halt Time,Issue Symbol,Issue Name,Market,Reason Codes,Pause Threshold Price,"
    "Resumption Date,Resumption Quote Time,Resumption Trade Time"
)


class OneHalt:
    """A market of one halt in January."""

    def halts(self, session: date) -> pl.DataFrame:
        """Halted ten minutes after the open, resumed five minutes later; another never resumed."""
        at = hours(session).open + 10 * MINUTE
        rows = [("AAA", "Aaa, Inc.", "NASDAQ", "LUDP", at, at + 5 * MINUTE), ("BBB", "Bbb", "NYSE", "H10", at, None)]
        return pl.DataFrame(rows if session == WINTER else [], schema=HALTS, orient="row")


def test_times_are_new_york_and_what_is_open_stays_empty(tmp_path: Path) -> None:
    written = write_halt_files(cast(Market, OneHalt()), tmp_path / "halts", [WINTER, SUMMER])
    assert [path.name for path in written] == ["trade_halts_2024-01-03.csv", "trade_halts_2024-07-05.csv"]
    assert written[0].read_text().splitlines() == [
        HEADER,
        '01/03/2024,09:40:00,AAA,"Aaa, Inc.",NASDAQ,LUDP,,01/03/2024,09:45:00,09:45:00',
        "01/03/2024,09:40:00,BBB,Bbb,NYSE,H10,,,,",
    ]
    assert written[1].read_text() == HEADER + "\n"
