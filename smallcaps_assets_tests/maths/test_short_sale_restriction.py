"""Rule 201 at its boundary: 10 % or more, known or unknown, today or carried over."""

import polars as pl
import pytest

from smallcaps_assets.maths.short_sale_restriction import carried_over, in_force, sets_off


@pytest.mark.parametrize(
    ("sale", "close", "expected"),
    [
        (9.00, 10.00, True),
        (9.01, 10.00, False),
        (8.00, 10.00, True),
        (2.99, 3.33, True),  # the threshold is 2.997
        (3.00, 3.33, False),
        (0.0009, 0.001, True),
        (0.27, 0.3, True),  # 0.9 × 0.3 is a little less than 0.27 in binary
        (None, 10.0, None),
        (9.0, None, None),
    ],
)
def test_a_sale_sets_it_off_at_ten_percent_below_the_close(
    sale: float | None, close: float | None, expected: bool | None
) -> None:
    rows = pl.DataFrame({"sale": [sale], "close": [close]}, schema={"sale": pl.Float64, "close": pl.Float64})
    assert rows.select(sets_off(pl.col("sale"), pl.col("close"))).item() is expected


def test_what_is_carried_over_is_unknown_only_where_the_ticker_traded_and_its_prices_are_not_known() -> None:
    rows = pl.DataFrame(
        {
            "low": [8.9, 9.1, None, None, 8.0],
            "close": [10.0, 10.0, 10.0, 10.0, None],
            "traded": [True, True, False, True, True],
        }
    )
    found = rows.select(carried_over(pl.col("low"), pl.col("close"), pl.col("traded"))).to_series()
    assert found.to_list() == [True, False, False, None, None]


def test_it_is_in_force_where_either_day_says_so_and_unknown_where_neither_does_and_one_is_unknown() -> None:
    carried = [True, True, False, False, None, None, False, None]
    today = [True, None, True, False, True, False, None, None]
    rows = pl.DataFrame({"carried": carried, "today": today}, schema={"carried": pl.Boolean, "today": pl.Boolean})
    found = rows.select(in_force(pl.col("carried"), pl.col("today"))).to_series()
    assert found.to_list() == [True, True, True, False, True, None, None, None]
