"""What a model's forecasts rest on, feature by feature: gain, SHAP, and what is lost when it is shuffled.

Source: `models`, and the rows of their folds from `ml_splits` and `training_rows`. Grain: one row per model and
feature. `gain` is of the fitting; `shap` and `permuted` are of the fold's test rows that `models` judges, which the
model never saw. Known when the newest label of the fold's test window is.

`permuted` is how much the log loss of +1 by the calibrated probability rises when the feature is shuffled among the
test rows. Features that say the same are shuffled together, or each would seem useless while the other still says it:
a `cluster` is what lies within `distance` of each other, 1 − |rank correlation| over the fold's training rows, on
average. All features of a cluster have its one figure (`maths/importance.py`).

What can go wrong: a rise within a deviation or two of 0 is none, and may be below it. Gain and SHAP say what a model
uses, also where that is noise; only `permuted` says whether it helped. Gain is in the library's own units: compare it
within a model.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets import charts
from smallcaps_assets.contract import Verdict, column, feature_names
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.ml_splits import SCHEMES
from smallcaps_assets.datasets.models import MODEL
from smallcaps_assets.datasets.training_rows import TrainingRows
from smallcaps_assets.maths import boosting
from smallcaps_assets.maths.arguments import Floats
from smallcaps_assets.maths.boosting import CLASSES, VERSIONS
from smallcaps_assets.maths.feature_list import matrix
from smallcaps_assets.maths.fold_models import forecast
from smallcaps_assets.maths.fold_windows import folds
from smallcaps_assets.maths.importance import LEAST_REPEATS, clusters, mean_shap, permuted_rise
from smallcaps_assets.maths.scores import log_loss
from smallcaps_assets.partitions import Axis

TOP = 15  # features that the metadata show


class FeatureImportanceConfig(dg.Config):
    """How features are clustered and shuffled."""

    distance: float = Field(default=0.5, ge=0, le=1)
    """1 − |rank correlation|, mean between clusters: those that correlate by a half or more are shuffled together."""
    repeats: int = Field(default=5, ge=LEAST_REPEATS)
    """Permutations; the mean of five is good to half a deviation of one."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Of the permutations."""


class FeatureImportance(pa.DataFrameModel):
    """What a model's forecasts rest on a feature."""

    scheme: str = column("how folds are cut", isin=SCHEMES)
    fold: pl.Int64 = column("of the scheme, from 0", ge=0)
    objective: str = column("binary: +1 against -1; three_class: -1, 0, +1", isin=list(CLASSES))
    library: str = column("which fitted the model", isin=list(VERSIONS))
    feature: str = column("of `training_rows`", str_startswith="f_")
    cluster: pl.Int64 = column("features of the fold that say the same, from 0", ge=0)
    gain: float = column("what its splits lowered the training loss by, summed; the library's units", ge=0)
    shap: float = column("mean |SHAP| of the test rows, of +1 against -1", unit="log odds", ge=0)
    permuted: float = column("rise of the test log loss when its cluster is shuffled, mean of the repeats", unit="nats")
    permuted_std: float = column("deviation of one repeat", unit="nats", ge=0)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["scheme", "fold", "objective", "library", "feature"]

    @pa.dataframe_check
    @classmethod
    def clusters_are_numbered_without_a_gap(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """From 0, within a model."""
        number = pl.col("cluster")
        return data.lazyframe.select(number.max().over(MODEL) + 1 == number.n_unique().over(MODEL).cast(pl.Int64))

    @pa.dataframe_check
    @classmethod
    def features_of_a_cluster_have_its_figure(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """They were shuffled together."""
        return data.lazyframe.select(pl.struct("permuted", "permuted_std").n_unique().over(*MODEL, "cluster") == 1)


def importance(model: Mapping[str, Any], rows: pl.DataFrame, config: FeatureImportanceConfig) -> pl.DataFrame:
    """A stored model's features. ``rows``: of its fold, with role and weight."""
    features = feature_names(TrainingRows, *model["features"])
    library, objective, text = model["library"], model["objective"], model["model"]
    judged = rows.filter(pl.col("label").is_in(CLASSES[objective]), role="test")
    up, weight, values = judged["label"].eq(1).to_numpy(), judged["weight"].to_numpy(), matrix(judged, features)

    def loss(of: Floats) -> float:
        return log_loss(up, forecast(library, objective, text, model["calibration"], of).up, weight)

    cluster = clusters(matrix(rows.filter(role="train"), features), config.distance)
    rise = permuted_rise(loss, values, cluster, config.repeats, config.seed)
    types = feature_importance.empty().schema
    named = {name: pl.lit(model[name], dtype=kind) for name, kind in types.items() if name in MODEL}
    figures = {
        "feature": list(map(str, features)),
        "cluster": cluster,
        "gain": list(boosting.gain(library, text, features).values()),
        "shap": mean_shap(boosting.shap(library, text, values)),
        "permuted": rise.mean[cluster],
        "permuted_std": rise.deviation[cluster],
    }
    return pl.DataFrame(figures).with_columns(**named).select(types.names())


def shown(found: pl.DataFrame) -> dict[str, Any]:
    """The features that move forecasts most, over all models."""
    by = (
        found.group_by("feature")
        .agg(pl.col("permuted", "shap").mean())
        .sort("shap", "feature", descending=[True, False])
    )
    top = by.head(TOP).with_columns(pl.col("permuted", "shap").round(4))
    table = charts.chart("feature | rise of log loss, cluster shuffled | mean SHAP, log odds", top, "shap")
    counts = {"models": found.select(MODEL).n_unique(), "features": by.height}
    return counts | {"clusters": found.select(*MODEL, "cluster").n_unique(), "top": dg.MetadataValue.md(table)}


def each_feature_of_a_model_stands_once(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Those that the model was fitted on, and no other."""
    wanted = inputs["models"].select(*MODEL, feature="features").explode("feature").collect()
    said = stored.select(wanted.columns)
    lost, strange = (a.join(b, on=wanted.columns, how="anti").height for a, b in ((wanted, said), (said, wanted)))
    found = {"features_of_models": wanted.height, "lost": lost, "strange": strange, "twice": said.is_duplicated().sum()}
    return Verdict(lost == strange == found["twice"] == 0, found)


@dataset(FeatureImportance, Axis.WHOLE, laws=(each_feature_of_a_model_stands_once,))
def feature_importance(
    run: Run,
    models: pl.LazyFrame,
    ml_splits: pl.LazyFrame,
    training_rows: pl.LazyFrame,
    config: FeatureImportanceConfig,
) -> Iterator[Rows]:
    """The importance of every feature of every model, fold by fold."""
    stored = models.collect()
    schemes, before_event = sorted(set(stored["scheme"])), bool(stored["before_event"].any())
    found = [feature_importance.empty()]
    for (scheme, fold), rows in folds(training_rows, ml_splits, schemes, before_event):
        of_fold = stored.filter(scheme=scheme, fold=fold).iter_rows(named=True)
        found += [importance(model, rows, config) for model in of_fold]
    rows = pl.concat(found)
    yield from run.whole(rows, shown(rows))
