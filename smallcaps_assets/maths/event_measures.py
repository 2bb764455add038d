"""The measures that an event stores, and the relative volume of a time of day. Source: `spec/market_rules.md` 2.1.

Frames here are bars sorted by ticker, session and time with the columns ``day`` (an id that changes with ticker and
session), ``ticker``, ``ordinal`` (of the session), ``minute`` (from the session's open), ``ends`` (the minute at which
its hours end), ``volume_so_far`` and ``sessions_since_reverse_split``.
"""

import numpy as np
import polars as pl

from smallcaps_assets.maths.baselines import percent_above, running, streaks, usual_volume_so_far
from smallcaps_assets.maths.minute_table import MINUTE, Minutes, floats, integers

USUAL_SESSIONS, FEWEST_SESSIONS = 20, 5


def volume_so_far(rows: pl.DataFrame) -> pl.Series:
    """Volume of the session since 04:00, the bar's own included."""
    day = integers(rows, "day")
    return pl.Series(running(np.searchsorted(day, day).astype(np.int64), floats(rows, "volume")))


def time_of_day_rvol(rows: pl.DataFrame, asked: pl.DataFrame) -> pl.Series:
    """``volume_so_far`` of the asked (day, minute) over its mean up to that minute in the 20 sessions before.

    ``rows`` hold those sessions too. Null with fewer than 5 of them, and within 20 sessions of a reverse split, whose
    earlier volumes are on another basis.
    """
    days = rows.group_by("day", maintain_order=True).agg(pl.first("ticker", "ordinal", "ends"), pl.len().alias("bars"))
    days = days.with_columns(pl.col("ticker").rle_id())
    usual = usual_volume_so_far(
        integers(asked, "day"),
        integers(asked, "minute"),
        np.append(0, np.cumsum(integers(days, "bars"))),
        integers(days, "ticker"),
        integers(days, "ordinal"),
        integers(days, "ends"),
        integers(rows, "minute"),
        floats(rows, "volume_so_far"),
        USUAL_SESSIONS,
        FEWEST_SESSIONS,
    )
    straddles = (pl.col("sessions_since_reverse_split") < USUAL_SESSIONS).fill_null(False)
    rvol = (pl.col("volume_so_far") / pl.lit(pl.Series(usual)).fill_nan(None)).round(9)
    return asked.select(pl.when(~straddles).then(rvol).alias("rvol"))["rvol"]


def with_premarket_rvol(rows: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """The bars of the run's own sessions with the relative volume of their whole pre-market."""
    before_open = own.filter(pl.col("minute") < 0).group_by("day", maintain_order=True).last()
    whole = before_open.with_columns(minute=pl.lit(-1, pl.Int64))
    found = whole.select("day", premarket_rvol=time_of_day_rvol(rows, whole))
    return own.join(found, on="day", how="left", maintain_order="left", validate="m:1")


def with_measures(own: pl.DataFrame, bars: Minutes) -> pl.DataFrame:
    """The bars with the measures that every event stores."""
    price = pl.Series(bars.dollars) / pl.col("volume")
    return own.with_columns(
        distance_to_vwap_pct=pl.Series(percent_above(bars.close, bars.vwap)).fill_nan(None),
        bar_dollar_volume=pl.Series(bars.dollars),
        dollar_volume_so_far=pl.Series(running(bars.first, bars.dollars)),
        green_streak=pl.Series(streaks(bars.first, bars.close > bars.open)),
        red_streak=pl.Series(streaks(bars.first, bars.close < bars.open)),
        range_pct=(pl.col("high") - pl.col("low")) / pl.col("open") * 100,
        spread_proxy=pl.when(pl.col("volume") > 0).then((pl.col("high") - pl.col("low")) / price),
        triggered_at=pl.col("started_at"),
        known_at=pl.col("started_at") + pl.duration(nanoseconds=MINUTE),
    )
