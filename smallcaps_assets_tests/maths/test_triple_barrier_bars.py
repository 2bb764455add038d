"""First touches on bars: what a bar can and cannot tell, and the continuation of a tape."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.triple_barrier import (
    CENSORED,
    BarTouches,
    first_touch,
    first_touch_bars,
    volatility_target,
)
from smallcaps_assets_tests.shared import SHARED, needs_shared

Bar = tuple[float, float, float, float]
VECTORS = SHARED / "refvec/labels"


def touch(bars: list[Bar], **given: Any) -> BarTouches:
    """Entry at the close of bar 0, target 25 %, bars one nanosecond apart."""
    opened, high, low, close = (list(column) for column in zip(*bars, strict=True))
    at = range(len(bars))
    return first_touch_bars(at, opened, high, low, close, [0], [0.25], **{"horizon_ns": len(bars) - 1, **given})


ENTRY: Bar = (100, 100, 100, 100)


@pytest.mark.parametrize(
    ("bar", "side", "label", "ret", "ambiguous"),
    [
        ((100, 125, 99, 105), 1, 1, 0.25, False),  # the high reaches the profit
        ((100, 124.9, 75, 105), 1, -1, -0.25, False),  # the low reaches the loss
        ((100, 125, 75, 105), 1, -1, -0.25, True),  # both: the loss
        ((130, 140, 112, 118), 1, 1, 0.3, False),  # opened beyond the profit: earned the open
        ((70, 85, 65, 80), 1, -1, -0.3, False),  # opened beyond the loss: lost the open
        ((130, 140, 75, 95), 1, -1, -0.25, True),  # both, though it opened beyond the profit
        ((100, 125, 99, 105), -1, -1, -0.25, False),
        ((100, 101, 75, 95), -1, 1, 0.25, False),
        ((70, 75, 65, 72), -1, 1, 0.3, False),
        ((130, 131, 129, 130), -1, -1, -0.3, False),
    ],
)
def test_a_bar_that_touches(bar: Bar, side: int, label: int, ret: float, ambiguous: bool) -> None:
    touches = touch([ENTRY, bar], side=[side])
    assert (touches.label.tolist(), touches.touch.tolist()) == ([label], [1])
    assert touches.ret[0] == pytest.approx(ret)
    assert touches.ambiguous.tolist() == [ambiguous]


def test_the_bars_before_the_touch_and_the_entry_bar_itself_do_not_count() -> None:
    touches = touch([(100, 150, 50, 100), (100, 105, 95, 100), (100, 126, 95, 100)])
    assert (touches.label[0], touches.touch[0]) == (1, 2)


def test_a_horizon_gives_zero_and_the_last_close_inside_it() -> None:
    touches = touch([ENTRY, (100, 105, 95, 104), (104, 200, 104, 150)], horizon_ns=1)
    assert (touches.label[0], touches.touch[0], touches.ret[0]) == (0, 1, pytest.approx(0.04))


def test_without_a_bar_inside_the_horizon_the_entry_bar_is_the_touch() -> None:
    touches = first_touch_bars([0, 100], [9, 9], [9, 9], [9, 9], [9, 9], [0], [0.1], horizon_ns=50)
    assert (touches.label[0], touches.touch[0], touches.ret[0]) == (0, 0, 0.0)


def test_bars_that_end_before_the_horizon_censor() -> None:
    touches = touch([ENTRY, (100, 105, 95, 104)], horizon_ns=2)
    assert (touches.label[0], touches.touch[0], math.isnan(touches.ret[0])) == (CENSORED, -1, True)


def test_a_tape_that_ended_is_continued_from_its_true_entry() -> None:
    # Entered at instant 7 for 80 on a tape that ended; the first whole bar after it ends at 20.
    bars = ([10, 20, 30], [81, 82, 83], [85, 87, 88.5], [79, 80, 82], [82, 83, 88])
    on = first_touch_bars(*bars, [0], [0.1], horizon_ns=23, entry_at=[7], entry_price=[80.0])
    assert (on.label[0], on.touch[0], on.ret[0]) == (1, 2, pytest.approx(0.1))
    over = first_touch_bars(*bars, [0], [0.1], horizon_ns=22, entry_at=[7], entry_price=[80.0])
    assert (over.label[0], over.touch[0], over.ret[0]) == (0, 1, pytest.approx(3 / 80))
    before = first_touch_bars(*bars, [-1], [0.06], horizon_ns=23, entry_at=[7], entry_price=[80.0])
    assert (before.label[0], before.touch[0]) == (1, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"high": [10.0, 9.0]}, r"high\[1\] = 9\.0 is below the bar's open or close"),
        ({"low": [10.0, 10.5]}, r"low\[1\] = 10\.5 is above the bar's open or close"),
        ({"entry": [-1]}, r"entry\[0\] = -1 is no bar, and entry_at and entry_price are not both given"),
        ({"entry": [2]}, r"entry\[0\] = 2 is outside -1\.\.1"),
        ({"entry_at": [1, 2]}, "unequal lengths: entry has 1, entry_at has 2"),
        ({"entry_price": [0.0]}, r"entry_price\[0\] = 0\.0"),
        ({"close": [10.0]}, "unequal lengths: .* close has 1"),
    ],
)
def test_bad_bars_are_refused_by_name_and_position(change: dict[str, Any], message: str) -> None:
    flat = [10.0, 10.0]
    right = {"open_price": flat, "high": flat, "low": flat, "close": flat, "entry": [0], "target": [0.1]}
    with pytest.raises(ValueError, match=message):
        first_touch_bars(**{"at": [0, 1], "horizon_ns": 1, **right, **change})


def test_no_entries_give_no_labels_even_without_bars() -> None:
    touches = first_touch_bars([], [], [], [], [], [], [], horizon_ns=1)
    assert [len(part) for part in touches] == [0, 0, 0, 0]


def test_an_entry_before_any_bar_of_an_empty_table_is_censored() -> None:
    touches = first_touch_bars([], [], [], [], [], [-1], [0.1], horizon_ns=1, entry_at=[0], entry_price=[5.0])
    assert touches.label.tolist() == [CENSORED]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from([90.0, 97.0, 100.0, 103.0, 110.0]), min_size=1), st.integers(0, 40), st.booleans())
def test_bars_of_one_tick_touch_what_the_tape_touches(price: list[float], horizon: int, long: bool) -> None:
    at, entry = np.arange(len(price)), np.arange(len(price))
    given: dict[str, Any] = {"horizon_ns": horizon, "side": np.full(len(price), 1 if long else -1), "profit": 2.0}
    tape = first_touch(at, price, entry, np.full(len(price), 0.03), **given)
    bars = first_touch_bars(at, price, price, price, price, entry, np.full(len(price), 0.03), **given)
    assert bars.label.tolist() == tape.label.tolist()
    assert bars.touch.tolist() == tape.touch.tolist()
    assert bars.ret == pytest.approx(tape.ret, nan_ok=True)
    assert not bars.ambiguous.any()


CASES = {
    "sym1": (1.0, 1.0, False),
    "asym_time_noside": (2.0, 2.0, False),  # the book's snippet uses the profit multiple twice without a side
    "asym": (2.0, 1.0, True),
    "pt_only": (1.0, 0.0, True),
    "novert": (3.0, 3.0, True),
}


@needs_shared
@pytest.mark.parametrize("source", ["small", "mid", "ibm"])
def test_labels_are_those_of_the_book_where_the_conventions_meet(source: str) -> None:
    bars = pl.read_parquet(VECTORS / f"in_bars_{source}.parquet")
    events = pl.read_parquet(VECTORS / f"in_events_{source}.parquet")
    stated = pl.read_parquet(VECTORS / "oracle_labels.parquet").filter(pl.col("input") == source)
    horizon = pl.read_json(VECTORS / "inputs.json")[source].struct.field("horizon_ns").item()
    close, i0 = bars["close"].to_numpy(), events["i0"].to_numpy()
    for (case,), oracle in stated.sort("ev").group_by("case"):
        name = str(case)
        profit, loss, sided = CASES.get(name) or CASES[name.split("_")[0] if name[0] != "p" else "pt_only"]
        counted = "bars" in name
        at = np.arange(len(close)) if counted else bars["t_close"].to_numpy()
        life = 50 if counted else 10**18 if "novert" in name else horizon
        side = events["side"].to_numpy() if sided else None
        ours = first_touch(at, close, i0, events["trgt"], profit=profit, loss=loss, horizon_ns=life, side=side)
        t1, label = oracle["t1"].fill_null(-1).to_numpy(), oracle["label_touch"].fill_nan(0).fill_null(0).to_numpy()
        inside = (t1 >= 0) & (at[t1] <= at[i0] + life)
        touched = inside & (label != 0)
        assert ours.label[touched].tolist() == label[touched].astype(int).tolist(), name
        assert ours.touch[touched].tolist() == t1[touched].tolist(), name
        assert ours.ret[touched] == pytest.approx(oracle["ret_side"].to_numpy()[touched], abs=1e-12), name
        assert np.isin(ours.label[~touched], [0, CENSORED]).all(), name
        assert touched.mean() > 0.3


@needs_shared
@pytest.mark.parametrize("source", ["small", "mid", "ibm"])
def test_the_volatility_target_is_that_of_the_vectors_which_begin_with_a_return_of_zero(source: str) -> None:
    events = pl.read_parquet(VECTORS / f"in_events_{source}.parquet")
    close = pl.read_parquet(VECTORS / f"in_bars_{source}.parquet")["close"]
    with_a_first_return_of_zero = np.concatenate([close.to_numpy()[:1], close.to_numpy()])
    ours = volatility_target(with_a_first_return_of_zero)[events["i0"].to_numpy() + 1]
    assert ours == pytest.approx(events["trgt"].to_numpy(), rel=1e-9)
