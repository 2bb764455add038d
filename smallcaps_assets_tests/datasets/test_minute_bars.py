"""Minute bars: one request a ticker, members only, inside the session's hours."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.minute_bars import MinuteBars, minute_bars, regular_minutes_fit_in_the_day
from smallcaps_assets.partitions import Partition
from smallcaps_assets.source import wire
from smallcaps_assets_tests.datasets.vendor import Vendor

MONDAY, TUESDAY = date(2024, 7, 1), date(2024, 7, 2)  # 09:30 New York is 13:30 UTC
HALF_DAY = date(2024, 7, 3)  # closes 13:00, after-market until 17:00


def at(day: date, clock: str) -> datetime:
    """A New York clock in July as an instant."""
    hour, minute = map(int, clock.split(":"))
    return datetime(day.year, day.month, day.day + (hour + 4) // 24, (hour + 4) % 24, minute, tzinfo=UTC)


def bars(ticker: str, *starts: datetime, volume: float = 100.0) -> pl.DataFrame:
    """Bars of one price as the client gives them."""
    rows = [(ticker, start, 2.0, 2.1, 1.9, 2.0, volume, 2.0, 3) for start in starts]
    return pl.DataFrame(rows, schema={"ticker": pl.String, **wire.MINUTE_BARS.schema}, orient="row")


def universe(*rows: tuple[date, str, bool]) -> pl.LazyFrame:
    """(session, ticker, member)."""
    return pl.DataFrame(
        rows, schema={"session": pl.Date, "ticker": pl.String, "member": pl.Boolean}, orient="row"
    ).lazy()


def days(*rows: tuple[date, str, float]) -> pl.LazyFrame:
    """(session, ticker, volume)."""
    return pl.DataFrame(
        rows, schema={"session": pl.Date, "ticker": pl.String, "volume": pl.Float64}, orient="row"
    ).lazy()


def computed(
    run: Run, who: pl.LazyFrame, sent: dict[str, pl.DataFrame], daily: pl.LazyFrame | None = None
) -> tuple[dict[str, Rows], list[tuple[Any, ...]]]:
    """The partitions by key, which pass their contract, and what was asked."""
    vendor = Vendor(minute_bars=lambda ticker, _first, _last: sent[ticker])
    parts = list(minute_bars(run, universe=who, daily_bars=days() if daily is None else daily, polygon=vendor))
    for part in parts:
        verdict = contracts.verdict(MinuteBars, contracts.conform(MinuteBars, part.frame))
        assert verdict.passed, verdict.metadata
    return {part.partition.key: part for part in parts}, [arguments for _, arguments in vendor.asked]


def run_of(letter: str = "G", *sessions: date) -> Run:
    """A run of one letter."""
    return Run("minute_bars", tuple(Partition(day, letter) for day in sessions or (MONDAY, TUESDAY)))


def test_one_request_a_ticker_covers_its_sessions_and_only_those_of_its_membership_are_kept() -> None:
    who = universe((MONDAY, "GEVO", True), (TUESDAY, "GEVO", True), (MONDAY, "GME", False), (TUESDAY, "GME", True))
    sent = {
        "GEVO": bars("GEVO", at(MONDAY, "9:30"), at(TUESDAY, "9:30")),
        "GME": bars("GME", at(MONDAY, "9:30"), at(TUESDAY, "9:31")),
    }
    parts, asked = computed(run_of(), who, sent)
    assert asked == [("GEVO", MONDAY, TUESDAY), ("GME", TUESDAY, TUESDAY)]
    assert parts["G|2024-07-01"].frame["ticker"].to_list() == ["GEVO"]
    assert parts["G|2024-07-02"].frame["ticker"].to_list() == ["GEVO", "GME"]


def test_a_member_on_the_first_and_the_last_session_has_no_rows_between() -> None:
    who = universe((MONDAY, "GEVO", True), (TUESDAY, "GEVO", False), (HALF_DAY, "GEVO", True))
    sent = {"GEVO": bars("GEVO", at(MONDAY, "9:30"), at(TUESDAY, "9:30"), at(HALF_DAY, "9:30"))}
    parts, asked = computed(run_of("G", MONDAY, TUESDAY, HALF_DAY), who, sent)
    assert asked == [("GEVO", MONDAY, HALF_DAY)]
    assert [part.frame.height for part in parts.values()] == [1, 0, 1]


@pytest.mark.parametrize(
    ("session", "clock", "segment"),
    [
        (MONDAY, "3:59", None), (MONDAY, "4:00", "PM"), (MONDAY, "9:29", "PM"), (MONDAY, "9:30", "RTH"),
        (MONDAY, "15:59", "RTH"), (MONDAY, "16:00", "AH"), (MONDAY, "19:59", "AH"), (MONDAY, "20:00", None),
        (HALF_DAY, "12:59", "RTH"), (HALF_DAY, "13:00", "AH"), (HALF_DAY, "16:59", "AH"), (HALF_DAY, "17:00", None),
    ],
)  # fmt: skip
def test_the_segment_is_that_of_the_sessions_hours_and_minutes_outside_are_counted(
    session: date, clock: str, segment: str | None
) -> None:
    who = universe((session, "GEVO", True))
    parts, _ = computed(run_of("G", session), who, {"GEVO": bars("GEVO", at(session, clock))})
    (part,) = parts.values()
    assert part.frame["segment"].to_list() == ([segment] if segment else [])
    assert part.metadata["outside_hours"] == (0 if segment else 1)


def test_a_letter_takes_its_tickers_whatever_their_case_and_no_others() -> None:
    who = universe((MONDAY, "gEVO", True), (MONDAY, "AMC", True))
    parts, asked = computed(run_of("G", MONDAY), who, {"gEVO": bars("gEVO", at(MONDAY, "9:30"))})
    assert asked == [("gEVO", MONDAY, MONDAY)]
    assert parts["G|2024-07-01"].frame["ticker"].to_list() == ["gEVO"]


def test_partitions_that_are_no_full_grid_ask_for_their_own_members_only() -> None:
    run = Run("minute_bars", (Partition(MONDAY, "A"), Partition(TUESDAY, "G")))
    who = universe(*((day, name, True) for day in (MONDAY, TUESDAY) for name in ("AMC", "GEVO")))
    sent = {"AMC": bars("AMC", at(MONDAY, "9:30")), "GEVO": bars("GEVO", at(TUESDAY, "9:30"))}
    parts, asked = computed(run, who, sent)
    assert asked == [("AMC", MONDAY, MONDAY), ("GEVO", TUESDAY, TUESDAY)]
    assert [part.frame.height for part in parts.values()] == [1, 1]


def test_a_run_restricted_to_tickers_asks_for_these() -> None:
    run = Run("minute_bars", (Partition(MONDAY, "G"),), tickers=frozenset({"GME"}))
    who = universe((MONDAY, "GEVO", True), (MONDAY, "GME", True))
    _, asked = computed(run, who, {"GME": bars("GME", at(MONDAY, "9:30"))})
    assert asked == [("GME", MONDAY, MONDAY)]


def test_without_members_nothing_is_asked_and_the_partition_is_empty() -> None:
    parts, asked = computed(run_of("Q"), universe((MONDAY, "GEVO", True)), {})
    assert asked == []
    assert [part.frame.height for part in parts.values()] == [0, 0]
    assert parts["Q|2024-07-01"].metadata == {"members": 0}
    assert regular_minutes_fit_in_the_day(contracts.empty(MinuteBars), {}).passed


def test_members_without_a_minute_are_counted_and_those_that_traded_named_apart() -> None:
    who = universe(*((MONDAY, name, True) for name in ("GEVO", "GME", "GRPN")))
    sent = {"GEVO": bars("GEVO", at(MONDAY, "9:30")), "GME": bars("GME"), "GRPN": bars("GRPN")}
    parts, _ = computed(run_of("G", MONDAY), who, sent, days((MONDAY, "GME", 5.0), (MONDAY, "GRPN", 0.0)))
    expected = {"members": 3, "without_a_minute": 2, "of_them_with_a_daily_bar": 1, "outside_hours": 0}
    assert parts["G|2024-07-01"].metadata == expected


def stored(*starts: datetime, volume: float = 100.0) -> pl.DataFrame:
    """Monday's partition of GEVO."""
    who = universe((MONDAY, "GEVO", True))
    parts, _ = computed(run_of("G", MONDAY), who, {"GEVO": bars("GEVO", *starts, volume=volume)})
    return contracts.conform(MinuteBars, parts["G|2024-07-01"].frame)


@pytest.mark.parametrize(("volume", "fits"), [(200.0, True), (199.9, True), (199.7, False)])
def test_regular_minutes_fit_in_the_day_to_a_thousandth(volume: float, fits: bool) -> None:
    rows = stored(at(MONDAY, "9:00"), at(MONDAY, "9:30"), at(MONDAY, "15:59"))
    assert regular_minutes_fit_in_the_day(rows, {"daily_bars": days((MONDAY, "GEVO", volume))}).passed is fits


def test_regular_minutes_without_a_daily_bar_are_refused() -> None:
    rows = stored(at(MONDAY, "9:30"))
    verdict = regular_minutes_fit_in_the_day(rows, {"daily_bars": days((TUESDAY, "GEVO", 1e6))})
    assert (verdict.passed, verdict.metadata["without_daily_bar"]) == (False, 1)


def test_the_contract_refuses_minutes_out_of_hours_off_the_minute_and_out_of_bounds() -> None:
    rows = stored(at(MONDAY, "9:30"))
    for shift, passes in (("8h", False), ("1s", False), ("1m", True)):
        moved = rows.with_columns(pl.col("started_at").dt.offset_by(shift))
        assert contracts.verdict(MinuteBars, moved).passed is passes
    assert not contracts.verdict(MinuteBars, rows.with_columns(segment=pl.lit("PM"))).passed
    assert not contracts.verdict(MinuteBars, rows.with_columns(close=pl.lit(2.2))).passed
