"""A model's run in MLflow: how many parameters, metrics and files of it the store of the lake holds.

Source: `models` with its `predictions`, `model_metrics` and `feature_importance`. Grain: one row per model; the run
itself lies in `data/mlflow`, experiment `smallcaps`, under the name scheme/fold/objective/library. Parameters are the
library's (`fit.…`), versions, seed and sessions; metrics are all figures of the model's row, and of all folds together
the scores in all and by detector (`all_folds/…`). Files: the model as its library saves it, its features, its
calibration with the curve, its importance, and the scores by slice. Known when the newest label is.

A run that is there with the same content is not logged again. What can go wrong: with `SMALLCAPS_MLFLOW=off` nothing is
logged, the rows say so, and no file is made. Rows hold no run number and no time, which no two lakes have in common.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandera.polars as pa
import polars as pl

from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.ml_splits import SCHEMES
from smallcaps_assets.datasets.model_metrics import SERIES, WHOLE, judgeable
from smallcaps_assets.datasets.models import MODEL
from smallcaps_assets.maths.boosting import CLASSES, VERSIONS
from smallcaps_assets.partitions import Axis
from smallcaps_assets.reports.calibration_curve import curve
from smallcaps_assets.reports.experiments import EXPERIMENT, Experiments, Logged, ModelRun

TEXTS = {"lightgbm": "model.txt", "xgboost": "model.json"}
AS_PARAMETERS = (
    "before_event", "train_from", "train_to", "test_from", "test_to", "training_rows_version", "ml_splits_version",
    "code_version", "library_version", "seed",
)  # fmt: skip
AS_FILES = ("features", "parameters", "model", "calibration", "model_id")
OF_ALL_FOLDS = (
    "rows",
    "ticker_sessions",
    "log_loss",
    "brier_skill",
    "auc",
    "calibration_error",
    "top_decile_precision",
)


class ExperimentRuns(pa.DataFrameModel):
    """A model's run in MLflow."""

    scheme: str = column("how folds are cut", isin=SCHEMES)
    fold: pl.Int64 = column("of the scheme, from 0", ge=0)
    objective: str = column("binary: +1 against -1; three_class: -1, 0, +1", isin=list(CLASSES))
    library: str = column("which fitted the model", isin=list(VERSIONS))
    model_id: str = column("of `models`, and the run's tag", str_matches="^[0-9a-f]{16}$")
    experiment: str = column("of MLflow, that holds the run", eq=EXPERIMENT)
    logged: bool = column("whether the store holds the run; false: experiments are off")
    parameters: pl.Int64 = column("that the store holds of the run", ge=0)
    metrics: pl.Int64 = column("that the store holds of the run", ge=0)
    artifacts: pl.Int64 = column("that the store holds of the run", unit="files", ge=0)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["scheme", "fold", "objective", "library"]

    @pa.dataframe_check
    @classmethod
    def a_run_that_is_logged_holds_something_of_each_kind(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """And one that is not holds nothing."""
        held = [pl.col("logged") == (pl.col(name) > 0) for name in ("parameters", "metrics", "artifacts")]
        return data.lazyframe.select(pl.all_horizontal(held))


def parameters(model: Mapping[str, Any]) -> dict[str, str]:
    """Of a run: the library's own under ``fit.``, then what the model was made of."""
    fit = {f"fit.{name}": value for name, value in json.loads(model["parameters"]).items()}
    rest = {"features": len(model["features"]), "calibration": json.loads(model["calibration"])["method"]}
    return {name: str(value) for name, value in (fit | rest | {name: model[name] for name in AS_PARAMETERS}).items()}


def metrics(model: Mapping[str, Any], scores: pl.DataFrame) -> dict[str, float]:
    """Of a run: the figures of the model's row that are known, then those of all folds, in all and by detector."""
    own = {name: value for name, value in model.items() if name not in (*MODEL, *AS_PARAMETERS, *AS_FILES)}
    sliced = {
        f"all_folds/{row['value'] if row['slice'] == WHOLE else 'detector/' + row['value']}/{name}": row[name]
        for row in scores.filter(pl.col("slice").is_in([WHOLE, "detector"])).iter_rows(named=True)
        for name in OF_ALL_FOLDS
    }
    return {name: float(value) for name, value in (own | sliced).items() if value is not None}


def files(model: Mapping[str, Any], name: str, of: Mapping[str, pl.DataFrame]) -> dict[str, bytes]:
    """Of a run. ``of``: the model's rows of the other inputs."""
    importance = of["feature_importance"].drop(MODEL).sort("shap", "feature", descending=[True, False])
    return {
        TEXTS[model["library"]]: model["model"].encode(),
        "features.json": json.dumps(model["features"], indent=1).encode(),
        "calibration.json": model["calibration"].encode(),
        "calibration.png": curve(of["predictions"], name),
        "importance.csv": importance.write_csv().encode(),
        "model_metrics.csv": of["model_metrics"].drop(SERIES).write_csv().encode(),
    }


def runs(models: pl.DataFrame, others: Mapping[str, pl.DataFrame]) -> Iterator[ModelRun]:
    """What is logged of each model. ``others``: predictions that can be judged, model_metrics, feature_importance."""
    for model in models.iter_rows(named=True):
        own = {
            of: rows.filter(*[pl.col(part) == model[part] for part in (SERIES if of == "model_metrics" else MODEL)])
            for of, rows in others.items()
        }
        if lost := [of for of, rows in own.items() if rows.is_empty()]:
            raise ValueError(f"{' '.join(str(model[part]) for part in MODEL)} has no {lost[0]}: materialize it again")
        name = "/".join(str(model[part]) for part in MODEL)
        told = parameters(model), metrics(model, own["model_metrics"]), files(model, name, own)
        yield ModelRun(name, model["model_id"], *told)


def every_model_has_its_run(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """One row for each model, with its id, and all are logged or none."""
    wanted = inputs["models"].select(*MODEL, "model_id").collect()
    said = stored.select(wanted.columns)
    lost, strange = (a.join(b, on=wanted.columns, how="anti").height for a, b in ((wanted, said), (said, wanted)))
    logged = int(stored["logged"].sum())
    found = {"models": wanted.height, "lost": lost, "strange": strange, "logged": logged}
    return Verdict(lost == strange == 0 and logged in (0, stored.height), found)


@dataset(ExperimentRuns, Axis.WHOLE, laws=(every_model_has_its_run,))
def experiment_runs(
    run: Run,
    models: pl.LazyFrame,
    predictions: pl.LazyFrame,
    model_metrics: pl.LazyFrame,
    feature_importance: pl.LazyFrame,
    experiments: Experiments,
) -> Iterator[Rows]:
    """The runs that the store holds."""
    stored = models.sort(MODEL).collect()
    others = {
        "predictions": predictions.filter(judgeable()).sort(*MODEL, "session", "ticker", "bar").collect(),
        "model_metrics": model_metrics.sort(*SERIES, "slice", "value").collect(),
        "feature_importance": feature_importance.collect(),
    }
    types = experiment_runs.empty().schema
    held = pl.DataFrame(
        experiments.log(runs(stored, others)), schema={n: types[n] for n in Logged._fields}, orient="row"
    )
    rows = stored.select(*MODEL, experiment=pl.lit(EXPERIMENT)).hstack(held.get_columns())
    yield from run.whole(rows.select(types.names()), experiments.shown())
