"""The tick rule signs trades by the last change of price."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallcaps_assets.maths.bars import tick_rule
from smallcaps_assets.maths.ticks import quantity, signed_flow

PRICES = st.lists(st.sampled_from([9.99, 10.0, 10.01, 10.02]), min_size=1, max_size=60)


def test_a_rise_is_plus_one_a_fall_minus_one_and_no_change_keeps_the_sign() -> None:
    assert tick_rule([10.0, 10.1, 10.1, 10.0, 10.0, 10.2]).tolist() == [0, 1, 1, -1, -1, 1]


def test_trades_before_the_first_change_have_no_sign() -> None:
    assert tick_rule([5.0, 5.0, 5.0]).tolist() == [0, 0, 0]


def test_an_empty_tape_has_no_signs() -> None:
    assert tick_rule([]).dtype == np.int8
    assert len(tick_rule([])) == 0


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_a_price_that_is_none_is_refused_with_its_position(bad: float) -> None:
    with pytest.raises(ValueError, match=r"price\[2\] = .* is not a finite price above 0"):
        tick_rule([1.0, 2.0, bad, bad])


def test_a_table_of_prices_is_refused() -> None:
    with pytest.raises(ValueError, match="price has 2 dimensions, not 1"):
        tick_rule([[1.0, 2.0]])


@given(PRICES)
def test_a_price_scale_changes_no_sign(price: list[float]) -> None:
    assert tick_rule(price).tolist() == tick_rule([p * 4.0 for p in price]).tolist()


@given(PRICES)
def test_the_sign_is_that_of_the_last_change(price: list[float]) -> None:
    changes = [np.sign(b - a) for a, b in pairwise(price)]
    expected = [0] + [next((int(c) for c in reversed(changes[: i + 1]) if c), 0) for i in range(len(changes))]
    assert tick_rule(price).tolist() == expected


def test_flow_is_the_sign_times_one_share_or_dollars() -> None:
    price, size = np.array([10.0, 11.0, 9.0]), np.array([5.0, 2.0, 3.0])
    assert signed_flow(price, size, "tick").tolist() == [0.0, 1.0, -1.0]
    assert signed_flow(price, size, "volume").tolist() == [0.0, 2.0, -3.0]
    assert signed_flow(price, size, "dollar").tolist() == [0.0, 22.0, -27.0]
    assert quantity(price, size, "dollar").tolist() == [50.0, 22.0, 27.0]


def test_a_measure_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="measure is 'euro', not one of tick, volume, dollar"):
        signed_flow(np.ones(1), np.ones(1), "euro")  # type: ignore[arg-type]
