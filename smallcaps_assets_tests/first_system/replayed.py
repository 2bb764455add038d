"""The first system's rules on the minutes that were recorded, each event beside ours of the same ticker and session.

An event is confirmed if ours have one of the same detector and direction within ten minutes, the first system's own
window of duplicates. Of the others the first thing that our definition holds against them is counted.
"""

import numpy as np
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.maths.baselines import (
    UNBOUNDED,
    anchored_vwap,
    over,
    percent_above,
    prior_highest,
    prior_mean,
    prior_median,
    window_starts,
)
from smallcaps_assets.maths.minute_table import FEWEST, MINUTE, OLDEST, PRIOR, floats, integers
from smallcaps_assets_tests.first_system.daily import first_of
from smallcaps_assets_tests.first_system.listed import EIGHT
from smallcaps_assets_tests.first_system.rules import first_events
from smallcaps_assets_tests.real_minutes import Evidence

WITHIN = 10  # minutes
# The thresholds of spec/events.md, written out: this side of the comparison must not move with ours.
FLUSH_MINUTES, FLUSH_DROP, FLUSH_TIMES = 15, 8.0, 4.0
RTH_TIMES, EXTENDED_TIMES, EXTENDED_SHARES, EXTENDED_DOLLARS = 6.0, 8.0, 15_000, 75_000
CONFIRMED = "confirmed"
EIGHT_FROM_THE_OPEN = -90  # minutes


def replayed(found: Evidence) -> pl.DataFrame:
    """The first system's events on our minutes, with the segment, what ours measure, ``apart`` and ``reason``."""
    theirs = first_events(found.minute_bars)
    facts = known(found)
    rows = theirs.join(facts, on=["ticker", "started_at"], how="inner", validate="m:1")
    return nearest(rows, found.intraday_events).with_columns(reason=reason())


def nearest(theirs: pl.DataFrame, ours: pl.DataFrame) -> pl.DataFrame:
    """The rows with ``apart``, the minutes to our nearest event of the detector and direction in the session."""
    one = ["session", "ticker", "detector", "direction"]
    pairs = theirs.join(ours.select(*one, "triggered_at", our_segment="segment"), on=one, how="left")
    apart = (pl.col("triggered_at") - pl.col("started_at")).dt.total_minutes().alias("apart")
    ordered = pairs.with_columns(apart).sort(pl.col("apart").abs(), nulls_last=True, maintain_order=True)
    return ordered.unique(["ticker", "started_at", "detector"], keep="first", maintain_order=True)


def known(found: Evidence) -> pl.DataFrame:
    """By bar, what our detectors compare: the anchored VWAP, baselines without the bar, ranges of true minutes."""
    atr = found.daily_metrics.select("session", "ticker", atr="atr_14")
    rows = sessions.with_hours(found.minute_bars.lazy()).sort("ticker", "started_at").collect().with_row_index("row")
    rows = rows.join(atr, on=["session", "ticker"], how="left", validate="m:1", maintain_order="left").with_columns(
        minute=(pl.col("started_at") - pl.col("opens_at")).dt.total_minutes(),
        price=pl.coalesce("vwap", (pl.col("high") + pl.col("low") + pl.col("close")) / 3),
        regular=pl.col("segment") == "RTH",
        first=pl.first("row").over("ticker", "session"),
    )
    first, at = integers(rows, "first"), integers(rows, "started_at")
    price, volume, high, close = (floats(rows, name) for name in ("price", "volume", "high", "close"))
    vwap = anchored_vwap(first, price, volume, np.array(rows["regular"], dtype=np.bool_))
    prior = window_starts(first, at, PRIOR, OLDEST)
    of_flush = window_starts(first, at, UNBOUNDED, FLUSH_MINUTES * MINUTE - 1)
    highest = np.fmax(prior_highest(high, of_flush, 1), high)
    opening = pl.col("minute").is_between(0, 14)
    day = ["ticker", "session"]
    return rows.select(
        *day,
        "started_at",
        "segment",
        "minute",
        "close",
        "volume",
        "atr",
        flat=pl.col("close") == pl.col("open"),
        side=pl.Series(np.sign(close - vwap)),
        side_before=pl.Series(np.sign(close - vwap)).shift(1),  # of another day at a day's first bar
        over_median=pl.Series(over(volume, prior_median(volume, prior, FEWEST))).fill_nan(None),
        over_mean=pl.Series(over(volume, prior_mean(volume, prior, FEWEST))).fill_nan(None),
        dollars=pl.Series(price * volume),
        drop=pl.Series(-percent_above(close, highest)),
        above=pl.col("close") >= pl.col("high").filter(opening).max().over(day) * 1.005,
        below=pl.col("close") <= pl.col("low").filter(opening).min().over(day) * 0.995,
    ).with_columns(beyond_before=(pl.col("above") | pl.col("below")).shift(1).over(day))


def reason() -> pl.Expr:
    """``confirmed``, or the first thing that our definitions hold against the event."""
    up = pl.col("direction") == "up"
    of = pl.col("detector")
    sign = pl.when(up).then(1.0).otherwise(-1.0)
    regular = pl.col("segment") == "RTH"
    small = (
        pl.when(regular)
        .then(pl.lit(value=False))
        .otherwise((pl.col("volume") < EXTENDED_SHARES) | (pl.col("dollars") < EXTENDED_DOLLARS))
    )
    bound = pl.when(regular).then(RTH_TIMES).otherwise(EXTENDED_TIMES)
    spike, wide, flushed, based = (
        of == name for name in ("volume_spike", "opening_range_break", "flush", "consolidation_break")
    )
    vwap = of == "vwap_break"
    return first_of(
        (pl.col("apart").abs() <= WITHIN, CONFIRMED),
        (pl.col("minute") == EIGHT_FROM_THE_OPEN, EIGHT),
        (spike & pl.col("flat"), "no direction: close equals open"),
        (spike & small, "judged by regular hours' bounds, but pre-market or after-market"),
        (spike & pl.col("over_median").is_null(), "no baseline: fewer than five minutes before it"),
        (spike & (pl.col("over_median") < bound), "baseline without the bar: not unusual"),
        (vwap & (pl.col("side") != sign), "VWAP of one bar: the close is on the other side of the session's"),
        (vwap & (pl.col("side_before") == sign), "VWAP of one bar: the price had been on that side of the session's"),
        (vwap, "crossed the session's VWAP, but without the closes before or after, the distance or the volume"),
        (wide & ~regular, "opening range on the UTC clock: outside regular hours"),
        (wide & (pl.col("minute") < 15), "opening range on the UTC clock: inside the true opening range"),
        (wide & ~pl.when(up).then("above").otherwise("below"), "opening range on the UTC clock: inside the true range"),
        (wide & pl.col("beyond_before"), "a level, not a crossing: the close before was beyond the range too"),
        (wide, "a crossing without volume, or within the cooldown"),
        (flushed & (pl.col("drop") < FLUSH_DROP), "the high is older than 15 minutes"),
        (
            flushed & (pl.col("over_mean").is_null() | (pl.col("over_mean") < 4)),
            "baseline without the bar: not unusual",
        ),
        (based & pl.col("atr").is_null(), "no ATR of the sessions before: ours is silent"),
        (based, "no base of 30 minutes: too few of them traded, or its range is wide against the ATR"),
        (pl.col("apart").is_not_null(), "ours fired earlier or later in the session: theirs is the day's best score"),
        otherwise="a level, not a crossing, or within a cooldown",
    )


def mislabelled(rows: pl.DataFrame) -> float:
    """The share of the first system's events whose label is not the segment of their New York time."""
    wrong = rows.select((pl.col("label") != pl.col("segment")).mean()).item()
    return float(wrong)
