"""The dictionary of features: each once, with a formula from its code and the numbers of its column."""

from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.contract import feature_names
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets import feature_dictionary as module
from smallcaps_assets.datasets.feature_dictionary import (
    FeatureDictionary,
    every_feature_is_there_once,
    facts,
    feature_dictionary,
    markdown,
)
from smallcaps_assets.datasets.training_rows import TrainingRows
from smallcaps_assets.maths.feature_formulas import Formula, formulas
from smallcaps_assets.partitions import WHOLE


def rows(count: int, **columns: list[Any]) -> pl.LazyFrame:
    none = {name: [None] * count for name in contracts.columns(TrainingRows)}
    return pl.LazyFrame(none | columns, schema=contracts.empty(TrainingRows).schema)


def made(training_rows: pl.LazyFrame) -> tuple[pl.DataFrame, dict[str, Any]]:
    (part,) = feature_dictionary(Run("feature_dictionary", (WHOLE,)), training_rows=training_rows)
    frame = contracts.conform(FeatureDictionary, part.frame)
    verdict = contracts.verdict(FeatureDictionary, frame)
    assert verdict.passed, verdict.metadata
    return frame, dict(part.metadata)


def test_a_row_says_what_a_feature_is_and_how_its_values_lie() -> None:
    values = [float(k) for k in range(101)]
    frame, shown = made(rows(102, f_gap=[*values, None], f_vpin_20=[0.5, 0.5] + [None] * 100))
    gap = frame.filter(feature="f_gap").row(0, named=True)
    assert gap["family"] == "context"
    assert (gap["unit"], gap["known"]) == ("share", "the last whole minute")
    assert gap["formula"].startswith("first regular price")
    assert gap["formula"].endswith("/ prior close − 1")
    assert (gap["rows"], gap["distinct_values"], gap["null_share"]) == (102, 101, pytest.approx(1 / 102))
    assert (gap["p01"], gap["p50"], gap["p99"], gap["mean"]) == (1.0, 50.0, 99.0, 50.0)
    vpin = frame.filter(feature="f_vpin_20").row(0, named=True)
    assert (vpin["p01"], vpin["p99"], vpin["distinct_values"], vpin["known"]) == (0.5, 0.5, 1, "the bar's close")
    nowhere = frame.filter(feature="f_amihud").row(0, named=True)
    assert (nowhere["null_share"], nowhere["p50"], nowhere["mean"], nowhere["distinct_values"]) == (1.0, None, None, 0)
    text = shown["features"].value
    assert "| f_gap | context | gap at the open | share | the last whole minute | 0.009804 | 1 | 50 | 99 | 50 |" in text


def test_each_feature_is_there_once_with_formula_unit_and_when_it_is_known_also_without_rows() -> None:
    frame, _ = made(rows(0))
    assert sorted(frame["feature"]) == sorted(feature_names(TrainingRows))
    assert frame["null_share"].null_count() == frame.height
    for fact in facts():
        assert all(fact), fact


def test_the_law_refuses_a_feature_without_a_row_a_row_without_a_feature_and_other_rows() -> None:
    source = rows(3, f_gap=[1.0, 2.0, None])
    frame, _ = made(source)
    inputs = {"training_rows": source}
    assert every_feature_is_there_once(frame, inputs).passed
    for wrong in (
        frame.filter(pl.col("feature") != "f_gap"),
        frame.with_columns(pl.col("feature").replace("f_gap", "f_gone")),
        frame.with_columns(rows=pl.col("rows") - 1),
    ):
        assert not every_feature_is_there_once(wrong, inputs).passed


@pytest.mark.parametrize("differ", [{"f_gap": None}, {"f_new": Formula("bars", "x / y")}])
def test_a_feature_without_formula_and_a_formula_without_feature_are_refused_by_name(
    differ: dict[str, Formula | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {name: text for name, text in (formulas() | differ).items() if text}
    monkeypatch.setattr(module, "formulas", lambda: found)
    with pytest.raises(ValueError, match=rf"\['{next(iter(differ))}'\]"):
        facts()


@pytest.mark.parametrize("broken", [{"p01": 2.0, "p50": 1.0, "p99": 3.0}, {"p01": 1.0}, {"null_share": 1.5}])
def test_the_contract_refuses(broken: dict[str, float]) -> None:
    frame, _ = made(rows(2))
    assert not contracts.verdict(
        FeatureDictionary, frame.with_columns(**{k: pl.lit(v) for k, v in broken.items()})
    ).passed


def test_a_table_shows_numbers_in_short_nothing_for_null_and_no_bar_inside_a_cell() -> None:
    assert markdown({"a": "A", "b": "B"}, [{"a": "|x|", "b": 1 / 3}, {"a": 7, "b": None}]).splitlines() == [
        "| A | B |", "|---|---|", "| ∣x∣ | 0.3333 |", "| 7 |  |",
    ]  # fmt: skip
