"""Trailing scores against brute force, by hand, and uniform."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.arguments import Floats, Ints
from smallcaps_assets.maths.percentiles import earlier_count, mid_ranks, trailing_scores, weighted_mid_ranks

ONE_KIND = np.zeros(4, dtype=np.int64)
ONE = np.array([1.0])


def means_of(values: list[float], ordinal: list[int], sessions: int, since: int = 0) -> list[float]:
    means, _ = trailing_scores(np.array([values]), ONE, ONE_KIND, np.array(ordinal), sessions, since)
    return list(means)


def test_the_own_session_and_older_ones_are_no_population() -> None:
    # at ordinal 4 with 2 sessions before: only the 5.0 of ordinal 3
    assert means_of([1.0, 5.0, 3.0, 4.0], [1, 3, 4, 4], 2)[2:] == [0.0, 0.0]
    assert means_of([1.0, 5.0, 3.0, 4.0], [1, 3, 4, 4], 3)[2:] == [0.5, 0.5]
    assert earlier_count(ONE_KIND, np.array([1, 3, 4, 4]), 2).tolist() == [0, 1, 1, 1]


def test_an_unknown_value_is_neither_ranked_nor_counted() -> None:
    means = means_of([np.nan, 2.0, 3.0, np.nan], [1, 1, 2, 2], 9)
    assert means[2] == 1.0
    assert np.isnan([means[i] for i in (0, 1, 3)]).all()


def test_sessions_that_are_only_looked_back_upon_are_not_ranked() -> None:
    means = means_of([0.0, 1.0, 2.0, 3.0], [0, 1, 2, 3], 9, since=3)
    assert np.isnan(means[:3]).all()
    assert means[3] == 1.0


def test_the_score_is_the_rank_of_the_mean_among_the_means_of_those_before() -> None:
    measures = np.array([[1.0, 2.0, 3.0, 2.5], [3.0, 2.0, 1.0, 2.5]])
    ordinal, weights = np.array([0, 0, 0, 1]), np.array([0.5, 0.5])
    # ranks of the new event: 2/3 and 2/3; of those before: 1/6, 1/2, 5/6 and mirrored, so all their means are 1/2
    means, scores = trailing_scores(measures, weights, ONE_KIND, ordinal, 60, 1)
    assert means[3] == pytest.approx(2 / 3)
    assert scores[3] == 1.0
    # and one that is like them ties with all three
    _, tied = trailing_scores(np.array([[1.0, 2, 3, 2], [3.0, 2, 1, 2]]), weights, ONE_KIND, ordinal, 60, 1)
    assert tied[3] == 0.5


@pytest.mark.parametrize("together", [0.0, 0.9], ids=["independent measures", "measures that go together"])
def test_a_third_of_the_scores_lies_above_two_thirds_but_not_of_the_means(together: float) -> None:
    rng = np.random.default_rng(7)
    shared = rng.standard_normal(4_000)
    measures = together * shared + (1 - together) * rng.standard_normal((5, 4_000))
    ordinal = np.repeat(np.arange(2, dtype=np.int64), 2_000)
    weights = np.array([0.30, 0.25, 0.20, 0.15, 0.10])
    means, scores = trailing_scores(measures, weights, np.zeros(4_000, dtype=np.int64), ordinal, 60, 1)
    deciles = np.histogram(scores[2_000:], bins=10, range=(0, 1))[0] / 2_000
    assert np.abs(deciles - 0.1).max() < 0.03
    assert (scores[2_000:] >= 0.7).mean() == pytest.approx(0.30, abs=0.04)
    if not together:
        assert (means[2_000:] >= 0.7).mean() < 0.10  # why the mean itself is no score


def brute_mid_ranks(values: Floats, population: Floats) -> Floats:
    known = population[~np.isnan(population)]
    shares = [((known < v).sum() + (known <= v).sum()) / 2 / len(known) if len(known) else np.nan for v in values]
    return np.where(np.isnan(values), np.nan, shares)


def brute_means(measures: Floats, population: Floats, weights: Floats) -> Floats:
    ranks = np.array([brute_mid_ranks(*pair) for pair in zip(measures, population, strict=True)])
    there = np.where(np.isnan(ranks), 0.0, weights[:, None])
    total = there.sum(axis=0)
    return np.where(total > 0, (np.nan_to_num(ranks) * there).sum(axis=0) / np.where(total > 0, total, 1), np.nan)


@settings(max_examples=60, deadline=None)
@given(
    events=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(0, 12),
            st.sampled_from([0.5, 1.0, 2.0, float("nan")]),
            st.sampled_from([1.0, 3.0, float("nan")]),
        ),
        min_size=1,
        max_size=60,
    ),
    sessions=st.integers(1, 8),
)
def test_scores_are_those_of_brute_force(events: list[tuple[int, int, float, float]], sessions: int) -> None:
    events = sorted(events, key=lambda event: event[:2])
    kind: Ints = np.array([event[0] for event in events], dtype=np.int64)
    ordinal: Ints = np.array([event[1] for event in events], dtype=np.int64)
    measures = np.ascontiguousarray(np.array([event[2:] for event in events], dtype=np.float64).T)
    weights = np.array([0.75, 0.25])
    means, scores = trailing_scores(measures, weights, kind, ordinal, sessions, 0)
    counts = earlier_count(kind, ordinal, sessions)
    for i in range(len(events)):
        before = (kind == kind[i]) & (ordinal < ordinal[i]) & (ordinal >= ordinal[i] - sessions)
        earlier = np.ascontiguousarray(measures[:, before])
        assert counts[i] == before.sum()
        mean = brute_means(measures[:, [i]], earlier, weights)
        np.testing.assert_allclose(means[[i]], mean)
        among = weighted_mid_ranks(earlier, earlier, weights)
        np.testing.assert_allclose(among, brute_means(earlier, earlier, weights))
        np.testing.assert_allclose(scores[[i]], brute_mid_ranks(means[[i]], among))


def test_no_population_ranks_nothing() -> None:
    assert np.isnan(mid_ranks(np.array([1.0]), np.array([np.nan]))).all()
