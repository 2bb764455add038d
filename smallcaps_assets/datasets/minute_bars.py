"""A member's traded minute, 04:00 to 20:00 New York, as traded.

Source: the vendor's minute bars (`adjusted=false`), one request for a ticker and all sessions of a run, split by
session. Grain: one row per session, ticker and minute in which an eligible trade was made; a minute without one has no
row and is not filled. A bar that starts at `started_at` is known 60 seconds later. `segment` is PM, RTH or AH by the
session's own hours, early closes included.

Only sessions on which the ticker is a member of `universe` are kept. Rows outside the session's hours are left out and
counted, and so are members that have a daily bar but no minute; the counts are shown with each partition.

On the route `flat` the rows come from the vendor's file of each session: the same minutes, but `vwap` is null, since
the files have none, and what reads it reckons with (high + low + close) / 3, as for any minute without one.

What goes wrong: the vendor lacks minutes that its daily bar counts; minutes of the newest session may be sent again
after late prints.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.partitions import Axis, Partition, letter_of
from smallcaps_assets.source import wire
from smallcaps_assets.source.polygon import Polygon
from smallcaps_assets.source.routes import SessionFile

SLACK = 1e-3  # of the daily volume: minutes are sent again after late prints, the day is final
MINUTE_NS = 60_000_000_000


class MinuteBars(pa.DataFrameModel):
    """A traded minute of a member."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    started_at: Instant = column("start of the minute; the bar is known 60 s later", unit="ns UTC")
    open: float = column("first eligible trade", unit="USD", gt=0)
    high: float = column("highest eligible trade", unit="USD", gt=0)
    low: float = column("lowest eligible trade", unit="USD", gt=0)
    close: float = column("last eligible trade", unit="USD", gt=0)
    volume: float = column("eligible volume", unit="shares", ge=0)
    vwap: float = column("volume-weighted price of all eligible trades", unit="USD", gt=0, nullable=True)
    trades: pl.Int64 = column("eligible trades", ge=0, nullable=True)
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
    def minutes_lie_inside_the_sessions_hours(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """The segment is the one in whose hours the minute starts."""
        hours = sessions.with_hours(data.lazyframe.select("session", "started_at", "segment"))
        return hours.select((sessions.segment(pl.col("started_at")) == pl.col("segment")).fill_null(False))

    @pa.dataframe_check
    @classmethod
    def minutes_start_on_the_minute(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """No bar begins between two minutes."""
        return data.lazyframe.select(pl.col("started_at").cast(pl.Int64) % MINUTE_NS == 0)


def regular_minutes_fit_in_the_day(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """The volume of a ticker's regular minutes is at most that of its daily bar, to a thousandth."""
    if not stored.height:
        return Verdict(True, {"tickers": 0})
    regular = stored.filter(pl.col("segment") == "RTH").group_by("ticker").agg(minutes=pl.col("volume").sum())
    named = pl.col("ticker").is_in(regular["ticker"].to_list())
    days = inputs["daily_bars"].filter((pl.col("session") == stored["session"][0]) & named)
    both = regular.join(days.select("ticker", day="volume").collect(), on="ticker", how="left", validate="1:1")
    over = both.filter((pl.col("minutes") > pl.col("day") * (1 + SLACK)) | pl.col("day").is_null()).sort("ticker")
    shown = {"tickers": both.height, "over": over.height, "without_daily_bar": over["day"].null_count()}
    return Verdict(not over.height, {**shown, "such_as": ", ".join(over["ticker"].head(5))})


def members(run: Run, universe: pl.LazyFrame) -> pl.DataFrame:
    """(``session``, ``ticker``) of the run's partitions, in order."""
    asked = pl.col("session").is_in(run.sessions) & run.wanted(pl.col("ticker"))
    rows = universe.filter(pl.col("member") & asked).select("session", "ticker").collect()
    cells = {(partition.session, partition.letter) for partition in run.partitions}
    letters = rows.select("session", letter_of(pl.col("ticker")).alias("letter"))
    return rows.filter(pl.Series([cell in cells for cell in letters.iter_rows()], dtype=pl.Boolean)).sort(rows.columns)


def requested(wanted: pl.DataFrame, polygon: Polygon) -> pl.DataFrame:
    """Every minute that the vendor has of the members, in one request a ticker from its first session to its last."""
    spans = wanted.group_by("ticker").agg(first=pl.col("session").min(), last=pl.col("session").max()).sort("ticker")

    def minutes(span: tuple[str, date, date]) -> pl.DataFrame:
        return polygon.minute_bars(*span)

    blank = wire.MINUTE_BARS.empty().select(pl.lit(None, pl.String).alias("ticker"), pl.all())
    return pl.concat([blank, *polygon.in_parallel(minutes, spans.iter_rows())])


def in_segments(bars: pl.DataFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    """Bars of sessions on which their ticker is a member, with ``segment``; null outside the session's hours."""
    dated = bars.with_columns(session=sessions.session_of(pl.col("started_at")))
    own = dated.join(wanted, on=["session", "ticker"], how="semi")
    hours = sessions.with_hours(own.lazy()).with_columns(segment=sessions.segment(pl.col("started_at"))).collect()
    return hours.select(*bars.columns, "session", "segment")


def coverage(wanted: pl.DataFrame, bars: pl.DataFrame, daily_bars: pl.LazyFrame) -> dict[Partition, dict[str, int]]:
    """By partition: members, those without a minute, those of them that have a daily bar, minutes out of hours."""
    one = ["session", "ticker"]
    per_member = bars.group_by(one).agg(
        inside=pl.col("segment").count(), outside_hours=pl.col("segment").null_count().cast(pl.Int64)
    )
    named = pl.col("ticker").is_in(wanted["ticker"].unique().to_list())
    days = daily_bars.filter(named & (pl.col("volume") > 0)).select(*one, traded=pl.lit(True)).collect()
    joined = wanted.join(per_member, on=one, how="left", validate="1:1").join(days, on=one, how="left", validate="1:1")
    silent = pl.col("inside").fill_null(0) == 0
    counts = joined.group_by("session", letter_of(pl.col("ticker")).alias("letter")).agg(
        members=pl.len().cast(pl.Int64),
        without_a_minute=silent.sum().cast(pl.Int64),
        of_them_with_a_daily_bar=(silent & pl.col("traded").fill_null(False)).sum().cast(pl.Int64),
        outside_hours=pl.col("outside_hours").sum(),
    )
    return {Partition(row.pop("session"), row.pop("letter")): row for row in counts.to_dicts()}


@dataset(MinuteBars, Axis.LETTER, laws=(regular_minutes_fit_in_the_day,), file=SessionFile.MINUTE_AGGS)
def minute_bars(run: Run, universe: pl.LazyFrame, daily_bars: pl.LazyFrame, polygon: Polygon) -> Iterator[Rows]:
    """One request for each ticker that is a member on some session of the run."""
    wanted = members(run, universe)
    bars = in_segments(requested(wanted, polygon), wanted)
    shown = coverage(wanted, bars, daily_bars)
    for part in run.split(bars.drop_nulls("segment")):
        yield part._replace(metadata=shown.get(part.partition, {"members": 0}))
