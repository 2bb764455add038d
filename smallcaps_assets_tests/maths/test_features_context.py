"""Where a bar stands in its session and its year, worked by hand."""

from math import exp
from typing import Any

import numpy as np
import polars as pl
import pytest

from smallcaps_assets.maths.features_context import context_features, gini, minute_features
from smallcaps_assets_tests.maths.feature_rows import INSTANT, S, bar, frame


def minutes(closes: list[float], segment: str = "RTH", **columns: list[Any]) -> pl.DataFrame:
    count = len(closes)
    usual: dict[str, Any] = {
        "session": [1] * count, "ticker": ["A"] * count, "started_at": [60 * S * k for k in range(count)],
        "open": closes, "high": closes, "low": closes, "close": closes, "volume": [100.0] * count,
        "vwap": closes, "segment": [segment] * count,
    }  # fmt: skip
    return pl.DataFrame(usual | columns, strict=False).with_columns(pl.col("started_at").cast(INSTANT))


def test_the_vwap_restarts_at_the_open_and_a_minute_without_one_counts_at_its_typical_price() -> None:
    found = minute_features(minutes([10.0, 12.0, 16.0], segment="PM", vwap=[10.0, 12.0, None]))
    assert found["_vwap"].to_list() == pytest.approx([10.0, 11.0, 38 / 3])
    opened = minutes([10.0, 12.0, 16.0, 20.0]).with_columns(segment=pl.Series(["PM", "RTH", "RTH", "AH"]))
    assert minute_features(opened)["_vwap"].to_list() == pytest.approx([10.0, 12.0, 14.0, 14.5])
    assert minute_features(opened)["_opening"].to_list() == [10.0, 12.0, 12.0, 12.0]


def test_the_curve_of_a_parabola_is_its_quadratic_term_and_that_of_a_line_is_zero() -> None:
    curve = minute_features(minutes([exp(0.001 * (k - 3) ** 2) for k in range(20)]))["f_parabolic_slope_15"]
    assert curve.null_count() == 14
    assert curve[-1] == pytest.approx(0.001)
    line = minute_features(minutes([exp(0.01 * k) for k in range(20)]))["f_parabolic_slope_15"]
    assert line[-1] == pytest.approx(0.0, abs=1e-12)


def test_context_is_of_the_last_whole_minute_and_unknown_facts_stay_null() -> None:
    bars = frame([bar(0, 1, 0, 30), bar(1, 1, 31, 119), bar(2, 1, 119, 120)], "opened_at", "closed_at")
    known = {"session": [1], "ticker": ["A"]}
    metrics = pl.DataFrame(
        known | {"prior_close": [8.0], "atr_14": [None], "high_252": [20.0], "low_252": [5.0],
                 "mean_volume_20": [1000.0], "sessions_since_reverse_split": [3]}, strict=False,
    )  # fmt: skip
    universe = pl.DataFrame(known | {"cap_class": ["nano"], "float_shares": [400.0]})
    found = context_features(bars, minutes([10.0, 12.0], volume=[100.0, 300.0]), metrics, universe, 60 * S)
    assert found["f_rvol_daily"].to_list() == [None, 0.1, 0.4]
    assert found["f_float_turnover"].to_list() == [None, 0.25, 1.0]
    assert found["f_volume_gini"].to_list() == [None, 0.0, 0.25]
    assert found["f_distance_to_high"].to_list() == [None, 0.0, pytest.approx(10 / 12 - 1)]
    assert found["f_gap"].to_list() == [None, 0.25, 0.25]
    assert found["f_minutes_since_open"].to_list() == pytest.approx([-0.5, 59 / 60, 1.0])
    last = found.row(2, named=True)
    assert (last["f_cap_class"], last["f_sessions_since_reverse_split"], last["f_atr_14_share"]) == (0.0, 3.0, None)
    nothing = context_features(bars, minutes([1.0]).clear(), metrics.clear(), universe.clear(), 60 * S)
    assert nothing["f_gap"].to_list() == [None] * 3


def facts(**known: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Daily metrics and the universe row of the ticker."""
    usual = {"prior_close": 8.0, "atr_14": 0.6, "high_252": 20.0, "low_252": 5.0, "mean_volume_20": 1000.0,
             "sessions_since_reverse_split": 3, "cap_class": "nano", "float_shares": 400.0} | known  # fmt: skip
    columns = {"session": [1], "ticker": ["A"]} | {name: [value] for name, value in usual.items()}
    row = pl.DataFrame(columns, schema_overrides={"cap_class": pl.String})
    return row.drop("cap_class", "float_shares"), row.select("session", "ticker", "cap_class", "float_shares")


def test_distances_are_shares_of_the_price_they_are_from() -> None:
    traded = minutes([10.0, 12.0], high=[10.5, 13.0], low=[9.6, 11.0], volume=[100.0, 300.0], vwap=[10.0, 12.0])
    found = context_features(frame([bar(0, 1, 0, 120)], "opened_at", "closed_at"), traded, *facts(), 0)
    row = found.row(0, named=True)  # the bar closes at 10
    assert row["f_distance_to_vwap"] == pytest.approx(10 / 11.5 - 1)  # (10 × 100 + 12 × 300) / 400
    assert row["f_distance_to_high"] == pytest.approx(10 / 13 - 1)
    assert row["f_distance_to_low"] == pytest.approx(10 / 9.6 - 1)
    assert row["f_move_from_prior_close"] == pytest.approx(0.25)
    assert row["f_distance_to_high_252"] == pytest.approx(-0.5)
    assert row["f_distance_to_low_252"] == pytest.approx(1.0)
    assert row["f_atr_14_share"] == pytest.approx(0.6 / 8)
    assert row["f_minutes_since_open"] == 2.0


def test_a_minutes_volume_is_against_the_20_before_it_of_which_5_must_be_there() -> None:
    volume = [100.0 * k for k in range(1, 27)]
    found = minute_features(minutes([10.0] * 26, volume=volume))["f_rvol_minute"].to_list()
    assert found[:5] == [None] * 5
    assert found[5] == pytest.approx(600 / 300)  # mean of 100 to 500
    assert found[25] == pytest.approx(2600 / 1550)  # mean of 600 to 2500
    assert minute_features(minutes([10.0] * 7, volume=[0.0] * 6 + [9.0]))["f_rvol_minute"].to_list() == [None] * 7


@pytest.mark.parametrize(
    ("of", "given", "feature", "expected"),
    [
        ("cap_class", "nano", "f_cap_class", 0.0),
        ("cap_class", "micro", "f_cap_class", 1.0),
        ("cap_class", "large", "f_cap_class", 4.0),
        ("cap_class", None, "f_cap_class", None),
        ("float_shares", 0.0, "f_float_turnover", None),
        ("float_shares", None, "f_float_turnover", None),
        ("mean_volume_20", 0.0, "f_rvol_daily", None),
        ("sessions_since_reverse_split", 0, "f_sessions_since_reverse_split", 0.0),
        ("sessions_since_reverse_split", None, "f_sessions_since_reverse_split", None),
        ("prior_close", None, "f_gap", None),
        ("prior_close", None, "f_move_from_prior_close", None),
    ],
)  # fmt: skip
def test_a_fact_that_is_unknown_or_zero_gives_null_never_0(
    of: str, given: Any, feature: str, expected: float | None
) -> None:
    bars = frame([bar(0, 1, 0, 60)], "opened_at", "closed_at")
    assert context_features(bars, minutes([10.0]), *facts(**{of: given}), 0)[feature].to_list() == [expected]


def test_before_the_open_the_gap_is_that_of_the_last_price_and_after_it_stays() -> None:
    traded = minutes([9.0, 10.0, 16.0]).with_columns(
        segment=pl.Series(["PM", "RTH", "RTH"]), open=pl.Series([8.5, 9.6, 11.0])
    )
    bars = frame([bar(k, 1, 60 * k, 60 * (k + 1)) for k in range(3)], "opened_at", "closed_at")
    assert context_features(bars, traded, *facts(), 60 * S)["f_gap"].to_list() == pytest.approx([0.125, 0.2, 0.2])


def test_minutes_of_another_ticker_or_session_are_not_seen() -> None:
    other = minutes([99.0] * 9, volume=[1e6] * 9)
    mixed = pl.concat([minutes([10.0, 12.0]), other.with_columns(ticker=pl.lit("B")), other.with_columns(session=2)],
                      how="vertical_relaxed")  # fmt: skip
    bars = frame([bar(0, 1, 0, 900)], "opened_at", "closed_at")
    alone = context_features(bars, minutes([10.0, 12.0]), *facts(), 0)
    assert context_features(bars, mixed, *facts(), 0).equals(alone)


def test_the_volume_of_equal_minutes_is_not_concentrated_and_that_of_none_is_unknown() -> None:
    assert gini(np.array([5.0, 5.0])) == 0.0
    assert gini(np.array([3.0, 1.0])) == pytest.approx(0.25)  # 2 × (1 × 1 + 2 × 3) / (2 × 4) − 3/2
    assert np.isnan(gini(np.array([0.0])))
    assert np.isnan(gini(np.array([])))
