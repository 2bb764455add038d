"""Prefix stability: what was known before an instant does not change with what came after it."""

from hashlib import blake2b

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


def changed(before: pl.DataFrame, again: pl.DataFrame, key: list[str]) -> dict[str, int]:
    """Rows that are gone or new, and by column the values that differ; empty if both frames say the same.

    ``key`` names a row in both; nulls are equal to each other.

    >>> a = pl.DataFrame({"k": [1, 2], "v": [0.5, 0.7]})
    >>> changed(a, pl.DataFrame({"k": [2, 3], "v": [0.8, 0.1]}), ["k"])
    {'rows gone': 1, 'rows new': 1, 'v': 1}
    """
    both = before.join(again, on=key, how="inner", validate="1:1", suffix="_again")
    counts = {"rows gone": before.height - both.height, "rows new": again.height - both.height}
    for name in before.columns:
        if name not in key:
            counts[name] = int(both[name].ne_missing(both[f"{name}_again"]).sum())
    return {name: count for name, count in counts.items() if count}
