"""A feature of the training rows: what it means, its formula, unit and when it is known, and how its values lie.

Source: `training_rows`, all sessions; meaning, unit and `known` from its contract, the formula from the docstrings of
`maths/features_*.py`. Grain: one row per feature. Known at the end of the last session. All features are known at the
bar's close at the latest; `known` says as of when the slowest thing in it is. `docs/features.md` is the same without
the numbers.

What can go wrong: numbers are of labelled rows alone, and of all sessions: no model may scale its inputs by them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import dagster as dg
import pandera.polars as pa
import polars as pl

from smallcaps_assets import contract as contracts
from smallcaps_assets.contract import Verdict, column, feature_names
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.training_rows import TrainingRows
from smallcaps_assets.maths.feature_formulas import formulas
from smallcaps_assets.partitions import Axis

QUANTILES = {"p01": 0.01, "p50": 0.5, "p99": 0.99}
NUMBERS = ("null_share", *QUANTILES, "mean")


class FeatureDictionary(pa.DataFrameModel):
    """A feature of the training rows."""

    feature: str = column("name of its column", str_startswith="f_")
    family: str = column("module `maths/features_…` that computes it")
    meaning: str = column("what it tells")
    formula: str = column("of the docstring; ends with the cases in which it is null")
    unit: str = column("of its values")
    known: str = column("as of when the slowest thing in it is; all are known at the bar's close")
    rows: pl.Int64 = column("training rows", unit="rows", ge=0)
    null_share: float = column("rows without a value; null without rows", unit="share", ge=0, le=1, nullable=True)
    p01: float = column("1st percentile", unit="the feature's", nullable=True)
    p50: float = column("median", unit="the feature's", nullable=True)
    p99: float = column("99th percentile", unit="the feature's", nullable=True)
    mean: float = column("of the values that are there", unit="the feature's", nullable=True)
    distinct_values: pl.Int64 = column("different values, null left out", unit="values", ge=0)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = "feature"

    @pa.dataframe_check
    @classmethod
    def percentiles_rise(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """p01 ≤ p50 ≤ p99, all there or none."""
        rise = ((pl.col("p01") <= pl.col("p50")) & (pl.col("p50") <= pl.col("p99"))).fill_null(True)
        return data.lazyframe.select(rise & (pl.col("p01").is_null() == pl.col("p99").is_null()))


class Fact(NamedTuple):
    """What is said of a feature."""

    feature: str
    family: str
    meaning: str
    formula: str
    unit: str
    known: str


def facts() -> list[Fact]:
    """Of each feature in the contract's order; ``ValueError`` names those without formula, or formulas of none."""
    declared, documented = contracts.columns(TrainingRows), formulas()
    names = feature_names(TrainingRows)
    if differ := sorted(documented.keys() ^ set(names)):
        raise ValueError(f"features without a formula in maths/features_*.py, or formulas of no feature: {differ}")
    return [
        Fact(
            feature=str(name),
            family=documented[name].family,
            meaning=str(declared[name].description),
            formula=documented[name].text,
            unit=contracts.unit(declared[name]),
            known=str((declared[name].metadata or {})["known"]),
        )
        for name in names
    ]


def markdown(columns: Mapping[str, str], rows: list[dict[str, Any]]) -> str:
    """Rows as a markdown table; ``columns``: name to title."""

    def cell(value: Any) -> str:
        told = "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
        return told.replace("|", "∣")  # a bar would end the cell

    lines = [f"| {' | '.join(cell(row[name]) for name in columns)} |" for row in rows]
    return "\n".join([f"| {' | '.join(columns.values())} |", "|" + "---|" * len(columns), *lines])


def numbers(values: pl.Series) -> dict[str, Any]:
    """How a feature's values lie."""
    there = values.drop_nulls().rechunk()
    return {
        "rows": len(values),
        "null_share": values.null_count() / len(values) if len(values) else None,
        **{name: there.quantile(at, "linear") for name, at in QUANTILES.items()},
        "mean": there.mean(),
        "distinct_values": there.n_unique(),
    }


def every_feature_is_there_once(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Each column of `training_rows` that begins with f_ has its row, and no other has, over all training rows."""
    rows = inputs["training_rows"]
    there = [name for name in rows.collect_schema().names() if name.startswith("f_")]
    count = int(rows.select(pl.len()).collect().item())
    differ = sorted(set(there) ^ set(stored["feature"]))
    other = stored.filter(pl.col("rows") != count).height
    return Verdict(not differ and not other, {"features": len(there), "differ": str(differ), "of_other_rows": other})


@dataset(FeatureDictionary, Axis.WHOLE, laws=(every_feature_is_there_once,))
def feature_dictionary(run: Run, training_rows: pl.LazyFrame) -> Iterator[Rows]:
    """Facts and numbers of all features."""
    told = facts()
    values = training_rows.select(fact.feature for fact in told).collect()
    found = [fact._asdict() | numbers(values[fact.feature]) for fact in told]
    rows = pl.DataFrame(found, schema=feature_dictionary.empty().schema)
    shown = {name: name.replace("_", " ") for name in rows.columns if name not in ("rows", "formula")}
    yield from run.whole(rows, {"rows": values.height, "features": dg.MetadataValue.md(markdown(shown, found))})
