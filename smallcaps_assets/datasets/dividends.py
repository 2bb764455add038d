"""A cash dividend whose ex-date is the session, accepted or set aside as repeated.

Source: the vendor's list of dividends, one request for the span of a run. Grain: one row as the vendor sent it. Who
buys from the open of the session on does not receive it. `cash_amount` is as paid, not split-adjusted. An ex-date
without trading belongs to the next session. Known before the open as far as it was declared by then; `declared_on` says
when, if the vendor does.

What goes wrong: rows are repeated under another id. Rows that agree in all but the id are one dividend, of which one is
accepted; two dividends of a ticker on one day (regular and special) are both accepted.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.maths.session_dates import with_session
from smallcaps_assets.partitions import Axis
from smallcaps_assets.source.polygon import Polygon

LONGEST_CLOSURE = timedelta(days=7)  # the exchange has never stayed closed longer (September 2001)
MOST_REPEATED = 0.10  # of a session's rows
SAME = ["cash_amount", "currency", "declared_on", "record_on", "paid_on", "frequency", "kind"]


class Dividends(pa.DataFrameModel):
    """A dividend as sent by the vendor."""

    session: pl.Date = column("ex-date, or the next session after it")
    ticker: str = column("as the vendor spells it, case matters")
    ordinal: pl.Int64 = column("place among the rows of this ticker and session, by amount and id", ge=0)
    vendor_id: str = column("the vendor's id of the row", nullable=True)
    ex_on: pl.Date = column("ex-date as sent")
    cash_amount: float = column("per share, as paid", unit="in `currency`", ge=0)
    currency: str = column("of the amount", nullable=True)
    declared_on: pl.Date = column("declaration date", nullable=True)
    record_on: pl.Date = column("record date", nullable=True)
    paid_on: pl.Date = column("pay date", nullable=True)
    frequency: pl.Int64 = column("payments a year; 0: once", nullable=True)
    kind: str = column("the vendor's type: CD consistent, SC special, LT and ST capital gains", nullable=True)
    accepted: bool = column("to be used")
    reason: str = column("accepted or duplicate", isin=["accepted", "duplicate"])

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker", "ordinal")

    @pa.dataframe_check
    @classmethod
    def accepted_is_the_reason(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """The flag and the reason say the same."""
        return data.lazyframe.select(pl.col("accepted") == (pl.col("reason") == "accepted"))


def few_rows_are_repeated(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """No more than a tenth of the session's rows (one is always allowed) repeat another."""
    repeated = stored.filter(~pl.col("accepted"))
    shown = {"repeated": repeated.height, "rows": stored.height, "such_as": ", ".join(repeated["ticker"].head(5))}
    return Verdict(repeated.height <= max(1, MOST_REPEATED * stored.height), shown)


def judged(rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` with ``ordinal``, ``accepted`` and ``reason``; of rows that agree in all but the id the first counts."""
    one = ["session", "ticker"]
    ordered = rows.sort(*one, *SAME, "vendor_id", "ex_on")
    first = pl.int_range(pl.len()).over(*one, *SAME) == 0
    reason = pl.when(first).then(pl.lit("accepted")).otherwise(pl.lit("duplicate"))
    return ordered.with_columns(ordinal=pl.int_range(pl.len()).over(one), accepted=first, reason=reason)


def counted(part: Rows) -> Rows:
    """The partition with its counts by reason."""
    reasons = dict(part.frame["reason"].value_counts(sort=True).iter_rows())
    return part._replace(
        metadata={**reasons, "ex_on_no_session": part.frame.filter(pl.col("session") != pl.col("ex_on")).height}
    )


@dataset(Dividends, Axis.SESSION, laws=(few_rows_are_repeated,))
def dividends(run: Run, polygon: Polygon) -> Iterator[Rows]:
    """One request for all sessions of the run."""
    sent = polygon.dividends(run.sessions[0] - LONGEST_CLOSURE, run.sessions[-1])
    dated = with_session(sent, "ex_on", sessions.table(), "session")
    yield from map(counted, run.split(judged(dated.filter(pl.col("session").is_in(run.sessions)))))
