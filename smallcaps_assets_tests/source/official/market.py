"""A small synthetic market behind the official clients, and its frames as the members that should arrive."""

from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from smallcaps_assets.source.emulator.synthetic import SyntheticMarket

Row = dict[str, Any]
NEW_YORK = ZoneInfo("America/New_York")
FIRST, LAST = date(2025, 6, 2), date(2026, 2, 27)
THIN, SPLIT, RENAMED, WARRANT = "NWCV", "BSCU", "BFSW", "HMZC.WS"
SPLIT_ON = date(2025, 7, 30)  # four old shares of SPLIT became one
BAR = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "vw": "vwap", "n": "transactions"}


@cache
def market() -> SyntheticMarket:
    """Thirty tickers over nine months with splits, a rename, delistings and a ticker given to another company."""
    return SyntheticMarket(seed=7, tickers=30, start=FIRST, end=LAST)


def written(value: Any) -> Any:
    """A value as JSON carries it: dates are ISO texts, members of nested rows without a value are left out."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [written(element) for element in value]
    if isinstance(value, dict):
        return {name: written(member) for name, member in value.items() if member not in (None, [])}
    return value


def rows(frame: pl.DataFrame) -> list[Row]:
    """The frame's rows as members that have a value."""
    return [written(row) for row in frame.iter_rows(named=True)]


def ms(day: date, hour: int = 0) -> int:
    """Unix ms of a New York wall-clock hour."""
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=NEW_YORK).timestamp()) * 1000


def sessions(first: date, last: date) -> list[date]:
    """The market's sessions between two dates, both inclusive."""
    return [session for session in market().sessions() if first <= session <= last]


def trades(ticker: str, first: date, last: date) -> list[Row]:
    """Trades of the sessions, ascending."""
    return [row for session in sessions(first, last) for row in rows(market().trades(ticker, session))]


def quotes(ticker: str, first: date, last: date) -> list[Row]:
    """Quotes of the sessions, ascending."""
    return [row for session in sessions(first, last) for row in rows(market().quotes(ticker, session))]


def bar(row: Row, stamp: int, factor: float = 1.0) -> Row:
    """A wire bar in the clients' names; prices times ``factor`` to 4 decimals, volume divided by it."""
    named = {name: row[wire] for wire, name in BAR.items() if row[wire] is not None}
    if factor != 1.0:
        named |= {name: round(named[name] * factor, 4) for name in ("open", "high", "low", "close", "vwap")}
        named["volume"] = round(named["volume"] / factor, 4)
    return {**named, "timestamp": stamp}


def minutes(ticker: str, first: date, last: date) -> list[Row]:
    """Minute bars, raw, ascending."""
    found = [
        row for session in sessions(first, last) for row in market().minutes(ticker, session).iter_rows(named=True)
    ]
    return [bar(row, row["t"]) for row in found]


def days(ticker: str, *, adjusted: bool = False) -> list[Row]:
    """Daily bars of the market's whole time; ``adjusted`` puts those of SPLIT before its split on today's basis."""
    frame = market().daily_of(ticker, FIRST, LAST)
    factors = [4.0 if adjusted and ticker == SPLIT and session < SPLIT_ON else 1.0 for session in frame["t"]]
    return [bar(row, ms(row["t"]), factor) for row, factor in zip(frame.iter_rows(named=True), factors, strict=True)]


def hours(ticker: str, first: date, last: date) -> list[Row]:
    """Hour bars put together from the minutes, raw, ascending."""
    together: dict[int, list[Row]] = {}
    for minute in minutes(ticker, first, last):
        together.setdefault(minute["timestamp"] // 3_600_000 * 3_600_000, []).append(minute)
    return [
        {
            "open": part[0]["open"],
            "high": max(row["high"] for row in part),
            "low": min(row["low"] for row in part),
            "close": part[-1]["close"],
            "volume": sum(row["volume"] for row in part),
            "vwap": round(sum(row["vwap"] * row["volume"] for row in part) / sum(row["volume"] for row in part), 4),
            "transactions": sum(row["transactions"] for row in part),
            "timestamp": stamp,
        }
        for stamp, part in together.items()
    ]


def tickers(on: date = LAST, *, active: bool = True) -> list[Row]:
    """The list of tickers on a date as the vendor writes it."""
    found = []
    for row in market().listings().filter(pl.col("listed") <= on).iter_rows(named=True):
        gone = row["delisted"] is not None and row["delisted"] <= on
        if gone is active:
            continue
        end = datetime.fromtimestamp(ms(row["delisted"]) / 1000, ZoneInfo("UTC")) if gone else None
        named = {name: row[name] for name in ("ticker", "name", "type", "primary_exchange", "cik")}
        named |= {name: row[name] for name in ("composite_figi", "share_class_figi")}
        named |= {"market": "stocks", "locale": "us", "active": active, "currency_name": "usd"}
        named |= {"last_updated_utc": f"{on}T00:00:00Z", "delisted_utc": end and f"{end:%Y-%m-%dT%H:%M:%SZ}"}
        found.append(written(named))
    return found


def news(ticker: str | None = None) -> list[Row]:
    """Articles, of one ticker or all."""
    return [row for row in rows(market().news()) if ticker is None or ticker in row["tickers"]]


def splits() -> list[Row]:
    """Splits as ``/stocks/v1/splits`` has them; no line of this market has two executed splits."""
    return [
        {
            **row,
            "adjustment_type": "reverse_split" if row["split_from"] > row["split_to"] else "forward_split",
            "historical_adjustment_factor": round(row["split_from"] / row["split_to"], 6),
        }
        for row in rows(market().splits())
    ]


def dividends() -> list[Row]:
    """Dividends as ``/stocks/v1/dividends`` has them: paid before a 1:2 split is half of it today."""
    kinds = {"CD": "recurring", "SC": "special"}
    halved = {(row["ticker"], row["execution_date"]) for row in splits() if row["split_to"] == 2.0}
    kept: dict[str, float] = {}
    found = []
    for row in sorted(rows(market().dividends()), key=lambda row: row["ex_dividend_date"], reverse=True):
        ticker, on, cash = row["ticker"], row["ex_dividend_date"], row["cash_amount"]
        bars = market().daily_of(ticker, FIRST, date.fromisoformat(on) - timedelta(days=1))
        if on <= LAST.isoformat():
            kept[ticker] = kept.get(ticker, 1.0) * (1 - cash / bars["c"][-1])
        half = any(ticker == other and on < executed for other, executed in halved)
        row |= {"distribution_type": kinds[row.pop("dividend_type")], "split_adjusted_cash_amount": cash / (1 + half)}
        found.append({**row, "historical_adjustment_factor": round(kept.get(ticker, 1.0), 6)})
    return found
