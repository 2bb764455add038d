"""Order flow inside a bar, worked by hand."""

from typing import Any

import polars as pl
import pytest

from smallcaps_assets.maths.features_flow import flow_features
from smallcaps_assets_tests.maths.feature_rows import TAPE, bar, frame


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


def test_a_bar_without_volume_has_no_shares_of_it_and_no_sign() -> None:
    found = flow([0.0, 0.0], [bar(0, 2, 0, 4, volume=0.0, buy_volume=0.0, sell_volume=0.0)]).row(0, named=True)
    assert (found["f_delta_ratio"], found["f_off_exchange_share"]) == (None, None)
    assert (found["f_signed_volume"], found["f_odd_lot_share"]) == (0.0, 1.0)


def test_what_is_large_is_judged_anew_on_each_tape() -> None:
    sizes = [100.0, 300.0] * 10 + [9000.0]
    rows = [TAPE | {"size": size, "exchange": 11, "tape_starts_at": tape} for tape in (0, 9) for size in sizes]
    bars = frame([bar(0, 21, 0, 1), bar(0, 21, 2, 3) | {"tape_starts_at": 9}], "opened_at", "closed_at")
    assert flow_features(pl.DataFrame(rows), bars)["f_large_prints"].to_list() == [1.0, 1.0]
