"""From a model's raw probability to one that can be taken at its word: fitted, kept as plain numbers, applied.

Platt's: a logistic curve through the logit of the raw probability, with his targets (n hits are forecast as
(n + 1)/(n + 2) at most, so that few rows prove nothing), and held near the raw probability as far as the rows leave it
open: those of a weak model lie close together, and a few dozen rows would else stretch them at random to 0 and 1.
Isotonic: the best rising steps, within the bounds of the same targets. Three classes: each against the rest, then
divided by their sum. No curve falls: where rows would have it fall it is flat, and says that the model does not rank.

Rows of unequal weight count, all together, as Kish's (Σw)²/Σw² even ones. Sources: Platt, "Probabilistic outputs for
support vector machines" (1999); Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass
probability estimates" (2002).
"""

import json
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression

from smallcaps_assets.maths.arguments import Bools, Floats, Ints, equal_lengths, integers, refuse_at, sizes

Method = Literal["platt", "isotonic"]
LEAST_ROWS = 30  # fewer rows say less of two numbers than the raw probability does
LEAST_OF_A_CLASS = 5  # and a class that is hardly there nothing of its own
FARTHEST = 1e-6  # a raw probability of 0 or 1 has no logit
TOWARDS_RAW = 4.0  # 1/deviation² of what is believed before any row: a slope of 1 ± 0.5, an intercept of 0 ± 0.5
AS_RAW = np.array([1.0, 0.0])  # slope and intercept
STEPS = 100  # Newton's; about six are needed
NEAR = 1e-10  # of a step that changes nothing


def calibrate(
    method: Method, raw: npt.ArrayLike, label: npt.ArrayLike, weight: npt.ArrayLike, least_rows: int = LEAST_ROWS
) -> str:
    """The curves as JSON text, from rows that the model was neither fitted on nor stopped by.

    ``raw`` float64[n] of label 1 against −1, or float64[n, 3] of −1, 0 and 1; ``label`` int[n], ``weight`` float64[n]
    of any scale. With fewer than ``least_rows`` rows, or fewer than five of a class, the method is ``"none"``, for
    which the text gives the reason: a raw probability is then taken as it is.

    Raises:
        ValueError: a raw probability outside [0, 1], a negative weight, unequal lengths.

    >>> calibrate("platt", [0.4, 0.6], [-1, 1], [1, 1])
    '{"method": "none", "reason": "2 rows, and 30 are needed"}'
    """
    probabilities, labels, weights = _raw(raw), integers("label", label), sizes("weight", weight)
    equal_lengths(raw=probabilities, label=labels, weight=weights)
    classes = (-1, 0, 1) if probabilities.ndim == 2 else (-1, 1)
    if reason := _too_little(labels, weights, classes, least_rows):
        return json.dumps({"method": "none", "reason": reason})
    columns = list(probabilities.T) if probabilities.ndim == 2 else [probabilities]
    wanted = classes if probabilities.ndim == 2 else (1,)
    even = weights * (weights.sum() / (weights @ weights))
    curve = _platt if method == "platt" else _isotonic
    curves = [curve(column, labels == of, even) for column, of in zip(columns, wanted, strict=True)]
    return json.dumps({"method": method, "rows": len(labels), "curves": curves})


def calibrated(text: str, raw: npt.ArrayLike) -> Floats:
    """The probabilities by a text of :func:`calibrate`, of the shape of ``raw``; three classes add up to 1.

    >>> halved = '{"method": "platt", "curves": [{"slope": 0.5, "intercept": 0.0}]}'
    >>> calibrated(halved, [0.1, 0.5, 0.9]).round(3).tolist()
    [0.25, 0.5, 0.75]
    """
    probabilities, told = _raw(raw), json.loads(text)
    if told["method"] == "none":
        return probabilities
    columns = list(probabilities.T) if probabilities.ndim == 2 else [probabilities]
    found = [_along(curve, column) for curve, column in zip(told["curves"], columns, strict=True)]
    if probabilities.ndim == 1:
        return found[0]
    together = np.stack(found, axis=1)
    return np.asarray(together / together.sum(axis=1, keepdims=True), dtype=np.float64)


def _raw(raw: npt.ArrayLike) -> Floats:
    values = np.asarray(raw, dtype=np.float64)
    if values.ndim != 1 and not (values.ndim == 2 and values.shape[1] == 3):
        raise ValueError(f"raw is of shape {values.shape}, neither [n] nor [n, 3]")
    flat = values.ravel()
    outside = np.flatnonzero(~((flat >= 0) & (flat <= 1)))
    refuse_at("raw", flat, int(outside[0]) if len(outside) else -1, "is no probability")
    return values


def _too_little(labels: Ints, weights: Floats, classes: tuple[int, ...], least_rows: int) -> str:
    counted = weights > 0
    if (rows := int(counted.sum())) < least_rows:
        return f"{rows} rows, and {least_rows} are needed"
    for of in classes:
        if (rows := int((labels[counted] == of).sum())) < LEAST_OF_A_CLASS:
            return f"{rows} rows of {of}, and {LEAST_OF_A_CLASS} are needed"
    return ""


def _bounds(hit: Bools, weight: Floats) -> tuple[float, float]:
    """Platt's targets of a miss and of a hit."""
    hits = float(weight[hit].sum())
    misses = float(weight.sum()) - hits
    return 1 / (misses + 2), (hits + 1) / (hits + 2)


def _logit(raw: Floats) -> Floats:
    inside = np.clip(raw, FARTHEST, 1 - FARTHEST)
    return np.asarray(np.log(inside) - np.log1p(-inside), dtype=np.float64)


def _logistic(value: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-value)), dtype=np.float64)


def _platt(raw: Floats, hit: Bools, weight: Floats) -> dict[str, float]:
    """Slope and intercept by Newton's method, steps halved until the loss falls; flat where the slope were below 0."""
    miss_target, hit_target = _bounds(hit, weight)
    target, score = np.where(hit, hit_target, miss_target), _logit(raw)
    design = np.stack([score, np.ones_like(score)], axis=1)

    def loss(at: Floats) -> float:
        line = design @ at
        held = TOWARDS_RAW / 2 * ((at - AS_RAW) ** 2).sum()
        return float(weight @ (np.logaddexp(0, line) - target * line) + held)

    level = float(weight @ target / weight.sum())
    flat = np.array([0.0, np.log(level / (1 - level))])
    curve = AS_RAW
    for _ in range(STEPS):
        forecast = _logistic(design @ curve)
        slope = design.T @ (weight * (forecast - target)) + TOWARDS_RAW * (curve - AS_RAW)
        bend = design.T @ (design * (weight * forecast * (1 - forecast))[:, None]) + TOWARDS_RAW * np.eye(2)
        step = np.linalg.solve(bend, slope)
        while loss(curve - step) > loss(curve) and np.abs(step).max() > NEAR:
            step = step / 2
        if np.abs(step).max() <= NEAR:
            break
        curve = curve - step
    kept = curve if curve[0] > 0 else flat
    return {"slope": float(kept[0]), "intercept": float(kept[1])}


def _isotonic(raw: Floats, hit: Bools, weight: Floats) -> dict[str, list[float]]:
    least, most = _bounds(hit, weight)
    steps = IsotonicRegression(y_min=least, y_max=most, out_of_bounds="clip").fit(raw, hit.astype(np.float64), weight)
    return {"raw": steps.X_thresholds_.tolist(), "calibrated": steps.y_thresholds_.tolist()}


def _along(curve: dict[str, Any], raw: Floats) -> Floats:
    if "slope" in curve:
        return _logistic(curve["slope"] * _logit(raw) + curve["intercept"])
    return np.asarray(np.interp(raw, curve["raw"], curve["calibrated"]), dtype=np.float64)
