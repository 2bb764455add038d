"""Which security a ticker meant on an earlier session, and what that security is called now.

A security keeps its history when it is renamed, and a ticker that was given to another company does not bring the first
one's along. Rows of earlier sessions name a security by the identifier that was known then; the listing of a later
session has the identifier known then, and the weaker ones that the same listing has where the vendor leaves its
identifiers out. So an identifier that appears later links back without any history of our own.
"""

import polars as pl

LISTED = ("session", "ticker", "security_id", "earlier_ids", "active")  # columns of `tickers` that identity is made of


def known_as(listed: pl.DataFrame) -> pl.DataFrame:
    """(``known_as``, ``holder``, ``id``): each identifier, strong or weak, that names one active listing only.

    ``listed``: (``ticker``, ``security_id``, ``earlier_ids``, ``active``) of one session. A weaker identifier that is
    also one of another listing, active or ended, names neither.

    >>> listed = pl.DataFrame({"ticker": ["NEW"], "security_id": ["BBG1"], "earlier_ids": [["cik:1:CS"]],
    ...                        "active": [True]})
    >>> known_as(listed).rows()
    [('BBG1', 'NEW', 'BBG1'), ('cik:1:CS', 'NEW', 'BBG1')]
    """
    names = ["ticker", "security_id", "active"]
    strong = listed.select(*names, known_as="security_id")
    weak = listed.select(*names, known_as="earlier_ids").explode("known_as").drop_nulls("known_as")
    every = pl.concat([strong, weak]).unique(["known_as", *names], maintain_order=True)
    one_security = pl.col("security_id").n_unique().over("known_as") == 1
    one_ticker = pl.col("active").sum().over("known_as") == 1
    single = every.filter(one_security & one_ticker & pl.col("active"))
    return single.select("known_as", holder="ticker", id="security_id").sort("known_as")


def strength(security_id: pl.Expr) -> pl.Expr:
    """2 for a FIGI, 1 for an identifier by CIK, 0 for one by ticker."""
    by_cik, by_ticker = security_id.str.starts_with("cik:"), security_id.str.starts_with("ticker:")
    return pl.when(by_ticker).then(0).when(by_cik).then(1).otherwise(2)


def identified(rows: pl.DataFrame, listings: pl.DataFrame) -> pl.DataFrame:
    """``rows`` (``session``, ``ticker``, …) with ``security_id``: whose the ticker was on that session.

    ``listings``: (``session``, ``ticker``, ``security_id``) of active tickers, one row each. Where a session's list
    lacks the ticker, the nearest earlier list decides, else the nearest later one; null if no list has it. Rows keep
    their order.
    """
    known = listings.select("session", "ticker", "security_id").sort("session")
    numbered = rows.drop("security_id", strict=False).with_row_index("_row").sort("session")
    before = numbered.join_asof(known, on="session", by="ticker", check_sortedness=False)
    later = known.rename({"security_id": "_later"})
    both = before.join_asof(later, on="session", by="ticker", strategy="forward", check_sortedness=False)
    return both.with_columns(pl.coalesce("security_id", "_later")).sort("_row").drop("_row", "_later")


def followed(rows: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """``rows`` of earlier sessions under the tickers that their securities have in a later session's list.

    ``rows``: (``session``, ``ticker``, ``security_id``, …); ``listed`` as in `known_as`. A security that is no longer
    listed, or has no identifier, keeps its ticker, unless that ticker is another security's now: then its rows are
    left out. A ticker whose listing lost its FIGI or CIK is not another security's while the list has the identifier
    nowhere. Where an overlap gives a security two rows of one session, the one under its later ticker is kept, else
    the first by ticker; so the result has one row per session and ticker if ``rows`` had. Rows of tickers that nothing
    happened to come first, in their order; the others after them, by ticker and session.
    """
    now = listed.filter("active").select("ticker", _now="security_id")
    pairs = rows.select("ticker", "security_id").unique(maintain_order=True)
    linked = pairs.join(now, on="ticker", how="left", validate="m:1").join(
        known_as(listed), left_on="security_id", right_on="known_as", how="left", validate="m:1"
    )
    same = (pl.col("_now") == pl.col("security_id")) | pl.col("security_id").is_null()
    weaker = strength(pl.col("_now")) < strength(pl.col("security_id"))
    lost = weaker & ~pl.col("security_id").is_in(listed["security_id"].unique().implode())
    free = pl.col("_now").is_null() | same | lost
    named = linked.with_columns(holder=pl.coalesce("holder", pl.when(free).then("ticker")))
    moved = named.filter(pl.col("holder").ne_missing(pl.col("ticker")))
    if not moved.height:
        return rows
    touched = pl.col("ticker").is_in(pl.concat([moved["ticker"], moved["holder"].drop_nulls()]).unique().implode())
    renamed = rows.filter(touched).join(named.drop("_now", "id"), on=["ticker", "security_id"], nulls_equal=True)
    one = renamed.drop_nulls("holder").sort(pl.col("holder") != pl.col("ticker"), "ticker", maintain_order=True)
    single = one.unique(["session", "holder"], keep="first", maintain_order=True)
    again = single.with_columns(ticker="holder").select(rows.columns).sort("ticker", "session")
    return pl.concat([rows.filter(~touched), again])
