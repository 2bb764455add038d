"""Boosted trees of both libraries."""

import json

import numpy as np
import pytest

from smallcaps_assets.maths import boosting
from smallcaps_assets.maths.boosting import Fitted, Growth, Library, Objective

LIBRARIES: tuple[Library, ...] = ("lightgbm", "xgboost")
OBJECTIVES: tuple[Objective, ...] = ("binary", "three_class")
BOTH = pytest.mark.parametrize("library", LIBRARIES)
EACH = pytest.mark.parametrize("objective", OBJECTIVES)
SMALL = Growth(rounds=40, patience=10, learning_rate=0.1, least_rows_in_leaf=5, l2=1, row_share=1, feature_share=1)
NAMES = ["f_signal", "f_noise", "f_empty"]


def drawn(objective: Objective, rows: int = 300, strength: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """A feature that moves the log odds, one that does not, both with holes, and one that nobody knows."""
    draw = np.random.default_rng(7)
    matrix = np.column_stack([draw.normal(size=(rows, 2)), np.full(rows, np.nan)])
    label = np.where(draw.random(rows) < 1 / (1 + np.exp(-strength * matrix[:, 0])), 1, -1)
    if objective == "three_class":
        label = np.where(draw.random(rows) < 0.3, 0, label)
    matrix[draw.random((rows, 3)) < 0.1] = np.nan
    return matrix, label


def fitted(library: Library, objective: Objective, growth: Growth = SMALL, seed: int = 0) -> tuple[Fitted, np.ndarray]:
    matrix, label = drawn(objective)
    weight = np.ones(200)
    made = boosting.fit(
        library,
        objective,
        matrix[:200],
        label[:200],
        weight,
        matrix[200:],
        label[200:],
        weight[:100],
        growth,
        seed,
        NAMES,
    )
    return made, matrix


@BOTH
@EACH
def test_a_stored_text_forecasts_and_what_features_add_gives_the_forecast(
    library: Library, objective: Objective
) -> None:
    made, matrix = fitted(library, objective)
    forecast = boosting.predict(library, made.text, matrix)
    added = boosting.shap(library, made.text, matrix)
    if objective == "binary":
        assert forecast.shape == (300,)
        assert added.shape == (300, 4)
        together = 1 / (1 + np.exp(-added.sum(axis=-1)))
    else:
        assert forecast.shape == (300, 3)
        assert added.shape == (300, 3, 4)
        score = np.exp(added.sum(axis=-1))
        together = score / score.sum(axis=1, keepdims=True)
        assert forecast.sum(axis=1).tolist() == pytest.approx([1.0] * 300, abs=1e-6)
    assert np.abs(together - forecast).max() < 1e-5
    up = forecast if objective == "binary" else forecast[:, 2]
    assert up[matrix[:, 0] > 1].mean() > up[matrix[:, 0] < -1].mean() + 0.2


@BOTH
@EACH
def test_the_same_input_gives_the_same_text_and_another_seed_another(library: Library, objective: Objective) -> None:
    growth = SMALL._replace(row_share=0.7, feature_share=0.5)
    first, again, other = (fitted(library, objective, growth, seed)[0] for seed in (0, 0, 1))
    assert first == again
    assert first.text != other.text
    assert all(name in first.text for name in NAMES)


@BOTH
def test_gain_is_given_by_feature_in_order_and_the_signal_has_most_of_it(library: Library) -> None:
    made, _ = fitted(library, "binary")
    found = boosting.gain(library, made.text, ["a", "b", "c"])
    assert list(found) == ["a", "b", "c"]
    assert found["a"] > 3 * found["b"] > found["c"] == 0.0


@BOTH
def test_weights_move_the_forecast_and_their_scale_does_not(library: Library) -> None:
    matrix, label = drawn("binary")
    texts = []
    for weight in (np.ones(200), np.where(label[:200] == 1, 4.0, 1.0), np.where(label[:200] == 1, 4.0, 1.0) / 1024):
        stop = (matrix[200:], label[200:], np.ones(100))
        texts.append(boosting.fit(library, "binary", matrix[:200], label[:200], weight, *stop, SMALL, 0).text)
    even, heavy, scaled = (boosting.predict(library, text, matrix) for text in texts)
    assert heavy.mean() > even.mean() + 0.1
    assert scaled.tolist() == pytest.approx(heavy.tolist(), abs=1e-6)


@BOTH
def test_rows_of_no_weight_are_as_good_as_absent(library: Library) -> None:
    matrix, label = drawn("binary")
    stop = (matrix[200:], label[200:], np.ones(100))
    lied = np.where(np.arange(200) < 100, -label[:200], label[:200])
    honest = np.where(np.arange(200) < 100, 0.0, 1.0)
    made = boosting.fit(library, "binary", matrix[:200], lied, honest, *stop, SMALL, 0)
    up = boosting.predict(library, made.text, matrix)
    assert up[matrix[:, 0] > 1].mean() > up[matrix[:, 0] < -1].mean() + 0.2


@BOTH
def test_the_stop_rows_decide_when_to_stop_and_what_they_weigh_counts(library: Library) -> None:
    matrix, label = drawn("binary")
    train = (matrix[:200], label[:200], np.ones(200))
    honest = boosting.fit(library, "binary", *train, matrix[200:], label[200:], np.ones(100), SMALL, 0)
    lied = boosting.fit(library, "binary", *train, matrix[200:], -label[200:], np.ones(100), SMALL, 0)
    assert honest.trees > 10
    assert lied.trees == 1  # every further tree makes it worse
    half = np.where(np.arange(100) < 50, -1, 1) * label[200:]
    for weight, same in ((np.where(np.arange(100) < 50, 1e-9, 1.0), honest), (np.repeat([1.0, 1e-9], 50), lied)):
        made = boosting.fit(library, "binary", *train, matrix[200:], half, weight, SMALL, 0)
        assert (made.trees > 5) == (same.trees > 5)


@BOTH
@EACH
def test_features_that_say_nothing_give_the_weighted_base_rate(library: Library, objective: Objective) -> None:
    _, label = drawn(objective)
    nothing, weight = np.zeros((300, 2)), np.where(label == 1, 2.0, 1.0)
    made = boosting.fit(library, objective, nothing, label, weight, nothing, label, weight, Growth(rounds=300), 0)
    forecast = boosting.predict(library, made.text, nothing[:1])[0]
    share = weight[label == 1].sum() / weight.sum()
    assert (forecast if objective == "binary" else forecast[2]) == pytest.approx(share, abs=0.01)


@BOTH
def test_no_rows_are_forecast_as_no_rows(library: Library) -> None:
    made, _ = fitted(library, "binary")
    assert boosting.predict(library, made.text, np.empty((0, 3))).shape == (0,)


@BOTH
def test_the_text_holds_just_the_trees_up_to_the_best_round(library: Library) -> None:
    made, _ = fitted(library, "three_class")
    if library == "lightgbm":
        assert made.text.count("\nTree=") == 3 * made.trees
    else:
        assert len(json.loads(made.text)["learner"]["gradient_booster"]["model"]["trees"]) == 3 * made.trees


@BOTH
def test_what_cannot_be_fitted_is_refused_by_name_and_place(library: Library) -> None:
    matrix, label = drawn("binary", 20)
    one = np.ones(20)

    def fit(objective: Objective = "binary", **other: object) -> None:
        given = {"matrix": matrix, "label": label, "weight": one, "stop_matrix": matrix, "stop_label": label}
        boosting.fit(library, objective, **{**given, "stop_weight": one, "growth": SMALL, "seed": 0, **other})  # type: ignore[arg-type]

    endless = matrix.copy()
    endless[3, 1] = np.inf
    with pytest.raises(ValueError, match=r"matrix\[3, 1\] = inf is infinite"):
        fit(matrix=endless)
    with pytest.raises(ValueError, match=r"label\[2\] = 0 is no class of binary"):
        fit(label=np.where(np.arange(20) == 2, 0, label))
    with pytest.raises(ValueError, match="label: no row is -1, so that binary cannot be learned"):
        fit(label=np.ones(20, dtype=np.int64))
    with pytest.raises(ValueError, match="label: no row is 0, so that three_class cannot be learned"):
        fit("three_class")
    with pytest.raises(ValueError, match=r"weight\[0\] = -1\.0 is not a finite size"):
        fit(weight=-one)
    with pytest.raises(ValueError, match="weight: none of 20 rows"):
        fit(weight=0 * one)
    with pytest.raises(ValueError, match="unequal lengths: stop_matrix has 0"):
        fit(stop_matrix=np.empty((0, 3)))
    with pytest.raises(ValueError, match="3 features and stop_matrix 2"):
        fit(stop_matrix=matrix[:, :2])
    with pytest.raises(ValueError, match="matrix has 1 dimensions, not 2"):
        fit(matrix=one)
    made, _ = fitted(library, "binary")
    for use in (boosting.predict, boosting.shap):
        with pytest.raises(ValueError, match="2 features, and the model was fitted on 3"):
            use(library, made.text, matrix[:, :2])
    with pytest.raises(ValueError, match="2 features, and the model was fitted on 3"):
        boosting.gain(library, made.text, ["a", "b"])
