"""What a ticker brings into a session from those before: short-sale restriction, halt, short interest, evening news.

Source: `daily_metrics` and `daily_bars` of the session before, `halts` of the 20 before, `short_interest` of the 25
up to it, `news` of the session before. Grain: one row per ticker of the session's `daily_metrics`. Known at
`known_at`, the pre-market open; only when a halt of before ends is known later, at `halt_resumed_at`.

It is here that datasets by letter find what lies before their session: Dagster cannot map a look-back across axes.

What can go wrong: a restriction is seen in the daily low, which the vendor makes of eligible trades in regular hours;
a ticker that was renamed since, or whose close before is unknown, has none that is known (null). A halt of which no
file tells the end counts as ended once the ticker has a daily bar after it. `halts_on_file` is false where the 20
sessions before have no halt of any ticker: then nobody drops the exchange's files, and no ticker is known not to be
halted. Revised short interest is not marked by the vendor: the newest settlement date counts.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.maths.news_mentions import counted, mentions
from smallcaps_assets.maths.short_sale_restriction import SINCE
from smallcaps_assets.maths.short_sale_restriction import carried_over as restricted
from smallcaps_assets.partitions import Axis, Partition

HALTED_BEFORE = 20  # sessions; a ticker without a bar in 20 has no daily metrics, so none needs more
REPORTED_BEFORE = 25  # sessions: a report comes twice a month, one may be missing
NO_INSTANT = pl.lit(None, pl.Datetime("ns", "UTC"))
MOST_UNKNOWN = 0.05  # share of a session's tickers


class CarriedOver(pa.DataFrameModel):
    """A ticker before the session."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    ssr: pl.Boolean = column("short sales restricted since the session before; null: unknown", nullable=True)
    halts_on_file: pl.Boolean = column("the 20 sessions before have a halt of any ticker")
    halt_code: str = column("of a halt that has not ended before `known_at`", nullable=True)
    halted_at: Instant = column("its start; null: no such halt", unit="UTC ns", nullable=True)
    halt_resumed_at: Instant = column(
        "its end, after `known_at` and known then; null: not in the files", unit="UTC ns", nullable=True
    )
    short_interest: float = column("newest report, as of its settlement date", unit="shares", ge=0, nullable=True)
    settled_on: pl.Date = column("its settlement date", nullable=True)
    days_to_cover: float = column("its short-interest ratio: over average volume", unit="days", ge=0, nullable=True)
    evening_mentions: pl.Int64 = column("articles after the close before; null: not asked", ge=0, nullable=True)
    evening_sentiments: pl.Int64 = column("of them with a sentiment", ge=0, nullable=True)
    evening_sentiment_sum: float = column("of those, each 1, 0 or −1", nullable=True)
    known_at: Instant = column("pre-market open", unit="UTC ns")

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["session", "ticker"]

    @pa.dataframe_check
    @classmethod
    def a_halt_lies_around_the_pre_market_open(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """It began before; its end, if known, lies after."""
        ends = (pl.col("halt_resumed_at") > pl.col("known_at")).fill_null(True)
        return data.lazyframe.select((pl.col("halted_at") < pl.col("known_at")).fill_null(True) & ends)

    @pa.dataframe_check
    @classmethod
    def sentiments_are_of_mentions(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """No more of them, and their sum no greater than their number."""
        few = pl.col("evening_sentiments") <= pl.col("evening_mentions")
        small = pl.col("evening_sentiment_sum").abs() <= pl.col("evening_sentiments")
        return data.lazyframe.select((few & small).fill_null(True))


def most_restrictions_are_known(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """No more than 5 % of the tickers (one is always allowed) have an unknown restriction, unless all have.

    All have on the first session of a lake's history.
    """
    unknown = stored["ssr"].null_count()
    few = unknown <= max(1, MOST_UNKNOWN * stored.height) or unknown == stored.height
    return Verdict(few, {"tickers": stored.height, "unknown": unknown, "restricted": int(stored["ssr"].sum())})


def with_restriction(rows: pl.DataFrame, bars: pl.DataFrame, closes: pl.DataFrame, before: date) -> pl.DataFrame:
    """``rows`` with ``ssr``, from the ``bars`` of the session ``before`` and the ``closes`` before those."""
    known = rows.join(bars.select("ticker", "low"), on="ticker", how="left", validate="1:1").join(
        closes.select("ticker", "prior_close"), on="ticker", how="left", validate="1:1"
    )
    ssr = restricted(pl.col("low"), pl.col("prior_close"), pl.col("bar_session") == before)
    return known.with_columns(ssr=ssr if bars.height else pl.lit(None, pl.Boolean))


def with_halt(rows: pl.DataFrame, halts: pl.DataFrame) -> pl.DataFrame:
    """``rows`` with the halt, of those of the sessions before, that is not over at their ``known_at``."""
    told = halts.drop("known_at").join(
        rows.select("ticker", "bar_session", "known_at"), on="ticker", how="inner", validate="m:1"
    )
    lasts = (pl.col("resumed_at") > pl.col("known_at")).fill_null(pl.col("bar_session") <= pl.col("session"))
    last = (
        told.filter(lasts & (pl.col("halted_at") < pl.col("known_at"))).sort("halted_at").unique("ticker", keep="last")
    )
    kept = last.select("ticker", "halted_at", halt_code="reason_code", halt_resumed_at="resumed_at")
    return rows.join(kept, on="ticker", how="left", validate="1:1").with_columns(halts_on_file=pl.lit(halts.height > 0))


def with_evening(rows: pl.DataFrame, articles: pl.DataFrame, asked: bool, closed_at: int) -> pl.DataFrame:
    """``rows`` with what was published of them after the close of the session before."""
    evening = mentions(articles).filter(pl.col("published_at").cast(pl.Int64) > closed_at)
    of_ticker = (
        evening.group_by("ticker").agg(counted()).rename(lambda name: name if name == "ticker" else f"evening_{name}")
    )
    filled = rows.join(of_ticker, on="ticker", how="left", validate="1:1").with_columns(
        pl.col("^evening_.*$").fill_null(0)
    )
    return filled if asked else filled.with_columns(pl.when(pl.lit(False)).then(pl.col("^evening_.*$")))


@dataset(
    CarriedOver,
    Axis.SESSION,
    before={
        "daily_metrics": 1,
        "daily_bars": 1,
        "halts": HALTED_BEFORE,
        "short_interest": REPORTED_BEFORE,
        "news": 1,
    },
    laws=(most_restrictions_are_known,),
)
def carried_over(
    run: Run,
    daily_metrics: pl.LazyFrame,
    daily_bars: pl.LazyFrame,
    halts: pl.LazyFrame,
    short_interest: pl.LazyFrame,
    news: pl.LazyFrame,
) -> Iterator[Rows]:
    """One session after another."""
    for partition in run.partitions:
        session = partition.session or date.max
        before = sessions.before(session, HALTED_BEFORE)
        day = pl.col("session") == before[-1]
        bars = daily_bars.filter(day).select("ticker", "low").collect()
        rows = daily_metrics.filter(pl.col("session") == session).select("session", "ticker", "bar_session").collect()
        rows = sessions.with_hours(rows.lazy()).rename({"premarket_opens_at": "known_at"}).collect()
        rows = with_restriction(rows, bars, daily_metrics.filter(day).collect(), before[-1])
        if session < SINCE:
            rows = rows.with_columns(ssr=pl.lit(False))
        rows = with_halt(rows, halts.filter(pl.col("session").is_in(before)).collect())
        reports = short_interest.filter(
            pl.col("session").is_in([*sessions.before(session, REPORTED_BEFORE), session])
        ).collect()
        newest = reports.sort("settled_on", "session").unique("ticker", keep="last")
        told = newest.select("ticker", "short_interest", "settled_on", "days_to_cover")
        rows = rows.join(told, on="ticker", how="left", validate="1:1")
        asked = bars.height > 0 and Partition(before[-1]) not in run.absent.get("news", frozenset())
        rows = with_evening(rows, news.filter(day).collect(), asked, sessions.hours(before[-1]).closes_at)
        shown = {name: int(rows[name].count()) for name in ("halted_at", "short_interest")}
        yield Rows(partition, rows.select(carried_over.empty().columns), shown | {"ssr": int(rows["ssr"].sum())})
