"""Minute bars by ticker-session, with what is true of the whole of one: its hours, and what was known before it.

A ticker-session is a ``day`` here, numbered in the order of the bars. What belongs to it is looked up once and repeated
for its bars, because a day has 390 of them.
"""

import numpy as np
import polars as pl

from smallcaps_assets.maths.baselines import running
from smallcaps_assets.maths.minute_table import MINUTE, floats, integers

ORDER = ["session", "ticker", "started_at"]
DAY = ["session", "ticker"]


def in_order(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars by session, ticker and time. The lake's already are, and to see that costs less than to sort them."""
    session, ticker, at = (pl.col(name) for name in ORDER)
    later = (session > session.shift()) | (session == session.shift()) & (
        (ticker > ticker.shift()) | (ticker == ticker.shift()) & (at >= at.shift())
    )
    return bars if bars.select(later.all()).item() else bars.sort(ORDER)


def days_of(bars: pl.DataFrame, hours: pl.DataFrame) -> pl.DataFrame:
    """The ticker-sessions of bars that are in order, each with where its bars are and the hours of its session.

    Args:
        bars: session, ticker.
        hours: session, ordinal, opens_at, postmarket_closes_at.

    Returns:
        session, ticker, ``first`` (position of its first bar), ``bars`` (how many), ``ordinal`` of the session,
        ``opens_at`` (UTC ns), ``ends`` (the minute from the open at which its hours end).
    """
    day = bars.select(pl.struct(DAY).rle_id().cast(pl.Int64)).to_series().to_numpy()
    first = np.flatnonzero(np.diff(day, prepend=-1)).astype(np.int64)
    own = bars.select(DAY)[first].with_columns(
        first=pl.Series(first), bars=pl.Series(np.diff(first, append=bars.height), dtype=pl.Int64)
    )
    return own.join(hours, on="session", how="left", maintain_order="left", validate="m:1").select(
        *own.columns,
        pl.col("ordinal").cast(pl.Int64),
        pl.col("opens_at").cast(pl.Int64),
        ends=(pl.col("postmarket_closes_at") - pl.col("opens_at")).dt.total_minutes(),
    )


def timed(bars: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """The bars with their ``day``, their ``minute`` from its open, negative before it, and its ``volume_so_far``.

    The volume is that since 04:00, the bar's own included.
    """
    first, opens_at = (np.repeat(integers(days, name), integers(days, "bars")) for name in ("first", "opens_at"))
    return bars.with_columns(
        day=pl.Series(np.repeat(np.arange(days.height), integers(days, "bars")), dtype=pl.Int64),
        minute=pl.Series((integers(bars, "started_at") - opens_at) // MINUTE),
        volume_so_far=pl.Series(running(first, floats(bars, "volume"))),
    )


def with_known(bars: pl.DataFrame, days: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The bars with the columns of ``known``, which has at most one row for a session and ticker; null without one."""
    found = days.select(DAY).join(known, on=DAY, how="left", maintain_order="left", validate="m:1")
    return bars.hstack(found.drop(DAY)[bars["day"]])
