"""Minute bars drawn by hand: flat stretches and single bars, by minutes from the open."""

from typing import NamedTuple

import polars as pl

from smallcaps_assets.maths.minute_table import MINUTE, Minutes, minutes

OPEN_AT = 1_705_415_400_000_000_000  # 2024-01-16 09:30 New York
REGULAR_MINUTES = 390


class Bar(NamedTuple):
    """A traded minute; minutes are counted from the open, negative before it."""

    minute: int
    open: float
    high: float
    low: float
    close: float
    volume: float = 1_000.0
    trades: int | None = 10
    day: int = 0
    before_halt: float | None = None


def flat(first: int, last: int, price: float = 10.0, volume: float = 1_000.0, day: int = 0) -> list[Bar]:
    """A bar each minute from first to last, both included, that does not move."""
    return [Bar(minute, price, price, price, price, volume, day=day) for minute in range(first, last + 1)]


def segment(minute: int) -> str:
    """Of a full session."""
    return "PM" if minute < 0 else "RTH" if minute < REGULAR_MINUTES else "AH"


def drawn(
    *bars: Bar, atr: float | None = 1.0, prior_close: float | None = 10.0, premarket_rvol: float | None = None
) -> Minutes:
    """The arrays of those bars; no bar has a vwap, so that its price is (high + low + close)/3."""
    columns = {name: [getattr(bar, name) for bar in bars] for name in Bar._fields}
    known = {"atr_14": atr, "prior_close": prior_close, "premarket_rvol": premarket_rvol, "vwap": None}
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Float64)
    table = pl.DataFrame(columns, schema_overrides=prices | {"before_halt": pl.Float64}, strict=False).with_columns(
        started_at=OPEN_AT + pl.col("day") * 24 * 60 * MINUTE + pl.col("minute") * MINUTE,
        segment=pl.Series([segment(bar.minute) for bar in bars], dtype=pl.String),
        **{name: pl.lit(value, pl.Float64) for name, value in known.items()},
    )
    return minutes(table)
