"""How often the best of many configurations in one half of time is below the middle in the other.

Combinatorially symmetric cross-validation. Source: Bailey, Borwein, López de Prado and Zhu (2017), AFML 11.6.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from smallcaps_assets.maths.arguments import Floats, whole

NOTHING = 1e-20  # a variance this small a part of the mean square is rounding


class Overfitting(NamedTuple):
    """What cross-validation says of choosing the best."""

    probability: float
    """Share of the splits whose best is no better than the middle outside; 0.5 or more where choosing is worthless."""
    logits: Floats
    """ln(w/(1 − w)) of each split, w the place of its best outside over configurations + 1; 0 is the middle."""


def backtest_overfitting(returns: npt.ArrayLike, blocks: int = 16) -> Overfitting:
    """The probability of backtest overfitting of ``returns`` float64[sessions, configurations].

    Time is cut into ``blocks`` blocks in a row (unequal by a session at most). Each half of them is once the inside, in
    lexicographic order: C(16, 8) = 12,870 splits. The configuration with the highest Sharpe ratio inside (the first of
    equals) is ranked by its Sharpe ratio outside: place from 1, equals share the mean of their places. A half in which
    a configuration's returns do not vary gives it a Sharpe ratio of 0.

    A split is counted as overfitted where its logit is at or below 0. It costs O(splits × configurations) after one
    pass over the returns.

    Raises:
        ValueError: a return that is not finite, fewer than 2 configurations, blocks that are odd, below 2 or so many
            that one has fewer than 2 sessions.

    >>> always_best = np.column_stack([np.tile([0.02, 0.01], 4), np.tile([-0.01, 0.01], 4)])
    >>> found = backtest_overfitting(always_best, blocks=2)
    >>> found.probability, found.logits.round(6).tolist()  # ln((2/3)/(1/3)) both times
    (0.0, [0.693147, 0.693147])
    """
    table = np.ascontiguousarray(returns, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 2:
        raise ValueError(f"returns have the shape {table.shape}, not sessions by 2 or more configurations")
    if (bad := np.argwhere(~np.isfinite(table))).size:
        row, column = bad[0]
        raise ValueError(f"returns[{row}, {column}] = {table[row, column]} is not finite")
    count = whole("blocks", blocks, 2)
    if count % 2 or len(table) < 2 * count:
        raise ValueError(f"blocks is {count}, not an even number of which each has 2 of the {len(table)} sessions")
    chosen = list(combinations(range(count), count // 2))
    inside = np.zeros((len(chosen), count))
    inside[np.arange(len(chosen))[:, None], chosen] = 1.0
    parts = np.array_split(table, count)
    lengths = np.array([float(len(part)) for part in parts])
    sums = np.array([part.sum(axis=0) for part in parts])
    squares = np.array([(part**2).sum(axis=0) for part in parts])
    ratios, others = (_sharpes(half, lengths, sums, squares) for half in (inside, 1.0 - inside))
    best = np.argmax(ratios, axis=1)[:, None]
    its = np.take_along_axis(others, best, axis=1)
    place = (others < its).sum(axis=1) + ((others == its).sum(axis=1) + 1) / 2.0
    share = place / (table.shape[1] + 1)
    logits = np.log(share / (1.0 - share))
    return Overfitting(float(np.mean(logits <= 0.0)), logits)


def _sharpes(half: Floats, lengths: Floats, sums: Floats, squares: Floats) -> Floats:
    """Sharpe ratio of each half, [splits], and configuration, from the sums of its blocks."""
    rows = (half @ lengths)[:, None]
    mean, square = half @ sums / rows, half @ squares / rows
    variance = (square - mean**2) * rows / (rows - 1.0)
    varies = variance > NOTHING * square
    return np.where(varies, mean / np.sqrt(np.where(varies, variance, 1.0)), 0.0)
