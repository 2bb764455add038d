"""How much of a label is its own: worked by hand, against the slow definition, and against the vectors."""

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.uniqueness import (
    anchor_concurrency,
    average_uniqueness,
    concurrency,
    return_attribution,
    time_decay,
)
from smallcaps_assets_tests.shared import SHARED, needs_shared

VECTORS = SHARED / "refvec"
LABELS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), max_size=25).map(
    lambda labels: ([first for first, _ in labels], [first + life for first, life in labels])
)
Labels = tuple[list[int], list[int]]


def test_concurrency_counts_both_ends_of_each_label() -> None:
    assert concurrency([0, 1, 3], [2, 1, 4], 6).tolist() == [1, 2, 1, 1, 1, 0]


def test_uniqueness_is_the_mean_share_of_each_bar() -> None:
    # Label 0 has bars 0 (1), 1 (½), 2 (½); label 1 bars 1 (½), 2 (½); label 2 bar 4 alone.
    assert average_uniqueness([0, 1, 4], [2, 2, 4], 5).tolist() == pytest.approx([2 / 3, 0.5, 1.0])


def test_two_labels_that_share_an_instant_are_not_unique() -> None:
    assert average_uniqueness([0, 2], [2, 4], 5).tolist() == pytest.approx([5 / 6, 5 / 6])


def test_a_label_alone_is_exactly_unique_after_thousands_that_are_not() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 5000, 20_000)
    last = first + rng.integers(0, 40, 20_000)
    unique = average_uniqueness([*first, 6000], [*last, 6500], 7000)
    assert unique[-1] == 1.0
    assert (unique > 0).all()
    assert (unique <= 1).all()


def test_shares_are_summed_without_loss_over_a_long_tape() -> None:
    bars = 3000
    first, last = [0, 0, 1], [bars - 1, bars - 1, bars - 1]  # two everywhere, three but at the first bar
    assert average_uniqueness(first, last, bars) == pytest.approx(
        [(0.5 + (bars - 1) / 3) / bars] * 2 + [1 / 3], rel=1e-14
    )


def test_anchor_concurrency_counts_the_labels_alive_at_the_start() -> None:
    assert anchor_concurrency([5, 0, 1, 3], [6, 3, 1, 4]).tolist() == [1, 1, 2, 2]


def test_labels_that_start_together_count_each_other() -> None:
    assert anchor_concurrency([1, 1], [1, 5]).tolist() == [2, 2]


def test_a_return_is_shared_by_the_labels_that_earned_it() -> None:
    # Log returns 1, 2, 4 % into bars 1, 2, 3; label 0 earns bars 1 and 2, label 1 bars 2 and 3: bar 2 is halved.
    close = np.exp(np.cumsum([0.0, 0.01, 0.02, 0.04]))
    assert return_attribution([0, 1], [2, 3], close).tolist() == pytest.approx([0.02, 0.05])


def test_the_book_counts_the_return_into_the_entry_bar_and_the_default_does_not() -> None:
    close = np.exp(np.cumsum([0.0, 0.05, 0.01]))
    assert return_attribution([1], [2], close).tolist() == pytest.approx([0.01])
    assert return_attribution([1], [2], close, entry_return=True).tolist() == pytest.approx([0.06])


def test_labels_back_to_back_share_no_earned_return() -> None:
    close = np.exp(np.cumsum([0.0, 0.01, 0.02, 0.03]))
    assert return_attribution([0, 1], [1, 3], close).tolist() == pytest.approx([0.01, 0.05])


def test_a_label_of_one_bar_earned_nothing_and_a_loss_counts_as_its_size() -> None:
    assert return_attribution([0, 0], [0, 1], [10.0, 5.0]).tolist() == pytest.approx([0.0, np.log(2)])


def test_the_first_bar_has_no_return() -> None:
    assert return_attribution([0], [0], [10.0, 20.0], entry_return=True).tolist() == [0.0]


def test_decay_halves_with_each_half_life() -> None:
    assert time_decay([0, 10, 20, 5], half_life_days=10).tolist() == pytest.approx([1, 0.5, 0.25, 0.5**0.5])


def test_no_labels_have_no_uniqueness() -> None:
    assert concurrency([], [], 3).tolist() == [0, 0, 0]
    assert concurrency([], [], 0).tolist() == []
    for empty in (average_uniqueness([], [], 3), return_attribution([], [], [1.0]), time_decay([], half_life_days=1)):
        assert empty.dtype == np.float64
        assert len(empty) == 0
    assert anchor_concurrency([], []).tolist() == []


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        ([0, 2], [1, 1], r"last\[1\] = 1 lies before its first"),
        ([0, 3], [1, 3], r"first\[1\] = 3 is outside 0\.\.2"),
        ([0, 1], [1, 3], r"last\[1\] = 3 is outside 0\.\.2"),
        ([-1], [1], r"first\[0\] = -1 is outside"),
        ([0], [1, 2], "unequal lengths: first has 1, last has 2"),
        ([0.5], [1], "first is float64, not an integer array"),
    ],
)
def test_labels_outside_the_bars_are_refused(first: list[int], last: list[int], message: str) -> None:
    for measure in (concurrency, average_uniqueness):
        with pytest.raises(ValueError, match=message):
            measure(first, last, 3)
    with pytest.raises(ValueError, match=message):
        return_attribution(first, last, [1.0, 1.0, 1.0])


def test_other_bad_arguments_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="bars is -1"):
        concurrency([], [], -1)
    with pytest.raises(ValueError, match=r"end\[0\] = 0 lies before its start"):
        anchor_concurrency([1], [0])
    with pytest.raises(ValueError, match=r"close\[1\] = 0\.0"):
        return_attribution([0], [1], [1.0, 0.0])
    with pytest.raises(ValueError, match=r"age_days\[1\] = -1\.0"):
        time_decay([0, -1], half_life_days=1)
    with pytest.raises(ValueError, match="half_life_days is 0"):
        time_decay([0], half_life_days=0)


@settings(max_examples=100, deadline=None)
@given(LABELS)
def test_every_measure_is_its_definition(labels: Labels) -> None:
    first, last = labels
    alive = [sum(f <= t <= e for f, e in zip(first, last, strict=True)) for t in range(40)]
    assert concurrency(first, last, 40).tolist() == alive
    unique = [np.mean([1 / alive[t] for t in range(f, e + 1)]) for f, e in zip(first, last, strict=True)]
    assert average_uniqueness(first, last, 40) == pytest.approx(np.array(unique), rel=1e-14)
    anchors = [sum(f <= anchor <= e for f, e in zip(first, last, strict=True)) for anchor in first]
    assert anchor_concurrency(first, last).tolist() == anchors
    returns = np.random.default_rng(0).normal(0, 0.01, 40)
    close = np.exp(np.cumsum(returns))
    earned = [sum(f < t <= e for f, e in zip(first, last, strict=True)) for t in range(40)]
    shares = [abs(sum(returns[t] / earned[t] for t in range(f + 1, e + 1))) for f, e in zip(first, last, strict=True)]
    assert return_attribution(first, last, close) == pytest.approx(np.array(shares), abs=1e-13)


@settings(max_examples=60, deadline=None)
@given(LABELS)
def test_uniqueness_is_in_zero_to_one_and_sums_to_the_bars_in_use(labels: Labels) -> None:
    first, last = labels
    unique = average_uniqueness(first, last, 40)
    assert ((unique > 0) & (unique <= 1)).all()
    lives = np.array(last, dtype=float) - first + 1
    assert (unique * lives).sum() == pytest.approx((concurrency(first, last, 40) > 0).sum())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=20))
def test_disjoint_labels_are_unique(gaps: list[tuple[int, int]]) -> None:
    first, last, bar = [], [], 0
    for gap, life in gaps:
        first.append(bar + gap)
        last.append(bar + gap + life)
        bar += gap + life + 1
    assert average_uniqueness(first, last, bar).tolist() == [1.0] * len(gaps)


@needs_shared
@pytest.mark.parametrize("source", ["small", "mid", "ibm"])
def test_the_vectors_have_the_same_weights(source: str) -> None:
    stated: dict[str, Any] = json.loads((VECTORS / "weights/oracle_weights.json").read_text())[source]
    labels = pl.read_parquet(VECTORS / f"weights/in_intervals_{source}.parquet")
    close = pl.read_parquet(VECTORS / f"labels/in_bars_{source}.parquet")["close"].to_numpy()
    first, last = labels["i0"].to_numpy(), labels["t1"].to_numpy()
    assert concurrency(first, last, len(close)).tolist() == stated["conc"]
    assert average_uniqueness(first, last, len(close)) == pytest.approx(np.array(stated["u"]), abs=1e-12)
    assert anchor_concurrency(first, last).tolist() == stated["anchor_conc"]
    book = return_attribution(first, last, close, entry_return=True)
    assert book * len(book) / book.sum() == pytest.approx(np.array(stated["w_ret"]), abs=1e-9)
    earned = return_attribution(first, last, close)
    assert earned * len(earned) / earned.sum() == pytest.approx(np.array(stated["w_ret_halfopen"]), abs=1e-9)
