"""Triple-barrier labels: which of profit, loss and horizon a path meets first. Source: AFML 3.2 to 3.6.

Barriers are simple returns against the entry price and are met with ≥ and ≤. A path that the data end before its
horizon is censored, never labelled 0.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from smallcaps_assets.maths.arguments import (
    Bools,
    Floats,
    Ints,
    at_least,
    equal_lengths,
    instants,
    integers,
    positions,
    prices,
    refuse_at,
    whole,
)
from smallcaps_assets.maths.barrier_paths import CENSORED, Labels, bar_touches, tape_touches
from smallcaps_assets.maths.compiled import compiled

__all__ = [
    "CENSORED",
    "BarTouches",
    "Touches",
    "first_touch",
    "first_touch_bars",
    "meta_label",
    "volatility_target",
]


class Touches(NamedTuple):
    """What each entry's path met first, and where."""

    label: Labels
    touch: Ints
    ret: Floats


class BarTouches(NamedTuple):
    """The same on bars; ``ambiguous`` is True where one bar touched both barriers and was resolved as the loss."""

    label: Labels
    touch: Ints
    ret: Floats
    ambiguous: Bools


def first_touch(
    at: npt.ArrayLike,
    price: npt.ArrayLike,
    entry: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    profit: float = 1.0,
    loss: float = 1.0,
    horizon_ns: int,
    side: npt.ArrayLike | None = None,
) -> Touches:
    """The first barrier each entry's path touches on the trade tape: (label int8[k], touch int64[k], ret float64[k]).

    The path is the ticks after the entry, those of its own instant included, with ``at ≤ at[entry] + horizon_ns``.
    With ``r = side·(price/price[entry] − 1)`` the label is +1 at the first tick with ``r ≥ profit·target`` and -1 at
    the first with ``r ≤ −loss·target``, whichever comes first; 0 where the horizon passes, with ``touch`` the last
    tick inside it (the entry itself if there is none). ``ret`` is ``r`` at ``touch``: it carries the side. Where the
    tape ends before the horizon and no barrier was touched the path is censored: label -128, touch -1, ret NaN.

    Args:
        at: int64[n] UTC nanoseconds, sorted.
        price: float64[n] dollars.
        entry: int64[k], the tick of each entry.
        target: float64[k] > 0, the barriers' unit as a simple return.
        profit: the upper barrier in targets; 0 or less switches it off.
        loss: the lower barrier in targets; 0 or less switches it off.
        horizon_ns: the longest life of a label, nanoseconds.
        side: int8[k] of ±1; +1 by default.

    Raises:
        ValueError: unequal lengths, unsorted instants, or a bad price, entry, target, side or horizon.

    >>> touches = first_touch([0, 1, 2, 3, 4], [100, 101, 99, 103, 100], [0, 1, 2, 4], [0.02] * 4, horizon_ns=3)
    >>> touches.label.tolist(), touches.touch.tolist(), touches.ret[:3].round(4).tolist()
    ([1, 0, 1, -128], [3, 4, 3, -1], [0.03, -0.0099, 0.0404])
    """
    tape_at, tape_price = instants("at", at, increasing=True), prices("price", price)
    equal_lengths(at=tape_at, price=tape_price)
    entries = positions("entry", entry, len(tape_at))
    targets, sides = _targets(entries, target), _sides(entries, side)
    barriers = _barriers(profit, loss, horizon_ns)
    label, touch, ret = tape_touches(tape_at, tape_price, entries, targets, sides, *barriers)
    return Touches(label, touch, ret)


def first_touch_bars(
    at: npt.ArrayLike,
    open_price: npt.ArrayLike,
    high: npt.ArrayLike,
    low: npt.ArrayLike,
    close: npt.ArrayLike,
    entry: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    profit: float = 1.0,
    loss: float = 1.0,
    horizon_ns: int,
    side: npt.ArrayLike | None = None,
    entry_at: npt.ArrayLike | None = None,
    entry_price: npt.ArrayLike | None = None,
) -> BarTouches:
    """The same on bars: (label int8[k], touch int64[k], ret float64[k], ambiguous bool[k]); ``touch`` is a bar.

    ``at`` is the instant each bar **ends**: a bar is in the path if it ends within the horizon. An entry is at the
    close of its bar. A bar that touches both barriers is the loss and ``ambiguous``. ``ret`` of a touch is the
    barrier's own return, or the bar's open where that lies beyond the barrier already; of a horizon, the return of
    the last close.

    A path begun on a tape is continued on bars with ``entry`` the last bar that ended by then (-1 if none had),
    ``entry_at`` the instant int64[k] and ``entry_price`` the price float64[k] of the true entry.

    Raises:
        ValueError: as :func:`first_touch`, or a bar whose high or low does not enclose its open and close.

    >>> touches = first_touch_bars([0, 1, 2], [100, 100, 101], [100, 101, 104], [100, 99, 97], [100, 101, 100],
    ...                            [0], [0.02], horizon_ns=9)
    >>> touches.label.tolist(), touches.touch.tolist(), touches.ret.tolist(), touches.ambiguous.tolist()
    ([-1], [2], [-0.02], [True])
    """
    bar_at = instants("at", at, increasing=True)
    bar_open, bar_close = prices("open_price", open_price), prices("close", close)
    bar_high, bar_low = prices("high", high), prices("low", low)
    equal_lengths(at=bar_at, open_price=bar_open, high=bar_high, low=bar_low, close=bar_close)
    refuse_at("high", bar_high, _first_inside(bar_high, bar_open, bar_close, 1.0), "is below the bar's open or close")
    refuse_at("low", bar_low, _first_inside(bar_low, bar_open, bar_close, -1.0), "is above the bar's open or close")
    entries = integers("entry", entry)
    outside = (entries < -1) | (entries >= len(bar_at))
    _refuse_where("entry", entries, outside, f"is outside -1..{len(bar_at) - 1}")
    if entry_at is None or entry_price is None:
        _refuse_where("entry", entries, entries < 0, "is no bar, and entry_at and entry_price are not both given")
    starts = bar_at[entries] if entry_at is None else instants("entry_at", entry_at)
    paid = bar_close[entries] if entry_price is None else prices("entry_price", entry_price)
    equal_lengths(entry=entries, entry_at=starts, entry_price=paid)
    targets, sides = _targets(entries, target), _sides(entries, side)
    barriers = _barriers(profit, loss, horizon_ns)
    bars = (bar_at, bar_open, bar_high, bar_low, bar_close)
    label, touch, ret, ambiguous = bar_touches(*bars, entries, starts, paid, targets, sides, *barriers)
    return BarTouches(label, touch, ret, ambiguous)


def volatility_target(close: npt.ArrayLike, *, span: float = 50) -> Floats:
    """Exponentially weighted standard deviation of simple bar returns up to each bar: float64[n], a simple return.

    Weights ``(1−α)^k`` with ``α = 2/(span+1)``, bias-corrected, so that NaN is the value of the first two bars. Known
    at the close of the bar.

    Raises:
        ValueError: a bad price or a span below 1.

    >>> volatility_target([100.0, 101.0, 99.99], span=50).round(6).tolist()
    [nan, nan, 0.014142]
    """
    closes = prices("close", close)
    at_least("span", span, 1)
    return _deviations(closes, 1.0 - 2.0 / (span + 1.0))


def meta_label(ret: npt.ArrayLike, side: npt.ArrayLike) -> Labels:
    """1 where taking ``side`` earned something, else 0: int8[n]. Source: AFML 3.6.

    ``ret`` is the price's own return; a ``ret`` of :func:`first_touch` that was given the side carries it already and
    is to be judged with a side of 1. A NaN return (a censored label) is refused: it has no outcome.

    >>> meta_label([0.01, 0.01, -0.02, 0.0], [1, -1, -1, 1]).tolist()
    [1, 0, 1, 0]
    """
    returns = np.asarray(ret, dtype=np.float64)
    _refuse_where("ret", returns, np.isnan(returns), "is no return")
    sides = _sides(returns, side)
    return (sides * returns > 0).astype(np.int8)


def _targets(entries: Ints, target: npt.ArrayLike) -> Floats:
    targets = np.ascontiguousarray(target, dtype=np.float64)
    equal_lengths(entry=entries, target=targets)
    bad = ~(np.isfinite(targets) & (targets > 0))
    _refuse_where("target", targets, bad, "is not a finite return above 0")
    return targets


def _sides(entries: npt.NDArray[np.generic], side: npt.ArrayLike | None) -> Floats:
    sides = np.ones(len(entries)) if side is None else np.ascontiguousarray(side, dtype=np.float64)
    equal_lengths(entry=entries, side=sides)
    _refuse_where("side", sides, np.abs(sides) != 1, "is neither 1 nor -1")
    return sides


def _barriers(profit: float, loss: float, horizon_ns: int) -> tuple[float, float, int]:
    for name, multiple in (("profit", profit), ("loss", loss)):
        if math.isnan(multiple):
            raise ValueError(f"{name} is not a number")
    return float(profit), float(loss), whole("horizon_ns", horizon_ns, 0)


def _refuse_where(name: str, values: npt.NDArray[np.generic], bad: Bools, why: str) -> None:
    refuse_at(name, values, int(np.argmax(bad)) if bad.any() else -1, why)


@compiled
def _first_inside(extreme: Floats, open_price: Floats, close: Floats, sign: float) -> int:
    """The first bar whose high (``sign`` 1) is below, or low (-1) above, its open or close; -1 if there is none."""
    for i in range(len(extreme)):
        if sign * extreme[i] < sign * open_price[i] or sign * extreme[i] < sign * close[i]:
            return i
    return -1


@compiled
def _deviations(close: Floats, keep: float) -> Floats:
    """Standard deviation of the returns up to each close, each ``keep`` of the weight of the one after it; unbiased."""
    found = np.full(len(close), np.nan)
    mean = squares = weight = weight_squares = 0.0  # squares: the weighted sum of squared distances to the mean
    for i in range(1, len(close)):
        off = close[i] / close[i - 1] - 1.0 - mean
        before = keep * weight
        weight = before + 1.0
        weight_squares = keep * keep * weight_squares + 1.0
        mean += off / weight
        squares = keep * squares + before / weight * off * off
        spread = weight - weight_squares / weight
        if i > 1 and spread > 0:
            found[i] = math.sqrt(squares / spread)
    return found
