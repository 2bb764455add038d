"""The timeline of folds, by hand: sessions of 10 ns, three rows in the first, one in the fourth."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from smallcaps_assets.reports.fold_marks import Axis, timeline

KEY = ["session", "row_of"]
FIRST, FOURTH = date(2024, 3, 4), date(2024, 3, 7)
ROWS = pl.DataFrame(
    {
        "session": [FIRST, FIRST, FIRST, FOURTH],
        "row_of": [0, 1, 2, 0],
        "start": [100, 102, 104, 133],
        "end": [101, 103, 105, 134],
    }
)


def split(scheme: str, *roles: str, embargo_ns: int = 2) -> pl.DataFrame:
    frame = ROWS.select(*KEY).with_columns(role=pl.Series(roles), scheme=pl.lit(scheme), fold=pl.lit(0, pl.Int64))
    return frame.with_columns(embargo_ns=pl.lit(embargo_ns, pl.Int64)).filter(pl.col("role") != "")


def drawn(splits: pl.DataFrame) -> list[tuple[str, str, float, float, int]]:
    marks = timeline(splits, ROWS, KEY, 10)
    assert marks.select("chart").unique().rows() == [("folds",)]
    found = marks.select("series", "label", "x", "value", "rows").rows()
    return [(series, label, round(x, 6), round(value, 6), rows) for series, label, x, value, rows in found]


def test_a_row_takes_its_share_of_its_session_and_a_run_of_one_role_is_one_span() -> None:
    assert drawn(split("walk_forward", "train", "train", "purged", "test")) == [
        ("train", "2024-03-04", 0.0, 0.666667, 2),
        ("purged", "2024-03-04", 0.666667, 1.0, 1),
        ("test", "2024-03-07", 3.0, 4.0, 1),  # nothing follows the test: no embargo
    ]


def test_an_embargo_begins_where_the_tested_block_ends_and_covers_the_rows_that_start_in_it() -> None:
    assert drawn(split("purged_kfold", "test", "embargoed", "train", "train")) == [
        ("test", "2024-03-04", 0.0, 0.333333, 1),
        ("embargoed", "2024-03-04", 0.333333, 0.666667, 1),
        ("train", "2024-03-04", 0.666667, 1.0, 1),
        ("train", "2024-03-07", 3.0, 4.0, 1),
        ("embargo", "after a tested block", 0.333333, 0.666667, 0),
    ]


def test_every_tested_block_has_an_embargo_of_its_own() -> None:
    found = drawn(split("combinatorial_purged", "test", "train", "test", "train", embargo_ns=12))
    assert [span for span in found if span[0] == "embargo"] == [
        ("embargo", "after a tested block", 0.333333, 1.3, 0),  # to 3 ns into the second session, which has no row
        ("embargo", "after a tested block", 1.0, 1.7, 0),
    ]


def test_rows_that_a_fold_does_not_touch_leave_a_gap() -> None:
    assert drawn(split("walk_forward", "train", "", "train", "test"))[:2] == [
        ("train", "2024-03-04", 0.0, 0.333333, 1),
        ("train", "2024-03-04", 0.666667, 1.0, 1),
    ]


def test_a_split_of_a_row_that_is_gone_is_an_error() -> None:
    strange = split("walk_forward", "train", "train", "test", "test").with_columns(row_of=pl.col("row_of") + 1)
    with pytest.raises(ValueError, match="2 rows of ml_splits are not in training_rows"):
        timeline(strange, ROWS, KEY, 10)


def test_the_axis_never_goes_back() -> None:
    places = Axis(ROWS["start"].to_numpy(), 10).at(np.arange(100, 140))
    assert (np.diff(places) >= 0).all()
    assert (places[0], places[-1]) == (pytest.approx(1 / 3), 4.0)
