"""Price bands at their boundaries: classes, tiers, doubled stretches and their dates, the cent, the reference price."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest

from smallcaps_assets import sessions
from smallcaps_assets.maths.luld_bands import AMENDED_SINCE, MINUTE, bands, doubled, reference_prices

NAN = float("nan")


def band(previous_close: float, reference: float, *, tier: int = 2, double: bool = False) -> tuple[float, float]:
    found = bands([reference], [previous_close], [tier], [double])
    return round(float(found.lower[0]), 9), round(float(found.upper[0]), 9)


@pytest.mark.parametrize(
    ("previous_close", "reference", "tier", "double", "expected"),
    [
        (2.00, 2.00, 2, False, (1.60, 2.40)),
        (3.00, 3.00, 2, False, (2.40, 3.60)),  # 3.00 is of the class of 20 %
        (3.01, 3.01, 2, False, (2.71, 3.31)),  # 2.709 and 3.311
        (3.01, 3.01, 1, False, (2.86, 3.16)),  # 2.8595 and 3.1605
        (0.75, 0.75, 2, False, (0.60, 0.90)),  # 0.75 is of the class of 20 %
        (0.74, 0.74, 2, False, (0.59, 0.89)),  # 0.15 USD is less than 75 %
        (0.50, 0.50, 2, False, (0.35, 0.65)),
        (0.50, 0.10, 2, False, (0.03, 0.18)),  # 75 % of 0.10 is less than 0.15 USD: 0.025 and 0.175, half a cent up
        (2.00, 2.00, 2, True, (1.20, 2.80)),
        (5.00, 5.00, 2, True, (4.00, 6.00)),
        (0.50, 0.50, 2, True, (0.35, 0.80)),  # of the lowest class the upper band alone
        (2.00, 5.00, 2, False, (4.00, 6.00)),  # the class goes by the previous close, whatever the price is now
    ],
)
def test_bands_by_hand(
    previous_close: float, reference: float, tier: int, double: bool, expected: tuple[float, float]
) -> None:
    assert band(previous_close, reference, tier=tier, double=double) == expected


def test_without_a_reference_or_a_previous_close_there_is_no_band() -> None:
    for previous_close, reference in ((NAN, 2.0), (2.0, NAN)):
        assert np.isnan(band(previous_close, reference)).all()


def test_a_tier_that_the_plan_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match=r"tier\[1\] = 3"):
        bands([2.0, 2.0], [2.0, 2.0], [2, 3], [False, False])
    with pytest.raises(ValueError, match="unequal lengths"):
        bands([2.0], [2.0, 2.0], [2], [False])


def is_double(session: date, clock: str, previous_close: float, tier: int = 2) -> bool:
    hours = sessions.hours(session)
    hour, minute, second = map(int, clock.split(":"))
    since_open = ((hour - 9) * 60 + minute - 30) * MINUTE + second * 1_000_000_000
    return bool(
        doubled(
            [hours.opens_at + since_open],
            [hours.opens_at],
            [hours.closes_at],
            [previous_close],
            [tier],
            [session >= AMENDED_SINCE],
        )[0]
    )


@pytest.mark.parametrize(
    ("session", "clock", "previous_close", "tier", "expected"),
    [
        (date(2020, 2, 21), "09:30:00", 5.0, 2, True),  # the last session before the amendment
        (date(2020, 2, 21), "09:44:59", 5.0, 2, True),
        (date(2020, 2, 21), "09:45:00", 5.0, 2, False),
        (date(2020, 2, 21), "15:34:59", 5.0, 2, False),
        (date(2020, 2, 21), "15:35:00", 5.0, 2, True),
        (date(2020, 2, 24), "09:30:00", 2.0, 2, False),  # the first one after it
        (date(2020, 2, 24), "15:34:59", 3.0, 2, False),
        (date(2020, 2, 24), "15:35:00", 3.0, 2, True),
        (date(2020, 2, 24), "15:35:00", 3.01, 2, False),
        (date(2020, 2, 24), "15:35:00", 3.01, 1, True),
        (date(2026, 11, 27), "12:34:59", 2.0, 2, False),  # an early close, at 13:00
        (date(2026, 11, 27), "12:35:00", 2.0, 2, True),
    ],
)
def test_stretches_of_double_bands(session: date, clock: str, previous_close: float, tier: int, expected: bool) -> None:
    assert is_double(session, clock, previous_close, tier) is expected


def references(
    prices: Sequence[float | None],
    *,
    trades: list[int] | None = None,
    restarts: tuple[int, ...] = (),
    close: float = 9.0,
) -> list[float]:
    """Of one session whose minutes trade at one price each, None: not at all."""
    known = np.array([NAN if price is None else price for price in prices])
    weights = trades or [0 if price is None else 1 for price in prices]
    marks = [place in restarts for place in range(len(prices))]
    found = reference_prices([0] * len(prices), known, known, weights, marks, [close] * len(prices))
    return [round(float(price), 6) for price in found]


def test_the_reference_stays_until_the_mean_of_five_minutes_is_a_hundredth_away() -> None:
    assert references([10.0, 10.0, 10.0, 10.0, 10.49]) == [10.0] * 5  # the mean is 10.098
    assert references([10.0, 10.0, 10.0, 10.0, 10.5])[-1] == 10.1  # a hundredth sharp
    assert references([10.0] * 5 + [10.3, 10.3])[-2:] == [10.0, 10.12]  # (3 × 10 + 2 × 10.3) / 5


def test_a_minute_counts_as_often_as_it_has_trades_and_one_without_trades_not_at_all() -> None:
    assert references([10.0, 10.4], trades=[3, 1])[-1] == 10.1
    assert references([10.0, None, None, None, None, 10.2])[-1] == 10.2  # the first is out of the window
    assert references([10.0, None, None, None, None, 10.05])[-1] == 10.0


def test_before_the_first_trade_there_is_none_and_after_five_minutes_it_is_the_previous_close() -> None:
    found = references([None] * 5 + [8.0, 8.0], close=9.0)
    assert np.isnan(found[:4]).all()
    assert found[4:] == [9.0, 8.0, 8.0]


def test_trading_that_resumes_begins_anew() -> None:
    found = references([10.0, 10.0, None, 12.0, 12.0], restarts=(3,))
    assert found == [10.0, 10.0, 10.0, 12.0, 12.0]
    waiting = references([10.0, None, None, None, None, None, None, None, 12.0], restarts=(2,))
    assert np.isnan(waiting[2:8]).all()  # no previous close stands in after a halt
    assert waiting[8] == 12.0


def test_each_ticker_session_has_its_own_reference() -> None:
    prices = np.array([10.0, 10.0, NAN, 20.0])
    found = reference_prices([0, 0, 2, 2], prices, prices, [1, 1, 0, 1], [False] * 4, [9.0] * 4)
    assert found[:2].tolist() == [10.0, 10.0]
    assert np.isnan(found[2])
    assert found[3] == 20.0


@pytest.mark.parametrize("cut", range(1, 12))
def test_nothing_looks_ahead(cut: int) -> None:
    prices = [None, 10.0, 10.1, None, 10.6, 11.0, 10.2, None, 9.0, 9.1, 9.3, 12.0]
    whole, part = references(prices, restarts=(7,)), references(prices[:cut], restarts=(7,))
    assert np.array_equal(whole[:cut], part, equal_nan=True)
