"""How much of each label is its own, where labels overlap. Source: AFML 4.2 to 4.11.

Labels are closed intervals ``[first, last]`` of bar indices, in any order; ``bars`` is the number of bars. Bars
belong to one ticker: labels of different tickers do not share a return.
"""

import numpy as np
import numpy.typing as npt

from smallcaps_assets.maths.arguments import (
    Floats,
    Ints,
    above,
    equal_lengths,
    instants,
    intervals,
    positions,
    prices,
    refuse_at,
    whole,
)
from smallcaps_assets.maths.compiled import compiled
from smallcaps_assets.maths.sequential_bootstrap import sequential_draws


def concurrency(first: npt.ArrayLike, last: npt.ArrayLike, bars: int) -> Ints:
    """Labels alive at each bar: int64[bars].

    Raises:
        ValueError: unequal lengths, an index outside the bars, or a label that ends before it starts.

    >>> concurrency([0, 2, 4], [2, 3, 5], 7).tolist()
    [1, 1, 2, 1, 1, 1, 0]
    """
    starts, ends = _labels(first, last, bars)
    return _alive(starts, ends, bars)


def average_uniqueness(first: npt.ArrayLike, last: npt.ArrayLike, bars: int) -> Floats:
    """Mean of 1/concurrency over each label's life: float64[n] in (0, 1], exactly 1 for a label that overlaps none.

    Raises:
        ValueError: as :func:`concurrency`.

    >>> average_uniqueness([0, 2, 4], [2, 3, 5], 6).round(6).tolist()
    [0.833333, 0.75, 1.0]
    """
    starts, ends = _labels(first, last, bars)
    return _mean_shares(_alive(starts, ends, bars), starts, ends)


def anchor_concurrency(start: npt.ArrayLike, end: npt.ArrayLike) -> Ints:
    """For each label the labels j with ``start_j ≤ start_i ≤ end_j``, itself included: int64[n].

    The first system's measure, kept for comparison; ``start`` and ``end`` are instants (ns) or bar indices.

    >>> anchor_concurrency([0, 1, 5], [3, 4, 6]).tolist()
    [1, 2, 1]
    """
    starts, ends = instants("start", start), instants("end", end)
    intervals("start", starts, "end", ends)
    begun = np.searchsorted(np.sort(starts), starts, side="right")
    ended = np.searchsorted(np.sort(ends), starts, side="left")
    return np.asarray(begun - ended, dtype=np.int64)


def return_attribution(
    first: npt.ArrayLike, last: npt.ArrayLike, close: npt.ArrayLike, *, entry_return: bool = False
) -> Floats:
    """``|Σ log-return_t / concurrency_t|`` over each label's life: float64[n], not normalised.

    By default returns and concurrency are counted over ``(first, last]``: what the label earned, so that a label of
    one bar earned nothing. ``entry_return=True`` is the book's (AFML 4.10): over ``[first, last]``, with the return
    *into* the entry bar, earned before entry. Bar 0 has no return.

    Args:
        first: int64[n], the bar of each entry.
        last: int64[n], the bar each label ends at.
        close: float64[bars] dollars.
        entry_return: count the return into the entry bar.

    Raises:
        ValueError: as :func:`concurrency`, or a bad price.

    >>> closes = np.exp([0.0, 0.01, 0.03, 0.06])
    >>> return_attribution([0, 1], [2, 3], closes).round(6).tolist()
    [0.02, 0.04]
    """
    closes = prices("close", close)
    starts, ends = _labels(first, last, len(closes))
    returns = np.zeros(len(closes))
    returns[1:] = np.diff(np.log(closes))
    counted = starts if entry_return else starts + 1
    alive = _alive(counted, ends, len(closes))
    return np.abs(_shared_sums(returns, alive, counted, ends))


def sequential_bootstrap(
    first: npt.ArrayLike, last: npt.ArrayLike, bars: int, *, draws: int, rng: np.random.Generator
) -> Ints:
    """``draws`` labels drawn with replacement, each less likely the more it overlaps those drawn: int64[draws].

    A label's chance is proportional to the mean over its life of ``1/(1 + c_t)``, c_t counting the labels drawn so far
    that are alive at t (AFML 4.5). One uniform number of ``rng`` a draw. A draw costs O(log n) and what its label
    overlaps; memory is O(n + bars), never the matrix of labels by bars.

    Raises:
        ValueError: as :func:`concurrency`, draws below 0, or draws from no labels.

    >>> drawn = sequential_bootstrap([0, 2, 4], [2, 3, 5], 6, draws=1000, rng=np.random.default_rng(1))
    >>> len(drawn), sorted(set(drawn.tolist()))
    (1000, [0, 1, 2])
    """
    starts, ends = _labels(first, last, bars)
    whole("draws", draws, 0)
    if draws and not len(starts):
        raise ValueError(f"first is empty: there is no label for {draws} draws")
    return sequential_draws(starts, ends, bars, rng.random(draws))


def time_decay(age_days: npt.ArrayLike, *, half_life_days: float) -> Floats:
    """``0.5 ** (age / half_life)``: float64[n]; 1 for an age of 0, half of it at each half-life.

    Age is counted to the newest session of the training set, not to today, so that weights are reproducible.

    Raises:
        ValueError: an age that is negative or not finite, or a half-life that is not above 0.

    >>> time_decay([0, 30, 60], half_life_days=30).tolist()
    [1.0, 0.5, 0.25]
    """
    above("half_life_days", half_life_days, 0)
    ages = np.asarray(age_days, dtype=np.float64)
    bad = ~(np.isfinite(ages) & (ages >= 0))
    refuse_at("age_days", ages, int(np.argmax(bad)) if bad.any() else -1, "is not a finite age of 0 or more")
    return np.asarray(0.5 ** (ages / half_life_days), dtype=np.float64)


def _labels(first: npt.ArrayLike, last: npt.ArrayLike, bars: int) -> tuple[Ints, Ints]:
    whole("bars", bars, 0)
    starts, ends = positions("first", first, bars), positions("last", last, bars)
    equal_lengths(first=starts, last=ends)
    intervals("first", starts, "last", ends)
    return starts, ends


@compiled
def _alive(first: Ints, last: Ints, bars: int) -> Ints:
    """Labels alive at each bar; a label with ``first = last + 1`` is alive at none."""
    alive = np.zeros(bars + 1, dtype=np.int64)
    for k in range(len(first)):
        alive[first[k]] += 1
        alive[last[k] + 1] -= 1
    for t in range(1, bars + 1):
        alive[t] += alive[t - 1]
    return alive[:bars]


@compiled
def _mean_shares(alive: Ints, first: Ints, last: Ints) -> Floats:
    """Mean of ``1 / alive`` over each interval ``[first, last]``; ``alive`` is overwritten by prefix sums.

    A share is counted in whole parts of a power of two, so large that the sum over all bars fits 64 bits: sums are
    exact, whatever their order, and a label that overlaps none gets 1. Shares are off by half a part: 2^-43 for a
    million bars.
    """
    whole_share = 2.0**61
    while whole_share * len(alive) > 2.0**62:
        whole_share /= 2.0
    total = 0
    for t in range(len(alive)):
        total += int(np.rint(whole_share / max(alive[t], 1)))
        alive[t] = total
    out = np.empty(len(first))
    for k in range(len(first)):
        before = alive[first[k] - 1] if first[k] > 0 else 0
        out[k] = (alive[last[k]] - before) / (whole_share * (last[k] - first[k] + 1))
    return out


@compiled
def _shared_sums(values: Floats, alive: Ints, first: Ints, last: Ints) -> Floats:
    """Σ ``values / alive`` over each interval ``[first, last]``, by prefix sums that carry their rounding along.

    Without the error term a label that overlaps none, after many that do, would get 0.999… for 1.
    """
    sums = np.zeros((len(values) + 1, 2))
    for t in range(len(values)):
        share = values[t] / max(alive[t], 1)
        before = sums[t, 0]
        total = before + share
        added = total - before
        sums[t + 1, 0] = total
        sums[t + 1, 1] = sums[t, 1] + ((before - (total - added)) + (share - added))
    out = np.empty(len(first))
    for k in range(len(first)):
        low = first[k]
        high = last[k] + 1
        out[k] = (sums[high, 0] - sums[low, 0]) + (sums[high, 1] - sums[low, 1])
    return out
