"""What is usual just before a minute bar: windows that end before it, and what has gone on in its session until it.

All functions take bars sorted by ticker, session and time. ``first[i]`` is the index of the first bar of bar i's ticker
and session: nothing here looks before it, or after i. Times are nanoseconds. An unknown number is NaN.
"""

import numpy as np

from smallcaps_assets.maths.arguments import Bools, Floats, Ints
from smallcaps_assets.maths.compiled import compiled

UNBOUNDED = 1 << 40
MINUTE = 60_000_000_000


def over(numerator: Floats, denominator: Floats) -> Floats:
    """The quotient; NaN where the denominator is not above zero, so that an empty baseline is unknown, not infinite.

    >>> over(np.array([6.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [3.0, nan]
    """
    quotient = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient


def percent_above(value: Floats, level: Floats) -> Floats:
    """How far a value lies above a level, in percent of the level; negative below.

    >>> percent_above(np.array([10.5]), np.array([10.0])).round(9).tolist()
    [5.0]
    """
    return (over(value, level) - 1.0) * 100.0


@compiled
def window_starts(first: Ints, at: Ints, most: int, span: int) -> Ints:
    """The first bar of each bar's window: at most ``most`` before it, none started over ``span`` ns earlier."""
    starts = np.empty(len(at), dtype=np.int64)
    low = 0
    for i in range(len(at)):
        low = max(low, first[i], i - most)
        while at[i] - at[low] > span:
            low += 1
        starts[i] = low
    return starts


@compiled
def prior_mean(values: Floats, starts: Ints, fewest: int) -> Floats:
    """Mean of ``values[starts[i]:i]``; NaN with fewer than ``fewest``."""
    means = np.full(len(values), np.nan)
    for i in range(len(values)):
        if i - starts[i] >= fewest:
            total = 0.0
            for j in range(starts[i], i):
                total += values[j]
            means[i] = total / (i - starts[i])
    return means


@compiled
def prior_median(values: Floats, starts: Ints, fewest: int) -> Floats:
    """Median of ``values[starts[i]:i]``; NaN with fewer than ``fewest``. Starts never step back; no value is NaN.

    The window is kept in order: a bar costs one value that leaves and one that comes.
    """
    medians = np.full(len(values), np.nan)
    longest = 0
    for i in range(len(values)):
        longest = max(longest, i - starts[i])
    ordered = np.empty(longest + 1)
    low, count = 0, 0
    for i in range(len(values)):
        while low < starts[i]:
            place = np.searchsorted(ordered[:count], values[low])
            count -= 1
            for j in range(place, count):
                ordered[j] = ordered[j + 1]
            low += 1
        if count >= fewest and count > 0:
            medians[i] = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2.0
        place = count
        while place > 0 and ordered[place - 1] > values[i]:
            ordered[place] = ordered[place - 1]
            place -= 1
        ordered[place] = values[i]
        count += 1
    return medians


@compiled
def prior_highest(values: Floats, starts: Ints, fewest: int) -> Floats:
    """Greatest of ``values[starts[i]:i]``; NaN with fewer than ``fewest``. Starts never step back; no value is NaN.

    ``waiting`` holds, greatest first, the bars of the window that no later bar of it exceeds: its head is the answer.
    """
    highest = np.full(len(values), np.nan)
    waiting = np.empty(len(values), dtype=np.int64)
    head, tail = 0, 0
    for i in range(len(values)):
        while head < tail and waiting[head] < starts[i]:
            head += 1
        if i - starts[i] >= fewest and head < tail:
            highest[i] = values[waiting[head]]
        while head < tail and values[waiting[tail - 1]] <= values[i]:
            tail -= 1
        waiting[tail] = i
        tail += 1
    return highest


@compiled
def as_of(first: Ints, at: Ints, age: int, oldest: int) -> Ints:
    """The last bar that started at least ``age`` ns and at most ``oldest`` ns before; -1 if the session has none."""
    found = np.full(len(at), -1, dtype=np.int64)
    low = 0
    for i in range(len(at)):
        low = max(low, first[i])
        while low + 1 < i and at[i] - at[low + 1] >= age:
            low += 1
        if low < i and age <= at[i] - at[low] <= oldest:
            found[i] = low
    return found


@compiled
def streaks(first: Ints, holds: Bools) -> Ints:
    """How many bars in a row, ending with this one, it has held; 0 where it does not."""
    lengths = np.zeros(len(holds), dtype=np.int64)
    for i in range(len(holds)):
        if holds[i]:
            lengths[i] = 1 + (lengths[i - 1] if i > first[i] else 0)
    return lengths


@compiled
def running(first: Ints, values: Floats) -> Floats:
    """Sum over the session up to and including the bar."""
    sums = np.empty(len(values))
    for i in range(len(values)):
        sums[i] = values[i] + (sums[i - 1] if i > first[i] else 0.0)
    return sums


@compiled
def anchored_vwap(first: Ints, price: Floats, volume: Floats, regular: Bools) -> Floats:
    """Σ(price × volume)/Σ volume: of regular bars since the open, of all others since 04:00; this bar included.

    Bars of a session come pre-market, regular, after-market; the after-market's sums hold the whole session.
    """
    vwap = np.full(len(price), np.nan)
    dollars, shares, regular_dollars, regular_shares = 0.0, 0.0, 0.0, 0.0
    for i in range(len(price)):
        if i == first[i]:
            dollars, shares, regular_dollars, regular_shares = 0.0, 0.0, 0.0, 0.0
        dollars += price[i] * volume[i]
        shares += volume[i]
        if regular[i]:
            regular_dollars += price[i] * volume[i]
            regular_shares += volume[i]
            if regular_shares > 0:
                vwap[i] = regular_dollars / regular_shares
        elif shares > 0:
            vwap[i] = dollars / shares
    return vwap


@compiled
def usual_volume_so_far(
    day: Ints,
    minute: Ints,
    first: Ints,
    bars: Ints,
    ticker: Ints,
    ordinal: Ints,
    opens_at: Ints,
    ends: Ints,
    at: Ints,
    volume: Floats,
    sessions: int,
    fewest: int,
) -> Floats:
    """Mean volume up to the same minute from the open in the sessions before: float64[k], for k questions.

    ``day[k]`` is a row of the tables ``first`` (its first bar), ``bars`` (how many it has), ``ticker``, ``ordinal`` (of
    its session), ``opens_at`` and ``ends`` (minute from the open at which the session's hours end), sorted by ticker
    and ordinal; the bars may hold the days in any order. A session counts if it is among the ``sessions`` before, has
    any bar, and its hours reach the minute (an early close may not).
    NaN with fewer than ``fewest`` of them, or if none traded: nothing over nothing is unknown, not infinite.
    """
    usual = np.full(len(day), np.nan)
    for k in range(len(day)):
        total, count = 0.0, 0
        other = day[k] - 1
        while other >= 0 and ticker[other] == ticker[day[k]] and ordinal[other] >= ordinal[day[k]] - sessions:
            if minute[k] < ends[other]:
                count += 1
                until, so_far = opens_at[other] + (minute[k] + 1) * MINUTE, 0.0
                for i in range(first[other], first[other] + bars[other]):
                    if at[i] >= until:
                        break
                    so_far += volume[i]
                total += so_far
            other -= 1
        if count >= fewest and total > 0:
            usual[k] = total / count
    return usual
