"""Detectors of a run of green bars and of what ends it. Source: `spec/events.md`."""

import numpy as np

from smallcaps_assets.maths.arguments import Bools, Floats, Ints
from smallcaps_assets.maths.baselines import over, percent_above, streaks
from smallcaps_assets.maths.compiled import compiled
from smallcaps_assets.maths.firing import NOISE, Fired, chosen, crossings, fire, reaches
from smallcaps_assets.maths.minute_table import Minutes


def first_pullback(bars: Minutes, *, green_bars: int, gain_pct: float, red_bars: int, give_back_pct: float) -> Fired:
    """A close above the high of the bar before, which was the last of a few red bars after a run of green ones.

    The run gains from its first open to its last close; the red bars, each on less volume than the bar before it, give
    part of that back by their lowest close. Once a session. The move is the run's gain.
    """
    up, gain = _pullbacks(
        bars.first, bars.open, bars.high, bars.close, bars.volume, green_bars, gain_pct, red_bars, give_back_pct
    )
    return chosen(up, up, over(bars.volume, bars.usual_volume), gain)


def parabolic_exhaustion(
    bars: Minutes, *, above_open_pct: float, green_bars: int, wick_pct: float, cooldown: int
) -> Fired:
    """A bar of the session's highest volume and with a long upper wick, at the end of a steepening run of green ones.

    The run closed far above the regular open, and the gains of its last bars, open to close, rise: the slope of a line
    through them is positive, so that one bar rounded to the tick does not hide it. The move is that of the run's last
    close above the open.
    """
    above = percent_above(bars.close, _regular_open(bars.first, bars.regular, bars.open))
    green = streaks(bars.first, bars.close > bars.open) >= green_bars
    steeper = _slope(percent_above(bars.close, bars.open), green_bars) > NOISE
    run = _bar_before(bars.first, green & steeper & reaches(above, above_open_pct))
    wick = over(bars.high - np.maximum(bars.open, bars.close), bars.high - bars.low) * 100.0
    loudest = bars.volume > _highest_before(bars.first, bars.volume)
    down = crossings(bars.first, run & loudest & reaches(wick, wick_pct))
    spike = over(bars.volume, bars.usual_volume)
    return fire(bars, np.zeros_like(down), down, cooldown, spike, np.roll(above, 1))


@compiled
def _pullbacks(
    first: Ints,
    opens: Floats,
    high: Floats,
    close: Floats,
    volume: Floats,
    green_bars: int,
    gain_pct: float,
    red_bars: int,
    give_back_pct: float,
) -> tuple[Bools, Floats]:
    """By bar: whether it is the session's first to end a pullback, and the gain in percent of the run before."""
    ends, gains = np.zeros(len(close), dtype=np.bool_), np.full(len(close), np.nan)
    greens, reds, start, top, lowest = 0, 0, np.nan, np.nan, np.nan
    falling, done = True, False
    for i in range(len(close)):
        if i == first[i]:
            greens, reds, done = 0, 0, False
        if reds > 0 and not done and close[i] > high[i - 1]:
            gain = (top / start - 1.0) * 100.0
            held = (top - lowest) * 100.0 <= (give_back_pct + NOISE) * (top - start)
            if greens >= green_bars and gain >= gain_pct - NOISE and reds <= red_bars and falling and held:
                ends[i], gains[i], done = True, gain, True
        if close[i] > opens[i]:
            if reds > 0 or greens == 0:
                greens, start = 0, opens[i]
            greens, reds, falling = greens + 1, 0, True
            top = close[i]
            lowest = close[i]
        elif close[i] < opens[i] and greens > 0:
            reds += 1
            lowest = min(lowest, close[i])
            falling = falling and volume[i] < volume[i - 1]
        else:
            greens, reds = 0, 0
    return ends, gains


@compiled
def _regular_open(first: Ints, regular: Bools, opens: Floats) -> Floats:
    """The open of the session's first regular bar, from it on; NaN before."""
    found = np.full(len(opens), np.nan)
    for i in range(len(opens)):
        if i > first[i]:
            found[i] = found[i - 1]
        if regular[i] and np.isnan(found[i]):
            found[i] = opens[i]
    return found


@compiled
def _highest_before(first: Ints, values: Floats) -> Floats:
    """The greatest value of the session before each bar; NaN at its first."""
    highest = np.full(len(values), np.nan)
    for i in range(len(values)):
        if i > first[i]:
            highest[i] = values[i - 1]
            if highest[i - 1] > highest[i]:
                highest[i] = highest[i - 1]
    return highest


def _slope(values: Floats, count: int) -> Floats:
    """Of a line through the last ``count`` values, times a positive number; NaN at the first ones of the array."""
    slope = np.full(len(values), np.nan)
    if len(values) >= count:
        whole = len(values) - count + 1
        slope[count - 1 :] = sum((at - (count - 1) / 2) * values[at : at + whole] for at in range(count))
    return slope


def _bar_before(first: Ints, holds: Bools) -> Bools:
    """Whether it held at the traded bar before in the same session."""
    before = np.zeros(len(holds), dtype=np.bool_)
    before[1:] = holds[:-1]
    before[first] = False
    return before
