"""First touches on bars, the volatility target and the returns of labels are their definitions in plain Python."""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.triple_barrier import CENSORED, first_touch, first_touch_bars, meta_label, volatility_target
from smallcaps_assets.maths.uniqueness import return_attribution

LEVELS = st.sampled_from([96.0, 98.0, 99.0, 100.0, 101.0, 102.0, 104.0])
BARS = st.lists(st.tuples(st.integers(0, 3), LEVELS, LEVELS, LEVELS, LEVELS), min_size=1, max_size=30)
MULTIPLE = st.sampled_from([0.0, 0.5, 1.0, 2.0])
SCALE = st.sampled_from([2.0**-13, 0.25, 2.0**13])
"""Powers of two, so that no rounding differs; 2**13 is about the factor of a split of 1 for 10,000."""


class Bars(NamedTuple):
    """Ends and prices of bars."""

    at: list[int]
    open_price: list[float]
    high: list[float]
    low: list[float]
    close: list[float]


def bars_of(drawn: list[tuple[int, float, float, float, float]]) -> Bars:
    """Of gaps and four prices each, the first the open and the last the close."""
    at = np.cumsum([gap for gap, *_ in drawn]).tolist()
    prices = [four for _, *four in drawn]
    return Bars(at, [p[0] for p in prices], [max(p) for p in prices], [min(p) for p in prices], [p[3] for p in prices])


def plain_touch(
    bars: Bars, entry: int, target: float, profit: float, loss: float, horizon: int, side: int
) -> tuple[int, int, float, bool]:
    """(label, bar, return, ambiguous) of an entry at the close of a bar."""
    paid, end = bars.close[entry], bars.at[entry] + horizon
    upper = profit * target if profit > 0 else math.inf
    lower = -loss * target if loss > 0 else -math.inf
    last = entry
    for bar in range(entry + 1, len(bars.at)):
        if bars.at[bar] > end:
            break
        returns = [side * (price / paid - 1.0) for price in (bars.high[bar], bars.low[bar])]
        gained, lost = max(returns) >= upper, min(returns) <= lower
        opened = side * (bars.open_price[bar] / paid - 1.0)
        if lost:
            return -1, bar, min(lower, opened), gained
        if gained:
            return 1, bar, max(upper, opened), False
        last = bar
    if bars.at[-1] < end:
        return CENSORED, -1, math.nan, False
    return 0, last, side * (bars.close[last] / paid - 1.0), False


@settings(max_examples=200, deadline=None)
@given(BARS, MULTIPLE, MULTIPLE, st.integers(0, 12), st.integers(0, 2**32))
def test_first_touch_bars_is_its_definition_and_says_what_is_ambiguous(
    drawn: list[tuple[int, float, float, float, float]], profit: float, loss: float, horizon: int, seed: int
) -> None:
    bars, entry = bars_of(drawn), range(len(drawn))
    rng = np.random.default_rng(seed)
    side, target = rng.choice([-1, 1], len(drawn)), rng.choice([0.01, 0.02, 0.04], len(drawn))
    ours = first_touch_bars(*bars, entry, target, profit=profit, loss=loss, horizon_ns=horizon, side=side)
    plain = [plain_touch(bars, i, target[i], profit, loss, horizon, int(side[i])) for i in entry]
    labels, touches, returns, ambiguous = zip(*plain, strict=True)
    assert ours.label.tolist() == list(labels)
    assert ours.touch.tolist() == list(touches)
    assert ours.ret == pytest.approx(np.array(returns), abs=1e-15, nan_ok=True)
    assert ours.ambiguous.tolist() == list(ambiguous)


@settings(max_examples=100, deadline=None)
@given(BARS, st.integers(0, 30))
def test_on_bars_a_farther_target_is_never_touched_earlier(
    drawn: list[tuple[int, float, float, float, float]], horizon: int
) -> None:
    bars, entry = bars_of(drawn), range(len(drawn))
    near = first_touch_bars(*bars, entry, np.full(len(entry), 0.01), horizon_ns=horizon)
    far = first_touch_bars(*bars, entry, np.full(len(entry), 0.03), horizon_ns=horizon)
    touched = np.abs(far.label) == 1
    assert (np.abs(near.label[touched]) == 1).all()
    assert (near.touch[touched] <= far.touch[touched]).all()


@settings(max_examples=100, deadline=None)
@given(BARS, st.integers(0, 30), SCALE)
def test_the_unit_of_price_changes_no_label_on_the_tape_or_on_bars(
    drawn: list[tuple[int, float, float, float, float]], horizon: int, scale: float
) -> None:
    bars, entry = bars_of(drawn), range(len(drawn))
    scaled = Bars(bars.at, *([scale * price for price in column] for column in bars[1:]))
    target = np.full(len(entry), 0.02)
    for one, other in (
        (
            first_touch(bars.at, bars.close, entry, target, horizon_ns=horizon),
            first_touch(bars.at, scaled.close, entry, target, horizon_ns=horizon),
        ),
        (
            first_touch_bars(*bars, entry, target, horizon_ns=horizon),
            first_touch_bars(*scaled, entry, target, horizon_ns=horizon),
        ),
    ):
        for part, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(part, same)
    np.testing.assert_array_equal(volatility_target(bars.close), volatility_target(scaled.close))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(0.5, 500.0), max_size=40), st.sampled_from([1.5, 3.0, 20.0, 50.0]))
def test_the_volatility_target_is_its_definition(close: list[float], span: float) -> None:
    """Weighted variance of the returns up to each bar, without the bias: Σw²/(Σw)² of it is taken back."""
    ours = volatility_target(close, span=span)
    assert np.isnan(ours[:2]).all()
    returns = [now / before - 1.0 for before, now in pairwise(close)]
    for bar in range(2, len(close)):
        known = returns[:bar]
        weights = [(1 - 2 / (span + 1)) ** back for back in range(bar)][::-1]
        total, squares = math.fsum(weights), math.fsum(w * w for w in weights)
        center = math.fsum(w * r for w, r in zip(weights, known, strict=True)) / total
        spread = math.fsum(w * (r - center) ** 2 for w, r in zip(weights, known, strict=True)) / total
        largest = max(abs(r) for r in known)
        expected = math.sqrt(spread / (1.0 - squares / total**2))
        assert ours[bar] == pytest.approx(expected, rel=1e-6, abs=1e-7 * largest)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([-0.02, -0.0, 0.0, 0.01]), st.sampled_from([-1, 1])), max_size=20))
def test_a_meta_label_is_whether_the_side_earned(taken: list[tuple[float, int]]) -> None:
    ours = meta_label([ret for ret, _ in taken], [side for _, side in taken])
    assert ours.tolist() == [int(ret * side > 0) for ret, side in taken]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9)), max_size=20),
    st.lists(st.floats(0.5, 50.0), min_size=30, max_size=30),
    st.booleans(),
)
def test_return_attribution_is_its_definition_under_both_flags(
    labels: list[tuple[int, int]], close: list[float], entry_return: bool
) -> None:
    first, last = [low for low, _ in labels], [low + life for low, life in labels]
    begins = [low if entry_return else low + 1 for low in first]
    returns = [0.0] + [math.log(now / before) for before, now in pairwise(close)]
    alive = [sum(low <= t <= high for low, high in zip(begins, last, strict=True)) for t in range(30)]
    shares = [
        abs(math.fsum(returns[t] / alive[t] for t in range(low, high + 1)))
        for low, high in zip(begins, last, strict=True)
    ]
    assert return_attribution(first, last, close, entry_return=entry_return) == pytest.approx(shares, abs=1e-12)
