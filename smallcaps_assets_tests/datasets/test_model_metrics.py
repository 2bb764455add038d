"""Scores of forecasts by slice: worked by hand, and the laws on models that were fitted."""

from datetime import date
from math import log
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.model_metrics import (
    SLICES,
    ModelMetrics,
    ModelMetricsConfig,
    a_fold_has_the_scores_of_its_model,
    model_metrics,
    slices_of_a_kind_hold_every_forecast_once,
)
from smallcaps_assets.datasets.models import Models
from smallcaps_assets.datasets.predictions import Predictions, predictions
from smallcaps_assets.datasets.training_rows import TrainingRows
from smallcaps_assets.partitions import WHOLE
from smallcaps_assets_tests.datasets.model_rows import drawn, fitted
from smallcaps_assets_tests.datasets.tape_rows import at

MARCH, APRIL = date(2024, 3, 28), date(2024, 4, 1)
Inputs = dict[str, pl.LazyFrame]


def padded(contract: contracts.Contract, rows: list[dict[str, Any]]) -> pl.LazyFrame:
    """Rows of an input, all its other columns null."""
    return pl.DataFrame(rows, schema=contracts.empty(contract).schema).lazy()


def forecast(fold: int, session: date, ticker: str, label: int, up: float, **other: Any) -> dict[str, Any]:
    """A forecast of bar 0 of a ticker-session's tape, by the binary LightGBM walking forward."""
    usual = {
        "scheme": "walk_forward", "fold": fold, "objective": "binary", "library": "lightgbm", "session": session,
        "ticker": ticker, "tape_starts_at": at("10:00:00", session), "bar": 0, "known_at": at("10:01:00", session),
        "label": label, "weight": 1.0, "p_up": up, "p_down": 1 - up, "raw_up": up,
    }  # fmt: skip
    return usual | other


def inputs(forecasts: list[dict[str, Any]], bases: tuple[float, ...] = (0.5, 0.25), **detectors: str) -> Inputs:
    """The forecasts with their models (a base rate each fold) and rows (barriers 3 % and 2 %, detector by ticker)."""
    names = ("scheme", "fold", "objective", "library")
    models = [dict(told) for told in sorted({tuple((name, row[name]) for name in names) for row in forecasts})]
    models = [model | {"base_rate": bases[model["fold"]]} for model in models]
    keys = {tuple(row[name] for name in ("session", "ticker", "tape_starts_at", "bar")) for row in forecasts}
    rows = [
        {"session": session, "ticker": ticker, "tape_starts_at": tape, "bar": bar, "o_upper": 0.03, "o_lower": -0.02,
         "detector": detectors.get(ticker)}
        for session, ticker, tape, bar in sorted(keys)
    ]  # fmt: skip
    return {
        "predictions": padded(Predictions, forecasts),
        "models": padded(Models, models),
        "training_rows": padded(TrainingRows, rows),
    }


def scored(given: Inputs, draws: int = 50) -> tuple[pl.DataFrame, dict[str, Any]]:
    config = ModelMetricsConfig(draws=draws)
    (part,) = model_metrics(Run("model_metrics", (WHOLE,)), **given, config=config)
    frame = contracts.conform(ModelMetrics, part.frame)
    verdict = contracts.verdict(ModelMetrics, frame)
    assert verdict.passed, verdict.metadata
    law = slices_of_a_kind_hold_every_forecast_once(frame, given)
    assert law.passed, law.metadata
    return frame, dict(part.metadata)


FOUR = [
    forecast(0, MARCH, "AAA", 1, 0.8),
    forecast(0, MARCH, "BBB", -1, 0.4),
    forecast(1, APRIL, "AAA", 1, 0.3),
    forecast(1, APRIL, "CCC", -1, 0.2, weight=0.5),
]


def test_all_forecasts_are_judged_by_weight_each_against_its_own_folds_base_rate() -> None:
    frame, _ = scored(inputs(FOUR))
    row = frame.filter(slice="all").row(0, named=True)
    assert (row["value"], row["rows"], row["ticker_sessions"]) == ("all", 4, 4)
    assert row["share_up"] == pytest.approx(2 / 3.5)
    assert row["share_up_of_rows"] == 0.5
    assert row["base_rate"] == pytest.approx((0.5 + 0.5 + 0.25 + 0.125) / 3.5)
    assert row["driftless"] == pytest.approx(0.4)
    brier = (0.2**2 + 0.4**2 + 0.7**2 + 0.5 * 0.2**2) / 3.5
    base = (0.5**2 + 0.5**2 + 0.75**2 + 0.5 * 0.25**2) / 3.5
    assert row["brier"] == pytest.approx(brier)
    assert row["brier_skill"] == pytest.approx(1 - brier / base)
    assert row["log_loss"] == pytest.approx(-(log(0.8) + log(0.6) + log(0.3) + 0.5 * log(0.8)) / 3.5)
    assert row["log_loss_base"] == pytest.approx(-(2 * log(0.5) + log(0.25) + 0.5 * log(0.75)) / 3.5)
    assert row["log_loss_of_classes"] is None
    # pairs of weight 1, 1, ½, ½: 0.8 is above both, 0.3 only above 0.2
    assert row["auc"] == pytest.approx(2 / 3)
    assert row["auc_low"] <= row["auc"] <= row["auc_high"]
    # 0.35 of 3.5 in weight is part of the highest row
    assert row["top_decile_precision"] == 1.0


def test_forecasts_are_told_apart_by_fold_detector_and_month() -> None:
    frame, metadata = scored(inputs(FOUR, AAA="volume_spike", BBB="gap"))
    rows = {(row[0], row[1]): row[2] for row in frame.select("slice", "value", "rows").rows()}
    assert rows == {
        ("all", "all"): 4,
        ("fold", "0"): 2, ("fold", "1"): 2,
        ("detector", "volume_spike"): 2, ("detector", "gap"): 1, ("detector", "before its event"): 1,
        ("month", "2024-03"): 2, ("month", "2024-04"): 2,
    }  # fmt: skip
    fold = frame.filter(slice="fold", value="1").row(0, named=True)
    assert (fold["base_rate"], fold["share_up"]) == (0.25, pytest.approx(2 / 3))
    assert metadata["slices"] == metadata["slices_of_few_ticker_sessions"] == 8


def test_a_score_of_one_class_only_is_null_where_it_is_not_defined() -> None:
    frame, _ = scored(inputs(FOUR, AAA="volume_spike", BBB="gap"))
    up = frame.filter(value="volume_spike").row(0, named=True)
    assert [up[name] for name in ("auc", "auc_low", "auc_high")] == [None] * 3
    assert up["brier_skill"] == pytest.approx(1 - (0.2**2 + 0.7**2) / (0.5**2 + 0.75**2))
    assert up["brier_skill_low"] < up["brier_skill_high"]
    alone = frame.filter(value="gap").row(0, named=True)
    # one ticker-session has no interval
    assert [alone[name] for name in ("brier_skill_low", "brier_skill_high")] == [None] * 2
    assert alone["top_decile_precision"] == 0.0


def test_two_classes_are_judged_by_touches_and_three_by_all_rows() -> None:
    flat = {"p_flat": 0.3, "p_down": 0.2, "objective": "three_class"}
    three = [
        forecast(0, MARCH, "AAA", 1, 0.5, **flat),
        forecast(0, MARCH, "BBB", 0, 0.5, **flat),
        forecast(0, MARCH, "CCC", -1, 0.5, **flat, weight=2.0),
    ]
    frame, metadata = scored(inputs([*FOUR, forecast(0, MARCH, "CCC", 0, 0.9), *three]))
    assert frame.filter(slice="all", objective="binary")["rows"].item() == 4
    assert metadata["binary_forecasts_without_a_touch"] == 1
    row = frame.filter(slice="all", objective="three_class").row(0, named=True)
    assert row["rows"] == 3
    assert row["share_up"] == pytest.approx(1 / 4)
    assert row["log_loss"] == pytest.approx(log(2))
    assert row["log_loss_of_classes"] == pytest.approx(-(log(0.5) + log(0.3) + 2 * log(0.2)) / 4)
    assert row["auc"] == 0.5


def test_rows_of_one_ticker_and_session_are_one_cluster() -> None:
    twice = [{**row, "bar": bar} for row in FOUR for bar in (0, 1)]
    once, again = (scored(inputs(rows))[0].filter(slice="all").row(0, named=True) for rows in (FOUR, twice))
    assert (again["rows"], again["ticker_sessions"]) == (8, 4)
    for name in ("auc_low", "auc_high", "brier_skill_low", "brier_skill_high"):
        assert again[name] == pytest.approx(once[name])


def test_a_slice_without_weight_is_counted_and_has_no_score() -> None:
    frame, _ = scored(inputs([*FOUR[:3], {**FOUR[3], "weight": 0.0}], CCC="gap"))
    row = frame.filter(value="gap").row(0, named=True)
    assert row["rows"] == 1
    assert row["brier"] is None
    assert row["share_up"] is None


def test_no_forecasts_have_no_scores_and_the_same_forecasts_the_same() -> None:
    frame, metadata = scored(inputs([]))
    assert frame.is_empty()
    assert metadata["slices"] == 0
    mixed = inputs(FOUR)
    mixed["predictions"] = mixed["predictions"].reverse()
    assert scored(mixed)[0].equals(scored(inputs(FOUR))[0])


def test_the_models_stand_side_by_side_in_the_metadata() -> None:
    _, metadata = scored(inputs(FOUR))
    heading, _, line = metadata["side_by_side"].md_str.splitlines()
    assert heading.startswith("| model | rows | ticker-sessions | +1 of rows | driftless | +1 by weight |")
    assert line.startswith("| walk_forward binary lightgbm | 4 | 4 | 0.5 | 0.4 | 0.571 | 0.393 | 0.351 (")


def test_forecasts_of_what_is_not_there_are_refused() -> None:
    for upstream, what in (("models", "base_rate"), ("training_rows", "o_upper")):
        given = inputs(FOUR)
        given[upstream] = given[upstream].filter(pl.col(what) < 0)
        with pytest.raises(ValueError, match=f"4 forecasts are not of {upstream}: materialize predictions again"):
            scored(given)


def test_a_forecast_that_is_lost_or_counted_twice_fails_the_law() -> None:
    given = inputs(FOUR)
    frame, _ = scored(given)
    lost = slices_of_a_kind_hold_every_forecast_once(frame.filter(pl.col("value") != "1"), given)
    assert not lost.passed
    assert "'fold', 4, 2)" in lost.metadata["differ"]
    assert not slices_of_a_kind_hold_every_forecast_once(frame.filter(pl.col("slice") != "month"), given).passed
    more = given | {"predictions": padded(Predictions, FOUR[:3])}
    assert not slices_of_a_kind_hold_every_forecast_once(frame, more).passed


def test_the_contract_refuses_an_interval_upside_down() -> None:
    frame, _ = scored(inputs(FOUR))
    assert not contracts.verdict(ModelMetrics, frame.with_columns(auc_low=pl.lit(0.9), auc_high=pl.lit(0.1))).passed


@pytest.fixture(scope="module")
def fitted_models() -> Inputs:
    rows = drawn(days=20, strength=3.0)
    models, given, _, _ = fitted(rows, libraries=["lightgbm"])
    (part,) = predictions(Run("predictions", (WHOLE,)), models=models.lazy(), **given)
    return {"predictions": part.frame.lazy(), "models": models.lazy(), "training_rows": given["training_rows"]}


def test_the_slice_of_a_fold_has_the_scores_that_the_model_got_and_a_signal_has_skill(fitted_models: Inputs) -> None:
    frame, metadata = scored(fitted_models, draws=200)
    law = a_fold_has_the_scores_of_its_model(frame, fitted_models)
    assert law.passed, law.metadata
    assert frame["slice"].unique().sort().to_list() == sorted(SLICES)
    whole = frame.filter(slice="all", objective="binary").row(0, named=True)
    assert whole["brier_skill_low"] > 0
    assert whole["auc_low"] > 0.6
    assert metadata["surely_better_than_the_base_rate"] >= 2


def test_a_fold_scored_otherwise_than_its_model_fails_the_law(fitted_models: Inputs) -> None:
    frame, _ = scored(fitted_models)
    models = fitted_models["models"]
    for wrong in (
        models.with_columns(auc=pl.col("auc") + 0.001),
        models.with_columns(auc=pl.lit(None, pl.Float64)),
        models.with_columns(test_rows=pl.col("test_rows") + 1),
        models.with_columns(fold=pl.col("fold") + 1),
    ):
        assert not a_fold_has_the_scores_of_its_model(frame, fitted_models | {"models": wrong}).passed
    partly = frame.filter((pl.col("slice") != "fold") | (pl.col("value") != "0"))
    law = a_fold_has_the_scores_of_its_model(partly, fitted_models)
    assert "('walk_forward', 0, 'binary', 'lightgbm')" in law.metadata["differ"]
