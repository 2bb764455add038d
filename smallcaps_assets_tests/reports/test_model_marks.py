"""Marks of forecasts, by hand."""

import math
from typing import Any

import polars as pl
import pytest

from smallcaps_assets.reports.model_marks import calibration, importance, metrics, verdicts

MODEL: dict[str, Any] = {"scheme": "walk_forward", "objective": "binary", "library": "lightgbm"}
SCORES: dict[str, Any] = {
    **MODEL,
    "slice": "all",
    "value": "all",
    "rows": 40,
    "ticker_sessions": 12,
    "share_up": 0.52,
    "share_up_of_rows": 0.45,
    "base_rate": 0.4,
    "driftless": 0.4,
    "log_loss": 0.66,
    "log_loss_base": 0.67,
    "brier": 0.24,
    "brier_skill": 0.02,
    "brier_skill_low": 0.01,
    "brier_skill_high": 0.03,
    "auc": 0.6,
    "auc_low": 0.55,
    "auc_high": 0.65,
    "calibration_error": 0.034,
    "top_decile_precision": 0.5,
}


def named(frame: pl.DataFrame, **names: Any) -> pl.DataFrame:
    return frame.with_columns(**{name: pl.lit(value) for name, value in names.items()})


def test_calibration_has_the_rows_that_touched_and_counts_them_by_weight() -> None:
    forecasts = pl.DataFrame(
        {
            "label": [-1, -1, 1, -1, 0],
            "weight": [1.0, 1.0, 1.0, 1.0, 9.0],
            "p_up": [0.2, 0.2, 0.8, 0.8, 0.9],
            "raw_up": [0.5, 0.5, 0.5, 0.5, 0.5],
        }
    )
    marks = calibration(named(forecasts, **MODEL))
    points = marks.filter(chart="calibration", series="after calibration").select("x", "value", "rows").rows()
    assert points == [(pytest.approx(0.2), 0.0, 2), (pytest.approx(0.8), 0.5, 2)]
    errors = marks.filter(chart="calibration error").select("panel", "series", "value", "rows").rows()
    assert errors == [
        ("walk_forward lightgbm binary", "before calibration", pytest.approx(0.25), 4),  # |0.5 − 1/4|
        ("walk_forward lightgbm binary", "after calibration", pytest.approx(0.25), 4),  # (|0.2 − 0| + |0.8 − 0.5|)/2
    ]


def test_only_binary_forecasts_are_of_up_against_down() -> None:
    forecasts = pl.DataFrame({"label": [1], "weight": [1.0], "p_up": [0.5], "raw_up": [0.5]})
    assert calibration(named(forecasts, **MODEL | {"objective": "three_class"})).is_empty()


def test_importance_is_the_mean_over_folds_in_the_order_of_shap_with_the_spread_of_folds_and_repeats() -> None:
    features = pl.DataFrame(
        {
            "fold": [0, 0, 1, 1],
            "feature": ["f_a", "f_b", "f_a", "f_b"],
            "gain": [30.0, 10.0, 0.0, 0.0],
            "shap": [0.1, 0.3, 0.1, 0.5],
            "permuted": [0.01, 0.0, 0.03, 0.0],
            "permuted_std": [0.01, 0.02, 0.01, 0.0],
        }
    )
    marks = importance(named(features, **MODEL))
    found = {name: marks.filter(series=name).select("label", "value", "rows").rows() for name in ("shap", "gain")}
    assert found["shap"] == [("f_b", 0.4, 2), ("f_a", 0.1, 2)]
    assert found["gain"] == [("f_b", 0.125, 2), ("f_a", 0.375, 2)]  # a model that never split has no gain to share
    spread = math.sqrt(0.01**2 + 0.01**2)  # between repeats, and between folds
    (last,) = marks.filter(series="permuted", label="f_a").select("value", "low", "high").rows()
    assert last == pytest.approx((0.02, 0.02 - spread, 0.02 + spread))
    assert marks.filter(series="shap")["low"].null_count() == 2


def test_scores_of_all_rows_and_slices_carry_their_intervals_and_what_is_not_defined_is_null() -> None:
    fold = {"slice": "fold", "brier_skill": float("nan"), "auc": None, "auc_low": None, "auc_high": None}
    rows = [SCORES, SCORES | fold | {"value": "10"}, SCORES | fold | {"value": "9"}]
    marks = metrics(pl.DataFrame(rows, infer_schema_length=None))
    whole = {
        series: of for series, *of in marks.filter(chart="metrics").select("series", "value", "low", "high").rows()
    }
    assert whole["auc"] == [0.6, 0.55, 0.65]
    assert whole["log_loss_base"] == [0.67, None, None]
    slices = marks.filter(chart="metrics by slice").select("panel", "series", "label", "value").rows()
    assert slices == [
        ("walk_forward lightgbm binary: fold", "auc", "9", None),
        ("walk_forward lightgbm binary: fold", "auc", "10", None),
        ("walk_forward lightgbm binary: fold", "brier_skill", "9", None),
        ("walk_forward lightgbm binary: fold", "brier_skill", "10", None),
    ]


@pytest.mark.parametrize(
    ("changed", "series", "words"),
    [
        ({}, "skill", "Better than the base rate"),
        ({"brier_skill_low": -0.01}, "skill", "No better than the base rate"),
        ({"brier_skill_low": -0.02, "brier_skill_high": -0.01}, "skill", "Worse than the base rate"),
        ({"brier_skill_low": None, "brier_skill_high": None}, "skill", "Too few ticker-sessions"),
        ({}, "ranking", "Ranks better than chance"),
        ({"auc_low": 0.5}, "ranking", "Does not rank better than chance"),
        ({"auc_low": 0.3, "auc_high": 0.4}, "ranking", "Ranks the wrong way round"),
        ({"auc": 0.81}, "ranking", "Too good to be true: AUC above 0.80"),
        ({"auc": 0.8}, "ranking", "Ranks better than chance"),
        ({"auc": float("nan")}, "ranking", "Too few rows of both classes"),
        ({}, "calibration", "A forecast is off by 3.4 points on average."),
        ({"calibration_error": float("nan")}, "calibration", "No calibration error"),
        ({}, "top decile", "Of its tenth of highest forecasts 50.0 % were +1, of all rows 52.0 %."),
        ({"top_decile_precision": None}, "top decile", "No precision of the top decile"),
        ({}, "geometry", "Of the rows, +1 came 5.0 points more often than on a driftless walk."),
        (
            {"share_up_of_rows": 0.375},
            "geometry",
            "Of the rows, +1 came 2.5 points less often than on a driftless walk.",
        ),
        ({"share_up_of_rows": None}, "geometry", "No share of +1"),
    ],
)
def test_the_verdict_is_said_in_words(changed: dict[str, Any], series: str, words: str) -> None:
    marks = verdicts(pl.DataFrame([SCORES | {"believable": 0.8} | changed]))
    assert marks.filter(series=series)["label"].item().startswith(words)


def test_shares_of_three_classes_are_not_held_against_a_walk_that_touches() -> None:
    marks = verdicts(pl.DataFrame([SCORES | {"believable": 0.8, "objective": "three_class"}]))
    assert marks["series"].to_list() == ["skill", "ranking", "calibration", "top decile"]
