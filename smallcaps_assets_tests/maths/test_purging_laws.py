"""No training label meets a test label or its embargo: for random labels of any length, by brute force."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.arguments import Ints
from smallcaps_assets.maths.purging import Split, combinatorial_purged, paths, purge, purged_kfold, walk_forward

LABELS = st.lists(
    st.tuples(st.integers(0, 6), st.one_of(st.integers(0, 5), st.integers(0, 60))), min_size=8, max_size=40
).map(lambda labels: spans([gap for gap, _ in labels], [life for _, life in labels]))


def spans(gaps: list[int], lives: list[int]) -> tuple[Ints, Ints]:
    start = np.cumsum(gaps)
    return start, start + np.array(lives)


def blocks(test: Ints) -> list[Ints]:
    """The maximal runs of successive rows."""
    return np.split(test, np.flatnonzero(np.diff(test) > 1) + 1) if len(test) else []


def brute(start: Ints, end: Ints, test: Ints, embargo: int) -> list[int]:
    """The rows that may train, by the definition."""
    may = []
    for row in set(range(len(start))) - set(test.tolist()):
        for block in blocks(test):
            first, last = start[block].min(), end[block].max()
            if (start[row] <= last and end[row] >= first) or last < start[row] <= last + embargo:
                break
        else:
            may.append(row)
    return sorted(may)


@settings(max_examples=150, deadline=None)
@given(LABELS, st.sets(st.integers(0, 39)), st.integers(0, 10))
def test_purge_is_its_definition(labels: tuple[Ints, Ints], chosen: set[int], embargo: int) -> None:
    start, end = labels
    test = np.array(sorted(row for row in chosen if row < len(start)), dtype=np.int64)
    assert np.flatnonzero(purge(start, end, test, embargo_ns=embargo)).tolist() == brute(start, end, test, embargo)


@settings(max_examples=60, deadline=None)
@given(LABELS, st.integers(2, 6), st.integers(0, 10))
def test_folds_test_every_row_once_and_train_as_defined(labels: tuple[Ints, Ints], folds: int, embargo: int) -> None:
    start, end = labels
    tested: list[int] = []
    splits = purged_kfold(start, end, folds=folds, embargo_ns=embargo)
    for block in np.array_split(np.arange(len(start)), folds):
        expected = brute(start, end, block, embargo)
        if not expected:  # this fold raises, and the folds after it are not read
            return
        train, test = next(splits)
        assert (train.tolist(), test.tolist()) == (expected, block.tolist())
        tested += test.tolist()
    assert tested == list(range(len(start)))


@settings(max_examples=40, deadline=None)
@given(LABELS, st.integers(0, 10))
def test_no_training_span_meets_a_test_span_or_its_embargo(labels: tuple[Ints, Ints], embargo: int) -> None:
    start, end = labels
    splits = combinatorial_purged(start, end, groups=4, test_groups=2, embargo_ns=embargo)
    while True:
        try:
            train, test = next(splits)
        except (StopIteration, ValueError):
            return
        meets = (start[train][:, None] <= end[test] + embargo) & (end[train][:, None] >= start[test])
        assert not meets.any()


@settings(max_examples=60, deadline=None)
@given(LABELS, st.integers(3, 6), st.integers(1, 2), st.integers(0, 10))
def test_every_combination_of_groups_is_tested_and_trains_as_defined(
    labels: tuple[Ints, Ints], groups: int, test_groups: int, embargo: int
) -> None:
    start, end = labels
    cut = np.array_split(np.arange(len(start)), groups)
    splits = combinatorial_purged(start, end, groups=groups, test_groups=test_groups, embargo_ns=embargo)
    for chosen in combinations(range(groups), test_groups):
        test = np.concatenate([cut[group] for group in chosen])
        expected = brute(start, end, test, embargo)
        if not expected:  # this split raises, and those after it are not read
            return
        train, tested = next(splits)
        assert (train.tolist(), tested.tolist()) == (expected, test.tolist())
    assert next(splits, None) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 8), st.integers(1, 7))
def test_a_path_takes_each_group_from_a_split_that_tests_it_and_no_two_paths_take_the_same(
    groups: int, test_groups: int
) -> None:
    if test_groups >= groups:
        return
    chosen = list(combinations(range(groups), test_groups))
    used: set[tuple[int, int]] = set()
    for path in paths(groups, test_groups).tolist():
        assert all(group in chosen[split] for group, split in enumerate(path))
        used |= set(enumerate(path))
    assert used == {(group, split) for split, tested in enumerate(chosen) for group in tested}
    assert len(used) == paths(groups, test_groups).size


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4)), min_size=6, max_size=30),
    st.integers(1, 4),
    st.integers(1, 3),
    st.booleans(),
)
def test_a_walk_is_its_definition(
    labels: list[tuple[int, int]], train_sessions: int, test_sessions: int, expanding: bool
) -> None:
    session = np.cumsum([gap for gap, _ in labels])
    start, end = spans([4 * gap for gap, _ in labels], [life for _, life in labels])
    every = sorted(set(session.tolist()))
    folds: Iterator[Split] = iter(())
    if len(every) > train_sessions:
        folds = walk_forward(
            start,
            end,
            session,
            train_sessions=train_sessions,
            test_sessions=test_sessions,
            embargo_ns=3,
            expanding=expanding,
        )
    for at in range(train_sessions, len(every), test_sessions):
        trained = set(every[0 if expanding else at - train_sessions : at])
        tested = set(every[at : at + test_sessions])
        test = [row for row in range(len(session)) if session[row] in tested]
        expected = [row for row in brute(start, end, np.array(test), 3) if session[row] in trained]
        if not expected:  # this fold raises, and those after it are not read
            return
        train, ours = next(folds)
        assert (train.tolist(), ours.tolist()) == (expected, test)
    assert next(folds, None) is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=6, max_size=40),
    st.integers(1, 4),
    st.integers(1, 3),
    st.booleans(),
)
def test_a_walk_trains_only_on_labels_that_ended_before_its_test(
    labels: list[tuple[int, int]], train_sessions: int, test_sessions: int, expanding: bool
) -> None:
    session = np.cumsum([gap for gap, _ in labels])
    start, end = spans([10 * gap for gap, _ in labels], [life for _, life in labels])
    sessions = np.unique(session)
    if len(sessions) <= train_sessions:
        return
    tested: list[int] = []
    folds = walk_forward(
        start,
        end,
        session,
        train_sessions=train_sessions,
        test_sessions=test_sessions,
        embargo_ns=3,
        expanding=expanding,
    )
    for train, test in folds:
        assert end[train].max() < start[test].min()
        assert session[train].max() < session[test].min()
        assert expanding or len(np.unique(session[train])) <= train_sessions
        assert len(np.unique(session[test])) <= test_sessions
        tested += test.tolist()
    assert tested == np.flatnonzero(session >= sessions[train_sessions]).tolist()
