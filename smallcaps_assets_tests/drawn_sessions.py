"""Full sessions of many small caps, drawn in one go: what the inputs of `intraday_events` hold, for benchmarks."""

from datetime import date
from typing import NamedTuple

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


class Market(NamedTuple):
    """Rows of the datasets that `intraday_events` reads, as far as it reads them."""

    minute_bars: pl.DataFrame
    daily_metrics: pl.DataFrame
    halts: pl.DataFrame


def market(wanted: list[date], tickers: int, letter: str = "G", seed: int = 7) -> Market:
    """A bar in each of the 390 regular minutes, and outside them for a tenth of the ticker-sessions.

    Prices are in cents, drift in bursts on 5 to 40 times the usual volume, and some open on a gap; some sessions have a
    pullback, a parabolic run or a halt. So every detector has something to find. The same for the same arguments.
    """
    draw = np.random.default_rng(seed)
    width, rows = BEFORE + REGULAR + AFTER, len(wanted) * tickers
    ticker = np.tile(np.arange(tickers), len(wanted))
    moves = draw.standard_t(4, (rows, width)).astype(np.float32) * (0.0012 * draw.lognormal(0.0, 0.35, (rows, 1)))
    loud = np.ones((rows, width), dtype=np.float32)
    for length in (1, 3, 6):  # a print, a push, a run
        count = int(rows * BURSTS / 3)
        where, begin = draw.integers(0, rows, count), draw.integers(0, width - length, count)
        push, times = draw.normal(0.0, 0.06, count) / length, draw.uniform(5, 40, count)
        for step in range(length):
            moves[where, begin + step] += push
            loud[where, begin + step] = times
    moves[:, 0] += np.where(draw.random(rows) < 0.05, draw.normal(0.1, 0.1, rows), draw.normal(0.0, 0.01, rows))
    wick = np.abs(draw.normal(0, 0.0008, (2, rows, width)).astype(np.float32))
    planted = draw.permutation(rows)
    pullback, parabola, halted = (planted[part * rows // 50 : (part + 1) * rows // 50] for part in range(3))
    start = BEFORE + 60
    moves[pullback, start : start + 8] = [0.02, 0.02, 0.02, 0.02, -0.01, -0.01, 0.03, 0.0]
    loud[pullback, start : start + 8] = [10, 10, 10, 10, 2, 0.2, 10, 1]
    moves[parabola, start : start + 13] = [*np.linspace(0.02, 0.08, 12), 0.001]
    loud[parabola, start : start + 13], wick[0][parabola, start + 12] = [*range(10, 22), 500], 0.05
    moves[halted, start + 6] = draw.normal(0.0, 0.1, len(halted))
    first_price = draw.uniform(1.0, 15.0, tickers)[ticker]
    close = np.maximum(np.round(first_price[:, None] * np.exp(np.cumsum(moves, axis=1, dtype=np.float64)), 2), 0.05)
    opened = np.roll(close, 1, axis=1)
    opened[:, 0] = close[:, 0]
    opened[halted, start + 6] = close[halted, start + 6]
    high = np.maximum(opened, close) + np.round(close * wick[0], 2)
    low = np.maximum(np.minimum(opened, close) - np.round(close * wick[1], 2), 0.01)
    volume = np.ceil(draw.lognormal(7.8, 0.8, (rows, 1)) * loud * draw.lognormal(0.0, 0.5, (rows, width)))
    minute = np.arange(-BEFORE, REGULAR + AFTER)
    outside = (draw.random((rows, 1)) < EXTENDED_SHARE) & (draw.random((rows, width)) >= QUIET)
    trades = ((minute >= 0) & (minute < REGULAR))[None, :] | outside
    trades[halted, start : start + 6] = False
    open_at = np.repeat(np.array([sessions.hours(session).opens_at for session in wanted]), tickers)
    row, at = np.nonzero(trades)
    names = pl.Series([f"{letter}{number:03d}" for number in range(tickers)])
    bars = pl.DataFrame(
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
    halted = np.sort(halted)
    halts = pl.DataFrame(
        {
            "session": pl.Series(wanted).gather(halted // tickers),
            "ticker": names.gather(ticker[halted]),
            "halted_at": pl.Series(open_at[halted] + 60 * MINUTE + 1).cast(INSTANT),
            "resumed_at": pl.Series(open_at[halted] + 66 * MINUTE + 1).cast(INSTANT),
        }
    )
    return Market(bars, daily_metrics(bars), halts)


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
