"""Crossing and cooldown look backwards only."""

import numpy as np

from smallcaps_assets.maths.firing import cooled, crossings, first_of_session

MINUTE = 60_000_000_000
FIRST = np.zeros(6, dtype=np.int64)


def test_a_condition_that_goes_on_fires_once() -> None:
    assert crossings(FIRST, np.array([False, True, True, False, True, True])).nonzero()[0].tolist() == [1, 4]


def test_the_first_bar_of_a_session_has_no_bar_before_it() -> None:
    first = np.array([0, 0, 2, 2])
    assert crossings(first, np.array([True, True, True, True])).nonzero()[0].tolist() == [0, 2]


def test_a_cooldown_silences_what_starts_before_it_is_over() -> None:
    at = np.array([0, 4, 5, 9, 10, 11]) * MINUTE
    assert cooled(FIRST, at, np.ones(6, dtype=np.bool_), 5 * MINUTE).nonzero()[0].tolist() == [0, 2, 4]


def test_a_cooldown_ends_with_the_session() -> None:
    first = np.array([0, 1])
    assert cooled(first, np.array([0, 1]) * MINUTE, np.ones(2, dtype=np.bool_), 60 * MINUTE).tolist() == [True, True]


def test_only_the_first_events_of_each_session_count() -> None:
    first = np.array([0, 0, 0, 3, 3, 3])
    fires = np.array([True, True, True, False, True, True])
    assert first_of_session(first, fires, 2).nonzero()[0].tolist() == [0, 1, 4, 5]
