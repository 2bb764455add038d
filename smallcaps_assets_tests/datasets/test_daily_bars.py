"""Daily bars: one request a session, stored as sent."""

from datetime import date

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.daily_bars import DailyBars, daily_bars, session_has_bars, wide_days_are_rare
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.vendor import Vendor

TUESDAY = date(2024, 1, 16)


def day(ticker: str = "GEVO", low: float = 1.0, high: float = 2.0, close: float = 1.5) -> pl.DataFrame:
    """One bar as the client gives it."""
    bar = {"ticker": ticker, "open": 1.5, "high": high, "low": low, "close": close}
    return pl.DataFrame({**bar, "volume": 10.5, "vwap": 1.6, "trades": 3})


def stored(*bars: pl.DataFrame) -> pl.DataFrame:
    """As stored under Tuesday."""
    return contracts.conform(DailyBars, pl.concat(bars).with_columns(session=pl.lit(TUESDAY)))


def test_each_session_is_one_request_and_one_partition() -> None:
    vendor = Vendor(daily_bars=lambda session: day(f"T{session.day}"))
    parts = list(daily_bars(Run("daily_bars", (Partition(TUESDAY), Partition(date(2024, 1, 17)))), polygon=vendor))
    assert [part.frame.select("session", "ticker").row(0) for part in parts] == [
        (TUESDAY, "T16"),
        (date(2024, 1, 17), "T17"),
    ]
    assert len(vendor.asked) == 2


@pytest.mark.parametrize(("low", "high", "close"), [(1.6, 2.0, 1.7), (1.0, 1.4, 1.2), (1.0, 2.0, 2.1)])
def test_a_price_outside_high_and_low_fails_the_contract(low: float, high: float, close: float) -> None:
    assert not contracts.verdict(DailyBars, stored(day(low=low, high=high, close=close))).passed


def test_a_bar_of_one_price_and_a_ticker_twice() -> None:
    flat = stored(day(low=1.5, high=1.5, close=1.5))
    assert contracts.verdict(DailyBars, flat).passed
    assert not contracts.verdict(DailyBars, pl.concat([flat, flat])).passed


def test_a_session_without_bars_is_refused() -> None:
    assert session_has_bars(stored(day()), {}).passed
    assert not session_has_bars(contracts.empty(DailyBars), {}).passed


def test_one_wide_day_is_a_story_and_two_of_three_are_bad_prints() -> None:
    wide, ten_times = day("A", low=0.1), day("B", low=0.2)
    assert wide_days_are_rare(stored(wide, ten_times, day("C")), {}).passed
    assert not wide_days_are_rare(stored(wide, day("B", low=0.1), day("C")), {}).passed
