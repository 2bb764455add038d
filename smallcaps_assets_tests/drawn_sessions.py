"""Full sessions of many small caps, drawn in one go: what `minute_bars` and `daily_metrics` hold, for benchmarks."""

from datetime import date

import numpy as np
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.maths.minute_table import MINUTE

REGULAR = 390
BEFORE, AFTER = 330, 240  # minutes of the hours before the open and after the close
EXTENDED_SHARE = 0.1  # of the ticker-sessions that trade outside regular hours too
QUIET = 0.6  # of the minutes outside regular hours without a trade
BURSTS = 1.2  # a ticker-session, each some minutes of volume and drift
INSTANT = pl.Datetime("ns", "UTC")


def full_sessions(first: date, last: date) -> list[date]:
    """The sessions of 390 regular minutes."""
    early = sessions.table().filter("early_close")["session"].to_list()
    return [session for session in sessions.between(first, last) if session not in early]


def minute_bars(wanted: list[date], tickers: int, letter: str = "G", seed: int = 7) -> pl.DataFrame:
    """Rows of `minute_bars`: a bar in each of the 390 regular minutes, and outside them for a tenth of the tickers.

    Prices are in cents, drift in bursts that carry 5 to 40 times the usual volume, and some open on a gap; so every
    detector has something to find. The same for the same arguments.
    """
    draw = np.random.default_rng(seed)
    width, rows = BEFORE + REGULAR + AFTER, len(wanted) * tickers
    ticker = np.tile(np.arange(tickers), len(wanted))
    scale = 0.0012 * draw.lognormal(0.0, 0.35, (rows, 1))
    moves = draw.standard_t(4, (rows, width)).astype(np.float32) * scale
    loud = np.ones((rows, width), dtype=np.float32)
    for length in (1, 3, 6):  # a print, a push, a run
        count = int(rows * BURSTS / 3)
        start = draw.integers(0, width - length, count)
        where = draw.integers(0, rows, count)
        push = draw.normal(0.0, 0.06, count) / length
        times = draw.uniform(5, 40, count)
        for step in range(length):
            moves[where, start + step] += push
            loud[where, start + step] = times
    gap = np.where(draw.random(rows) < 0.05, draw.normal(0.1, 0.1, rows), draw.normal(0.0, 0.01, rows))
    moves[:, 0] += gap
    first_price = draw.uniform(1.0, 15.0, tickers)[ticker]
    close = np.maximum(np.round(first_price[:, None] * np.exp(np.cumsum(moves, axis=1, dtype=np.float64)), 2), 0.05)
    opened = np.roll(close, 1, axis=1)
    opened[:, 0] = close[:, 0]
    wick = np.round(close * np.abs(draw.normal(0, 0.0008, (2, rows, width)).astype(np.float32)), 2)
    high = np.maximum(opened, close) + wick[0]
    low = np.maximum(np.minimum(opened, close) - wick[1], 0.01)
    usual = draw.lognormal(7.8, 0.8, (rows, 1))
    volume = np.ceil(usual * loud * draw.lognormal(0.0, 0.5, (rows, width)))
    open_at = np.repeat(np.array([sessions.hours(session).opens_at for session in wanted]), tickers)
    minute = np.arange(-BEFORE, REGULAR + AFTER)
    regular = (minute >= 0) & (minute < REGULAR)
    outside = (draw.random((rows, 1)) < EXTENDED_SHARE) & (draw.random((rows, width)) >= QUIET)
    row, at = np.nonzero(regular[None, :] | outside)
    names = pl.Series([f"{letter}{number:03d}" for number in range(tickers)])
    return pl.DataFrame(
        {
            "session": pl.Series(wanted).gather(row // tickers),
            "ticker": names.gather(ticker[row]),
            "started_at": pl.Series(open_at[row] + minute[at] * MINUTE).cast(INSTANT),
            "open": opened[row, at],
            "high": high[row, at],
            "low": low[row, at],
            "close": close[row, at],
            "volume": volume[row, at],
            "vwap": ((high + low + close) / 3)[row, at],
            "trades": np.ceil(volume[row, at] / 120).astype(np.int64),
            "segment": pl.Series(["PM", "RTH", "AH"]).gather(np.digitize(minute, [0, REGULAR])[at]),
        }
    )


def daily_metrics(bars: pl.DataFrame) -> pl.DataFrame:
    """What `intraday_events` reads of `daily_metrics`: a day's range as ATR, and the close of the session before."""
    days = bars.group_by("ticker", "session", maintain_order=True).agg(
        pl.col("close").last(), range=pl.col("high").max() - pl.col("low").min()
    )
    return days.sort("ticker", "session").select(
        "session",
        "ticker",
        atr_14=pl.col("range").rolling_mean(14, min_samples=1).shift(1).over("ticker"),
        prior_close=pl.col("close").shift(1).over("ticker"),
        sessions_since_reverse_split=pl.lit(None, pl.Int64),
    )
