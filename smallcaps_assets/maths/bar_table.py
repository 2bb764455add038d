"""What a bar says of its ticks: open, high, low, close, volume by side, dollars. Source: AFML 2.3."""

import numpy as np
import numpy.typing as npt
import polars as pl

from smallcaps_assets.maths.arguments import Floats, Ints, equal_lengths, instants, positions, prices, refuse_at, sizes
from smallcaps_assets.maths.compiled import compiled

INSTANT = pl.Datetime("ns", "UTC")


def bar_table(at: npt.ArrayLike, price: npt.ArrayLike, size: npt.ArrayLike, closes: npt.ArrayLike) -> pl.DataFrame:
    """One row per bar of a tape, in the order of the tape.

    ``opened_at`` and ``closed_at`` are the instants of its first and last tick. ``open``, ``high``, ``low``,
    ``close`` and ``vwap`` are dollars a share (``vwap`` is null in a bar without volume), ``dollars`` the sum of
    price times size, ``ticks`` the number of ticks. ``buy_volume`` and ``sell_volume`` are shares signed by the tick
    rule over the whole tape; ticks before the first price change are in neither, so the two need not sum to
    ``volume``. ``imbalance`` is the dollars bought less the dollars sold. The ticks after the last close are in no
    bar.

    A trade that may not set a price but counts in volume belongs in the tape at the price before it: it then changes
    neither a price of the bar nor a sign.

    Args:
        at: int64[n] UTC nanoseconds, sorted.
        price: float64[n] dollars.
        size: float64[n] shares.
        closes: int64[k], the index of each bar's last tick, increasing.

    Raises:
        ValueError: unequal lengths, unsorted instants, a bad price or size, or a close that is no tick or out of order.

    >>> table = bar_table([0, 1, 2, 3], [10.0, 12.0, 11.0, 9.0], [1, 2, 3, 4], [1, 3])
    >>> table.select("open", "high", "low", "close", "volume", "buy_volume", "sell_volume", "imbalance").rows()
    [(10.0, 12.0, 10.0, 12.0, 3.0, 2.0, 0.0, 24.0), (11.0, 11.0, 9.0, 9.0, 7.0, 0.0, 7.0, -69.0)]
    """
    tape_at = instants("at", at, increasing=True)
    tape_price, tape_size = prices("price", price), sizes("size", size)
    equal_lengths(at=tape_at, price=tape_price, size=tape_size)
    last = positions("closes", closes, len(tape_at))
    repeated = np.flatnonzero(np.diff(last) <= 0)
    refuse_at("closes", last, int(repeated[0]) + 1 if len(repeated) else -1, "is not after the close before it")

    ticks = np.diff(last, prepend=-1)
    opened, high, low, close, volume, buys, sells, dollars, imbalance = _summed(tape_price, tape_size, last)
    average = np.full(len(last), np.nan)
    np.divide(dollars, volume, out=average, where=volume > 0)
    return pl.DataFrame(
        {
            "opened_at": pl.Series(tape_at[last - ticks + 1]).cast(INSTANT),
            "closed_at": pl.Series(tape_at[last]).cast(INSTANT),
            "open": opened,
            "high": high,
            "low": low,
            "close": close,
            "volume": volume,
            "buy_volume": buys,
            "sell_volume": sells,
            "dollars": dollars,
            "vwap": pl.Series(average, nan_to_null=True),
            "ticks": ticks,
            "imbalance": imbalance,
        }
    )


@compiled
def _summed(price: Floats, size: Floats, last: Ints) -> Floats:
    """Open, high, low, close, shares, shares bought and sold, dollars and signed dollars of each bar: float64[9, k]."""
    found = np.empty((9, len(last)))
    sign = 0.0
    before = price[0] if len(price) else 0.0
    first = 0
    for bar in range(len(last)):
        opened = high = low = price[first]
        volume = buys = sells = dollars = imbalance = 0.0
        for i in range(first, last[bar] + 1):
            now, shares = price[i], size[i]
            change = (1.0 if now > before else 0.0) - (1.0 if now < before else 0.0)  # no branch: it would be a guess
            sign = change if change != 0.0 else sign
            before = now
            high = now if now > high else high  # max() would mind NaN
            low = now if now < low else low
            volume += shares
            buys += shares if sign > 0 else 0.0
            sells += shares if sign < 0 else 0.0
            dollars += now * shares
            imbalance += sign * now * shares
        first = last[bar] + 1
        found[0, bar], found[1, bar], found[2, bar], found[3, bar] = opened, high, low, before
        found[4, bar], found[5, bar], found[6, bar] = volume, buys, sells
        found[7, bar], found[8, bar] = dollars, imbalance
    return found
