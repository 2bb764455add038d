"""A naive rule to judge forecasts by: buy wherever the forecast chance of profit reaches a threshold.

Every signal buys the same notional, also where earlier ones are still open, and holds it to the label's end. It is no
trading system: it shows whether forecasts survive costs, and the benchmark that buys every row shows what they add.
"""

import numpy as np
import numpy.typing as npt

from smallcaps_assets.maths.arguments import Floats, equal_lengths, integers, intervals, refuse_at


def break_even(profit: npt.ArrayLike, loss: npt.ArrayLike, cost: npt.ArrayLike) -> Floats:
    """The chance of profit at which a bet between two barriers earns nothing: ``(loss + cost) / (profit + loss)``.

    With no cost it is also the chance that a driftless walk touches the profit first. Above 1 where the cost is more
    than the profit. Simple returns, all positive or zero: float64[n].

    Raises:
        ValueError: unequal lengths, a barrier that is not finite and above 0, a cost that is not finite and 0 or above.

    >>> break_even([0.03, 0.03], [0.02, 0.02], [0.0, 0.005]).round(6).tolist()
    [0.4, 0.5]
    """
    gain, fall, paid = (np.asarray(values, dtype=np.float64) for values in (profit, loss, cost))
    equal_lengths(profit=gain, loss=fall, cost=paid)
    for name, values, good in (("profit", gain, gain > 0), ("loss", fall, fall > 0), ("cost", paid, paid >= 0)):
        bad = ~(good & np.isfinite(values))
        refuse_at(name, values, int(np.argmax(bad)) if bad.any() else -1, "is no finite return of the right sign")
    return np.asarray((fall + paid) / (gain + fall), dtype=np.float64)


def worst_drawdown(gains: npt.ArrayLike) -> float:
    """The greatest fall of the summed gains from their highest so far, which is 0 at first; 0 without gains.

    >>> worst_drawdown([0.5, -0.25, -0.5, 1.0])
    0.75
    >>> worst_drawdown([-0.5])
    0.5
    """
    summed = np.concatenate([[0.0], np.cumsum(np.asarray(gains, dtype=np.float64))])
    return float((np.maximum.accumulate(summed) - summed).max())


def most_open(start: npt.ArrayLike, end: npt.ArrayLike) -> int:
    """How many of the closed intervals [start, end] are open at once, at most; 0 if there is none.

    Raises:
        ValueError: unequal lengths, an interval that ends before it starts.

    >>> most_open([0, 1, 2], [1, 5, 3]), most_open([], [])
    (2, 0)
    """
    begins, ends = integers("start", start), integers("end", end)
    intervals("start", begins, "end", ends)
    begins, ends = np.sort(begins), np.sort(ends)
    over = np.searchsorted(ends, begins, side="left")  # ended before this one begins
    return int((np.arange(1, len(begins) + 1) - over).max(initial=0))
