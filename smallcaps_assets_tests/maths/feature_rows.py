"""Rows of bars, quote seconds and minutes for the features worked by hand."""

from typing import Any

import polars as pl

INSTANT = pl.Datetime("ns", "UTC")
S = 10**9
TAPE: dict[str, Any] = {"session": 1, "ticker": "A", "tape_starts_at": 0}


def bars(closes: list[float], tape: int = 0, **columns: list[float]) -> pl.DataFrame:
    """Bars of one tape, one behind the other."""
    count = len(closes)
    usual: dict[str, Any] = {
        "session": [1] * count, "ticker": ["A"] * count, "tape_starts_at": [tape] * count, "bar": list(range(count)),
        "close": closes, "high": [c + 0.5 for c in closes], "low": [c - 0.5 for c in closes],
        "volume": [100.0] * count, "dollars": [c * 100 for c in closes], "imbalance": [10.0] * count,
        "buy_volume": [60.0] * count, "sell_volume": [40.0] * count,
    }  # fmt: skip
    return pl.DataFrame(usual | columns)


def frame(rows: list[dict[str, Any]], *instants: str) -> pl.DataFrame:
    """Rows of tape 0 with instants in ns."""
    return pl.DataFrame([TAPE | row for row in rows]).with_columns(pl.col(*instants).cast(INSTANT))


def bar(number: int, ticks: int, opened: int, closed: int, **other: float) -> dict[str, Any]:
    """A bar from second to second."""
    usual = {"volume": 300.0, "buy_volume": 200.0, "sell_volume": 50.0, "close": 10.0}
    return {"bar": number, "ticks": ticks, "opened_at": opened * S, "closed_at": closed * S} | usual | other
