"""The place of an event among those of its kind that came before it.

``kind`` and ``ordinal`` (of the session) are sorted, kind first: the events of a kind stand together, oldest first.
"""

import numpy as np

from smallcaps_assets.maths.arguments import Floats, Ints
from smallcaps_assets.maths.compiled import compiled


@compiled
def mid_ranks(values: Floats, population: Floats) -> Floats:
    """By value, the share of the population below it, equal ones counted half: float64[n] in 0..1.

    NaN is neither ranked nor counted; all are NaN in a population of nothing else.

    >>> mid_ranks(np.array([2.0, 9.0, np.nan]), np.array([3.0, 1.0, 2.0, 2.0])).tolist()
    [0.5, 1.0, nan]
    """
    ranked = np.sort(population[~np.isnan(population)])
    shares = np.full(len(values), np.nan)
    if len(ranked):
        for i in range(len(values)):
            if not np.isnan(values[i]):
                below = np.searchsorted(ranked, values[i], side="left")
                not_above = np.searchsorted(ranked, values[i], side="right")
                shares[i] = (below + not_above) / 2.0 / len(ranked)
    return shares


@compiled
def weighted_mid_ranks(measures: Floats, population: Floats, weights: Floats) -> Floats:
    """By event, the weighted mean of its measures' mid-ranks in the population's: float64[n] in 0..1.

    ``measures`` float64[k, n] and ``population`` float64[k, m], a row a measure; ``weights`` float64[k]. A measure
    without a rank (NaN) leaves its weight to the others; NaN where that leaves none.

    >>> past = np.array([[1.0, 3.0], [1.0, 3.0]])
    >>> weighted_mid_ranks(np.array([[2.0, 2.0], [9.0, np.nan]]), past, np.array([0.75, 0.25])).tolist()
    [0.625, 0.5]
    """
    means, total = np.zeros(measures.shape[1]), np.zeros(measures.shape[1])
    for k in range(len(weights)):
        ranks = mid_ranks(measures[k], population[k])
        for i in range(len(ranks)):
            if not np.isnan(ranks[i]):
                means[i] += weights[k] * ranks[i]
                total[i] += weights[k]
    for i in range(len(means)):
        means[i] = means[i] / total[i] if total[i] > 0 else np.nan
    return means


@compiled
def trailing_scores(
    measures: Floats, weights: Floats, kind: Ints, ordinal: Ints, sessions: int, since: int
) -> tuple[Floats, Floats]:
    """By event, its weighted mean of mid-ranks among its kind's events of the ``sessions`` ordinals before, and the
    mid-rank of that mean among theirs: two float64[n] in 0..1.

    A mean of ranks is not uniform: the more measures, the closer to 0.5. Its rank is, whatever the measures have to do
    with each other, so that a bar at 0.70 lets 30 % pass. The events before are weighed against each other by the same
    rule, hence nothing older than the ``sessions`` counts. NaN where nothing came before, and for ordinals below
    ``since``, which are only looked back upon.

    >>> one, day = np.zeros(4, dtype=np.int64), np.array([0, 0, 0, 1])
    >>> means, scores = trailing_scores(np.array([[1.0, 2.0, 3.0, 2.5]]), np.array([1.0]), one, day, 60, 1)
    >>> means[3].round(4), scores[3].round(4)
    (np.float64(0.6667), np.float64(0.6667))
    """
    means, scores = np.full(len(kind), np.nan), np.full(len(kind), np.nan)
    begin, low = 0, 0
    while begin < len(kind):
        if kind[low] != kind[begin]:
            low = begin
        end = begin
        while end < len(kind) and kind[end] == kind[begin] and ordinal[end] == ordinal[begin]:
            end += 1
        while ordinal[low] < ordinal[begin] - sessions:
            low += 1
        if ordinal[begin] >= since and low < begin:
            earlier = measures[:, low:begin].copy()  # as numba knows them: every layout is compiled once more
            means[begin:end] = weighted_mid_ranks(measures[:, begin:end].copy(), earlier, weights)
            scores[begin:end] = mid_ranks(means[begin:end], weighted_mid_ranks(earlier, earlier, weights))
        begin = end
    return means, scores


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
