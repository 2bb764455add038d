"""Precision of what people judged, with Wilson's interval. Source: E. B. Wilson, JASA 22 (1927), 209-212.

Over strata the precision is the mean of the strata's, weighted by their sizes, and its interval is Wilson's at Kish's
effective number of judgements, ``1 / Σ W²/n``: unequal weights tell less than equal ones. Strata without a judgement
say nothing, and the weights are shared by the others.
"""

from collections.abc import Iterable
from math import sqrt
from typing import NamedTuple

Z = 1.959963984540054  # 95 %, two-sided


class Precision(NamedTuple):
    """A share of right ones and its interval, all in [0, 1]; None without a judgement."""

    share: float | None
    low: float | None
    high: float | None
    judged: int


def wilson(share: float, count: float) -> tuple[float, float]:
    """The ends of the 95 % interval of a share of ``count`` judgements, which need not be whole.

    Raises:
        ValueError: share outside [0, 1], or count not above 0.

    >>> [round(end, 4) for end in wilson(0.8, 10)]
    [0.4902, 0.9433]
    """
    if not 0.0 <= share <= 1.0 or not count > 0.0:
        raise ValueError(f"no interval for a share of {share} in {count} judgements")
    shrink = 1.0 + Z * Z / count
    centre = (share + Z * Z / (2.0 * count)) / shrink
    half = Z / shrink * sqrt(share * (1.0 - share) / count + Z * Z / (4.0 * count * count))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def precision(strata: Iterable[tuple[int, int, int]]) -> Precision:
    """From (size, right, judged) of each stratum.

    >>> precision([(100, 8, 10)]).share
    0.8
    >>> precision([(100, 0, 0)])
    Precision(share=None, low=None, high=None, judged=0)
    """
    known = [(size, right, judged) for size, right, judged in strata if judged]
    total = sum(size for size, _, _ in known)
    if not total:
        return Precision(None, None, None, 0)
    share = sum(size / total * right / judged for size, right, judged in known)
    effective = 1.0 / sum((size / total) ** 2 / judged for size, _, judged in known)
    low, high = wilson(min(max(share, 0.0), 1.0), effective)
    return Precision(share, low, high, sum(judged for _, _, judged in known))
