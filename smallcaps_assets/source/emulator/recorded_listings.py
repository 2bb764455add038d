"""When the tickers of a record were listed, as far as the record tells."""

import re
from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from smallcaps_assets.source.emulator.calendar import sessions
from smallcaps_assets.source.emulator.market import LISTINGS

# The record has no types: all are stocks but for this one, and for those whose name says that they are receipts.
FUNDS = {"SPY"}
RECEIPT = re.compile(r"American Deposit[ao]ry|\bADS$")


def listings_of(
    seen: pl.DataFrame, spans: pl.DataFrame, followed: set[str], venues: Mapping[str, str | None]
) -> pl.DataFrame:
    """Schema ``LISTINGS`` of the tickers in ``seen`` and of those in ``followed`` (with trades or minute bars).

    ``seen``: [ticker, name, first_seen, last_seen, active]; ``spans``: [ticker, first, last] session with a daily bar;
    ``venues``: listing exchange. A ticker is listed from the earlier of the date it was first seen and its first bar.
    One that is no longer active is gone in the session after the later of the date it was last seen and its last bar;
    where neither tells, it is not gone. Tickers that only daily bars have stay unlisted, as the vendor's own list lacks
    some that its bars have.
    """
    known = seen.join(
        pl.DataFrame({"ticker": sorted(followed - set(seen["ticker"]))}, schema={"ticker": pl.String()}),
        on="ticker",
        how="full",
        coalesce=True,
    ).join(spans, on="ticker", how="left")
    gone = [
        _session_after(last) if active is False and last is not None else None
        for active, last in known.select("active", pl.max_horizontal("last_seen", "last")).iter_rows()
    ]
    listed = pl.min_horizontal("first_seen", "first")
    kinds = [_kind(ticker, name) for ticker, name in known.select("ticker", "name").iter_rows()]
    exchanges = [venues.get(ticker) for ticker in known["ticker"]]
    absent = [pl.lit(None, pl.String).alias(name) for name in ("cik", "composite_figi", "share_class_figi")]
    return (
        known.with_columns(
            pl.Series("type", kinds, dtype=pl.String),
            pl.Series("primary_exchange", exchanges, dtype=pl.String),
            pl.Series("delisted", gone, dtype=pl.Date),
            listed.alias("listed"),
            listed.alias("list_date"),
            *absent,
        )
        .filter(pl.col("listed").is_not_null())
        .sort("ticker")
        .select(list(LISTINGS))
    )


def _kind(ticker: str, name: str | None) -> str:
    if ticker in FUNDS:
        return "ETF"
    return "ADRC" if name is not None and RECEIPT.search(name) else "CS"


def _session_after(day: date) -> date:
    return sessions(day + timedelta(days=1), day + timedelta(days=14))[0]
