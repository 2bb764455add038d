"""A member's hour, as traded.

Source: `minute_bars`. Grain: one row per session, ticker and hour in which a trade was made. Hours are those of the New
York clock, cut where the segment changes, so that 09:00 to 09:30 (PM) and 09:30 to 10:00 (RTH) are two rows and no row
mixes segments; on an early close the last regular hour ends at 13:00 as any other. A row is known at its `ended_at`.

What goes wrong: nothing of its own; a minute that the vendor lacks is lacking here.
"""

from collections.abc import Iterator, Mapping

import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.partitions import Axis, letter_of

ROUNDING = 1e-9  # of the volume: sums of fractional shares in two orders


class HourlyBars(pa.DataFrameModel):
    """A traded hour of a member."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    started_at: Instant = column("start of the hour, or of the segment within it", unit="ns UTC")
    ended_at: Instant = column("end of the hour or of the segment; the bar is known then", unit="ns UTC")
    open: float = column("first eligible trade", unit="USD", gt=0)
    high: float = column("highest eligible trade", unit="USD", gt=0)
    low: float = column("lowest eligible trade", unit="USD", gt=0)
    close: float = column("last eligible trade", unit="USD", gt=0)
    volume: float = column("eligible volume", unit="shares", ge=0)
    vwap: float = column("volume-weighted mean of the minutes that have one", unit="USD", gt=0, nullable=True)
    trades: pl.Int64 = column("eligible trades; null where a minute does not tell", ge=0, nullable=True)
    segment: str = column("PM, RTH or AH", isin=["PM", "RTH", "AH"])

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker", "started_at")

    @pa.dataframe_check
    @classmethod
    def high_and_low_bound_open_and_close(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Low ≤ open, close ≤ high."""
        ends = ("open", "close")
        inside = (pl.col("low") <= pl.min_horizontal(ends)) & (pl.max_horizontal(ends) <= pl.col("high"))
        return data.lazyframe.select(inside)

    @pa.dataframe_check
    @classmethod
    def an_hour_is_at_most_sixty_minutes_long(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """And longer than none."""
        length = pl.col("ended_at") - pl.col("started_at")
        return data.lazyframe.select((length > pl.duration()) & (length <= pl.duration(hours=1)))


def volume_is_that_of_the_minutes(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """A ticker's hours and its minutes count the same volume."""
    if not stored.height:
        return Verdict(True, {"tickers": 0})
    cell = (pl.col("session") == stored["session"][0]) & (letter_of(pl.col("ticker")) == stored["ticker"][0][0].upper())
    minutes = inputs["minute_bars"].filter(cell).group_by("ticker").agg(minutes=pl.col("volume").sum()).collect()
    hours = stored.group_by("ticker").agg(hours=pl.col("volume").sum())
    both = hours.join(minutes, on="ticker", how="full", coalesce=True, validate="1:1").fill_null(0.0).sort("ticker")
    differ = both.filter((pl.col("hours") - pl.col("minutes")).abs() > ROUNDING * pl.max_horizontal("hours", "minutes"))
    return Verdict(not differ.height, {"tickers": both.height, "such_as": ", ".join(differ["ticker"].head(5))})


def segment_end() -> pl.Expr:
    """When the row's segment ends, from the columns of ``sessions.with_hours``."""
    ends = {"PM": "opens_at", "RTH": "closes_at", "AH": "postmarket_closes_at"}
    return pl.coalesce(*(pl.when(pl.col("segment") == name).then(end) for name, end in ends.items()))


def segment_start() -> pl.Expr:
    """When the row's segment starts, from the columns of ``sessions.with_hours``."""
    starts = {"PM": "premarket_opens_at", "RTH": "opens_at", "AH": "closes_at"}
    return pl.coalesce(*(pl.when(pl.col("segment") == name).then(start) for name, start in starts.items()))


def hourly(minutes: pl.LazyFrame) -> pl.LazyFrame:
    """Minutes gathered by the hour within their segment; sums in the order of time, so that they repeat to the bit."""
    hour = pl.col("started_at").dt.truncate("1h")  # New York is whole hours from UTC
    cut = sessions.with_hours(minutes).with_columns(
        hour_at=pl.max_horizontal(hour, segment_start()),
        ended_at=pl.min_horizontal(hour.dt.offset_by("1h"), segment_end()),
    )
    weighted = pl.col("vwap").is_not_null()
    dollars = (pl.col("vwap") * pl.col("volume")).filter(weighted).sum()
    weight = pl.col("volume").filter(weighted).sum()
    return (
        cut.sort("session", "ticker", "started_at")
        .group_by("session", "ticker", "hour_at", "ended_at", "segment", maintain_order=True)
        .agg(
            open=pl.col("open").first(),
            high=pl.col("high").max(),
            low=pl.col("low").min(),
            close=pl.col("close").last(),
            volume=pl.col("volume").sum(),
            vwap=pl.when(weight > 0).then(dollars / weight),
            trades=pl.when(pl.col("trades").null_count() == 0).then(pl.col("trades").sum()),
        )
        .rename({"hour_at": "started_at"})
    )


@dataset(HourlyBars, Axis.LETTER, laws=(volume_is_that_of_the_minutes,))
def hourly_bars(run: Run, minute_bars: pl.LazyFrame) -> Iterator[Rows]:
    """Minutes gathered by the hour."""
    yield from run.split(hourly(minute_bars.filter(run.wanted(pl.col("ticker")))))
