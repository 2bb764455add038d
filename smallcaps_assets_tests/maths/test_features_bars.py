"""Features of a tape's bars, worked by hand."""

from math import exp, log, sqrt
from typing import Any

import numpy as np
import polars as pl
import pytest

from smallcaps_assets.maths.features_bars import bar_features
from smallcaps_assets.maths.features_liquidity import CORWIN_SCHULTZ, liquidity_features
from smallcaps_assets_tests.shared import SHARED, needs_shared


def bars(closes: list[float], tape: int = 0, **columns: list[float]) -> pl.DataFrame:
    count = len(closes)
    usual: dict[str, Any] = {
        "session": [1] * count, "ticker": ["A"] * count, "tape_starts_at": [tape] * count, "bar": list(range(count)),
        "close": closes, "high": [c + 0.5 for c in closes], "low": [c - 0.5 for c in closes],
        "volume": [100.0] * count, "dollars": [c * 100 for c in closes], "imbalance": [10.0] * count,
        "buy_volume": [60.0] * count, "sell_volume": [40.0] * count,
    }  # fmt: skip
    return pl.DataFrame(usual | columns)


def test_returns_and_ranges_are_over_the_close_before_and_null_for_the_first_bar() -> None:
    found = bar_features(bars([10.0, 11.0]))
    assert found["f_log_return_1"].to_list() == [None, pytest.approx(log(1.1))]
    assert found["f_range_over_close"].to_list() == [None, pytest.approx(0.1)]


def test_moving_averages_weigh_the_past_down_and_restart_at_each_tape() -> None:
    found = bar_features(pl.concat([bars([10.0] * 2, volume=[100.0, 400.0]), bars([10.0], 9, volume=[7.0])]))
    keep = 1 - 2 / 21
    assert found["f_volume_ema_20"].to_list() == pytest.approx([100.0, (400 + keep * 100) / (1 + keep), 7.0])
    assert found["f_return_ema_10"].to_list() == [None, 0.0, None]


def test_a_z_score_is_against_the_20_bars_before_and_leaves_its_own_out() -> None:
    volume = [100.0, 200.0] * 10 + [300.0]
    found = bar_features(bars([10.0] * 21, volume=volume))["f_volume_z_20"]
    deviation = sqrt(20 * 50.0**2 / 19)
    assert found.null_count() == 20
    assert found[-1] == pytest.approx(150.0 / deviation)
    assert bar_features(bars([10.0] * 21))["f_volume_z_20"][-1] is None


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


def test_amihud_and_the_lambdas_are_what_a_dollar_and_a_share_move() -> None:
    flow = [100.0 * (-1) ** (k // 2) for k in range(30)]
    closes = [10.0]
    for signed in flow[1:]:
        closes.append(closes[-1] + signed * 0.001)
    bought, sold = [max(f, 0.0) for f in flow], [max(-f, 0.0) for f in flow]
    found = liquidity_features(
        bars(
            closes,
            buy_volume=bought,
            sell_volume=sold,
            dollars=[1000.0] * 30,
            imbalance=[f * 10 for f in flow],
        )
    ).row(-1, named=True)
    assert found["f_kyle_lambda"] == pytest.approx(0.001)
    assert found["f_amihud"] == pytest.approx(0.01 / 1000 * 1e6, rel=0.02)
    assert found["f_hasbrouck_lambda"] == pytest.approx(0.01 / sqrt(1000), rel=0.02)
    assert found["f_vpin_20"] == 1.0
    still = liquidity_features(bars([10.0] * 30, volume=[0.0] * 30, dollars=[0.0] * 30)).row(-1, named=True)
    assert [still[name] for name in ("f_kyle_lambda", "f_amihud", "f_vpin_20")] == [None, None, None]


@needs_shared
def test_liquidity_of_recorded_bars_is_the_definition_that_the_vectors_name() -> None:
    # `refvec/stats` holds results by convention but not their input: our conventions are its Corwin-Schultz, Roll and
    # Amihud as ratio, Kyle with a constant; here they are written out on IBM's recorded bars
    recorded = pl.read_parquet(SHARED / "refvec/bars/imbalance_bars_peers_first400.parquet")
    of_one = recorded.filter(peer="mlfinlab08", input="lean_ibm_20131007", cfg="A", kind="tick").sort("bar")[:200]
    assert of_one.height == 200
    bought = of_one["buy_volume"].cast(pl.Float64)
    sold = of_one["volume"].cast(pl.Float64) - bought
    given = of_one.select(
        pl.lit(1).alias("session"), pl.lit("A").alias("ticker"), pl.lit(0).alias("tape_starts_at"), "bar",
        "close", "high", "low", "volume", pl.col("dollar").alias("dollars"),
        bought, sold.alias("sell_volume"), ((bought - sold) * of_one["close"]).alias("imbalance"),
    )  # fmt: skip
    found = liquidity_features(given).select("^f_.*$")
    close, high, low, dollars, flows = (
        given[name].to_numpy() for name in ("close", "high", "low", "dollars", "imbalance")
    )
    flow = (bought - sold).to_numpy()
    change, moved = np.diff(close), np.diff(np.log(close))
    for last in (25, 60, 120, 199):
        now, row = slice(last - 19, last + 1), found.row(last, named=True)
        before = slice(last - 20, last)
        autocovariance = np.cov(change[before], change[last - 21 : last - 1])[0, 1]
        assert row["f_roll_spread"] == pytest.approx(2 * sqrt(max(0.0, -autocovariance)) / close[last], abs=1e-9)
        assert row["f_kyle_lambda"] == pytest.approx(np.polyfit(flow[now], change[before], 1)[0], rel=1e-6)
        rooted = np.sign(flows[now]) * np.sqrt(np.abs(flows[now]))
        assert row["f_hasbrouck_lambda"] == pytest.approx(np.polyfit(rooted, moved[before], 1)[0], rel=1e-6)
        assert row["f_amihud"] == pytest.approx(np.mean(np.abs(moved[before]) / dollars[now]) * 1e6)
        spreads = []
        for second in range(last - 19, last + 1):
            beta = log(high[second] / low[second]) ** 2 + log(high[second - 1] / low[second - 1]) ** 2
            gamma = log(max(high[second - 1 : second + 1]) / min(low[second - 1 : second + 1])) ** 2
            alpha = (sqrt(2 * beta) - sqrt(beta)) / CORWIN_SCHULTZ - sqrt(gamma / CORWIN_SCHULTZ)
            spreads.append(max(0.0, 2 * (exp(alpha) - 1) / (1 + exp(alpha))))
        assert row["f_corwin_schultz_spread"] == pytest.approx(np.mean(spreads), abs=1e-9)
