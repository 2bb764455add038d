"""Scores of probability forecasts: worked by hand, their laws, and beside scikit-learn."""

from math import isnan, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from smallcaps_assets.maths.scores import (
    auc,
    brier,
    brier_of_classes,
    brier_skill,
    calibration_error,
    log_loss,
    log_loss_of_classes,
    precision_at_top,
    reliability,
)

GRID = 64  # p = k/64, so that 1 − p and sums of p are exact
ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, GRID), st.integers(1, 5)), min_size=1, max_size=40).map(
    lambda rows: tuple(np.array(part) for part in zip(*[(int(y), k / GRID, float(w)) for y, k, w in rows], strict=True))
)
Rows = tuple["np.typing.NDArray[np.int64]", "np.typing.NDArray[np.float64]", "np.typing.NDArray[np.float64]"]


def test_scores_of_three_rows_by_hand() -> None:
    label, p = [1, 0, 1], [0.75, 0.25, 0.5]
    assert log_loss(label, p) == pytest.approx(-(2 * log(0.75) + log(0.5)) / 3)
    assert brier(label, p) == pytest.approx((0.0625 + 0.0625 + 0.25) / 3)
    # the base 0.5 has a Brier of 0.25: 1 − 0.125/0.25
    assert brier_skill(label, p, 0.5) == pytest.approx(0.5)


def test_a_weight_counts_as_that_many_rows() -> None:
    label, p = [1, 0, 0], [0.6, 0.6, 0.2]
    many = ([1, 1, 1, 0, 0], [0.6, 0.6, 0.6, 0.6, 0.2])
    weight = [3.0, 1.0, 1.0]
    for score in (log_loss, brier, auc):
        assert score(label, p, weight) == pytest.approx(score(*many))
    assert brier_skill(label, p, 0.5, weight) == pytest.approx(brier_skill(*many, 0.5))
    assert calibration_error(label, p, 2, weight) == pytest.approx(calibration_error(*many, bins=2))
    assert precision_at_top(label, p, 0.5, weight) == pytest.approx(precision_at_top(*many, share=0.5))


def test_a_row_of_no_weight_does_not_exist() -> None:
    label, p, weight = [1, 0, 1], [0.9, 0.2, 0.1], [1.0, 1.0, 0.0]
    assert auc(label, p, weight) == 1.0
    assert brier(label, p, weight) == pytest.approx((0.01 + 0.04) / 2)
    assert reliability(label, p, 10, weight).share.tolist() == [0.0, 1.0]


def test_a_certain_forecast_that_fails_costs_a_finite_amount() -> None:
    assert log_loss([1], [0.0]) == pytest.approx(52 * log(2))
    assert log_loss([0], [0.0]) == pytest.approx(0.0, abs=1e-15)


def test_the_base_may_differ_from_row_to_row() -> None:
    # Brier of p: (0.01 + 0.09)/2; of the base: (0.25 + 0.04)/2
    assert brier_skill([1, 0], [0.9, 0.3], [0.5, 0.2]) == pytest.approx(1 - 0.05 / 0.145)


def test_the_area_under_the_curve_counts_pairs() -> None:
    # ones at 0.8, 0.4, 0.4; zeros at 0.4, 0.1: pairs 1, 1; ½, 1; ½, 1 = 5 of 6
    assert auc([1, 1, 0, 1, 0], [0.8, 0.4, 0.4, 0.4, 0.1]) == pytest.approx(5 / 6)
    assert auc([0, 1], [0.1, 0.9]) == 1.0
    assert auc([1, 0], [0.1, 0.9]) == 0.0
    assert auc([1, 0, 0], [0.5, 0.5, 0.5]) == 0.5


def test_bins_hold_as_many_rows_each_and_equal_forecasts_stay_together() -> None:
    curve = reliability([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.5, 0.7, 0.9], bins=3)
    assert curve.forecast.tolist() == pytest.approx([0.15, 0.4, 0.8])
    assert curve.share.tolist() == [0.0, 0.5, 1.0]
    assert curve.rows.tolist() == [2, 2, 2]
    assert curve.weight.tolist() == pytest.approx([1 / 3] * 3)
    # of 4 bins over 8 rows the five at 0.5 have their middle at 4.5 rows: the third bin; the second stays empty
    tied = reliability([0, 0, 1, 1, 1, 0, 0, 1], [0.1, 0.2, 0.5, 0.5, 0.5, 0.5, 0.5, 0.9], bins=4)
    assert tied.rows.tolist() == [2, 5, 1]
    assert tied.share.tolist() == pytest.approx([0.0, 0.6, 1.0])


def test_calibration_error_is_the_weighed_distance_from_the_diagonal() -> None:
    # bins as above: |0.15 − 0|, |0.4 − 0.5|, |0.8 − 1| of a third each
    error = calibration_error([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.5, 0.7, 0.9], bins=3)
    assert error == pytest.approx((0.15 + 0.1 + 0.2) / 3)
    assert calibration_error([1, 0, 0, 0], [0.25] * 4) == 0.0
    assert calibration_error([0, 0, 1], [1.0, 1.0, 0.0]) == 1.0


def test_precision_at_the_top_takes_part_of_what_stands_at_the_cut() -> None:
    label, p = [1, 0, 1, 0, 0], [0.9, 0.8, 0.8, 0.2, 0.1]
    assert precision_at_top(label, p, 0.2) == 1.0
    assert precision_at_top(label, p, 0.4) == pytest.approx((1 + 0.5) / 2)
    assert precision_at_top(label, p, 0.3) == pytest.approx((1 + 0.25) / 1.5)
    assert precision_at_top(label, p, 1.0) == pytest.approx(0.4)
    # a tenth of five rows is half of the first
    assert precision_at_top(label, p) == 1.0


def test_scores_over_three_classes_by_hand() -> None:
    label, p = [0, 1, 2], [[0.5, 0.25, 0.25], [0.25, 0.25, 0.5], [0.0, 0.0, 1.0]]
    assert log_loss_of_classes(label, p) == pytest.approx((log(2) + log(4)) / 3)
    # squares of the first row sum to 0.375, of the second to 0.875, of the third to nothing
    assert brier_of_classes(label, p) == pytest.approx((0.375 + 0.875) / 3)
    assert log_loss_of_classes(label, p, [0, 1, 0]) == pytest.approx(log(4))
    assert brier_of_classes(label, p, [0, 1, 0]) == pytest.approx(0.875)


def test_what_is_not_defined_is_nan() -> None:
    for score in (log_loss, brier, auc, calibration_error, precision_at_top):
        assert isnan(score([], []))
    assert isnan(brier_skill([], [], 0.5))
    assert isnan(log_loss_of_classes([], np.empty((0, 3))))
    assert isnan(brier([1], [0.5], [0.0]))
    assert isnan(auc([1, 1], [0.2, 0.9]))
    assert isnan(auc([0, 0], [0.2, 0.9]))
    assert isnan(auc([1, 0], [0.2, 0.9], [1.0, 0.0]))
    assert isnan(brier_skill([1, 1], [0.9, 0.9], 1.0))
    assert isnan(precision_at_top([1], [0.5], weight=[0.0]))
    assert len(reliability([], []).rows) == 0


def test_bad_arguments_are_refused_by_name_and_place() -> None:
    for score in (log_loss, brier, auc, calibration_error, reliability, precision_at_top):
        with pytest.raises(ValueError, match=r"label\[1\] = -1\.0 is neither 0 nor 1"):
            score([1, -1], [0.5, 0.5])
        with pytest.raises(ValueError, match=r"p\[0\] = 1\.5 is not a probability"):
            score([1, 0], [1.5, 0.5])
        with pytest.raises(ValueError, match=r"p\[1\] = nan is not a probability"):
            score([1, 0], [0.5, float("nan")])
        with pytest.raises(ValueError, match="unequal lengths: label has 2, p has 1"):
            score([1, 0], [0.5])
        with pytest.raises(ValueError, match=r"weight\[1\] = -1\.0"):
            score([1, 0], [0.5, 0.5], weight=[1.0, -1.0])
    with pytest.raises(ValueError, match=r"base\[0\] = 2\.0 is not a probability"):
        brier_skill([1], [0.5], 2.0)
    with pytest.raises(ValueError, match="unequal lengths"):
        brier_skill([1, 0], [0.5, 0.5], [0.5])
    with pytest.raises(ValueError, match="bins is 0"):
        reliability([1], [0.5], 0)
    for share in (0.0, 1.1, float("nan")):
        with pytest.raises(ValueError, match="share is"):
            precision_at_top([1], [0.5], share)
    for scored in (log_loss_of_classes, brier_of_classes):
        with pytest.raises(ValueError, match=r"label\[1\] = 2 is outside 0\.\.1"):
            scored([0, 2], [[0.5, 0.5], [0.5, 0.5]])
        with pytest.raises(ValueError, match=r"p\[1\] = .* is no distribution"):
            scored([0, 1], [[0.5, 0.5], [0.5, 0.6]])
        with pytest.raises(ValueError, match="p has 1 dimensions"):
            scored([0, 1], [0.5, 0.5])
        with pytest.raises(ValueError, match="unequal lengths"):
            scored([0], [[0.5, 0.5], [0.5, 0.5]])


@settings(max_examples=80, deadline=None)
@given(ROWS)
def test_the_area_is_its_definition_and_turns_with_the_forecast(rows: Rows) -> None:
    label, p, weight = rows
    ones, zeros = label == 1, label == 0
    wins = (p[ones][:, None] > p[zeros]) + 0.5 * (p[ones][:, None] == p[zeros])
    pairs = weight[ones][:, None] * weight[zeros]
    area = auc(label, p, weight)
    if not pairs.size:
        assert isnan(area)
        return
    assert area == pytest.approx((wins * pairs).sum() / pairs.sum(), abs=1e-12)
    assert auc(label, p**3 / 2, weight) == area
    assert auc(label, 1 - p, weight) == pytest.approx(1 - area, abs=1e-12)
    assert auc(1 - label, p, weight) == pytest.approx(1 - area, abs=1e-12)


@settings(max_examples=80, deadline=None)
@given(ROWS, st.integers(1, 12), st.floats(0.01, 1.0), st.randoms(use_true_random=False))
def test_bins_and_the_top_add_up_and_know_no_order(rows: Rows, bins: int, share: float, random: object) -> None:
    label, p, weight = rows
    curve = reliability(label, p, bins, weight)
    assert curve.weight.sum() == pytest.approx(1.0)
    assert curve.rows.sum() == len(label)
    assert (np.diff(curve.forecast) > 0).all()
    assert curve.weight @ curve.forecast == pytest.approx(np.average(p, weights=weight))
    assert curve.weight @ curve.share == pytest.approx(np.average(label, weights=weight))
    error, top = calibration_error(label, p, bins, weight), precision_at_top(label, p, share, weight)
    assert 0.0 <= error <= 1.0 + 1e-12
    assert abs(np.average(p - label, weights=weight)) <= error + 1e-12
    assert 0.0 <= top <= 1.0 + 1e-12
    mixed = np.array(random.sample(range(len(label)), len(label)))  # type: ignore[attr-defined]
    assert calibration_error(label[mixed], p[mixed], bins, weight[mixed]) == pytest.approx(error, abs=1e-12)
    assert precision_at_top(label[mixed], p[mixed], share, weight[mixed]) == pytest.approx(top, abs=1e-12)
    assert precision_at_top(label, p, 1.0, weight) == pytest.approx(np.average(label, weights=weight))


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(1, GRID - 1))
def test_the_base_forecast_has_no_skill_and_the_truth_all(rows: Rows, base: int) -> None:
    label, _, weight = rows
    constant = np.full(len(label), base / GRID)
    assert brier_skill(label, constant, base / GRID, weight) == 0.0
    assert brier_skill(label, label, base / GRID, weight) == 1.0
    assert calibration_error(label, label, 10, weight) == 0.0


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_scikit_learn_has_the_same_scores(rows: Rows) -> None:
    label, p, weight = rows
    assert brier(label, p, weight) == pytest.approx(
        metrics.brier_score_loss(label, p, sample_weight=weight, labels=[0, 1]), abs=1e-12
    )
    assert log_loss(label, p, weight) == pytest.approx(
        metrics.log_loss(label, np.column_stack([1 - p, p]), sample_weight=weight, labels=[0, 1]), abs=1e-12
    )
    if 0 < label.sum() < len(label):
        assert auc(label, p, weight) == pytest.approx(metrics.roc_auc_score(label, p, sample_weight=weight), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)), min_size=1))
def test_scikit_learn_has_the_same_scores_over_classes(rows: list[tuple[int, int, int, int]]) -> None:
    label = [row[0] for row in rows]
    p = np.array([row[1:] for row in rows], dtype=float)
    p /= p.sum(axis=1, keepdims=True)
    assert log_loss_of_classes(label, p) == pytest.approx(metrics.log_loss(label, p, labels=[0, 1, 2]), abs=1e-12)
    assert brier_of_classes(label, p) == pytest.approx(metrics.brier_score_loss(label, p, labels=[0, 1, 2]), abs=1e-12)
    two = np.column_stack([p[:, 0], 1 - p[:, 0]])
    binary = [min(one, 1) for one in label]
    assert brier_of_classes(binary, two) == pytest.approx(2 * brier(binary, two[:, 1]), abs=1e-12)
