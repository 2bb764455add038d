"""The compiled bars are their definitions, read in plain Python with every mean summed afresh, on random tapes.

A tape on which some |θ| lies within 1e-9 of its threshold is not compared: there a close is a matter of rounding.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.bars import (
    Measure,
    afml_imbalance_bars,
    bar_table,
    fixed_imbalance_bars,
    imbalance_bars,
    run_bars,
    threshold_bars,
)

MEASURE = st.sampled_from(["tick", "volume", "dollar"])


class Tape(NamedTuple):
    """Prices and sizes of a tape."""

    price: list[float]
    size: list[float]

    def quantities(self, measure: Measure) -> list[float]:
        """1, shares or dollars of each tick."""
        ticks = zip(self.price, self.size, strict=True)
        return [1.0 if measure == "tick" else size if measure == "volume" else price * size for price, size in ticks]

    def flow(self, measure: Measure) -> list[float]:
        """The quantities with the sign of the last change of price."""
        sign, before, flows = 0, math.nan, []
        for price, quantity in zip(self.price, self.quantities(measure), strict=True):
            sign = 1 if price > before else -1 if price < before else sign
            before = price
            flows.append(sign * quantity)
        return flows


@st.composite
def tapes(draw: st.DrawFn, longest: int = 250) -> Tape:
    """Steps of some per cent from 5 dollars, often none; sizes without a common unit, some of them blocks."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    ticks = int(rng.integers(longest))
    price = 5 * np.exp(np.cumsum(rng.choice([-0.0537, 0.0, 0.0541], ticks, p=[0.3, 0.4, 0.3])))
    blocks = np.where(rng.random(ticks) < 0.02, 50.0, 1.0)
    return Tape(price.tolist(), (rng.lognormal(4, 1, ticks) * blocks).tolist())


def decided(theta: float, threshold: float, strict: bool = False) -> bool:
    """Whether a bar closes; the whole example is left out where that is a matter of rounding."""
    assume(abs(theta - threshold) > 1e-9 * max(abs(theta), abs(threshold)) or theta == threshold == 0.0)
    return theta > threshold if strict else theta >= threshold


def mean(values: Sequence[float], span: float) -> float:
    """Exponentially weighted, the last value with weight 1, the one before with 1 − 2/(span+1), and so on."""
    weights = [(1 - 2 / (span + 1)) ** back for back in range(len(values))]
    return math.fsum(w * v for w, v in zip(weights, reversed(values), strict=True)) / math.fsum(weights)


def recent(values: Sequence[float], window: int) -> float:
    """The mean of the last ``min(n, window)`` with a span of that number."""
    last = values[-window:]
    return mean(last, len(last))


def plain_imbalance(
    flow: list[float], expected: float, span: float, warmup: int, floor: float, longest: int
) -> Iterator[int]:
    """AFML 2.3.2.1 with expectations over the ticks before, a floor of noise and a longest bar."""
    opened = 0
    for i in range(max(warmup, 1), len(flow)):
        size_of = mean([abs(f) for f in flow[:i]], span)
        threshold = max(expected * abs(mean(flow[:i], span)), floor * math.sqrt(expected) * size_of)
        if decided(abs(math.fsum(flow[opened : i + 1])), threshold) or i + 1 - opened >= longest:
            yield i
            opened = i + 1


def plain_cumulated(flow: list[float], threshold: float) -> Iterator[int]:
    """Closes where the sum since the last close reaches the threshold."""
    opened = 0
    for i in range(len(flow)):
        if decided(abs(math.fsum(flow[opened : i + 1])), threshold):
            yield i
            opened = i + 1


class Book(NamedTuple):
    """Parameters of the book's bars."""

    expected_ticks: int
    bars_span: int
    flow_window: int
    bounds: tuple[float, float]
    constant: bool
    strict: bool

    def length(self, lengths: list[float], expected: float) -> float:
        """E[T] after a close."""
        if self.constant:
            return expected
        low, high = self.bounds
        return min(max(mean(lengths[-self.bars_span :], self.bars_span), low), high)


def plain_book_imbalance(flow: list[float], book: Book) -> Iterator[int]:
    """AFML 2.3.2.1 as the libraries have it: E[T] from bar lengths, E[f] from a window, refreshed at closes."""
    expected: float = book.expected_ticks
    opened, lengths, expected_flow = 0, list[float](), math.nan
    for i in range(len(flow)):
        if not lengths and math.isnan(expected_flow) and i + 1 >= expected:
            expected_flow = recent(flow[: i + 1], book.flow_window)
        if math.isnan(expected_flow):
            continue
        if decided(abs(math.fsum(flow[opened : i + 1])), expected * abs(expected_flow), book.strict):
            yield i
            lengths.append(i + 1 - opened)
            opened = i + 1
            expected = book.length(lengths, expected)
            enough = i + 1 >= expected or not book.strict
            expected_flow = recent(flow[: i + 1], book.flow_window) if enough else math.nan


def plain_runs(flow: list[float], book: Book) -> Iterator[int]:
    """AFML 2.3.2.3: the larger of the bar's buy and sell flow against the larger of their expectations."""
    expected: float = book.expected_ticks
    opened, lengths, shares, begun = 0, list[float](), list[float](), False
    share = buy = sell = math.nan
    for i in range(len(flow)):
        bar = flow[opened : i + 1]
        bought, sold = [f for f in flow[: i + 1] if f > 0], [-f for f in flow[: i + 1] if f < 0]
        buys = sum(f > 0 for f in bar) / len(bar)
        if not begun and min(len(bought), len(sold)) >= expected:
            begun, share = True, buys
            buy, sell = recent(bought, book.flow_window), recent(sold, book.flow_window)
        if not begun:
            continue
        theta = max(math.fsum(f for f in bar if f > 0), math.fsum(-f for f in bar if f < 0))
        if decided(theta, expected * max(share * buy, (1 - share) * sell), book.strict):
            yield i
            lengths.append(len(bar))
            shares.append(buys)
            opened = i + 1
            expected = book.length(lengths, expected)
            share = mean(shares[-book.bars_span :], book.bars_span)
            buy, sell = recent(bought, book.flow_window), recent(sold, book.flow_window)


BOOKS = st.builds(
    Book,
    st.integers(1, 12),
    st.integers(1, 4),
    st.integers(1, 40),
    st.sampled_from([(0.0, math.inf), (3.0, 20.0), (30.0, 60.0)]),
    st.booleans(),
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(
    tapes(),
    MEASURE,
    st.sampled_from([1.0, 4.0, 20.0]),
    st.sampled_from([1.0, 9.0, 50.0, 1000.0]),
    st.integers(0, 30),
    st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    st.integers(1, 80),
)
def test_imbalance_bars_are_their_definition(
    tape: Tape, measure: Measure, expected: float, span: float, warmup: int, floor: float, longest: int
) -> None:
    ours = imbalance_bars(
        *tape, measure=measure, expected_ticks=expected, span=span, warmup=warmup, noise_floor=floor, max_ticks=longest
    )
    flow = tape.flow(measure)
    plain = list(plain_imbalance(flow, expected, span, warmup, floor, longest))
    # at tick 0 there is no expectation: only the longest bar closes it
    first = [0] if warmup == 0 and longest == 1 and flow else []
    assert ours.tolist() == first + plain


@settings(max_examples=80, deadline=None)
@given(tapes(), MEASURE, st.sampled_from([0.5, 3.0, 20.0]))
def test_fixed_and_standard_bars_are_their_definition(tape: Tape, measure: Measure, multiple: float) -> None:
    quantities = tape.quantities(measure)
    threshold = multiple * (float(np.mean(quantities)) if quantities else 1.0)
    fixed = fixed_imbalance_bars(*tape, measure=measure, threshold=threshold)
    assert fixed.tolist() == list(plain_cumulated(tape.flow(measure), threshold))
    standard = threshold_bars(*tape, measure=measure, threshold=threshold)
    assert standard.tolist() == list(plain_cumulated(quantities, threshold))


@settings(max_examples=120, deadline=None)
@given(tapes(), st.sampled_from(["volume", "dollar"]), BOOKS)
def test_the_books_imbalance_bars_are_their_definition(tape: Tape, measure: Measure, book: Book) -> None:
    ours = afml_imbalance_bars(*tape, measure=measure, **book._asdict())
    assert ours.tolist() == list(plain_book_imbalance(tape.flow(measure), book))


@settings(max_examples=120, deadline=None)
@given(tapes(), st.sampled_from(["volume", "dollar"]), BOOKS)
def test_run_bars_are_their_definition(tape: Tape, measure: Measure, book: Book) -> None:
    ours = run_bars(*tape, measure=measure, **book._asdict())
    assert ours.tolist() == list(plain_runs(tape.flow(measure), book))


RULES: list[Any] = [
    lambda tape: imbalance_bars(*tape, expected_ticks=5, span=20, warmup=6, max_ticks=15),
    lambda tape: fixed_imbalance_bars(*tape, measure="dollar", threshold=900.0),
    lambda tape: threshold_bars(*tape, measure="volume", threshold=300.0),
    lambda tape: run_bars(*tape, measure="volume", expected_ticks=4, bars_span=2, flow_window=8),
]


@settings(max_examples=40, deadline=None)
@given(tapes())
@pytest.mark.parametrize("rule", RULES)
def test_bars_of_every_rule_conserve_volume_and_ticks_up_to_the_last_close(rule: Any, tape: Tape) -> None:
    closes = rule(tape)
    table = bar_table(range(len(tape.price)), *tape, closes)
    barred = int(closes[-1]) + 1 if len(closes) else 0
    assert table["ticks"].sum() == barred
    assert table["volume"].sum() == pytest.approx(math.fsum(tape.size[:barred]))
    flows = tape.flow("volume")[:barred]
    assert table["buy_volume"].sum() == pytest.approx(math.fsum(f for f in flows if f > 0))
    assert table["sell_volume"].sum() == pytest.approx(math.fsum(-f for f in flows if f < 0))


@settings(max_examples=40, deadline=None)
@given(tapes(), st.sampled_from([2.0**-13, 0.5, 2.0**13]))
def test_the_unit_of_price_moves_no_close_of_the_default_rule(tape: Tape, scale: float) -> None:
    """By a power of two, so that no rounding differs; 2**13 is about the factor of a split of 1 for 10,000."""
    scaled = Tape([scale * price for price in tape.price], tape.size)
    given_rule: dict[str, Any] = {"expected_ticks": 5, "span": 20, "warmup": 6, "max_ticks": 15}
    assert imbalance_bars(*scaled, **given_rule).tolist() == imbalance_bars(*tape, **given_rule).tolist()
