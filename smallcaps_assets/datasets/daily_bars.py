"""A ticker's day: official open and close, high, low and volume of the session, as traded.

Source: the vendor's grouped daily bars, one request for the whole market (`adjusted=false`, no OTC). Grain: one row per
ticker and session. Known at 00:00 New York of the next day. Open, high, low and close are those of the regular session
with its auctions; volume counts every eligible trade from 04:00 to 20:00.
"""

from collections.abc import Iterator, Mapping

import pandera.polars as pa
import polars as pl

from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.partitions import Axis
from smallcaps_assets.source.polygon import Polygon

USUAL_SESSIONS = 20
USUAL_SHARE = 0.20


class DailyBars(pa.DataFrameModel):
    """A ticker's day."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it, case matters")
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
        unique = ["session", "ticker"]

    @pa.dataframe_check
    @classmethod
    def high_and_low_bound_open_and_close(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Low ≤ open, close ≤ high."""
        return data.lazyframe.select(
            (pl.col("low") <= pl.min_horizontal("open", "close")) & (pl.max_horizontal("open", "close") <= pl.col("high"))
        )


def number_of_tickers_is_usual(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """A session has some bars at all: a trading day without any is an outage, not a quiet day."""
    return Verdict(stored.height > 0, {"tickers": stored.height, "inputs": len(inputs)})


@dataset(DailyBars, Axis.SESSION, laws=(number_of_tickers_is_usual,))
def daily_bars(run: Run, polygon: Polygon) -> Iterator[Rows]:
    """One request a session."""
    for partition, bars in zip(run.partitions, polygon.in_parallel(polygon.daily_bars, run.sessions), strict=True):
        yield Rows(partition, bars.with_columns(session=pl.lit(partition.session)))
