"""One model of a fold: fitted, stopped and calibrated on the fold's rows, and forecasts from what is kept of it."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from smallcaps_assets.maths import boosting
from smallcaps_assets.maths.arguments import Floats, Ints
from smallcaps_assets.maths.boosting import Growth, Library, Objective
from smallcaps_assets.maths.calibration import Method, calibrate, calibrated
from smallcaps_assets.maths.feature_list import FeatureName, matrix
from smallcaps_assets.maths.fold_windows import Windows


class Recipe(NamedTuple):
    """How a model is made of rows."""

    library: Library
    objective: Objective
    features: Sequence[FeatureName]
    growth: Growth
    method: Method
    least_calibration_rows: int
    seed: int

    def parameters(self) -> str:
        """All numbers that the library is given, as JSON."""
        own = boosting.parameters(self.library, self.objective, self.growth, self.seed)
        return json.dumps(own | {"rounds": self.growth.rounds, "patience": self.growth.patience}, sort_keys=True)


class Model(NamedTuple):
    """What is kept of a fitted model: enough to forecast."""

    model_id: str
    """16 hex: the same of the same recipe, library version and rows (those that judge it are not among them)."""
    text: str
    trees: int
    calibration: str


class Forecast(NamedTuple):
    """Probabilities, float64[n] each; ``flat`` is NaN where the model does not tell it."""

    up: Floats
    flat: Floats
    down: Floats
    raw_up: Floats


def fitted(of: Windows, recipe: Recipe) -> Model:
    """The model of the fold's rows, all of classes that the objective has. ``ValueError`` as :func:`boosting.fit`."""
    train, stop, held_out = (_arrays(rows, recipe.features) for rows in (of.train, of.stop, of.calibration))
    library, objective = recipe.library, recipe.objective
    made = boosting.fit(library, objective, *train, *stop, recipe.growth, recipe.seed, recipe.features)
    raw = boosting.predict(library, made.text, held_out[0])
    curves = calibrate(recipe.method, raw, *held_out[1:], recipe.least_calibration_rows)
    return Model(_identity(recipe, (train, stop, held_out)), made.text, made.trees, curves)


def forecast(library: Library, objective: Objective, text: str, calibration: str, values: Floats) -> Forecast:
    """Forecasts of rows from the stored texts alone. ``ValueError`` as :func:`boosting.predict`."""
    raw = boosting.predict(library, text, values)
    after = calibrated(calibration, raw)
    if objective == "three_class":
        return Forecast(after[:, 2], after[:, 1], after[:, 0], raw[:, 2])
    return Forecast(after, np.full(len(after), np.nan), 1 - after, raw)


def _arrays(rows: pl.DataFrame, features: Sequence[FeatureName]) -> tuple[Floats, Ints, Floats]:
    return matrix(rows, features), rows["label"].cast(pl.Int64).to_numpy(), rows["weight"].to_numpy()


def _identity(recipe: Recipe, parts: Sequence[tuple[Any, ...]]) -> str:
    told = {
        "library": [recipe.library, boosting.VERSIONS[recipe.library]],
        "objective": recipe.objective,
        "features": list(recipe.features),
        "parameters": recipe.parameters(),
        "calibration": [recipe.method, recipe.least_calibration_rows],
        "rows": [len(part[1]) for part in parts],
    }
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for part in parts:
        for array in part:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
