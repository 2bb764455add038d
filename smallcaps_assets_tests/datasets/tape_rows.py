"""Rows of made-up tapes, and a source that answers with them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from smallcaps_assets.source.routes import SessionFile

Schema = dict[str, Any]
Row = dict[str, Any]
INSTANT = pl.Datetime("ns", "UTC")
SESSION = date(2024, 3, 5)
TRADES: Schema = {
    "ticker": pl.String,
    "sip_at": INSTANT,
    "sequence_number": pl.Int64,
    "price": pl.Float64,
    "size": pl.Float64,
    "exchange": pl.Int16,
    "conditions": pl.List(pl.Int16),
    "tape": pl.Int8,
    "trf_id": pl.Int16,
    "correction": pl.Int16,
}
QUOTES: Schema = {
    "ticker": pl.String,
    "sip_at": INSTANT,
    "sequence_number": pl.Int64,
    "bid_price": pl.Float64,
    "bid_size": pl.Float64,
    "ask_price": pl.Float64,
    "ask_size": pl.Float64,
    "conditions": pl.List(pl.Int16),
    "indicators": pl.List(pl.Int16),
}


def at(clock: str, session: date = SESSION) -> int:
    """``10:00:00.5`` New York time of the session as UTC nanoseconds."""
    hours, minutes, seconds = clock.split(":")
    midnight = datetime(session.year, session.month, session.day, tzinfo=ZoneInfo("America/New_York"))
    whole, _, fraction = seconds.partition(".")
    local = midnight + timedelta(hours=int(hours), minutes=int(minutes), seconds=int(whole))
    return int(local.timestamp()) * 10**9 + int(fraction.ljust(9, "0"))


def manifest(*windows: tuple[str, str, str, str], session: date = SESSION, admitted: bool = True) -> pl.DataFrame:
    """Events of (ticker, event_id, window start, window end), as the manifest has them."""
    return pl.DataFrame(
        {
            "session": [session] * len(windows),
            "ticker": [w[0] for w in windows],
            "event_id": [w[1] for w in windows],
            "admitted": [admitted] * len(windows),
            "window_starts_at": [at(w[2], session) for w in windows],
            "window_ends_at": [at(w[3], session) for w in windows],
        },
        schema={
            "session": pl.Date,
            "ticker": pl.String,
            "event_id": pl.String,
            "admitted": pl.Boolean,
            "window_starts_at": INSTANT,
            "window_ends_at": INSTANT,
        },
    )


def trade(ticker: str, clock: str, price: float, size: float = 100.0, **other: Any) -> Row:
    """A trade as the client gives it."""
    session = other.pop("session", SESSION)
    usual = {"sequence_number": 1, "exchange": 11, "conditions": [], "tape": 3, "trf_id": None, "correction": 0}
    return {"ticker": ticker, "sip_at": at(clock, session), "price": price, "size": size} | usual | other


def quote(ticker: str, clock: str, bid: float, ask: float, **other: Any) -> Row:
    """A quote as the client gives it."""
    session = other.pop("session", SESSION)
    sides = {"bid_price": bid, "ask_price": ask, "bid_size": 2.0, "ask_size": 3.0}
    usual = {"sequence_number": 1, "conditions": [], "indicators": []}
    return {"ticker": ticker, "sip_at": at(clock, session)} | sides | usual | other


class Source:
    """Answers like the client, from rows; remembers what it was asked for."""

    def __init__(self, trades: Iterable[Row] = (), quotes: Iterable[Row] = ()) -> None:
        self.rows = {
            "trades": pl.DataFrame(list(trades), schema=TRADES),
            "quotes": pl.DataFrame(list(quotes), schema=QUOTES),
        }
        self.asked: list[tuple[str, str, int, int]] = []
        self.expected: dict[SessionFile, dict[date, float]] = {}

    def trades(self, ticker: str, since: int, until: int) -> pl.DataFrame:
        return self._ticks("trades", ticker, since, until)

    def quotes(self, ticker: str, since: int, until: int) -> pl.DataFrame:
        return self._ticks("quotes", ticker, since, until)

    def expect(self, file: SessionFile, requests: Mapping[date, float]) -> None:
        self.expected[file] = dict(requests)

    def in_parallel(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        return map(function, items)

    def _ticks(self, kind: str, ticker: str, since: int, until: int) -> pl.DataFrame:
        self.asked.append((kind, ticker, since, until))
        inside = pl.col("sip_at").cast(pl.Int64).is_between(since, until, closed="left")
        return self.rows[kind].filter(inside, ticker=ticker).sort("sip_at", "sequence_number")
