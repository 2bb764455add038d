"""Laws of bars over random tapes; that they are their definitions is in ``test_slow_bars``."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.arguments import Ints
from smallcaps_assets.maths.bars import (
    afml_imbalance_bars,
    fixed_imbalance_bars,
    imbalance_bars,
    run_bars,
    threshold_bars,
)
from smallcaps_assets_tests.shared import SHARED, needs_shared

Tape = tuple[list[float], list[int]]

PRICE = st.sampled_from([2.0, 2.25, 2.5, 2.75, 3.0])
TAPES = st.lists(st.tuples(PRICE, st.integers(0, 40)), max_size=120).map(
    lambda ticks: ([price for price, _ in ticks], [size for _, size in ticks])
)
BOOK: dict[str, Any] = {"measure": "volume", "expected_ticks": 4.0, "bars_span": 2, "flow_window": 8}
RULES: list[Callable[..., Ints]] = [
    partial(imbalance_bars, expected_ticks=5, span=20, warmup=6, max_ticks=15),
    partial(fixed_imbalance_bars, measure="dollar", threshold=60.0),
    partial(threshold_bars, measure="volume", threshold=50.0),
    partial(afml_imbalance_bars, **BOOK),
    partial(afml_imbalance_bars, **BOOK, strict=True),
    partial(run_bars, **BOOK),
]


@settings(max_examples=40, deadline=None)
@given(TAPES)
@pytest.mark.parametrize("rule", RULES)
def test_closes_are_ticks_in_order(rule: Callable[..., Ints], tape: Tape) -> None:
    closes = rule(*tape)
    assert closes.dtype == np.int64
    assert (np.diff(closes, prepend=-1) > 0).all()
    assert (closes < len(tape[0])).all()


@settings(max_examples=40, deadline=None)
@given(TAPES, st.integers(0, 120))
@pytest.mark.parametrize("rule", RULES)
def test_what_comes_later_moves_no_close(rule: Callable[..., Ints], tape: Tape, cut: int) -> None:
    price, size = tape
    whole = rule(price, size)
    assert rule(price[:cut], size[:cut]).tolist() == whole[whole < cut].tolist()


@settings(max_examples=40, deadline=None)
@given(TAPES)
@pytest.mark.parametrize("rule", RULES[3:] + RULES[:1])
def test_the_unit_of_size_moves_no_close(rule: Callable[..., Ints], tape: Tape) -> None:
    price, size = tape
    assert rule(price, size).tolist() == rule(price, [4 * s for s in size]).tolist()


@settings(max_examples=40, deadline=None)
@given(TAPES)
def test_a_standard_bar_has_its_threshold_only_with_its_last_tick(tape: Tape) -> None:
    closes = threshold_bars(*tape, measure="volume", threshold=50.0)
    opened = 0
    for close in closes.tolist():
        assert sum(tape[1][opened : close + 1]) >= 50 > sum(tape[1][opened:close])
        opened = close + 1
    assert sum(tape[1][opened:]) < 50


@settings(max_examples=40, deadline=None)
@given(TAPES)
def test_a_tape_cut_at_a_close_of_a_standard_bar_gives_the_same_bars_in_two_parts(tape: Tape) -> None:
    price, size = tape
    closes = threshold_bars(price, size, measure="dollar", threshold=90.0)
    for close in closes[:3].tolist():
        rest = threshold_bars(price[close + 1 :], size[close + 1 :], measure="dollar", threshold=90.0)
        assert (rest + close + 1).tolist() == closes[closes > close].tolist()


@settings(max_examples=40, deadline=None)
@given(TAPES, st.integers(1, 20))
def test_no_bar_of_the_default_rule_is_longer_than_max_ticks_after_the_first(tape: Tape, longest: int) -> None:
    closes = imbalance_bars(*tape, expected_ticks=50, warmup=3, max_ticks=longest)
    assert (np.diff(closes) <= longest).all()
    assert (closes >= 3).all()


def test_the_default_rule_makes_bars_of_about_a_third_of_the_expected_ticks_on_a_random_walk() -> None:
    rng = np.random.default_rng(3)
    price = np.round(10 + 0.01 * np.cumsum(rng.choice([-1, 1], 50_000)), 2).clip(0.01)
    closes = imbalance_bars(price, rng.integers(1, 500, 50_000))
    lengths = np.diff(closes)
    assert 20 < np.median(lengths) < 120
    assert (lengths == 1000).mean() < 0.01


@needs_shared
@pytest.mark.parametrize(("name", "ticks_a_bar"), [("lean_ibm_20131007", 35), ("lean_aig_20131008", 28)])
def test_the_default_rule_makes_even_bars_of_real_tapes(name: str, ticks_a_bar: int) -> None:
    ticks = pl.read_parquet(SHARED / f"refvec/inputs/{name}.parquet")
    closes = imbalance_bars(ticks["p"], ticks["s"])
    assert round(ticks.height / len(closes)) == ticks_a_bar
    assert np.diff(closes).max() < 1000


def test_a_block_does_not_freeze_the_default_rule_as_it_freezes_the_book() -> None:
    rng = np.random.default_rng(5)
    price = 10 + 0.01 * np.cumsum(rng.choice([-1, 0, 1], 20_000))
    size = rng.integers(1, 300, 20_000)
    size[160] = 5_000_000
    book = afml_imbalance_bars(
        price, size, measure="dollar", expected_ticks=150, bars_span=3, flow_window=1000, constant=True
    )
    ours = imbalance_bars(price, size)
    assert len(book) < 5
    assert len(ours) > 200
