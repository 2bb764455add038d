"""Where event-driven bars close: imbalance, fixed-imbalance, tick, volume and dollar bars, and the book's own forms.

Every function takes a tape (price in dollars, size in shares, in the order of the tape) and returns int64[k], the
index of each bar's last tick. A bar starts at the tick after the last close; the ticks after the last close are no
bar. The flow of a tick is ``f = b·x``: its sign by the tick rule times 1 (``tick``), its size (``volume``) or its
price times size (``dollar``). Source: AFML 2.3, and the conventions of each docstring.
"""

import math

import numpy as np
import numpy.typing as npt

from smallcaps_assets.maths.afml_bars import afml_imbalance_bars, run_bars
from smallcaps_assets.maths.arguments import Floats, Ints, above, at_least, equal_lengths, prices, sizes, whole
from smallcaps_assets.maths.bar_table import bar_table
from smallcaps_assets.maths.compiled import compiled
from smallcaps_assets.maths.ticks import Measure, measure_code, quantity, signed_flow, tick_rule

__all__ = [
    "Measure",
    "afml_imbalance_bars",
    "bar_table",
    "fixed_imbalance_bars",
    "imbalance_bars",
    "run_bars",
    "threshold_bars",
    "tick_rule",
]

INSIDE = 1.0 - 1e-12
"""Of a threshold: more below it than rounding can be off, so that a flow below it is judged without a division."""


def imbalance_bars(
    price: npt.ArrayLike,
    size: npt.ArrayLike,
    *,
    measure: Measure = "dollar",
    expected_ticks: float = 100.0,
    span: float = 1000,
    warmup: int = 100,
    noise_floor: float = 1.0,
    max_ticks: int = 1000,
) -> Ints:
    """Bars that close when the signed flow exceeds what noise would reach: int64[k], each bar's last tick.

    From tick ``warmup`` on, a bar closes where ``|θ| ≥ max(E[T]·|E[f]|, noise_floor·√E[T]·E[|f|])`` or where it has
    ``max_ticks`` ticks. θ is the sum of ``f`` since the last close, this tick included; E[T] is ``expected_ticks``;
    E[f] and E[|f|] are exponentially weighted means (``α = 2/(span+1)``, weights normalised) over the ticks before this
    one. While nothing has flowed (no price change yet, or sizes of 0) the threshold is 0 and each tick is a bar.

    The book feeds the bar lengths back into E[T], which is a repelling fixed point: the same parameters gave 0 to 11
    or 1,600 to 358,000 bars on neighbouring real ticker-days. A random walk of E[T] flows reaches √E[T]·E[|f|].

    Raises:
        ValueError: unequal lengths, a bad price or size, or a parameter below its least value.

    >>> imbalance_bars([1, 2, 3, 4, 3, 2, 1, 2], [1] * 8, measure="tick", expected_ticks=4, warmup=2).tolist()
    [3, 5]
    """
    tape_price, tape_size = _tape(price, size)
    at_least("expected_ticks", expected_ticks, 1)
    at_least("span", span, 1)
    at_least("noise_floor", noise_floor, 0)
    first, longest = whole("warmup", warmup, 0), whole("max_ticks", max_ticks, 1)
    noise = noise_floor * math.sqrt(expected_ticks)
    keep = 1.0 - 2.0 / (span + 1.0)
    code = measure_code(measure)
    return _imbalance_closes(tape_price, tape_size, code, float(expected_ticks), noise, keep, first, longest)


def fixed_imbalance_bars(price: npt.ArrayLike, size: npt.ArrayLike, *, measure: Measure, threshold: float) -> Ints:
    """Bars that close where ``|θ| ≥ threshold``: int64[k]; the threshold is in ticks, shares or dollars.

    >>> fixed_imbalance_bars([1, 2, 3, 2, 1], [1, 5, 6, 4, 8], measure="volume", threshold=10).tolist()
    [2, 4]
    """
    tape_price, tape_size = _tape(price, size)
    above("threshold", threshold, 0)
    return _cumulated_closes(signed_flow(tape_price, tape_size, measure), float(threshold))


def threshold_bars(price: npt.ArrayLike, size: npt.ArrayLike, *, measure: Measure, threshold: float) -> Ints:
    """Tick, volume and dollar bars: close where the unsigned sum since the last close is ≥ ``threshold``: int64[k].

    What the last tick brings beyond the threshold is not carried into the next bar.

    >>> threshold_bars([10, 10, 10, 10], [60, 70, 50, 50], measure="dollar", threshold=1000).tolist()
    [1, 3]
    """
    tape_price, tape_size = _tape(price, size)
    above("threshold", threshold, 0)
    return _cumulated_closes(quantity(tape_price, tape_size, measure), float(threshold))


def _tape(price: npt.ArrayLike, size: npt.ArrayLike) -> tuple[Floats, Floats]:
    tape_price, tape_size = prices("price", price), sizes("size", size)
    equal_lengths(price=tape_price, size=tape_size)
    return tape_price, tape_size


@compiled
def _imbalance_closes(
    price: Floats,
    size: Floats,
    measure: int,
    expected_ticks: float,
    noise: float,
    keep: float,
    warmup: int,
    max_ticks: int,
) -> Ints:
    closes = np.empty(len(price), dtype=np.int64)
    bars = 0
    ticks = 0
    sign = 0.0
    theta = 0.0
    flow_sum = 0.0
    magnitude_sum = 0.0
    weight = 0.0
    before = price[0] if len(price) else 0.0
    for i in range(len(price)):
        now = price[i]
        change = (1.0 if now > before else 0.0) - (1.0 if now < before else 0.0)  # no branch: it would be a guess
        sign = change if change != 0.0 else sign
        before = now
        magnitude = 1.0 if measure == 0 else size[i] if measure == 1 else now * size[i]
        flow = sign * magnitude
        theta += flow
        ticks += 1
        likely = max(expected_ticks * abs(flow_sum), noise * magnitude_sum) * INSIDE
        if i >= warmup and (abs(theta) * weight >= likely or ticks >= max_ticks):
            threshold = np.inf  # before the first tick there is no expectation
            if weight > 0.0:
                threshold = max(expected_ticks * abs(flow_sum / weight), noise * (magnitude_sum / weight))
            if abs(theta) >= threshold or ticks >= max_ticks:
                closes[bars] = i
                bars += 1
                ticks = 0
                theta = 0.0
        flow_sum = flow + keep * flow_sum
        magnitude_sum = abs(flow) + keep * magnitude_sum
        weight = 1.0 + keep * weight
    return closes[:bars].copy()


@compiled
def _cumulated_closes(flow: Floats, threshold: float) -> Ints:
    closes = np.empty(len(flow), dtype=np.int64)
    bars = 0
    theta = 0.0
    for i in range(len(flow)):
        theta += flow[i]
        if abs(theta) >= threshold:
            closes[bars] = i
            bars += 1
            theta = 0.0
    return closes[:bars].copy()
