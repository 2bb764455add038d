"""A fold's model: its identity, and forecasts from what is kept of it."""

import json

import numpy as np
import polars as pl
import pytest

from smallcaps_assets.contract import feature_names
from smallcaps_assets.datasets.training_rows import TrainingRows
from smallcaps_assets.maths.boosting import Growth
from smallcaps_assets.maths.feature_list import matrix
from smallcaps_assets.maths.fold_models import Recipe, fitted, forecast
from smallcaps_assets.maths.fold_windows import Windows

NAMES = feature_names(TrainingRows, "f_gap", "f_vpin_20")
GROWTH = Growth(rounds=20, patience=5, learning_rate=0.2, least_rows_in_leaf=5)
RECIPE = Recipe("lightgbm", "binary", NAMES, GROWTH, "platt", 30, 0)


def rows(count: int, seed: int) -> pl.DataFrame:
    """A feature that tells the label, and one that does not."""
    draw = np.random.default_rng(seed)
    signal = draw.normal(size=count)
    label = np.where(signal + draw.normal(size=count) > 0, 1, -1)
    label = np.where(draw.random(count) < 0.3, 0, label)
    weight = draw.random(count)
    return pl.DataFrame({"f_gap": signal, "f_vpin_20": draw.normal(size=count), "label": label, "weight": weight})


def of(objective: str = "binary") -> Windows:
    """Windows of 150, 60, 60 and 60 rows, those without a touch left out in binary."""
    parts = [rows(count, seed) for seed, count in enumerate((150, 60, 60, 60))]
    kept = parts if objective == "three_class" else [part.filter(pl.col("label") != 0) for part in parts]
    return Windows(kept[0], kept[1], kept[2], kept[3], purged=0)


def test_a_forecast_from_the_kept_texts_ranks_rows_it_has_not_seen() -> None:
    windows = of()
    model = fitted(windows, RECIPE)
    found = forecast("lightgbm", "binary", model.text, model.calibration, matrix(windows.test, NAMES))
    up = windows.test["label"].to_numpy() == 1
    assert found.up[up].mean() > found.up[~up].mean() + 0.1
    assert found.down.tolist() == pytest.approx((1 - found.up).tolist())
    assert np.isnan(found.flat).all()
    assert (np.argsort(found.up) == np.argsort(found.raw_up)).all()


def test_three_classes_are_told_in_their_order_and_add_up_to_one() -> None:
    windows = of("three_class")
    recipe = RECIPE._replace(objective="three_class", library="xgboost")
    model = fitted(windows, recipe)
    found = forecast("xgboost", "three_class", model.text, model.calibration, matrix(windows.test, NAMES))
    assert (found.up + found.flat + found.down).tolist() == pytest.approx([1.0] * 60)
    label = windows.test["label"].to_numpy()
    assert found.up[label == 1].mean() > found.up[label == -1].mean() + 0.03
    assert found.down[label == -1].mean() > found.down[label == 1].mean() + 0.03


def test_a_model_is_named_by_all_that_makes_it_and_not_by_what_judges_it() -> None:
    windows = of()
    model = fitted(windows, RECIPE)
    assert fitted(windows._replace(test=rows(5, 9)), RECIPE) == model
    changed = [
        fitted(windows, RECIPE._replace(**one)).model_id
        for one in (
            {"seed": 1}, {"library": "xgboost"}, {"method": "isotonic"}, {"least_calibration_rows": 31},
            {"growth": GROWTH._replace(l2=11.0)}, {"growth": GROWTH._replace(patience=6)}, {"features": NAMES[::-1]},
        )
    ]  # fmt: skip
    for column in ("f_gap", "weight"):
        lower = [part.with_columns(pl.col(column) * 0.5) for part in windows[:3]]
        changed += [
            fitted(one, RECIPE).model_id
            for one in (
                windows._replace(train=lower[0]),
                windows._replace(stop=lower[1]),
                windows._replace(calibration=lower[2]),
            )
        ]
    assert len({model.model_id, *changed}) == 1 + 7 + 6


def test_parameters_are_the_librarys_own_with_the_rounds_and_in_a_fixed_order() -> None:
    told = json.loads(RECIPE.parameters())
    assert told["num_leaves"] == 8
    assert told["rounds"] == 20
    assert list(told) == sorted(told)
