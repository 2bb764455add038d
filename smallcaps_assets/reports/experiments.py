"""Where the models' runs are logged: MLflow's store in a SQLite file of the lake, without a server.

``data/mlflow/mlflow.db`` and ``data/mlflow/artifacts``, beside the datasets and none of them: no Parquet, no catalogue,
no hash of the lake. ``make experiments`` shows them on loopback. MLflow is imported when the first run is logged (it
takes 1.5 s). Its telemetry is off, or nothing is logged: nothing leaves the machine.

A run is known by its tag ``model_id``, and by ``content``, the hash of all that is logged of it. One that finished with
the same content is left alone; one that was killed half way is marked failed, one whose content has changed is not, and
both are deleted as MLflow does it (they can be restored) and logged anew.
"""

import fcntl
import hashlib
import json
import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import dagster as dg

FOLDER = "mlflow"  # in the lake
EXPERIMENT = "smallcaps"
MODEL_ID, CONTENT = "model_id", "content"  # tags of a run
COMMAND = "make experiments"


class ModelRun(NamedTuple):
    """What is logged of one fitted model."""

    name: str
    model_id: str
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    files: Mapping[str, bytes]

    @property
    def content(self) -> str:
        """A hash of everything that is logged, the files' bytes included."""
        files = {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}
        told = [self.name, dict(self.parameters), dict(self.metrics), files]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


class Logged(NamedTuple):
    """What the store holds of one run; nothing where experiments are off."""

    model_id: str
    logged: bool
    parameters: int
    metrics: int
    artifacts: int


@dataclass(frozen=True)
class Experiments:
    """The folder of the store, and whether anything is logged at all."""

    folder: Path
    on: bool = True

    @property
    def address(self) -> str:
        """The store as MLflow names it."""
        return f"sqlite:///{self.folder.absolute() / 'mlflow.db'}"

    def log(self, runs: Iterable[ModelRun]) -> list[Logged]:
        """Log the runs that are not there yet, and say of each what the store holds now.

        One process logs at a time, the others wait. With ``on`` false no file is made and MLflow is not imported.
        """
        if not self.on:
            return [Logged(run.model_id, False, 0, 0, 0) for run in runs]
        with _alone(self.folder):
            client = _client(self.address)
            experiment = _experiment(client, (self.folder.absolute() / "artifacts").as_uri())
            return [_held(client, run.model_id, _logged(client, experiment, run)) for run in runs]

    def shown(self) -> dict[str, dg.MetadataValue[str]]:
        """Metadata: the store and the command that opens it."""
        if not self.on:
            return {"experiments": dg.MetadataValue.text("off: SMALLCAPS_MLFLOW=off")}
        return {
            "experiments": dg.MetadataValue.path(self.folder / "mlflow.db"),
            "opened_by": dg.MetadataValue.text(COMMAND),
        }


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time: a run that is unfinished while nobody else logs was killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _client(address: str) -> Any:
    with warnings.catch_warnings():
        # MLflow's own use of SQLAlchemy, when it maps its tables
        warnings.filterwarnings("ignore", "The ``noload`` loader strategy is deprecated")
        from mlflow import MlflowClient
        from mlflow.telemetry import get_telemetry_client

        if get_telemetry_client() is not None:
            raise RuntimeError("MLflow's telemetry is on: set MLFLOW_DISABLE_TELEMETRY=true before MLflow is imported")
        logging.getLogger("mlflow").setLevel(logging.WARNING)  # not a line for each table that it creates
        return MlflowClient(tracking_uri=address, registry_uri=address)


def _experiment(client: Any, artifacts: str) -> str:
    """The experiment's number; one whose lake has moved since keeps its runs under the name of the old place."""
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None and found.artifact_location != artifacts:
        client.rename_experiment(found.experiment_id, f"{EXPERIMENT} of {found.artifact_location}")
        found = None
    return str(found.experiment_id if found else client.create_experiment(EXPERIMENT, artifact_location=artifacts))


def _logged(client: Any, experiment: str, run: ModelRun) -> str:
    """The run's number in the store, where it is logged if it is not there whole."""
    from mlflow.entities import Metric, Param

    content = run.content
    for old in client.search_runs([experiment], f"tags.{MODEL_ID} = '{run.model_id}'"):
        if old.info.status == "FINISHED" and old.data.tags.get(CONTENT) == content:
            return str(old.info.run_id)
        if old.info.status != "FINISHED":
            client.set_terminated(old.info.run_id, "FAILED")
        client.delete_run(old.info.run_id)
    made = client.create_run(experiment, run_name=run.name, tags={MODEL_ID: run.model_id, CONTENT: content}).info
    client.log_batch(
        made.run_id,
        metrics=[Metric(name, value, made.start_time, 0) for name, value in sorted(run.metrics.items())],
        params=[Param(name, value) for name, value in sorted(run.parameters.items())],
    )
    with TemporaryDirectory() as folder:
        for name, content_of_file in run.files.items():
            (Path(folder) / name).write_bytes(content_of_file)
        client.log_artifacts(made.run_id, folder)
    client.set_terminated(made.run_id, "FINISHED")
    return str(made.run_id)


def _held(client: Any, model_id: str, run_id: str) -> Logged:
    data = client.get_run(run_id).data
    return Logged(model_id, True, len(data.params), len(data.metrics), len(client.list_artifacts(run_id)))
