"""What a picture of an event may show: the minutes and lines that are handed to the drawing.

The blind picture holds what was known when the event was: no bar that ended later, and a scale that none of them has
set. The revealed one holds what followed as well.
"""

from typing import NamedTuple

import numpy as np
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.maths.arguments import Bools, Floats
from smallcaps_assets.maths.baselines import anchored_vwap
from smallcaps_assets.maths.minute_table import MINUTE, floats, integers

MINUTES_BEFORE, MINUTES_AFTER = 120, 120  # of the trigger: all that the detectors look at but the extremes of the day
OPENING_RANGE = 15  # minutes from the open


class Picture(NamedTuple):
    """Arrays with one element a bar, oldest first; minutes are counted from midnight in New York."""

    minute: Floats
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    vwap: Floats  # anchored, as the detectors'
    regular: Bools  # whether it lies between open and close
    trigger: float  # minute at which the event's bar starts
    up: bool
    levels: dict[str, float]  # USD, by name; of bars that ended before the event's began
    first: float  # the axis begins here
    last: float  # and ends here


def blind(bars: pl.DataFrame, triggered_at: int, *, up: bool) -> Picture:
    """The event as it was known at its bar's end. ``bars``: of its session and ticker, in order; instants in ns UTC.

    Raises:
        ValueError: no bar starts at ``triggered_at``.
    """
    return _picture(bars, triggered_at, triggered_at + MINUTE, up)


def revealed(bars: pl.DataFrame, triggered_at: int, *, up: bool) -> Picture:
    """The event and what followed, to the end of the session or for ``MINUTES_AFTER``; else as ``blind``."""
    return _picture(bars, triggered_at, triggered_at + (1 + MINUTES_AFTER) * MINUTE, up)


def _picture(bars: pl.DataFrame, triggered_at: int, until: int, up: bool) -> Picture:
    seen = bars.filter(pl.col("started_at").cast(pl.Int64) + MINUTE <= until)
    at = integers(seen, "started_at")
    if triggered_at not in at:
        raise ValueError(f"no bar starts at {triggered_at} (ns UTC), where the event is said to be")
    price = floats(
        seen.select(price=pl.coalesce("vwap", (pl.col("high") + pl.col("low") + pl.col("close")) / 3)), "price"
    )
    regular = np.array(seen["segment"] == "RTH", dtype=np.bool_)
    vwap = anchored_vwap(np.zeros(len(at), dtype=np.int64), price, floats(seen, "volume"), regular)
    shown = at >= triggered_at - MINUTES_BEFORE * MINUTE
    midnight = _midnight(seen)
    minute = (at - midnight) / MINUTE
    return Picture(
        minute=minute[shown],
        open=floats(seen, "open")[shown],
        high=floats(seen, "high")[shown],
        low=floats(seen, "low")[shown],
        close=floats(seen, "close")[shown],
        volume=floats(seen, "volume")[shown],
        vwap=vwap[shown],
        regular=regular[shown],
        trigger=(triggered_at - midnight) / MINUTE,
        up=up,
        levels=levels(seen.filter(at < triggered_at), triggered_at),
        first=float(minute[shown][0]),
        last=max(float(minute[-1]) + 1, (triggered_at - midnight) / MINUTE + 1),
    )


def levels(before: pl.DataFrame, triggered_at: int) -> dict[str, float]:
    """Prices that the bars before the event left behind: extremes of the session, pre-market, opening range."""
    if before.is_empty():
        return {}
    found = {"session high": before["high"].max(), "session low": before["low"].min()}
    opens_at = sessions.hours(before["session"][0]).opens_at
    if triggered_at >= opens_at:
        found["pre-market high"] = before.filter(pl.col("segment") == "PM")["high"].max()
    if triggered_at >= opens_at + OPENING_RANGE * MINUTE:
        at = pl.col("started_at").cast(pl.Int64)
        opening = before.filter(at.is_between(opens_at, opens_at + OPENING_RANGE * MINUTE, closed="left"))
        found |= {"opening range high": opening["high"].max(), "opening range low": opening["low"].min()}
    return {name: float(price) for name, price in found.items() if isinstance(price, float)}


def _midnight(bars: pl.DataFrame) -> int:
    """New York's midnight before the pre-market, ns UTC; clocks change on Sundays, which have no session."""
    opens = sessions.hours(bars["session"][0]).premarket_opens_at
    return opens - sessions.PREMARKET_OPEN.hour * 60 * MINUTE
