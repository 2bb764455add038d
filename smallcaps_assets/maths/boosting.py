"""Boosted trees of LightGBM and XGBoost: fitted, kept as the library's own text, and used from that text alone.

Labels are −1, 0 and 1: ``binary`` tells 1 from −1 and takes no 0, ``three_class`` tells all three, in this order. A
matrix is float64[n, k] with NaN for what is not known; both libraries send NaN to the side of a split where it does
less harm. One thread and fixed seeds: the same input gives the same text, byte for byte. Early stopping looks at the
stop rows only. Sources: Friedman, "Greedy function approximation" (2001); SHAP values are TreeSHAP's, exact, of
Lundberg et al., "Consistent individualized feature attribution for tree ensembles" (2018).
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import xgboost as xgb

from smallcaps_assets.maths.arguments import Floats, Ints, equal_lengths, integers, refuse_at, sizes

Library = Literal["lightgbm", "xgboost"]
Objective = Literal["binary", "three_class"]
CLASSES: Mapping[str, tuple[int, ...]] = {"binary": (-1, 1), "three_class": (-1, 0, 1)}
VERSIONS: Mapping[str, str] = {"lightgbm": lgb.__version__, "xgboost": xgb.__version__}
HESSIAN = 0.25  # largest second derivative of a row's log loss: by it a weight of rows becomes a sum of hessians


class Growth(NamedTuple):
    """How trees are grown. The defaults are for a few thousand rows of which the labels are mostly noise."""

    rounds: int = 500
    """Trees at most (three times as many with three classes); the stop rows end it much earlier."""
    patience: int = 50
    """Rounds without a better log loss of the stop rows; with small steps the loss is bumpy, 50 sees over a bump."""
    learning_rate: float = 0.03
    """Small: each tree, fitted to noise too, may move the forecast by a thirtieth of what it would."""
    depth: int = 3
    """Splits on the way to a leaf: interactions of three features are the most that so few rows can show."""
    least_rows_in_leaf: float = 20.0
    """Rows of mean weight; a leaf's log odds of 20 even rows is still ± 0.45."""
    feature_share: float = 0.5
    """Features that a tree may use: those that say the same take turns, and one lucky one cannot be in every tree."""
    row_share: float = 0.7
    """Rows that a tree sees: neighbours of a tape are nearly copies, so a tree that sees all of them learns a tape."""
    l2: float = 10.0
    """Added to a leaf's sum of hessians: as 40 more even rows that say nothing."""
    bins: int = 63
    """Places where a feature may be split: finer cuts would tell noise apart, and cost time."""


class Fitted(NamedTuple):
    """A fitted model."""

    text: str
    """LightGBM's model text, or XGBoost's JSON: all that a forecast needs."""
    trees: int
    """Rounds kept: up to the one with the best log loss of the stop rows."""


def parameters(library: Library, objective: Objective, growth: Growth, seed: int) -> dict[str, Any]:
    """The library's own parameters for these rules, as they go into its ``train``.

    >>> parameters("lightgbm", "binary", Growth(), 0)["min_sum_hessian_in_leaf"]
    5.0
    >>> parameters("xgboost", "binary", Growth(), 0)["min_child_weight"]
    5.0
    """
    least = growth.least_rows_in_leaf * HESSIAN
    if library == "lightgbm":
        three = {"objective": "multiclass", "num_class": 3, "metric": "multi_logloss"}
        return {
            **({"objective": "binary", "metric": "binary_logloss"} if objective == "binary" else three),
            "learning_rate": growth.learning_rate,
            "num_leaves": 2**growth.depth,
            "max_depth": growth.depth,
            "min_data_in_leaf": 1,  # weights vary a hundredfold: what counts in a leaf is its weight
            "min_sum_hessian_in_leaf": least,
            "feature_fraction": growth.feature_share,
            "bagging_fraction": growth.row_share,
            "bagging_freq": 1,
            "lambda_l2": growth.l2,
            "max_bin": growth.bins,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
    softmax = {"objective": "multi:softprob", "num_class": 3, "eval_metric": "mlogloss"}
    return {
        **({"objective": "binary:logistic", "eval_metric": "logloss"} if objective == "binary" else softmax),
        "eta": growth.learning_rate,
        "max_depth": growth.depth,
        "min_child_weight": least,
        "colsample_bytree": growth.feature_share,
        "subsample": growth.row_share,
        "lambda": growth.l2,
        "max_bin": growth.bins,
        "tree_method": "hist",
        "seed": seed,
        "nthread": 1,
        "verbosity": 0,
    }


def fit(
    library: Library,
    objective: Objective,
    matrix: npt.ArrayLike,
    label: npt.ArrayLike,
    weight: npt.ArrayLike,
    stop_matrix: npt.ArrayLike,
    stop_label: npt.ArrayLike,
    stop_weight: npt.ArrayLike,
    growth: Growth,
    seed: int,
    names: Sequence[str] | None = None,
) -> Fitted:
    """Boost trees on the rows until the log loss of the stop rows has been no better for a while.

    ``matrix`` float64[n, k], ``label`` int[n], ``weight`` float64[n] of any scale; ``stop_…`` the same of other rows.
    ``names`` of the k features go into the text.

    Raises:
        ValueError: an infinite feature, a label that the objective does not have, a class without training rows,
            a negative weight or none above 0, no stop rows, unequal lengths.
    """
    rows = _rows("", objective, matrix, label, weight)
    stop = _rows("stop_", objective, stop_matrix, stop_label, stop_weight)
    if absent := [CLASSES[objective][place] for place in set(range(len(CLASSES[objective]))) - set(rows.place)]:
        raise ValueError(f"label: no row is {absent[0]}, so that {objective} cannot be learned")
    if rows.matrix.shape[1] != stop.matrix.shape[1]:
        raise ValueError(f"matrix has {rows.matrix.shape[1]} features and stop_matrix {stop.matrix.shape[1]}")
    chosen = parameters(library, objective, growth, seed)
    called = [f"feature_{place}" for place in range(rows.matrix.shape[1])] if names is None else list(names)
    if library == "lightgbm":
        return _lightgbm(chosen, growth, rows, stop, called)
    return _xgboost(chosen, growth, rows, stop, called)


def predict(library: Library, text: str, matrix: npt.ArrayLike) -> Floats:
    """Probabilities from a stored text: float64[n] of a 1 (binary), or float64[n, 3] of −1, 0 and 1.

    ``ValueError`` if the matrix has an infinite value or not the model's number of features.
    """
    values = _matrix("matrix", matrix)
    if library == "lightgbm":
        return _float64(_lightgbm_of(text, values).predict(values, num_threads=1))
    return _float64(_xgboost_of(text, values).predict(xgb.DMatrix(values, nthread=1), validate_features=False))


def shap(library: Library, text: str, matrix: npt.ArrayLike) -> Floats:
    """What each feature adds to a row's log odds: float64[n, k + 1], or [n, 3, k + 1] with three classes.

    The last is what the model says of no row in particular; a row's sum is the logit of its probability (binary), or
    the class's score before softmax. ``ValueError`` as :func:`predict`.
    """
    values = _matrix("matrix", matrix)
    if library == "lightgbm":
        model = _lightgbm_of(text, values)
        added = _float64(model.predict(values, pred_contrib=True, num_threads=1))
        return added.reshape(len(values), 3, -1) if model.num_model_per_iteration() == 3 else added
    frame = xgb.DMatrix(values, nthread=1)
    return _float64(_xgboost_of(text, values).predict(frame, pred_contribs=True, validate_features=False))


def gain(library: Library, text: str, names: Sequence[str]) -> dict[str, float]:
    """By feature, in the order of the matrix's columns, how much its splits lowered the training loss, summed.

    ``ValueError`` if the model has not as many features as there are names.
    """
    if library == "lightgbm":
        model = _lightgbm_of(text, np.empty((0, len(names))))
        found = [float(value) for value in model.feature_importance("gain")]
    else:
        booster = _xgboost_of(text, np.empty((0, len(names))))
        by_name = booster.get_score(importance_type="total_gain")
        found = [float(by_name.get(called, 0.0)) for called in booster.feature_names]
    return dict(zip(names, found, strict=True))


class _Rows(NamedTuple):
    """Rows as both libraries take them: the class is its place from 0, the mean weight is 1."""

    matrix: Floats
    place: Ints
    weight: Floats


def _rows(of: str, objective: Objective, matrix: npt.ArrayLike, label: npt.ArrayLike, weight: npt.ArrayLike) -> _Rows:
    values, labels = _matrix(f"{of}matrix", matrix), integers(f"{of}label", label)
    weights = sizes(f"{of}weight", weight)
    equal_lengths(**{f"{of}matrix": values, f"{of}label": labels, f"{of}weight": weights})
    strange = np.flatnonzero(~np.isin(labels, CLASSES[objective]))
    refuse_at(f"{of}label", labels, int(strange[0]) if len(strange) else -1, f"is no class of {objective}")
    if not weights.sum() > 0:
        raise ValueError(f"{of}weight: none of {len(weights)} rows has one above 0")
    return _Rows(values, np.searchsorted(CLASSES[objective], labels), weights / weights.mean())


def _matrix(name: str, matrix: npt.ArrayLike) -> Floats:
    values = np.ascontiguousarray(matrix, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"{name} has {values.ndim} dimensions, not 2")
    infinite = np.argwhere(np.isinf(values))
    if len(infinite):
        row, place = infinite[0]
        raise ValueError(f"{name}[{row}, {place}] = {values[row, place]} is infinite")
    return values


def _float64(values: Any) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _lightgbm(chosen: dict[str, Any], growth: Growth, rows: _Rows, stop: _Rows, names: list[str]) -> Fitted:
    train = lgb.Dataset(rows.matrix, rows.place, weight=rows.weight, feature_name=names, params=chosen)
    valid = train.create_valid(stop.matrix, stop.place, weight=stop.weight)
    stopping = lgb.early_stopping(growth.patience, verbose=False)
    model = lgb.train(chosen, train, growth.rounds, valid_sets=[valid], callbacks=[stopping])
    return Fitted(model.model_to_string(num_iteration=model.best_iteration), model.best_iteration)


def _xgboost(chosen: dict[str, Any], growth: Growth, rows: _Rows, stop: _Rows, names: list[str]) -> Fitted:
    train, valid = (
        xgb.DMatrix(part.matrix, part.place, weight=part.weight, feature_names=names, nthread=1)
        for part in (rows, stop)
    )
    model = xgb.train(
        chosen,
        train,
        growth.rounds,
        evals=[(valid, "stop")],
        early_stopping_rounds=growth.patience,
        verbose_eval=False,
    )
    trees = model.best_iteration + 1
    return Fitted(model[:trees].save_raw("json").decode(), trees)


def _lightgbm_of(text: str, values: Floats) -> Any:
    model = _lightgbm_read(text)
    _same_features(model.num_feature(), values)
    return model


@lru_cache(maxsize=2)
def _lightgbm_read(text: str) -> Any:
    """The model, kept: reading its text takes longer than a forecast of some hundred rows."""
    return lgb.Booster(model_str=text)


def _xgboost_of(text: str, values: Floats) -> Any:
    model = _xgboost_read(text)
    _same_features(model.num_features(), values)
    return model


@lru_cache(maxsize=2)
def _xgboost_read(text: str) -> Any:
    """As :func:`_lightgbm_read`."""
    model = xgb.Booster({"nthread": 1})
    model.load_model(bytearray(text, "utf-8"))
    return model


def _same_features(there: int, values: Floats) -> None:
    if there != values.shape[1]:
        raise ValueError(f"matrix has {values.shape[1]} features, and the model was fitted on {there}")
