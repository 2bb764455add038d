"""What a prefix check compares, and how it draws."""

import polars as pl
import pytest

from smallcaps_assets.maths.prefix import changed, drawn, instants


def test_nothing_cannot_be_drawn_from() -> None:
    with pytest.raises(ValueError, match="count is 0"):
        drawn("G|2024-01-16", 0)


def test_frames_that_say_the_same_do_not_differ_whatever_their_order_and_nulls() -> None:
    rows = pl.DataFrame({"k": [1, 2], "v": [None, 0.7]})
    assert changed(rows, rows.reverse(), ["k"]) == {}
    assert changed(rows, rows.with_columns(pl.col("v").fill_null(0.1)), ["k"]) == {"v": 1}


def test_numbers_may_differ_by_rounding_and_by_no_more_and_never_from_null() -> None:
    rows = pl.DataFrame({"k": [1, 2, 3, 4], "v": [100.0, 0.0, None, 100.0]})
    again = rows.with_columns(v=pl.Series([100.0 + 5e-11, 1e-16, 1e-16, 100.0 + 1e-9]))
    assert changed(rows, again, ["k"], relative=1e-12, absolute=1e-15) == {"v": 2}
    assert changed(rows, again, ["k"]) == {"v": 4}


def test_each_ticker_is_cut_at_another_of_its_rows_in_each_draw_whatever_their_order() -> None:
    rows = pl.DataFrame({"ticker": ["A"] * 5 + ["B"], "tape": [1, 1, 2, 2, 2, 1], "at": [1, 2, 3, 4, 5, 9]})
    draws = instants(rows, ["ticker", "tape"], "at", 3)
    assert [draw["ticker"].to_list() for draw in draws] == [["A", "B"], ["A"], ["A"]]
    assert len({draw.row(0) for draw in draws} & set(rows.rows())) == 3
    again = instants(rows.reverse(), ["ticker", "tape"], "at", 3)
    assert [draw.rows() for draw in again] == [draw.rows() for draw in draws]
    assert instants(rows.clear(), ["ticker", "tape"], "at", 3) == []
