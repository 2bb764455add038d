"""Detector of a price that changes sides of the volume-weighted average. Source: `spec/events.md`."""

import numpy as np

from smallcaps_assets.maths.arguments import Bools, Ints
from smallcaps_assets.maths.baselines import over, percent_above, streaks
from smallcaps_assets.maths.firing import Fired, fire, reaches
from smallcaps_assets.maths.minute_table import Minutes


def vwap_break(
    bars: Minutes,
    *,
    bars_before: int,
    up_closes: int,
    up_distance_pct: float,
    up_times: float,
    down_closes: int,
    down_distance_pct: float,
    down_times: float,
    cooldown: int,
) -> Fired:
    """After ``bars_before`` closes on one side of the VWAP, the n-th close in a row on the other, far enough from it.

    The volume is that of the bar that crossed, the first of the n, over the mean of its prior 20. Closes are counted
    within a segment, because another segment has another VWAP; a close on the VWAP is on neither side. The event is at
    the n-th close itself: n + 1 closes are a later bar. The move is from the last close before the crossing.
    """
    part = _segments(bars)
    above, below = streaks(part, bars.close > bars.vwap), streaks(part, bars.close < bars.vwap)
    distance = percent_above(bars.close, bars.vwap)
    volume = over(bars.volume, bars.usual_volume)
    spike, last_close = np.full(len(volume), np.nan), np.full(len(volume), np.nan)
    sides = []
    for here, there, closes, far, times in (
        (above, below, up_closes, reaches(distance, up_distance_pct), up_times),
        (below, above, down_closes, reaches(-distance, down_distance_pct), down_times),
    ):
        turned = here == closes
        before = np.maximum(np.arange(len(part)) - closes, 0)
        turned &= (before >= part) & (np.arange(len(part)) >= closes) & (there[before] >= bars_before)
        crossed = np.minimum(before + 1, len(part) - 1)
        spike[turned], last_close[turned] = volume[crossed[turned]], bars.close[before[turned]]
        sides.append(turned & far & reaches(volume[crossed], times))
    return fire(bars, sides[0], sides[1], cooldown, spike, percent_above(bars.close, last_close))


def _segments(bars: Minutes) -> Ints:
    """The first bar of each bar's segment; regular bars stand between the others, so that sides of them differ."""
    changes: Bools = np.zeros(len(bars.at), dtype=np.bool_)
    changes[1:] = bars.regular[1:] != bars.regular[:-1]
    changes |= bars.first == np.arange(len(bars.at))
    return np.maximum.accumulate(np.where(changes, np.arange(len(bars.at)), 0))
