"""The walk along each path of the triple barrier, compiled: what :mod:`triple_barrier` checks and calls."""

import numpy as np
import numpy.typing as npt

from smallcaps_assets.maths.arguments import Bools, Floats, Ints
from smallcaps_assets.maths.compiled import compiled

Labels = npt.NDArray[np.int8]

CENSORED = -128
"""The label of a path that the data end before its horizon."""

ROUNDING = 1e-12
"""More than a return can be off by rounding: a price that far from a barrier need not be divided to be judged."""


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
        start = entry[k]
        paid = price[start]
        end = at[start] + horizon_ns
        stop = _first_after(at, start, end)
        upper = profit * target[k] if profit > 0 else np.inf
        lower = -loss * target[k] if loss > 0 else -np.inf
        near_high = paid * (1.0 + (upper if side[k] > 0 else -lower) - ROUNDING)
        near_low = paid * (1.0 + (lower if side[k] > 0 else -upper) + ROUNDING)
        i = start + 1
        while i < stop:
            if price[i] >= near_high or price[i] <= near_low:
                r = side[k] * (price[i] / paid - 1.0)
                if r >= upper or r <= lower:
                    label[k] = 1 if r >= upper else -1
                    break
            i += 1
        if label[k] == 0 and at[len(at) - 1] < end:
            label[k] = CENSORED
            touch[k] = -1
            ret[k] = np.nan
        else:
            touch[k] = min(i, stop - 1)
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
        i = entry[k] + 1
        while i < len(at) and at[i] <= end:
            best = side[k] * ((high[i] if side[k] > 0 else low[i]) / paid - 1.0)
            worst = side[k] * ((low[i] if side[k] > 0 else high[i]) / paid - 1.0)
            if best >= upper or worst <= lower:
                opened = side[k] * (open_price[i] / paid - 1.0)
                ambiguous[k] = best >= upper and worst <= lower
                label[k] = -1 if worst <= lower else 1
                ret[k] = min(opened, lower) if worst <= lower else max(opened, upper)
                break
            i += 1
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
def _first_after(at: Ints, start: int, end: int) -> int:
    """The first index past ``start`` with ``at > end``, by doubling steps: horizons are short and tapes long."""
    step = 1
    while start + step < len(at) and at[start + step] <= end:
        step *= 2
    known = start + step // 2
    return known + int(np.searchsorted(at[known : start + step], end, side="right"))
