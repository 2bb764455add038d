"""Bars worked by hand: each close, each boundary, each refusal."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from smallcaps_assets.maths.arguments import Ints
from smallcaps_assets.maths.bars import (
    afml_imbalance_bars,
    fixed_imbalance_bars,
    imbalance_bars,
    run_bars,
    threshold_bars,
)

BOOK: dict[str, Any] = {"measure": "tick", "expected_ticks": 2, "bars_span": 2, "flow_window": 4}
KINDS: list[tuple[Callable[..., Ints], dict[str, Any]]] = [
    (imbalance_bars, {}),
    (fixed_imbalance_bars, {"measure": "dollar", "threshold": 1.0}),
    (threshold_bars, {"measure": "dollar", "threshold": 1.0}),
    (afml_imbalance_bars, BOOK),
    (run_bars, BOOK),
]


def test_an_imbalance_bar_closes_where_theta_reaches_the_expected_imbalance() -> None:
    # Flows 0 1 1 1 1 1; span 1 makes each mean the flow of the tick before. With E[T] = 2 the threshold is 0 at tick 1,
    # max(2·1, √2·1) = 2 from tick 2 on: closes at tick 1 (1 ≥ 0), then after each two ticks.
    bars = imbalance_bars([1, 2, 3, 4, 5, 6], [1] * 6, measure="tick", expected_ticks=2, span=1, warmup=1)
    assert bars.tolist() == [1, 3, 5]


def test_the_tick_itself_is_judged_by_the_expectations_before_it() -> None:
    # Dollar flows 0, 4, 6, 24: a block of 24 at tick 3 meets the threshold of 2·6 = 12 formed before it; had the block
    # been in its own mean (span 1), the threshold would be 48 and the bar open. θ at tick 2 is 10 ≥ 2·4 = 8.
    bars = imbalance_bars([1, 2, 3, 4], [1, 2, 2, 6], expected_ticks=2, span=1, warmup=2)
    assert bars.tolist() == [2, 3]


def test_the_noise_floor_holds_on_a_balanced_tape() -> None:
    # Flows 0 +1 −1 +1 −1 …: E[f] is near 0 and θ never leaves {0, 1}; the floor √9·E[|f|] ≈ 3 is never reached.
    price = [1.0, 2.0] * 20
    assert imbalance_bars(price, [1] * 40, measure="tick", expected_ticks=9, warmup=5).tolist() == []
    without = imbalance_bars(price, [1] * 40, measure="tick", expected_ticks=9, warmup=5, noise_floor=0)
    assert without.tolist()[0] == 5


def test_a_bar_is_forced_at_max_ticks_but_not_in_the_warm_up() -> None:
    price = [1.0, 2.0] * 10
    bars = imbalance_bars(price, [1] * 20, measure="tick", expected_ticks=100, warmup=7, max_ticks=4)
    assert bars.tolist() == [7, 11, 15, 19]


def test_a_tape_as_long_as_the_warm_up_has_no_bar_and_one_tick_more_may() -> None:
    rising = list(range(1, 102))
    assert imbalance_bars(rising[:100], [1] * 100, measure="tick", expected_ticks=4).tolist() == []
    assert imbalance_bars(rising, [1] * 101, measure="tick", expected_ticks=4).tolist() == [100]


def test_a_tape_on_which_nothing_flows_has_a_bar_a_tick_after_the_warm_up() -> None:
    assert imbalance_bars([3.0] * 5, [1] * 5, warmup=2).tolist() == [2, 3, 4]


def test_without_a_warm_up_the_first_tick_has_no_expectation_and_closes_nothing() -> None:
    assert imbalance_bars([3.0, 3.0], [1, 1], warmup=0).tolist() == [1]


def test_a_fixed_imbalance_bar_closes_at_the_threshold_and_drops_the_excess() -> None:
    # Volume flows 0 +5 +6 −4 −8 −1: θ = 11 ≥ 10 at tick 2, −12 at tick 4; the last tick is no bar.
    bars = fixed_imbalance_bars([1, 2, 3, 2, 1, 0.5], [9, 5, 6, 4, 8, 1], measure="volume", threshold=10)
    assert bars.tolist() == [2, 4]
    exactly = fixed_imbalance_bars([1, 2, 3, 2, 1, 0.5], [9, 5, 6, 4, 8, 1], measure="volume", threshold=11)
    assert exactly.tolist() == [2, 4]
    assert fixed_imbalance_bars([1, 2], [1, 1], measure="tick", threshold=1.5).tolist() == []


@pytest.mark.parametrize(
    ("measure", "threshold", "closes"),
    [
        ("tick", 2, [1, 3]),
        ("volume", 100, [1, 4]),  # 40+60 | 30+30+50
        ("dollar", 1000, [1, 3]),  # 400+660 | 360+720
        ("dollar", 1060, [1, 3]),
        ("dollar", 1061, [2, 4]),  # 400+660+360 | 720+550
    ],
)
def test_standard_bars_close_where_the_sum_reaches_the_threshold(
    measure: Any, threshold: float, closes: list[int]
) -> None:
    price, size = [10, 11, 12, 24, 11], [40, 60, 30, 30, 50]
    assert threshold_bars(price, size, measure=measure, threshold=threshold).tolist() == closes


def test_a_book_bar_updates_its_expectations_at_each_close() -> None:
    # Flows 0 1 1 1 1 1. At tick 1 E[f] over (0, 1) with span 2 is 1/(1 + 1/3) = 0.75 and θ = 1 < 2·0.75; θ = 2 closes
    # at tick 2. E[T] = 3, E[f] over (0, 1, 1) with span 3 is 1.5/1.75 = 0.857: θ = 3 ≥ 2.571 closes at tick 5.
    bars = afml_imbalance_bars([1, 2, 3, 4, 5, 6], [1] * 6, **BOOK)
    assert bars.tolist() == [2, 5]


def test_strict_needs_more_than_the_threshold() -> None:
    # A constant E[T] of 3 and E[f] = 1 (window 1): θ = 3 is the threshold exactly.
    steady: dict[str, Any] = {
        "measure": "tick",
        "expected_ticks": 3,
        "bars_span": 1,
        "flow_window": 1,
        "constant": True,
    }
    assert afml_imbalance_bars(range(1, 12), [1] * 11, **steady).tolist() == [3, 6, 9]
    strict = afml_imbalance_bars(range(1, 12), [1] * 11, **steady, strict=True)
    assert strict.tolist() == [4, 8]


def test_a_run_bar_adds_the_buys_over_the_sells_between_them() -> None:
    # Flows 0 + − + − + − + +. Warm at tick 4 (two of each): P = 2/5, threshold 2·0.6 = 1.2 and θ = 2 closes. E[T] stays
    # 2 by the bounds: threshold 1.2 again; buys reach 2 at tick 7 over the sell at tick 6.
    price = [1, 2, 1, 2, 1, 2, 1, 2, 3]
    bars = run_bars(price, [1] * 9, **BOOK, bounds=(0, 2))
    assert bars.tolist() == [4, 7]


@pytest.mark.parametrize(("kind", "parameters"), KINDS)
def test_an_empty_tape_has_no_bars(kind: Callable[..., Ints], parameters: dict[str, Any]) -> None:
    bars = kind([], [], **parameters)
    assert bars.dtype == np.int64
    assert len(bars) == 0


@pytest.mark.parametrize(("kind", "parameters"), KINDS)
def test_bad_tapes_are_refused_by_name_and_position(kind: Callable[..., Ints], parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="unequal lengths: price has 2, size has 1"):
        kind([1.0, 2.0], [1], **parameters)
    with pytest.raises(ValueError, match=r"price\[1\] = 0\.0 is not"):
        kind([1.0, 0.0], [1, 1], **parameters)
    with pytest.raises(ValueError, match=r"size\[1\] = -1\.0 is not a finite size of 0 or more"):
        kind([1.0, 1.0], [1, -1], **parameters)
    with pytest.raises(ValueError, match="measure is 'x'"):
        kind([1.0], [1], **{**parameters, "measure": "x"})


@pytest.mark.parametrize(
    ("kind", "parameter", "value"),
    [
        (imbalance_bars, "expected_ticks", 0.5),
        (imbalance_bars, "span", 0),
        (imbalance_bars, "warmup", -1),
        (imbalance_bars, "warmup", 1.5),
        (imbalance_bars, "noise_floor", -0.1),
        (imbalance_bars, "max_ticks", 0),
        (imbalance_bars, "span", float("nan")),
        (fixed_imbalance_bars, "threshold", 0),
        (threshold_bars, "threshold", float("inf")),
        (afml_imbalance_bars, "bars_span", 0),
        (run_bars, "flow_window", 0),
        (run_bars, "bounds", (5.0, 1.0)),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(kind: Callable[..., Ints], parameter: str, value: object) -> None:
    parameters = next(given for function, given in KINDS if function is kind)
    with pytest.raises(ValueError, match=f"^{parameter} "):
        kind([1.0], [1], **{**parameters, parameter: value})
