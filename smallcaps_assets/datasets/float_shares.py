"""A ticker's free float, as far as it was in effect before the session.

Source: the vendor's float endpoint, which knows only the latest value of each ticker, without history; one request a
run. Grain: one row per session and ticker. A row is stored only where its effective date lies before the session; of a
past session therefore few tickers have one, and none is invented. `known_at` is the session's pre-market open; the
vendor does not tell when it published the value.

What goes wrong: a session computed again later has fewer rows, because newer values have replaced those it had seen.
A missing float is unknown, and the universe's float rule applies only where it is known.
"""

from collections.abc import Iterator, Mapping

import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.partitions import Axis
from smallcaps_assets.source.polygon import Polygon

MOST_OVER_100 = 0.01  # share of rows whose float exceeds all shares


class FloatShares(pa.DataFrameModel):
    """A ticker's free float in effect."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    effective_on: pl.Date = column("date from which the value holds; its split basis")
    free_float: float = column("shares that can be traded by the public", unit="shares", ge=0)
    free_float_percent: float = column("of the shares outstanding", unit="percent", ge=0, nullable=True)
    known_at: Instant = column("pre-market open of the session", unit="ns UTC")

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker")

    @pa.dataframe_check
    @classmethod
    def a_float_is_in_effect_before_its_session(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """The vendor's latest value is not that of a past session."""
        return data.lazyframe.select(pl.col("effective_on") < pl.col("session"))


def floats_are_parts_of_the_shares(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """No more than 1 % of the floats (one is always allowed) are over 100 % of the shares outstanding."""
    over = stored.filter(pl.col("free_float_percent") > 100)
    shown = {"over": over.height, "floats": stored.height, "such_as": ", ".join(over["ticker"].head(5))}
    return Verdict(over.height <= max(1, MOST_OVER_100 * stored.height), shown)


def in_effect(run: Run, latest: pl.DataFrame) -> Iterator[Rows]:
    """For each session the latest values that took effect before it; of a ticker sent twice the newest."""
    newest = latest.sort("ticker", "effective_on", "free_float").unique("ticker", keep="last", maintain_order=True)
    for partition in run.partitions:
        known = newest.filter(pl.col("effective_on") < partition.session)
        rows = sessions.with_hours(known.lazy().with_columns(session=pl.lit(partition.session))).collect()
        columns = ["session", "ticker", "effective_on", "free_float", "free_float_percent"]
        yield Rows(
            partition,
            rows.select(*columns, known_at="premarket_opens_at"),
            {"not_yet_in_effect": newest.height - known.height, "sent_twice": latest.height - newest.height},
        )


@dataset(FloatShares, Axis.SESSION, laws=(floats_are_parts_of_the_shares,))
def float_shares(run: Run, polygon: Polygon) -> Iterator[Rows]:
    """One request for all sessions of the run."""
    yield from in_effect(run, polygon.float_shares())
