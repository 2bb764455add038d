"""Arguments are refused by their name and the first bad position."""

import numpy as np
import pytest

from smallcaps_assets.maths.arguments import (
    above,
    at_least,
    instants,
    integers,
    intervals,
    positions,
    prices,
    sizes,
    whole,
)


def test_numbers_of_any_kind_become_doubles() -> None:
    assert prices("price", [1, 2]).dtype == np.float64
    assert sizes("size", np.array([0, 3], dtype=np.uint16)).tolist() == [0.0, 3.0]


def test_the_first_bad_position_is_named() -> None:
    with pytest.raises(ValueError, match=r"size\[1\] = nan is not a finite size"):
        sizes("size", [0.0, float("nan"), -1.0])


@pytest.mark.parametrize("length", [1, 63, 64, 65, 128, 200])
@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf"), float("-inf")])
def test_a_bad_price_is_found_wherever_it_stands(length: int, bad: float) -> None:
    for position in sorted({0, length // 2, length - 1}):
        given = np.full(length, 5e-324)
        assert prices("price", given).tolist() == given.tolist()
        given[position:] = bad
        with pytest.raises(ValueError, match=rf"price\[{position}\] = .* is not a finite price above 0"):
            prices("price", given)


@pytest.mark.parametrize("length", [2, 64, 65, 66, 129, 200])
def test_a_step_back_in_time_is_found_wherever_it_is(length: int) -> None:
    for position in sorted({1, length // 2, length - 1}):
        given = np.arange(length)
        assert instants("at", given, increasing=True).tolist() == given.tolist()
        given[position:] -= 2
        with pytest.raises(ValueError, match=rf"at\[{position}\] = {position - 2} is earlier"):
            instants("at", given, increasing=True)


def test_a_position_outside_is_refused_on_either_side() -> None:
    assert positions("entry", [0, 2], 3).tolist() == [0, 2]
    for bad in (-1, 3):
        with pytest.raises(ValueError, match=rf"entry\[1\] = {bad} is outside 0..2"):
            positions("entry", [0, bad, 7], 3)


def test_datetimes_become_nanoseconds_of_utc() -> None:
    at = np.array(["1970-01-01T00:00:01", "1970-01-01T00:00:02"], dtype="datetime64[ms]")
    assert instants("at", at).tolist() == [10**9, 2 * 10**9]


def test_an_instant_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at\[1\] = NaT is no instant"):
        instants("at", np.array(["2024-06-03", "NaT"], dtype="datetime64[ns]"))


def test_equal_instants_are_in_order() -> None:
    assert instants("at", [3, 3, 4], increasing=True).tolist() == [3, 3, 4]


def test_floats_are_no_integers_but_an_empty_list_is() -> None:
    assert integers("entry", []).dtype == np.int64
    with pytest.raises(ValueError, match="entry is float64, not an integer array"):
        integers("entry", [1.0])
    with pytest.raises(ValueError, match="entry has 2 dimensions, not 1"):
        integers("entry", [[1]])


def test_an_interval_of_one_point_is_one() -> None:
    intervals("first", np.array([1]), "last", np.array([1]))
    with pytest.raises(ValueError, match=r"last\[0\] = 0 lies before its first"):
        intervals("first", np.array([1]), "last", np.array([0]))


@pytest.mark.parametrize("bad", [0.5, float("nan"), float("inf"), -1])
def test_a_count_is_a_whole_number(bad: float) -> None:
    with pytest.raises(ValueError, match=r"warmup is .*, not a whole number of 0 or more"):
        whole("warmup", bad, 0)
    assert whole("warmup", 3.0, 0) == 3


def test_bounds_are_inclusive_where_they_say_so() -> None:
    at_least("span", 1, 1)
    with pytest.raises(ValueError, match=r"threshold is 0, not a finite number above 0"):
        above("threshold", 0, 0)
