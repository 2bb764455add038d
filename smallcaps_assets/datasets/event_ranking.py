"""A ticker's rank by its daily events of the 252 sessions before.

Source: `daily_events`. Grain: one row per session and ticker with at least one daily event in the 252 sessions before;
the session's own events are known only at its close and are left out, so a ranking is known before the open. Most
events first, ties by ticker. The first system ranked over the whole sample, which chose tickers by their future.
"""

from collections.abc import Iterator
from datetime import date

import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.partitions import Axis

SESSIONS = 252  # a trading year
MILLION = 1_000_000


class EventRanking(pa.DataFrameModel):
    """A ticker's rank in a session."""

    session: pl.Date = column("New York trade date before whose open the rank is known")
    ticker: str = column("as the vendor spells it")
    events: pl.Int64 = column("sessions with a daily event among the 252 before", unit="sessions", ge=1, le=SESSIONS)
    mean_gap_pct: float = column("mean gap of those events", unit="%")
    mean_rvol: float = column("mean daily relative volume of those events", unit="times", ge=0)
    rank: pl.Int64 = column("1 for the most events; ties by ticker", ge=1)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker")

    @pa.dataframe_check
    @classmethod
    def ranks_of_a_session_are_1_to_n(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Without gaps or ties."""
        return data.lazyframe.select(pl.col("rank").rank("ordinal").over("session") == pl.col("rank"))


def exact_mean(values: pl.Expr) -> pl.Expr:
    """The mean, summed in whole millionths: the last digits of a sum of floats depend on how threads cut it."""
    return (values * MILLION).round().cast(pl.Int64).sum() / pl.len() / MILLION


def ranking(events: pl.LazyFrame, wanted: list[date]) -> pl.LazyFrame:
    """The rows of the dataset for the wanted sessions; events of other sessions are only looked back upon."""
    ordinals = sessions.table().lazy().select("session").with_row_index("ordinal")
    past = events.select("session", "ticker", "gap_pct", "rvol").join(ordinals, on="session")
    ranked = ordinals.filter(pl.col("session").is_in(wanted))
    age = pl.col("ordinal").cast(pl.Int64) - pl.col("ordinal_past").cast(pl.Int64)
    return (
        ranked.join(past.rename({"ordinal": "ordinal_past", "session": "session_past"}), how="cross")
        .filter(age.is_between(1, SESSIONS))
        .sort("session", "ticker", "ordinal_past")
        .group_by("session", "ticker", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("events"),
            exact_mean(pl.col("gap_pct")).alias("mean_gap_pct"),
            exact_mean(pl.col("rvol")).alias("mean_rvol"),
        )
        .sort("session", "events", "ticker", descending=[False, True, False])
        .with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("session").alias("rank"))
    )


@dataset(EventRanking, Axis.SESSION, before={"daily_events": SESSIONS})
def event_ranking(run: Run, daily_events: pl.LazyFrame) -> Iterator[Rows]:
    """Tickers ranked by what they did in the year before."""
    yield from run.split(ranking(daily_events, run.sessions))
