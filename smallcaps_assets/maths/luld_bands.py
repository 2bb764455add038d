"""Limit Up-Limit Down price bands, by the rules of the day, from minutes. Source: `spec/market_rules.md` 2.3.

Bands hold in regular hours, around a reference price: the first trade of the session or after a halt, then the mean of
the last five minutes' trades whenever that is 1 % or more away. The class of a stock goes by its previous close.

Minutes stand for trades, so the reference is an approximation: the plan looks every 30 s at single eligible trades, we
at each minute's end, and a minute counts at its own mean price as often as it has trades. What that costs is measured
on recorded trades by ``test_luld_bands.py``. Not modelled: leveraged products, which no small-cap stock is.
"""

from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from smallcaps_assets.maths import arguments
from smallcaps_assets.maths.arguments import Bools, Floats, Ints
from smallcaps_assets.maths.compiled import compiled

WHOLE_DAY_SINCE = date(2014, 2, 24)  # the plan was phased in over the year before
AMENDED_SINCE = date(2020, 2, 24)  # amendment 18: the opening's bands are single
MINUTE = 60_000_000_000
OPENING, CLOSING = 15 * MINUTE, 25 * MINUTE  # stretches of double bands
WINDOW = 5  # minutes of the reference price, and until the previous close stands in for an opening that does not come
CHANGE = 0.01  # of the reference price; a smaller one leaves it as it is
ROUNDING = 1e-9  # so that a half cent, or 1 % sharp, is not lost to binary fractions
LOW_PRICE, HIGH_PRICE = 0.75, 3.0  # previous closes at which the class changes


class Bands(NamedTuple):
    """No trade below ``lower`` or above ``upper``: USD, float64[n], NaN where unknown."""

    lower: Floats
    upper: Floats


def doubled(
    at: npt.ArrayLike,
    opens_at: npt.ArrayLike,
    closes_at: npt.ArrayLike,
    previous_close: npt.ArrayLike,
    tier: npt.ArrayLike,
    amended: npt.ArrayLike,
) -> Bools:
    """Whether bands are double at instants (ns UTC) of the regular hours [opens_at, closes_at): bool[n].

    Until 2020-02-23 in the first 15 minutes and the last 25, of all stocks. Since (``amended``) in the last 25 only, of
    tier 1 and of stocks that closed at 3 USD or less.
    """
    instant = arguments.integers("at", at)
    opens, closes = arguments.integers("opens_at", opens_at), arguments.integers("closes_at", closes_at)
    close, tiers, since = np.asarray(previous_close), np.asarray(tier), np.asarray(amended)
    arguments.equal_lengths(at=instant, opens_at=opens, closes_at=closes, previous_close=close, tier=tiers)
    late = instant >= closes - CLOSING
    early = instant < opens + OPENING
    return np.asarray(np.where(since, late & ((close <= HIGH_PRICE) | (tiers == 1)), late | early), dtype=np.bool_)


def bands(reference: npt.ArrayLike, previous_close: npt.ArrayLike, tier: npt.ArrayLike, double: npt.ArrayLike) -> Bands:
    """Bands around reference prices, to the cent; NaN where the reference or the previous close is.

    Above 3 USD of previous close 10 % (tier 1: 5 %), down to 0.75 USD 20 %, below it the lesser of 0.15 USD and 75 %.
    Where ``double`` is set, twice that; of the lowest class the upper band only.

    Raises:
        ValueError: unequal lengths, or a tier other than 1 and 2.

    >>> bands([2.0, 3.01, 0.5], [2.0, 3.01, 0.5], [2, 2, 2], [False, False, True])
    Bands(lower=array([1.6 , 2.71, 0.35]), upper=array([2.4 , 3.31, 0.8 ]))
    """
    price, close = np.asarray(reference, dtype=np.float64), np.asarray(previous_close, dtype=np.float64)
    tiers, twice = arguments.integers("tier", tier), np.asarray(double, dtype=np.bool_)
    arguments.equal_lengths(reference=price, previous_close=close, tier=tiers, double=twice)
    wrong = np.flatnonzero((tiers != 1) & (tiers != 2))
    arguments.refuse_at("tier", tiers, int(wrong[0]) if wrong.size else -1, "is no tier of the plan")
    share = np.where(close > HIGH_PRICE, np.where(tiers == 1, 0.05, 0.10), 0.20)
    lowest = close < LOW_PRICE
    width = np.where(lowest, np.minimum(0.15, 0.75 * price), share * price)
    width = np.where(np.isnan(close), np.nan, width)
    times = np.where(twice, 2.0, 1.0)
    lower, upper = price - width * np.where(lowest, 1.0, times), price + width * times
    return Bands(_to_the_cent(np.maximum(lower, 0.0)), _to_the_cent(upper))


def _to_the_cent(price: Floats) -> Floats:
    """The nearest cent; a half cent goes up."""
    return np.asarray(np.floor(price * 100 + 0.5 + ROUNDING) / 100, dtype=np.float64)


def reference_prices(
    first: npt.ArrayLike,
    opening: npt.ArrayLike,
    mean: npt.ArrayLike,
    trades: npt.ArrayLike,
    restarts: npt.ArrayLike,
    previous_close: npt.ArrayLike,
) -> Floats:
    """The reference price at the end of each regular minute: USD, float64[n], NaN where there is none yet.

    Every regular minute of one or more ticker-sessions, in order, those without a trade as well. Nothing looks ahead.

    Args:
        first: int64[n], index of the first minute of the minute's ticker-session.
        opening: price of the minute's first trade; NaN without one.
        mean: mean price of its trades; NaN without one.
        trades: how many it has, the weight of its mean.
        restarts: bool[n], the minute in which trading resumes after a halt: what was before it counts no more.
        previous_close: the reference when no trade has come five minutes after the open; NaN unknown.

    >>> reference_prices([0, 0, 0], [10.0, 10.5, np.nan], [10.0, 10.5, np.nan], [1, 3, 0], [False] * 3, [9.0] * 3)
    array([10.   , 10.375, 10.375])
    """
    starts = arguments.integers("first", first)
    opens, means = np.asarray(opening, dtype=np.float64), np.asarray(mean, dtype=np.float64)
    weights, closes = arguments.sizes("trades", trades), np.asarray(previous_close, dtype=np.float64)
    again = np.asarray(restarts, dtype=np.bool_)
    arguments.equal_lengths(
        first=starts, opening=opens, mean=means, trades=weights, restarts=again, previous_close=closes
    )
    return _references(starts, opens, means, weights, again, closes)


@compiled
def _references(
    first: Ints, opening: Floats, mean: Floats, trades: Floats, restarts: Bools, previous_close: Floats
) -> Floats:
    found = np.full(len(first), np.nan)
    reference, since, traded = np.nan, 0, False
    for i in range(len(first)):
        if first[i] == i or restarts[i]:
            reference, since, traded = np.nan, i, False
        if not traded and not np.isnan(opening[i]):
            reference, traded = opening[i], True
        total, count = 0.0, 0.0
        for j in range(max(since, i - WINDOW + 1), i + 1):
            if trades[j] > 0 and not np.isnan(mean[j]):
                total += mean[j] * trades[j]
                count += trades[j]
        if count > 0 and traded and abs(total / count / reference - 1.0) >= CHANGE - ROUNDING:
            reference = total / count
        if not traded and since == first[i] and i - since == WINDOW - 1:
            reference = previous_close[i]
        found[i] = reference
    return found
