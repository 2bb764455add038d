"""Marks of what models forecast: how far forecasts can be taken at their word, what they rest on, and their scores."""

import math

import polars as pl

from smallcaps_assets.maths.scores import calibration_error, reliability
from smallcaps_assets.reports.marks import (
    CALIBRATION,
    CALIBRATION_ERROR,
    IMPORTANCE,
    METRICS,
    SLICES,
    VERDICTS,
    marks,
    told,
)

BINS = 10  # of the calibration curve, of equal weight, as `scores.calibration_error` has them
BEFORE, AFTER = "before calibration", "after calibration"
MEASURES = ("permuted", "shap", "gain")
SCORES = (
    "share_up", "base_rate", "share_up_of_rows", "driftless", "log_loss", "log_loss_base", "brier", "brier_skill",
    "auc", "calibration_error", "top_decile_precision",
)  # fmt: skip
WITH_INTERVAL = ("brier_skill", "auc")
MODEL = pl.format("{} {} {}", "scheme", "library", "objective")


def calibration(predictions: pl.DataFrame) -> pl.DataFrame:
    """Forecast against what came, before and after calibration, of the binary models: points and errors.

    Over test rows of all folds whose label touched a barrier, since these forecasts are of +1 against −1.
    ``predictions``: scheme, library, objective, label, p_up, raw_up, and weight, by which
    rows count as they do in the models' scores.
    """
    judged = predictions.filter(pl.col("objective") == "binary", pl.col("label") != 0).with_columns(panel=MODEL)
    points, errors = [], []
    for panel in judged["panel"].unique().sort():
        rows = judged.filter(panel=panel)
        came, weight = rows["label"].eq(1).to_numpy(), rows["weight"].to_numpy()
        for series, name in ((BEFORE, "raw_up"), (AFTER, "p_up")):
            curve = reliability(came, rows[name].to_numpy(), BINS, weight)
            for number, (x, value, count) in enumerate(zip(curve.forecast, curve.share, curve.rows, strict=True), 1):
                points.append((panel, series, f"bin {number}", float(x), float(value), int(count)))
            error = calibration_error(came, rows[name].to_numpy(), BINS, weight)
            errors.append((panel, series, "expected calibration error", None, error, rows.height))
    schema = {"panel": pl.String, "series": pl.String, "label": pl.String, "x": pl.Float64, "value": pl.Float64}
    frames = [pl.DataFrame(rows, {**schema, "rows": pl.Int64}, orient="row") for rows in (points, errors)]
    return pl.concat([marks(CALIBRATION, frames[0]), marks(CALIBRATION_ERROR, frames[1])])


def importance(features: pl.DataFrame) -> pl.DataFrame:
    """Every feature of a model by three measures, the mean over its folds; the order is that of mean |SHAP|.

    ``low`` and ``high`` of ``permuted`` are a standard deviation off, over repeats and folds together (the law of total
    variance). Gain is a share of the model's whole gain, since libraries count it in units of their own.
    ``features``: scheme, fold, objective, library, feature, gain, shap, permuted, permuted_std.
    """
    one = ["scheme", "fold", "objective", "library"]
    total = pl.col("gain").sum().over(one)
    shared = features.with_columns(gain=pl.when(total > 0).then(pl.col("gain") / total).otherwise(0.0), panel=MODEL)
    spread = ((pl.col("permuted_std") ** 2).mean() + pl.col("permuted").var(ddof=0)).sqrt()
    by = (
        shared.group_by("panel", "feature", maintain_order=True)
        .agg(pl.col(*MEASURES).mean(), _spread=spread, rows=pl.len().cast(pl.Int64))
        .sort("panel", "shap", "feature", descending=[False, True, False])
    )
    long = by.unpivot(MEASURES, index=["panel", "feature", "_spread", "rows"], variable_name="series")
    permuted = pl.col("series") == "permuted"
    return marks(
        IMPORTANCE,
        long.with_columns(
            label="feature",
            low=pl.when(permuted).then(pl.col("value") - pl.col("_spread")),
            high=pl.when(permuted).then(pl.col("value") + pl.col("_spread")),
        ),
    )


def metrics(found: pl.DataFrame) -> pl.DataFrame:
    """Scores of all test rows of a model, and its skill and AUC by fold, detector and month, with their intervals."""
    named = found.with_columns(panel=MODEL)
    frames = []
    for score in SCORES:
        low, high = (f"{score}_low", f"{score}_high") if score in WITH_INTERVAL else (None, None)
        frames.append(
            named.select(
                "panel", "slice", "rows", series=pl.lit(score), label="value", value=score,
                low=pl.col(low) if low else pl.lit(None, pl.Float64),
                high=pl.col(high) if high else pl.lit(None, pl.Float64),
            )
        )  # fmt: skip
    long = pl.concat(frames).with_columns(pl.col("value", "low", "high").fill_nan(None))
    whole, parts = (
        long.filter(slice="all"),
        long.filter(pl.col("slice") != "all", pl.col("series").is_in(WITH_INTERVAL)),
    )
    number = pl.col("label").cast(pl.Int64, strict=False)  # folds by their number
    ordered = parts.sort("panel", "series", "slice", number, "label")
    sliced = ordered.with_columns(panel=pl.format("{}: {}", "panel", "slice"))
    return pl.concat([marks(METRICS, whole.sort("panel", maintain_order=True)), marks(SLICES, sliced)])


def unmodelled(models: int, scheme: str) -> pl.DataFrame:
    """A sentence if there is no model to report on."""
    sentence = f"There is no model of scheme {scheme}: the metadata of models say why."
    return told(VERDICTS, [] if models else [("no model", "models", sentence, None)])


def verdicts(found: pl.DataFrame) -> pl.DataFrame:
    """What the scores of each model say, in words. ``believable``: the highest AUC that is no suspected leakage."""
    rows = []
    for row in found.filter(slice="all").with_columns(panel=MODEL).sort("panel").iter_rows(named=True):
        told_of = (("skill", _skill(row), "brier_skill"), ("ranking", _ranking(row), "auc"))
        for series, sentence, figure in (*told_of, ("calibration", _calibrated(row), "calibration_error")):
            rows.append((row["panel"], series, sentence, _known(row[figure])))
        rows.append((row["panel"], "top decile", _top(row), _known(row["top_decile_precision"])))
        if row["objective"] == "binary":  # both are shares of the rows that touch
            rows.append((row["panel"], "geometry", _geometry(row), _known(row["driftless"])))
    return told(VERDICTS, rows)


def _skill(row: dict[str, float]) -> str:
    low, high = (_known(row[f"brier_skill_{end}"]) for end in ("low", "high"))
    if low is None or high is None:
        return "Too few ticker-sessions to say whether it is better than the base rate."
    if low > 0:
        return "Better than the base rate: the whole interval of its skill is above 0."
    if high < 0:
        return "Worse than the base rate: the whole interval of its skill is below 0."
    return "No better than the base rate: the interval of its skill holds 0."


def _ranking(row: dict[str, float]) -> str:
    area, low, high = (_known(row[name]) for name in ("auc", "auc_low", "auc_high"))
    if area is None or low is None or high is None:
        return "Too few rows of both classes to say whether it ranks better than chance."
    if area > row["believable"]:
        return f"Too good to be true: AUC above {row['believable']:.2f} is suspected leakage until somebody has looked."
    if low > 0.5:
        return "Ranks better than chance: the whole interval of its AUC is above 0.5."
    if high < 0.5:
        return "Ranks the wrong way round: the whole interval of its AUC is below 0.5."
    return "Does not rank better than chance: the interval of its AUC holds 0.5."


def _calibrated(row: dict[str, float]) -> str:
    error = _known(row["calibration_error"])
    if error is None:
        return "No calibration error: no test row touched a barrier."
    return f"A forecast is off by {100 * error:.1f} points on average."


def _top(row: dict[str, float]) -> str:
    top, share = _known(row["top_decile_precision"]), _known(row["share_up"])
    if top is None or share is None:
        return "No precision of the top decile: the test rows have one class only."
    return f"Of its tenth of highest forecasts {100 * top:.1f} % were +1, of all rows {100 * share:.1f} %."


def _geometry(row: dict[str, float]) -> str:
    share, walk = _known(row["share_up_of_rows"]), _known(row["driftless"])  # by weight a walk gives ½
    if share is None or walk is None:
        return "No share of +1 to compare with a driftless walk."
    often = "more" if share > walk else "less"
    return f"Of the rows, +1 came {abs(100 * (share - walk)):.1f} points {often} often than on a driftless walk."


def _known(figure: float | None) -> float | None:
    return None if figure is None or math.isnan(figure) else figure
