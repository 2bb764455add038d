"""What a contract refuses, and what it shows of it."""

from datetime import date

import pandera.polars as pa
import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.contract import Instant, column, feature, outcome


class Bars(pa.DataFrameModel):
    """A bar."""

    ticker: str = column("ticker")
    session: pl.Date = column("session")
    started_at: Instant = column("start of the bar")
    high: float = column("highest price", unit="USD", gt=0)
    low: float = column("lowest price", unit="USD", gt=0)
    trades: pl.Int64 = column("trades", ge=0, nullable=True)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["ticker", "started_at"]

    @pa.dataframe_check
    @classmethod
    def high_is_not_below_low(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """High ≥ low."""
        return data.lazyframe.select(pl.col("high") >= pl.col("low"))


def bars(*rows: tuple[str, int, float, float, int | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "ticker": [r[0] for r in rows],
            "session": [date(2024, 1, 16)] * len(rows),
            "started_at": [r[1] for r in rows],
            "high": [r[2] for r in rows],
            "low": [r[3] for r in rows],
            "trades": [r[4] for r in rows],
        },
        schema=contracts.empty(Bars).schema,
    )


GOOD = bars(("GEVO", 0, 2.0, 1.0, 3), ("GEVO", 60, 2.0, 1.0, None))


def shown(rows: pl.DataFrame) -> list[dict[str, object]]:
    found = contracts.verdict(Bars, rows)
    assert not found.passed
    return [dict(record.data) for record in found.metadata["failures"].records]


def test_good_rows_pass_and_are_counted() -> None:
    assert contracts.verdict(Bars, GOOD) == contracts.Verdict(True, {"rows": 2})


def test_no_rows_pass() -> None:
    assert contracts.verdict(Bars, contracts.empty(Bars)).passed


def test_a_failure_names_the_rule_the_count_and_the_case() -> None:
    wrong = bars(("GEVO", 0, -2.0, -3.0, 3), ("GEVO", 60, 2.0, 1.0, None), ("GEVO", 120, 1.0, 2.0, 1))
    assert {"rule": "high: greater_than(0)", "rows": 1, "case": "-2.0"} in shown(wrong)
    assert any(case["rule"] == "high_is_not_below_low" and case["rows"] == 1 for case in shown(wrong))


def test_a_repeated_key_is_refused() -> None:
    assert shown(pl.concat([GOOD, GOOD[:1]]))


def test_a_null_where_none_may_be_is_refused() -> None:
    assert shown(GOOD.with_columns(high=pl.lit(None, pl.Float64)))[0]["rule"] == "high: not_nullable"


def test_partitions_are_judged_each_for_itself() -> None:
    wrong = GOOD.with_columns(trades=pl.lit(-1, pl.Int64))
    assert [v.passed for v in contracts.verdicts(Bars, [GOOD, wrong, GOOD.clear()])] == [True, False, True]
    assert [v.metadata["rows"] for v in contracts.verdicts(Bars, [GOOD, GOOD.clear()])] == [2, 0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (GOOD.drop("low"), "Bars: columns are missing: \\['low'\\]"),
        (GOOD.with_columns(colour=pl.lit("red")), "Bars: columns are not in the contract: \\['colour'\\]"),
        (GOOD.with_columns(pl.col("trades").cast(pl.Int32)), "Bars: trades is Int32, not Int64"),
    ],
)
def test_columns_that_do_not_fit_are_a_fault_of_code_and_named(rows: pl.DataFrame, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        contracts.conform(Bars, rows)


def test_rows_are_put_into_the_contracts_order() -> None:
    mixed = GOOD.select(reversed(GOOD.columns)).sort("started_at", descending=True)
    assert contracts.conform(Bars, mixed).equals(GOOD)


def test_dagster_sees_units_meanings_and_the_key() -> None:
    assert contracts.key(Bars) == ["ticker", "started_at"]
    schema = {c.name: c for c in contracts.table_schema(Bars).columns}
    assert schema["high"].description == "highest price [USD]"
    assert schema["started_at"].type == "Datetime(time_unit='ns', time_zone='UTC')"
    assert schema["trades"].constraints.nullable


def test_a_contract_without_a_key_is_refused() -> None:
    class Keyless(pa.DataFrameModel):
        ticker: str = column("ticker")

    with pytest.raises(TypeError, match="Keyless names no key"):
        contracts.key(Keyless)


def test_features_are_what_is_declared_so_and_nothing_else_can_be_one() -> None:
    class Rows(pa.DataFrameModel):
        ticker: str = column("ticker")
        known_at: Instant = column("close")
        f_gap: float = feature("gap", "share")
        f_spread: float = feature("spread", "share", known="the last quote second")
        label: pl.Int8 = outcome("what came of it", isin=(-1, 1))

        class Config:
            unique = "ticker"

    assert list(contracts.roles(Rows).values()) == ["key", "column", "feature", "feature", "outcome"]
    assert contracts.feature_names(Rows) == ("f_gap", "f_spread")
    assert contracts.feature_names(Rows, "f_spread") == ("f_spread",)
    for name in ("label", "ticker", "known_at", "f_label"):
        with pytest.raises(ValueError, match=f"{name} is no feature"):
            contracts.feature_names(Rows, "f_gap", name)


@pytest.mark.parametrize(("name", "made"), [("f_label", outcome("an outcome")), ("gap", feature("a gap", "share"))])
def test_a_name_that_hides_whether_it_is_a_feature_is_refused(name: str, made: object) -> None:
    config = type("Config", (), {"unique": "ticker"})
    columns = {"ticker": column("ticker"), name: made, "__annotations__": {"ticker": str, name: float}}
    hidden = type("Hidden", (pa.DataFrameModel,), {**columns, "Config": config})
    with pytest.raises(TypeError, match=f"features and only they begin with f_: {name}"):
        contracts.roles(hidden)
