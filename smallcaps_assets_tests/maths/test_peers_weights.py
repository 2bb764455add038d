"""Concurrency, uniqueness and return attribution beside seven other libraries: what is equal, what another formula."""

import json
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from smallcaps_assets.maths.arguments import Floats, Ints
from smallcaps_assets.maths.uniqueness import (
    anchor_concurrency,
    average_uniqueness,
    concurrency,
    return_attribution,
    time_decay,
)
from smallcaps_assets_tests.shared import SHARED, needs_shared

VECTORS = SHARED / "refvec"
SOURCES = ("small", "mid", "ibm")
WITH_UNIQUENESS = ("mlfinlab08", "mlfinpy", "risklabai", "finmlkit", "pymlfinance", "ml4t")


class Labels(NamedTuple):
    """Intervals of bars, and the bars' closes."""

    first: Ints
    last: Ints
    close: Floats


@cache
def labels(source: str) -> Labels:
    rows = pl.read_parquet(VECTORS / f"weights/in_intervals_{source}.parquet")
    close = pl.read_parquet(VECTORS / f"labels/in_bars_{source}.parquet")["close"].to_numpy()
    return Labels(rows["i0"].to_numpy(), rows["t1"].to_numpy(), close)


@cache
def stated(file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / f"weights/{file}_weights.json").read_text())
    return found


def mean_one(weight: Floats) -> Floats:
    """Scaled to sum to their number, as the libraries do."""
    return np.asarray(weight * len(weight) / weight.sum())


@needs_shared
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("peer", WITH_UNIQUENESS)
def test_concurrency_is_equal_and_uniqueness_but_for_rounding(peer: str, source: str) -> None:
    first, last, close = labels(source)
    theirs = stated("peers")[peer][source]
    assert concurrency(first, last, len(close)).tolist() == theirs["conc"]
    np.testing.assert_allclose(average_uniqueness(first, last, len(close)), theirs["u"], rtol=0, atol=2e-15)


@needs_shared
@pytest.mark.parametrize(("source", "closed", "half_open"), [("small", 0.870, 1.0), ("mid", 0.584, 0.736)])
def test_half_open_uniqueness_is_ours_of_the_bars_after_the_entry(source: str, closed: float, half_open: float) -> None:
    """The mean rises by so much where labels that follow each other no longer share the instant between them."""
    first, last, close = labels(source)
    ours = average_uniqueness(first + 1, last, len(close))
    np.testing.assert_allclose(ours, stated("oracle")[source]["u_halfopen"], rtol=0, atol=2e-15)
    means = float(average_uniqueness(first, last, len(close)).mean()), float(ours.mean())
    assert means == pytest.approx((closed, half_open), abs=0.0005)


@needs_shared
def test_half_open_uniqueness_has_no_value_for_a_label_of_no_length() -> None:
    first, last, close = labels("ibm")
    lived = first < last
    assert (~lived).sum() == 1
    ours = average_uniqueness(first[lived] + 1, last[lived], len(close))
    theirs = np.array(stated("oracle")["ibm"]["u_halfopen"], dtype=np.float64)
    np.testing.assert_allclose(ours, theirs[lived], rtol=0, atol=2e-15)


@needs_shared
@pytest.mark.parametrize("source", SOURCES)
def test_the_books_return_attribution_is_that_of_mlfinlab_mlfinpy_and_finmlkit(source: str) -> None:
    first, last, close = labels(source)
    book = return_attribution(first, last, close, entry_return=True)
    for peer in ("mlfinlab08", "mlfinpy", "finmlkit"):
        np.testing.assert_allclose(mean_one(book), stated("peers")[peer][source]["w_ret"], rtol=0, atol=4e-12)
    np.testing.assert_allclose(book, stated("oracle")[source]["w_ret_raw"], rtol=0, atol=1e-15)
    earned = mean_one(return_attribution(first, last, close))
    np.testing.assert_allclose(earned, stated("oracle")[source]["w_ret_halfopen"], rtol=0, atol=4e-12)


@needs_shared
@pytest.mark.parametrize(("source", "correlation"), [("small", 0.084), ("mid", 0.584), ("ibm", 0.305)])
def test_the_return_into_the_entry_bar_makes_the_books_weights_others(source: str, correlation: float) -> None:
    first, last, close = labels(source)
    book, earned = (return_attribution(first, last, close, entry_return=entry) for entry in (True, False))
    assert np.corrcoef(book, earned)[0, 1] == pytest.approx(correlation, abs=0.0005)


@needs_shared
@pytest.mark.parametrize(
    ("source", "risklabai", "ml4t"), [("small", 0.240, 0.100), ("mid", 0.494, 0.555), ("ibm", 0.330, 0.332)]
)
def test_two_peers_attribute_returns_by_another_formula(source: str, risklabai: float, ml4t: float) -> None:
    """RiskLabAI: Σ|r|/c, so that a path up and down again counts twice; ml4t: |return| × uniqueness, as our weights."""
    first, last, close = labels(source)
    alive = np.maximum(concurrency(first, last, len(close)), 1)
    moved = np.concatenate([[0.0], np.abs(np.diff(np.log(close)))]) / alive
    travelled = np.array([moved[low : high + 1].sum() for low, high in zip(first, last, strict=True)])
    simple = np.abs(close[last] / close[first] - 1.0) * average_uniqueness(first, last, len(close))
    book = return_attribution(first, last, close, entry_return=True)
    for peer, formula, correlation in (("risklabai", travelled, risklabai), ("ml4t", simple, ml4t)):
        theirs = np.array(stated("peers")[peer][source]["w_ret"])
        np.testing.assert_allclose(theirs, mean_one(formula), rtol=0, atol=1e-12)
        assert np.corrcoef(book, theirs)[0, 1] == pytest.approx(correlation, abs=0.0005)


@needs_shared
@pytest.mark.parametrize("source", SOURCES)
def test_the_first_systems_weight_is_the_simple_return_over_anchor_concurrency(source: str) -> None:
    first, last, close = labels(source)
    anchors = anchor_concurrency(first, last)
    assert anchors.tolist() == stated("oracle")[source]["anchor_conc"]
    raw = np.abs(close[last] / close[first] - 1.0) / anchors
    np.testing.assert_allclose(raw / raw.sum(), stated("oracle")[source]["seed_w"], rtol=0, atol=1e-15)


@needs_shared
@pytest.mark.parametrize("source", SOURCES)
def test_one_over_the_overlapping_labels_is_at_most_the_uniqueness(source: str) -> None:
    """hpicsk's measure counts each label met once, however briefly: it is lower by up to 0.6."""
    first, last, close = labels(source)
    unique = average_uniqueness(first, last, len(close))
    theirs = np.array(stated("peers")["hpicsk"][source]["inv_overlap"])
    met = [((first <= high) & (last >= low)).sum() for low, high in zip(first, last, strict=True)]
    np.testing.assert_allclose(theirs, 1.0 / np.array(met), rtol=0, atol=1e-15)
    assert (theirs <= unique + 1e-15).all()
    assert 0.5 < (unique - theirs).max() <= 0.6 + 1e-12


@needs_shared
def test_the_books_decay_is_in_labels_and_ours_in_days() -> None:
    """The book's falls along a line of cumulated uniqueness to ``c`` at the oldest; ours halves with the half-life."""
    first, last, close = labels("mid")
    unique = average_uniqueness(first, last, len(close))
    lived = np.cumsum(unique)
    for peer in ("mlfinlab08", "mlfinpy", "finmlkit", "risklabai"):
        line = 0.5 + 0.5 * lived / lived[-1]
        np.testing.assert_allclose(stated("peers")[peer]["mid"]["decay_0.5"], line, rtol=0, atol=1e-12)
    assert np.ptp(time_decay(np.zeros(len(first)), half_life_days=90)) == 0.0  # labels of one session are one age
