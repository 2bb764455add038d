"""Detectors of a close beyond a range that was set before it. Source: `spec/events.md`."""

import numpy as np

from smallcaps_assets.maths.arguments import Floats, Ints
from smallcaps_assets.maths.baselines import (
    UNBOUNDED,
    as_of,
    over,
    percent_above,
    prior_highest,
    prior_mean,
    window_starts,
)
from smallcaps_assets.maths.compiled import compiled
from smallcaps_assets.maths.firing import NOISE, Fired, crossings, fire, reaches
from smallcaps_assets.maths.minute_table import FEWEST, MINUTE, OLDEST, Minutes


def opening_range_break(
    bars: Minutes, *, range_minutes: int, distance_pct: float, times: float, cooldown: int
) -> Fired:
    """A regular close beyond the high or low of the first regular minutes, the traded bar before having closed inside.

    The price must cross and the volume confirm at the same bar: volume that comes later is no first close. The move is
    the distance from the range's edge.
    """
    high, low = _opening_range(bars.first, bars.minute, bars.high, bars.low, range_minutes)
    after = bars.regular & (bars.minute >= range_minutes)
    above, below = percent_above(bars.close, high), percent_above(bars.close, low)
    spike = over(bars.volume, bars.usual_volume)
    up = crossings(bars.first, after & reaches(above, distance_pct)) & reaches(spike, times)
    down = crossings(bars.first, after & reaches(-below, distance_pct)) & reaches(spike, times)
    return fire(bars, up, down, cooldown, spike, np.where(up, above, below))


def price_momentum(
    bars: Minutes, *, window_minutes: int, up_pct: float, down_pct: float, times: float, cooldown: int
) -> Fired:
    """A fast move that also closes beyond the highest high or lowest low of the prior 20.

    The move is from the last close of a bar that started at least ``window_minutes``, at most two hours, earlier in the
    session.
    """
    base = as_of(bars.first, bars.at, window_minutes * MINUTE, OLDEST)
    move = percent_above(bars.close, np.where(base >= 0, bars.close[base], np.nan))
    spike = over(bars.volume, bars.usual_volume)
    highest = prior_highest(bars.high, bars.prior, FEWEST)
    lowest = -prior_highest(-bars.low, bars.prior, FEWEST)
    busy = reaches(spike, times)
    up = crossings(bars.first, busy & reaches(move, up_pct) & (bars.close > highest))
    down = crossings(bars.first, busy & reaches(-move, down_pct) & (bars.close < lowest))
    return fire(bars, up, down, cooldown, spike, move)


def consolidation_break(
    bars: Minutes,
    *,
    base_minutes: int,
    fewest_bars: int,
    most_of_atr: float,
    distance_pct: float,
    times: float,
    cooldown: int,
) -> Fired:
    """A close beyond a base: the bars of the last minutes before it, if their range is small against the ATR.

    The ATR is that of the 14 sessions before. Volume is over the mean of the base. The move is the distance from the
    base's edge.
    """
    base = window_starts(bars.first, bars.at, UNBOUNDED, base_minutes * MINUTE)
    high = prior_highest(bars.high, base, fewest_bars)
    low = -prior_highest(-bars.low, base, fewest_bars)
    calm = high - low <= most_of_atr * bars.atr + NOISE
    spike = over(bars.volume, prior_mean(bars.volume, base, fewest_bars))
    above, below = percent_above(bars.close, high), percent_above(bars.close, low)
    busy = calm & reaches(spike, times)
    up = crossings(bars.first, busy & reaches(above, distance_pct))
    down = crossings(bars.first, busy & reaches(-below, distance_pct))
    return fire(bars, up, down, cooldown, spike, np.where(up, above, below))


def high_of_day_break(bars: Minutes, *, oldest_minutes: int, times: float, cooldown: int) -> Fired:
    """A close beyond the session's high (or low) since 04:00, which was set at least ``oldest_minutes`` before.

    An equal high later does not make it younger. The move is the distance from it.
    """
    spike = over(bars.volume, bars.usual_volume)
    high, high_at = _extreme(bars.first, bars.at, bars.high)
    low, low_at = _extreme(bars.first, bars.at, -bars.low)
    busy, age = reaches(spike, times), oldest_minutes * MINUTE
    up = crossings(bars.first, busy & (bars.close > high) & (bars.at - high_at >= age))
    down = crossings(bars.first, busy & (bars.close < -low) & (bars.at - low_at >= age))
    return fire(bars, up, down, cooldown, spike, percent_above(bars.close, np.where(up, high, -low)))


@compiled
def _opening_range(first: Ints, minute: Ints, high: Floats, low: Floats, minutes: int) -> tuple[Floats, Floats]:
    """High and low of the bars whose minute is in [0, minutes), from then on; NaN before, or if none traded."""
    highs, lows = np.full(len(high), np.nan), np.full(len(high), np.nan)
    top, bottom = np.nan, np.nan
    for i in range(len(high)):
        if i == first[i]:
            top, bottom = np.nan, np.nan
        if 0 <= minute[i] < minutes:
            top = high[i] if not top >= high[i] else top
            bottom = low[i] if not bottom <= low[i] else bottom
        elif minute[i] >= minutes:
            highs[i], lows[i] = top, bottom
    return highs, lows


@compiled
def _extreme(first: Ints, at: Ints, values: Floats) -> tuple[Floats, Ints]:
    """The greatest value of the session before each bar and when it was first reached; NaN at the first bar."""
    greatest, since = np.full(len(at), np.nan), np.zeros(len(at), dtype=np.int64)
    for i in range(len(at)):
        if i > first[i]:
            greatest[i], since[i] = greatest[i - 1], since[i - 1]
            if not greatest[i] >= values[i - 1]:
                greatest[i], since[i] = values[i - 1], at[i - 1]
    return greatest, since
