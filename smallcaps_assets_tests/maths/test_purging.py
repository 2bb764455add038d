"""Splits by hand: what is purged, what is embargoed, what is refused, and the vectors."""

import json
from math import comb
from typing import Any

import numpy as np
import pytest

from smallcaps_assets.maths.purging import combinatorial_purged, paths, purge, purged_kfold, walk_forward
from smallcaps_assets_tests.shared import SHARED, needs_shared

VECTORS = SHARED / "refvec/cv"
START = [0, 10, 20, 30, 40, 50]
END = [5, 20, 29, 39, 49, 59]


def kept(**given: Any) -> list[int]:
    return np.flatnonzero(purge(START, given.pop("end", END), given.pop("test", [2]), **given)).tolist()


def test_a_shared_instant_is_an_overlap() -> None:
    assert kept() == [0, 3, 4, 5]  # row 1 ends at 20, where row 2 starts
    assert kept(end=[5, 19, 30, 39, 49, 59]) == [0, 1, 4, 5]  # row 3 starts at 30, where row 2 ends


def test_a_label_as_long_as_the_data_leaves_no_other_row() -> None:
    assert kept(end=[999, 20, 29, 39, 49, 59], test=[3]) == [1, 2, 4, 5]  # row 0 spans the test
    assert kept(end=[5, 20, 999, 39, 49, 59], test=[2]) == [0]  # the test spans what follows


def test_the_longest_label_of_a_block_counts_not_the_last() -> None:
    assert kept(end=[5, 45, 29, 39, 49, 59], test=[1, 2]) == [0, 5]


def test_a_label_of_zero_length_is_a_point() -> None:
    assert purge([0, 5, 5], [9, 5, 5], [1]).tolist() == [False, False, False]
    assert purge([0, 5, 6], [4, 5, 6], [1]).tolist() == [True, False, True]


def test_an_embargo_leaves_out_what_starts_in_it_and_only_after_the_test() -> None:
    assert kept(embargo_ns=0) == [0, 3, 4, 5]
    assert kept(embargo_ns=1) == [0, 4, 5]  # row 2 ends at 29, row 3 starts at 30 = 29 + 1
    assert kept(embargo_ns=10) == [0, 4, 5]
    assert kept(embargo_ns=11) == [0, 5]
    assert kept(embargo_ns=10**12) == [0]


def test_rows_between_two_test_blocks_are_purged_on_both_sides() -> None:
    assert kept(test=[1, 4]) == [0, 3, 5]  # row 2 starts at 20, where row 1 ends


def test_the_test_may_be_a_mask_or_indices_in_any_order() -> None:
    mask = np.array([False, True, False, False, True, False])
    assert purge(START, END, mask).tolist() == purge(START, END, [4, 1]).tolist()


def test_without_a_test_row_every_row_may_train() -> None:
    assert purge(START, END, []).all()
    assert purge([], [], []).tolist() == []


def test_instants_of_numpy_are_taken_as_nanoseconds() -> None:
    start = np.array(["2024-06-03T13:30:00", "2024-06-03T13:31:00"], dtype="datetime64[us]")
    assert purge(start, start, [0], embargo_ns=59 * 10**9).tolist() == [False, True]
    assert purge(start, start, [0], embargo_ns=60 * 10**9).tolist() == [False, False]


def test_a_fold_is_a_block_of_rows() -> None:
    folds = [(train.tolist(), test.tolist()) for train, test in purged_kfold(START, END, folds=4, embargo_ns=0)]
    assert folds == [
        ([3, 4, 5], [0, 1]),  # row 2 starts at 20, where row 1 ends
        ([0, 4, 5], [2, 3]),
        ([0, 1, 2, 3, 5], [4]),
        ([0, 1, 2, 3, 4], [5]),
    ]


def test_combinations_come_in_lexicographic_order_and_their_rows_sorted() -> None:
    splits = list(combinatorial_purged(START, END, groups=3, test_groups=2, embargo_ns=0))
    assert [test.tolist() for _, test in splits] == [[0, 1, 2, 3], [0, 1, 4, 5], [2, 3, 4, 5]]
    assert [train.tolist() for train, _ in splits] == [[4, 5], [3], [0]]
    assert all(part.dtype == np.int64 for split in splits for part in split)


@pytest.mark.parametrize(("groups", "test_groups"), [(6, 2), (10, 3), (5, 2), (4, 1), (3, 2)])
def test_each_path_tests_each_group_once_and_each_split_is_used_by_its_groups(groups: int, test_groups: int) -> None:
    table = paths(groups, test_groups)
    assert table.shape == (comb(groups - 1, test_groups - 1), groups)
    splits = (
        list(combinatorial_purged(range(groups), range(groups), groups=groups, test_groups=test_groups, embargo_ns=0))
        if groups > test_groups + 1
        else []
    )
    for path in table:
        for group, split in enumerate(path):
            assert not splits or group in splits[split][1]
    assert np.bincount(table.ravel()).tolist() == [test_groups] * comb(groups, test_groups)


def test_walk_forward_rolls_by_the_test_and_tests_every_later_session_once() -> None:
    session = [1, 1, 2, 3, 3, 4, 5]
    folds = walk_forward(range(7), range(7), session, train_sessions=2, test_sessions=2, embargo_ns=0)
    assert [(a.tolist(), b.tolist()) for a, b in folds] == [([0, 1, 2], [3, 4, 5]), ([3, 4, 5], [6])]


def test_walk_forward_purges_the_labels_that_reach_into_the_test() -> None:
    session, end = [1, 1, 2, 3], [0, 3, 2, 3]
    folds = list(walk_forward(range(4), end, session, train_sessions=2, test_sessions=1, embargo_ns=5))
    assert [train.tolist() for train, _ in folds] == [[0, 2]]


def test_an_expanding_walk_trains_on_all_before() -> None:
    days = np.arange("2024-06-03", "2024-06-07", dtype="datetime64[D]")
    folds = walk_forward(range(4), range(4), days, train_sessions=2, test_sessions=1, embargo_ns=0, expanding=True)
    assert [train.tolist() for train, _ in folds] == [[0, 1], [0, 1, 2]]


def test_no_rows_give_no_splits() -> None:
    assert list(purged_kfold([], [], folds=3, embargo_ns=0)) == []
    assert list(combinatorial_purged([], [], groups=4, test_groups=2, embargo_ns=0)) == []
    assert list(walk_forward([], [], [], train_sessions=1, test_sessions=1, embargo_ns=0)) == []


def test_a_split_that_leaves_no_training_row_raises() -> None:
    long = [100] * 6
    with pytest.raises(ValueError, match="split 0 leaves no training row"):
        list(purged_kfold(START, long, folds=2, embargo_ns=0))
    with pytest.raises(ValueError, match="split 0 leaves no training row"):
        list(combinatorial_purged(START, long, groups=3, test_groups=1, embargo_ns=0))
    with pytest.raises(ValueError, match="split 0 leaves no training row"):
        list(walk_forward(START, long, range(6), train_sessions=1, test_sessions=1, embargo_ns=0))
    with pytest.raises(ValueError, match="split 0 leaves no training row"):
        list(purged_kfold(START, END, folds=2, embargo_ns=100))


def test_bad_arguments_are_refused_when_called_not_when_read() -> None:
    with pytest.raises(ValueError, match=r"start\[2\] = 5 is earlier"):
        purged_kfold([0, 9, 5], [9, 9, 9], folds=2, embargo_ns=0)
    with pytest.raises(ValueError, match=r"end\[1\] = 0 lies before its start"):
        purged_kfold([0, 1], [0, 0], folds=2, embargo_ns=0)
    with pytest.raises(ValueError, match="embargo_ns is -1"):
        purge([0], [0], [0], embargo_ns=-1)
    with pytest.raises(ValueError, match="beyond the last instant"):
        purge([0], [9], [0], embargo_ns=2**63 - 5)
    with pytest.raises(ValueError, match="folds is 1"):
        purged_kfold(START, END, folds=1, embargo_ns=0)
    with pytest.raises(ValueError, match="folds is 7, more than the 6 rows"):
        purged_kfold(START, END, folds=7, embargo_ns=0)
    with pytest.raises(ValueError, match=r"test_groups is 3, not in 1\.\.2"):
        combinatorial_purged(START, END, groups=3, test_groups=3, embargo_ns=0)
    with pytest.raises(ValueError, match=r"test\[0\] = 6 is outside 0\.\.5"):
        purge(START, END, [6])
    with pytest.raises(ValueError, match=r"session\[1\] = 1 is before the session of the row above"):
        walk_forward([0, 1], [0, 1], [2, 1], train_sessions=1, test_sessions=1, embargo_ns=0)
    with pytest.raises(ValueError, match="session has 2 sessions, none left to test after train_sessions=2"):
        walk_forward([0, 1], [0, 1], [1, 2], train_sessions=2, test_sessions=1, embargo_ns=0)
    with pytest.raises(ValueError, match="train_sessions is 0"):
        walk_forward([0, 1], [0, 1], [1, 2], train_sessions=0, test_sessions=1, embargo_ns=0)


@needs_shared
@pytest.mark.parametrize("labels", ["toy_tie", "toy_var", "toy_gap", "mid"])
def test_the_vectors_have_the_same_splits(labels: str) -> None:
    start, end = json.loads((VECTORS / "inputs_t0_t1.json").read_text())[labels]
    stated = json.loads((VECTORS / "oracle_cv.json").read_text())[labels]
    for test, train in [(b, a) for name in ("kfold4_drop", "cpcv5_2_drop") for a, b in stated[name]]:
        assert np.flatnonzero(purge(start, end, test)).tolist() == train
    if all(train for train, _ in stated["kfold4_drop"]):
        folds = purged_kfold(start, end, folds=4, embargo_ns=0)
        assert [[train.tolist(), test.tolist()] for train, test in folds] == stated["kfold4_drop"]
    if all(train for train, _ in stated["cpcv5_2_drop"]):
        splits = combinatorial_purged(start, end, groups=5, test_groups=2, embargo_ns=0)
        assert [[train.tolist(), test.tolist()] for train, test in splits] == stated["cpcv5_2_drop"]
