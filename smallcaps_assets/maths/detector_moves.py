"""Detectors that have one direction: a flush is down, a gap that goes is up. Source: `spec/events.md`."""

import numpy as np

from smallcaps_assets.maths.arguments import Bools, Floats, Ints
from smallcaps_assets.maths.baselines import UNBOUNDED, over, percent_above, prior_highest, streaks, window_starts
from smallcaps_assets.maths.compiled import compiled
from smallcaps_assets.maths.firing import Fired, chosen, crossings, fire, reaches
from smallcaps_assets.maths.minute_table import MINUTE, Minutes


def flush(bars: Minutes, *, window_minutes: int, drop_pct: float, red_bars: int, times: float, cooldown: int) -> Fired:
    """A close far below the highest high of the last minutes, this bar's included, after red bars in a row.

    The move is the drop from that high, negative.
    """
    window = window_starts(bars.first, bars.at, UNBOUNDED, window_minutes * MINUTE - 1)
    highest = np.fmax(prior_highest(bars.high, window, 1), bars.high)
    drop = percent_above(bars.close, highest)
    spike = over(bars.volume, bars.usual_volume)
    red = streaks(bars.first, bars.close < bars.open) >= red_bars
    down = crossings(bars.first, red & reaches(-drop, drop_pct) & reaches(spike, times))
    return fire(bars, np.zeros_like(down), down, cooldown, spike, drop)


def gap_and_go(bars: Minutes, *, gap_pct: float, premarket_shares: float, premarket_rvol: float) -> Fired:
    """The first regular close above the pre-market high, on a gap with volume; once a session.

    The gap is the last pre-market close against the prior official close; both volumes are those of the whole
    pre-market, the relative one against the sessions before. The move is the gap.
    """
    gap, shares, above = _premarket(bars.first, bars.minute, bars.regular, bars.high, bars.close, bars.volume)
    gap = percent_above(gap, bars.prior_close)
    wanted = reaches(gap, gap_pct) & (shares >= premarket_shares) & reaches(bars.premarket_rvol, premarket_rvol)
    up = above & wanted
    return chosen(up, up, over(bars.volume, bars.usual_volume), gap)


@compiled
def _premarket(
    first: Ints, minute: Ints, regular: Bools, high: Floats, close: Floats, volume: Floats
) -> tuple[Floats, Floats, Bools]:
    """By bar: last pre-market close, pre-market shares, and whether it is the first regular close above the high."""
    last, shares, above = np.full(len(high), np.nan), np.zeros(len(high)), np.zeros(len(high), dtype=np.bool_)
    top, price, sum_of_shares, done = np.nan, np.nan, 0.0, False
    for i in range(len(high)):
        if i == first[i]:
            top, price, sum_of_shares, done = np.nan, np.nan, 0.0, False
        if minute[i] < 0:
            top = high[i] if not top >= high[i] else top
            price = close[i]
            sum_of_shares += volume[i]
        elif regular[i]:
            last[i], shares[i] = price, sum_of_shares
            above[i] = not done and close[i] > top
            done = done or above[i]
    return last, shares, above
