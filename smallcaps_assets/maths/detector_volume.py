"""Detectors of unusual activity in one minute: volume, and trades. Source: `spec/events.md`."""

import numpy as np

from smallcaps_assets.maths.baselines import over, percent_above, prior_mean, prior_median
from smallcaps_assets.maths.firing import Fired, chosen, cooled, crossings, fire, first_of_session, reaches
from smallcaps_assets.maths.minute_table import FEWEST, MINUTE, Minutes


def volume_spike(
    bars: Minutes,
    *,
    rth_times: float,
    rth_shares: float,
    rth_dollars: float,
    extended_times: float,
    extended_shares: float,
    extended_dollars: float,
    range_pct: float,
    cooldown: int,
    most: int,
) -> Fired:
    """A bar whose volume is many times the median of its prior 20, and whose range is wide; at most ``most`` a session.

    Multiples, shares and dollars have one bound in regular hours and one outside; ``range_pct`` is (high − low)/open in
    percent, ``cooldown`` minutes. Direction is close against open. The move is that of the bar, open to close.
    """
    spike = over(bars.volume, prior_median(bars.volume, bars.prior, FEWEST))
    in_hours = reaches(spike, rth_times) & (bars.volume >= rth_shares) & reaches(bars.dollars, rth_dollars)
    outside = (
        reaches(spike, extended_times) & (bars.volume >= extended_shares) & reaches(bars.dollars, extended_dollars)
    )
    wide = reaches((over(bars.high - bars.low, bars.open)) * 100.0, range_pct)
    holds = np.where(bars.regular, in_hours, outside) & wide
    rising, falling = (crossings(bars.first, holds & side) for side in (bars.close > bars.open, bars.close < bars.open))
    span = cooldown * MINUTE
    up, down = cooled(bars.first, bars.at, rising, span), cooled(bars.first, bars.at, falling, span)
    return chosen(up, first_of_session(bars.first, up | down, most), spike, percent_above(bars.close, bars.open))


def tape_speed(bars: Minutes, *, trades: float, times: float, cooldown: int) -> Fired:
    """A minute with many trades, and many times the mean trades of its prior 20. The move is the bar's, open to close.

    The spike is volume over the mean of the prior 20, as everywhere, not trades.
    """
    faster = reaches(over(bars.trades, prior_mean(bars.trades, bars.prior, FEWEST)), times)
    holds = faster & (bars.trades >= trades)
    up = crossings(bars.first, holds & (bars.close > bars.open))
    down = crossings(bars.first, holds & (bars.close < bars.open))
    return fire(bars, up, down, cooldown, over(bars.volume, bars.usual_volume), percent_above(bars.close, bars.open))
