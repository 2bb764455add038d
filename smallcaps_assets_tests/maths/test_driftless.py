"""The chance of profit before loss without drift."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallcaps_assets.maths.driftless import driftless, driftless_of_barriers


def test_the_farther_barrier_is_met_less_often() -> None:
    assert driftless([3.0, 1.0, 1.0], [2.0, 1.0, 3.0]).tolist() == [0.4, 0.5, 0.75]
    assert driftless_of_barriers([0.15, 0.5], [-0.10, -0.5]).tolist() == pytest.approx([0.4, 0.5])
    assert driftless([], []).tolist() == []


@given(st.floats(1e-4, 10), st.floats(1e-4, 0.99))
def test_the_stopped_price_is_worth_what_it_began_at(profit: float, loss: float) -> None:
    (chance,) = driftless([profit], [loss])
    assert chance * (1 + profit) + (1 - chance) * (1 - loss) == pytest.approx(1.0)
    assert driftless([loss], [profit])[0] == pytest.approx(1 - chance)
    assert chance * profit == pytest.approx((1 - chance) * loss)  # by size of return +1 and −1 weigh alike


def test_a_walk_of_coin_flips_meets_profit_that_often() -> None:
    # up 3, down 2, from a fair coin: exact by the absorbing chain's matrix
    inner = np.zeros((4, 4))
    for place in range(4):  # −1, 0, 1, 2
        for step in (place - 1, place + 1):
            if 0 <= step < 4:
                inner[place, step] = 0.5
    to_profit = np.linalg.solve(np.eye(4) - inner, np.array([0.0, 0.0, 0.0, 0.5]))
    assert driftless([3.0], [2.0])[0] == pytest.approx(to_profit[1])


def test_barriers_on_the_wrong_side_are_refused() -> None:
    with pytest.raises(ValueError, match=r"lower\[1\] = 0\.1 is not below 0"):
        driftless_of_barriers([0.1, 0.1], [-0.1, 0.1])
    with pytest.raises(ValueError, match=r"lower\[0\] = nan is not below 0"):
        driftless_of_barriers([0.1], [float("nan")])
    with pytest.raises(ValueError, match=r"upper\[0\] = -0\.1"):
        driftless_of_barriers([-0.1], [-0.1])
    with pytest.raises(ValueError, match=r"profit\[0\] = 0\.0"):
        driftless([0.0], [1.0])
    with pytest.raises(ValueError, match="unequal lengths"):
        driftless_of_barriers([0.1], [-0.1, -0.2])
