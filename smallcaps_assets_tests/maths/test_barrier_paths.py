"""The walk along a path, block by block, against the definition tick by tick: prices at a barrier to the last bit."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.triple_barrier import CENSORED, first_touch, first_touch_bars

Step = tuple[float, int, int]
QUIET = st.sampled_from([0, 1, 62, 63, 64, 65, 126, 127, 128, 129, 193])
"""Ticks at the entry price before anything happens, and after: blocks are of 64."""
MULTIPLE = st.sampled_from([0.0, 0.5, 1.0, 3.0])
TARGET = st.sampled_from([1e-9, 0.01, 0.1, 0.3, 2.0, 1e6])
PAID = st.integers(1, 100_000).map(lambda cents: cents / 100)
STEP = st.tuples(st.sampled_from([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0]), st.integers(-2, 2), st.integers(0, 2))
"""Where a price stands in targets from the entry, how many doubles beside it, and the nanoseconds before it."""


def beside(paid: float, target: float, at: float, doubles: int) -> float:
    """The price that many doubles above or below ``paid·(1 + at·target)``; the entry's where that is none."""
    price = paid * (1 + at * target)
    for _ in range(abs(doubles)):
        price = math.nextafter(price, math.copysign(math.inf, doubles))
    return price if price > 0 else paid


def path_of(quiet: int, steps: list[Step], paid: float, target: float) -> tuple[list[int], list[float]]:
    """Instants and prices: the entry, quiet ticks at its instant, the steps, as many quiet ticks at the last one."""
    at, price = [0] * (quiet + 1), [paid] * (quiet + 1)
    for where, doubles, gap in steps:
        at.append(at[-1] + gap)
        price.append(beside(paid, target, where, doubles))
    return at + [at[-1]] * quiet, price + [paid] * quiet


def label_of(best: float, worst: float, profit: float, loss: float, target: float) -> int:
    """What a tick or bar of these returns does: the loss where it does both."""
    if loss > 0 and worst <= -loss * target:
        return -1
    return int(profit > 0 and best >= profit * target)


@pytest.mark.parametrize(
    ("paid", "target", "side", "doubles"),
    [(499.9, 0.01, 1, -1), (757.73, 0.3, 1, -1), (124.56, 1e-9, 1, -1), (43.08, 0.3, -1, 1)],
)
def test_a_return_that_rounds_to_the_barrier_meets_it_though_the_price_is_inside(
    paid: float, target: float, side: int, doubles: int
) -> None:
    price = beside(paid, target, side, doubles)
    assert side * price < side * paid * (1 + side * target)
    assert side * (price / paid - 1.0) >= target
    for quiet in (0, 63, 64):
        found = first_touch(
            range(quiet + 2), [paid] * (quiet + 1) + [price], [0], [target], horizon_ns=999, side=[side]
        )
        assert (found.label[0], found.touch[0]) == (1, quiet + 1)


@settings(max_examples=300, deadline=None)
@given(
    QUIET, st.lists(STEP, max_size=12), PAID, TARGET, MULTIPLE, MULTIPLE, st.sampled_from([1, -1]), st.integers(0, 9)
)
def test_a_tape_at_its_barriers_is_labelled_by_the_definition(
    quiet: int,
    steps: list[Step],
    paid: float,
    target: float,
    profit: float,
    loss: float,
    side: int,
    horizon: int,
) -> None:
    at, price = path_of(quiet, steps, paid, target)
    found = first_touch(at, price, [0], [target], profit=profit, loss=loss, horizon_ns=horizon, side=[side])
    path = [i for i in range(1, len(price)) if at[i] <= horizon]
    returns = [side * (p / paid - 1.0) for p in price]
    touched = [(i, label) for i in path if (label := label_of(returns[i], returns[i], profit, loss, target))]
    if touched:
        assert (found.touch[0], found.label[0]) == touched[0]
    elif at[-1] < horizon:
        assert (found.touch[0], found.label[0]) == (-1, CENSORED)
    else:
        assert (found.touch[0], found.label[0]) == ((path or [0])[-1], 0)
    if found.label[0] != CENSORED:
        assert found.ret[0] == returns[found.touch[0]]


@settings(max_examples=200, deadline=None)
@given(QUIET, st.lists(STEP, max_size=8), PAID, TARGET, MULTIPLE, MULTIPLE, st.sampled_from([1, -1]), st.integers(0, 9))
def test_bars_at_their_barriers_are_labelled_by_the_definition(
    quiet: int,
    steps: list[Step],
    paid: float,
    target: float,
    profit: float,
    loss: float,
    side: int,
    horizon: int,
) -> None:
    at, ends = path_of(quiet, steps, paid, target)
    high, low = [max(paid, end) for end in ends], [min(paid, end) for end in ends]  # each bar opens at the entry price
    bars = (at, [paid] * len(ends), high, low, ends)
    found = first_touch_bars(*bars, [0], [target], profit=profit, loss=loss, horizon_ns=horizon, side=[side])
    path = [i for i in range(1, len(ends)) if at[i] <= horizon]
    best = [side * ((h if side > 0 else w) / paid - 1.0) for h, w in zip(high, low, strict=True)]
    worst = [side * ((w if side > 0 else h) / paid - 1.0) for h, w in zip(high, low, strict=True)]
    touched = [(i, label) for i in path if (label := label_of(best[i], worst[i], profit, loss, target))]
    if touched:
        assert (found.touch[0], found.label[0]) == touched[0]
    elif at[-1] < horizon:
        assert (found.touch[0], found.label[0]) == (-1, CENSORED)
    else:
        assert (found.touch[0], found.label[0]) == ((path or [0])[-1], 0)


@pytest.mark.parametrize("pieces", [2, 7])
def test_entries_in_pieces_are_labelled_as_in_one_call(pieces: int) -> None:
    rng = np.random.default_rng(3)
    price = 10 * np.exp(np.cumsum(rng.normal(0, 0.001, 2000)))
    at, entry = np.arange(2000), np.arange(0, 2000, 11)
    target = np.full(len(entry), 0.01)
    whole = first_touch(at, price, entry, target, horizon_ns=100)
    parts = [
        first_touch(at, price, part, target[: len(part)], horizon_ns=100) for part in np.array_split(entry, pieces)
    ]
    for name in whole._fields:
        assert np.array_equal(np.concatenate([getattr(p, name) for p in parts]), getattr(whole, name), equal_nan=True)
    assert set(whole.label.tolist()) == {1, 0, -1, CENSORED}
