"""Splits of labelled rows whose training labels share no instant with a test label. Source: AFML 7.4, 12.4.

Label i lives on the closed interval ``[start_i, end_i]`` of instants (int64 nanoseconds or ``datetime64``); rows are
sorted by start. Blocks of test rows are cut as ``numpy.array_split`` cuts them. Every split is purged; one that
leaves no training row raises.
"""

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from smallcaps_assets.maths.arguments import (
    Bools,
    Ints,
    equal_lengths,
    instants,
    intervals,
    positions,
    refuse_at,
    whole,
)
from smallcaps_assets.maths.compiled import compiled

Split = tuple[Ints, Ints]


class Rows(NamedTuple):
    """The life of each row's label, checked, and the embargo in nanoseconds."""

    start: Ints
    end: Ints
    embargo: int


def purge(start: npt.ArrayLike, end: npt.ArrayLike, test: npt.ArrayLike, *, embargo_ns: int = 0) -> Bools:
    """Which rows may train: bool[n].

    True where a row is not in the test set, its interval meets no ``[min start, max end]`` of a contiguous test block
    (a shared instant is an overlap), and it does not start in ``(max end, max end + embargo_ns]`` of a block.

    Args:
        start: int64[n] or datetime64[n], sorted.
        end: int64[n] or datetime64[n], each at or after its start.
        test: bool[n], or the int64 indices of the test rows.
        embargo_ns: nanoseconds after a test block in which no training label may start.

    Raises:
        ValueError: unequal lengths, unsorted starts, a label that ends before it starts, or a negative embargo.

    >>> purge([0, 1, 2, 3, 4, 6], [1, 2, 3, 4, 5, 7], [2]).tolist()
    [True, False, False, False, True, True]
    >>> purge([0, 1, 2, 3, 4, 6], [1, 2, 3, 4, 5, 7], [2], embargo_ns=1).tolist()
    [True, False, False, False, False, True]
    """
    rows = _rows(start, end, embargo_ns)
    tested = np.asarray(test)
    if tested.dtype == np.bool_:
        equal_lengths(start=rows.start, test=tested)
        return _may_train(rows, tested)
    return _may_train(rows, _mask(len(rows.start), positions("test", tested, len(rows.start))))


def purged_kfold(start: npt.ArrayLike, end: npt.ArrayLike, *, folds: int, embargo_ns: int) -> Iterator[Split]:
    """One (train, test) of sorted row indices per fold; each row is tested once.

    Raises:
        ValueError: as :func:`purge`, fewer than 2 folds or more than rows, or a fold that leaves no training row.

    >>> [(train.tolist(), test.tolist()) for train, test in purged_kfold(range(6), range(6), folds=3, embargo_ns=1)]
    [([3, 4, 5], [0, 1]), ([0, 1, 5], [2, 3]), ([0, 1, 2, 3], [4, 5])]
    """
    rows = _rows(start, end, embargo_ns)
    blocks = _blocks(len(rows.start), "folds", folds)
    return _splits(rows, blocks, [(block,) for block in range(len(blocks))])


def combinatorial_purged(
    start: npt.ArrayLike, end: npt.ArrayLike, *, groups: int, test_groups: int, embargo_ns: int
) -> Iterator[Split]:
    """One (train, test) per choice of ``test_groups`` out of ``groups``, in lexicographic order.

    :func:`paths` says which splits make up each of the C(groups−1, test_groups−1) backtest paths.

    Raises:
        ValueError: as :func:`purged_kfold`, or test groups outside 1..groups−1.

    >>> splits = combinatorial_purged(range(4), range(4), groups=4, test_groups=2, embargo_ns=0)
    >>> [test.tolist() for _, test in splits]
    [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    """
    rows = _rows(start, end, embargo_ns)
    chosen = _choices(groups, test_groups)
    blocks = _blocks(len(rows.start), "groups", groups)
    return _splits(rows, blocks, chosen if blocks else [])


def paths(groups: int, test_groups: int) -> Ints:
    """For each backtest path the split that supplies each group: int64[C(groups−1, test_groups−1), groups].

    Path p takes for a group the p-th split, in the order of :func:`combinatorial_purged`, that tests the group.

    Raises:
        ValueError: test groups outside 1..groups−1.

    >>> paths(4, 2).tolist()
    [[0, 0, 1, 2], [1, 3, 3, 4], [2, 4, 5, 5]]
    """
    chosen = _choices(groups, test_groups)
    supplied = [[split for split, tested in enumerate(chosen) if group in tested] for group in range(groups)]
    return np.array(supplied, dtype=np.int64).T.copy()


def walk_forward(
    start: npt.ArrayLike,
    end: npt.ArrayLike,
    session: npt.ArrayLike,
    *,
    train_sessions: int,
    test_sessions: int,
    embargo_ns: int,
    expanding: bool = False,
) -> Iterator[Split]:
    """One (train, test) per fold, cut between sessions and rolled by ``test_sessions``.

    Fold k tests the ``test_sessions`` sessions that follow the first ``train_sessions + k·test_sessions`` ones (the
    last fold what is left of them), so that every later session is tested once; it trains on the ``train_sessions``
    sessions before, or with ``expanding`` on all before. All training rows lie before the test block, which an
    embargo follows: the embargo leaves nothing more out here and is taken so that the three kinds of split are called
    alike.

    Args:
        start: int64[n] or datetime64[n], sorted.
        end: int64[n] or datetime64[n], each at or after its start.
        session: [n], the session of each row, never decreasing.
        train_sessions: sessions to train on, 1 or more.
        test_sessions: sessions to test, 1 or more.
        embargo_ns: as in :func:`purge`.
        expanding: train on all sessions before the test.

    Raises:
        ValueError: as :func:`purge`, a session before the one of the row above, no session left to test, or a fold that
            leaves no training row.

    >>> session = [1, 1, 2, 3, 3, 4]
    >>> folds = walk_forward(range(6), range(6), session, train_sessions=2, test_sessions=1, embargo_ns=0)
    >>> [(train.tolist(), test.tolist()) for train, test in folds]
    [([0, 1, 2], [3, 4]), ([2, 3, 4], [5])]
    """
    rows = _rows(start, end, embargo_ns)
    whole("train_sessions", train_sessions, 1)
    whole("test_sessions", test_sessions, 1)
    sessions = np.asarray(session)
    equal_lengths(start=rows.start, session=sessions)
    earlier = np.flatnonzero(sessions[1:] < sessions[:-1])
    refuse_at(
        "session", sessions, int(earlier[0]) + 1 if len(earlier) else -1, "is before the session of the row above"
    )
    bounds = np.flatnonzero(np.concatenate([[True], sessions[1:] != sessions[:-1], [True]]))
    if not len(rows.start):
        return iter(())
    count = len(bounds) - 1
    if count <= train_sessions:
        raise ValueError(f"session has {count} sessions, none left to test after train_sessions={train_sessions}")

    def folds() -> Iterator[Split]:
        for fold, tested in enumerate(range(train_sessions, count, test_sessions)):
            trained = 0 if expanding else tested - train_sessions
            low, middle, high = bounds[trained], bounds[tested], bounds[min(tested + test_sessions, count)]
            test = _mask(len(rows.start), slice(middle, high))
            may_train = _may_train(rows, test) & _mask(len(rows.start), slice(low, middle))
            yield _indices(may_train, test, fold)

    return folds()


def _rows(start: npt.ArrayLike, end: npt.ArrayLike, embargo_ns: int) -> Rows:
    starts, ends = instants("start", start, increasing=True), instants("end", end)
    intervals("start", starts, "end", ends)
    embargo = whole("embargo_ns", embargo_ns, 0)
    if len(ends) and embargo > np.iinfo(np.int64).max - int(ends.max()):
        raise ValueError(f"embargo_ns is {embargo_ns}, beyond the last instant of 64 bits")
    return Rows(starts, ends, embargo)


@compiled
def _may_train(rows: Rows, test: Bools) -> Bools:
    """A row meets a block before it iff it starts by the furthest end so far, one after it iff it ends at its start."""
    start, end = rows.start, rows.end
    clear = ~test
    reached = coming = 0
    met = False
    for i in range(len(start)):
        if test[i]:
            reached = max(reached, end[i]) if met else end[i]
            met = True
        elif met:
            clear[i] = start[i] > reached + rows.embargo
    met = False
    for i in range(len(start) - 1, -1, -1):
        if test[i]:
            coming = start[i]
            met = True
        elif met:
            clear[i] &= end[i] < coming
    return clear


def _mask(length: int, rows: Ints | slice) -> Bools:
    mask = np.zeros(length, dtype=np.bool_)
    mask[rows] = True
    return mask


def _blocks(rows: int, name: str, count: int) -> list[Ints]:
    whole(name, count, 2)
    if rows and count > rows:
        raise ValueError(f"{name} is {count}, more than the {rows} rows")
    return np.array_split(np.arange(rows, dtype=np.int64), count) if rows else []


def _choices(groups: int, test_groups: int) -> list[tuple[int, ...]]:
    whole("groups", groups, 2)
    if not 1 <= test_groups < groups:
        raise ValueError(f"test_groups is {test_groups}, not in 1..{groups - 1}")
    return list(combinations(range(groups), test_groups))


def _splits(rows: Rows, blocks: list[Ints], chosen: Iterable[tuple[int, ...]]) -> Iterator[Split]:
    for split, tested in enumerate(chosen):
        test = _mask(len(rows.start), np.concatenate([blocks[block] for block in tested]))
        yield _indices(_may_train(rows, test), test, split)


def _indices(may_train: Bools, test: Bools, split: int) -> Split:
    train = np.flatnonzero(may_train).astype(np.int64, copy=False)
    if not len(train):
        raise ValueError(f"split {split} leaves no training row: every label meets its test rows or their embargo")
    return train, np.flatnonzero(test).astype(np.int64, copy=False)
