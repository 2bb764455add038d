"""Opening range, momentum, consolidation, high of day, flush, gap and go at their boundaries."""

from typing import Any

import pytest

from smallcaps_assets.maths.detector_breaks import (
    consolidation_break,
    high_of_day_break,
    opening_range_break,
    price_momentum,
)
from smallcaps_assets.maths.detector_moves import flush, gap_and_go
from smallcaps_assets.maths.detector_rules import (
    ConsolidationBreak,
    Flush,
    GapAndGo,
    HighOfDayBreak,
    OpeningRangeBreak,
    PriceMomentum,
)
from smallcaps_assets.maths.firing import Fired
from smallcaps_assets_tests.maths.drawn_minutes import Bar, drawn, flat


def to(minute: int, close: float, volume: float = 1_000.0, open_: float = 10.0) -> Bar:
    """A bar from ``open_`` to ``close`` without wicks."""
    return Bar(minute, open_, max(open_, close), min(open_, close), close, volume)


def told(found: Fired) -> list[tuple[int, bool, float, float]]:
    return list(
        zip(found.rows.tolist(), found.up.tolist(), found.spike.tolist(), found.move_pct.round(6).tolist(), strict=True)
    )


def orb(*bars: Bar) -> Fired:
    return opening_range_break(drawn(*bars), **OpeningRangeBreak().model_dump())


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        (to(20, 10.05, 1_800), [(20, True, 1.8, 0.5)]),
        (to(20, 10.0499, 1_800), []),
        (to(20, 10.05, 1_799), []),
        (to(20, 9.95, 1_800), [(20, False, 1.8, -0.5)]),
        (to(20, 9.9501, 1_800), []),
    ],
)
def test_an_opening_range_breaks_half_a_percent_beyond_it(bar: Bar, expected: list[Any]) -> None:
    assert told(orb(*flat(0, 19), bar)) == expected


def test_the_range_is_complete_after_15_minutes() -> None:
    assert orb(*flat(0, 13), to(14, 10.2, 5_000)).rows.tolist() == []
    assert orb(*flat(0, 14), to(15, 10.2, 5_000)).rows.tolist() == [15]


def test_volume_after_the_price_has_crossed_is_no_first_close() -> None:
    assert orb(*flat(0, 19), to(20, 10.1), to(21, 10.1, 9_000)).rows.tolist() == []


def test_an_opening_range_is_not_broken_before_the_open_or_after_the_close() -> None:
    assert orb(*flat(-30, -2), to(-1, 10.5, 9_000)).rows.tolist() == []
    assert orb(*flat(0, 14), *flat(370, 389), to(390, 10.5, 9_000)).rows.tolist() == []


def test_an_opening_range_break_cools_down_for_30_minutes() -> None:
    again = [to(20, 10.1, 5_000), *flat(21, 48), to(49, 10.1, 5_000), to(50, 10.0), to(51, 10.1, 5_000)]
    assert orb(*flat(0, 19), *again).rows.tolist() == [20, 51]


def test_without_a_trade_in_the_range_there_is_no_break() -> None:
    assert orb(*flat(15, 40), to(41, 10.5, 9_000)).rows.tolist() == []


def momentum(*bars: Bar) -> Fired:
    return price_momentum(drawn(*bars), **PriceMomentum().model_dump())


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        (to(10, 10.3, 1_800), [(10, True, 1.8, 3.0)]),
        (to(10, 10.299, 1_800), []),
        (to(10, 10.3, 1_799), []),
        (to(10, 9.65, 1_800), [(10, False, 1.8, -3.5)]),
        (to(10, 9.651, 1_800), []),
    ],
)
def test_momentum_is_3_percent_up_or_3_and_a_half_down_in_five_minutes(bar: Bar, expected: list[Any]) -> None:
    assert told(momentum(*flat(0, 9), bar)) == expected


def test_momentum_must_close_beyond_the_prior_20() -> None:
    spike = Bar(2, 10.0, 10.4, 10.0, 10.0)
    assert momentum(*flat(0, 1), spike, *flat(3, 9), to(10, 10.4, 5_000)).rows.tolist() == []
    assert momentum(*flat(0, 1), spike, *flat(3, 9), to(10, 10.41, 5_000)).rows.tolist() == [10]


def test_momentum_is_measured_from_the_close_of_five_minutes_before_and_not_of_four() -> None:
    bars = [*flat(0, 5), to(6, 10.2), *flat(7, 9, 10.2)]
    assert momentum(*bars, to(10, 10.31, 5_000)).rows.tolist() == [10]  # against minute 5: 10.00
    assert momentum(*bars, *flat(10, 10, 10.2), to(11, 10.31, 5_000)).rows.tolist() == []  # against minute 6: 10.20


def base(first: int = 0, last: int = 29) -> list[Bar]:
    return [Bar(minute, 10.05, 10.1, 10.0, 10.05) for minute in range(first, last + 1)]


def consolidation(*bars: Bar, atr: float | None = 0.2) -> Fired:
    return consolidation_break(drawn(*bars, atr=atr), **ConsolidationBreak().model_dump())


@pytest.mark.parametrize(
    ("close", "volume", "atr", "expected"),
    [
        (10.201, 2_000, 0.2, [(30, True, 2.0, 1.0)]),  # a range of 0.10 = 0.5 × 0.20; 10.10 × 1.01
        (10.2, 2_000, 0.2, []),
        (10.201, 1_999, 0.2, []),
        (10.201, 2_000, 0.199, []),
        (10.201, 2_000, None, []),
        (9.9, 2_000, 0.2, [(30, False, 2.0, -1.0)]),
    ],
)
def test_a_consolidation_breaks_one_percent_out_of_a_narrow_base(
    close: float, volume: float, atr: float | None, expected: list[Any]
) -> None:
    assert told(consolidation(*base(), to(30, close, volume, 10.05), atr=atr)) == expected


def test_a_base_has_15_traded_minutes() -> None:
    assert consolidation(*base(16, 29), to(30, 10.3, 5_000, 10.05)).rows.tolist() == []
    assert consolidation(*base(15, 29), to(30, 10.3, 5_000, 10.05)).rows.tolist() == [15]


def test_what_was_more_than_30_minutes_ago_is_not_in_the_base() -> None:
    assert consolidation(to(0, 11.0), *base(1, 29), to(30, 10.3, 5_000, 10.05)).rows.tolist() == []
    assert consolidation(to(0, 11.0), *base(1, 30), to(31, 10.3, 5_000, 10.05)).rows.tolist() == [31]


def high(*bars: Bar) -> Fired:
    return high_of_day_break(drawn(*bars), **HighOfDayBreak().model_dump())


def test_a_high_of_day_has_stood_for_15_minutes() -> None:
    assert high(to(0, 10.5), *flat(1, 13), to(14, 10.6, 2_000)).rows.tolist() == []
    assert told(high(to(0, 10.5), *flat(1, 14), to(15, 10.6, 2_000))) == [(15, True, 2.0, 0.952381)]
    assert high(to(0, 10.5), *flat(1, 14), to(15, 10.6, 1_999)).rows.tolist() == []
    assert high(to(0, 10.5), *flat(1, 14), to(15, 10.5, 2_000)).rows.tolist() == []  # equal is not above


def test_an_equal_high_later_does_not_make_it_younger() -> None:
    assert high(to(0, 10.5), *flat(1, 9), to(10, 10.5), *flat(11, 14), to(15, 10.6, 2_000)).rows.tolist() == [15]


def test_a_low_of_day_breaks_down() -> None:
    assert told(high(to(0, 9.5), *flat(1, 14), to(15, 9.4, 2_000))) == [(15, False, 2.0, -1.052632)]


def fall(volume: float, last: float = 9.2) -> list[Bar]:
    return [to(15, 9.8), to(16, 9.5, open_=9.8), to(17, last, volume, open_=9.5)]


def flushed(*bars: Bar) -> Fired:
    return flush(drawn(*bars), **Flush().model_dump())


def test_a_flush_falls_8_percent_in_15_minutes_with_three_red_bars() -> None:
    assert told(flushed(*flat(0, 14), *fall(4_000))) == [(17, False, 4.0, -8.0)]
    assert flushed(*flat(0, 14), *fall(3_999)).rows.tolist() == []
    assert flushed(*flat(0, 14), *fall(4_000, last=9.201)).rows.tolist() == []
    assert flushed(*flat(0, 15), *fall(4_000)[1:]).rows.tolist() == []  # two red bars


def test_a_high_of_15_minutes_before_is_out_of_the_window() -> None:
    first = Bar(2, 10.0, 10.0, 9.9, 9.9)
    after = [Bar(i, 9.9, 9.9, 9.9, 9.9) for i in range(3, 15)]
    # at minute 17 the window begins with minute 3: 9.2/9.9 is −7.07 %
    assert flushed(first, *after, *[bar._replace(high=9.9) for bar in fall(4_000)]).rows.tolist() == []
    assert flushed(
        first._replace(minute=3), *after[1:], *[b._replace(high=9.9) for b in fall(4_000)]
    ).rows.tolist() == [14]


def gap(*bars: Bar, rvol: float | None = 2.0) -> Fired:
    return gap_and_go(drawn(*bars, prior_close=10.0, premarket_rvol=rvol), **GapAndGo().model_dump())


PREMARKET = flat(-60, -11, 11.0, 2_000)  # 50 bars, 100,000 shares, 10 % above the prior close


def test_a_gap_goes_at_the_first_regular_close_above_the_premarket_high() -> None:
    bars = [*PREMARKET, to(0, 11.0, 2_000, 11.0), to(1, 11.01, 4_000, 11.0), to(2, 10.9, open_=11.0), to(3, 11.2)]
    assert told(gap(*bars)) == [(51, True, 2.0, 10.0)]


@pytest.mark.parametrize("rvol", [1.99, None])
def test_a_gap_without_relative_volume_does_not_go(rvol: float | None) -> None:
    assert gap(*PREMARKET, to(0, 11.5, open_=11.0), rvol=rvol).rows.tolist() == []


def test_a_gap_of_less_than_10_percent_or_100_000_shares_does_not_go() -> None:
    assert gap(*PREMARKET[:-1], to(-11, 10.99, 2_000, 11.0), to(0, 11.5, open_=11.0)).rows.tolist() == []
    assert gap(PREMARKET[0]._replace(volume=1_999), *PREMARKET[1:], to(0, 11.5, open_=11.0)).rows.tolist() == []
    assert gap(to(0, 11.5, open_=11.0)).rows.tolist() == []
