"""The measures that an event stores, and the relative volume of a time of day. Source: `spec/market_rules.md` 2.1.

Frames here are bars and days as `event_table.py` makes them.
"""

from typing import NamedTuple

import numpy as np
import polars as pl

from smallcaps_assets.maths.arguments import Floats, Ints
from smallcaps_assets.maths.baselines import percent_above, running, streaks, usual_volume_so_far
from smallcaps_assets.maths.event_table import DAY, days_of
from smallcaps_assets.maths.minute_table import MINUTE, Minutes, floats, integers

USUAL_SESSIONS, FEWEST_SESSIONS = 20, 5


class Volumes(NamedTuple):
    """What traded minute by minute in sessions that are looked back upon, and in those that look."""

    days: pl.DataFrame  # by ticker and session, as `event_table.days_of` makes them, with ``place`` and ticker_number
    at: Ints  # by bar, start, ns UTC
    volume: Floats


def volumes_of(bars: pl.DataFrame, hours: pl.DataFrame) -> Volumes:
    """The volumes of bars (session, ticker, started_at, volume) that are in order."""
    days = days_of(bars, hours).sort("ticker", "ordinal")
    numbered = days.with_columns(place=pl.int_range(pl.len()), ticker_number=pl.col("ticker").rle_id())
    return Volumes(numbered, integers(bars, "started_at"), floats(bars, "volume"))


def time_of_day_rvol(volumes: Volumes, asked: pl.DataFrame) -> pl.Series:
    """``volume_so_far`` of the asked over its mean up to their minute in the ticker's 20 sessions before.

    The volumes hold those sessions and the asked ones. Null with fewer than 5 of them, and within 20 sessions of a
    reverse split, whose earlier volumes are on another basis.
    """
    days = volumes.days
    place = asked.select(DAY).join(
        days.select(*DAY, "place"), on=DAY, how="left", maintain_order="left", validate="m:1"
    )
    usual = usual_volume_so_far(
        integers(place, "place"),
        integers(asked, "minute"),
        integers(days, "first"),
        integers(days, "bars"),
        integers(days, "ticker_number"),
        integers(days, "ordinal"),
        integers(days, "opens_at"),
        integers(days, "ends"),
        volumes.at,
        volumes.volume,
        USUAL_SESSIONS,
        FEWEST_SESSIONS,
    )
    straddles = (pl.col("sessions_since_reverse_split") < USUAL_SESSIONS).fill_null(False)
    rvol = (pl.col("volume_so_far") / pl.lit(pl.Series(usual)).fill_nan(None)).round(9)
    return asked.select(pl.when(~straddles).then(rvol).alias("rvol"))["rvol"]


def with_premarket_rvol(own: pl.DataFrame, volumes: Volumes) -> pl.DataFrame:
    """The bars of the run's own sessions with the relative volume of their whole pre-market."""
    day, before_open = integers(own, "day"), integers(own, "minute") < 0
    last = np.flatnonzero(before_open & np.append((day[1:] != day[:-1]) | ~before_open[1:], True))
    whole = own.select(*DAY, "volume_so_far", "sessions_since_reverse_split")[last].with_columns(minute=-1)
    rvol = np.full(day[-1] + 1, np.nan)
    rvol[day[last]] = time_of_day_rvol(volumes, whole).fill_null(np.nan).to_numpy()
    return own.with_columns(premarket_rvol=pl.Series(rvol[day]).fill_nan(None))


def measured(own: pl.DataFrame, bars: Minutes, events: Ints) -> pl.DataFrame:
    """The bars at which there are events, with the measures that every event stores."""
    price = pl.col("bar_dollar_volume") / pl.col("volume")
    return (
        own[events]
        .with_columns(
            distance_to_vwap_pct=pl.Series(percent_above(bars.close[events], bars.vwap[events])).fill_nan(None),
            bar_dollar_volume=pl.Series(bars.dollars[events]),
            dollar_volume_so_far=pl.Series(running(bars.first, bars.dollars)[events]),
            green_streak=pl.Series(streaks(bars.first, bars.close > bars.open)[events]),
            red_streak=pl.Series(streaks(bars.first, bars.close < bars.open)[events]),
            range_pct=(pl.col("high") - pl.col("low")) / pl.col("open") * 100,
            triggered_at=pl.col("started_at"),
            known_at=pl.col("started_at") + pl.duration(nanoseconds=MINUTE),
        )
        .with_columns(spread_proxy=pl.when(pl.col("volume") > 0).then((pl.col("high") - pl.col("low")) / price))
    )
