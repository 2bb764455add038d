"""Models of folds: a leak is caught, a signal is found, noise is not believed, and the test rows are seen once."""

import json
import re
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from smallcaps_assets import contract as contracts
from smallcaps_assets.code_version import code_version
from smallcaps_assets.datasets.models import (
    Models,
    ModelsConfig,
    a_model_fitted_again_is_the_same,
    auc_is_believable,
    skill_beats_the_base_rate,
)
from smallcaps_assets_tests.datasets.model_rows import drawn, fitted, split

TEXTS = ["model_id", "model", "calibration", "trees"]
KEPT = ["scheme", "fold", "objective", "library", *TEXTS]
BINARY: dict[str, Any] = {"objectives": ["binary"]}


@pytest.fixture(scope="module")
def noise() -> Any:
    return fitted(drawn(days=26))


@pytest.fixture(scope="module")
def leaking() -> Any:
    return fitted(drawn(leak=True))


def test_there_is_a_model_for_each_fold_objective_and_library_and_it_says_what_it_is_of(noise: Any) -> None:
    frame, _, _, metadata = noise
    assert frame.height == 4 * 2 * 2 == metadata["models"]
    row = frame.filter(fold=1, objective="three_class", library="xgboost").row(0, named=True)
    # ten, four and three sessions of 30 rows from 7 March on, the fold that is one test window later
    assert (str(row["train_from"]), str(row["train_to"])) == ("2024-03-07", "2024-03-20")
    assert (str(row["test_from"]), str(row["test_to"])) == ("2024-03-27", "2024-04-01")
    assert [row[f"{name}_rows"] for name in ("train", "stop", "calibration", "test", "purged")] == [300, 60, 60, 90, 0]
    assert row["ticker_sessions"] == 45
    assert row["driftless"] == pytest.approx(0.4)  # 2 % below, 3 % above
    assert row["training_rows_version"] == "of training_rows"
    assert row["ml_splits_version"] == "of ml_splits"
    assert row["code_version"] == code_version()
    assert json.loads(row["parameters"])["max_depth"] == 3
    assert json.loads(row["calibration"])["method"] == "platt"
    assert len(row["features"]) > 40
    assert all(name.startswith("f_") for name in row["features"])
    binary = frame.filter(fold=1, objective="binary", library="lightgbm").row(0, named=True)
    assert binary["train_rows"] < 300 * 0.75  # without those that touched no barrier
    assert metadata["without_a_model"] == 0


def test_without_a_leak_the_area_under_the_curve_is_a_half_and_the_skill_none(noise: Any) -> None:
    frame, inputs, config, _ = noise
    # of 16, at 95 %: the four of a fold judge the same rows, and miss a half together
    assert frame.filter((pl.col("auc_low") <= 0.5) & (pl.col("auc_high") >= 0.5)).height >= 12
    assert abs(frame.select(pl.col("auc").mean()).item() - 0.5) < 0.05
    assert frame.select(pl.col("brier_skill").mean()).item() < 0.02
    assert auc_is_believable(frame, inputs, config).passed


def test_a_feature_that_knows_tomorrows_return_is_caught_by_name_and_area_unless_acknowledged(leaking: Any) -> None:
    frame, inputs, config, _ = leaking
    verdict = auc_is_believable(frame, inputs, config)
    assert not verdict.passed
    suspects = verdict.metadata["suspected_leaks"]
    assert re.search(r"walk_forward 0 binary lightgbm: AUC (0\.9\d\d|1\.000) of \d\d ticker-sessions", suspects)
    assert "walk_forward mean three_class xgboost" in suspects
    acknowledged = config.model_copy(update={"acknowledged_auc": 1.0})
    assert auc_is_believable(frame, inputs, acknowledged).passed


@pytest.mark.parametrize(
    ("auc", "ticker_sessions", "passes"),
    [(0.8, 500, True), (0.801, 500, False), (0.9, 20, True), (0.92, 20, False), (1.0, 9, True), (0.66, 9, True)],
)
def test_an_area_is_judged_by_how_many_ticker_sessions_it_is_of(
    noise: Any, auc: float, ticker_sessions: int, passes: bool
) -> None:
    frame, inputs, config, _ = noise
    one = frame.head(1).with_columns(auc=pl.lit(auc), ticker_sessions=pl.lit(ticker_sessions, dtype=pl.Int64))
    verdict = auc_is_believable(one, inputs, config)
    assert verdict.passed == passes
    assert verdict.metadata["highest_auc"] == pytest.approx(auc)
    # the model itself and, of one fold, its mean
    assert verdict.metadata["above_it_by_luck_of_few"] == (2 if passes and auc > 0.8 else 0)


def test_many_small_folds_that_leak_are_caught_together(noise: Any) -> None:
    frame, inputs, config, _ = noise
    small = frame.filter(objective="binary", library="xgboost").with_columns(
        auc=pl.lit(0.95), ticker_sessions=pl.lit(9, dtype=pl.Int64)
    )
    assert auc_is_believable(small.head(1), inputs, config).passed
    verdict = auc_is_believable(small, inputs, config)
    assert verdict.metadata["suspected_leaks"] == "walk_forward mean binary xgboost: AUC 0.950 of 36 ticker-sessions"


def test_no_models_are_believed_and_counted() -> None:
    frame, inputs, config, metadata = fitted(drawn(days=4, tickers=2))
    assert frame.is_empty()
    assert metadata["without_a_model"] == 2 * 2 * 2  # two folds
    assert auc_is_believable(frame, inputs, config).passed
    assert a_model_fitted_again_is_the_same(frame, inputs, config).passed
    assert skill_beats_the_base_rate(frame, inputs).passed


def test_a_signal_is_found_by_both_libraries() -> None:
    frame, inputs, _, _ = fitted(drawn(strength=2.0), rounds=60)
    assert frame.filter(objective="binary")["brier_skill"].min() > 0.1  # type: ignore[operator]
    assert frame.filter(objective="binary")["auc"].min() > 0.65  # type: ignore[operator]
    assert frame["brier_skill"].min() > 0.0  # type: ignore[operator]
    verdict = skill_beats_the_base_rate(frame, inputs)
    assert verdict.passed
    assert verdict.metadata["surely_better"] >= 2
    assert "| walk_forward | 0 | binary | lightgbm |" in verdict.metadata["skill"].value


def test_a_skill_that_is_surely_below_the_base_rates_warns(noise: Any) -> None:
    frame, inputs, _, _ = noise
    for high, passes in ((0.0, True), (-0.001, False)):
        worse = frame.with_columns(brier_skill_high=pl.lit(high))
        assert skill_beats_the_base_rate(worse, inputs).passed == passes
        few = worse.with_columns(ticker_sessions=pl.lit(9, dtype=pl.Int64))
        assert skill_beats_the_base_rate(few, inputs).passed


def test_weights_of_the_split_count_in_fitting_and_in_scores() -> None:
    rows = drawn(strength=1.0, days=17)
    honest = split(rows)
    ups = rows.filter(pl.col("label") == 1).select("session", "ticker", "bar", _up=True)
    joined = honest.join(ups, on=["session", "ticker", "bar"], how="left")
    role, up = pl.col("role"), pl.col("_up").is_not_null()
    for where, same_text, same_score in (("train", False, False), ("valid", False, False), ("test", True, False)):
        lighter = pl.when((role == where) & up).then(pl.col("weight") / 8).otherwise("weight")
        changed = joined.with_columns(weight=lighter).drop("_up")
        before, after = (fitted(rows, of, libraries=["lightgbm"], **BINARY)[0] for of in (honest, changed))
        assert (before["model_id"].item() == after["model_id"].item()) == same_text
        assert (
            before.select("model", "calibration").row(0) == after.select("model", "calibration").row(0)
        ) == same_text
        assert (before["brier"].item() == after["brier"].item()) == same_score
        assert (before["base_rate"].item() > after["base_rate"].item() + 0.2) == (where == "train")


def test_nothing_of_a_model_depends_on_what_it_is_tested_by() -> None:
    rows = drawn(strength=1.0, days=17)
    tested = pl.col("session") >= pl.lit("2024-03-22").str.to_date()
    turned = rows.with_columns(
        label=pl.when(tested).then(-pl.col("label")).otherwise("label"),
        f_vpin_20=pl.when(tested).then(-5.0).otherwise("f_vpin_20"),
    )
    (before, *_), (after, *_) = (fitted(of, split(rows)) for of in (rows, turned))
    assert before.select(KEPT).equals(after.select(KEPT))
    assert not before.select("brier").equals(after.select("brier"))


def test_the_same_rows_give_the_same_models_and_another_seed_others() -> None:
    rows = drawn(days=17)
    first, again, other = (fitted(rows, seed=seed)[0] for seed in (0, 0, 1))
    assert first.equals(again)
    assert set(first["model_id"]).isdisjoint(other["model_id"])
    shuffled = fitted(rows.sample(fraction=1.0, shuffle=True, seed=2), split(rows).reverse())[0]
    assert first.equals(shuffled)


def test_a_model_that_comes_out_different_fails_the_law(noise: Any) -> None:
    frame, inputs, config, _ = noise
    verdict = a_model_fitted_again_is_the_same(frame, inputs, config)
    assert verdict.passed
    for name in ("model_id", "model", "calibration"):
        assert not a_model_fitted_again_is_the_same(
            frame.with_columns(pl.lit("0" * 16).alias(name)), inputs, config
        ).passed
    other = inputs["training_rows"].with_columns(pl.col("f_gap") * 2)
    assert not a_model_fitted_again_is_the_same(frame, inputs | {"training_rows": other}, config).passed


def test_rows_before_their_event_are_left_out_unless_asked_for() -> None:
    early = pl.col("bar") == 0
    rows = drawn(days=17).with_columns(
        pl.when(~early).then("event_known_at").alias("event_known_at"),
        pl.when(~early).then("detector").alias("detector"),
    )
    only: dict[str, Any] = {"objectives": ["three_class"], "libraries": ["xgboost"]}
    without, _, _, metadata = fitted(rows, **only)
    all_of_them, *_ = fitted(rows, before_event=True, **only)
    assert metadata["rows_before_their_event"] == 17 * 15
    counts = ("train_rows", "test_rows", "before_event")
    assert without.select(counts).row(0) == (150, 45, False)
    assert all_of_them.select(counts).row(0) == (300, 90, True)


def test_a_fold_without_a_class_has_no_model_and_the_metadata_say_which_and_why() -> None:
    rows = drawn(days=17)
    trained = pl.col("session") <= pl.lit("2024-03-15").str.to_date()
    up_only = rows.with_columns(
        label=pl.when(trained & (pl.col("label") == -1)).then(1).otherwise("label").cast(pl.Int8)
    )
    frame, _, _, metadata = fitted(up_only)
    assert frame.is_empty()
    assert metadata["without_a_model"] == 4
    assert "walk_forward 0 binary xgboost: no training row with label -1" in metadata["why_without_a_model"]


def test_few_calibration_rows_leave_the_raw_probability_and_the_row_says_why() -> None:
    frame, *_ = fitted(drawn(days=17), least_calibration_rows=500, libraries=["lightgbm"])
    told = [json.loads(text) for text in frame["calibration"]]
    assert told == [{"method": "none", "reason": "0 rows, and 500 are needed"}] * 2
    assert frame["calibration_rows"].to_list() == [0, 0]


def test_a_block_scheme_stops_and_calibrates_by_the_last_of_its_training_rows() -> None:
    frame, *_ = fitted(drawn(), schemes=["purged_kfold"], libraries=["lightgbm"], objectives=["three_class"])
    assert frame["fold"].to_list() == [0, 1, 2, 3, 4]
    # of 20 sessions of 30 rows, 4 tested and one embargoed: 15 are left, 12 train
    assert frame.filter(fold=1).select("train_rows", "stop_rows", "calibration_rows", "test_rows").row(0) == (
        360,
        30,
        60,
        120,
    )


def test_isotonic_calibration_is_chosen_by_configuration() -> None:
    frame, *_ = fitted(drawn(days=17), calibration="isotonic", libraries=["lightgbm"], **BINARY)
    assert json.loads(frame["calibration"].item())["method"] == "isotonic"


def test_rows_that_the_split_knows_and_the_lake_does_not_are_an_error() -> None:
    rows = drawn(days=17)
    with pytest.raises(ValueError, match="300 rows of walk_forward 0 are not in training_rows: materialize ml_splits"):
        fitted(rows.filter(pl.col("session") > pl.lit("2024-03-15").str.to_date()), split(rows))


def test_configuration_of_what_does_not_exist_is_refused() -> None:
    twice = ["walk_forward", "walk_forward"]
    for name, names in (("libraries", ["catboost"]), ("objectives", list[str]()), ("schemes", twice)):
        with pytest.raises(ValidationError, match="each once, not"):
            ModelsConfig.model_validate({name: names})


def test_the_contract_refuses_a_walk_that_trains_on_what_it_tests(noise: Any) -> None:
    frame, *_ = noise
    assert not contracts.verdict(Models, frame.with_columns(train_to=pl.col("test_from"))).passed
    assert not contracts.verdict(Models, frame.with_columns(model_id=pl.lit("none"))).passed
