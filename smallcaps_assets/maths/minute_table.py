"""Minute bars as arrays, with what the detectors compare them to: each value known at its bar's end.

A bar that starts at ``at`` is known 60 s later. "Prior 20" is the 20 most recent traded minutes of the same session
before the bar, none older than two hours, at least five of them; else the baseline is unknown.
"""

from typing import NamedTuple

import numpy as np
import polars as pl

from smallcaps_assets.maths import baselines
from smallcaps_assets.maths.arguments import Bools, Floats, Ints

MINUTE = baselines.MINUTE
PRIOR = 20
FEWEST = 5
OLDEST = 120 * MINUTE


class Minutes(NamedTuple):
    """Bars sorted by ticker, session and time; all arrays have one element a bar."""

    first: Ints  # index of the first bar of its ticker and session
    at: Ints  # start, ns UTC
    minute: Ints  # minutes from the session's open; negative before it
    regular: Bools  # whether it lies between open and close
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    trades: Floats  # NaN: unknown
    dollars: Floats  # the bar's price × volume; its price is its own vwap, or (high + low + close)/3 without one
    vwap: Floats  # anchored
    prior: Ints  # index of the first bar of its prior 20
    usual_volume: Floats  # mean of its prior 20
    atr: Floats  # USD, of the 14 sessions before
    prior_close: Floats  # USD, official, on the session's split basis
    premarket_rvol: Floats  # pre-market volume over its mean in the sessions before; known from the open on
    before_halt: Floats  # USD, last close before a halt, at the first bar after it; NaN elsewhere


def minutes(table: pl.DataFrame) -> Minutes:
    """From sorted bars with ``day`` (an id that changes with ticker and session) and one column for each given field.

    Columns: day, started_at, minute, segment, open, high, low, close, volume, vwap, trades, atr_14, prior_close,
    premarket_rvol, before_halt. Nulls become NaN.
    """
    day = integers(table, "day")
    first = np.maximum.accumulate(np.where(np.diff(day, prepend=-1) != 0, np.arange(len(day)), 0))
    at = integers(table, "started_at")
    typical = (pl.col("high") + pl.col("low") + pl.col("close")) / 3
    price = floats(table.select(price=pl.coalesce("vwap", typical)), "price")
    volume = floats(table, "volume")
    regular = np.array(table["segment"] == "RTH", dtype=np.bool_)
    prior = baselines.window_starts(first, at, PRIOR, OLDEST)
    return Minutes(
        first=first,
        at=at,
        minute=integers(table, "minute"),
        regular=regular,
        open=floats(table, "open"),
        high=floats(table, "high"),
        low=floats(table, "low"),
        close=floats(table, "close"),
        volume=volume,
        trades=floats(table, "trades"),
        dollars=price * volume,
        vwap=baselines.anchored_vwap(first, price, volume, regular),
        prior=prior,
        usual_volume=baselines.prior_mean(volume, prior, FEWEST),
        atr=floats(table, "atr_14"),
        prior_close=floats(table, "prior_close"),
        premarket_rvol=floats(table, "premarket_rvol"),
        before_halt=floats(table, "before_halt"),
    )


def integers(table: pl.DataFrame, name: str) -> Ints:
    """A column as int64[n] of its own memory: numba compiles once more for arrays that it may not write to."""
    return np.array(table[name].cast(pl.Int64).to_numpy(), dtype=np.int64)


def floats(table: pl.DataFrame, name: str) -> Floats:
    """A column as float64[n], null as NaN."""
    return np.array(table[name].cast(pl.Float64).fill_null(float("nan")).to_numpy(), dtype=np.float64)
