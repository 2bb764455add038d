"""Model runs in MLflow: fitted models of drawn rows, logged into a real store."""

import csv
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.experiment_runs import (
    ExperimentRuns,
    every_model_has_its_run,
    experiment_runs,
    metrics,
    parameters,
)
from smallcaps_assets.datasets.feature_importance import FeatureImportanceConfig, feature_importance
from smallcaps_assets.datasets.model_metrics import ModelMetricsConfig, model_metrics
from smallcaps_assets.datasets.predictions import predictions
from smallcaps_assets.partitions import WHOLE
from smallcaps_assets.reports.experiments import EXPERIMENT, Experiments
from smallcaps_assets_tests.datasets.model_rows import drawn, fitted

Inputs = dict[str, pl.LazyFrame]
FILES = {"features.json", "calibration.json", "calibration.png", "importance.csv", "model_metrics.csv"}


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    """Of one fold, both libraries and objectives."""
    stored, rows, _, _ = fitted(drawn(days=17, strength=1.0), draws=20)
    rows["models"] = stored.lazy()
    (said,) = predictions(Run("predictions", (WHOLE,)), **rows)
    given = {"models": rows["models"], "predictions": said.frame.lazy(), "training_rows": rows["training_rows"]}
    (scored,) = model_metrics(Run("model_metrics", (WHOLE,)), **given, config=ModelMetricsConfig(draws=20))
    (rested,) = feature_importance(
        Run("feature_importance", (WHOLE,)), **rows, config=FeatureImportanceConfig(repeats=2)
    )
    frames = {"model_metrics": scored.frame.lazy(), "feature_importance": rested.frame.lazy()}
    return {"models": given["models"], "predictions": given["predictions"], **frames}


def logged(given: Inputs, store: Experiments) -> tuple[pl.DataFrame, dict[str, Any]]:
    (part,) = experiment_runs(Run("experiment_runs", (WHOLE,)), **given, experiments=store)
    frame = contracts.conform(ExperimentRuns, part.frame)
    verdict = contracts.verdict(ExperimentRuns, frame)
    assert verdict.passed, verdict.metadata
    assert every_model_has_its_run(frame, given).passed
    return frame, dict(part.metadata)


def held(store: Experiments) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=store.address)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id])
    return sorted(found, key=lambda run: str(run.info.run_name))


@pytest.fixture(scope="module")
def store(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Experiments:
    made = Experiments(tmp_path_factory.mktemp("lake") / "mlflow")
    logged(inputs, made)
    return made


def test_every_model_is_logged_once_with_all_that_the_store_says_it_holds(inputs: Inputs, store: Experiments) -> None:
    frame, metadata = logged(inputs, store)  # for the second time
    there = held(store)
    assert [run.info.run_name for run in there] == [
        f"walk_forward/0/{objective}/{library}"
        for objective in ("binary", "three_class")
        for library in ("lightgbm", "xgboost")
    ]
    assert {run.info.status for run in there} == {"FINISHED"}
    told = frame.sort("objective", "library").select("model_id", "logged", "parameters", "metrics", "artifacts").rows()
    assert told == [(run.data.tags["model_id"], True, len(run.data.params), len(run.data.metrics), 6) for run in there]
    assert metadata["experiments"].value == str(store.folder / "mlflow.db")


def test_a_run_holds_the_model_s_own_file_its_parameters_and_its_figures(inputs: Inputs, store: Experiments) -> None:
    models = inputs["models"].sort("objective", "library").collect().to_dicts()
    for run, model in zip(held(store), models, strict=True):
        folder = store.folder / "artifacts" / run.info.run_id / "artifacts"
        text = {"lightgbm": "model.txt", "xgboost": "model.json"}[model["library"]]
        assert {file.name for file in folder.iterdir()} == FILES | {text}
        assert (folder / text).read_text() == model["model"]
        assert json.loads((folder / "features.json").read_text()) == model["features"]
        assert (folder / "calibration.png").read_bytes().startswith(b"\x89PNG")
        with (folder / "importance.csv").open() as file:
            assert len(list(csv.DictReader(file))) == len(model["features"])
        for name in ("train_rows", "trees", "log_loss", "brier_skill", "auc", "base_rate"):
            assert run.data.metrics[name] == pytest.approx(model[name])
        assert run.data.params["training_rows_version"] == "of training_rows"
        assert run.data.params["features"] == str(len(model["features"]))
        assert (run.data.params["seed"], run.data.params["fit.seed"]) == ("0", "0")
        assert run.data.params["test_to"] == str(model["test_to"])


def test_scores_of_all_folds_are_there_by_detector(inputs: Inputs) -> None:
    model = inputs["models"].filter(objective="binary", library="lightgbm").collect().to_dicts()[0]
    ours = inputs["model_metrics"].filter(objective="binary", library="lightgbm").collect()
    found = metrics(model | {"auc": None}, ours)
    spikes = ours.filter(slice="detector", value="volume_spike").to_dicts()[0]
    assert found["all_folds/detector/volume_spike/auc"] == spikes["auc"]
    assert found["all_folds/all/rows"] == spikes["rows"]
    assert "auc" not in found  # one that is not known is no metric
    assert not any("fold/0" in name or "month" in name for name in found)


def test_off_says_that_nothing_is_logged_and_makes_no_file(inputs: Inputs, tmp_path: Path) -> None:
    frame, metadata = logged(inputs, Experiments(tmp_path / "mlflow", on=False))
    assert frame.select("logged", "parameters", "metrics", "artifacts").unique().rows() == [(False, 0, 0, 0)]
    assert frame.height == 4
    assert list(tmp_path.iterdir()) == []
    assert metadata["experiments"].value == "off: SMALLCAPS_MLFLOW=off"


def test_another_store_gives_the_same_rows(inputs: Inputs, store: Experiments, tmp_path: Path) -> None:
    assert logged(inputs, Experiments(tmp_path / "mlflow"))[0].equals(logged(inputs, store)[0])


def test_without_models_there_is_no_run(inputs: Inputs, tmp_path: Path) -> None:
    nothing = {name: rows.clear() for name, rows in inputs.items()}
    assert logged(nothing, Experiments(tmp_path / "mlflow", on=False))[0].is_empty()


def test_a_model_without_importance_is_an_error_that_names_both(inputs: Inputs, store: Experiments) -> None:
    lacking = inputs | {"feature_importance": inputs["feature_importance"].filter(library="lightgbm")}
    with pytest.raises(ValueError, match="walk_forward 0 binary xgboost has no feature_importance"):
        logged(lacking, store)


def test_nothing_that_is_logged_comes_from_the_environment(
    inputs: Inputs, store: Experiments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYGON_API_KEY", "CANARY")
    logged(inputs | {"models": inputs["models"].with_columns(code_version=pl.lit("another"))}, store)
    assert [file for file in store.folder.rglob("*") if file.is_file() and b"CANARY" in file.read_bytes()] == []


def test_a_run_that_is_lost_or_of_another_model_fails_the_law(inputs: Inputs, store: Experiments) -> None:
    frame, _ = logged(inputs, store)
    assert every_model_has_its_run(frame[1:], inputs).metadata["lost"] == 1
    other = every_model_has_its_run(frame.with_columns(model_id=pl.lit("0" * 16)), inputs)
    assert (other.passed, other.metadata["strange"]) == (False, 4)
    half = frame.with_columns(logged=pl.int_range(pl.len()) == 0)
    assert not every_model_has_its_run(half, inputs).passed
    assert not contracts.verdict(ExperimentRuns, half).passed


def test_parameters_are_words(inputs: Inputs) -> None:
    model = inputs["models"].filter(library="xgboost", objective="binary").collect().to_dicts()[0]
    found = parameters(model)
    assert (found["fit.objective"], found["fit.eta"], found["before_event"]) == ("binary:logistic", "0.1", "False")
    assert found["calibration"] in ("platt", "none")
