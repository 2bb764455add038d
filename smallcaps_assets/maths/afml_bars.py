"""The book's imbalance and run bars in the windowed form that the known libraries implement.

For comparison and reference vectors only: their thresholds explode or collapse on real tapes, because the expected bar
length is an average of the lengths that the threshold itself produced. Source: AFML 2.3.2.1 to 2.3.2.3; conventions of
mlfinlab 0.8.
"""

import math

import numpy as np
import numpy.typing as npt

from smallcaps_assets.maths.arguments import Floats, Ints, at_least, equal_lengths, prices, sizes, whole
from smallcaps_assets.maths.compiled import compiled
from smallcaps_assets.maths.ticks import Measure, signed_flow


def afml_imbalance_bars(
    price: npt.ArrayLike,
    size: npt.ArrayLike,
    *,
    measure: Measure,
    expected_ticks: float,
    bars_span: int,
    flow_window: int,
    bounds: tuple[float, float] = (0.0, math.inf),
    constant: bool = False,
    strict: bool = False,
) -> Ints:
    """Bars that close where ``|θ| ≥ E[T]·|E[f]|``: int64[k], each bar's last tick.

    E[T] starts as ``expected_ticks`` and is then the exponentially weighted mean (span ``bars_span``) of the last
    ``bars_span`` bar lengths, clipped to ``bounds``; ``constant`` keeps it. E[f] is that of the last ``m = min(seen,
    flow_window)`` flows with a span of ``m``. Both are refreshed only when a bar closes, and no bar closes before
    ``expected_ticks`` ticks. ``strict`` is mlfinlab to the bar: it closes on > instead of ≥, and if fewer ticks were
    seen at a close than the new E[T] it never closes another bar.

    >>> afml_imbalance_bars([1, 2, 3, 4, 5, 6], [1] * 6, measure="tick", expected_ticks=2, bars_span=3,
    ...                     flow_window=4).tolist()
    [2, 5]
    """
    flow = _flow(price, size, measure, expected_ticks, bars_span, flow_window, bounds)
    low, high = bounds
    return _imbalance_closes(
        flow, float(expected_ticks), bars_span, flow_window, float(low), float(high), constant, strict
    )


def run_bars(
    price: npt.ArrayLike,
    size: npt.ArrayLike,
    *,
    measure: Measure,
    expected_ticks: float,
    bars_span: int,
    flow_window: int,
    bounds: tuple[float, float] = (0.0, math.inf),
    constant: bool = False,
    strict: bool = False,
) -> Ints:
    """Bars that close where ``θ ≥ E[T]·max(P·E[f | buy], (1−P)·E[|f| | sell])``: int64[k], each bar's last tick.

    θ is the larger of the bar's buy and sell flow; a run is not interrupted by opposite ticks. P is the buy ticks'
    share of the bar, averaged over bars as E[T] is; the expected flows are over the last ``flow_window`` ticks of a
    side. No bar closes before each side has had ``expected_ticks`` ticks. The rest is as in
    :func:`afml_imbalance_bars`.

    >>> run_bars([1, 2, 1, 2, 1, 2, 3, 4, 3], [1] * 9, measure="tick", expected_ticks=2, bars_span=3,
    ...          flow_window=4, bounds=(0, 4)).tolist()
    [4, 7]
    """
    flow = _flow(price, size, measure, expected_ticks, bars_span, flow_window, bounds)
    low, high = bounds
    return _run_closes(flow, float(expected_ticks), bars_span, flow_window, float(low), float(high), constant, strict)


def _flow(
    price: npt.ArrayLike,
    size: npt.ArrayLike,
    measure: Measure,
    expected_ticks: float,
    bars_span: int,
    flow_window: int,
    bounds: tuple[float, float],
) -> Floats:
    tape_price, tape_size = prices("price", price), sizes("size", size)
    equal_lengths(price=tape_price, size=tape_size)
    at_least("expected_ticks", expected_ticks, 1)
    whole("bars_span", bars_span, 1)
    whole("flow_window", flow_window, 1)
    if not 0.0 <= bounds[0] <= bounds[1]:
        raise ValueError(f"bounds are {bounds}, not 0 ≤ low ≤ high")
    return signed_flow(tape_price, tape_size, measure)


@compiled
def _keep(span: int) -> float:
    return 1.0 - 2.0 / (span + 1.0)


@compiled
def _recent_mean(values: Floats, count: int, span: int) -> float:
    """Exponentially weighted mean, span ``span``, of the last ``min(count, span)`` of ``values[:count]``."""
    keep = _keep(span)
    weight = 1.0
    weights = 0.0
    total = 0.0
    for back in range(min(count, span)):
        total += weight * values[count - 1 - back]
        weights += weight
        weight *= keep
    return total / weights


@compiled
def _window_mean(values: Floats, count: int, window: int, moving: float) -> float:
    """The same with a span of ``min(count, window)``; ``moving`` is the weighted sum of a full window, kept in O(1)."""
    if count < window:
        return _recent_mean(values, count, count)
    keep = _keep(window)
    return moving / ((1.0 - keep**window) / (1.0 - keep))


@compiled
def _moved(moving: float, values: Floats, count: int, window: int, keep: float, leaving: float) -> float:
    """``moving`` after ``values[count - 1]`` has come into the window and the one before the window has left it."""
    moving = values[count - 1] + keep * moving
    return moving - leaving * values[count - 1 - window] if count > window else moving


@compiled
def _imbalance_closes(
    flow: Floats,
    expected_ticks: float,
    bars_span: int,
    flow_window: int,
    low: float,
    high: float,
    constant: bool,
    strict: bool,
) -> Ints:
    closes = np.empty(len(flow), dtype=np.int64)
    lengths = np.empty(len(flow), dtype=np.float64)
    keep = _keep(flow_window)
    leaving = keep**flow_window
    bars = 0
    opened = 0
    theta = 0.0
    moving = 0.0
    expected_flow = np.nan
    for i in range(len(flow)):
        seen = i + 1
        theta += flow[i]
        moving = _moved(moving, flow, seen, flow_window, keep, leaving)
        if bars == 0 and np.isnan(expected_flow) and seen >= expected_ticks:
            expected_flow = _window_mean(flow, seen, flow_window, moving)
        threshold = expected_ticks * abs(expected_flow)
        if abs(theta) > threshold or (not strict and abs(theta) == threshold):
            closes[bars] = i
            lengths[bars] = seen - opened
            bars += 1
            opened = seen
            theta = 0.0
            if not constant:
                expected_ticks = min(max(_recent_mean(lengths, bars, bars_span), low), high)
            expected_flow = _window_mean(flow, seen, flow_window, moving)
            if strict and seen < expected_ticks:
                expected_flow = np.nan
    return closes[:bars].copy()


@compiled
def _run_closes(
    flow: Floats,
    expected_ticks: float,
    bars_span: int,
    flow_window: int,
    low: float,
    high: float,
    constant: bool,
    strict: bool,
) -> Ints:
    closes = np.empty(len(flow), dtype=np.int64)
    lengths = np.empty(len(flow), dtype=np.float64)
    keep = _keep(flow_window)
    leaving = keep**flow_window
    shares = np.empty(len(flow), dtype=np.float64)
    bought = np.empty(len(flow), dtype=np.float64)
    sold = np.empty(len(flow), dtype=np.float64)
    bars = 0
    opened = 0
    buys = 0
    sells = 0
    bar_buys = 0
    buy_theta = 0.0
    sell_theta = 0.0
    buy_moving = 0.0
    sell_moving = 0.0
    expected_buy = np.nan
    expected_sell = np.nan
    share = np.nan
    for i in range(len(flow)):
        seen = i + 1
        if flow[i] > 0.0:
            bought[buys] = flow[i]
            buys += 1
            bar_buys += 1
            buy_theta += flow[i]
            buy_moving = _moved(buy_moving, bought, buys, flow_window, keep, leaving)
        elif flow[i] < 0.0:
            sold[sells] = -flow[i]
            sells += 1
            sell_theta -= flow[i]
            sell_moving = _moved(sell_moving, sold, sells, flow_window, keep, leaving)
        if bars == 0 and np.isnan(share) and buys >= expected_ticks and sells >= expected_ticks:
            expected_buy = _window_mean(bought, buys, flow_window, buy_moving)
            expected_sell = _window_mean(sold, sells, flow_window, sell_moving)
            share = bar_buys / (seen - opened)
        if np.isnan(share):
            continue
        theta = max(buy_theta, sell_theta)
        threshold = expected_ticks * max(expected_buy * share, expected_sell * (1.0 - share))
        if theta > threshold or (not strict and theta == threshold):
            closes[bars] = i
            lengths[bars] = seen - opened
            shares[bars] = bar_buys / (seen - opened)
            bars += 1
            opened = seen
            bar_buys = 0
            buy_theta = 0.0
            sell_theta = 0.0
            if not constant:
                expected_ticks = min(max(_recent_mean(lengths, bars, bars_span), low), high)
            share = _recent_mean(shares, bars, bars_span)
            expected_buy = _window_mean(bought, buys, flow_window, buy_moving)
            expected_sell = _window_mean(sold, sells, flow_window, sell_moving)
    return closes[:bars].copy()
