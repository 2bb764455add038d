"""A fold's rows by use."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from smallcaps_assets.maths.fold_windows import FOLD, KEY, Windows, cut, folds, lacking, windows
from smallcaps_assets_tests.datasets.tape_rows import INSTANT, at

MINUTE = 60 * 10**9
MONDAY, TUESDAY, WEDNESDAY = date(2024, 3, 4), date(2024, 3, 5), date(2024, 3, 6)
SCHEMA: dict[str, Any] = {
    "session": pl.Date, "ticker": pl.String, "tape_starts_at": INSTANT, "bar": pl.Int64, "known_at": INSTANT,
    "label_ends_at": INSTANT, "label": pl.Int8, "role": pl.String, "weight": pl.Float64,
}  # fmt: skip


def rows(session: date, count: int, role: str = "valid", life: int = 1, label: int = 1) -> pl.DataFrame:
    """``count`` rows from 10:00 on, a minute apart, whose labels live ``life`` minutes."""
    start = at("10:00:00", session)
    known = [start + bar * MINUTE for bar in range(count)]
    made = [(session, "AAA", start, bar, at_, at_ + life * MINUTE, label, role, 0.5) for bar, at_ in enumerate(known)]
    return pl.DataFrame(made, schema=SCHEMA, orient="row")


def bars(frame: pl.DataFrame) -> list[tuple[int, int]]:
    """Day of the month and bar."""
    return [(session.day, bar) for session, bar in frame.select("session", "bar").rows()]


@pytest.mark.parametrize(
    ("counts", "before"),
    [((4, 4, 4), 1), ((2, 2, 4), 2), ((6, 1, 1), 1), ((1, 1, 6), 2), ((3, 3), 1), ((1, 9), 1)],
)
def test_rows_of_several_sessions_are_cut_between_those_where_it_is_nearest_to_the_half(
    counts: tuple[int, ...], before: int
) -> None:
    days = (MONDAY, TUESDAY, WEDNESDAY)
    frame = pl.concat([rows(day, count) for day, count in zip(days, counts, strict=False)])
    parts = cut(frame.sample(fraction=1.0, shuffle=True, seed=1), 0.5)
    assert parts.before["session"].unique().sort().to_list() == list(days[:before])
    assert parts.before.height + parts.after.height == sum(counts)
    assert parts.purged == 0


def test_rows_of_one_session_are_cut_at_the_median_and_labels_that_reach_over_it_are_purged() -> None:
    parts = cut(rows(MONDAY, 6), 0.5)
    # a label that ends at 10:03 meets the row that is known at 10:03
    assert bars(parts.before) == [(4, 0), (4, 1)]
    assert bars(parts.after) == [(4, 3), (4, 4), (4, 5)]
    assert parts.purged == 1
    longer = cut(rows(MONDAY, 6, life=3), 0.5)
    assert (longer.before.height, longer.after.height, longer.purged) == (0, 3, 3)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_rows_come_after_the_cut(count: int) -> None:
    parts = cut(rows(MONDAY, count), 0.5)
    assert (parts.before.height, parts.after.height) == (0, count)


def test_earlier_validation_rows_stop_and_later_ones_calibrate() -> None:
    fold = pl.concat([rows(MONDAY, 3, "train"), rows(TUESDAY, 4), rows(WEDNESDAY, 4), rows(WEDNESDAY, 2, "test")])
    of = windows(fold, "binary", least_calibration=4)
    assert [part.height for part in of[:4]] == [3, 4, 4, 2]
    assert of.stop["session"].unique().item() == TUESDAY
    assert of.calibration["session"].unique().item() == WEDNESDAY


def test_all_validation_rows_stop_where_the_later_half_is_too_few_to_calibrate_by() -> None:
    fold = pl.concat([rows(MONDAY, 3, "train"), rows(TUESDAY, 4), rows(WEDNESDAY, 4)])
    of = windows(fold, "binary", least_calibration=5)
    assert (of.stop.height, of.calibration.height, of.purged) == (8, 0, 0)


def test_rows_without_a_touch_are_of_three_classes_only() -> None:
    fold = pl.concat([rows(MONDAY, 3, role, label=label) for role in ("train", "test") for label in (-1, 0, 1)])
    assert windows(fold, "binary", 1).test.height == 6
    assert windows(fold, "three_class", 1).test.height == 9
    assert 0 not in windows(fold, "binary", 1).train["label"]


def test_without_validation_rows_the_last_fifth_of_the_training_rows_stops_and_calibrates_purged() -> None:
    fold = pl.concat([rows(MONDAY, 20, "train"), rows(TUESDAY, 3, "test")])
    of = windows(fold, "binary", least_calibration=1)
    # four are the last fifth: 16..19; the row before them reaches into them, and 17 into 18
    assert bars(of.train) == [(4, bar) for bar in range(15)]
    assert bars(of.stop) == [(4, 16)]
    assert bars(of.calibration) == [(4, 18), (4, 19)]
    assert of.purged == 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, ""),
        ({"train": rows(MONDAY, 3)}, "3 training rows, fewer than 4"),
        ({"train": rows(MONDAY, 8)}, "no training row with label -1"),
        ({"stop": rows(MONDAY, 1)}, "1 stop rows, fewer than 2"),
        ({"test": rows(MONDAY, 0)}, "0 test rows, fewer than 1"),
        ({"test": rows(MONDAY, 2).with_columns(weight=0.0)}, "none of 2 test rows weighs anything"),
    ],
)
def test_what_lacks_for_a_model_is_said(change: dict[str, Any], why: str) -> None:
    both = pl.concat([rows(MONDAY, 4), rows(MONDAY, 4, label=-1)])
    of = Windows(both, rows(MONDAY, 2), rows(MONDAY, 0), rows(MONDAY, 1), 0)._replace(**change)
    assert lacking(of, "binary", least_train=4, least_stop=2) == why


def test_a_class_whose_rows_weigh_nothing_is_not_there() -> None:
    both = pl.concat([rows(MONDAY, 4), rows(MONDAY, 4, label=-1).with_columns(weight=0.0)])
    of = Windows(both, rows(MONDAY, 2), rows(MONDAY, 0), rows(MONDAY, 1), 0)
    assert lacking(of, "binary", 4, 2) == "no training row with label -1"


def test_folds_bring_role_and_weight_of_the_split_to_the_rows() -> None:
    every = (
        rows(MONDAY, 3)
        .drop("role")
        .with_columns(event_known_at=pl.Series([None, at("10:00:30", MONDAY), at("10:00:30", MONDAY)], dtype=INSTANT))
    )
    keys = every.select(*KEY, scheme=pl.lit("walk_forward"), role=pl.lit("train"))
    weights = ((1, 0.25), (0, None), (2, 0.125))
    split = pl.concat([keys.with_columns(fold=pl.lit(fold), weight=pl.lit(weight)) for fold, weight in weights])
    found = dict(folds(every.lazy(), split.lazy(), ["walk_forward"], before_event=False))
    assert list(found) == [("walk_forward", 1), ("walk_forward", 2)]  # what has no weight is left out of its fold
    assert found["walk_forward", 1].select("bar", "role", "weight").rows() == [(1, "train", 0.25), (2, "train", 0.25)]
    hindsight = dict(folds(every.lazy(), split.lazy(), ["walk_forward"], before_event=True))
    assert hindsight["walk_forward", 2]["bar"].to_list() == [0, 1, 2]
    assert list(folds(every.lazy(), split.lazy(), ["purged_kfold"], before_event=True)) == []
    with pytest.raises(ValueError, match="2 rows of walk_forward 1 are not in training_rows"):
        list(folds(every.head(1).lazy(), split.lazy(), ["walk_forward"], before_event=True))
    assert FOLD == ["scheme", "fold"]
