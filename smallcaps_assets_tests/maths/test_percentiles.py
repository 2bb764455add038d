"""Trailing percentiles against brute force, and by hand."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.percentiles import earlier_count, trailing_percentile

ONE_KIND = np.zeros(4, dtype=np.int64)


def test_the_own_session_and_older_ones_are_no_population() -> None:
    values, ordinal = np.array([1.0, 5.0, 3.0, 4.0]), np.array([1, 3, 4, 4])
    # at ordinal 4 with 2 sessions before: only the 5.0 of ordinal 3
    assert trailing_percentile(values, ONE_KIND, ordinal, 2, 0)[2:].tolist() == [0.0, 0.0]
    assert trailing_percentile(values, ONE_KIND, ordinal, 3, 0)[2:].tolist() == [0.5, 0.5]
    assert earlier_count(ONE_KIND, ordinal, 2).tolist() == [0, 1, 1, 1]


def test_an_unknown_value_is_neither_ranked_nor_counted() -> None:
    values = np.array([np.nan, 2.0, 3.0, np.nan])
    shares = trailing_percentile(values, ONE_KIND, np.array([1, 1, 2, 2]), 9, 0)
    assert shares[2] == 1.0
    assert np.isnan(shares[[0, 1, 3]]).all()


def test_sessions_that_are_only_looked_back_upon_are_not_ranked() -> None:
    shares = trailing_percentile(np.arange(4.0), ONE_KIND, np.arange(4), 9, 3)
    assert np.isnan(shares[:3]).all()
    assert shares[3] == 1.0


@settings(max_examples=60, deadline=None)
@given(
    events=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 12), st.sampled_from([0.5, 1.0, 2.0, float("nan")])), max_size=60
    ),
    sessions=st.integers(1, 8),
)
def test_percentiles_are_those_of_brute_force(events: list[tuple[int, int, float]], sessions: int) -> None:
    events = sorted(events, key=lambda event: event[:2])
    kind = np.array([event[0] for event in events], dtype=np.int64)
    ordinal = np.array([event[1] for event in events], dtype=np.int64)
    values = np.array([event[2] for event in events], dtype=np.float64)
    shares = trailing_percentile(values, kind, ordinal, sessions, 0)
    counts = earlier_count(kind, ordinal, sessions)
    for i in range(len(events)):
        before = (kind == kind[i]) & (ordinal < ordinal[i]) & (ordinal >= ordinal[i] - sessions)
        known = values[before & ~np.isnan(values)]
        assert counts[i] == before.sum()
        if len(known) and not np.isnan(values[i]):
            assert shares[i] == ((known < values[i]).sum() + (known <= values[i]).sum()) / 2 / len(known)
        else:
            assert np.isnan(shares[i])
