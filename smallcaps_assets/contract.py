"""A contract says once what the rows of a dataset are: type, unit, meaning, key and laws.

A contract is a pandera model. From it come Dagster's column schema, the blocking check, the data dictionary and the
empty frame. Values are checked on collected frames only: pandera skips every value check on a lazy one, without a word.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any

import dagster as dg
import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors

from smallcaps_assets.maths.feature_list import FEATURE, FeatureName

Contract = type[pa.DataFrameModel]
Instant = Annotated[pl.Datetime, "ns", "UTC"]

OUTCOME = "outcome"
PREFIX = "f_"  # of all features and of nothing else, so that a reader of the lake sees it too
AT_CLOSE = "the bar's close"
SHOWN_CASES = 20
CASES = dg.TableSchema(
    columns=[
        dg.TableColumn("rule", description="the law, or the column and its bound, that failed"),
        dg.TableColumn("rows", "int", description="rows of the partition that fail it"),
        dg.TableColumn("case", description="one of them: the value, or the row"),
    ]
)


def column(meaning: str, *, unit: str = "", **rules: Any) -> Any:
    """A column of a contract: what it means, its unit, and pandera's rules for it (``gt``, ``nullable``, …)."""
    return pa.Field(description=meaning, metadata={"unit": unit}, **rules)


def feature(meaning: str, unit: str, *, known: str = AT_CLOSE) -> Any:
    """A column that a model may learn from, ``f_…``: null where it is not known; ``known``: as of when its value is."""
    return pa.Field(description=meaning, metadata={"unit": unit, "role": FEATURE, "known": known}, nullable=True)


def outcome(meaning: str, *, unit: str = "", **rules: Any) -> Any:
    """A column that is known only after the row: it can never be a feature."""
    return pa.Field(description=meaning, metadata={"unit": unit, "role": OUTCOME}, **rules)


@dataclass(frozen=True)
class Verdict:
    """What a check found in one partition."""

    passed: bool
    metadata: dict[str, Any] = field(default_factory=dict)


def columns(contract: Contract) -> dict[str, pa.Column]:
    """The contract's columns in order."""
    return dict(contract.to_schema().columns)


def key(contract: Contract) -> list[str]:
    """The columns that name a row, in sort order."""
    unique = contract.to_schema().unique
    if not unique:
        raise TypeError(f"{contract.__name__} names no key: give its Config a `unique`")
    return [unique] if isinstance(unique, str) else list(unique)


def unit(declared: pa.Column) -> str:
    """The unit that the contract gives for a column; empty if it has none."""
    return str((declared.metadata or {}).get("unit", ""))


def roles(contract: Contract) -> dict[str, str]:
    """By column what it is: ``key``, ``feature``, ``outcome`` or ``column``.

    ``TypeError`` names the columns that begin with ``f_`` and are no features, or the reverse.
    """
    names = key(contract)
    found = {
        name: str((declared.metadata or {}).get("role", "key" if name in names else "column"))
        for name, declared in columns(contract).items()
    }
    if wrong := [name for name, role in found.items() if name.startswith(PREFIX) != (role == FEATURE)]:
        raise TypeError(f"{contract.__name__}: features and only they begin with {PREFIX}: {', '.join(wrong)}")
    return found


def feature_names(contract: Contract, *only: str) -> tuple[FeatureName, ...]:
    """The contract's features in order, or just those named; ``ValueError`` names one that is no feature."""
    declared = roles(contract)
    wanted = only or [name for name, role in declared.items() if role == FEATURE]
    return tuple(FeatureName(name, declared) for name in wanted)


@cache
def empty(contract: Contract) -> pl.DataFrame:
    """No rows, all columns."""
    return pl.DataFrame(schema={name: declared.dtype.type for name, declared in columns(contract).items()})


def table_schema(contract: Contract) -> dg.TableSchema:
    """The columns as Dagster shows them."""
    names = key(contract)
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name,
                type=str(declared.dtype.type),
                description=f"{declared.description} [{unit(declared)}]" if unit(declared) else declared.description,
                constraints=dg.TableColumnConstraints(
                    nullable=declared.nullable, unique=names == [name], other=[str(rule) for rule in declared.checks]
                ),
            )
            for name, declared in columns(contract).items()
        ]
    )


def conform(contract: Contract, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows in the contract's column order, sorted by its key.

    ``TypeError`` names the columns that are missing, too many or of another type: that is a fault of code, not of data.
    """
    wanted, given = empty(contract).schema, rows.schema
    if missing := wanted.keys() - given.keys():
        raise TypeError(f"{contract.__name__}: columns are missing: {sorted(missing)}")
    if extra := given.keys() - wanted.keys():
        raise TypeError(f"{contract.__name__}: columns are not in the contract: {sorted(extra)}")
    if wrong := [f"{name} is {given[name]}, not {kind}" for name, kind in wanted.items() if given[name] != kind]:
        raise TypeError(f"{contract.__name__}: {'; '.join(wrong)}")
    return rows.select(wanted.names()).sort(key(contract))


def verdict(contract: Contract, rows: pl.DataFrame) -> Verdict:
    """Check collected rows; a failure counts the rows by rule and shows the first cases."""
    try:
        contract.validate(rows, lazy=True)
    except SchemaErrors as errors:
        return Verdict(False, _failures(errors.failure_cases, rows.height))
    return Verdict(True, {"rows": rows.height})


def verdicts(contract: Contract, frames: Sequence[pl.DataFrame]) -> list[Verdict]:
    """Check several partitions; in one go where all is well, since a check's cost hardly depends on the rows."""
    together = verdict(contract, pl.concat(frames)) if len(frames) > 1 else Verdict(False)
    if together.passed:
        return [Verdict(True, {"rows": rows.height}) for rows in frames]
    return [verdict(contract, rows) for rows in frames]


def _failures(cases: pl.DataFrame, rows: int) -> dict[str, Any]:
    named = cases.select(
        rule=pl.when(pl.col("schema_context") == "Column")
        .then(pl.format("{}: {}", "column", "check"))
        .otherwise(pl.col("check")),
        case=pl.col("failure_case").cast(pl.String),
        row=pl.col("index"),
    )
    counted = named.with_columns(rows=pl.len().over("rule")).sort("rows", descending=True, maintain_order=True)
    shown = [
        dg.TableRecord({"rule": case["rule"], "rows": case["rows"], "case": case["case"] or "null"})
        for case in counted.group_by("rule", maintain_order=True).head(3).head(SHOWN_CASES).to_dicts()
    ]
    return {
        "rows": rows,
        "failed_rows": named["row"].n_unique(),
        "failures": dg.MetadataValue.table(records=shown, schema=CASES),
    }
