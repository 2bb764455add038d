"""Minute bars by ticker-session, with what is true of the whole of one: its hours, and what was known before it.

A ticker-session is a ``day`` here, numbered in the order of the bars. What belongs to it is looked up once and repeated
for its bars, because a day has 390 of them.
"""

import numpy as np
import polars as pl

from smallcaps_assets.maths.arguments import Ints
from smallcaps_assets.maths.baselines import running
from smallcaps_assets.maths.minute_table import floats, integers

ORDER = ["session", "ticker", "started_at"]


def in_order(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars by session, ticker and time. The lake's already are, and to see that costs less than to sort them."""
    session, ticker, at = (pl.col(name) for name in ORDER)
    later = (session > session.shift()) | (session == session.shift()) & (
        (ticker > ticker.shift()) | (ticker == ticker.shift()) & (at >= at.shift())
    )
    return bars if bars.select(later.all()).item() else bars.sort(ORDER)


def timed(bars: pl.DataFrame, hours: pl.DataFrame) -> pl.DataFrame:
    """The bars in order with ``day``, and ``ordinal``, ``minute``, ``ends`` and ``volume_so_far``.

    Args:
        bars: session, ticker, started_at, volume, and whatever else is to stay.
        hours: by session its ordinal, opens_at and postmarket_closes_at.

    Returns:
        Also ``ordinal`` of the session, ``minute`` from its open (negative before it), ``ends``: the minute at which
        its hours end, ``volume_so_far`` of the session, the bar's own included.
    """
    rows = in_order(bars)
    rows = rows.with_columns(day=pl.struct("session", "ticker").rle_id().cast(pl.Int64))
    first = first_bars(rows)
    days = rows.select("session")[first].join(hours, on="session", how="left", maintain_order="left", validate="m:1")
    own = days.select(
        pl.col("ordinal").cast(pl.Int64),
        "opens_at",
        ends=(pl.col("postmarket_closes_at") - pl.col("opens_at")).dt.total_minutes(),
    )
    day = rows["day"]
    so_far = running(first[day.to_numpy()], floats(rows, "volume"))
    return (
        rows.hstack(own[day])
        .with_columns(
            minute=(pl.col("started_at") - pl.col("opens_at")).dt.total_minutes(), volume_so_far=pl.Series(so_far)
        )
        .drop("opens_at")
    )


def with_known(rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The bars with the columns of ``known``, which has at most one row for a session and ticker; null without one."""
    keys = ["session", "ticker"]
    days = rows.select(keys)[first_bars(rows)].join(known, on=keys, how="left", maintain_order="left", validate="m:1")
    return rows.hstack(days.drop(keys)[rows["day"]])


def first_bars(rows: pl.DataFrame) -> Ints:
    """The position of each day's first bar."""
    return np.flatnonzero(np.diff(integers(rows, "day"), prepend=-1)).astype(np.int64)
