"""Windows before a bar, worked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths import baselines
from smallcaps_assets.maths.minute_table import FEWEST, OLDEST, PRIOR
from smallcaps_assets_tests.maths.drawn_minutes import Bar, drawn, flat

MINUTE = 60_000_000_000
DAY = 24 * 60 * MINUTE


def test_the_prior_20_are_the_20_most_recent_traded_minutes_before_the_bar() -> None:
    bars = drawn(*flat(0, 24))
    assert bars.prior[[0, 1, 20, 21, 24]].tolist() == [0, 0, 0, 1, 4]


def test_a_bar_of_exactly_two_hours_before_is_in_the_window_and_an_older_one_is_not() -> None:
    bars = drawn(*flat(0, 1), *flat(120, 122))
    assert bars.prior.tolist() == [0, 0, 0, 1, 2]


def test_a_window_does_not_reach_into_the_session_before() -> None:
    bars = drawn(*flat(300, 305), *flat(-5, 3, day=1))
    assert bars.prior[6:].tolist() == [6] * 9


def test_a_baseline_leaves_out_its_own_bar_and_needs_five() -> None:
    bars = drawn(*(Bar(i, 10, 10, 10, 10, volume=100.0 * (i + 1)) for i in range(6)))
    assert np.isnan(bars.usual_volume[:5]).all()
    assert bars.usual_volume[5] == 300.0  # (100 + 200 + 300 + 400 + 500) / 5, not the 600 of its own


@pytest.mark.parametrize(("values", "median"), [([5, 1, 4, 2, 3, 99], 3.0), ([6, 5, 1, 4, 2, 3, 99], 3.5)])
def test_a_median_of_an_even_number_is_the_middle_of_two(values: list[float], median: float) -> None:
    starts = np.zeros(len(values), dtype=np.int64)
    assert baselines.prior_median(np.array(values, dtype=float), starts, FEWEST)[-1] == median


def test_the_highest_leaves_out_its_own_bar() -> None:
    starts = np.array([0, 0, 0, 1])
    assert baselines.prior_highest(np.array([3.0, 2.0, 9.0, 1.0]), starts, 1)[1:].tolist() == [3.0, 3.0, 9.0]


@given(
    values=st.lists(st.integers(1, 6), min_size=1, max_size=60),
    steps=st.lists(st.integers(0, 9), min_size=60, max_size=60),
    fewest=st.integers(0, 5),
)
@settings(deadline=None)
def test_a_window_that_slides_says_what_a_window_read_anew_says(
    values: list[int], steps: list[int], fewest: int
) -> None:
    array = np.array(values, dtype=float)
    starts = np.minimum(np.cumsum(steps[: len(values)]) // 4, np.arange(len(values)))
    windows = [array[start:i] for i, start in enumerate(starts)]
    known = [len(window) >= max(fewest, 1) for window in windows]
    median, highest = (
        [of(window) if enough else np.nan for window, enough in zip(windows, known, strict=True)]
        for of in (np.median, np.max)
    )
    np.testing.assert_array_equal(baselines.prior_median(array, starts, fewest), median)
    np.testing.assert_array_equal(baselines.prior_highest(array, starts, fewest), highest)


def test_the_price_of_five_minutes_ago_is_the_last_bar_at_least_that_old() -> None:
    bars = drawn(*flat(0, 0), *flat(3, 3), *flat(6, 6), *flat(8, 8), *flat(130, 130), *flat(2, 2, day=1))
    assert baselines.as_of(bars.first, bars.at, 5 * MINUTE, OLDEST).tolist() == [-1, -1, 0, 1, -1, -1]


def test_a_streak_ends_with_the_session() -> None:
    first = np.array([0, 0, 0, 3, 3])
    assert baselines.streaks(first, np.array([True, True, True, True, False])).tolist() == [1, 2, 3, 1, 0]


def test_a_regular_vwap_starts_at_the_open_and_the_others_at_four() -> None:
    prices = [(-10, 8.0, 100.0), (0, 10.0, 300.0), (1, 12.0, 100.0), (390, 12.0, 500.0)]
    bars = drawn(*(Bar(minute, p, p, p, p, volume) for minute, p, volume in prices))
    # regular: (10×300 + 12×100)/400 = 10.5; after: (8×100 + 3000 + 1200 + 12×500)/1000 = 11
    assert bars.vwap.tolist() == [8.0, 10.0, 10.5, 11.0]


def test_a_vwap_of_nothing_traded_is_unknown() -> None:
    bars = drawn(Bar(-3, 10, 10, 10, 10, 0.0), Bar(0, 10, 10, 10, 10, 0.0), Bar(1, 10, 10, 10, 10, 5.0))
    assert np.isnan(bars.vwap[:2]).all()
    assert bars.vwap[2] == 10.0


def usual(minute: int, ends: list[int], fewest: int = 1, sessions: int = 20) -> float:
    """Of ticker 1's last session; its two sessions before traded 100 at 5 and 9, and 50 at 7; ticker 0 is another."""
    days = len(ends)
    found = baselines.usual_volume_so_far(
        np.array([days - 1]),
        np.array([minute]),
        np.array([0, 1, 3, 4]),
        np.array([1, 2, 1, 1]),
        np.array([0, 1, 1, 1]),
        np.array([9, 10, 11, 12]),
        np.array([0, 0, DAY, 2 * DAY]),
        np.array(ends),
        np.array([5, 5, 9, 7, 6]) * MINUTE + np.array([0, 0, 0, DAY, 2 * DAY]),
        np.array([999.0, 100.0, 100.0, 50.0, 10.0]),
        sessions,
        fewest,
    )
    return float(found[0])


def test_a_time_of_day_is_compared_with_the_same_minutes_from_the_open() -> None:
    full = [750] * 4
    assert usual(6, full) == 50.0  # (100 + 0)/2: a session without a trade yet counts as zero
    assert usual(7, full) == 75.0
    assert usual(9, full) == 125.0


def test_a_session_counts_only_if_its_hours_reach_the_minute() -> None:
    assert usual(9, [750, 750, 9, 750]) == 200.0  # the session that ends at minute 9 has no minute 9


def test_too_few_sessions_or_none_that_traded_give_no_baseline() -> None:
    full = [750] * 4
    assert np.isnan(usual(9, full, fewest=3))
    assert np.isnan(usual(4, full))
    assert usual(9, full, sessions=1) == 50.0


def test_the_windows_are_those_of_the_conventions() -> None:
    assert (PRIOR, FEWEST, OLDEST) == (20, 5, 120 * MINUTE)
