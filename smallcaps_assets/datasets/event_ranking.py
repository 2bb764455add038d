"""A ticker's rank by its daily events of the 252 sessions before.

Source: `daily_events`, and `tickers` of the session. Grain: one row per session and ticker with at least one daily
event in the 252 sessions before; the session's own events are known only at its close and are left out, so a ranking is
known before the open. Most events first, ties by ticker. The first system ranked over the whole sample, which chose
tickers by their future.

Events count for the security: those under an earlier name count for the name of the session, those of another company
that had the ticker do not (`maths/identity.py`), and one that shows under two names counts once, for the first by name.
"""

from collections.abc import Iterator
from datetime import date

import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.maths.identity import LISTED, followed
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


def counted_once(events: pl.DataFrame) -> pl.DataFrame:
    """Without the events of a ticker that has the bars of another one which has the event too."""
    firsts = events.select("session", duplicate_of="ticker")
    return events.join(firsts, on=["session", "duplicate_of"], how="anti")


def ranking(session: date, events: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """The session's rows from the events of the 252 sessions before, under the tickers of its list."""
    before = sessions.before(session, SESSIONS)
    past = followed(counted_once(events.filter(pl.col("session").is_between(before[0], before[-1]))), listed)
    ranked = (
        past.sort("ticker", "session")
        .group_by("ticker", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("events"),
            exact_mean(pl.col("gap_pct")).alias("mean_gap_pct"),
            exact_mean(pl.col("rvol")).alias("mean_rvol"),
        )
        .sort("events", "ticker", descending=[True, False])
    )
    return ranked.with_columns(session=pl.lit(session), rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))


@dataset(EventRanking, Axis.SESSION, before={"daily_events": SESSIONS})
def event_ranking(run: Run, daily_events: pl.LazyFrame, tickers: pl.LazyFrame) -> Iterator[Rows]:
    """Tickers ranked by what they did in the year before."""
    events = daily_events.select("session", "ticker", "security_id", "gap_pct", "rvol", "duplicate_of").collect()
    lists = tickers.filter(pl.col("session").is_in(run.sessions)).select(*LISTED).collect()
    for partition in run.partitions:
        session = partition.session or date.max
        yield Rows(partition, ranking(session, events, lists.filter(pl.col("session") == session)))
