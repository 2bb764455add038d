"""When a condition becomes an event: at its crossing, unless the same detector fired in the same direction just before.

Both rules look only backwards: whether a bar fires depends on it and on bars before it.
"""

from typing import NamedTuple

import numpy as np

from smallcaps_assets.maths.arguments import Bools, Floats, Ints
from smallcaps_assets.maths.compiled import compiled
from smallcaps_assets.maths.minute_table import MINUTE, Minutes

NOISE = 1e-9  # of a percentage or a multiple: a move of exactly 3 % must reach 3 % although its quotient may not


class Fired(NamedTuple):
    """The events of one detector, in the order of the bars."""

    rows: Ints  # index of the bar that completed it
    up: Bools  # its direction
    spike: Floats  # volume over the detector's baseline
    move_pct: Floats  # the move that the detector is about, signed


def reaches(value: Floats, bound: float) -> Bools:
    """Whether a value is at or above a bound, but for the last binary digits; unknown is no.

    >>> reaches(np.array([5.0 - 1e-12, 4.999, np.nan]), 5.0).tolist()
    [True, False, False]
    """
    return np.asarray(value >= bound - NOISE)


def crossings(first: Ints, holds: Bools) -> Bools:
    """Where it holds and did not hold at the traded bar before in the same session.

    >>> crossings(np.array([0, 0, 0, 3]), np.array([True, True, False, True])).tolist()
    [True, False, False, True]
    """
    before = np.zeros(len(holds), dtype=np.bool_)
    before[1:] = holds[:-1]
    before[first] = False
    return holds & ~before


@compiled
def cooled(first: Ints, at: Ints, fires: Bools, span: int) -> Bools:
    """What is left when each event silences those that start less than ``span`` ns after it in its session."""
    left = np.zeros(len(fires), dtype=np.bool_)
    last = -1
    for i in range(len(fires)):
        if fires[i] and (last < first[i] or at[i] - at[last] >= span):
            left[i] = True
            last = i
    return left


@compiled
def first_of_session(first: Ints, fires: Bools, most: int) -> Bools:
    """What is left when only the first ``most`` events of each session count."""
    left = np.zeros(len(fires), dtype=np.bool_)
    session, count = -1, 0
    for i in range(len(fires)):
        if first[i] != session:
            session, count = first[i], 0
        if fires[i] and count < most:
            left[i] = True
            count += 1
    return left


def fire(bars: Minutes, up: Bools, down: Bools, cooldown: int, spike: Floats, move_pct: Floats) -> Fired:
    """The events of both directions, each with its own cooldown in minutes."""
    rising = cooled(bars.first, bars.at, up, cooldown * MINUTE)
    falling = cooled(bars.first, bars.at, down, cooldown * MINUTE)
    return chosen(rising, rising | falling, spike, move_pct)


def chosen(up: Bools, fires: Bools, spike: Floats, move_pct: Floats) -> Fired:
    """The events at the bars that fire, up where ``up`` says so."""
    rows = np.flatnonzero(fires).astype(np.int64)
    return Fired(rows, up[rows], spike[rows], move_pct[rows])
