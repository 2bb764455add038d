"""Intervals of scores from draws of whole clusters."""

from math import isnan, sqrt

import numpy as np
import pytest

from smallcaps_assets.maths.bootstrap import bootstrap_interval
from smallcaps_assets.maths.scores import auc, brier_skill


def forecasts(
    rows: int, rng: np.random.Generator
) -> tuple["np.typing.NDArray[np.int64]", "np.typing.NDArray[np.float64]"]:
    """Labels that come about as often as was forecast, p rounded so that there are ties."""
    p = rng.uniform(0.1, 0.9, rows).round(2)
    return (rng.uniform(size=rows) < p).astype(np.int64), p


def test_two_clusters_have_three_kinds_of_draw_by_hand() -> None:
    # cluster 0 is right (AUC 1), cluster 1 wrong (AUC 0); with one of each, pairs: 1, ½, ½, 0 = ½
    found = bootstrap_interval([1, 0, 1, 0], [0.8, 0.2, 0.2, 0.8], 0.5, [0, 0, 1, 1], draws=400)
    assert (found.auc_low, found.auc_high) == (0.0, 1.0)
    # Brier 0.04 or 0.64 against 0.25
    assert found.brier_skill_low == pytest.approx(1 - 0.64 / 0.25)
    assert found.brier_skill_high == pytest.approx(1 - 0.04 / 0.25)


def test_a_draw_scores_its_rows_as_often_as_they_were_drawn() -> None:
    rng = np.random.default_rng(3)
    label, p = forecasts(60, rng)
    group, weight = rng.integers(0, 12, 60), rng.uniform(0.5, 2.0, 60)
    names = np.unique(group)
    again, areas, skills = np.random.default_rng(9), [], []
    for _ in range(50):
        rows = np.concatenate(
            [np.flatnonzero(group == name) for name in names[again.integers(0, len(names), len(names))]]
        )
        areas.append(auc(label[rows], p[rows], weight[rows]))
        skills.append(brier_skill(label[rows], p[rows], 0.4, weight[rows]))
    found = bootstrap_interval(label, p, 0.4, group, draws=50, seed=9, weight=weight)
    assert found[:2] == pytest.approx(np.quantile(areas, [0.025, 0.975]))
    assert found[2:] == pytest.approx(np.quantile(skills, [0.025, 0.975]))


def test_the_interval_of_single_rows_is_about_as_wide_as_hanley_and_mcneils() -> None:
    label, p = forecasts(1500, np.random.default_rng(1))
    area, ones = auc(label, p), int(label.sum())
    zeros = len(label) - ones
    # Hanley and McNeil (1982): variance of an AUC from exponential scores
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (area * (1 - area) + (ones - 1) * (one - area**2) + (zeros - 1) * (two - area**2)) / (ones * zeros)
    found = bootstrap_interval(label, p, 0.5, np.arange(1500), draws=400)
    assert found.auc_low < area < found.auc_high
    assert found.auc_high - found.auc_low == pytest.approx(2 * 1.96 * sqrt(variance), rel=0.15)


def test_rows_that_repeat_within_their_cluster_do_not_narrow_the_interval() -> None:
    label, p = forecasts(200, np.random.default_rng(2))
    once = bootstrap_interval(label, p, 0.5, np.arange(200), draws=200)
    many = bootstrap_interval(np.repeat(label, 5), np.repeat(p, 5), 0.5, np.repeat(np.arange(200), 5), draws=200)
    assert many == pytest.approx(once)
    naive = bootstrap_interval(np.repeat(label, 5), np.repeat(p, 5), 0.5, np.arange(1000), draws=200)
    assert naive.auc_high - naive.auc_low < 0.6 * (once.auc_high - once.auc_low)


def test_the_same_seed_gives_the_same_interval_and_another_one_another() -> None:
    label, p = forecasts(100, np.random.default_rng(4))
    group = np.arange(100) // 4
    first = bootstrap_interval(label, p, 0.5, group, draws=100, seed=1)
    assert bootstrap_interval(label, p, 0.5, group, draws=100, seed=1) == first
    assert bootstrap_interval(label, p, 0.5, group * 7 - 90, draws=100, seed=1) == first
    assert bootstrap_interval(label, p, 0.5, group, draws=100, seed=2) != first


def test_where_nothing_varies_there_is_no_interval() -> None:
    assert all(isnan(end) for end in bootstrap_interval([1, 0], [0.9, 0.1], 0.5, [7, 7]))
    assert all(isnan(end) for end in bootstrap_interval([], [], 0.5, np.empty(0, dtype=np.int64)))
    one_class = bootstrap_interval([1, 1], [0.9, 0.6], 0.5, [0, 1], draws=100)
    assert isnan(one_class.auc_low)
    assert isnan(one_class.auc_high)
    # Brier 0.01 or 0.16 against 0.25
    assert one_class[2:] == pytest.approx((1 - 0.16 / 0.25, 1 - 0.01 / 0.25))
    certain = bootstrap_interval([1, 0], [0.9, 0.6], [1.0, 0.0], [0, 1], draws=100)
    assert isnan(certain.brier_skill_low)
    assert certain.auc_low == 1.0


def test_bad_arguments_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"label\[0\] = 2\.0"):
        bootstrap_interval([2, 0], [0.5, 0.5], 0.5, [0, 1])
    with pytest.raises(ValueError, match="groups is float64"):
        bootstrap_interval([1, 0], [0.5, 0.5], 0.5, [0.0, 1.0])
    with pytest.raises(ValueError, match="unequal lengths"):
        bootstrap_interval([1, 0], [0.5, 0.5], 0.5, [0])
    with pytest.raises(ValueError, match=r"base\[0\] = -0\.5"):
        bootstrap_interval([1, 0], [0.5, 0.5], -0.5, [0, 1])
    with pytest.raises(ValueError, match="draws is 0"):
        bootstrap_interval([1, 0], [0.5, 0.5], 0.5, [0, 1], draws=0)
