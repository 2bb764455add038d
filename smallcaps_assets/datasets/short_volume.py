"""A ticker's short volume off the exchanges, on the session after the one that it was traded on.

Source: the vendor's copy of FINRA's daily files, one request for the span of a run. Grain: one row per ticker and trade
date. FINRA publishes in the evening; a row belongs to the next session and is known at its pre-market open, so that no
session sees its own.

What goes wrong: `total_volume` is what was reported to FINRA's facilities, not the consolidated volume, so that the
ratio says nothing of trading on exchanges. Repeated rows are left out and counted.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.maths.session_dates import with_session
from smallcaps_assets.partitions import Axis
from smallcaps_assets.source.polygon import Polygon

LONGEST_CLOSURE = timedelta(days=7)  # the exchange has never stayed closed longer (September 2001)
AGREES = 0.5  # percentage points; the vendor rounds
MOST_APART = 0.01  # share of a session's rows


class ShortVolume(pa.DataFrameModel):
    """A ticker's short volume of the session before."""

    session: pl.Date = column("first session on which it is known")
    ticker: str = column("as the vendor spells it")
    traded_on: pl.Date = column("trade date")
    short_volume: float = column("sold short, reported to FINRA", unit="shares", ge=0)
    total_volume: float = column("reported to FINRA, not consolidated", unit="shares", ge=0)
    short_volume_ratio: float = column("as sent", unit="percent", ge=0, nullable=True)
    known_at: Instant = column("pre-market open of the session", unit="ns UTC")

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker", "traded_on")

    @pa.dataframe_check
    @classmethod
    def short_volume_is_known_after_its_trade_date(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Never on it."""
        return data.lazyframe.select(pl.col("traded_on") < pl.col("session"))


def ratios_follow_from_volumes(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Short volume is part of the total and the ratio their quotient in percent, for all but 1 % of the rows."""
    percent = pl.when(pl.col("total_volume") > 0).then(100 * pl.col("short_volume") / pl.col("total_volume"))
    off = (percent - pl.col("short_volume_ratio")).abs() > AGREES
    apart = stored.filter((pl.col("short_volume") > pl.col("total_volume")) | off)
    shown = {"apart": apart.height, "rows": stored.height, "such_as": ", ".join(apart["ticker"].head(5))}
    return Verdict(apart.height <= MOST_APART * stored.height, shown)


def published(run: Run, sent: pl.DataFrame) -> Iterator[Rows]:
    """The rows on the session after their trade date; those sent twice once."""
    once = sent.unique(maintain_order=True)
    dated = with_session(once, "traded_on", sessions.table(), "session", exact=False)
    rows = sessions.with_hours(dated.filter(pl.col("session").is_in(run.sessions)).lazy()).collect()
    told = ["traded_on", "short_volume", "total_volume", "short_volume_ratio"]
    for part in run.split(rows.select("session", "ticker", *told, known_at="premarket_opens_at")):
        yield part._replace(metadata={"sent_twice_in_the_run": sent.height - once.height})


@dataset(ShortVolume, Axis.SESSION, laws=(ratios_follow_from_volumes,))
def short_volume(run: Run, polygon: Polygon) -> Iterator[Rows]:
    """One request for all sessions of the run."""
    sent = polygon.short_volume(run.sessions[0] - LONGEST_CLOSURE, run.sessions[-1] - timedelta(days=1))
    yield from published(run, sent)
