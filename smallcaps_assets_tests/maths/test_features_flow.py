"""Flow, quotes and context at the close of a bar, worked by hand."""

from typing import Any

import polars as pl
import pytest

from smallcaps_assets.maths.features_context import context_features, minute_features, parabolic_slope
from smallcaps_assets.maths.features_flow import flow_features
from smallcaps_assets.maths.features_quotes import quote_features

INSTANT = pl.Datetime("ns", "UTC")
S = 10**9
TAPE: dict[str, Any] = {"session": 1, "ticker": "A", "tape_starts_at": 0}


def frame(rows: list[dict[str, Any]], *instants: str) -> pl.DataFrame:
    return pl.DataFrame([TAPE | row for row in rows]).with_columns(pl.col(*instants).cast(INSTANT))


def bar(number: int, ticks: int, opened: int, closed: int, **other: float) -> dict[str, Any]:
    usual = {"volume": 300.0, "buy_volume": 200.0, "sell_volume": 50.0, "close": 10.0}
    return {"bar": number, "ticks": ticks, "opened_at": opened * S, "closed_at": closed * S} | usual | other


def flow(sizes: list[float], bars: list[dict[str, Any]], exchanges: list[int] | None = None) -> pl.DataFrame:
    venues = exchanges or [11] * len(sizes)
    ticks = pl.DataFrame([TAPE | {"size": s, "exchange": e} for s, e in zip(sizes, venues, strict=True)])
    return flow_features(ticks, frame(bars, "opened_at", "closed_at"))


def test_flow_is_counted_inside_each_bar_and_ticks_after_the_last_close_in_none() -> None:
    found = flow([100.0, 50.0, 150.0, 99.0, 1e6], [bar(0, 2, 0, 4), bar(1, 2, 5, 5)], [4, 11, 4, 4, 11])
    assert found["f_odd_lot_share"].to_list() == [0.5, 0.5]
    assert found["f_off_exchange_share"].to_list() == pytest.approx([100 / 150, 1.0])
    assert found["f_trades_a_second"].to_list() == [0.5, None]
    assert found["f_signed_volume"].to_list() == [150.0, 150.0]
    assert found["f_delta_ratio"].to_list() == [0.5, 0.5]


def test_a_print_is_large_against_the_ticks_before_it_alone() -> None:
    sizes = [100.0, 300.0] * 10 + [500.0, 501.0, 600.0, 9000.0]
    found = flow(sizes, [bar(0, 20, 0, 1), bar(1, 1, 2, 2), bar(2, 3, 3, 4)])["f_large_prints"]
    # before 500: mean 200, deviation 100, and 500 is not above; before 600: 227 and 129, bound 613
    assert found.to_list() == [None, 0.0, 1.0]


def second(at: int, bid: float, ask: float, sizes: tuple[float, float] = (100.0, 300.0)) -> dict[str, Any]:
    sides = {"bid_price": bid, "ask_price": ask, "bid_size": sizes[0], "ask_size": sizes[1]}
    return {"second_at": at * S, "quotes": 4, "spread_twa": ask - bid} | sides


def test_a_bar_sees_the_last_quote_second_that_had_ended_by_its_close() -> None:
    seconds = frame([second(3, 9.9, 10.1), second(9, 9.0, 11.0)], "second_at")
    bars = frame([bar(0, 1, 0, 3), bar(1, 1, 3, 4), bar(2, 1, 5, 9), bar(3, 1, 9, 10)], "opened_at", "closed_at")
    found = quote_features(seconds, bars)
    assert found["f_relative_spread"].to_list() == [None, pytest.approx(0.02), pytest.approx(0.02), pytest.approx(0.2)]
    assert found["f_size_imbalance"][1] == -0.5
    # bid × ask size + ask × bid size, over 400: 9.95
    assert found["f_microprice_minus_middle"][1] == pytest.approx(-0.005)
    assert found["f_quote_rate"].to_list() == [None, 0.2, 0.2, 0.4]
    assert found["f_spread_over_mean"][3] == pytest.approx(2.0 / 1.1)


def test_no_size_and_no_spread_are_null() -> None:
    found = quote_features(
        frame([second(3, 10.0, 10.0, (0.0, 0.0))], "second_at"), frame([bar(0, 1, 0, 9)], "opened_at", "closed_at")
    ).row(0, named=True)
    assert [found[name] for name in ("f_size_imbalance", "f_microprice_minus_middle", "f_spread_over_mean")] == [
        None
    ] * 3
    assert found["f_relative_spread"] == 0.0


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
    curve = minutes([float(2.718281828459045 ** (0.001 * (k - 3) ** 2)) for k in range(20)]).select(parabolic_slope())
    assert curve.to_series().null_count() == 14
    assert curve.to_series()[-1] == pytest.approx(0.001)
    line = minutes([float(2.718281828459045 ** (0.01 * k)) for k in range(20)]).select(parabolic_slope())
    assert line.to_series()[-1] == pytest.approx(0.0, abs=1e-12)


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
