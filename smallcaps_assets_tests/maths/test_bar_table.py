"""What a bar says of its ticks."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.bars import bar_table, threshold_bars

TICKS = st.lists(st.tuples(st.sampled_from([2.0, 2.25, 2.5, 3.0]), st.integers(0, 40)), max_size=80)


def test_a_bar_has_its_ticks_prices_and_volume_by_side() -> None:
    table = bar_table([0, 5, 5, 9, 12], [10.0, 12.0, 12.0, 11.0, 13.0], [100, 200, 50, 300, 7], [2, 3])
    first, second = table.with_columns(pl.col("opened_at", "closed_at").dt.timestamp("ns")).rows(named=True)
    assert first == {
        "opened_at": 0,
        "closed_at": 5,
        "open": 10.0,
        "high": 12.0,
        "low": 10.0,
        "close": 12.0,
        "volume": 350.0,
        "buy_volume": 250.0,  # the first 100 have no sign
        "sell_volume": 0.0,
        "dollars": 4000.0,
        "vwap": 4000 / 350,
        "ticks": 3,
        "imbalance": 3000.0,
    }
    assert (second["opened_at"], second["closed_at"], second["ticks"]) == (9, 9, 1)
    assert (second["sell_volume"], second["imbalance"], second["vwap"]) == (300.0, -3300.0, 11.0)


def test_a_sign_is_carried_from_one_bar_into_the_next() -> None:
    table = bar_table([0, 1, 2], [10.0, 11.0, 11.0], [1, 1, 5], [1, 2])
    assert table["buy_volume"].to_list() == [1.0, 5.0]


def test_a_bar_without_volume_has_no_vwap() -> None:
    assert bar_table([0], [10.0], [0], [0])["vwap"].to_list() == [None]


def test_no_closes_give_no_rows_of_the_same_columns() -> None:
    some, none, empty = bar_table([0], [1.0], [1], [0]), bar_table([0], [1.0], [1], []), bar_table([], [], [], [])
    assert none.height == empty.height == 0
    assert none.schema == empty.schema == some.schema
    assert some.schema["opened_at"] == pl.Datetime("ns", "UTC")
    assert some.schema["ticks"] == pl.Int64


def test_instants_of_polars_are_taken_as_they_are() -> None:
    at = pl.Series([3, 4]).cast(pl.Datetime("ns", "UTC"))
    assert bar_table(at.to_numpy(), [1.0, 2.0], [1, 1], [1])["closed_at"].to_list()[0].microsecond == 0
    assert bar_table(at.to_numpy(), [1.0, 2.0], [1, 1], [1])["closed_at"].dt.timestamp("ns").to_list() == [4]


@pytest.mark.parametrize(
    ("at", "closes", "message"),
    [
        ([1, 0], [1], r"at\[1\] = 0 is earlier than the one before it"),
        ([0, 1], [2], r"closes\[0\] = 2 is outside 0\.\.1"),
        ([0, 1], [-1], r"closes\[0\] = -1 is outside"),
        ([0, 1], [1, 1], r"closes\[1\] = 1 is not after the close before it"),
        ([0, 1], [0.5], "closes is float64, not an integer array"),
        ([0], [0], "unequal lengths: at has 1, price has 2, size has 2"),
    ],
)
def test_a_table_out_of_order_is_refused(at: list[int], closes: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bar_table(at, [1.0, 2.0], [1, 1], closes)


@settings(max_examples=60, deadline=None)
@given(TICKS)
def test_bars_conserve_ticks_volume_and_dollars_up_to_the_last_close(ticks: list[tuple[float, int]]) -> None:
    price, size = [p for p, _ in ticks], [s for _, s in ticks]
    closes = threshold_bars(price, size, measure="volume", threshold=30)
    table = bar_table(list(range(len(ticks))), price, size, closes)
    barred = ticks[: int(closes[-1]) + 1] if len(closes) else []
    assert table["ticks"].sum() == len(barred)
    assert table["volume"].sum() == sum(s for _, s in barred)
    assert table["dollars"].sum() == pytest.approx(sum(p * s for p, s in barred))
    assert (table["buy_volume"] + table["sell_volume"] <= table["volume"]).all()
    assert ((table["low"] <= table["vwap"] + 1e-9) & (table["vwap"] <= table["high"] + 1e-9)).all()
    assert table.filter(pl.col("high") < pl.max_horizontal("open", "close")).is_empty()
    assert table.filter(pl.col("low") > pl.min_horizontal("open", "close")).is_empty()
