"""Tapes, bars and lives of labels, drawn with a seed: what ``bench_labels`` and the libraries beside it are given."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from smallcaps_assets.maths.arguments import Floats, Ints
from smallcaps_assets.store import parquet

OPENS_AT = 1_764_081_000_000_000_000  # 2025-11-25 14:30 UTC
SECOND = 1_000_000_000
BAR_RETURN = 0.0002  # standard deviation of a second's return


class Tape(NamedTuple):
    """Instants (ns), prices (USD) and sizes (shares) of trades."""

    at: Ints
    price: Floats
    size: Floats


def tapes(count: int, ticks: int) -> Tape:
    """That many tapes of ``ticks`` trades one after the other, 500 a second: a walk by cents with pauses.

    As on a recorded session of AIG five prices in six are that of the trade before, a third of the trades shares its
    instant with another, and seven sizes in ten are a round lot.
    """
    rng = np.random.default_rng(7)
    apart = rng.exponential(1.5 * SECOND / 500, count * ticks) * (rng.integers(0, 3, count * ticks) > 0)
    steps = rng.choice(np.array([-1, *[0] * 10, 1], dtype=np.int32), (count, ticks))
    price = (100 + np.abs(500 + np.cumsum(steps, axis=1))).ravel() / 100
    kind, odd, lots = (rng.integers(0, bound, count * ticks) for bound in (100, 99, 7))
    size = np.select([kind < 70, kind < 82, kind < 95], [100, 200, 100 * (lots + 3)], odd + 1)
    return Tape(OPENS_AT + np.cumsum(apart.astype(np.int64)), price, size.astype(np.float64))


def bars(count: int, entries: int, before_the_end: int) -> tuple[Ints, Floats, Ints]:
    """Instants and closes of bars of a second, and the bars of ``entries`` events, none within the last ones."""
    rng = np.random.default_rng(8)
    close = 10 * np.exp(np.cumsum(rng.normal(0, BAR_RETURN, count)))
    entry = np.sort(rng.choice(count - before_the_end, entries, replace=False)).astype(np.int64)
    return OPENS_AT + np.arange(count, dtype=np.int64) * SECOND, close, entry


def lives(count: int) -> tuple[Ints, Ints]:
    """Starts and ends of labels, sorted by start; no start is an end, so that closed and half-open lives are alike."""
    rng = np.random.default_rng(9)
    start = OPENS_AT + 2 * np.sort(rng.integers(0, 500 * count, count)).astype(np.int64)
    return start, start + 1 + 2 * rng.integers(0, 100_000, count)


def stored(tape: Tape, path: Path, group_rows: int) -> Path:
    """The tape as a Parquet file, written as the lake writes."""
    frame = pl.DataFrame(tape._asdict()).with_columns(pl.col("at").cast(pl.Datetime("ns", "UTC")))
    with path.open("wb") as file:
        parquet.write(frame, file, group_rows=group_rows, footer={})
    return path


def saved(folder: Path, **arrays: npt.NDArray[np.generic]) -> None:
    """Each array under its name, for another interpreter."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
