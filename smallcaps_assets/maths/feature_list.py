"""Names that a model may learn from, and the one door from rows to a model.

A list of features is a sequence of :class:`FeatureName`, and none can be made of a column that is not declared a
feature: so an outcome cannot become one by a typing error or a pattern that matches too much. A plain ``list[str]`` is
refused by mypy, and by :func:`matrix` when it runs.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

FEATURE = "feature"


class FeatureName(str):
    """A column that is declared a feature; use as any name of a column.

    Raises:
        ValueError: ``among``, a contract's columns and the role of each, does not say that it is a feature.

    >>> FeatureName("f_gap", {"f_gap": "feature", "label": "outcome"})
    'f_gap'
    >>> FeatureName("label", {"f_gap": "feature", "label": "outcome"})
    Traceback (most recent call last):
    ValueError: label is no feature but an outcome: a model may not learn from it
    """

    __slots__ = ()

    def __new__(cls, name: str, among: Mapping[str, str]) -> "FeatureName":
        """The name, if it is a feature's."""
        role = among.get(name)
        if role is None:
            raise ValueError(f"{name} is no feature: the contract has no such column")
        if role != FEATURE:
            raise ValueError(f"{name} is no feature but {_named(role)}: a model may not learn from it")
        return super().__new__(cls, name)

    def __getnewargs__(self) -> tuple[str, dict[str, str]]:  # type: ignore[override]
        """So that copies and processes get it too."""
        return str(self), {str(self): FEATURE}


def matrix(rows: pl.DataFrame, features: Sequence[FeatureName]) -> npt.NDArray[np.float64]:
    """The rows' features as float64 [rows, features], in their order, one row after another; null is NaN.

    Raises:
        TypeError: a feature is a plain string.
        ValueError: no features, or one twice.

    >>> declared = {"f_gap": "feature", "f_vpin_20": "feature"}
    >>> both = [FeatureName(name, declared) for name in declared]
    >>> matrix(pl.DataFrame({"f_vpin_20": [1.0, None], "f_gap": [0.5, 0.25]}), both).tolist()
    [[0.5, 1.0], [0.25, nan]]
    """
    if plain := [name for name in features if not isinstance(name, FeatureName)]:
        raise TypeError(f"{plain[0]!r} is a plain string, not a FeatureName: take it from feature_names(contract)")
    if not features or len(set(features)) < len(features):
        raise ValueError(f"features must be at least one and each once, not {list(features)}")
    chosen = rows.select(features).cast(pl.Float64).fill_null(np.nan)
    return np.ascontiguousarray(chosen.to_numpy(), dtype=np.float64)


def _named(role: str) -> str:
    return f"{'an' if role[0] in 'aeiou' else 'a'} {role}"
