"""MLflow's store in the lake: what is logged, once, and what of a run that was killed."""

import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from smallcaps_assets.definitions import Settings
from smallcaps_assets.reports.experiments import EXPERIMENT, Experiments, Logged, ModelRun

PARAMETERS = {"fit.num_leaves": "15", "features": "2"}
METRICS = {"auc": 0.61, "brier_skill": -0.02, "trees": 12.0}
FILES = {"model.txt": b"tree\nversion=v4\n", "features.json": b'["f_a", "f_b"]'}


def run(model_id: str, **changed: Any) -> ModelRun:
    return ModelRun(f"walk_forward/0/{model_id}", model_id, PARAMETERS, METRICS, FILES)._replace(**changed)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Experiments:
    """One store for all: making its tables takes a second."""
    experiments = Experiments(tmp_path_factory.mktemp("lake") / "mlflow")
    experiments.log([run("first")])
    return experiments


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    asked: list[Any] = []

    def refuse(*address: Any, **_: Any) -> None:
        asked.append(address)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return asked


def runs_of(store: Experiments, model_id: str) -> list[tuple[str, str]]:
    """Status and lifecycle of all runs of a model in the order they began, by SQLite without MLflow."""
    with sqlite3.connect(store.folder / "mlflow.db") as connection:
        found = connection.execute(
            "SELECT runs.status, runs.lifecycle_stage FROM runs JOIN tags ON tags.run_uuid = runs.run_uuid "
            "WHERE tags.key = 'model_id' AND tags.value = ? ORDER BY runs.start_time, runs.rowid",
            [model_id],
        ).fetchall()
    connection.close()
    return found


def client(store: Experiments) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=store.address)


def test_a_run_is_logged_with_its_parameters_metrics_and_files(store: Experiments) -> None:
    assert store.log([run("first"), run("second")]) == [Logged("first", True, 2, 3, 2), Logged("second", True, 2, 3, 2)]
    mlflow = client(store)
    (held,) = mlflow.search_runs([mlflow.get_experiment_by_name(EXPERIMENT).experiment_id], "tags.model_id = 'second'")
    assert (held.info.run_name, held.info.status) == ("walk_forward/0/second", "FINISHED")
    assert (dict(held.data.params), dict(held.data.metrics)) == (PARAMETERS, METRICS)
    folder = store.folder / "artifacts" / held.info.run_id / "artifacts"
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == FILES


def test_a_run_that_finished_is_not_logged_again(store: Experiments) -> None:
    assert store.log([run("again")]) == store.log([run("again")]) == [Logged("again", True, 2, 3, 2)]
    assert runs_of(store, "again") == [("FINISHED", "active")]


def test_a_run_with_other_figures_takes_the_place_of_the_one_before(store: Experiments) -> None:
    store.log([run("changed")])
    (held,) = store.log([run("changed", metrics={**METRICS, "auc": 0.62, "log_loss": 0.69})])
    assert held == Logged("changed", True, 2, 4, 2)
    assert runs_of(store, "changed") == [("FINISHED", "deleted"), ("FINISHED", "active")]
    store.log([run("changed", metrics={**METRICS, "auc": 0.62, "log_loss": 0.69}, files=FILES | {"a.csv": b"1"})])
    assert len(runs_of(store, "changed")) == 3


def test_a_run_that_was_killed_is_marked_failed_and_logged_anew(
    store: Experiments, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("mlflow.MlflowClient.log_artifacts", killed)
        with pytest.raises(KeyboardInterrupt):
            store.log([run("killed")])
    assert runs_of(store, "killed") == [("RUNNING", "active")]
    assert store.log([run("killed")]) == [Logged("killed", True, 2, 3, 2)]
    assert runs_of(store, "killed") == [("FAILED", "deleted"), ("FINISHED", "active")]


def test_logging_makes_one_experiment_and_asks_nothing_of_the_network(
    store: Experiments, no_network: list[Any]
) -> None:
    store.log([run("quiet")])
    assert [found.name for found in client(store).search_experiments()].count(EXPERIMENT) == 1
    assert no_network == []


def test_nothing_is_logged_while_telemetry_is_on(store: Experiments, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlflow.telemetry.get_telemetry_client", object)
    with pytest.raises(RuntimeError, match="MLFLOW_DISABLE_TELEMETRY=true"):
        store.log([run("watched")])
    assert runs_of(store, "watched") == []


def test_a_lake_that_has_moved_gets_an_experiment_of_its_own_and_writes_nothing_to_the_old_place(
    store: Experiments, tmp_path: Path
) -> None:
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "mlflow.db").write_bytes((store.folder / "mlflow.db").read_bytes())
    before = sorted(store.folder.rglob("*"))
    moved = Experiments(tmp_path / "mlflow")
    assert moved.log([run("first")]) == [Logged("first", True, 2, 3, 2)]
    assert sorted(store.folder.rglob("*")) == before
    names = {found.name for found in client(moved).search_experiments()}
    assert names == {"Default", EXPERIMENT, f"{EXPERIMENT} of {(store.folder / 'artifacts').as_uri()}"}


def test_off_makes_no_file_and_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "mlflow"]:
        monkeypatch.delitem(sys.modules, name)
    off = Experiments(tmp_path / "mlflow", on=False)
    assert off.log([run("first")]) == [Logged("first", False, 0, 0, 0)]
    assert off.shown()["experiments"].value == "off: SMALLCAPS_MLFLOW=off"
    assert list(tmp_path.iterdir()) == []
    assert "mlflow" not in sys.modules


def test_metadata_name_the_store_and_the_command(store: Experiments) -> None:
    shown = {name: told.value for name, told in store.shown().items()}
    assert shown == {"experiments": str(store.folder / "mlflow.db"), "opened_by": "make experiments"}


def test_one_setting_switches_experiments_off_and_a_word_that_is_neither_is_refused() -> None:
    assert (Settings.of({}).mlflow, Settings.of({"SMALLCAPS_MLFLOW": "off"}).mlflow) == (True, False)
    with pytest.raises(ValueError, match="SMALLCAPS_MLFLOW is 'no', neither on nor off"):
        Settings.of({"SMALLCAPS_MLFLOW": "no"})
