"""Second, minute and daily bars from trades by the consolidated update rules (polygon.md §9).

A trade updates a field when all its conditions allow it. Correction records (10, 11, 12) never count, the originals
they correct (1, 7, 8) do: the tape is read as it was printed. A bar exists when a trade set its open and close; prints
that only count for volume make none, so the daily volume is at least the sum over minutes.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from smallcaps_assets.source.emulator import conditions as sale
from smallcaps_assets.source.emulator.calendar import MINUTE, SECOND, Hours
from smallcaps_assets.source.emulator.market import BAR, MINUTES

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
FOLLOW_ONS = (10, 11, 12)


class Eligibility(NamedTuple):
    """What each trade updates, one flag a trade."""

    high_low: Bools
    open_close: Bools
    volume: Bools


class Bars(NamedTuple):
    """Bars of ascending buckets: key, volume, volume-weighted price, open, close, high, low, number of trades."""

    key: Ints
    v: Floats
    vw: Floats
    o: Floats
    c: Floats
    h: Floats
    l: Floats  # noqa: E741 - the wire's name
    n: Ints

    def frame(self, key: str | None) -> pl.DataFrame:
        """The bars in wire names, with their key under the name ``key`` unless it is None."""
        columns: dict[str, NDArray[np.float64] | NDArray[np.int64]] = {} if key is None else {key: self.key}
        columns |= {name: getattr(self, name) for name in BAR}
        return pl.DataFrame(columns)


def eligibility(conditions: pl.Series, correction: pl.Series, size: pl.Series, form_t_counts: Bools) -> Eligibility:
    """Flags of each trade.

    ``conditions`` is a list of ids or null a trade, ``correction`` null or 0 for a regular trade; ``form_t_counts``
    marks trades whose Form T does not forbid a price (trades outside regular hours, for minute bars).
    """
    counts = conditions.list.len().fill_null(0).to_numpy().astype(np.int64)
    flat = conditions.filter(pl.Series(counts > 0)).explode().to_numpy().astype(np.int64)
    known = np.where((flat >= 0) & (flat < sale.HIGHEST), flat, 0)
    waived = (flat == sale.FORM_T) & np.repeat(form_t_counts, counts)
    ends = np.cumsum(counts)

    def allowed(table: Bools, *, waive: bool) -> Bools:
        refused = ~table[known] & ~waived if waive else ~table[known]
        total = np.concatenate([[0], np.cumsum(refused)])
        return np.asarray(total[ends] == total[ends - counts])

    real = ~np.isin(correction.fill_null(0).to_numpy(), FOLLOW_ONS)
    whole = size.to_numpy() >= 1
    return Eligibility(
        high_low=allowed(sale.HIGH_LOW, waive=True) & real & whole,
        open_close=allowed(sale.OPEN_CLOSE, waive=True) & real & whole,
        volume=allowed(sale.VOLUME, waive=False) & real,
    )


def bars(bucket: Ints, price: Floats, size: Floats, may: Eligibility) -> Bars:
    """Bars of the trades, given in tape order with ascending ``bucket``; buckets without an open are left out."""
    setting = np.flatnonzero(may.open_close)
    if not setting.size:
        none = np.empty(0)
        return Bars(np.empty(0, np.int64), none, none, none, none, none, none, np.empty(0, np.int64))
    starts = _edges(bucket[setting])
    ends = np.append(starts[1:], setting.size) - 1
    key = bucket[setting[starts]]
    place = np.minimum(np.searchsorted(key, bucket), key.size - 1)
    barred = key[place] == bucket
    ranged = may.high_low & barred
    edges = _edges(bucket[ranged])
    counted = may.volume & barred
    volume = np.bincount(place[counted], size[counted], key.size).astype(np.float64)
    dollars = np.bincount(place[counted], price[counted] * size[counted], key.size)
    return Bars(
        key=key,
        v=volume,
        vw=np.round(dollars / np.where(volume > 0, volume, 1.0), 4),
        o=price[setting[starts]],
        c=price[setting[ends]],
        h=np.maximum.reduceat(price[ranged], edges),
        l=np.minimum.reduceat(price[ranged], edges),
        n=np.bincount(place[counted], minlength=key.size).astype(np.int64),
    )


def _edges(bucket: Ints) -> Ints:
    return np.flatnonzero(np.diff(bucket, prepend=bucket[0] - 1)).astype(np.int64)


def minute_bars(trades: pl.DataFrame, hours: Hours) -> pl.DataFrame:
    """Minute bars (schema ``MINUTES``) of one ticker's session, from its trades as ``second_bars`` takes them."""
    return _interval_bars(trades, hours, MINUTE)


def second_bars(trades: pl.DataFrame, hours: Hours) -> pl.DataFrame:
    """Bars of the seconds of one ticker's session, in the schema ``MINUTES``.

    ``trades`` (schema ``TRADES``) sorted by (sip_timestamp, sequence_number); those outside [04:00, 20:00) are ignored.
    """
    return _interval_bars(trades, hours, SECOND)


def _interval_bars(trades: pl.DataFrame, hours: Hours, width: int) -> pl.DataFrame:
    stamp = pl.col("sip_timestamp")
    inside = trades.filter((stamp >= hours.pre_open) & (stamp < hours.post_close))
    at = inside["sip_timestamp"].to_numpy()
    extended = (at < hours.open) | (at >= hours.close)
    may = eligibility(inside["conditions"], inside["correction"], inside["size"], extended)
    made = bars(at // width * width // 1_000_000, inside["price"].to_numpy(), inside["size"].to_numpy(), may)
    return made.frame("t").select(list(MINUTES)).cast(MINUTES)


def daily_bar(trades: pl.DataFrame, hours: Hours) -> pl.DataFrame:
    """The daily bar (columns of ``BAR``) of one ticker's session, or no row when nothing set its open.

    Open, high, low and close from regular hours and auctions (Form T never), volume and count from 04:00 to 20:00.
    """
    stamp = pl.col("sip_timestamp")
    inside = trades.filter((stamp >= hours.pre_open) & (stamp < hours.post_close))
    may = eligibility(inside["conditions"], inside["correction"], inside["size"], np.zeros(inside.height, np.bool_))
    made = bars(np.zeros(inside.height, np.int64), inside["price"].to_numpy(), inside["size"].to_numpy(), may)
    return made.frame(None).cast(pl.Schema(BAR))
