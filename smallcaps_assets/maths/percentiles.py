"""The place of a value among those of its kind that came before it.

``kind`` and ``ordinal`` (of the session) are sorted, kind first: the events of a kind stand together, oldest first.
"""

import numpy as np

from smallcaps_assets.maths.arguments import Floats, Ints
from smallcaps_assets.maths.compiled import compiled


@compiled
def trailing_percentile(values: Floats, kind: Ints, ordinal: Ints, sessions: int, since: int) -> Floats:
    """By element, its mid-rank share among its kind's values of the ``sessions`` ordinals before: float64[n] in 0..1.

    Equal values count half. NaN is neither ranked nor counted; NaN where nothing came before, and for ordinals below
    ``since``, which are only looked back upon. Each session's population is sorted once, so that the cost is
    sessions × events × log(events), not events squared.

    >>> one = np.array([0, 0, 0, 0])
    >>> trailing_percentile(np.array([1.0, 2.0, 2.0, 9.0]), one, np.array([1, 1, 2, 4]), 2, 1).tolist()
    [nan, nan, 0.75, 1.0]
    """
    shares = np.full(len(values), np.nan)
    begin, low = 0, 0
    while begin < len(values):
        if kind[low] != kind[begin]:
            low = begin
        end = begin
        while end < len(values) and kind[end] == kind[begin] and ordinal[end] == ordinal[begin]:
            end += 1
        while ordinal[low] < ordinal[begin] - sessions:
            low += 1
        earlier = values[low:begin]
        if ordinal[begin] >= since and len(earlier):
            ranked = np.sort(earlier[~np.isnan(earlier)])
            for i in range(begin, end):
                if len(ranked) and not np.isnan(values[i]):
                    below = np.searchsorted(ranked, values[i], side="left")
                    not_above = np.searchsorted(ranked, values[i], side="right")
                    shares[i] = (below + not_above) / 2.0 / len(ranked)
        begin = end
    return shares


@compiled
def earlier_count(kind: Ints, ordinal: Ints, sessions: int) -> Ints:
    """By element, how many of its kind lie in the ``sessions`` ordinals before its own.

    >>> earlier_count(np.array([0, 0, 0, 5]), np.array([1, 1, 2, 4]), 2).tolist()
    [0, 0, 2, 0]
    """
    counts = np.zeros(len(ordinal), dtype=np.int64)
    low, own = 0, 0
    for i in range(len(ordinal)):
        if kind[i] != kind[own]:
            low, own = i, i
        elif ordinal[i] != ordinal[own]:
            own = i
        while ordinal[low] < ordinal[i] - sessions:
            low += 1
        counts[i] = own - low
    return counts
