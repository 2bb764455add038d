"""What models rest on: the feature that decides is found in models fitted on drawn rows."""

from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.contract import feature_names
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.feature_importance import (
    FeatureImportance,
    FeatureImportanceConfig,
    each_feature_of_a_model_stands_once,
    feature_importance,
)
from smallcaps_assets.datasets.models import MODEL
from smallcaps_assets.datasets.training_rows import TrainingRows
from smallcaps_assets.maths.arguments import Floats
from smallcaps_assets.maths.importance import Rise, permuted_rise
from smallcaps_assets.partitions import WHOLE
from smallcaps_assets_tests.datasets.model_rows import drawn, fitted

Made = tuple[pl.DataFrame, dict[str, pl.LazyFrame], dict[str, Any]]
SIGNAL, TWIN, NOISE = "f_vpin_20", "f_volume_gini", "f_gap"


def measured(models: pl.DataFrame, inputs: dict[str, pl.LazyFrame], **config: Any) -> Made:
    every = inputs | {"models": models.lazy()}
    chosen = FeatureImportanceConfig(**{"repeats": 3, **config})
    (part,) = feature_importance(Run("feature_importance", (WHOLE,)), **every, config=chosen)
    frame = contracts.conform(FeatureImportance, part.frame)
    verdict = contracts.verdict(FeatureImportance, frame)
    assert verdict.passed, verdict.metadata
    assert each_feature_of_a_model_stands_once(frame, every).passed
    return frame, every, dict(part.metadata)


@pytest.fixture(scope="module")
def made() -> Made:
    nearly = pl.col(SIGNAL) + 0.1 * pl.col(NOISE).fill_null(0.0)  # says what the signal says
    rows = drawn(strength=2.0).with_columns(nearly.alias(TWIN))
    models, inputs, _, _ = fitted(rows)
    return measured(models, inputs)


def test_every_model_has_every_feature_once_in_clusters(made: Made) -> None:
    frame, _, metadata = made
    names = feature_names(TrainingRows)
    assert frame.height == 2 * 4 * len(names)
    assert set(frame["feature"]) == set(names)
    assert (metadata["models"], metadata["features"]) == (8, len(names))
    # all features but three are null: each is constant, and alone
    assert metadata["clusters"] == 8 * (len(names) - 1)
    together = frame.filter(pl.col("feature").is_in([SIGNAL, TWIN])).group_by(MODEL).agg(pl.col("cluster").n_unique())
    assert together["cluster"].to_list() == [1] * 8


def test_what_decides_has_the_largest_rise_and_noise_about_none(made: Made) -> None:
    frame, _, metadata = made
    by = frame.group_by("feature").agg(pl.col("permuted", "shap", "gain").mean())
    rise = dict(by.select("feature", "permuted").iter_rows())
    assert max(rise, key=lambda name: rise[name]) in (SIGNAL, TWIN)
    assert rise[SIGNAL] == rise[TWIN] > 0.1
    assert abs(rise[NOISE]) < 0.1 * rise[SIGNAL]
    unknown = by.filter(~pl.col("feature").is_in([SIGNAL, TWIN, NOISE]))  # constant: no tree can ask for them
    assert unknown.select(pl.col("permuted", "shap", "gain").abs().max()).row(0) == (0, 0, 0)
    assert metadata["top"].value.splitlines()[2].split(" | ")[0].strip("| ") in (SIGNAL, TWIN)
    assert len(metadata["top"].value.splitlines()) == 2 + 15


def test_shuffled_alone_twins_hide_each_other(made: Made) -> None:
    frame, inputs, _ = made
    models = inputs["models"].filter(objective="binary", library="lightgbm").collect()
    ours = {name: inputs[name] for name in ("training_rows", "ml_splits")}
    apart, _, metadata = measured(models, ours, distance=0.0)
    assert metadata["clusters"] == 2 * len(feature_names(TrainingRows))
    both = frame.filter(objective="binary", library="lightgbm", feature=SIGNAL)["permuted"].mean()
    for name in (SIGNAL, TWIN):
        assert apart.filter(feature=name)["permuted"].mean() < 0.7 * both  # type: ignore[operator]


def test_the_loss_that_rises_is_the_one_that_models_hold(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    _, inputs, _ = made
    before: list[float] = []

    def seen(loss: Any, values: Floats, *rest: Any) -> Rise:
        before.append(loss(values))
        return permuted_rise(loss, values, *rest)

    monkeypatch.setattr("smallcaps_assets.datasets.feature_importance.permuted_rise", seen)
    models = inputs["models"].filter(fold=1).sort("objective", "library").collect()
    measured(models, {name: inputs[name] for name in ("training_rows", "ml_splits")}, repeats=2)
    assert before == pytest.approx(models["log_loss"].to_list(), rel=1e-9)


def test_the_same_rows_come_again_and_another_seed_gives_others(made: Made) -> None:
    frame, inputs, _ = made
    models = inputs["models"].filter(fold=0).collect()
    ours = {name: inputs[name] for name in ("training_rows", "ml_splits")}
    assert measured(models, ours)[0].equals(frame.filter(fold=0))
    other = measured(models, ours, seed=1)[0]
    assert other["shap"].equals(frame.filter(fold=0)["shap"])
    assert not other["permuted"].equals(frame.filter(fold=0)["permuted"])


def test_a_feature_that_is_lost_strange_or_twice_fails_the_law(made: Made) -> None:
    frame, inputs, _ = made
    lost = each_feature_of_a_model_stands_once(frame[1:], inputs)
    assert (lost.passed, lost.metadata["lost"]) == (False, 1)
    first = pl.int_range(pl.len()) == 0
    strange = frame.with_columns(feature=pl.when(first).then(pl.lit("f_none")).otherwise("feature"))
    assert each_feature_of_a_model_stands_once(strange, inputs).metadata["strange"] == 1
    twice = each_feature_of_a_model_stands_once(pl.concat([frame, frame[:1]]), inputs)
    assert (twice.passed, twice.metadata["twice"]) == (False, 2)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("clusters_are_numbered_without_a_gap", {"cluster": pl.col("cluster") + 1}),
        ("features_of_a_cluster_have_its_figure", {"permuted": pl.int_range(pl.len()).cast(pl.Float64)}),
    ],
)
def test_the_contract_refuses_what_is_no_cluster(made: Made, name: str, change: dict[str, pl.Expr]) -> None:
    verdict = contracts.verdict(FeatureImportance, made[0].with_columns(**change))
    assert not verdict.passed
    assert name in str(verdict.metadata["failures"].records)


def test_without_models_there_is_nothing_to_rest_on() -> None:
    models, inputs, _, _ = fitted(drawn(days=4, tickers=2))
    frame, _, metadata = measured(models, inputs)
    assert frame.is_empty()
    assert metadata["models"] == 0
