"""A fitted model of a fold: LightGBM or XGBoost in its own text, how it was made, and how it did on rows it never saw.

Source: `training_rows` and the folds of `ml_splits`. Grain: one row per scheme, fold, objective and library. `binary`
tells +1 from −1 (rows that touched no barrier are left out), `three_class` tells all three; the scores of both are
those of +1 against the rest. Known when the newest label of the fold's test window is.

A fold's rows: trained on, then of the validation rows the earlier sessions stop the boosting and the later ones
calibrate it, then the test rows judge, once. A scheme without validation rows takes the last fifth of the training
rows, purged. All along rows weigh what the split says: decayed where they train, and every ticker-session once.

What can go wrong: bars before their event (`event_known_at` null) were chosen with hindsight, and are left out unless
`before_event` says otherwise. A fold with too few rows, or without a class, has no model: the metadata name it. With
few calibration rows the probabilities stay as they are, and `calibration` says why. A skill below 0 is worse than
saying the training rows' share of +1 each time: it is shown, not hidden.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field, field_validator

from smallcaps_assets.code_version import code_version
from smallcaps_assets.contract import Verdict, column, feature_names
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.ml_splits import SCHEMES
from smallcaps_assets.datasets.training_rows import TrainingRows
from smallcaps_assets.maths.boosting import CLASSES, VERSIONS, Growth
from smallcaps_assets.maths.calibration import LEAST_ROWS
from smallcaps_assets.maths.feature_list import matrix
from smallcaps_assets.maths.fold_models import Recipe, fitted, forecast
from smallcaps_assets.maths.fold_windows import FOLD, Windows, folds, lacking, windows
from smallcaps_assets.maths.model_scores import base_rate, judged
from smallcaps_assets.maths.tapes import TICKER_SESSION
from smallcaps_assets.partitions import Axis
from smallcaps_assets.reports.model_table import model_table

MODEL = [*FOLD, "objective", "library"]
GROWTH = Growth()
BELIEVABLE = 0.8  # area under the curve: what is honestly known of a small cap's next move is far below
HONEST = 0.65  # an area that a good model may have; luck comes on top of it
LEAST_DRAWN = 10  # ticker-sessions; of fewer, draws are too much alike
LUCK = 1 / 3**0.5  # times 1/√n: deviation of the area of n even rows without skill (Mann and Whitney)
KEPT = {"model_id": "model_id", "text": "model", "calibration": "calibration"}


class ModelsConfig(dg.Config):
    """Which models are fitted, how, and what is believed of them. Reasons of the numbers: `maths/boosting.py`."""

    libraries: list[str] = list(VERSIONS)
    """Both: two implementations that agree are a check of each other."""
    objectives: list[str] = list(CLASSES)
    """`binary` and `three_class`."""
    schemes: list[str] = ["walk_forward"]
    """Of `ml_splits`. The one that trades as time goes; `purged_kfold` tests every row but trains on later ones too."""
    calibration: Literal["platt", "isotonic"] = "platt"
    """Two numbers a class: a few dozen rows tell them, isotonic steps need a thousand."""
    before_event: bool = False
    """Whether rows before their event, which are hindsight, are trained on and tested."""
    rounds: int = Field(default=GROWTH.rounds, ge=1)
    """Trees at most."""
    patience: int = Field(default=GROWTH.patience, ge=1)
    """Rounds without a better log loss of the rows that stop."""
    learning_rate: float = Field(default=GROWTH.learning_rate, gt=0, le=1)
    """Share of a tree that counts."""
    depth: int = Field(default=GROWTH.depth, ge=1, le=10)
    """Splits on the way to a leaf; it has at most 2 to that power."""
    least_rows_in_leaf: float = Field(default=GROWTH.least_rows_in_leaf, ge=0)
    """Rows of mean weight."""
    feature_share: float = Field(default=GROWTH.feature_share, gt=0, le=1)
    """Of the features, that a tree may use."""
    row_share: float = Field(default=GROWTH.row_share, gt=0, le=1)
    """Of the rows, that a tree sees."""
    l2: float = Field(default=GROWTH.l2, ge=0)
    """Added to a leaf's sum of hessians."""
    bins: int = Field(default=GROWTH.bins, ge=2, le=255)
    """Places where a feature may be split."""
    least_train_rows: int = Field(default=50, ge=2)
    """Rows; of fewer no tree of two leaves can be told from luck."""
    least_stop_rows: int = Field(default=5, ge=1)
    """Rows; so few stop at random, but small steps keep that from doing harm."""
    least_calibration_rows: int = Field(default=LEAST_ROWS, ge=1)
    """Rows; with fewer the raw probability stays."""
    draws: int = Field(default=1000, ge=1)
    """Of ticker-sessions, for the intervals: their ends are then good to about a hundredth."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Of the trees and of the draws."""
    acknowledged_auc: float = Field(default=BELIEVABLE, ge=0.5, le=1)
    """Area under the curve that is believed; more is taken for a leak. Raise it only when you know the reason."""

    @field_validator("libraries", "objectives", "schemes")
    @classmethod
    def known_and_each_once(cls, names: list[str], about: Any) -> list[str]:
        """``ValueError`` names what does not exist or stands twice."""
        there = {"libraries": list(VERSIONS), "objectives": list(CLASSES), "schemes": list(SCHEMES)}[about.field_name]
        if not names or len(set(names)) < len(names) or set(names) - set(there):
            raise ValueError(f"{about.field_name} are some of {there}, each once, not {names}")
        return names

    def recipes(self) -> list[Recipe]:
        """One for each objective and library, on all features that are declared."""
        growth = Growth(**{name: getattr(self, name) for name in Growth._fields})
        features = feature_names(TrainingRows)
        rest = (features, growth, self.calibration, self.least_calibration_rows, self.seed)
        return [Recipe(lib, of, *rest) for of in self.objectives for lib in self.libraries]  # type: ignore[arg-type]


class Models(pa.DataFrameModel):
    """A fitted model of a fold."""

    scheme: str = column("how folds are cut", isin=SCHEMES)
    fold: pl.Int64 = column("of the scheme, from 0", ge=0)
    objective: str = column("binary: +1 against -1; three_class: -1, 0, +1", isin=list(CLASSES))
    library: str = column("which fitted it", isin=list(VERSIONS))
    model_id: str = column("hash of all that determines the model", str_matches="^[0-9a-f]{16}$")
    before_event: bool = column("rows before their event, hindsight, are trained on and tested too")
    train_from: pl.Date = column("first session trained on")
    train_to: pl.Date = column("last session trained on")
    test_from: pl.Date = column("first session tested")
    test_to: pl.Date = column("last session tested")
    train_rows: pl.Int64 = column("trained on, of the objective's classes", unit="rows", ge=1)
    stop_rows: pl.Int64 = column("that stopped the boosting", unit="rows", ge=1)
    calibration_rows: pl.Int64 = column("that calibrated", unit="rows", ge=0)
    test_rows: pl.Int64 = column("that judged", unit="rows", ge=1)
    purged_rows: pl.Int64 = column("left out, their label reached into a later window", unit="rows", ge=0)
    ticker_sessions: pl.Int64 = column("of the test rows: what is independent of each other", ge=1)
    trees: pl.Int64 = column("rounds kept", ge=1)
    features: pl.List(pl.String) = column("in the order of the model's matrix")  # type: ignore[valid-type]
    parameters: str = column("of the library's `train`, JSON")
    model: str = column("LightGBM's text or XGBoost's JSON")
    calibration: str = column("method and its numbers for each class, JSON")
    base_rate: float = column("of +1 in the training rows, by weight: to be beaten", unit="share", ge=0, le=1)
    driftless: float = column("chance of +1 on a driftless walk, mean of rows alike", unit="share", gt=0, lt=1)
    log_loss: float = column("of the test rows, by weight", unit="nats", ge=0)
    log_loss_base: float = column("of the base rate", unit="nats", ge=0)
    brier: float = column("mean square of p less outcome", ge=0, le=1)
    brier_skill: float = column("1 less Brier over the base rate's", le=1, nullable=True)
    brier_skill_low: float = column("95 % interval, ticker-sessions drawn again", le=1, nullable=True)
    brier_skill_high: float = column("the same", le=1, nullable=True)
    auc: float = column("area under the ROC curve; null: one class only", ge=0, le=1, nullable=True)
    auc_low: float = column("95 % interval, ticker-sessions drawn again", ge=0, le=1, nullable=True)
    auc_high: float = column("the same", ge=0, le=1, nullable=True)
    calibration_error: float = column("expected, ten bins", unit="share", ge=0, le=1)
    top_decile_precision: float = column("share of +1 in the highest tenth", unit="share", ge=0, le=1)
    training_rows_version: str = column("hash of the bytes that were read")
    ml_splits_version: str = column("the same")
    code_version: str = column("of this package: version and hash of its sources")
    library_version: str = column("of the library")
    seed: pl.Int64 = column("of trees and draws", ge=0)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["scheme", "fold", "objective", "library"]

    @pa.dataframe_check
    @classmethod
    def what_trains_comes_before_the_test_when_walking_forward(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Sessions do not overlap."""
        return data.lazyframe.select((pl.col("scheme") != "walk_forward") | (pl.col("train_to") < pl.col("test_from")))


def row_of(of: Windows, recipe: Recipe, draws: int) -> dict[str, Any]:
    """A model's columns, without its fold and versions."""
    model, base = fitted(of, recipe), base_rate(of.train)
    values = matrix(of.test, recipe.features)
    up = forecast(recipe.library, recipe.objective, model.text, model.calibration, values).up
    days = {name: rows["session"] for name, rows in (("train", of.train), ("test", of.test))}
    counted = {f"{name}_rows": getattr(of, name).height for name in ("train", "stop", "calibration", "test")}
    return {
        "objective": recipe.objective,
        "library": recipe.library,
        **{f"{name}_from": session.min() for name, session in days.items()},
        **{f"{name}_to": session.max() for name, session in days.items()},
        **counted,
        "purged_rows": of.purged,
        "ticker_sessions": of.test.select(TICKER_SESSION).n_unique(),
        "model_id": model.model_id,
        "trees": model.trees,
        "features": list(map(str, recipe.features)),
        "parameters": recipe.parameters(),
        "model": model.text,
        "calibration": model.calibration,
        "base_rate": base,
        **judged(of.test, up, base, draws, recipe.seed),
        "library_version": VERSIONS[recipe.library],
        "seed": recipe.seed,
    }


def shown(made: pl.DataFrame, untrained: list[str], hindsight: int) -> dict[str, Any]:
    """Folds without a model, rows that were left out, and the models side by side."""
    return {
        "models": made.height,
        "without_a_model": len(untrained),
        "why_without_a_model": "; ".join(untrained) or "none",
        "rows_before_their_event": hindsight,
        "side_by_side": dg.MetadataValue.md(model_table(made)),
    }


def believable_auc(acknowledged: float = BELIEVABLE) -> pl.Expr:
    """The highest area under the curve that is no suspected leak, by ``ticker_sessions``.

    Of few of them luck gets higher too: there it is two deviations above 0.65, as 0.91 of 20 and 0.81 of 50.
    """
    return pl.max_horizontal(pl.lit(acknowledged), HONEST + 2 * LUCK / pl.col("ticker_sessions").sqrt())


def auc_is_believable(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame], config: ModelsConfig) -> Verdict:
    """No area under the curve is above what is acknowledged: that would be a leak of the future, not foresight.

    Judged are models, and means over a scheme's folds, since a leak is in every fold.
    """
    known = stored.drop_nulls("auc").with_columns(fold=pl.col("fold").cast(pl.String))
    count = pl.col("ticker_sessions")
    mean = (pl.col("auc") * count).sum() / count.sum()
    of_folds = known.group_by("scheme", "objective", "library").agg(count.sum(), fold=pl.lit("mean"), auc=mean)
    judged_by = pl.concat([part.select(*MODEL, "ticker_sessions", "auc") for part in (known, of_folds)])
    acknowledged = judged_by.filter(pl.col("auc") <= config.acknowledged_auc).height
    above = judged_by.filter(pl.col("auc") > believable_auc(config.acknowledged_auc)).sort(
        "auc", *MODEL, descending=True
    )
    suspects = [f"{' '.join(row[:4])}: AUC {row[5]:.3f} of {row[4]} ticker-sessions" for row in above.iter_rows()]
    found = {
        "acknowledged_auc": config.acknowledged_auc,
        "highest_auc": judged_by["auc"].max(),
        "above_it_by_luck_of_few": judged_by.height - acknowledged - above.height,
        "suspected_leaks": "; ".join(suspects) or "none",
    }
    return Verdict(not suspects, found)


def skill_beats_the_base_rate(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """No model is worse than its base rate by more than chance: no interval of the skill ends below 0.

    Intervals of fewer than ten ticker-sessions are too narrow to say so.
    """
    sure = stored.filter(pl.col("ticker_sessions") >= LEAST_DRAWN)
    worse = sure.filter(pl.col("brier_skill_high") < 0)
    better = sure.filter(pl.col("brier_skill_low") > 0)
    counts = {"models": stored.height, "surely_better": better.height, "surely_worse": worse.height}
    return Verdict(worse.is_empty(), counts | {"skill": dg.MetadataValue.md(model_table(stored))})


def a_model_fitted_again_is_the_same(
    stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame], config: ModelsConfig
) -> Verdict:
    """The model with the fewest training rows, fitted again from the inputs, has the same text and calibration."""
    if stored.is_empty():
        return Verdict(True, {"models": 0})
    row = stored.sort("train_rows", *MODEL).row(0, named=True)
    split = inputs["ml_splits"].filter(fold=row["fold"])
    ((_, rows),) = folds(inputs["training_rows"], split, [row["scheme"]], config.before_event)
    (recipe,) = (r for r in config.recipes() if (r.objective, r.library) == (row["objective"], row["library"]))
    again = fitted(windows(rows, recipe.objective, recipe.least_calibration_rows), recipe)
    same = {name: row[of] == getattr(again, name) for name, of in KEPT.items()}
    return Verdict(all(same.values()), {"model": " ".join(str(row[name]) for name in MODEL), **same})


@dataset(
    Models,
    Axis.WHOLE,
    blocking_laws=(auc_is_believable,),
    laws=(skill_beats_the_base_rate, a_model_fitted_again_is_the_same),
)
def models(run: Run, training_rows: pl.LazyFrame, ml_splits: pl.LazyFrame, config: ModelsConfig) -> Iterator[Rows]:
    """All configured models of all folds."""
    found, untrained, recipes = [], [], config.recipes()
    for (scheme, fold), rows in folds(training_rows, ml_splits, config.schemes, config.before_event):
        objectives = {recipe.objective for recipe in recipes}
        by_objective = {name: windows(rows, name, config.least_calibration_rows) for name in objectives}
        for recipe in recipes:
            of = by_objective[recipe.objective]
            if why := lacking(of, recipe.objective, config.least_train_rows, config.least_stop_rows):
                untrained.append(f"{scheme} {fold} {recipe.objective} {recipe.library}: {why}")
                continue
            found.append(
                {
                    "scheme": scheme,
                    "fold": fold,
                    "before_event": config.before_event,
                    **row_of(of, recipe, config.draws),
                }
            )
    hindsight = training_rows.select(pl.col("event_known_at").null_count()).collect().item()
    names = {f"{name}_version": run.version(name) for name in ("training_rows", "ml_splits")}
    made = pl.DataFrame([row | names | {"code_version": code_version()} for row in found], schema=models.empty().schema)
    yield from run.whole(made, shown(made, untrained, hindsight))
