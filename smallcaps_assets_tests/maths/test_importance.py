"""Importance: what decides is found, noise is not, and twins are permuted together."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from smallcaps_assets.maths import boosting
from smallcaps_assets.maths.arguments import Floats
from smallcaps_assets.maths.importance import clusters, mean_shap, permuted_rise, spearman
from smallcaps_assets.maths.scores import log_loss

NAN = math.nan
ROWS = 400
DRAW = np.random.default_rng(5)
SIGNAL = np.repeat([0.0, 1.0], ROWS // 2)
NOISE = DRAW.normal(size=ROWS)


def by_signal(matrix: Floats) -> float:
    """Log loss of a forecast that knows only the first column: 0.8 where it is 1, else 0.2."""
    return log_loss(SIGNAL, np.where(matrix[:, 0] == 1, 0.8, 0.2))


def test_the_feature_that_decides_alone_has_all_the_rise_and_noise_none() -> None:
    rise = permuted_rise(by_signal, np.column_stack([SIGNAL, NOISE]), [0, 1], repeats=20, seed=1)
    # half of the rows get the other half's forecast: each costs ln(0.8/0.2) more
    assert rise.mean[0] == pytest.approx(math.log(4) / 2, abs=0.02)
    assert rise.mean[1] == rise.deviation[1] == 0
    # each repeat misplaces a whole number of rows
    assert (rise.mean[0] * 20 * ROWS / math.log(4)) == pytest.approx(round(rise.mean[0] * 20 * ROWS / math.log(4)))


def test_rise_by_hand() -> None:
    seen: list[list[float]] = []

    def loss(matrix: Floats) -> float:
        seen.append(matrix[:, 0].tolist())
        return float(matrix[0, 0])

    rise = permuted_rise(loss, [[1.0], [2.0], [4.0]], [0], repeats=3, seed=0)
    assert seen[0] == [1.0, 2.0, 4.0]
    assert all(sorted(one) == [1.0, 2.0, 4.0] for one in seen)
    risen = [one[0] - 1.0 for one in seen[1:]]
    assert rise.mean.tolist() == pytest.approx([sum(risen) / 3])
    assert rise.deviation.tolist() == pytest.approx([math.sqrt(sum((one - sum(risen) / 3) ** 2 for one in risen) / 2)])


def test_a_cluster_s_columns_move_together_and_the_others_stay() -> None:
    matrix = np.column_stack([np.arange(50.0), np.arange(50.0) * 2, np.arange(50.0) * 3])

    def loss(moved: Floats) -> float:
        assert moved[:, 1].tolist() == (2 * moved[:, 0]).tolist()
        return float((moved[:, 0] != matrix[:, 0]).any() + 2 * (moved[:, 2] != matrix[:, 2]).any())

    assert permuted_rise(loss, matrix, [0, 0, 1], repeats=2, seed=3).mean.tolist() == [1.0, 2.0]


def test_a_twin_hides_what_a_feature_is_worth_unless_both_are_permuted_together() -> None:
    signal = DRAW.normal(size=ROWS)
    label = np.where(DRAW.random(ROWS) < 1 / (1 + np.exp(-3 * signal)), 1, -1)
    matrix = np.column_stack([signal, NOISE, np.exp(signal)])  # the third says what the first says
    once = np.ones(ROWS)
    growth = boosting.Growth(rounds=60, least_rows_in_leaf=5.0)
    model = boosting.fit("lightgbm", "binary", matrix, label, once, matrix, label, once, growth, seed=2)

    def loss(moved: Floats) -> float:
        return log_loss(label == 1, boosting.predict("lightgbm", model.text, moved))

    of = clusters(matrix, 0.3)
    assert of.tolist() == [0, 1, 0]
    alone = permuted_rise(loss, matrix, [0, 1, 2], repeats=5, seed=0).mean
    together = permuted_rise(loss, matrix, of, repeats=5, seed=0).mean
    assert together[0] > 2 * max(alone[0], alone[2])
    assert together[0] > alone[0] + alone[2]
    assert together[1] == alone[1] < 0.1 * together[0]


def test_rank_correlations_by_hand() -> None:
    # ranks 1 2 3 4 against 1.5 1.5 3 4: 1.5 + 0.5 + 0.25 + 2.25 over √(5 · 4.5)
    tied = spearman([[1, 7], [2, 7], [3, 8], [4, 9]])
    assert tied[0, 1] == pytest.approx(4.5 / math.sqrt(5 * 4.5))
    # not known ranks below all: 1 2 3 against 1 3 2
    assert spearman([[1.0, NAN], [2.0, 9.0], [3.0, 8.0]])[0, 1] == pytest.approx(0.5)


def test_features_that_are_known_in_the_same_rows_say_the_same_by_that() -> None:
    known = [[NAN, NAN], [NAN, NAN], [NAN, NAN], [5.0, 7.0], [6.0, 6.0], [7.0, 5.0]]
    assert abs(spearman(known)[0, 1]) == pytest.approx(11.5 / 15.5)  # of ranks 2 2 2 4 5 6 and 2 2 2 6 5 4


@pytest.mark.parametrize(
    ("distance", "found"), [(0.13, [0, 1, 2]), (0.14, [0, 1, 1]), (0.74, [0, 1, 1]), (0.76, [0, 0, 0])]
)
def test_the_tree_is_cut_at_the_distance(distance: float, found: list[int]) -> None:
    # |rank correlations| 0.5, 0 and 1.5/√3: the last two join at 0.134, the first at (0.5 + 1)/2
    matrix = [[1, 9, 1], [2, 7, 2], [3, 8, 1]]
    assert clusters(matrix, distance).tolist() == found


def test_a_constant_feature_is_alone_and_one_feature_is_one_cluster() -> None:
    assert clusters([[1, 5, 2], [2, 5, 4], [3, 5, 6]], 0.5).tolist() == [0, 1, 0]
    assert clusters([[1.0], [2.0]], 0.5).tolist() == [0]


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, (6, 5), elements=st.one_of(st.just(NAN), st.integers(-3, 3).map(float))), st.floats(0, 1))
def test_clusters_partition_the_features_in_the_order_of_their_first(matrix: Floats, distance: float) -> None:
    found = clusters(matrix, distance).tolist()
    assert len(found) == 5
    assert list(dict.fromkeys(found)) == list(range(max(found) + 1))
    assert clusters(matrix * 2 + 1, distance).tolist() == found  # only ranks count


def test_mean_shap_of_three_classes_is_of_the_odds_of_1_against_minus_1() -> None:
    one_row = [[[0.1, 0.2, 5.0], [7.0, 7.0, 7.0], [0.4, -0.2, 5.0]]]  # classes −1, 0, 1; two features and the bias
    assert mean_shap(one_row) == pytest.approx([0.3, 0.4])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: spearman([1.0, 2.0]), "matrix is of shape (2,)"),
        (lambda: spearman([[1.0, 2.0]]), "2 rows and a column at least"),
        (lambda: clusters([[1.0], [2.0]], 1.5), "distance is 1.5"),
        (lambda: permuted_rise(by_signal, [[1.0, 2.0]], [0], 5, 0), "cluster has 1 elements, and matrix 2 columns"),
        (lambda: permuted_rise(by_signal, [[1.0, 2.0]], [0, 2], 5, 0), "cluster[1] = 2 is no number from 0"),
        (lambda: permuted_rise(by_signal, [[1.0]], [0], 1, 0), "repeats is 1, not a whole number of 2 or more"),
        (lambda: mean_shap([1.0]), "values are of shape (1,)"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call: object, said: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011  (the text is asserted whole below)
        call()  # type: ignore[operator]
    assert said in str(error.value)
