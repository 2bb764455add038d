"""Prefix stability: what was known before an instant does not change with what came after it."""

from hashlib import blake2b

import numpy as np
import polars as pl


def drawn(seed: str, count: int) -> int:
    """A number in [0, count) that is always the same for a seed, in every process.

    Raises:
        ValueError: count below 1.

    >>> drawn("G|2024-01-16", 10) == drawn("G|2024-01-16", 10) in range(10)
    True
    """
    if count < 1:
        raise ValueError(f"count is {count}: there is nothing to draw from")
    return int.from_bytes(blake2b(seed.encode(), digest_size=8).digest(), "big") % count


def instants(rows: pl.DataFrame, tape: list[str], at: str, count: int) -> list[pl.DataFrame]:
    """Draws of one row a ticker, always the same: its ``tape``, and its instant ``at`` as ``until``.

    The rows of a ticker differ from draw to draw: one with fewer than ``count`` is in the first draws only.

    >>> rows = pl.DataFrame({"ticker": ["A", "A", "B"], "tape": [1, 2, 1], "at": [5, 9, 7]})
    >>> [draw.rows() for draw in instants(rows, ["ticker", "tape"], "at", 3)]
    [[('A', 1, 5), ('B', 1, 7)], [('A', 2, 9)]]
    """
    draws: list[list[pl.DataFrame]] = [[] for _ in range(count)]
    for part in rows.select(*tape, until=at).sort(*tape, "until").partition_by("ticker", maintain_order=True):
        seed = drawn("|".join(map(str, part.row(0))), 2**63)
        for draw, place in zip(draws, np.random.default_rng(seed).permutation(part.height), strict=False):
            draw.append(part[int(place)])
    return [pl.concat(draw) for draw in draws if draw]


def changed(
    before: pl.DataFrame, again: pl.DataFrame, key: list[str], *, relative: float = 0.0, absolute: float = 0.0
) -> dict[str, int]:
    """Rows that are gone or new, and by column the values that differ; empty if both frames say the same.

    ``key`` names a row in both; nulls are equal to each other. Numbers may differ by ``relative`` of the value before
    and by ``absolute``, for sums that are rounded in another order.

    >>> a = pl.DataFrame({"k": [1, 2], "v": [0.5, 0.7]})
    >>> changed(a, pl.DataFrame({"k": [2, 3], "v": [0.8, 0.1]}), ["k"])
    {'rows gone': 1, 'rows new': 1, 'v': 1}
    """
    both = before.join(again, on=key, how="inner", validate="1:1", suffix="_again")
    counts = {"rows gone": before.height - both.height, "rows new": again.height - both.height}
    values = [name for name in before.columns if name not in key]
    differ = [pl.col(name).ne_missing(pl.col(f"{name}_again")) for name in values]
    if relative or absolute:
        off = [(pl.col(name) - pl.col(f"{name}_again")).abs() for name in values]
        bound = [relative * pl.col(name).abs() + absolute for name in values]
        near = [(far <= most).fill_null(False) for far, most in zip(off, bound, strict=True)]
        differ = [other & ~close for other, close in zip(differ, near, strict=True)]
    counted = both.select(other.sum().alias(name) for name, other in zip(values, differ, strict=True))
    counts |= counted.row(0, named=True) if values else {}
    return {name: count for name, count in counts.items() if count}
