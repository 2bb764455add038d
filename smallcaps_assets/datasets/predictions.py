"""What a stored model says of a row that its fold tests: probabilities, computed from nothing but the stored text.

Source: `models`, the test rows of `ml_splits` and the features of `training_rows`. Grain: one row per model and test
row, rows that touched no barrier included, since nobody knows that at `known_at`. Known then, given the model.

`binary` says what is likelier given that a barrier is touched: `p_up` + `p_down` = 1 and `p_flat` is null; it is judged
(in `models`) by rows with label 1 or −1 only. `three_class` says all three.

What can go wrong: rows before their event are forecast exactly where the models were tested on them. `label` and
`weight` are outcomes, here so that forecasts can be judged without another join: no rule may trade on them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pandera.polars as pa
import polars as pl

from smallcaps_assets.contract import Instant, Verdict, column, feature_names
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.ml_splits import KEY, SCHEMES
from smallcaps_assets.datasets.models import MODEL
from smallcaps_assets.datasets.training_rows import TrainingRows
from smallcaps_assets.maths.boosting import CLASSES, VERSIONS
from smallcaps_assets.maths.feature_list import matrix
from smallcaps_assets.maths.fold_models import forecast
from smallcaps_assets.maths.fold_windows import FOLD, folds
from smallcaps_assets.partitions import Axis

ROUNDING = 1e-6  # XGBoost's probabilities are single precision


class Predictions(pa.DataFrameModel):
    """A model's forecast of a test row."""

    scheme: str = column("how folds are cut", isin=SCHEMES)
    fold: pl.Int64 = column("of the scheme, from 0", ge=0)
    objective: str = column("binary: +1 against -1; three_class: -1, 0, +1", isin=list(CLASSES))
    library: str = column("which fitted the model", isin=list(VERSIONS))
    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    tape_starts_at: Instant = column("names the tape", unit="UTC ns")
    bar: pl.Int64 = column("place in the tape, from 0", ge=0)
    known_at: Instant = column("close of the bar", unit="UTC ns")
    label: pl.Int8 = column("outcome: 1 profit first, -1 loss first, 0 horizon", isin=(-1, 0, 1))
    weight: float = column("outcome: what the row counts in scores", unit="share", ge=0, le=1)
    p_up: float = column("of +1, calibrated; binary: given that a barrier is touched", unit="share", ge=0, le=1)
    p_flat: float = column("of 0; null in binary", unit="share", ge=0, le=1, nullable=True)
    p_down: float = column("of -1", unit="share", ge=0, le=1)
    raw_up: float = column("of +1 before calibration", unit="share", ge=0, le=1)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["scheme", "fold", "objective", "library", "session", "ticker", "tape_starts_at", "bar"]

    @pa.dataframe_check
    @classmethod
    def probabilities_add_up_to_one(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Of two classes, or of three."""
        together = pl.col("p_up") + pl.col("p_down") + pl.col("p_flat").fill_null(0.0)
        return data.lazyframe.select((together - 1).abs() <= ROUNDING)

    @pa.dataframe_check
    @classmethod
    def only_three_classes_have_a_flat_one(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """`p_flat` is null in binary and only there."""
        return data.lazyframe.select((pl.col("objective") == "binary") == pl.col("p_flat").is_null())

    @pa.dataframe_check
    @classmethod
    def calibration_keeps_the_order_of_two_classes(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Where the raw probability rises within a model, the calibrated one does not fall."""
        rise = pl.col("p_up").diff().over(MODEL, order_by="raw_up").fill_null(0.0)
        return data.lazyframe.select((pl.col("objective") != "binary") | (rise >= -ROUNDING))


def forecasts(model: Mapping[str, Any], test: pl.DataFrame) -> pl.DataFrame:
    """A stored model's forecasts of rows, with what they are of."""
    values = matrix(test, feature_names(TrainingRows, *model["features"]))
    found = forecast(model["library"], model["objective"], model["model"], model["calibration"], values)
    named = {
        name: pl.lit(model[name], dtype=kind) for name, kind in predictions.empty().schema.items() if name in MODEL
    }
    columns = {"p_up": found.up, "p_flat": found.flat, "p_down": found.down, "raw_up": found.raw_up}
    told = [pl.Series(name, array).fill_nan(None) for name, array in columns.items()]
    return (
        test.select(*KEY, "known_at", "label", "weight")
        .with_columns(*told, **named)
        .select(predictions.empty().columns)
    )


def every_model_speaks_of_every_row_that_its_fold_tests(
    stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]
) -> Verdict:
    """One row each, and of no other; rows before their event where the model knows such."""
    hindsight = inputs["training_rows"].filter(pl.col("event_known_at").is_null()).select(*KEY, _hindsight=True)
    tested = inputs["ml_splits"].filter(role="test").join(hindsight, on=KEY, how="left")
    wanted = inputs["models"].select(*MODEL, "before_event").join(tested, on=FOLD)
    known = wanted.filter(pl.col("before_event") | pl.col("_hindsight").is_null()).select(*MODEL, *KEY).collect()
    said = stored.select(known.columns)
    silent, strange = (a.join(b, on=known.columns, how="anti").height for a, b in ((known, said), (said, known)))
    return Verdict(silent == strange == 0, {"rows": said.height, "not_forecast": silent, "not_tested": strange})


def stored_texts_give_the_scores_that_were_judged(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """The Brier score of each model's forecasts is the one that `models` holds: nothing but the text is needed."""
    judged = stored.filter((pl.col("objective") != "binary") | (pl.col("label") != 0))
    error = (pl.col("p_up") - (pl.col("label") == 1).cast(pl.Float64)) ** 2
    again = judged.group_by(MODEL).agg(_again=(error * pl.col("weight")).sum() / pl.col("weight").sum())
    both = inputs["models"].select(*MODEL, "brier").collect().join(again, on=MODEL, how="left", validate="1:1")
    off = both.filter(((pl.col("brier") - pl.col("_again")).abs() <= ROUNDING).fill_null(False).not_()).sort(MODEL)
    return Verdict(off.is_empty(), {"models": both.height, "differ": "; ".join(map(str, off.rows())) or "none"})


@dataset(
    Predictions,
    Axis.WHOLE,
    laws=(every_model_speaks_of_every_row_that_its_fold_tests, stored_texts_give_the_scores_that_were_judged),
)
def predictions(run: Run, models: pl.LazyFrame, ml_splits: pl.LazyFrame, training_rows: pl.LazyFrame) -> Iterator[Rows]:
    """Forecasts of all models, fold by fold."""
    stored = models.collect()
    found = [predictions.empty()]
    for fold, rows in folds(
        training_rows, ml_splits, sorted(set(stored["scheme"])), bool(stored["before_event"].any())
    ):
        test = rows.filter(role="test")
        of_fold = stored.filter(scheme=fold[0], fold=fold[1])
        found += [forecasts(model, test) for model in of_fold.iter_rows(named=True)]
    rows = pl.concat(found)
    yield from run.whole(rows, {"models": stored.height, "test_rows": rows.select(KEY).n_unique()})
