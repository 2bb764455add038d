"""Folds of training rows."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets import sessions
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.ml_splits import MlSplits, MlSplitsConfig, ml_splits, no_training_label_meets_a_test
from smallcaps_assets.partitions import WHOLE
from smallcaps_assets_tests.datasets.tape_rows import INSTANT, Schema, at

ROWS: Schema = {
    "session": pl.Date, "ticker": pl.String, "tape_starts_at": INSTANT, "bar": pl.Int64,
    "known_at": INSTANT, "label_ends_at": INSTANT, "weight": pl.Float64,
}  # fmt: skip
MINUTE = 60 * 10**9


def rows(days: int, bars: int = 6, tickers: tuple[str, ...] = ("AAA", "BBB"), life: int = 5) -> pl.DataFrame:
    """``bars`` labels a ticker and session from 10:00 on, a minute apart, each living ``life`` minutes."""
    found = []
    for session in sessions.between(date(2024, 3, 4), date(2025, 3, 31))[:days]:
        for ticker in tickers:
            for bar in range(bars):
                known_at = at("10:00:00", session) + bar * MINUTE
                key = {"session": session, "ticker": ticker, "tape_starts_at": at("10:00:00", session), "bar": bar}
                found.append(
                    key | {"known_at": known_at, "label_ends_at": known_at + life * MINUTE, "weight": 1 / bars}
                )
    return pl.DataFrame(found, schema=ROWS)


def folds(training_rows: pl.DataFrame, **rules: Any) -> tuple[pl.DataFrame, dict[str, Any]]:
    config = MlSplitsConfig(**rules)
    (part,) = ml_splits(Run("ml_splits", (WHOLE,)), training_rows=training_rows.lazy(), config=config)
    frame = contracts.conform(MlSplits, part.frame)
    assert contracts.verdict(MlSplits, frame).passed
    verdict = no_training_label_meets_a_test(frame, {"training_rows": training_rows.lazy()})
    assert verdict.passed, verdict.metadata
    return frame, dict(part.metadata)


def days_of(frame: pl.DataFrame, role: str, fold: int, scheme: str = "walk_forward") -> list[date]:
    ours = frame.filter(scheme=scheme, fold=fold, role=role)
    return sorted(ours["session"].unique())


def test_walk_forward_trains_validates_and_tests_on_sessions_that_follow_each_other() -> None:
    frame, metadata = folds(rows(8), train_sessions=3, valid_sessions=1, test_sessions=2)
    every = sessions.between(date(2024, 3, 4), date(2024, 3, 13))
    for fold, begins in ((0, 0), (1, 2)):
        assert days_of(frame, "train", fold) == every[begins : begins + 3]
        assert days_of(frame, "valid", fold) == every[begins + 3 : begins + 4]
        assert days_of(frame, "test", fold) == every[begins + 4 : begins + 6]
    assert frame.filter(scheme="walk_forward")["fold"].n_unique() == 2
    assert "train" not in metadata["shrunk"]


def test_every_row_of_a_block_scheme_has_a_role_in_every_fold_and_is_tested_as_often_as_the_others() -> None:
    training_rows = rows(12)
    frame, _ = folds(training_rows, train_sessions=6, valid_sessions=2, test_sessions=2)
    for scheme, count, tests in (("purged_kfold", 5, 1), ("combinatorial_purged", 15, 5)):
        ours = frame.filter(scheme=scheme)
        assert ours.height == count * training_rows.height
        tested = ours.filter(role="test").group_by("session", "ticker", "bar").len()["len"].unique().to_list()
        assert tested == [tests]


def test_labels_that_meet_a_test_block_are_purged_and_those_that_follow_it_embargoed() -> None:
    frame, _ = folds(rows(12, tickers=("AAA",)), folds=6)
    second = frame.filter(scheme="purged_kfold", fold=1)
    every = sessions.between(date(2024, 3, 4), date(2024, 3, 19))
    assert days_of(frame, "test", 1, "purged_kfold") == every[2:4]
    assert days_of(frame, "embargoed", 1, "purged_kfold") == every[4:5]
    assert second.filter(role="purged").is_empty()
    # four sessions of four bars in three blocks: the first ends inside the lives of the labels after it
    frame, _ = folds(rows(4, bars=4, tickers=("AAA",)), folds=3, groups=3, test_groups=1)
    cut_inside = frame.filter(scheme="purged_kfold", fold=0)
    assert cut_inside.filter(role="purged").height > 0


def test_an_embargo_of_a_session_lasts_over_the_weekend() -> None:
    frame, _ = folds(rows(12, tickers=("AAA",)), folds=12, groups=6, test_groups=1)
    assert frame["embargo_ns"].unique().to_list() == [16 * 60 * MINUTE]
    friday, monday = date(2024, 3, 8), date(2024, 3, 11)
    tested = frame.filter(scheme="purged_kfold", role="test", session=friday)["fold"].unique().item()
    assert days_of(frame, "embargoed", tested, "purged_kfold") == [monday]


def test_weights_decay_by_age_against_the_newest_training_session_of_the_fold() -> None:
    frame, _ = folds(rows(8), train_sessions=3, valid_sessions=1, test_sessions=2, half_life_days=1)
    first = frame.filter(scheme="walk_forward", fold=0, ticker="AAA", bar=0).sort("session")
    whole = 1 / 6
    # 4, 5 and 6 March train: two days old, one day old, new; the others keep their weight
    assert first["weight"].to_list() == pytest.approx([whole / 4, whole / 2, whole, whole, whole, whole])
    slow, _ = folds(rows(8), train_sessions=3, valid_sessions=1, test_sessions=2, half_life_days=1000)
    assert slow.filter(role="train")["weight"].min() > frame.filter(role="train")["weight"].min()  # type: ignore[operator]


def test_a_ticker_session_speaks_with_its_decay_and_not_once_and_its_rows_keep_their_shares() -> None:
    """Fails where the decay is constant, and where it is taken before a ticker-session is scaled to sum 1."""
    shares = pl.Series([0.5, 0.2, 0.1, 0.1, 0.1, 0.0] * 16)  # of six bars, for two tickers on eight sessions
    rules = {"train_sessions": 3, "valid_sessions": 1, "test_sessions": 2, "half_life_days": 2}
    frame, _ = folds(rows(8).with_columns(weight=shares), **rules)
    trained = frame.filter(scheme="walk_forward", fold=0, role="train")
    spoken = trained.group_by("session", "ticker").agg(pl.col("weight").sum()).sort("session", "ticker")
    old, middle, new = 0.5, 0.5**0.5, 1.0  # 4, 5 and 6 March: two days old, one, none
    assert spoken["weight"].to_list() == pytest.approx([old, old, middle, middle, new, new])
    inside = trained.select(pl.col("weight") / pl.col("weight").sum().over("session", "ticker")).to_series()
    assert inside.sort().to_list() == pytest.approx(sorted([0.5, 0.2, 0.1, 0.1, 0.1, 0.0] * 6))


@pytest.mark.parametrize(
    ("days", "train", "valid", "test"), [(3, 1, 1, 1), (4, 2, 1, 1), (10, 6, 1, 1), (40, 24, 4, 4), (168, 126, 21, 21)]
)
def test_windows_shrink_in_proportion_to_the_sessions_that_are_there(
    days: int, train: int, valid: int, test: int
) -> None:
    frame, metadata = folds(rows(days, tickers=("AAA",)))
    for role, count in (("train", train), ("valid", valid), ("test", test)):
        assert len(days_of(frame, role, 0)) == count
    assert ("train" in metadata["shrunk"]) == (days < 168)
    assert metadata["sessions"] == days


def test_two_sessions_or_no_rows_give_no_split_and_the_error_says_what_is_needed() -> None:
    with pytest.raises(ValueError, match="12 rows of 2 sessions") as error:
        folds(rows(2, tickers=("AAA",)))
    assert "3 sessions at least" in str(error.value)
    with pytest.raises(ValueError, match="0 rows of 0 sessions"):
        folds(rows(0))


def test_a_label_that_ends_outside_its_session_is_refused() -> None:
    late = rows(4).with_columns(label_ends_at=pl.col("known_at") + pl.duration(hours=20, time_unit="ns"))
    with pytest.raises(ValueError, match="48 labels leave their session"):
        folds(late)


def test_a_training_row_that_leaks_fails_the_law() -> None:
    training_rows = rows(6, bars=40)
    frame, _ = folds(training_rows)
    inputs = {"training_rows": training_rows.lazy()}
    for left_out in ("purged", "embargoed"):
        roles = pl.when(pl.col("role") == left_out).then(pl.lit("train")).otherwise("role")
        verdict = no_training_label_meets_a_test(frame.with_columns(role=roles), inputs)
        assert not verdict.passed
        assert verdict.metadata["leaking_rows"] > 0
    gone = no_training_label_meets_a_test(frame, {"training_rows": training_rows.head(3).lazy()})
    assert not gone.passed


def test_the_contract_refuses_a_fold_without_tests_and_a_weight_of_a_row_left_out() -> None:
    frame, _ = folds(rows(6))
    assert not contracts.verdict(MlSplits, frame.filter(pl.col("role") != "test")).passed
    assert not contracts.verdict(MlSplits, frame.with_columns(weight=pl.lit(0.5))).passed
