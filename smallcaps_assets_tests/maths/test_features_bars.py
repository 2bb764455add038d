"""Features of a tape's bars, worked by hand."""

from math import log, sqrt

import polars as pl
import pytest

from smallcaps_assets.maths.features_bars import bar_features
from smallcaps_assets_tests.maths.feature_rows import bars


def test_returns_and_ranges_are_over_the_close_before_and_null_for_the_first_bar() -> None:
    found = bar_features(bars([10.0, 11.0]))
    assert found["f_log_return_1"].to_list() == [None, pytest.approx(log(1.1))]
    assert found["f_range_over_close"].to_list() == [None, pytest.approx(0.1)]


def test_a_moving_average_weighs_a_bar_by_how_many_came_after_it() -> None:
    # α = 2/(span+1): of two values the older has the weight (1−α)/(2−α), 9/20 at span 10, 29/60 at 30, 19/40 at 20
    found = bar_features(
        bars([10.0, 11.0, 11.0], volume=[100.0, 140.0, 140.0], dollars=[1e3, 3e3, 3e3], imbalance=[10.0, -30.0, -30.0])
    )
    assert found["f_return_ema_10"].to_list() == [None, pytest.approx(log(1.1)), pytest.approx(log(1.1) * 9 / 20)]
    assert found["f_return_ema_30"].to_list() == [None, pytest.approx(log(1.1)), pytest.approx(log(1.1) * 29 / 60)]
    assert found["f_range_ema_20"].to_list() == [None, pytest.approx(0.1), pytest.approx((21 / 11 + 19 / 10) / 40)]
    assert found["f_volume_ema_20"][1] == pytest.approx((21 * 140 + 19 * 100) / 40)
    assert found["f_dollars_ema_20"][:2].to_list() == pytest.approx([1000.0, 2050.0])
    assert found["f_imbalance_ema_20"][:2].to_list() == pytest.approx([10.0, -11.0])


def test_a_z_score_is_against_the_20_bars_before_and_leaves_its_own_out() -> None:
    volume, dollars = [100.0, 200.0] * 10 + [300.0], [1000.0, 3000.0] * 10 + [500.0]
    found = bar_features(bars([10.0] * 21, volume=volume, dollars=dollars))
    for name in ("f_volume_z_20", "f_dollars_z_20"):
        assert found[name].null_count() == 20
    assert found["f_volume_z_20"][-1] == pytest.approx(150 / sqrt(20 * 50**2 / 19))
    assert found["f_dollars_z_20"][-1] == pytest.approx(-1500 / sqrt(20 * 1000**2 / 19))


def test_a_z_score_against_20_equal_values_is_null_also_where_others_came_before() -> None:
    volume = [7.3, 9e9, 0.0, *[1234.56] * 20, 99.0, 1.0]
    found = bar_features(bars([10.0] * 25, volume=volume, dollars=[0.0] * 25))
    assert [value is None for value in found["f_volume_z_20"]] == [True] * 20 + [False, False, False, True, False]
    assert found["f_dollars_z_20"].null_count() == 25


def test_all_of_it_begins_anew_at_each_tape_and_ticker() -> None:
    alone = bars([10.0 + k for k in range(22)], volume=[float(k % 7) for k in range(22)])
    others = [
        alone.with_columns(close=pl.col("close") * 3, tape_starts_at=pl.lit(9, dtype=pl.Int64)),
        alone.with_columns(ticker=pl.lit("B")),
    ]
    together = bar_features(pl.concat([alone, *others]))
    want = bar_features(alone).select("^f_.*$")
    assert together.filter(ticker="A", tape_starts_at=0).select("^f_.*$").equals(want)
    assert together.filter(ticker="B").select("^f_.*$").equals(want)
    assert together.filter(tape_starts_at=9, bar=0)["f_log_return_1"].to_list() == [None]
