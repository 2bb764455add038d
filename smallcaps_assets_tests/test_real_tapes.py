"""The report on recorded tapes: what it says of two of them, and that a redrawn tape has no drift."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from smallcaps_assets_tests.real_tapes import (
    SESSIONS,
    Shares,
    chain,
    labels_table,
    middle,
    redrawn,
    tapes_table,
    wilson,
)
from smallcaps_assets_tests.shared import SHARED, needs_shared_compiled

BARS = pl.DataFrame({"ticks": [2, 1, 2], "close": [110.0, 99.0, 101.0]})
TICKS = pl.DataFrame({"at": range(6), "price": [100.0, 110.0, 99.0, 100.0, 101.0, 102.0]})


class Signs:
    """Draws the given signs."""

    def __init__(self, *signs: float) -> None:
        self.signs = np.array(signs)

    def choice(self, values: list[float], count: int) -> np.ndarray:
        assert (values, count) == ([-1.0, 1.0], len(self.signs))
        return self.signs


def walked(*signs: float) -> tuple[list[float], list[float]]:
    ticks, bars = redrawn(TICKS, BARS, Signs(*signs))  # type: ignore[arg-type]
    assert ticks["at"].to_list() == list(range(6))
    return ticks["price"].to_list(), bars["close"].to_list()


def test_with_every_sign_kept_the_redrawn_tape_is_the_tape() -> None:
    price, close = walked(1, 1, 1, 1)
    assert price == pytest.approx(TICKS["price"].to_list())
    assert close == pytest.approx(BARS["close"].to_list())


def test_a_bar_turned_over_moves_by_the_same_returns_on_the_close_before_it_the_other_way() -> None:
    # bar 0 rose 10 %: it falls to 90; bar 1 falls 10 % again: to 81; bar 2 rose 1/99 and 2/99: it falls by them
    price, close = walked(-1, 1, -1, 1)
    last = 81 * (1 - 2 / 99)
    assert price == pytest.approx([100, 90, 81, 81 * (1 - 1 / 99), last, last * (1 + 1 / 101)])
    assert close == pytest.approx([90, 81, last])


def test_redrawn_closes_have_no_drift() -> None:
    rng = np.random.default_rng(3)
    ends = [redrawn(TICKS, BARS, rng)[1]["close"][-1] for _ in range(4000)]
    assert np.mean(ends) == pytest.approx(100, abs=4 * np.std(ends) / 4000**0.5)


def test_an_interval_of_few_labels_is_wide_and_stays_between_0_and_1() -> None:
    # (p + z²/2n ± z√(p(1−p)/n + z²/4n²)) / (1 + z²/n), with z² = 3.8415: n = 10, p = 0 gives 0 and 0.2775
    assert wilson(0.0, 10) == pytest.approx((0.0, 0.27753), abs=1e-5)
    assert wilson(0.5, 100) == pytest.approx((0.40383, 0.59617), abs=1e-5)


def test_draws_that_touched_nothing_are_left_out_of_the_share_among_the_touched() -> None:
    mean, low, high = middle(np.array([[np.nan, 0, 1, 0], [0.25, 0.1, 0.6, 0.3], [0.75, 0.3, 0.6, 0.1]]))
    assert mean == pytest.approx(Shares(0.5, 0.4 / 3, 2.2 / 3, 0.4 / 3))
    assert (low.up_of_touched, high.up_of_touched) == pytest.approx((0.2625, 0.7375))


@needs_shared_compiled
def test_the_report_of_two_recorded_tapes() -> None:
    found = chain(SHARED, {ticker: SESSIONS[ticker] for ticker in ("AIG", "VXRT")})
    lengths = tapes_table(found).select("ticker", "ticks", "tapes", "bars", "median", "longest").rows()
    assert lengths == [("AIG", 25_348, 1, 878, 17.0, 357), ("VXRT", 36_415, 11, 943, 25.0, 426)]
    labels = labels_table(found, draws=2, seed=1)
    assert labels.select("session", "ticker", "set", "1", "0", "-1", "censored").rows() == [
        (date(2013, 10, 7), "AIG", "volatility", 153, 368, 355, 0),
        (date(2013, 10, 7), "AIG", "plain", 0, 878, 0, 0),
        (date(2020, 3, 17), "VXRT", "volatility", 192, 266, 457, 18),
        (date(2020, 3, 17), "VXRT", "plain", 101, 606, 140, 96),
    ]
    assert labels["weights"].to_list() == pytest.approx([1.0] * 4)
    assert labels["formula"].to_list() == pytest.approx([0.4] * 4)
    judged = labels.filter(pl.col("touched") > 0)
    # some 55, 80 and 7 labels without overlap: no share is far from the walk's 0.4
    assert judged["touched"].to_list() == pytest.approx([54.8, 80.3, 6.6], abs=0.05)
    assert ((judged["low"] < judged["formula"]) & (judged["formula"] < judged["high"])).all()
