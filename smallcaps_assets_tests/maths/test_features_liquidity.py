"""Liquidity estimated from a tape's bars, worked by hand."""

from math import exp, log, sqrt

import polars as pl
import pytest

from smallcaps_assets.maths.features_liquidity import CORWIN_SCHULTZ, liquidity_features
from smallcaps_assets_tests.maths.feature_rows import bars


def test_rolls_spread_of_a_bounce_is_the_bounce() -> None:
    found = liquidity_features(bars([10.0 + (k % 2) for k in range(30)]))["f_roll_spread"]
    # changes of +1 and −1: covariance of 20 neighbours −20/19 in a sample of mean 0
    assert found[-2] == pytest.approx(2 * sqrt(20 / 19) / 10.0)
    assert liquidity_features(bars([10.0 + k for k in range(30)]))["f_roll_spread"][-1] == 0.0


def test_corwin_and_schultzs_spread_is_that_of_ranges_that_do_not_grow_with_time() -> None:
    found = liquidity_features(bars([10.0] * 30, high=[10.1] * 30, low=[9.9] * 30))["f_corwin_schultz_spread"]
    once = log(10.1 / 9.9) ** 2
    alpha = (sqrt(4 * once) - sqrt(2 * once)) / CORWIN_SCHULTZ - sqrt(once / CORWIN_SCHULTZ)
    assert found[-1] == pytest.approx(2 * (exp(alpha) - 1) / (1 + exp(alpha)))
    assert found[-1] == pytest.approx(0.02, abs=1e-4)


def test_corwin_and_schultzs_spread_of_jumps_without_ranges_is_zero_not_negative() -> None:
    jumps = [10.0 + k % 2 for k in range(21)]
    assert liquidity_features(bars(jumps, high=jumps, low=jumps))["f_corwin_schultz_spread"][-1] == 0.0


SIGNED = [(-1.0) ** (k // 2) for k in range(22)]  # which side pressed: + + − − + + …


def test_kyles_lambda_is_the_price_change_and_hasbroucks_the_return_that_flow_goes_with() -> None:
    dollars_a_share, return_a_root_dollar = 0.001, 0.0001
    linear, growing = [10.0], [10.0]
    for side in SIGNED[1:]:
        linear.append(linear[-1] + side * 150 * dollars_a_share)
        growing.append(growing[-1] * exp(side * sqrt(400) * return_a_root_dollar))
    bought = [150.0 if side > 0 else 0.0 for side in SIGNED]
    sold = [150.0 - b for b in bought]
    pressed = [side * 400 for side in SIGNED]
    kyle = liquidity_features(bars(linear, buy_volume=bought, sell_volume=sold))["f_kyle_lambda"]
    hasbrouck = liquidity_features(bars(growing, imbalance=pressed))["f_hasbrouck_lambda"]
    for found, slope in ((kyle, dollars_a_share), (hasbrouck, return_a_root_dollar)):
        assert found.null_count() == 20  # 20 changes need 21 bars
        assert found[-1] == pytest.approx(slope)


def test_amihud_is_the_mean_move_for_a_million_dollars_and_vpin_the_one_sided_share() -> None:
    found = liquidity_features(bars([10.0 * 1.01**k for k in range(22)], dollars=[2000.0] * 22))
    assert found["f_amihud"].null_count() == 20
    assert found["f_amihud"][-1] == pytest.approx(log(1.01) * 500)
    assert found["f_vpin_20"].to_list() == [None] * 19 + [pytest.approx(0.2)] * 3  # 60 bought, 40 sold of 100


def test_what_has_no_dollars_no_volume_or_no_flow_that_varies_is_null() -> None:
    closes = [10.0 + k % 3 for k in range(42)]
    holed = liquidity_features(bars(closes, dollars=[1000.0] * 21 + [0.0] + [1000.0] * 20))["f_amihud"]
    assert [value is None for value in holed] == [True] * 20 + [False] + [True] * 20 + [False]
    still = liquidity_features(bars(closes, volume=[0.0] * 42, buy_volume=[0.0] * 42, sell_volume=[0.0] * 42))
    assert still["f_vpin_20"].null_count() == 42
    for name in ("f_kyle_lambda", "f_hasbrouck_lambda"):  # 10 USD of imbalance in every bar
        assert still[name].null_count() == 42


def test_each_tape_waits_for_its_own_bars() -> None:
    alone = bars([10.0 * (1 + 0.01 * (k % 5)) for k in range(23)], buy_volume=[60.0 + k for k in range(23)])
    later = alone.with_columns(tape_starts_at=pl.lit(9, dtype=pl.Int64), close=pl.col("close") * 3)
    found = liquidity_features(pl.concat([alone, later]))
    first, second = (found.filter(tape_starts_at=tape).select("^f_.*$") for tape in (0, 9))
    assert first.equals(liquidity_features(alone).select("^f_.*$"))
    waits = {"f_roll_spread": 21, "f_corwin_schultz_spread": 20, "f_amihud": 20, "f_kyle_lambda": 20, "f_vpin_20": 19}
    for name, null in waits.items():
        assert second[name].is_null().to_list() == [True] * null + [False] * (23 - null), name
    assert second["f_roll_spread"][22] == pytest.approx(first["f_roll_spread"][22])  # a share of the close
