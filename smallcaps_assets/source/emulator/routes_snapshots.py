"""Snapshots: the last session of one ticker, of many, of those that moved most. They are as of the emulator's clock.

Midnight after the last session comes before 03:30, when the service clears its snapshots: they show that session. A
ticker's last minute, trade and quote need its tape, 7 ms each: replies of more than ``MOST_TAPES`` tickers leave
them out, as the service may, and give ``todaysChange`` of the session's close instead of the last trade.
"""

from collections.abc import Sequence
from datetime import time
from typing import Any

import msgspec
import polars as pl

from smallcaps_assets.source.emulator.directory import Directory
from smallcaps_assets.source.emulator.envelope import Call, RefusedError, encoded
from smallcaps_assets.source.emulator.instants import MILLISECOND, at
from smallcaps_assets.source.emulator.latest import Day, Last
from smallcaps_assets.source.emulator.paging import Endpoint, flag_of, listed, parameters_of
from smallcaps_assets.source.emulator.plans import Feature, Plan

MOST_TAPES = 100
MOVERS = 20
MOVERS_VOLUME = 10_000  # the least volume of a ticker among the gainers and losers
MINUTE = 60_000  # ms
UNTRADED = dict.fromkeys(("o", "h", "l", "c", "v", "vw"), 0)
UNIVERSAL = Endpoint(filters={"ticker": "text"}, sorts=("ticker",), sort="ticker", order="asc", limit=10, most=250)
ASSETS = ("stocks", "options", "crypto", "fx", "indices")


def all_tickers(call: Call, directory: Directory) -> bytes:
    """``/v2/snapshot/locale/us/markets/stocks/tickers``: all or those of ``tickers``, without unknown ones."""
    parameters = parameters_of(call)
    flag_of(parameters, "include_otc", default=False)
    wanted = parameters.get("tickers", "")
    days = directory.latest.days
    found = sorted(set(wanted.split(",")) & set(days)) if wanted else list(days)
    written = _written(found, call.plan, directory)
    return encoded(
        {"count": len(written), "status": call.plan.status, "request_id": call.request_id, "tickers": written}
    )


def one_ticker(call: Call, directory: Directory) -> bytes:
    """``/v2/snapshot/locale/us/markets/stocks/tickers/{ticker}``; 404 for one that is neither listed nor traded."""
    ticker = call.path["ticker"]
    if ticker not in directory.latest.days:
        raise RefusedError(404, "Ticker not found.")
    (written,) = _written([ticker], call.plan, directory)
    return encoded({"request_id": call.request_id, "status": call.plan.status, "ticker": written})


def movers(call: Call, directory: Directory) -> bytes:
    """``/v2/snapshot/locale/us/markets/stocks/{gainers|losers}``: the 20 that rose or fell most, of 10,000 shares up.

    Chosen by close against close, and ordered by the change they show.
    """
    direction = call.path["direction"]
    if direction not in ("gainers", "losers"):
        raise RefusedError(400, f"'direction' must be gainers or losers, not '{direction}'")
    flag_of(parameters_of(call), "include_otc", default=False)
    sign = 1 if direction == "gainers" else -1
    moved = [
        (sign * _percent(day.bar["c"] - day.before["c"], day.before["c"]), ticker)
        for ticker, day in directory.latest.days.items()
        if day.bar and day.before and day.bar["v"] >= MOVERS_VOLUME
    ]
    most = sorted(((change, ticker) for change, ticker in moved if change > 0), reverse=True)[:MOVERS]
    written = _written([ticker for _, ticker in most], call.plan, directory)
    written.sort(key=lambda row: -sign * row["todaysChangePerc"])
    return encoded({"status": call.plan.status, "request_id": call.request_id, "tickers": written})


def universal(call: Call, directory: Directory) -> bytes:
    """``/v3/snapshot``: paged; a ticker of ``ticker.any_of`` that is unknown is a row with an ``error``.

    Stocks are all there is: asked for another ``type``, every ticker is unknown.
    """
    parameters = parameters_of(call)
    asset = parameters.get("type", "stocks")
    if asset not in ASSETS:
        raise RefusedError(400, f"'type' must be one of {', '.join(ASSETS)}, not '{asset}'")
    named = parameters["ticker.any_of"].split(",") if "ticker.any_of" in parameters else []
    if len(named) > UNIVERSAL.most:
        raise RefusedError(400, f"'ticker.any_of' may name {UNIVERSAL.most} tickers, not {len(named)}")
    days = directory.latest.days if asset == "stocks" else {}
    tickers = pl.Series("ticker", sorted({*days, *filter(None, named)}), dtype=pl.String)

    def written(page: pl.DataFrame) -> msgspec.Raw:
        lasts = _lasts([ticker for ticker in page["ticker"] if ticker in days], call.plan, directory)
        return msgspec.Raw(
            encoded(
                [
                    _universal(ticker, lasts[ticker], call.plan, directory)
                    if ticker in days
                    else {"ticker": ticker, "error": "NOT_FOUND", "message": "Ticker not found."}
                    for ticker in page["ticker"]
                ]
            )
        )

    return listed(call, UNIVERSAL, parameters, tickers.to_frame(), written)


def _written(tickers: Sequence[str], plan: Plan, directory: Directory) -> list[dict[str, Any]]:
    lasts, days = _lasts(tickers, plan, directory), directory.latest.days
    return [_row(ticker, days[ticker], lasts[ticker], plan, directory) for ticker in tickers]


def _lasts(tickers: Sequence[str], plan: Plan, directory: Directory) -> dict[str, Last | None]:
    """Ends of the tapes, none in a long reply; trades and quotes only if the plan has them."""
    latest = directory.latest
    if len(tickers) > MOST_TAPES:
        return dict.fromkeys(tickers)
    found: dict[str, Last | None] = {ticker: latest.last(ticker) for ticker in tickers}
    if Feature.TRADES not in plan.opens:
        found = {ticker: last and last._replace(trade=None) for ticker, last in found.items()}
    if Feature.QUOTES not in plan.opens:
        found = {ticker: last and last._replace(quote=None) for ticker, last in found.items()}
    return found


def _row(ticker: str, day: Day, last: Last | None, plan: Plan, directory: Directory) -> dict[str, Any]:
    """One ticker of the older snapshots. What did not trade has zeros, as the service writes it."""
    close = day.bar["c"] if day.bar else 0
    price = last.trade["price"] if last and last.trade else close
    change = price - day.before["c"] if day.before and price else 0
    row: dict[str, Any] = {
        "ticker": ticker,
        "todaysChange": round(change, 4),
        "todaysChangePerc": _percent(change, day.before["c"]) if day.before else 0,
        "updated": _updated(day, last, directory),
        "day": _known(day.bar or UNTRADED),
        "prevDay": _known(day.before or UNTRADED),
    }
    if last is None:
        return row
    volume = int(day.bar["v"]) if day.bar else 0
    row["min"] = _known({"av": volume, **(last.minute or {"t": 0, "n": 0, **UNTRADED})})
    if Feature.TRADES in plan.opens:
        row["lastTrade"] = _last_trade(last.trade)
    if last.quote:
        row["lastQuote"] = {
            "P": last.quote["ask_price"] or 0,
            "S": int(last.quote["ask_size"] or 0),
            "p": last.quote["bid_price"] or 0,
            "s": int(last.quote["bid_size"] or 0),
            "t": last.quote["sip_timestamp"],
        }
    return row


def _last_trade(trade: dict[str, Any] | None) -> dict[str, Any]:
    if trade is None:
        return {"i": "", "p": 0, "s": 0, "t": 0, "x": 0}
    return _known(
        {
            "c": trade["conditions"] or None,
            "i": trade["id"],
            "p": trade["price"],
            "s": int(trade["size"]),
            "t": trade["sip_timestamp"],
            "x": trade["exchange"],
        }
    )


def _updated(day: Day, last: Last | None, directory: Directory) -> int:
    """The end of the last minute in ns; without a tape 16:00 New York; 0 for what did not trade."""
    if last and last.minute:
        return int(last.minute["t"] + MINUTE) * MILLISECOND
    return at(directory.today, time(16)) if day.bar else 0


def _universal(ticker: str, last: Last | None, plan: Plan, directory: Directory) -> dict[str, Any]:
    """One row of the universal snapshot."""
    latest = directory.latest
    life = directory.life(ticker, directory.today)
    row: dict[str, Any] = {
        "ticker": ticker,
        "name": life.row["name"] if life else None,
        "type": "stocks",
        "market_status": "closed",
    }
    row["session"] = _session(latest.days[ticker], last)
    if last and last.quote:
        bid, ask = last.quote["bid_price"] or 0, last.quote["ask_price"] or 0
        row["last_quote"] = {
            "ask": ask,
            "ask_exchange": last.quote["ask_exchange"],
            "ask_size": last.quote["ask_size"] or 0,
            "bid": bid,
            "bid_exchange": last.quote["bid_exchange"],
            "bid_size": last.quote["bid_size"] or 0,
            "last_updated": last.quote["sip_timestamp"],
            "midpoint": round((bid + ask) / 2, 6),
            "timeframe": plan.timeframe,
        }
    if last and last.trade:
        members = ("conditions", "exchange", "id", "participant_timestamp", "price", "sip_timestamp")
        row["last_trade"] = {name: last.trade[name] for name in members}
        row["last_trade"] |= {"size": int(last.trade["size"]), "timeframe": plan.timeframe}
    if last and last.minute:
        names = {"o": "open", "c": "close", "h": "high", "l": "low", "v": "volume", "vw": "vwap", "n": "transactions"}
        row["last_minute"] = {name: last.minute[member] for member, name in names.items()}
        row["last_minute"]["last_updated"] = last.minute["t"] * MILLISECOND
    return _known({name: _known(value) if isinstance(value, dict) else value for name, value in row.items()})


def _session(day: Day, last: Last | None) -> dict[str, Any]:
    bar = day.bar or UNTRADED
    close, previous = bar["c"], day.before["c"] if day.before else 0
    price = last.trade["price"] if last and last.trade else close
    early = last.early if last else None
    late = last.late if last else None
    parts = {
        "": price - previous if price and previous else 0,
        "early_trading_": early - previous if early and previous else None,
        "regular_trading_": close - previous if close and previous else None,
        "late_trading_": late - close if late and close else None,
    }
    found: dict[str, Any] = {}
    for name, change in parts.items():
        if change is not None:
            found[f"{name}change"] = round(change, 4)
            found[f"{name}change_percent"] = _percent(change, close if name.startswith("late") else previous)
    return {
        **found,
        "close": close,
        "high": bar["h"],
        "low": bar["l"],
        "open": bar["o"],
        "previous_close": previous,
        "price": price,
        "volume": bar["v"],
    }


def _percent(change: float, of: float) -> float:
    return change / of * 100 if of else 0.0


def _known(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None and value != []}
