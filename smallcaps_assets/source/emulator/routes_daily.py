"""Daily bars of the whole market, a ticker's previous close, and its open, close, pre-market and after-hours prices."""

from datetime import date, time
from typing import Any

import polars as pl

from smallcaps_assets.source.emulator.calendar import hours
from smallcaps_assets.source.emulator.directory import Directory, restated
from smallcaps_assets.source.emulator.envelope import Call, RefusedError, encoded, rows
from smallcaps_assets.source.emulator.instants import MILLISECOND, at, parsed_date
from smallcaps_assets.source.emulator.paging import flag_of, parameters_of

WIRE_ORDER = ("T", "v", "vw", "o", "c", "h", "l", "t", "n")


def grouped(call: Call, directory: Directory) -> bytes:
    """``/v2/aggs/grouped/locale/us/market/stocks/{date}``: one bar a ticker, ``t`` = 16:00 New York, in no order.

    The rows are shuffled, the same way each time, so that nobody comes to depend on an order that was never promised.
    """
    adjusted = flag_of(parameters_of(call), "adjusted", default=True)
    session = _date(call)
    bars = directory.market.daily(session)
    if bars.height and adjusted and (factors := directory.restated(session)):
        factor = pl.col("T").replace_strict(factors, default=1.0, return_dtype=pl.Float64)
        bars = restated(bars.with_columns(factor.alias("factor")), pl.col("factor"))
    reply: dict[str, Any] = {"queryCount": bars.height, "resultsCount": bars.height, "adjusted": adjusted}
    if bars.height:
        bars = bars.with_columns(pl.lit(_four_pm(session)).alias("t")).select(WIRE_ORDER)
        reply["results"] = rows(bars.sort("T").sample(fraction=1.0, shuffle=True, seed=session.toordinal()))
    reply |= {"status": call.plan.status, "request_id": call.request_id, "count": bars.height}
    return encoded(reply)


def previous_close(call: Call, directory: Directory) -> bytes:
    """``/v2/aggs/ticker/{ticker}/prev``: the bar of the last session the plan serves, ``t`` = 16:00 New York."""
    adjusted = flag_of(parameters_of(call), "adjusted", default=True)
    ticker, last = call.path["ticker"], call.plan.last(directory.today)
    session = directory.session_before(last) or last
    bars = directory.market.daily_of(ticker, session, session)
    reply: dict[str, Any] = {
        "ticker": ticker,
        "queryCount": bars.height,
        "resultsCount": bars.height,
        "adjusted": adjusted,
    }
    if bars.height:
        bars = bars.with_columns(pl.lit(ticker).alias("T"), pl.lit(_four_pm(session)).alias("t"))
        reply["results"] = rows(bars.select(WIRE_ORDER))
    reply |= {"status": call.plan.status, "request_id": call.request_id, "count": bars.height}
    return encoded(reply)


def open_close(call: Call, directory: Directory) -> bytes:
    """``/v1/open-close/{ticker}/{date}``: the session's daily bar, first pre-market and last after-hours price."""
    adjusted = flag_of(parameters_of(call), "adjusted", default=True)
    ticker, session = call.path["ticker"], _date(call)
    bars = directory.market.daily_of(ticker, session, session)
    if not bars.height:
        raise RefusedError(404, "Data not found.")
    minutes = directory.market.minutes(ticker, session)
    if adjusted and (factor := directory.factor(ticker, session)) != 1.0:
        bars, minutes = restated(bars, pl.lit(factor)), restated(minutes, pl.lit(factor))
    bar = bars.row(0, named=True)
    regular = hours(session)
    before = minutes.filter(pl.col("t") < regular.open // MILLISECOND)["o"]
    after = minutes.filter(pl.col("t") >= regular.close // MILLISECOND)["c"]
    return encoded(
        {
            "status": "OK",
            "from": session.isoformat(),
            "symbol": ticker,
            "open": bar["o"],
            "high": bar["h"],
            "low": bar["l"],
            "close": bar["c"],
            "volume": bar["v"],
            "afterHours": after[-1] if after.len() else None,
            "preMarket": before[0] if before.len() else None,
        }
    )


def _date(call: Call) -> date:
    return parsed_date(call.path["date"], "date")


def _four_pm(session: date) -> int:
    return at(session, time(16)) // MILLISECOND
