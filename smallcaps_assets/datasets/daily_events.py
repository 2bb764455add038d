"""A ticker's daily event: a session whose gap, range, volume or reversal is out of the ordinary.

Source: `daily_bars` of the session against `daily_metrics`, whose windows end the session before, on the split basis of
the session. Grain: one row per session and ticker with at least one branch, a dollar volume worth trading and enough
history. Known at the session's close, so that it may rank tickers from the next session on and never in its own.
Direction is a column, not a filter: the first system kept rising days only, which selected on the day's outcome.
Every listed ticker can have one; `member` says whether the universe held it. Dollar volume is close × volume.
"""

from collections.abc import Iterator
from typing import Annotated

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.partitions import Axis

BRANCHES = ("gap_play", "range_explosion", "volume_without_gap", "atr_breakout", "flush_reversal")
DECIMALS = 9  # a move of exactly 5 % must reach 5 % although 1.575/1.5 does not in binary


class DailyRules(dg.Config):
    """Thresholds of the five branches."""

    gap_play_gap: float = Field(default=5.0, description="[%] open over prior close; below it a gap is daily noise")
    gap_play_rvol: float = Field(
        default=2.0, description="[times] daily volume over the mean of the 20 sessions before"
    )
    range_explosion_range: float = Field(
        default=30.0, description="[%] (high − low)/open; a third of the price in a session"
    )
    range_explosion_rvol: float = Field(default=2.0, description="[times] a wide range on usual volume is a thin book")
    volume_without_gap_rvol: float = Field(
        default=5.0, description="[times] volume alone must be far out of the ordinary"
    )
    volume_without_gap_gap: float = Field(default=2.0, description="[%] some gap must show that the volume has a side")
    atr_breakout_rvol: float = Field(
        default=1.8, description="[times] confirms a true range in the ticker's own top eighth"
    )
    flush_reversal_low: float = Field(
        default=80.0, description="[% of the lowest low of 5 sessions] a flush, not a dip"
    )
    flush_reversal_rvol: float = Field(default=2.5, description="[times] capitulation trades more than a slide")
    dollar_volume: float = Field(default=600_000.0, description="[USD] less cannot be traded in size")
    sessions_before: int = Field(default=120, description="[sessions] half a year of history, else nothing is unusual")


class DailyEvents(pa.DataFrameModel):
    """A ticker's daily event."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    security_id: str = column("our identity of the security; null if the universe does not list it", nullable=True)
    member: bool = column("whether the universe of the session held it")
    branches: Annotated[pl.List, pl.String()] = column("the branches that fired, in the order of the rules")
    direction: str = column("close against open", isin=["up", "down", "flat"])
    gap_pct: float = column("open over the prior close, less one", unit="%")
    rvol: float = column("volume over the mean of the 20 sessions before", unit="times", ge=0)
    range_pct: float = column("(high − low)/open", unit="%", ge=0)
    true_range_pct: float = column("true range over the prior close", unit="%", ge=0)
    low_of_5_pct: float = column("low over the lowest low of the 5 sessions before", unit="%", gt=0, nullable=True)
    dollar_volume: float = column("close × volume", unit="USD", ge=0)
    sessions_before: pl.Int64 = column("sessions with a bar among the 252 before", unit="sessions", ge=0)
    duplicate_of: str = column("of `daily_metrics`: ticker with the same bars before", nullable=True)
    known_at: Instant = column("the session's close")

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker")

    @pa.dataframe_check
    @classmethod
    def branches_are_some_of_the_five(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """At least one, and none unknown."""
        known = pl.col("branches").list.eval(pl.element().is_in(BRANCHES)).list.all()
        return data.lazyframe.select(known & (pl.col("branches").list.len() > 0))


def percent(ratio: pl.Expr) -> pl.Expr:
    """A ratio as a percentage, free of the last digits that binary fractions add."""
    return (ratio * 100).round(DECIMALS)


def gap_pct() -> pl.Expr:
    """The open against the prior close, signed."""
    return percent(pl.col("open") / pl.col("prior_close") - 1)


def true_range_pct() -> pl.Expr:
    """The greatest of high − low and the two distances from the prior close, over the prior close."""
    prior = pl.col("prior_close")
    widest = pl.max_horizontal(
        pl.col("high") - pl.col("low"), (pl.col("high") - prior).abs(), (pl.col("low") - prior).abs()
    )
    return percent(widest / prior)


def direction() -> pl.Expr:
    """up, down or flat: the close against the open."""
    rises, falls = pl.col("close") > pl.col("open"), pl.col("close") < pl.col("open")
    return pl.when(rises).then(pl.lit("up")).when(falls).then(pl.lit("down")).otherwise(pl.lit("flat"))


def fired(rules: DailyRules) -> dict[str, pl.Expr]:
    """By branch, whether it holds; an unknown input is no event."""
    gap, rvol = pl.col("gap_pct"), pl.col("rvol")
    unusual_range = pl.col("true_range_pct") >= percent(pl.col("true_range_pct_p88"))
    flushed = (pl.col("low_of_5_pct") <= rules.flush_reversal_low) & (pl.col("direction") == "up")
    return {
        "gap_play": (gap >= rules.gap_play_gap) & (rvol >= rules.gap_play_rvol),
        "range_explosion": (pl.col("range_pct") >= rules.range_explosion_range) & (rvol >= rules.range_explosion_rvol),
        "volume_without_gap": (rvol >= rules.volume_without_gap_rvol) & (gap >= rules.volume_without_gap_gap),
        "atr_breakout": unusual_range & (rvol >= rules.atr_breakout_rvol),
        "flush_reversal": flushed & (rvol >= rules.flush_reversal_rvol),
    }


def measured(bars: pl.LazyFrame, metrics: pl.LazyFrame) -> pl.LazyFrame:
    """Each bar with its session's metrics and the measures that the branches compare."""
    return bars.join(metrics, on=["session", "ticker"], how="inner", validate="1:1").with_columns(
        direction().alias("direction"),
        gap_pct().alias("gap_pct"),
        (pl.col("volume") / pl.col("mean_volume_20")).round(DECIMALS).alias("rvol"),
        percent((pl.col("high") - pl.col("low")) / pl.col("open")).alias("range_pct"),
        true_range_pct().alias("true_range_pct"),
        percent(pl.col("low") / pl.col("low_5")).alias("low_of_5_pct"),
        (pl.col("close") * pl.col("volume")).alias("dollar_volume"),
    )


def events(bars: pl.LazyFrame, metrics: pl.LazyFrame, universe: pl.LazyFrame, rules: DailyRules) -> pl.LazyFrame:
    """The rows of the dataset for all sessions in the frames."""
    needed = [
        *("session", "ticker", "prior_close", "mean_volume_20", "low_5", "true_range_pct_p88"),
        *("sessions_before", "duplicate_of"),
    ]
    branches = pl.concat_list(
        [pl.when(holds.fill_null(False)).then(pl.lit(branch)) for branch, holds in fired(rules).items()]
    ).list.drop_nulls()
    tradable = (pl.col("dollar_volume") >= rules.dollar_volume) & (pl.col("sessions_before") >= rules.sessions_before)
    listed = universe.select("session", "ticker", "security_id", "member")
    found = (
        measured(bars, metrics.select(needed))
        .filter(tradable & (pl.col("mean_volume_20") > 0))
        .with_columns(branches.alias("branches"))
        .filter(pl.col("branches").list.len() > 0)
        .join(listed, on=["session", "ticker"], how="left", validate="1:1")
    )
    return sessions.with_hours(found).select(
        *[name for name in DailyEvents.to_schema().columns if name not in ("member", "known_at")],
        pl.col("member").fill_null(False),
        pl.col("closes_at").alias("known_at"),
    )


@dataset(DailyEvents, Axis.SESSION)
def daily_events(
    run: Run, daily_bars: pl.LazyFrame, daily_metrics: pl.LazyFrame, universe: pl.LazyFrame, config: DailyRules
) -> Iterator[Rows]:
    """The session's daily events."""
    yield from run.split(events(daily_bars, daily_metrics, universe, config))
