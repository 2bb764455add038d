"""The shares of a security as the vendor told them for the session; asked for once a month.

Source: the vendor's ticker details with `date`, one request a ticker, on the first session of each month; and for a
ticker on its second session, when its first bar is known, so that a new listing does not wait for the next month. Asked
are active tickers of a kind that can be a stock whose last raw close could pass a price rule. Grain: one row per
session and ticker asked; sessions on which nobody is asked have no rows. `found` is false where the service knows no
such ticker on that date, which is data, not a failure.

`shares` is the count of this class alone, because it is multiplied by this class's price; where the vendor gives only
the weighted count (all classes converted to this one) that is taken. `vendor_market_cap` is stored for comparison and
never used: of a past date it is that day's close times a later count.

Known: `known_at` is the pre-market open of the session. That is when we can have asked, not when the count was
published: the service matches filings by period of report, so that a count can be visible up to about six weeks before
its filing. Where that matters, `universe` can be told to use counts that are `publication_lag_sessions` old.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import dagster as dg
import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.partitions import Axis
from smallcaps_assets.source import wire
from smallcaps_assets.source.polygon import Polygon

MOST_UNKNOWN = 0.2  # of the tickers asked
FEW = 5  # that may be unknown where few are asked, within a month


class SharesRules(dg.Config):
    """Whom to ask for."""

    kinds: list[str] = ["CS", "ADRC", "OS"]
    """Vendor types that can be a stock; a ticker whose type the vendor leaves out is always asked for."""
    min_price: float = 0.01
    """USD, last raw close. Far below any price rule, because a reverse split of 1:300 lifts a name of a few cents into
    it overnight, and just these names issue shares fastest."""
    max_price: float = 100.0
    """USD, last raw close: five times the universe's highest, so that a name that falls within the month is known."""


class SharesOutstanding(pa.DataFrameModel):
    """What the vendor said of a ticker's shares."""

    session: pl.Date = column("New York trade date for which the vendor was asked")
    ticker: str = column("as the vendor spells it")
    security_id: str = column("of `tickers` on that session")
    found: bool = column("false: the service knows no such ticker on that date")
    shares: float = column("the count to use, on the split basis of the session", unit="shares", gt=0, nullable=True)
    share_class_shares: float = column("outstanding, of this class", unit="shares", nullable=True)
    weighted_shares: float = column("outstanding, all classes converted to this one", unit="shares", nullable=True)
    vendor_market_cap: float = column("as sent, wrong for past dates", unit="USD", nullable=True)
    known_at: Instant = column("pre-market open of the session", unit="ns UTC")

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker")

    @pa.dataframe_check
    @classmethod
    def what_was_not_found_has_no_shares(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """A 404 carries no count."""
        return data.lazyframe.select(pl.col("found") | pl.col("shares").is_null())


def most_tickers_are_found(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Of the tickers asked for, at most one in five, or five, have no count; their market cap will be unknown."""
    unknown = stored["shares"].null_count()
    shown = {"asked": stored.height, "found": int(stored["found"].sum()), "without_count": unknown}
    return Verdict(unknown <= max(FEW, MOST_UNKNOWN * stored.height), shown)


def first_of_month(session: date) -> bool:
    """Whether no earlier session lies in the session's month."""
    return not sessions.between(session.replace(day=1), session)[:-1]


def to_ask(run: Run, tickers: pl.LazyFrame, daily_metrics: pl.LazyFrame, rules: SharesRules) -> pl.DataFrame:
    """(``session``, ``ticker``, ``security_id``) to ask for, in order."""
    monthly = [session for session in run.sessions if first_of_month(session)]
    due = pl.col("session").is_in(monthly) | (pl.col("sessions_before") == 1)
    affordable = pl.col("close_raw").is_between(rules.min_price, rules.max_price)
    possible = pl.col("kind").is_in(rules.kinds) | pl.col("kind").is_null()
    listed = tickers.filter(pl.col("active") & possible & pl.col("session").is_in(run.sessions))
    priced = daily_metrics.filter(due & affordable).select("session", "ticker")
    both = listed.join(priced, on=["session", "ticker"], how="inner", validate="1:1")
    return both.select("session", "ticker", "security_id").sort("session", "ticker").collect()


def usable(count: pl.Expr) -> pl.Expr:
    """A count above zero; the vendor sends 0 for unknown."""
    return pl.when(count > 0).then(count)


def answered(asked: pl.DataFrame, polygon: Polygon) -> pl.DataFrame:
    """The rows asked for with the vendor's answers."""

    blank = wire.TICKER_DETAILS.empty()

    def details(item: tuple[date, str]) -> pl.DataFrame:
        told = polygon.ticker_details(item[1], item[0])
        row = blank.clear(1) if told is None else told
        return row.with_columns(found=pl.lit(told is not None))

    items = list(asked.select("session", "ticker").iter_rows())
    nothing = blank.with_columns(found=pl.lit(False))
    told = pl.concat([nothing, *polygon.in_parallel(details, items)])
    counts = told.select("found", "share_class_shares", "weighted_shares", vendor_market_cap="market_cap")
    rows = sessions.with_hours(pl.concat([asked, counts], how="horizontal").lazy()).collect()
    shares = pl.coalesce(usable(pl.col("share_class_shares")), usable(pl.col("weighted_shares")))
    return rows.with_columns(shares=shares).select(
        "session", "ticker", "security_id", "found", "shares", "share_class_shares", "weighted_shares",
        "vendor_market_cap", known_at="premarket_opens_at",
    )  # fmt: skip


def counted(part: Rows) -> Rows:
    """The partition with how many were asked for and how many had a count."""
    rows = part.frame
    weighted = rows.filter(pl.col("shares").is_not_null() & usable(pl.col("share_class_shares")).is_null()).height
    shown = {"asked": rows.height, "not_found": rows.filter(~pl.col("found")).height, "weighted_count": weighted}
    return part._replace(metadata={**shown, "without_count": rows.filter("found")["shares"].null_count()})


@dataset(SharesOutstanding, Axis.SESSION, laws=(most_tickers_are_found,))
def shares_outstanding(
    run: Run, tickers: pl.LazyFrame, daily_metrics: pl.LazyFrame, polygon: Polygon, config: SharesRules
) -> Iterator[Rows]:
    """One request for each ticker that is due."""
    yield from map(counted, run.split(answered(to_ask(run, tickers, daily_metrics, config), polygon)))
