"""Halts as changes: begin and end, overlaps, one that nobody ends, one of the day before."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import polars as pl

from smallcaps_assets.maths.trading_halts import ended, halt_changes

INSTANT = pl.Datetime("ns", "UTC")
DAY = date(2024, 1, 16)
NO_MINUTES = pl.DataFrame(schema={"session": pl.Date, "ticker": pl.String, "started_at": INSTANT})
Halt = tuple[str, str, str | None, bool]


def at(clock: str, day: int = 16) -> datetime:
    return datetime.fromisoformat(f"2024-01-{day}T{clock}").replace(tzinfo=UTC)


def changes(halts: Sequence[Halt], minutes: list[str] | None = None) -> list[tuple[object, ...]]:
    """(clock, halted, code, halts, clock of the last end) of halts (began, code, resumed, carried)."""
    rows = pl.DataFrame(
        [(DAY, "GEVO", code, at(began), at(over) if over else None, carried) for began, code, over, carried in halts],
        schema={
            "session": pl.Date,
            "ticker": pl.String,
            "reason_code": pl.String,
            "halted_at": INSTANT,
            "resumed_at": INSTANT,
            "carried": pl.Boolean,
        },
        orient="row",
    )
    traded = pl.DataFrame([(DAY, "GEVO", at(clock)) for clock in minutes or []], schema=NO_MINUTES.schema, orient="row")
    found = halt_changes(ended(rows, traded)).sort("at")
    clocks = found.with_columns(pl.col("at", "last_ended_at").dt.strftime("%H:%M:%S"))
    return clocks.select("at", "halted", "halt_code", "halts", "last_ended_at").rows()


def test_a_halt_begins_and_ends() -> None:
    assert changes([("14:35:12", "LUDP", "14:40:12", False)]) == [
        ("14:35:12", True, "LUDP", 1, None),
        ("14:40:12", False, None, 1, "14:40:12"),
    ]


def test_of_halts_that_overlap_the_later_names_the_reason_and_trading_resumes_with_the_last() -> None:
    halts = [("14:35:00", "LUDP", "14:40:00", False), ("14:38:00", "T1", "15:00:00", False)]
    assert changes(halts) == [
        ("14:35:00", True, "LUDP", 1, None),
        ("14:38:00", True, "T1", 2, None),
        ("14:40:00", True, "T1", 2, "14:40:00"),
        ("15:00:00", False, None, 2, "15:00:00"),
    ]


def test_a_halt_without_an_end_lasts_until_a_minute_has_traded_wholly_after_it_began() -> None:
    halt: Sequence[Halt] = [("14:35:00", "T1", None, False)]
    assert changes(halt) == [("14:35:00", True, "T1", 1, None)]
    assert changes(halt, ["14:34:00", "14:35:00"]) == [("14:35:00", True, "T1", 1, None)]
    assert changes(halt, ["14:35:00", "14:52:00", "14:53:00"])[-1] == ("14:53:00", False, None, 1, "14:53:00")


def test_trades_end_a_halt_before_its_published_end_so_that_knowing_the_end_changes_nothing_before_it() -> None:
    late = changes([("14:35:00", "T1", "15:30:00", False)], ["14:52:00"])
    assert late == changes([("14:35:00", "T1", None, False)], ["14:52:00"])


def test_a_halt_of_before_is_none_of_the_days_own() -> None:
    assert changes([("00:10:00", "T1", "14:30:00", True)]) == [
        ("00:10:00", True, "T1", 0, None),
        ("14:30:00", False, None, 0, "14:30:00"),
    ]


def test_no_halts_change_nothing() -> None:
    assert changes([]) == []
