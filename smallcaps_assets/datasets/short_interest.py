"""A ticker's short interest, on the session from which it is public.

Source: the vendor's copy of FINRA's reports, twice a month, one request for the span of a run. Grain: one row per
ticker and settlement date. The vendor does not tell when a report was published; FINRA publishes about two weeks after
the settlement date, so that a row belongs to the first session at or after `settled_on` + 14 days (configurable) and is
known at that session's pre-market open. Most sessions have no rows.

What goes wrong: repeated rows, which are left out and counted; revisions, which the vendor does not mark.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.maths.session_dates import with_session
from smallcaps_assets.partitions import Axis
from smallcaps_assets.source.polygon import Polygon

LONGEST_CLOSURE = timedelta(days=7)  # the exchange has never stayed closed longer (September 2001)
AGREES = 0.05  # days_to_cover is sent with two decimals
MOST_APART = 0.05  # share of a report's rows


class ShortInterestRules(dg.Config):
    """When a report becomes public."""

    publication_lag_days: int = Field(default=14, ge=0, le=60)
    """Calendar days from the settlement date. FINRA publishes seven business days after it collects, which is two after
    settlement: nine business days, 13 calendar days, 14 around a holiday."""


class ShortInterest(pa.DataFrameModel):
    """A ticker's short interest as of a settlement date."""

    session: pl.Date = column("first session on which it is public")
    ticker: str = column("as the vendor spells it")
    settled_on: pl.Date = column("settlement date of the report")
    short_interest: float = column("shares sold short and not yet bought back", unit="shares", ge=0)
    average_daily_volume: float = column("as reported", unit="shares", ge=0, nullable=True)
    days_to_cover: float = column("short interest over average daily volume, as sent", unit="days", ge=0, nullable=True)
    known_at: Instant = column("pre-market open of the session", unit="ns UTC")

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker", "settled_on")

    @pa.dataframe_check
    @classmethod
    def a_report_is_public_after_its_settlement_date(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """At the earliest on it."""
        return data.lazyframe.select(pl.col("settled_on") <= pl.col("session"))


def days_to_cover_follow_from_volume(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Days to cover are short interest over volume (at least 1, as FINRA reports it) for all but 5 % of the rows."""
    told = stored.filter(pl.col("average_daily_volume") > 0, pl.col("days_to_cover") > 1)
    ratio = pl.col("short_interest") / pl.col("average_daily_volume")
    apart = told.filter((pl.col("days_to_cover") / ratio - 1).abs() > AGREES)
    shown = {"compared": told.height, "apart": apart.height, "such_as": ", ".join(apart["ticker"].head(5))}
    return Verdict(apart.height <= MOST_APART * told.height, shown)


def published(run: Run, sent: pl.DataFrame, lag: timedelta) -> Iterator[Rows]:
    """The rows on the session from which they are public; those sent twice once."""
    public = sent.unique(maintain_order=True).with_columns(public_on=pl.col("settled_on") + lag)
    dated = with_session(public, "public_on", sessions.table(), "session")
    own = dated.filter(pl.col("session").is_in(run.sessions))
    rows = sessions.with_hours(own.lazy()).collect()
    told = ["settled_on", "short_interest", "average_daily_volume", "days_to_cover"]
    for part in run.split(rows.select("session", "ticker", *told, known_at="premarket_opens_at")):
        settled = sorted(str(day) for day in part.frame["settled_on"].unique())
        shown = {"settled_on": ", ".join(settled), "sent_twice_in_the_run": sent.height - public.height}
        yield part._replace(metadata=shown)


@dataset(ShortInterest, Axis.SESSION, laws=(days_to_cover_follow_from_volume,))
def short_interest(run: Run, polygon: Polygon, config: ShortInterestRules) -> Iterator[Rows]:
    """One request for all sessions of the run."""
    lag = timedelta(days=config.publication_lag_days)
    sent = polygon.short_interest(run.sessions[0] - LONGEST_CLOSURE - lag, run.sessions[-1] - lag)
    yield from published(run, sent, lag)
