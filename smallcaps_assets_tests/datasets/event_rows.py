"""Minute bars and events drawn by hand, for the datasets of the events stage."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Contract, empty

MINUTE = 60_000_000_000
SESSION = date(2024, 1, 16)


def minute_rows(session: date, ticker: str, bars: Iterable[tuple[int, float, float]]) -> pl.DataFrame:
    """Rows of `minute_bars` from (minute from the open, close, volume); each opens at the close before."""
    hours = sessions.hours(session)
    rows, before = [], None
    for minute, close, volume in bars:
        start = close if before is None else before
        top, bottom = max(start, close), min(start, close)
        at = hours.opens_at + minute * MINUTE
        segment = "PM" if minute < 0 else "RTH" if at < hours.closes_at else "AH"
        rows.append((session, ticker, at, start, top, bottom, close, float(volume), None, 10, segment))
        before = close
    names = ["session", "ticker", "started_at", "open", "high", "low", "close", "volume", "vwap", "trades", "segment"]
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return frame.with_columns(pl.col("started_at").cast(pl.Datetime("ns", "UTC")), pl.col("vwap").cast(pl.Float64))


def metric_rows(bars: pl.DataFrame, **known: Any) -> pl.DataFrame:
    """What `intraday_events` reads of `daily_metrics`, the same for each ticker and session of the bars."""
    values = {"atr_14": 1.0, "prior_close": 10.0, "sessions_since_reverse_split": None, **known}
    schema = {"atr_14": pl.Float64, "prior_close": pl.Float64, "sessions_since_reverse_split": pl.Int64}
    return (
        bars.select("session", "ticker")
        .unique(maintain_order=True)
        .with_columns(pl.lit(value, schema[name]).alias(name) for name, value in values.items())
    )


def walk(session: date, ticker: str, count: int = 150) -> pl.DataFrame:
    """A lively session with missing minutes, always the same for a ticker and session."""
    rng = np.random.default_rng([session.toordinal(), *ticker.encode()])
    hours = sessions.hours(session)
    last = (hours.postmarket_closes_at - hours.opens_at) // MINUTE
    minutes = sorted(rng.choice(np.arange(-60, min(last, 450)), size=count, replace=False).tolist())
    closes = 10.0 * np.exp(np.cumsum(rng.standard_t(3, count) * 0.012))
    return minute_rows(
        session, ticker, zip(minutes, closes.tolist(), np.round(rng.lognormal(8.5, 1.2, count)), strict=True)
    )


def event_rows(contract: Contract, *events: dict[str, Any]) -> pl.DataFrame:
    """Rows of a dataset of the events stage, each a liquid regular event but for what is given.

    ``minute`` (from the open) sets the instants and the id; the default is 30 and one more for each event.
    """
    rows = [event_row(number, event) for number, event in enumerate(events)]
    schema = empty(contract).schema
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


@cache
def opens_at(session: date) -> datetime:
    """When the session opens."""
    at: datetime = pl.select(pl.lit(sessions.hours(session).opens_at).cast(pl.Datetime("ns", "UTC"))).item()
    return at


def event_row(number: int, given: dict[str, Any]) -> dict[str, Any]:
    """One event; see ``event_rows``."""
    session = given.get("session", SESSION)
    ticker, detector = given.get("ticker", "GEVO"), given.get("detector", "volume_spike")
    minute = given.get("minute", 30 + number)
    triggered_at = opens_at(session) + timedelta(minutes=minute)
    known_at = triggered_at + timedelta(minutes=1)
    return {
        "session": session,
        "ticker": ticker,
        "event_id": f"{ticker}_{detector}_{session:%Y%m%d}_{minute}",
        "detector": detector,
        "direction": "up",
        "segment": "PM" if minute < 0 else "RTH" if minute < 390 else "AH",
        "triggered_at": triggered_at,
        "known_at": known_at,
        "spike": 7.0,
        "move_pct": 2.0,
        "range_pct": 2.0,
        "distance_to_vwap_pct": 1.0,
        "consecutive_bars": 2,
        "dollar_volume_so_far": 1_000_000.0,
        "time_of_day_rvol": 2.0,
        "spread_proxy": 0.02,
        "bar_dollar_volume": 200_000.0,
        "open": 9.8,
        "high": 10.0,
        "low": 9.8,
        "close": 10.0,
        "volume": 20_000.0,
        "mean_percentile": 0.6,
        "score": 0.7,
        "earlier_events": 300,
        "score_reason": "warming up" if "score" in given and given["score"] is None else "scored",
        "security_id": f"BBG{ticker}",
        "member": True,
        "profile": "core",
        "dropped_by": None,
        "missed": None if given.get("dropped_by") is None else "close",
        "missed_value": None,
        "missed_bound": None,
        "admitted": given.get("dropped_by") is None,
        "window_starts_at": known_at - timedelta(minutes=3),
        "window_ends_at": known_at + timedelta(minutes=7),
        **{name: value for name, value in given.items() if name != "minute"},
    }
