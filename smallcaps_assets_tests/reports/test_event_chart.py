"""What a picture may show: nothing after the event is known, whatever follows; what its lines are, by hand."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets import sessions
from smallcaps_assets.reports.candles import Candles
from smallcaps_assets.reports.event_chart import MINUTES_AFTER, Picture, blind, levels, revealed
from smallcaps_assets_tests.datasets.event_rows import MINUTE, SESSION, minute_rows, walk

OPENS_AT = sessions.hours(SESSION).opens_at
WALK = walk(SESSION, "GEVO")
STARTS = [int(at) for at in WALK["started_at"].cast(pl.Int64)]
# minute from the open, close, shares
BARS = minute_rows(SESSION, "GEVO", [(-10, 9.0, 100), (-5, 9.5, 300), (0, 10.0, 100), (5, 11.0, 300), (20, 12.0, 50)])


def same(one: Picture, other: Picture) -> bool:
    pairs: list[tuple[Any, Any]] = list(zip(one, other, strict=True))
    return all(np.array_equal(a, b) for a, b in pairs)


@settings(deadline=None)
@given(st.integers(0, len(STARTS) - 1), st.booleans(), st.floats(0.01, 100.0))
def test_the_blind_picture_is_the_same_whatever_comes_after_the_event_is_known(
    place: int, up: bool, times: float
) -> None:
    after = pl.col("started_at").cast(pl.Int64) > STARTS[place]
    prices = ["open", "high", "low", "close", "volume"]
    otherwise = WALK.with_columns(pl.when(after).then(pl.col(name) * times).otherwise(name) for name in prices)
    seen = blind(WALK, STARTS[place], up=up)
    assert same(seen, blind(WALK.filter(~after), STARTS[place], up=up))
    assert same(seen, blind(otherwise, STARTS[place], up=up))
    assert seen.minute[-1] == seen.trigger
    assert seen.last == seen.trigger + 1


@settings(deadline=None)
@given(st.integers(0, len(STARTS) - 1))
def test_the_revealed_picture_goes_on_for_two_hours_and_begins_as_the_blind_one(place: int) -> None:
    before, whole = blind(WALK, STARTS[place], up=True), revealed(WALK, STARTS[place], up=True)
    count = len(before.minute)
    assert np.array_equal(whole.minute[:count], before.minute)
    assert whole.vwap[:count] == pytest.approx(before.vwap)
    assert whole.levels == before.levels
    followed = [at for at in STARTS if STARTS[place] < at <= STARTS[place] + MINUTES_AFTER * MINUTE]
    assert len(whole.minute) == count + len(followed)


def test_minutes_are_new_yorks_and_the_vwap_is_anchored_anew_at_the_open() -> None:
    picture = revealed(BARS, OPENS_AT, up=True)
    assert picture.minute.tolist() == [560.0, 565.0, 570.0, 575.0, 590.0]  # 09:20, 09:25, 09:30, 09:35, 09:50
    # a bar without its own vwap stands at (high + low + close)/3: 9, 28.5/3 (9.0 to 9.5), 29.5/3, 32/3, 35/3
    premarket = (9.0 * 100 + 28.0 / 3 * 300) / 400
    regular = (29.5 / 3 * 100 + 32.0 / 3 * 300) / 400
    assert picture.vwap[:4].tolist() == pytest.approx([9.0, premarket, 29.5 / 3, regular])
    assert picture.regular.tolist() == [False, False, True, True, True]


@pytest.mark.parametrize("session", [date(2024, 3, 8), date(2024, 3, 11), date(2023, 11, 24)])
def test_a_clock_that_changes_and_an_early_close_leave_0930_where_it_is(session: date) -> None:
    bars = minute_rows(session, "GEVO", [(0, 10.0, 100), (1, 10.1, 100)])
    picture = blind(bars, sessions.hours(session).opens_at, up=True)
    assert picture.minute.tolist() == [570.0]


def test_levels_are_of_the_bars_before_the_event() -> None:
    def before(minute: int) -> pl.DataFrame:
        return BARS.filter(pl.col("started_at").cast(pl.Int64) < OPENS_AT + minute * MINUTE)

    assert levels(before(-10), OPENS_AT - 10 * MINUTE) == {}
    assert levels(before(-5), OPENS_AT - 5 * MINUTE) == {"session high": 9.0, "session low": 9.0}
    assert levels(before(5), OPENS_AT + 5 * MINUTE) == {
        "session high": 10.0,
        "session low": 9.0,
        "pre-market high": 9.5,
    }
    assert levels(before(20), OPENS_AT + 20 * MINUTE) == {
        "session high": 11.0,
        "session low": 9.0,
        "pre-market high": 9.5,
        "opening range high": 11.0,
        "opening range low": 9.5,
    }


def test_an_event_without_its_bar_is_an_error() -> None:
    with pytest.raises(ValueError, match="no bar starts at"):
        blind(BARS, OPENS_AT + MINUTE, up=True)


def test_a_picture_has_the_same_bytes_whatever_was_drawn_before_it() -> None:
    candles, one = Candles(), blind(BARS, OPENS_AT, up=True)
    first = candles.png(one)
    other = candles.png(revealed(BARS, OPENS_AT, up=False))
    assert first.startswith(b"\x89PNG")
    assert b"Software" not in first
    assert first != other
    assert candles.png(one) == first == Candles().png(one)


def test_a_single_flat_bar_is_drawn_too() -> None:
    lone = minute_rows(SESSION, "GEVO", [(0, 10.0, 0)])
    assert Candles().png(blind(lone, OPENS_AT, up=False)).startswith(b"\x89PNG")
