"""Forecasts of test rows from the stored text."""

from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.predictions import (
    Predictions,
    every_model_speaks_of_every_row_that_its_fold_tests,
    predictions,
    stored_texts_give_the_scores_that_were_judged,
)
from smallcaps_assets.partitions import WHOLE
from smallcaps_assets_tests.datasets.model_rows import drawn, fitted

Made = tuple[pl.DataFrame, dict[str, pl.LazyFrame]]


def forecast(rows: pl.DataFrame, **config: Any) -> Made:
    models, inputs, _, _ = fitted(rows, **config)
    every = inputs | {"models": models.lazy()}
    (part,) = predictions(Run("predictions", (WHOLE,)), **every)
    frame = contracts.conform(Predictions, part.frame)
    verdict = contracts.verdict(Predictions, frame)
    assert verdict.passed, verdict.metadata
    return frame, every


@pytest.fixture(scope="module")
def made() -> Made:
    return forecast(drawn(strength=1.5))


def test_there_is_a_forecast_of_each_model_for_each_test_row_whatever_its_label(made: Made) -> None:
    frame, inputs = made
    # two folds of 90 test rows, two objectives, two libraries
    assert frame.height == 2 * 90 * 4
    assert set(frame.filter(objective="binary")["label"]) == {-1, 0, 1}
    assert every_model_speaks_of_every_row_that_its_fold_tests(frame, inputs).passed


def test_a_missing_and_a_strange_forecast_fail_the_law(made: Made) -> None:
    frame, inputs = made
    lacking = every_model_speaks_of_every_row_that_its_fold_tests(frame[1:], inputs)
    assert (lacking.passed, lacking.metadata["not_forecast"]) == (False, 1)
    moved = frame.with_columns(bar=pl.when(pl.int_range(pl.len()) == 0).then(99).otherwise("bar"))
    strange = every_model_speaks_of_every_row_that_its_fold_tests(moved, inputs)
    assert (strange.passed, strange.metadata["not_tested"]) == (False, 1)


def test_the_stored_texts_are_enough_for_the_scores_that_were_judged(made: Made) -> None:
    frame, inputs = made
    assert stored_texts_give_the_scores_that_were_judged(frame, inputs).passed
    other = frame.with_columns(p_up=pl.col("p_up") * 0.9)
    verdict = stored_texts_give_the_scores_that_were_judged(other, inputs)
    assert not verdict.passed
    assert "binary" in verdict.metadata["differ"]
    silent = stored_texts_give_the_scores_that_were_judged(frame.filter(pl.col("fold") == 0), inputs)
    assert not silent.passed


def test_another_text_gives_other_forecasts(made: Made) -> None:
    frame, inputs = made
    stored = inputs["models"].collect()
    texts = stored.sort("fold", descending=True)["model"]  # each fold with the other's
    swapped = stored.sort("fold").with_columns(model=texts)
    one = swapped.filter(objective="binary", library="xgboost")
    (part,) = predictions(Run("predictions", (WHOLE,)), **(inputs | {"models": one.lazy()}))
    before = frame.filter(objective="binary", library="xgboost")["raw_up"]
    assert part.frame.height == before.len()
    assert not part.frame.sort("fold", "session", "ticker", "bar")["raw_up"].equals(before)


def test_rows_before_their_event_are_forecast_where_models_know_such() -> None:
    early = pl.col("bar") == 0
    rows = drawn(days=17).with_columns(
        [pl.when(~early).then(name).alias(name) for name in ("event_known_at", "detector")]
    )
    for before_event, height in ((False, 45), (True, 90)):
        frame, inputs = forecast(rows, before_event=before_event, libraries=["lightgbm"], objectives=["three_class"])
        assert frame.height == height
        assert every_model_speaks_of_every_row_that_its_fold_tests(frame, inputs).passed


def test_without_models_there_are_no_forecasts() -> None:
    frame, inputs = forecast(drawn(days=4, tickers=2))
    assert frame.is_empty()
    assert every_model_speaks_of_every_row_that_its_fold_tests(frame, inputs).passed
    assert stored_texts_give_the_scores_that_were_judged(frame, inputs).passed


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("probabilities_add_up_to_one", {"p_down": pl.col("p_down") + 0.01}),
        ("only_three_classes_have_a_flat_one", {"p_flat": pl.lit(0.0)}),
        ("calibration_keeps_the_order_of_two_classes", {"p_up": pl.col("p_down"), "p_down": pl.col("p_up")}),
    ],
)
def test_the_contract_refuses_what_is_no_forecast(made: Made, name: str, change: dict[str, pl.Expr]) -> None:
    verdict = contracts.verdict(Predictions, made[0].with_columns(**change))
    assert not verdict.passed
    assert name in str(verdict.metadata["failures"].records)
