"""The walk along each path of the triple barrier, compiled: what :mod:`triple_barrier` checks and calls."""

import numpy as np
import numpy.typing as npt

from smallcaps_assets.maths.arguments import BLOCK, Bools, Floats, Ints
from smallcaps_assets.maths.compiled import compiled

Labels = npt.NDArray[np.int8]

CENSORED = -128
"""The label of a path that the data end before its horizon."""

ROUNDING = 1e-12
"""Of a price: more than rounding can be off, so that one this far from a barrier need not be divided to be judged."""


@compiled
def tape_touches(
    at: Ints, price: Floats, entry: Ints, target: Floats, side: Floats, profit: float, loss: float, horizon_ns: int
) -> tuple[Labels, Ints, Floats]:
    """Label, touch and return of each entry on a tape; the arrays are taken as checked.

    >>> at, price, entry = np.array([0, 1]), np.array([100.0, 102.0]), np.array([0])
    >>> [part.item() for part in tape_touches(at, price, entry, np.array([0.01]), np.ones(1), 1.0, 1.0, 5)]
    [1, 1, 0.020000000000000018]
    """
    label = np.zeros(len(entry), dtype=np.int8)
    touch = np.empty(len(entry), dtype=np.int64)
    ret = np.empty(len(entry), dtype=np.float64)
    for k in range(len(entry)):
        i = entry[k]
        paid = price[i]
        end = at[i] + horizon_ns
        upper = profit * target[k] if profit > 0 else np.inf
        lower = -loss * target[k] if loss > 0 else -np.inf
        top, bottom = _levels(paid, upper, lower, side[k])
        while label[k] == 0:
            i = _next_near(at, price, price, i + 1, end, top, bottom)
            if i == len(at) or at[i] > end:
                break
            r = side[k] * (price[i] / paid - 1.0)
            if r >= upper or r <= lower:
                label[k] = 1 if r >= upper else -1
        if label[k] == 0 and at[len(at) - 1] < end:
            label[k] = CENSORED
            touch[k] = -1
            ret[k] = np.nan
        else:
            touch[k] = i if label[k] != 0 else i - 1
            ret[k] = side[k] * (price[touch[k]] / paid - 1.0)
    return label, touch, ret


@compiled
def bar_touches(
    at: Ints,
    open_price: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    entry: Ints,
    entry_at: Ints,
    entry_price: Floats,
    target: Floats,
    side: Floats,
    profit: float,
    loss: float,
    horizon_ns: int,
) -> tuple[Labels, Ints, Floats, Bools]:
    """Label, touch, return and ambiguity of each entry on bars; the arrays are taken as checked."""
    label = np.zeros(len(entry), dtype=np.int8)
    touch = np.empty(len(entry), dtype=np.int64)
    ret = np.empty(len(entry), dtype=np.float64)
    ambiguous = np.zeros(len(entry), dtype=np.bool_)
    for k in range(len(entry)):
        end = entry_at[k] + horizon_ns
        paid = entry_price[k]
        upper = profit * target[k] if profit > 0 else np.inf
        lower = -loss * target[k] if loss > 0 else -np.inf
        top, bottom = _levels(paid, upper, lower, side[k])
        i = entry[k]
        while label[k] == 0:
            i = _next_near(at, high, low, i + 1, end, top, bottom)
            if i == len(at) or at[i] > end:
                break
            best = side[k] * ((high[i] if side[k] > 0 else low[i]) / paid - 1.0)
            worst = side[k] * ((low[i] if side[k] > 0 else high[i]) / paid - 1.0)
            if best >= upper or worst <= lower:
                opened = side[k] * (open_price[i] / paid - 1.0)
                ambiguous[k] = best >= upper and worst <= lower
                label[k] = -1 if worst <= lower else 1
                ret[k] = min(opened, lower) if worst <= lower else max(opened, upper)
        if label[k] != 0:
            touch[k] = i
        elif len(at) == 0 or at[len(at) - 1] < end:
            label[k] = CENSORED
            touch[k] = -1
            ret[k] = np.nan
        else:
            touch[k] = i - 1
            ret[k] = side[k] * (close[i - 1] / paid - 1.0) if i - 1 > entry[k] else 0.0
    return label, touch, ret, ambiguous


@compiled
def _levels(paid: float, upper: float, lower: float, side: float) -> tuple[float, float]:
    """Two prices between which no barrier is met: a little inside the barriers, by more than rounding can be off.

    Whether a price at or beyond them meets a barrier is for its return to say.
    """
    rise, fall = (upper, -lower) if side > 0 else (-lower, upper)
    return paid * (1.0 + rise) * (1.0 - ROUNDING), paid * (1.0 + ROUNDING - fall * (1.0 - ROUNDING))


@compiled
def _next_near(at: Ints, high: Floats, low: Floats, start: int, end: int, top: float, bottom: float) -> int:
    """The first index from ``start`` on where ``high ≥ top``, ``low ≤ bottom`` or ``at > end``, or the length.

    Whole blocks are skipped without a branch inside.
    """
    one, block, length = np.uint64(1), np.uint64(BLOCK), np.uint64(len(at))
    i = np.uint64(start)
    while i + block <= length and at[i + block - one] <= end:
        near = False
        for j in range(i, i + block):
            near |= (high[j] >= top) | (low[j] <= bottom)
        if near:
            break
        i += block
    while i < length and at[i] <= end and high[i] < top and low[i] > bottom:
        i += one
    return int(np.int64(i))
