"""The draws of the sequential bootstrap, in memory of one number a label and a bar. Source: AFML 4.5.

Three structures make a draw cheap: a Fenwick tree over the labels' chances, in the labels' own order, finds the label
of a uniform number in O(log n); a draw changes ``1/(1 + c_t)`` only inside the drawn label, so that one prefix sum
over its life tells every overlapping label by how much its chance falls; and labels sorted by start, with the running
maximum of their ends, bound where the overlapping ones lie.
"""

import numpy as np

from smallcaps_assets.maths.arguments import Floats, Ints
from smallcaps_assets.maths.compiled import compiled


def sequential_draws(first: Ints, last: Ints, bars: int, uniforms: Floats) -> Ints:
    """The label that each of ``uniforms`` (float64[draws] in [0, 1)) draws: int64[draws]. Takes arrays as checked.

    >>> sequential_draws(np.array([0, 0]), np.array([1, 1]), 2, np.array([0.4, 0.6])).tolist()
    [0, 1]
    """
    by_start = np.argsort(first, kind="stable")
    furthest = np.maximum.accumulate(last[by_start]) if len(last) else last
    return _draws(first, last, bars, uniforms, by_start, first[by_start], furthest)


@compiled
def _draws(
    first: Ints, last: Ints, bars: int, uniforms: Floats, by_start: Ints, sorted_first: Ints, furthest: Ints
) -> Ints:
    labels = len(first)
    drawn = np.empty(len(uniforms), dtype=np.int64)
    count = np.zeros(bars, dtype=np.int64)
    fall = np.empty(bars + 1, dtype=np.float64)
    tree = np.zeros(labels + 1, dtype=np.float64)
    total = float(labels)
    top = 1
    while top * 2 <= labels:
        top *= 2
    for k in range(labels):
        _add(tree, k, 1.0)
    for draw in range(len(uniforms)):
        label = _find(tree, uniforms[draw] * total, top)
        drawn[draw] = label
        start = first[label]
        end = last[label]
        fall[0] = 0.0
        for t in range(start, end + 1):
            now = 1.0 / (1.0 + count[t])
            count[t] += 1
            fall[t - start + 1] = fall[t - start] + (now - 1.0 / (1.0 + count[t]))
        from_rank = np.searchsorted(furthest, start)
        to_rank = np.searchsorted(sorted_first, end, side="right")
        for rank in range(from_rank, to_rank):
            other = by_start[rank]
            low = max(first[other], start)
            high = min(last[other], end)
            if low <= high:
                shared = fall[high - start + 1] - fall[low - start]
                lost = shared / (last[other] - first[other] + 1)
                _add(tree, other, -lost)
                total -= lost
    return drawn


@compiled
def _add(tree: Floats, label: int, amount: float) -> None:
    node = label + 1
    while node < len(tree):
        tree[node] += amount
        node += node & -node


@compiled
def _find(tree: Floats, target: float, top: int) -> int:
    """The first label whose cumulated chance exceeds ``target``."""
    node = 0
    step = top
    while step > 0:
        onward = node + step
        if onward < len(tree) and tree[onward] <= target:
            node = onward
            target -= tree[onward]
        step //= 2
    return min(node, len(tree) - 2)
