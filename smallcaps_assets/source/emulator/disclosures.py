"""Short interest, short volume and float of the synthetic lines."""

from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from smallcaps_assets.source.emulator.draws import Purpose, generator
from smallcaps_assets.source.emulator.listings import Line
from smallcaps_assets.source.emulator.market import FACILITIES, FLOAT_SHARES, SHORT_INTEREST, SHORT_VOLUME

BEFORE = 10  # sessions of the average daily volume


def settlements(sessions: list[date]) -> list[int]:
    """Ordinals of FINRA's settlement sessions: the last up to the 15th and the last of each month, when complete."""
    found = []
    for at, (session, following) in enumerate(pairwise(sessions)):
        if following.month != session.month or session.day <= 15 < following.day:
            found.append(at)
    return found


def short_interest(
    seed: int,
    lines: list[Line],
    sessions: list[date],
    volume: NDArray[np.int64],
    shares: Callable[[int], list[int]],
) -> pl.DataFrame:
    """Schema ``SHORT_INTEREST``; ``volume`` is (lines, sessions), ``shares`` gives a line's count in each session."""
    due = settlements(sessions)
    rows: list[tuple[object, ...]] = []
    for line in lines:
        if line.shares is None:
            continue
        u = generator(seed, Purpose.SHORTS, line.index).random(len(due) + 1)
        counts = shares(line.index)
        for number, at in enumerate(due):
            if not line.first <= at < (line.end or len(sessions)):
                continue
            sold = round(counts[at] * (0.005 + 0.12 * u[0]) * (0.7 + 0.6 * u[number + 1]))
            since = max(line.first, at - BEFORE + 1)
            average = max(int(volume[line.index, since : at + 1].mean()), 1)
            rows.append((line.ticker_at(at), sessions[at], sold, average, max(round(sold / average, 2), 1.0)))
    return pl.DataFrame(rows, schema=SHORT_INTEREST, orient="row").sort("settlement_date", "ticker")


def short_volume(seed: int, lines: list[Line], session: date, at: int, volume: NDArray[np.int64]) -> pl.DataFrame:
    """Schema ``SHORT_VOLUME`` of the lines with volume: the off-exchange part of it, as FINRA reports it."""
    u = generator(seed, Purpose.SHORTS, 2**20, session.toordinal()).random((len(lines), 3))
    reported = np.rint(volume * (0.35 + 0.2 * u[:, 0]))
    sold = np.rint(reported * (0.25 + 0.4 * u[:, 1]))
    exempt = np.rint(sold * 0.03 * u[:, 2])
    traded = np.flatnonzero(volume > 0)
    facilities = generator(seed, Purpose.SHORTS, 2**20 + 1, session.toordinal()).random((len(lines), 2))
    parts = {
        f"{facility}_short_volume{suffix}": counts[traded]
        for suffix, whole in (("", sold), ("_exempt", exempt))
        for facility, counts in _by_facility(whole, facilities)
    }
    return pl.DataFrame(
        {
            "ticker": [lines[index].ticker_at(at) for index in traded],
            "date": [session] * traded.size,
            "short_volume": sold[traded],
            "exempt_volume": exempt[traded],
            "non_exempt_volume": (sold - exempt)[traded],
            "total_volume": reported[traded],
            "short_volume_ratio": np.round(100 * sold[traded] / np.maximum(reported[traded], 1), 2),
            **parts,
        },
        schema=SHORT_VOLUME,
    )


def _by_facility(whole: NDArray[np.float64], u: NDArray[np.float64]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Volume by the facility it was reported to: most to Carteret, some to NYSE's, little to Chicago, no ADF."""
    carteret = np.floor(whole * (0.8 + 0.15 * u[:, 0]))
    nyse = np.floor((whole - carteret) * (0.9 + 0.1 * u[:, 1]))
    parts = (np.zeros(whole.size), carteret, whole - carteret - nyse, nyse)
    for facility, part in zip(FACILITIES, parts, strict=True):
        yield facility, part.astype(np.int64)


def float_shares(
    seed: int, lines: list[Line], sessions: list[date], shares: Callable[[int], list[int]]
) -> pl.DataFrame:
    """Schema ``FLOAT_SHARES``: the latest value of each line listed in the last session."""
    at = len(sessions) - 1
    rows: list[tuple[object, ...]] = []
    for line in lines:
        if line.shares is None or not line.first <= at < (line.end or at + 1):
            continue
        part = round(35 + 60 * float(generator(seed, Purpose.SHORTS, line.index, 1).random()), 2)
        free = float(round(shares(line.index)[at] * part / 100))
        rows.append((line.ticker_at(at), sessions[at].replace(day=1), free, part))
    return pl.DataFrame(rows, schema=FLOAT_SHARES, orient="row").sort("ticker")
