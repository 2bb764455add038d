"""The probability of backtest overfitting: by hand, against the slow definition, and against the vectors."""

import json
from collections.abc import Callable
from itertools import combinations
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from smallcaps_assets.maths.overfitting import backtest_overfitting
from smallcaps_assets_tests.shared import SHARED, needs_shared


def ratio(half: Any) -> Any:
    return half.mean(axis=0) / half.std(axis=0, ddof=1)


def mean(half: Any) -> Any:
    return half.mean(axis=0)


def slow_places(table: Any, blocks: int, score: Callable[[Any], Any]) -> list[float]:
    """Place outside of the best inside, split by split."""
    parts, places = np.array_split(table, blocks), []
    for chosen in combinations(range(blocks), blocks // 2):
        inside = np.vstack([parts[block] for block in chosen])
        outside = np.vstack([parts[block] for block in range(blocks) if block not in chosen])
        places.append(float(rankdata(score(outside))[np.argmax(score(inside))]))
    return places


def test_what_is_best_in_each_half_alone_is_overfitted_by_hand() -> None:
    good, bad = [0.02, 0.01, 0.02, 0.01], [-0.01, 0.01, -0.01, 0.01]
    # each is best in its half and worst in the other: place 1 of 2, 1/3 against 2/3
    found = backtest_overfitting(np.column_stack([good + bad, bad + good]), blocks=2)
    assert found.probability == 1.0
    assert found.logits.tolist() == pytest.approx([log(0.5)] * 2)


def test_the_middle_counts_as_overfitted_and_equals_share_their_place() -> None:
    column = [0.02, 0.01, 0.03, -0.01]
    found = backtest_overfitting(np.column_stack([column, column, column]), blocks=2)
    assert found.logits.tolist() == [0.0, 0.0]
    assert found.probability == 1.0


def test_a_configuration_that_did_not_trade_in_a_half_has_a_ratio_of_zero_there() -> None:
    idle, loses = [0.0, 0.0, 0.02, 0.01], [-0.02, -0.01, -0.02, -0.01]
    found = backtest_overfitting(np.column_stack([loses, idle]), blocks=2)
    assert found.probability == 0.0
    assert found.logits.tolist() == pytest.approx([log(2), log(2)])


def test_noise_is_overfitted_about_half_the_time_and_skill_never() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.01, (400, 20))
    often = [backtest_overfitting(rng.normal(0, 0.01, (160, 20)), 8).probability for _ in range(60)]
    assert np.mean(often) == pytest.approx(0.5, abs=0.1)
    assert backtest_overfitting(noise + np.arange(20) * 0.002, 10).probability == 0.0


def test_bad_arguments_are_refused_by_name_and_place() -> None:
    table = np.random.default_rng(0).normal(size=(20, 3))
    for blocks in (3, 0, 12):
        with pytest.raises(ValueError, match=f"blocks is {blocks}"):
            backtest_overfitting(table, blocks)
    with pytest.raises(ValueError, match=r"shape \(20, 1\)"):
        backtest_overfitting(table[:, :1], 2)
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        backtest_overfitting(table[0], 2)
    table[4, 1] = np.nan
    with pytest.raises(ValueError, match=r"returns\[4, 1\] = nan is not finite"):
        backtest_overfitting(table, 2)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6), st.sampled_from([2, 4, 6]), st.integers(0, 5))
def test_it_is_its_definition(seed: int, configurations: int, blocks: int, more: int) -> None:
    table = np.random.default_rng(seed).normal(0, 0.01, (blocks * 3 + more, configurations))
    share = np.array(slow_places(table, blocks, ratio)) / (configurations + 1)
    found = backtest_overfitting(table, blocks)
    assert found.logits == pytest.approx(np.log(share / (1 - share)))
    assert found.probability == np.mean(share <= 0.5)


@needs_shared
def test_the_vectors_have_the_same_probability_and_pymlfinance_chooses_by_the_mean() -> None:
    stated: dict[str, Any] = json.loads((SHARED / "refvec/stats/stats.json").read_text())
    table = np.load(SHARED / "refvec/stats/returns_240x10.npy")
    found = backtest_overfitting(table, 8)
    for peer in ("oracle", "risklabai", "purgedcv"):
        assert found.probability == stated["pbo8"][peer] == 38 / 70
    assert found.logits.mean() == pytest.approx(stated["lam_mean"]["oracle"], abs=1e-14)
    # not by the Sharpe ratio: 39 of its 70 splits are at or below the middle
    assert np.mean(np.array(slow_places(table, 8, mean)) / 11 <= 0.5) == stated["pbo8"]["pymlfinance_cscv"][0]
