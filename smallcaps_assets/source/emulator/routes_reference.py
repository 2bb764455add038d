"""Reference: tickers of a date, details of one, its changes of name, ticker types, exchanges, trade conditions."""

import re
from datetime import date, timedelta
from typing import Any

import msgspec
import polars as pl

from smallcaps_assets.source.emulator.conditions import reference
from smallcaps_assets.source.emulator.directory import Directory, Life
from smallcaps_assets.source.emulator.envelope import Call, RefusedError, encoded, rows
from smallcaps_assets.source.emulator.instants import midnight, parsed_date, rfc3339
from smallcaps_assets.source.emulator.paging import Endpoint, flag_of, listed, parameters_of
from smallcaps_assets.source.emulator.venues import ACRONYMS, EXCHANGES, TICKER_TYPES

OF_OTHER_MARKETS = ("currency_symbol", "base_currency_symbol", "base_currency_name")  # members no stock has
TICKERS = Endpoint(
    filters={
        "ticker": "text",
        "type": "text",
        "market": "text",
        "primary_exchange": "text",
        "cik": "text",
        "active": "flag",
    },
    sorts=(
        "ticker",
        "name",
        "market",
        "locale",
        "primary_exchange",
        "type",
        "currency_name",
        "cik",
        "composite_figi",
        "share_class_figi",
        "last_updated_utc",
        "delisted_utc",
        *OF_OTHER_MARKETS,
    ),
    sort="ticker",
    order="asc",
    limit=100,
    most=1000,
    count=True,
)
CONDITIONS = Endpoint(
    filters={"id": "number"},
    sorts=("asset_class", "id", "type", "name", "legacy", "data_types"),
    sort="asset_class",
    order="asc",
    limit=10,
    most=1000,
    count=True,
)
CONDITION_MEMBERS = pl.Schema(
    {
        "place": pl.Int64(),
        "asset_class": pl.String(),
        "id": pl.Int64(),
        "type": pl.String(),
        "name": pl.String(),
        "legacy": pl.Boolean(),
        "data_types": pl.List(pl.String()),
    }
)
FRESH = timedelta(days=10)  # a close older than this makes no market cap
ROUND_LOT_TIERS_FROM = date(2025, 11, 3)
IDENTIFIERS = ("cik", "composite_figi", "share_class_figi")


def tickers(call: Call, directory: Directory) -> bytes:
    """``/v3/reference/tickers``: the state on ``date`` (today without it); inactive ones only when asked for."""
    parameters = dict(parameters_of(call))
    flag_of(parameters, "active", default=True)
    parameters.setdefault("active", "true")
    parameters.setdefault("date", directory.today.isoformat())  # frozen in the cursor: later pages mean the same date
    on = parsed_date(parameters["date"], "date")
    found = _state(directory.listings, on)
    if "exchange" in parameters:
        found = found.filter(pl.col("primary_exchange") == parameters["exchange"])
    if "cusip" in parameters:
        found = found.clear()
    if "search" in parameters:
        sought = re.escape(parameters["search"])
        found = found.filter(
            pl.col("ticker").str.contains(f"(?i){sought}") | pl.col("name").str.contains(f"(?i){sought}")
        )
    return listed(call, TICKERS, parameters, found)


def _state(listings: pl.DataFrame, on: date) -> pl.DataFrame:
    """Tickers listed by the date, as the service writes them: ``delisted_utc`` (midnight New York) if inactive."""
    gone = (pl.col("delisted") <= on).fill_null(value=False)
    ends = [day for day in listings["delisted"].unique().to_list() if day is not None and day <= on]
    written = {day: _utc(day) for day in ends}
    return listings.filter(pl.col("listed") <= on).select(
        "ticker",
        "name",
        pl.lit("stocks").alias("market"),
        pl.lit("us").alias("locale"),
        "primary_exchange",
        "type",
        (~gone).alias("active"),
        pl.lit("usd").alias("currency_name"),
        *IDENTIFIERS,
        pl.lit(f"{on}T00:00:00Z").alias("last_updated_utc"),
        pl.col("delisted").replace_strict(written, default=None, return_dtype=pl.String).alias("delisted_utc"),
        *(pl.lit(None, pl.String).alias(name) for name in OF_OTHER_MARKETS),
    )


def _utc(day: date) -> str:
    return rfc3339(midnight(day)).replace(".000000000", "")


def details(call: Call, directory: Directory) -> bytes:
    """``/v3/reference/tickers/{ticker}``: 404 where the symbol did not trade on ``date`` or, without it, is gone.

    ``market_cap`` is the service's: the raw close of that day times a LATER share count (the ticker's last one), which
    is wrong by every split and issue in between; the share counts beside it are those of the day.
    """
    parameters = parameters_of(call)
    ticker = call.path["ticker"]
    on = parsed_date(parameters["date"], "date") if "date" in parameters else directory.today
    life = directory.life(ticker, on)
    if life is None or on > directory.today:
        raise RefusedError(404, "Ticker not found.")
    session = directory.session_before(on) or on
    bars = directory.market.daily_of(ticker, max(life.listed, on - FRESH), session).tail(1)
    close = bars["c"][0] if bars.height else None
    shares = directory.market.shares(ticker, session)
    later = directory.market.shares(ticker, _last_session(life, directory))
    row = life.row
    found = {
        "ticker": ticker,
        "name": row["name"],
        "market": "stocks",
        "locale": "us",
        "primary_exchange": row["primary_exchange"],
        "type": row["type"],
        "active": True,
        "currency_name": "usd",
        **{name: row[name] for name in IDENTIFIERS},
        "market_cap": None if close is None or later is None else round(close * later, 2),
        "ticker_root": ticker.partition(".")[0],
        "ticker_suffix": ticker.partition(".")[2] or None,
        "list_date": row["list_date"],
        "share_class_shares_outstanding": shares,
        "weighted_shares_outstanding": shares,
        "round_lot": _round_lot(close, session),
    }
    results = {name: value for name, value in found.items() if value is not None}
    return encoded({"request_id": call.request_id, "results": results, "status": "OK"})


def _last_session(life: Life, directory: Directory) -> date:
    """The last session the ticker named this security in, today at the latest."""
    sessions = directory.between(life.listed, directory.today)
    return next((session for session in reversed(sessions) if life.covers(session)), directory.today)


def _round_lot(close: float | None, session: date) -> int:
    """100 shares; from 2025-11-03 by price: 100 to $250, 40 to $1,000, 10 to $10,000, 1 above."""
    if close is None or session < ROUND_LOT_TIERS_FROM or close <= 250:
        return 100
    if close <= 1_000:
        return 40
    return 10 if close <= 10_000 else 1


def events(call: Call, directory: Directory) -> bytes:
    """``/vX/reference/tickers/{id}/events``: the tickers a security had, newest first; ``id`` a ticker or FIGI."""
    parameters = parameters_of(call)
    identity = call.path["id"]
    lives = directory.lives(identity) or directory.lives_of_figi(identity)
    if not lives:
        raise RefusedError(404, "Ticker not found.")
    row = lives[-1].row
    changes = directory.market.renames().filter(pl.col("composite_figi") == pl.lit(row["composite_figi"], pl.String))
    changes = changes.sort("date").select("date", "ticker")
    named = changes.rows() or [(row["list_date"], row["ticker"])]
    wanted = "ticker_change" in parameters.get("types", "ticker_change").split(",")
    found: dict[str, Any] = {"name": row["name"], "composite_figi": row["composite_figi"], "cik": row["cik"]}
    found = {name: value for name, value in found.items() if value is not None}
    found["events"] = [
        {"ticker_change": {"ticker": ticker}, "type": "ticker_change", "date": on}
        for on, ticker in reversed(named)
        if wanted
    ]
    return encoded({"results": found, "status": "OK", "request_id": call.request_id})


def conditions(call: Call, _directory: Directory) -> bytes:
    """``/v3/reference/conditions``: ten by default, so that a caller who does not page misses most of them."""
    parameters = parameters_of(call)
    known = reference() if parameters.get("asset_class", "stocks") == "stocks" else []
    wanted = {"data_types": parameters.get("data_type"), "sip_mapping": parameters.get("sip")}
    frame = pl.DataFrame(
        [
            {"place": place, **{name: row.get(name, False) for name in CONDITIONS.sorts}}
            for place, row in enumerate(known)
            if all(value is None or _has(row.get(member), value) for member, value in wanted.items())
        ],
        schema=CONDITION_MEMBERS,
    )
    return listed(
        call,
        CONDITIONS,
        parameters,
        frame,
        lambda page: msgspec.Raw(msgspec.json.encode([known[place] for place in page["place"]])),
    )


def _has(member: object, value: str) -> bool:
    return isinstance(member, dict | list) and value in member


def ticker_types(call: Call, _directory: Directory) -> bytes:
    """``/v3/reference/tickers/types``: not paged."""
    frame = pl.DataFrame(TICKER_TYPES, schema=["code", "description"], orient="row").with_columns(
        pl.lit("stocks").alias("asset_class"), pl.lit("us").alias("locale")
    )
    return _whole(call, frame)


def exchanges(call: Call, _directory: Directory) -> bytes:
    """``/v3/reference/exchanges``: not paged."""
    frame = pl.DataFrame(
        EXCHANGES, schema=["id", "type", "name", "mic", "operating_mic", "participant_id"], orient="row"
    ).with_columns(
        pl.col("id").replace_strict(ACRONYMS, default=None, return_dtype=pl.String).alias("acronym"),
        pl.lit("stocks").alias("asset_class"),
        pl.lit("us").alias("locale"),
    )
    return _whole(call, frame)


def _whole(call: Call, frame: pl.DataFrame) -> bytes:
    parameters = parameters_of(call)
    for name in ("asset_class", "locale"):
        frame = frame.filter(pl.col(name) == parameters.get(name, pl.col(name)))
    reply = {"results": rows(frame), "status": "OK", "request_id": call.request_id, "count": frame.height}
    return encoded(reply)
