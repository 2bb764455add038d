"""``make bench``: how fast the parts are that this platform exists for, each beside a plain version of itself.

The machine's speed drifts, so a figure is only worth its ratio to the baseline that ran beside it.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from smallcaps_assets.maths.bars import imbalance_bars, tick_rule
from smallcaps_assets.maths.triple_barrier import first_touch
from smallcaps_assets.maths.uniqueness import average_uniqueness

TICKS = 2_000_000
ROUNDS = 5


def walk(ticks: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A seeded random walk: instants, prices, sizes."""
    rng = np.random.default_rng(7)
    at = np.cumsum(rng.integers(1, 2_000_000, ticks)).astype(np.int64)
    price = 5.0 + 0.01 * np.cumsum(rng.choice([-1, 0, 0, 1], ticks)).clip(-400, 400)
    size = rng.integers(1, 1_000, ticks).astype(np.float64)
    return at, price, size


def plain_dollar_bars(price: np.ndarray[Any, Any], size: np.ndarray[Any, Any]) -> int:
    """Signed dollars in plain Python: what the loop costs uncompiled."""
    sign = total = bars = 0.0
    last = price[0]
    for p, v in zip(price.tolist(), size.tolist(), strict=True):
        sign = 1.0 if p > last else -1.0 if p < last else sign
        last = p
        total += sign * p * v
        if abs(total) > 50_000:
            total, bars = 0.0, bars + 1
    return int(bars)


def plain_first_touch(price: np.ndarray[Any, Any], entry: np.ndarray[Any, Any], target: float, ahead: int) -> int:
    """The first touch of each entry by a NumPy scan of its path."""
    touched = 0
    for start in entry.tolist():
        path = price[start + 1 : start + ahead] / price[start] - 1
        touched += bool((np.abs(path) >= target).any())
    return touched


def plain_uniqueness(first: np.ndarray[Any, Any], last: np.ndarray[Any, Any], bars: int) -> float:
    """Average uniqueness label by label."""
    alive = np.zeros(bars)
    for a, b in zip(first, last, strict=True):
        alive[a : b + 1] += 1
    return float(np.mean([np.mean(1 / alive[a : b + 1]) for a, b in zip(first, last, strict=True)]))


def seconds(call: Callable[[], Any]) -> float:
    """The median of some rounds, after one that compiles."""
    call()
    spent = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        call()
        spent.append(time.perf_counter() - begun)
    return statistics.median(spent)


def main() -> None:
    """Print the table."""
    at, price, size = walk(TICKS)
    few = 100_000
    entry = np.arange(0, TICKS - 10_000, 100, dtype=np.int64)
    target = np.full(entry.size, 0.01)
    labels = 200_000
    first = np.sort(np.random.default_rng(7).integers(0, 1_000_000, labels)).astype(np.int64)
    last = first + np.random.default_rng(8).integers(0, 50, labels)
    rows: list[tuple[str, str, float, float, int, int]] = [
        (
            "imbalance_bars",
            "ticks",
            seconds(lambda: imbalance_bars(price, size)),
            seconds(lambda: plain_dollar_bars(price[:few], size[:few])),
            TICKS,
            few,
        ),
        (
            "tick_rule",
            "ticks",
            seconds(lambda: tick_rule(price)),
            seconds(lambda: pl.Series(price).diff().sign().replace(0, None).forward_fill()),
            TICKS,
            TICKS,
        ),
        (
            "first_touch",
            "labels",
            seconds(lambda: first_touch(at, price, entry, target, horizon_ns=300_000_000)),
            seconds(lambda: plain_first_touch(price, entry[:1000], 0.01, 300)),
            entry.size,
            1000,
        ),
        (
            "average_uniqueness",
            "labels",
            seconds(lambda: average_uniqueness(first, last, 1_000_100)),
            seconds(lambda: plain_uniqueness(first[:10_000], last[:10_000], 1_000_100)),
            labels,
            10_000,
        ),
    ]
    table = Table("function", "a second", "baseline, a second", "ratio")
    for name, unit, ours, plain, n, few_n in rows:
        fast, slow = n / ours, few_n / plain
        table.add_row(name, f"{fast:,.0f} {unit}", f"{slow:,.0f}", f"{fast / slow:,.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
