"""A ticker's day: official open and close, high, low and volume of the session, as traded.

Source: the vendor's grouped daily bars, one request for the whole market (`adjusted=false`, no OTC). Grain: one row per
ticker and session. Known at 00:00 New York of the next day. Open, high, low and close are those of the regular session
with its auctions; volume counts every eligible trade from 04:00 to 20:00, and the vendor's `vwap` counts prints that
set no price, so that it may lie outside high and low. On the route `flat` the rows come from the vendor's file of the
session: the same bars, but `vwap` is null, since the files have none.

What goes wrong: tickers that the reference list never had, bad prints that stay in high or low, a session delivered
in part. Whether a session has as many tickers as usual can only be told beside earlier ones: `daily_metrics` checks it.
"""

from collections.abc import Iterator, Mapping

import pandera.polars as pa
import polars as pl

from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.partitions import Axis
from smallcaps_assets.source.polygon import Polygon
from smallcaps_assets.source.routes import SessionFile

WIDE = 10.0  # high over low: a day that moves more holds a bad print more often than a story
MOST_WIDE = 0.005  # share of a session's tickers


class DailyBars(pa.DataFrameModel):
    """A ticker's day."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it, case matters", str_length={"min_value": 1})
    open: float = column("opening auction, or the first regular trade", unit="USD", gt=0)
    high: float = column("highest regular price", unit="USD", gt=0)
    low: float = column("lowest regular price", unit="USD", gt=0)
    close: float = column("closing auction, or the last regular trade", unit="USD", gt=0)
    volume: float = column("eligible volume, 04:00 to 20:00 New York", unit="shares", ge=0)
    vwap: float = column("volume-weighted price of all eligible trades", unit="USD", gt=0, nullable=True)
    trades: pl.Int64 = column("eligible trades", ge=0, nullable=True)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker")

    @pa.dataframe_check
    @classmethod
    def high_and_low_bound_open_and_close(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Low ≤ open, close ≤ high."""
        ends = ("open", "close")
        inside = (pl.col("low") <= pl.min_horizontal(ends)) & (pl.max_horizontal(ends) <= pl.col("high"))
        return data.lazyframe.select(inside)


def session_has_bars(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """A session has bars at all: a trading day without any is an outage, not a quiet day."""
    return Verdict(stored.height > 0, {"tickers": stored.height})


def wide_days_are_rare(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Days whose high is ten times the low stay under 0.5 % of the tickers (one is always allowed)."""
    wide = stored.filter(pl.col("high") > WIDE * pl.col("low"))
    shown = {"wide": wide.height, "tickers": stored.height, "such_as": ", ".join(wide["ticker"].head(5))}
    return Verdict(wide.height <= max(1, MOST_WIDE * stored.height), shown)


@dataset(DailyBars, Axis.SESSION, laws=(session_has_bars, wide_days_are_rare), file=SessionFile.DAY_AGGS)
def daily_bars(run: Run, polygon: Polygon) -> Iterator[Rows]:
    """One request a session."""
    for partition, bars in zip(run.partitions, polygon.in_parallel(polygon.daily_bars, run.sessions), strict=True):
        yield Rows(partition, bars.with_columns(session=pl.lit(partition.session)))
