"""What a bar says of its ticks: open, high, low, close, volume by side, dollars. Source: AFML 2.3."""

import numpy as np
import numpy.typing as npt
import polars as pl

from smallcaps_assets.maths.arguments import equal_lengths, instants, positions, prices, refuse_at, sizes
from smallcaps_assets.maths.ticks import tick_rule

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

    first = np.concatenate([np.zeros(min(1, len(last)), dtype=np.int64), last[:-1] + 1])
    barred = slice(0, int(last[-1]) + 1 if len(last) else 0)
    sign = tick_rule(tape_price)[barred]
    shares, paid = tape_size[barred], tape_price[barred] * tape_size[barred]

    def total(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.add.reduceat(values, first) if len(first) else np.empty(0, dtype=np.float64)

    traded = tape_price[barred]
    table = pl.DataFrame(
        {
            "opened_at": tape_at[first],
            "closed_at": tape_at[last],
            "open": tape_price[first],
            "high": np.maximum.reduceat(traded, first) if len(first) else traded,
            "low": np.minimum.reduceat(traded, first) if len(first) else traded,
            "close": tape_price[last],
            "volume": total(shares),
            "buy_volume": total(np.where(sign > 0, shares, 0.0)),
            "sell_volume": total(np.where(sign < 0, shares, 0.0)),
            "dollars": total(paid),
            "ticks": last - first + 1,
            "imbalance": total(sign * paid),
        }
    )
    vwap = pl.when(pl.col("volume") > 0).then(pl.col("dollars") / pl.col("volume")).alias("vwap")
    dated = table.with_columns(pl.col("opened_at", "closed_at").cast(INSTANT), vwap)
    return dated.select(*table.columns[:10], "vwap", "ticks", "imbalance")
