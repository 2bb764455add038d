"""Split factors worked by hand, and what a later split must not change."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.adjustment import split_factor

MON, TUE, WED, THU = (date(2024, 6, day) for day in (3, 4, 5, 6))
SPLITS = {"ticker": pl.String, "session": pl.Date, "split_from": pl.Float64, "split_to": pl.Float64}


def splits(*rows: tuple[str, date, float, float]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SPLITS, orient="row")


def week(*tickers: str) -> pl.DataFrame:
    return pl.DataFrame({"ticker": list(tickers)}).join(pl.DataFrame({"session": [MON, TUE, WED, THU]}), how="cross")


def factors(stated: pl.DataFrame, as_of: date, *tickers: str) -> list[Any]:
    return split_factor(week(*(tickers or ("A",))), stated, as_of=as_of)["split_factor"].to_list()


def test_a_reverse_split_of_ten_to_one_lifts_earlier_prices_tenfold() -> None:
    assert factors(splits(("A", WED, 10, 1)), THU) == [10.0, 10.0, 1.0, 1.0]


def test_a_forward_split_of_one_to_two_halves_earlier_prices() -> None:
    assert factors(splits(("A", WED, 1, 2)), THU) == [0.5, 0.5, 1.0, 1.0]


def test_a_price_of_the_split_session_is_on_its_own_basis() -> None:
    assert factors(splits(("A", WED, 10, 1)), WED) == [10.0, 10.0, 1.0, None]


def test_a_split_after_as_of_is_not_known() -> None:
    assert factors(splits(("A", WED, 10, 1)), TUE) == [1.0, 1.0, None, None]


def test_splits_multiply() -> None:
    assert factors(splits(("A", TUE, 10, 1), ("A", THU, 1, 2)), THU) == [5.0, 0.5, 0.5, 1.0]
    assert factors(splits(("A", TUE, 10, 1), ("A", TUE, 1, 2)), THU) == [5.0, 1.0, 1.0, 1.0]


def test_a_split_is_its_own_tickers() -> None:
    both = factors(splits(("B", WED, 10, 1)), THU, "A", "B")
    assert both == [1.0] * 4 + [10.0, 10.0, 1.0, 1.0]


def test_without_splits_every_factor_is_one() -> None:
    assert factors(splits(), THU) == [1.0] * 4
    assert split_factor(week("A").clear(), splits(), as_of=THU)["split_factor"].to_list() == []


def test_each_row_may_have_its_own_as_of() -> None:
    rows = week("A").with_columns(as_of=pl.Series([MON, WED, WED, TUE]))
    assert split_factor(rows, splits(("A", WED, 10, 1)), as_of="as_of")["split_factor"].to_list() == [
        1.0,
        10.0,
        1.0,
        None,
    ]


def test_order_and_columns_are_kept_and_lazy_stays_lazy() -> None:
    rows = week("B", "A").reverse().with_columns(price=pl.int_range(8))
    stated = splits(("A", WED, 10, 1))
    adjusted = split_factor(rows, stated, as_of=THU)
    assert adjusted.drop("split_factor").equals(rows)
    lazy = split_factor(rows.lazy(), stated.lazy(), as_of=THU)
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(adjusted)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf"), None])
def test_a_split_that_is_none_is_refused_by_name(bad: float | None) -> None:
    with pytest.raises(ValueError, match=r"split_to is not a finite number above 0 in .*'ticker': 'A'"):
        factors(splits(("A", WED, 1, bad)), THU)  # type: ignore[arg-type]


SPLIT = st.tuples(st.sampled_from("AB"), st.sampled_from([MON, TUE, WED, THU]), st.integers(1, 20), st.integers(1, 20))


@settings(max_examples=60, deadline=None)
@given(st.lists(SPLIT, max_size=8), st.sampled_from([MON, TUE, WED, THU]))
def test_the_factor_is_the_product_of_the_splits_between(rows: list[Any], as_of: date) -> None:
    for row in split_factor(week("A", "B"), splits(*rows), as_of=as_of).rows(named=True):
        expected = 1.0
        for ticker, session, split_from, split_to in rows:
            if ticker == row["ticker"] and row["session"] < session <= as_of:
                expected *= split_from / split_to
        assert row["split_factor"] == (None if row["session"] > as_of else pytest.approx(expected))


@settings(max_examples=60, deadline=None)
@given(st.lists(SPLIT, max_size=8), st.sampled_from([MON, TUE, WED, THU]))
def test_what_is_split_later_changes_no_factor(rows: list[Any], as_of: date) -> None:
    known = [row for row in rows if row[1] <= as_of]
    assert factors(splits(*rows), as_of, "A", "B") == factors(splits(*known), as_of, "A", "B")
