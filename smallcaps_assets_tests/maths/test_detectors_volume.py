"""volume_spike, tape_speed and vwap_break at their boundaries, with the thresholds of `spec/events.md`."""

import pytest

from smallcaps_assets.maths.detector_rules import TapeSpeed, VolumeSpike, VwapBreak
from smallcaps_assets.maths.detector_volume import tape_speed, volume_spike
from smallcaps_assets.maths.detector_vwap import vwap_break
from smallcaps_assets.maths.firing import Fired
from smallcaps_assets_tests.maths.drawn_minutes import Bar, drawn, flat


def spikes(*bars: Bar) -> Fired:
    return volume_spike(drawn(*bars), **VolumeSpike().model_dump())


def spike_bar(minute: int, volume: float, high: float = 10.15, close: float = 10.1) -> Bar:
    return Bar(minute, 10.0, high, 10.0, close, volume)


@pytest.mark.parametrize(
    ("usual", "bar", "fires"),
    [
        (2_000, spike_bar(50, 12_000), True),  # six times, a range of 1.5 %
        (2_000, spike_bar(50, 11_999), False),
        (2_000, spike_bar(50, 12_000, high=10.149), False),
        (2_000, spike_bar(50, 12_000, close=10.0), False),  # close = open has no direction
        (1_600, spike_bar(50, 10_000), True),  # 6.25 times
        (1_600, spike_bar(50, 9_999), False),  # fewer than 10,000 shares
    ],
)
def test_a_regular_spike_is_six_times_the_median(usual: float, bar: Bar, fires: bool) -> None:
    assert (spikes(*flat(30, 49, volume=usual), bar).rows.tolist() == [20]) is fires


@pytest.mark.parametrize(
    ("price", "fires"),
    [(5.0, True), (4.995, False)],  # 10,000 shares: 50,016 and 49,966 dollars
)
def test_a_regular_spike_is_worth_50_000_dollars(price: float, fires: bool) -> None:
    bar = Bar(50, price, price * 1.01, price * 0.99, price * 1.001, 10_000)
    typical = (price * 1.01 + price * 0.99 + price * 1.001) / 3
    assert (typical * 10_000 >= 50_000) is fires
    assert bool(len(spikes(*flat(30, 49, price, volume=1_000), bar).rows)) is fires


@pytest.mark.parametrize(
    ("minute", "usual", "volume", "fires"),
    [(-60, 2_000, 16_000, True), (-60, 2_000, 15_999, False), (430, 2_000, 16_000, True), (430, 1_800, 14_999, False)],
)
def test_outside_regular_hours_a_spike_is_eight_times(minute: int, usual: float, volume: float, fires: bool) -> None:
    found = spikes(*flat(minute - 20, minute - 1, volume=usual), spike_bar(minute, volume))
    assert (found.rows.tolist() == [20]) is fires


def test_a_spike_tells_its_direction_multiple_and_move() -> None:
    found = spikes(*flat(30, 49, volume=2_000), Bar(50, 10.0, 10.0, 9.8, 9.9, 20_000))
    assert (found.up.tolist(), found.spike.tolist(), found.move_pct.round(9).tolist()) == ([False], [10.0], [-1.0])


def test_the_median_is_that_of_the_prior_20_and_not_of_the_bar() -> None:
    loud = [Bar(bar.minute, 10, 10, 10, 10, 50_000) for bar in flat(30, 38)]
    assert len(spikes(*loud, *flat(39, 49, volume=2_000), spike_bar(50, 12_000)).rows) == 1  # 11 quiet of 20


def test_without_five_bars_before_there_is_no_spike() -> None:
    assert len(spikes(*flat(46, 49, volume=2_000), spike_bar(50, 50_000)).rows) == 0
    assert len(spikes(*flat(45, 49, volume=2_000), spike_bar(50, 50_000)).rows) == 1


def test_a_second_spike_cools_down_for_five_minutes() -> None:
    calm = flat(30, 49, volume=2_000)
    soon = [spike_bar(50, 30_000), *flat(51, 53, volume=2_000), spike_bar(54, 30_000)]
    late = [spike_bar(50, 30_000), *flat(51, 54, volume=2_000), spike_bar(55, 30_000)]
    assert spikes(*calm, *soon).rows.tolist() == [20]
    assert spikes(*calm, *late).rows.tolist() == [20, 25]


def test_the_other_direction_has_its_own_cooldown() -> None:
    fall = Bar(52, 10.0, 10.0, 9.8, 9.9, 30_000)
    found = spikes(*flat(30, 49, volume=2_000), spike_bar(50, 30_000), *flat(51, 51, volume=2_000), fall)
    assert (found.rows.tolist(), found.up.tolist()) == ([20, 22], [True, False])


def test_a_ticker_session_has_ten_spikes_at_most() -> None:
    bars = flat(0, 19, volume=2_000)
    for minute in range(20, 20 + 12 * 6, 6):
        bars += [spike_bar(minute, 30_000), *flat(minute + 1, minute + 5, volume=2_000)]
    assert spikes(*bars).rows.tolist() == list(range(20, 20 + 10 * 6, 6))


@pytest.mark.parametrize(
    ("trades", "usual", "count"), [(50, 16, 1), (49, 10, 0), (60, 20, 1), (59, 20, 0), (None, 10, 0)]
)
def test_a_fast_tape_has_50_trades_and_three_times_the_usual(trades: int | None, usual: int, count: int) -> None:
    calm = [bar._replace(trades=usual) for bar in flat(30, 49)]
    bar = Bar(50, 10.0, 10.1, 10.0, 10.05, 2_500, trades)
    found = tape_speed(drawn(*calm, bar), **TapeSpeed().model_dump())
    assert len(found.rows) == count
    assert found.spike.tolist() == [2.5] * count  # volume over its mean, not trades


def breaks(*bars: Bar) -> Fired:
    return vwap_break(drawn(*bars), **VwapBreak().model_dump())


def below(count: int) -> list[Bar]:
    """10,000 shares at 10.00 at the open, then so many closes at 9.90, below the VWAP."""
    return [*flat(0, 0, 10.0, 10_000), *flat(1, count, 9.9)]


def test_the_second_close_above_the_vwap_fires() -> None:
    # six closes below; mean of the seven bars before the crossing: 16,000/7 = 2,285.7; 5,000 is 2.1875 times that
    # VWAP at the second close: (100,000 + 59,400 + 50,250 + 10,100)/22,000 = 9.98864; 10.10 is 1.1149 % above
    found = breaks(*below(6), *flat(7, 7, 10.05, 5_000), *flat(8, 8, 10.1))
    assert (found.rows.tolist(), found.up.tolist(), found.spike.tolist()) == ([8], [True], [2.1875])
    assert found.move_pct.round(6).tolist() == [2.020202]  # from 9.90, the last close below


def test_four_closes_below_are_no_side() -> None:
    assert len(breaks(*below(4), *flat(5, 5, 10.05, 9_000), *flat(6, 6, 10.1)).rows) == 0
    assert len(breaks(*below(5), *flat(6, 6, 10.05, 9_000), *flat(7, 7, 10.1)).rows) == 1


def test_the_second_close_must_be_far_enough_and_the_third_is_too_late() -> None:
    assert len(breaks(*below(6), *flat(7, 7, 10.05, 5_000), *flat(8, 8, 10.02), *flat(9, 9, 10.3)).rows) == 0


def test_the_crossing_bar_needs_twice_the_volume() -> None:
    assert len(breaks(*below(6), *flat(7, 7, 10.05, 4_571), *flat(8, 8, 10.1)).rows) == 0
    assert len(breaks(*below(6), *flat(7, 7, 10.05, 4_572), *flat(8, 8, 10.1)).rows) == 1


def above(count: int) -> list[Bar]:
    """The mirror: closes at 10.10, above the VWAP."""
    return [*flat(0, 0, 10.0, 10_000), *flat(1, count, 10.1)]


def test_a_rejection_takes_three_closes_and_more_volume() -> None:
    # 2.5 × 16,000/7 = 5,714.3
    assert len(breaks(*above(6), *flat(7, 7, 9.9, 5_714), *flat(8, 9, 9.85)).rows) == 0
    assert len(breaks(*above(6), *flat(7, 7, 9.9, 5_715), *flat(8, 8, 9.85)).rows) == 0
    found = breaks(*above(6), *flat(7, 7, 9.9, 5_715), *flat(8, 9, 9.85))
    assert (found.rows.tolist(), found.up.tolist()) == ([9], [False])


def test_closes_before_the_open_do_not_count_against_the_regular_vwap() -> None:
    early = [*flat(-20, -20, 10.0, 10_000), *flat(-19, -1, 9.9)]
    assert len(breaks(*early, *flat(0, 0, 10.2, 9_000), *flat(1, 1, 10.5)).rows) == 0


def test_a_break_in_the_premarket_is_against_the_vwap_since_four() -> None:
    shifted = [
        bar._replace(minute=bar.minute - 100) for bar in (*below(6), *flat(7, 7, 10.05, 5_000), *flat(8, 8, 10.1))
    ]
    assert breaks(*shifted).rows.tolist() == [8]
