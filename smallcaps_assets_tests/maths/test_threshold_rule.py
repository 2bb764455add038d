"""The naive rule's numbers, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallcaps_assets.maths.driftless import driftless
from smallcaps_assets.maths.threshold_rule import break_even, most_open, worst_drawdown

RETURN = st.floats(0.001, 0.5)


@given(RETURN, RETURN, st.floats(0.0, 0.2))
def test_a_bet_at_its_break_even_chance_earns_nothing_after_costs(profit: float, loss: float, cost: float) -> None:
    (chance,) = break_even([profit], [loss], [cost])
    assert chance * (profit - cost) - (1 - chance) * (loss + cost) == pytest.approx(0.0, abs=1e-12)


def test_without_cost_it_is_the_chance_of_a_driftless_walk() -> None:
    profit, loss = [0.15, 0.03, 0.01], [0.10, 0.02, 0.04]
    assert break_even(profit, loss, [0.0] * 3).tolist() == driftless(profit, loss).tolist()
    assert break_even(profit, loss, [0.0] * 3).tolist() == pytest.approx([0.4, 0.4, 0.8])


def test_a_cost_above_the_profit_can_never_be_earned() -> None:
    assert break_even([0.01], [0.01], [0.02]).tolist() == pytest.approx([1.5])


@pytest.mark.parametrize(
    ("profit", "loss", "cost", "named"),
    [
        ([0.1, 0.0], [0.1, 0.1], [0.0, 0.0], r"profit\[1\]"),
        ([0.1], [-0.1], [0.0], r"loss\[0\]"),
        ([0.1], [0.1], [-0.01], r"cost\[0\]"),
        ([0.1], [0.1], [np.nan], r"cost\[0\]"),
        ([np.inf], [0.1], [0.0], r"profit\[0\]"),
        ([0.1], [0.1, 0.1], [0.0], "unequal lengths"),
    ],
)
def test_what_is_no_bet_is_refused_by_name(
    profit: list[float], loss: list[float], cost: list[float], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        break_even(profit, loss, cost)


@pytest.mark.parametrize(
    ("gains", "fall"),
    [([], 0.0), ([1.0, 2.0], 0.0), ([1.0, -0.5, 0.2, -0.4, 3.0, -0.6], 0.7), ([-1.0, 0.5], 1.0)],
)
def test_drawdown_is_the_worst_fall_from_the_highest_so_far(gains: list[float], fall: float) -> None:
    assert worst_drawdown(gains) == pytest.approx(fall)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10)), max_size=20))
def test_most_open_is_the_highest_count_at_any_instant(lives: list[tuple[int, int]]) -> None:
    start, end = [begin for begin, _ in lives], [begin + life for begin, life in lives]
    at_each = [sum(s <= instant <= e for s, e in zip(start, end, strict=True)) for instant in range(41)]
    assert most_open(start, end) == max(at_each)


def test_a_life_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match=r"end\[1\]"):
        most_open([0, 5], [1, 4])
