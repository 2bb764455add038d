"""Folds with every row's role: what trains, validates and tests, and what is left out and why.

On top of ``maths/purging.py``, which says only what may train. Rows are sorted by start; a label lives on the closed
interval [start, end]. Purged: its life meets a block that is validated or tested. Embargoed: it begins within the
embargo after a test block.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from smallcaps_assets.maths.arguments import Bools, Ints
from smallcaps_assets.maths.purging import combinatorial_purged, purge, purged_kfold, walk_forward


class Fold(NamedTuple):
    """Which rows a fold uses, and for what: bool[n] each, no row twice."""

    train: Bools
    valid: Bools
    test: Bools
    purged: Bools
    embargoed: Bools


def walk_folds(
    start: Ints, end: Ints, session: Ints, *, train_sessions: int, valid_sessions: int, test_sessions: int
) -> Iterator[Fold]:
    """Walk-forward with validation: the last sessions before each test validate; training labels meet neither.

    Args:
        start: int64[n], sorted.
        end: int64[n].
        session: int64[n], never decreasing.
        train_sessions: sessions to train on; those to validate follow, then those to test, by which folds roll.
        valid_sessions: sessions to validate with.
        test_sessions: sessions to test.

    Raises:
        ValueError: as ``walk_forward``; a fold without rows to train on or to validate with.

    >>> folds = walk_folds(np.arange(4), np.array([1, 1, 2, 3]), np.array([1, 1, 2, 3]),
    ...                    train_sessions=1, valid_sessions=1, test_sessions=1)
    >>> [[np.flatnonzero(role).tolist() for role in fold] for fold in folds]
    [[[0, 1], [2], [3], [], []]]
    """
    window = train_sessions + valid_sessions
    pairs = walk_forward(start, end, session, train_sessions=window, test_sessions=test_sessions, embargo_ns=0)
    for number, (before, tested) in enumerate(pairs):
        free, test = mask(before, len(start)), mask(tested, len(start))
        earlier = session < session[tested[0]]
        used = np.unique(session[earlier])[-window:]
        inside = earlier & (session >= used[0])
        valid = free & (session >= used[train_sessions])
        if not valid.any():
            raise ValueError(f"walk-forward fold {number} has no row left to validate with")
        train = free & (session < used[train_sessions]) & purge(start, end, valid)
        if not train.any():
            raise ValueError(f"walk-forward fold {number} has no row left to train on")
        yield Fold(train, valid, test, inside & ~train & ~valid, np.zeros_like(test))


def kfold_folds(start: Ints, end: Ints, *, folds: int, embargo_ns: int) -> Iterator[Fold]:
    """Purged k-fold with roles; errors as ``purged_kfold``."""
    return _block_folds(start, end, purged_kfold(start, end, folds=folds, embargo_ns=embargo_ns))


def combinatorial_folds(start: Ints, end: Ints, *, groups: int, test_groups: int, embargo_ns: int) -> Iterator[Fold]:
    """Combinatorial purged k-fold with roles; errors as ``combinatorial_purged``."""
    pairs = combinatorial_purged(start, end, groups=groups, test_groups=test_groups, embargo_ns=embargo_ns)
    return _block_folds(start, end, pairs)


def leaks(start: Ints, end: Ints, test_start: Ints, test_end: Ints, embargo_ns: int) -> Bools:
    """Which labels meet a test label or begin within its embargo, by comparing each with each: bool[n].

    The slow way, without blocks or sorting, to check the fast one by.

    >>> leaks(np.array([0, 5, 9]), np.array([1, 6, 9]), np.array([6]), np.array([7]), 1).tolist()
    [False, True, False]
    """
    meets = (start[:, None] <= test_end[None, :] + embargo_ns) & (end[:, None] >= test_start[None, :])
    return np.asarray(meets.any(axis=1))


def mask(rows: Ints, length: int) -> Bools:
    """The row indices as bool[length]."""
    marked = np.zeros(length, dtype=np.bool_)
    marked[rows] = True
    return marked


def _block_folds(start: Ints, end: Ints, pairs: Iterator[tuple[Ints, Ints]]) -> Iterator[Fold]:
    for trained, tested in pairs:
        train, test = mask(trained, len(start)), mask(tested, len(start))
        apart = purge(start, end, test)
        yield Fold(train, np.zeros_like(test), test, ~apart & ~test, apart & ~train)
