"""What is repeated for the bars of a ticker-session, worked by hand."""

from datetime import date

import polars as pl
import pytest

from smallcaps_assets.maths.event_table import days_of, in_order, timed, with_known
from smallcaps_assets.maths.minute_table import MINUTE
from smallcaps_assets_tests.maths.drawn_minutes import OPEN_AT

MONDAY, TUESDAY = date(2024, 1, 15), date(2024, 1, 16)
DAY = 24 * 60 * MINUTE
INSTANT = pl.Datetime("ns", "UTC")
HOURS = pl.DataFrame(
    {
        "ordinal": [5, 6],
        "session": [MONDAY, TUESDAY],
        "opens_at": [OPEN_AT - DAY, OPEN_AT],
        "postmarket_closes_at": [OPEN_AT - DAY + 450 * MINUTE, OPEN_AT + 630 * MINUTE],
    }
).with_columns(pl.col("opens_at", "postmarket_closes_at").cast(INSTANT))


def bars(*rows: tuple[date, str, int, float]) -> pl.DataFrame:
    """From session, ticker, minute from the open, volume."""
    opens_at = {MONDAY: OPEN_AT - DAY, TUESDAY: OPEN_AT}
    table = [(session, ticker, opens_at[session] + minute * MINUTE, volume) for session, ticker, minute, volume in rows]
    frame = pl.DataFrame(table, schema=["session", "ticker", "started_at", "volume"], orient="row")
    return frame.with_columns(pl.col("started_at").cast(INSTANT))


ORDERED = bars(
    (MONDAY, "GA", -1, 100.0),
    (MONDAY, "GA", 3, 50.0),
    (MONDAY, "GB", 0, 7.0),
    (TUESDAY, "GA", 400, 1.0),
    (TUESDAY, "GA", 401, 2.0),
)


def test_a_day_has_its_bars_and_the_hours_of_its_session() -> None:
    assert days_of(ORDERED, HOURS).rows() == [
        (MONDAY, "GA", 0, 2, 5, OPEN_AT - DAY, 450),
        (MONDAY, "GB", 2, 1, 5, OPEN_AT - DAY, 450),
        (TUESDAY, "GA", 3, 2, 6, OPEN_AT, 630),
    ]


def test_a_bar_has_its_minute_and_the_volume_of_its_own_session() -> None:
    rows = timed(ORDERED, days_of(ORDERED, HOURS))
    assert rows.select("day", "minute", "volume_so_far").rows() == [
        (0, -1, 100.0),
        (0, 3, 150.0),
        (1, 0, 7.0),
        (2, 400, 1.0),
        (2, 401, 3.0),
    ]


@pytest.mark.parametrize("first", range(5))
def test_bars_that_come_in_another_order_are_sorted(first: int) -> None:
    assert in_order(pl.concat([ORDERED[first:], ORDERED[:first]])).equals(ORDERED)


def test_no_bars_have_no_days() -> None:
    days = days_of(ORDERED.clear(), HOURS)
    assert days.is_empty()
    assert timed(ORDERED.clear(), days).columns == [*ORDERED.columns, "day", "minute", "volume_so_far"]


def test_what_is_known_of_a_ticker_session_stands_at_each_of_its_bars_and_is_null_without() -> None:
    known = pl.DataFrame({"session": [TUESDAY, MONDAY], "ticker": ["GA", "GA"], "atr_14": [0.5, 0.4]})
    days = days_of(ORDERED, HOURS)
    assert with_known(timed(ORDERED, days), days, known)["atr_14"].to_list() == [0.4, 0.4, None, 0.5, 0.5]
