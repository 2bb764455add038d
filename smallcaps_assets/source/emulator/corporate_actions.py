"""Splits, dividends and share counts of the synthetic lines."""

from bisect import bisect_right
from datetime import date, timedelta

import numpy as np
import polars as pl

from smallcaps_assets.source.emulator import calendar
from smallcaps_assets.source.emulator.draws import Purpose, generator
from smallcaps_assets.source.emulator.listings import Kind, Line
from smallcaps_assets.source.emulator.market import DIVIDENDS, SPLITS


def ratio(factor: float) -> tuple[float, float]:
    """The vendor's (split_from, split_to) of a factor on prices: 10 is (10, 1), a third is (1, 3)."""
    return (round(factor), 1.0) if factor >= 1 else (1.0, round(1 / factor))


def splits(lines: list[Line], sessions: list[date]) -> pl.DataFrame:
    """Schema ``SPLITS``, with the vendor's quirks: some rows come twice, some again with another ratio."""
    true = sorted((at, line.index) for line in lines for at in line.split_ordinals(len(sessions)))
    by_index = {line.index: line for line in lines}
    rows: list[tuple[str, str, date, float, float]] = []
    for number, (at, index) in enumerate(true):
        line = by_index[index]
        split_from, split_to = ratio(line.split[0] if line.split else 1.0)
        key = f"E{index:05d}{sessions[at].toordinal():07d}"
        rows.append((f"{key}a", line.ticker_at(at), sessions[at], split_from, split_to))
        if number % 4 == 1:
            rows.append((f"{key}b", line.ticker_at(at), sessions[at], split_from, split_to))
        if number % 4 == 3:
            rows.append((f"{key}b", line.ticker_at(at), sessions[at], split_from + 2, split_to))
    return pl.DataFrame(rows, schema=SPLITS, orient="row")


def ex_dates(line: Line, first: date, last: date) -> list[date]:
    """Ex-dividend sessions of a quarterly payer in [first, last]: the first session from the 12th of its months."""
    if not line.payout:
        return []
    months = [(year, month) for year in range(first.year, last.year + 1) for month in range(1, 13)]
    due = [date(year, month, 12) for year, month in months if month % 3 == line.index % 3]
    found = [calendar.sessions(day, day + timedelta(days=7))[0] for day in due]
    return [session for session in found if first <= session <= last]


def dividends(lines: list[Line], sessions: list[date]) -> pl.DataFrame:
    """Schema ``DIVIDENDS``: those of the sessions, and those already announced beyond them."""
    rows: list[tuple[object, ...]] = []
    for line in lines:
        for ex_date in ex_dates(line, sessions[0], sessions[-1] + timedelta(days=20)):
            at = bisect_right(sessions, ex_date) - 1
            if not line.first <= at < (line.end or len(sessions)):
                continue
            ticker = line.ticker_at(at)
            amount = round(line.anchor * line.payout, 2)
            declared, paid = ex_date - timedelta(days=20), ex_date + timedelta(days=21)
            key = f"D{line.index:05d}{ex_date.toordinal():07d}"
            rows.append((key, ticker, ex_date, declared, ex_date, paid, amount, "USD", 4, "CD"))
    return pl.DataFrame(rows, schema=DIVIDENDS, orient="row")


def share_counts(seed: int, line: Line, sessions: list[date]) -> list[int]:
    """Shares outstanding in each session: constant within a month, divided by splits, raised by offerings.

    Raises ValueError for a line whose count is unknown.
    """
    if line.shares is None:
        raise ValueError(f"the shares outstanding of {line.ticker} are unknown")
    month = np.array([12 * session.year + session.month for session in sessions])
    u = generator(seed, Purpose.SHARES, line.index).random((int(month[-1] - month[0]) + 1, 2))
    small = line.kind not in (Kind.MID, Kind.ETF, Kind.CHEAP_GIANT)
    growth = 1 + (0.003 if small else 0.0015) * u[:, 0]
    growth *= np.where(small & (u[:, 1] < 0.05), 1.08 + 0.17 * u[:, 0], 1.0)
    if line.split is not None:
        factor, period, _ = line.split
        growth = factor ** (21 / period) * (1 + 0.01 * (u[:, 0] - 0.5))
    growth[0] = 1.0
    counts = line.shares * np.cumprod(growth)[month - month[0]]
    for at in line.split_ordinals(len(sessions)):
        counts[at:] /= line.split[0] if line.split else 1.0
    return [int(count) for count in np.rint(counts)]
