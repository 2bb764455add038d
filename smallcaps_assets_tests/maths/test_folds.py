"""Folds with roles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.folds import Fold, combinatorial_folds, kfold_folds, leaks, walk_folds


def test_a_label_that_lives_into_the_validation_does_not_train() -> None:
    start, end = np.array([0, 1, 2, 3]), np.array([0, 2, 2, 3])
    session = np.array([1, 1, 2, 3])
    (fold,) = walk_folds(start, end, session, train_sessions=1, valid_sessions=1, test_sessions=1)
    assert [np.flatnonzero(role).tolist() for role in fold] == [[0], [2], [3], [1], []]


@pytest.mark.parametrize(
    ("end", "message"), [([9, 9, 2, 3], "no training row|train on"), ([0, 1, 9, 3], "validate with")]
)
def test_a_fold_that_purging_leaves_without_rows_is_refused(end: list[int], message: str) -> None:
    session = np.array([1, 1, 2, 3])
    folds = walk_folds(np.arange(4), np.array(end), session, train_sessions=1, valid_sessions=1, test_sessions=1)
    with pytest.raises(ValueError, match=message):
        list(folds)


def test_a_label_that_lives_through_the_test_alone_leaves_no_row_to_train_on() -> None:
    start, end = np.arange(4), np.array([2, 2, 2, 3])
    folds = walk_folds(start, end, np.array([1, 1, 2, 3]), train_sessions=1, valid_sessions=1, test_sessions=1)
    with pytest.raises(ValueError, match="train on"):
        list(folds)


labels = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 6)), min_size=30, max_size=60)


@settings(max_examples=40, deadline=None)
@given(labels, st.integers(0, 5))
def test_roles_exclude_each_other_and_no_training_label_leaks(drawn: list[tuple[int, int]], embargo: int) -> None:
    start = np.sort(np.array([begins for begins, _ in drawn]))
    end = start + np.array([life for _, life in drawn])
    try:
        folds: list[Fold] = [
            *kfold_folds(start, end, folds=4, embargo_ns=embargo),
            *combinatorial_folds(start, end, groups=4, test_groups=2, embargo_ns=embargo),
        ]
    except ValueError as error:
        assert "no training row" in str(error)  # noqa: PT017 - labels drawn too close together
        return
    for fold in folds:
        assert np.sum(np.stack(fold), axis=0).tolist() == [1] * len(start)
        tested = (start[fold.test], end[fold.test])
        assert not leaks(start[fold.train], end[fold.train], *tested, embargo).any()
        assert not leaks(start[fold.embargoed], end[fold.embargoed], *tested, 0).any()
        assert leaks(start[fold.embargoed], end[fold.embargoed], *tested, embargo).all()
