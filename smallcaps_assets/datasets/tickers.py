"""A listed security as of the session, and every security whose listing had ended by then.

Source: two walks of the vendor's reference list as of the session, of active and of inactive stocks; without the second
one every delisted name would be missing (survivorship). Grain: one row per session, ticker and security; a ticker that
was given to another company has a row for each. Known before the open.

`security_id` is ours, because no vendor identifier is always there and a ticker is reused. It is the share-class FIGI;
else `cik:<cik>:<class>`, where the class is the ticker's suffix (`BRK.A`) or else the vendor's type; else
`ticker:<ticker>:<era>`, where the era is the last delisting of that ticker before this listing, or `first`. An era
needs no history of our own and does not change when the listing ends; a rename without FIGI and CIK cannot be followed.
Two active tickers that would share an id by CIK take the third form, since one company may list two classes.
`earlier_ids` are the weaker forms of the same listing: rows of sessions on which the vendor still left its FIGI or CIK
out are known by them, and are found by them (`maths/identity.py`).

What goes wrong: the vendor lists a ticker twice (two CIKs), leaves out type, exchange or identifiers, above all of
older records, and left out up to a third of the names on some dates. Of duplicates one row is kept, the best
identified; they are counted. `delisted_on` of an active row would be knowledge of the future and is null.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import product
from typing import Annotated

import dagster as dg
import pandera.polars as pa
import polars as pl

from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.partitions import Axis
from smallcaps_assets.source.polygon import Polygon

SHOWN = 20  # securities that share tickers, in the UI
WHOLE_MARKET = 1_000  # active names; a market that has fewer is a sample, in which no name need have gone


class Tickers(pa.DataFrameModel):
    """A security under a ticker, as of the session."""

    session: pl.Date = column("New York trade date as of which the vendor was asked")
    ticker: str = column("as the vendor spells it, case matters", str_length={"min_value": 1})
    name: str = column("of the company or fund", nullable=True)
    kind: str = column("the vendor's type: CS, ADRC, ETF, WARRANT, …; null where it gives none", nullable=True)
    primary_exchange: str = column("MIC of the listing exchange", nullable=True)
    cik: str = column("the issuer's number at the SEC", nullable=True)
    composite_figi: str = column("country-level FIGI", nullable=True)
    share_class_figi: str = column("share-class FIGI", nullable=True)
    active: bool = column("listed on the session; false: its listing had ended")
    delisted_on: pl.Date = column("New York date on which the listing ended; null while active", nullable=True)
    security_id: str = column("our identifier of the security, see the dataset's text")
    earlier_ids: Annotated[pl.List, pl.String()] = column(
        "weaker identifiers that the same listing may have had before"
    )

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker", "security_id")

    @pa.dataframe_check
    @classmethod
    def an_active_ticker_is_listed_once(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """One row per active ticker and session."""
        listings = pl.col("active").sum().over("session", "ticker")
        return data.lazyframe.select(~pl.col("active") | (listings == 1))

    @pa.dataframe_check
    @classmethod
    def an_active_ticker_has_no_delisting(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """The end of a listing is not known while it lasts."""
        return data.lazyframe.select(~(pl.col("active") & pl.col("delisted_on").is_not_null()))


def delisted_names_are_known(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Names delisted in every year since the first known delisting are there, and a whole market has some.

    A list without its dead makes every study on it too good.
    """
    ended = stored.filter(~pl.col("active"))["delisted_on"].drop_nulls().dt.year()
    sample = stored["active"].sum() < WHOLE_MARKET
    if not ended.len():
        return Verdict(sample, {"delisted": 0, "active": int(stored["active"].sum())})
    sessions_year = stored["session"][0].year
    empty = sorted(set(range(min(ended), sessions_year)) - set(ended))
    return Verdict(sample or not empty, {"delisted": ended.len(), "years_without_a_delisting": str(empty)})


def active_securities_differ(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """No two active tickers of a session share a `security_id`; the session has active tickers at all.

    The same security under two tickers; its history then follows neither (each ticker keeps its own).
    """
    active = stored.filter("active")
    shared = active.filter(pl.col("security_id").is_duplicated()).sort("security_id", "ticker")
    together = shared.group_by("security_id", maintain_order=True).agg(pl.col("ticker").str.join(", "))
    lines = [f"| {security} | {names} |" for security, names in together.head(SHOWN).iter_rows()]
    table = "\n".join(["| security | tickers |", "|---|---|", *lines])
    shown = {"active": active.height, "sharing": shared.height, "securities": dg.MetadataValue.md(table)}
    return Verdict(active.height > 0 and not shared.height, shown)


def share_class() -> pl.Expr:
    """What tells two securities of one issuer apart: the ticker's suffix, else the vendor's type."""
    suffix = pl.col("ticker").str.extract(r"\.(.+)$")
    return pl.coalesce(suffix, "kind", pl.lit("unknown"))


def era() -> pl.Expr:
    """The last delisting of the same ticker before this listing; `first` if there is none."""
    ended = pl.col("delisted_on").dt.to_string("%Y-%m-%d")
    return ended.shift(1).forward_fill().over("ticker", order_by=["active", "delisted_on"]).fill_null("first")


def by_cik() -> pl.Expr:
    """The identifier by CIK; null without CIK, or where two active tickers would share it."""
    found = pl.format("cik:{}:{}", "cik", share_class())
    return pl.when((pl.col("active") & pl.col("share_class_figi").is_null()).sum().over(found) <= 1).then(found)


def by_ticker() -> pl.Expr:
    """The identifier by ticker and era, which is always there."""
    return pl.format("ticker:{}:{}", "ticker", era())


def security_id() -> pl.Expr:
    """Share-class FIGI, else CIK and class, else ticker and era; of the rows of one session, one per listing."""
    return pl.coalesce("share_class_figi", by_cik(), by_ticker()).alias("security_id")


def earlier_ids() -> pl.Expr:
    """The identifiers by CIK and by ticker and era that are weaker than the listing's own."""
    has_figi = pl.col("share_class_figi").is_not_null()
    weaker = pl.when(has_figi).then(pl.format("cik:{}:{}", "cik", share_class()))
    unnamed = pl.when(has_figi | by_cik().is_not_null()).then(by_ticker())
    return pl.concat_list(weaker, unnamed).list.drop_nulls().alias("earlier_ids")


def best_identified(rows: pl.DataFrame) -> pl.DataFrame:
    """Of rows for one ticker and one listing the one with most identifiers; ties by the lowest CIK."""
    unknown = [pl.col(name).is_null() for name in ("share_class_figi", "composite_figi", "cik", "kind")]
    by_rank = rows.sort("ticker", "active", "delisted_on", *unknown, "cik", "share_class_figi", "name")
    return by_rank.unique(["ticker", "active", "delisted_on"], keep="first", maintain_order=True)


def listed(session: date, active: pl.DataFrame, inactive: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """The session's rows from the two walks, and counts of what was set aside."""
    lives = pl.when(~pl.col("active")).then("delisted_on").alias("delisted_on")
    answered = pl.concat([active, inactive]).rename({"type": "kind"}).with_columns(lives)
    single = best_identified(answered)
    named = single.with_columns(security_id(), earlier_ids(), session=pl.lit(session))
    newest_first = named.sort("ticker", "active", "delisted_on", descending=[False, True, True], nulls_last=True)
    kept = newest_first.unique(["ticker", "security_id"], keep="first", maintain_order=True)
    return kept, {
        "active": int(kept["active"].sum()),
        "delisted": kept.height - int(kept["active"].sum()),
        "duplicates_set_aside": answered.height - single.height,
        "earlier_listings_of_the_same_security": named.height - kept.height,
        "ids_by_cik": kept.filter(pl.col("security_id").str.starts_with("cik:")).height,
        "ids_by_ticker": kept.filter(pl.col("security_id").str.starts_with("ticker:")).height,
        "without_type": kept.filter("active")["kind"].null_count(),
    }


@dataset(Tickers, Axis.SESSION, laws=(delisted_names_are_known, active_securities_differ))
def tickers(run: Run, polygon: Polygon) -> Iterator[Rows]:
    """Two walks a session."""

    def walk(asked: tuple[date, bool]) -> pl.DataFrame:
        return polygon.tickers(asked[0], active=asked[1])

    walks = polygon.in_parallel(walk, product(run.sessions, (True, False)))
    for partition, active, inactive in zip(run.partitions, walks, walks, strict=True):
        rows, counts = listed(partition.session or date.max, active, inactive)
        yield Rows(partition, rows, counts)
