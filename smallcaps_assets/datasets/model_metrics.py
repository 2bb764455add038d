"""How good a model's forecasts were: over all its test rows, and by fold, detector and month.

Source: `predictions` with the base rate of their fold from `models` and the barriers and detector of `training_rows`.
Grain: one row per scheme, objective, library and slice. Slices are of one kind each and overlap between kinds: `all`,
`fold`, `detector` (of the latest event known by the bar's close) and `month` of the session. Known when the newest
label is.

Every score is of the probability of +1, rows counting by weight, as `models` are judged: `binary` by the rows that
touched a barrier, `three_class` by all rows, +1 against the rest. The forecast to beat is each row's own fold's base
rate, the training rows' share of +1, which was known before. Intervals draw whole ticker-sessions. `driftless` is what
barriers alone make of the share of rows, on a price without drift and without a horizon; not of the share by weight,
which barriers at 3:2 draw to about ½, since a row weighs by its return and +1 moves farther (`maths/driftless.py`).

What can go wrong: a score that is not defined is null, as the area under the curve where only one class came. Of
twenty slices without skill one is expected to have an interval that leaves 0 out, and intervals of fewer than 20
ticker-sessions are too narrow: read `all` and `ticker_sessions` first. A row of `combinatorial_purged` is tested in
several folds and counts in each.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import numpy as np
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets import charts
from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.ml_splits import KEY, SCHEMES
from smallcaps_assets.datasets.models import MODEL
from smallcaps_assets.maths.boosting import CLASSES, VERSIONS
from smallcaps_assets.maths.model_scores import judged
from smallcaps_assets.maths.scores import log_loss_of_classes
from smallcaps_assets.maths.tapes import TICKER_SESSION
from smallcaps_assets.partitions import Axis
from smallcaps_assets.reports.model_table import interval

SERIES = ["scheme", "objective", "library"]
WHOLE, BEFORE = "all", "before its event"
SLICES = (WHOLE, "fold", "detector", "month")
SAME = ("log_loss", "log_loss_base", "brier", "brier_skill", "auc", "calibration_error", "top_decile_precision")
ROUNDING = 1e-6  # sums in another order
FEW = 20  # ticker-sessions; of 100 drawn 95 % intervals of the skill 92 held the truth there, of 5 ticker-sessions 83
HEADINGS = (
    "model | rows | ticker-sessions | +1 of rows | driftless | +1 by weight | base rate | Brier skill | AUC"
    " | calibration error | top decile"
)


class ModelMetricsConfig(dg.Config):
    """How intervals are drawn."""

    draws: int = Field(default=1000, ge=1)
    """Of ticker-sessions; the ends of the intervals are then good to about a hundredth."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Of the draws."""


def score(meaning: str, unit: str = "", **bounds: float) -> Any:
    """A column of a score: null where it is not defined."""
    return column(meaning, unit=unit, nullable=True, **bounds)


class ModelMetrics(pa.DataFrameModel):
    """Scores of a slice of a model's forecasts."""

    scheme: str = column("how folds are cut", isin=SCHEMES)
    objective: str = column("binary: +1 against -1; three_class: -1, 0, +1", isin=list(CLASSES))
    library: str = column("which fitted the models", isin=list(VERSIONS))
    slice: str = column("by what forecasts are told apart", isin=SLICES)
    value: str = column("which of them, e.g. 3, volume_spike or 2026-11; all: all")
    rows: pl.Int64 = column("forecasts that are judged", unit="rows", ge=1)
    ticker_sessions: pl.Int64 = column("they are of: what is independent of each other", ge=1)
    share_up: float = score("of +1 that came, by weight", "share", ge=0, le=1)
    share_up_of_rows: float = score("the same, rows alike: what `driftless` is of", "share", ge=0, le=1)
    base_rate: float = score("of +1 in the folds' training rows, mean: to be beaten", "share", ge=0, le=1)
    driftless: float = score("chance of +1 on a driftless walk, mean", "share", ge=0, le=1)
    log_loss: float = score("of +1 against the rest", "nats", ge=0)
    log_loss_base: float = score("of the base rate", "nats", ge=0)
    log_loss_of_classes: float = score("of -1, 0 and +1; null in binary, where it is log_loss", "nats", ge=0)
    brier: float = score("mean square of p less outcome", ge=0, le=1)
    brier_skill: float = score("1 less Brier over the base rate's", le=1)
    brier_skill_low: float = score("95 % interval, ticker-sessions drawn again", le=1)
    brier_skill_high: float = score("the same", le=1)
    auc: float = score("area under the ROC curve", ge=0, le=1)
    auc_low: float = score("95 % interval, ticker-sessions drawn again", ge=0, le=1)
    auc_high: float = score("the same", ge=0, le=1)
    calibration_error: float = score("expected, ten bins of equal weight", "share", ge=0, le=1)
    top_decile_precision: float = score("share of +1 in the tenth with the highest p", "share", ge=0, le=1)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["scheme", "objective", "library", "slice", "value"]

    @pa.dataframe_check
    @classmethod
    def intervals_do_not_end_before_they_begin(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Of skill and area."""
        ordered = [pl.col(f"{name}_low") <= pl.col(f"{name}_high") for name in ("brier_skill", "auc")]
        return data.lazyframe.select(pl.all_horizontal(ordered).fill_null(True))


def judgeable() -> pl.Expr:
    """Whether a forecast can be judged: three classes always, two where a barrier was touched."""
    return (pl.col("objective") != "binary") | (pl.col("label") != 0)


def with_circumstances(predictions: pl.DataFrame, models: pl.DataFrame, training_rows: pl.LazyFrame) -> pl.DataFrame:
    """The forecasts with base rate, barriers, and the value of each kind of slice they belong to.

    ``ValueError`` counts forecasts whose model or row is not there.
    """
    there = training_rows.select(*KEY, "detector", "o_upper", "o_lower").collect()
    joined = predictions.join(models.select(*MODEL, "base_rate"), on=MODEL, how="left", validate="m:1").join(
        there, on=KEY, how="left", validate="m:1"
    )
    for name, upstream in (("base_rate", "models"), ("o_upper", "training_rows")):
        if lost := joined[name].null_count():
            raise ValueError(f"{lost} forecasts are not of {upstream}: materialize predictions again")
    return joined.with_columns(
        _all=pl.lit(WHOLE),
        _fold=pl.col("fold").cast(pl.String),
        _detector=pl.col("detector").fill_null(BEFORE),
        _month=pl.col("session").dt.strftime("%Y-%m"),
    )


def scores_of(rows: pl.DataFrame, config: ModelMetricsConfig) -> dict[str, Any]:
    """The columns of a slice but its key. ``rows``: of one scheme, objective and library."""
    weight, p_up = rows["weight"].to_numpy(), rows["p_up"].to_numpy()
    counts = {"rows": rows.height, "ticker_sessions": rows.select(TICKER_SESSION).n_unique()}
    if not weight.sum() > 0:
        return counts
    base = rows["base_rate"].to_numpy()
    up = rows["label"].to_numpy() == 1
    known = {
        "share_up": float(np.average(up, weights=weight)),
        "share_up_of_rows": float(up.mean()),
        "base_rate": float(np.average(base, weights=weight)),
    }
    if rows["objective"][0] == "three_class":
        classes = rows.select("p_down", "p_flat", "p_up").to_numpy()
        known["log_loss_of_classes"] = log_loss_of_classes(rows["label"].to_numpy() + 1, classes, weight)
    return counts | known | judged(rows, p_up, base, config.draws, config.seed)


def metrics(forecasts: pl.DataFrame, config: ModelMetricsConfig) -> pl.DataFrame:
    """The scores of all slices. ``forecasts``: as :func:`with_circumstances`, of which each can be judged."""
    ordered = forecasts.sort(*MODEL, *KEY)
    found = [
        {**dict(zip([*SERIES, "value"], names, strict=True)), "slice": kind, **scores_of(rows, config)}
        for kind in SLICES
        for names, rows in ordered.partition_by(*SERIES, f"_{kind}", as_dict=True, maintain_order=True).items()
    ]
    return pl.DataFrame(found, schema=model_metrics.empty().schema)


def shown(found: pl.DataFrame, untouched: int) -> dict[str, Any]:
    """The models side by side over all their rows, and how many slices are surely better or worse than their base.

    Slices of fewer than 20 ticker-sessions are never sure.
    """
    whole, enough = found.filter(slice=WHOLE), found.filter(pl.col("ticker_sessions") >= FEW)
    with_ends = {name: [interval(row, name) for row in whole.iter_rows(named=True)] for name in ("brier_skill", "auc")}
    cells = whole.select(
        pl.concat_str(SERIES, separator=" "),
        "rows",
        "ticker_sessions",
        pl.col("share_up_of_rows", "driftless", "share_up", "base_rate").round(3),
        *[pl.Series(name, told, dtype=pl.String) for name, told in with_ends.items()],
        pl.col("calibration_error", "top_decile_precision").round(3),
    )
    return {
        "side_by_side": dg.MetadataValue.md(charts.table(HEADINGS, cells)),
        "binary_forecasts_without_a_touch": untouched,
        "slices": found.height,
        "slices_of_few_ticker_sessions": found.height - enough.height,
        "surely_better_than_the_base_rate": enough.filter(pl.col("brier_skill_low") > 0).height,
        "surely_worse_than_the_base_rate": enough.filter(pl.col("brier_skill_high") < 0).height,
    }


def slices_of_a_kind_hold_every_forecast_once(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Of each model and kind of slice the rows add up to the forecasts that can be judged."""
    there = inputs["predictions"].filter(judgeable()).group_by(SERIES).agg(_there=pl.len()).collect()
    kinds = pl.DataFrame({"slice": SLICES})
    held = stored.group_by(*SERIES, "slice").agg(_held=pl.col("rows").sum())
    both = there.join(kinds, how="cross").join(held, on=[*SERIES, "slice"], how="full", coalesce=True)
    wrong = both.filter(pl.col("_there").cast(pl.Int64).ne_missing(pl.col("_held")))
    told = wrong.select(*SERIES, "slice", "_there", "_held").sort(*SERIES, "slice").rows()
    return Verdict(wrong.is_empty(), {"kinds": both.height, "differ": "; ".join(map(str, told)) or "none"})


def a_fold_has_the_scores_of_its_model(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """From the stored forecasts come the rows and scores that the model got when it was fitted."""
    ours = stored.filter(slice="fold").with_columns(fold=pl.col("value").cast(pl.Int64))
    theirs = inputs["models"].select(*MODEL, *SAME, rows="test_rows").collect()
    both = theirs.join(ours.select(*MODEL, *SAME, "rows"), on=MODEL, how="full", coalesce=True, suffix="_ours")
    off = [
        ((pl.col(name) - pl.col(f"{name}_ours")).abs() > ROUNDING).fill_null(
            pl.col(name).is_null() != pl.col(f"{name}_ours").is_null()
        )
        for name in (*SAME, "rows")
    ]
    wrong = both.filter(pl.any_horizontal(off)).select(MODEL).sort(MODEL)
    return Verdict(wrong.is_empty(), {"models": both.height, "differ": "; ".join(map(str, wrong.rows())) or "none"})


@dataset(
    ModelMetrics,
    Axis.WHOLE,
    laws=(slices_of_a_kind_hold_every_forecast_once, a_fold_has_the_scores_of_its_model),
)
def model_metrics(
    run: Run,
    predictions: pl.LazyFrame,
    models: pl.LazyFrame,
    training_rows: pl.LazyFrame,
    config: ModelMetricsConfig,
) -> Iterator[Rows]:
    """The scores of all models' forecasts."""
    every = predictions.collect()
    of = every.filter(judgeable())
    found = metrics(with_circumstances(of, models.collect(), training_rows), config)
    yield from run.whole(found, shown(found, every.height - of.height))
