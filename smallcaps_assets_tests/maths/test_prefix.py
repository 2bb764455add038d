"""What a prefix check compares, and how it draws."""

import polars as pl
import pytest

from smallcaps_assets.maths.prefix import changed, drawn


def test_nothing_cannot_be_drawn_from() -> None:
    with pytest.raises(ValueError, match="count is 0"):
        drawn("G|2024-01-16", 0)


def test_frames_that_say_the_same_do_not_differ_whatever_their_order_and_nulls() -> None:
    rows = pl.DataFrame({"k": [1, 2], "v": [None, 0.7]})
    assert changed(rows, rows.reverse(), ["k"]) == {}
    assert changed(rows, rows.with_columns(pl.col("v").fill_null(0.1)), ["k"]) == {"v": 1}
