"""Each detector where it may fire and where it may not; its cooldown; and the boundaries that no other file has."""

from collections.abc import Callable

import pytest

from smallcaps_assets.maths.detector_rules import IntradayRules
from smallcaps_assets.maths.detectors import DETECTORS
from smallcaps_assets_tests.maths.detector_scenes import DOWN_ONLY, SCENES, UP_ONLY, path, step
from smallcaps_assets_tests.maths.drawn_minutes import Bar, drawn, flat

BY_NAME = {detector.__name__: detector for detector in DETECTORS}
SEGMENTS = {"PM": -80, "RTH": 60, "AH": 440}
NOT_IN = {  # what it needs is not there yet, or its hours are over
    "opening_range_break": {"PM", "AH"},
    "gap_and_go": {"PM", "AH"},
    "parabolic_exhaustion": {"PM"},
}


def fired(name: str, *bars: Bar, atr: float = 1.0, **other: float) -> list[tuple[int, bool]]:
    """(minute, up) of the detector's events with the thresholds of the specification, or others."""
    rules = getattr(IntradayRules(), name).model_dump() | other
    found = BY_NAME[name](drawn(*bars, atr=atr, prior_close=10.0, premarket_rvol=2.0), **rules)
    return [(bars[row].minute, up) for row, up in zip(found.rows.tolist(), found.up.tolist(), strict=True)]


def directions(name: str) -> list[bool]:
    return [up for up in (True, False) if not (up and name in DOWN_ONLY) and not (not up and name in UP_ONLY)]


def test_every_detector_has_its_scene() -> None:
    assert list(SCENES) == list(BY_NAME)


@pytest.mark.parametrize("segment", SEGMENTS)
@pytest.mark.parametrize("name", SCENES)
def test_a_detector_fires_in_its_segments_both_ways_and_nowhere_else(name: str, segment: str) -> None:
    minute = SEGMENTS[segment]
    for up in directions(name):
        expected = [] if segment in NOT_IN.get(name, set()) else [(minute, up)]
        assert fired(name, *SCENES[name](minute, up)) == expected, up


@pytest.mark.parametrize("name", [name for name in SCENES if name != "halt_resumption"])
def test_without_its_last_bar_nothing_fires(name: str) -> None:
    for up in directions(name):
        assert fired(name, *SCENES[name](60, up)[:-1]) == []


QUIET = flat(0, 19, volume=2_000)
Twice = tuple[int, Callable[[int], list[Bar]]]
TWICE: dict[str, Twice] = {  # by detector: its cooldown, and two events that lie so many minutes apart
    "volume_spike": (
        5,
        lambda gap: [
            *QUIET,
            step(20, 10.0, 10.2, 40_000),
            *flat(21, 19 + gap, volume=2_000),
            step(20 + gap, 10.0, 10.2, 40_000),
        ],
    ),
    # after the first event at minute 8, closes below until the crossing bar one minute before the second
    "vwap_break": (
        10,
        lambda gap: [
            *SCENES["vwap_break"](8, True),
            *flat(9, 6 + gap, 9.8),
            *path(7 + gap, 10.3, 10.3, start=9.8, volumes=(20_000.0, 1_000.0)),
        ],
    ),
    "opening_range_break": (
        30,
        lambda gap: [*QUIET, step(20, 10.0, 10.1, 9_000), *flat(21, 19 + gap), step(20 + gap, 10.0, 10.1, 9_000)],
    ),
    "price_momentum": (
        15,
        lambda gap: [
            *QUIET,
            step(20, 10.0, 10.5, 40_000),
            *flat(21, 19 + gap, 10.5),
            step(20 + gap, 10.5, 11.1, 40_000),
        ],
    ),
    "consolidation_break": (
        20,
        lambda gap: [
            *QUIET,
            step(20, 10.0, 10.2, 40_000),
            *flat(21, 19 + gap, 10.2),
            step(20 + gap, 10.2, 10.4, 40_000),
        ],
    ),
    # 9.10 to 8.30 is −8.8 %; the first fall is over 15 minutes ago
    "flush": (
        20,
        lambda gap: [
            *SCENES["flush"](22, False),
            *flat(23, 19 + gap, 9.1),
            *path(20 + gap, 8.9, 8.6, 8.3, start=9.1, volumes=(1_000.0, 1_000.0, 90_000.0)),
        ],
    ),
    "tape_speed": (
        5,
        lambda gap: [
            *QUIET,
            step(20, 10.0, 10.1, trades=60),
            *flat(21, 19 + gap),
            step(20 + gap, 10.0, 10.1, trades=60),
        ],
    ),
    # the first break sets the high: within the cooldown it is too young as well
    "high_of_day_break": (
        15,
        lambda gap: [*QUIET, step(20, 10.0, 10.1, 9_000), *flat(21, 19 + gap, 10.1), step(20 + gap, 10.1, 10.2, 9_000)],
    ),
}


@pytest.mark.parametrize("name", TWICE)
def test_a_cooldown_silences_the_same_direction_until_its_last_minute(name: str) -> None:
    cooldown, bars = TWICE[name]
    assert [minute for minute, _ in fired(name, *bars(cooldown), atr=4.0)][1:] == [bars(cooldown)[-1].minute]
    assert len(fired(name, *bars(cooldown - 1), atr=4.0)) == 1
    without = fired(name, *bars(cooldown - 1), atr=4.0, cooldown=0)
    assert len(without) == (1 if name == "high_of_day_break" else 2)


@pytest.mark.parametrize("minute", [-60, 430])
@pytest.mark.parametrize(
    ("high", "shares", "fires"),
    [(5.1, 15_000, True), (5.07, 15_000, False), (6.0, 14_999, False)],
)
def test_a_spike_outside_regular_hours_has_15_000_shares_and_75_000_dollars(
    minute: int, high: float, shares: float, fires: bool
) -> None:
    # price of the bar (5.10 + 4.90 + 5.00)/3 = 5.00, × 15,000 = 75,000; with a high of 5.07 it is 4.99
    bar = Bar(minute, 4.95, high, 4.9, 5.0, shares)
    assert bool(fired("volume_spike", *flat(minute - 20, minute - 1, 5.0, 1_000), bar)) is fires


@pytest.mark.parametrize(
    ("last", "up", "fires"),
    [
        # up: 1.006 × (209,650 + 1,000 x)/22,000 = x at 10.0461
        (10.0462, True, True),
        (10.046, True, False),
        # down: 0.992 × (227,028.5 + 1,000 x)/23,715 = x at 9.9112
        (9.911, False, True),
        (9.912, False, False),
    ],
)
def test_the_last_close_is_six_tenths_above_or_eight_tenths_below_the_vwap(last: float, up: bool, fires: bool) -> None:
    above = [*flat(0, 0, 10.0, 10_000), *flat(1, 6, 9.9), *flat(7, 7, 10.05, 5_000), *flat(8, 8, last)]
    below = [
        *flat(0, 0, 10.0, 10_000),
        *flat(1, 6, 10.1),
        *flat(7, 7, 9.9, 5_715),
        *flat(8, 8, 9.85),
        *flat(9, 9, last),
    ]
    bars = above if up else below
    assert fired("vwap_break", *bars) == ([(bars[-1].minute, up)] if fires else [])


DOWNWARD = [
    ("high_of_day_break", step(20, 10.0, 9.99, 4_000), True),
    ("high_of_day_break", step(20, 10.0, 9.99, 3_999), False),  # below twice 2,000
    ("high_of_day_break", step(20, 10.01, 10.0, 4_000), False),  # at the low is not below it
    ("consolidation_break", step(20, 10.0, 9.9, 4_000), True),
    ("consolidation_break", step(20, 10.0, 9.901, 4_000), False),  # −0.99 %
    ("consolidation_break", step(20, 10.0, 9.9, 3_999), False),
    ("opening_range_break", step(20, 10.0, 9.95, 3_600), True),
    ("opening_range_break", step(20, 10.0, 9.95, 3_599), False),  # below 1.8 × 2,000
    ("price_momentum", step(20, 10.0, 9.65, 3_600), True),
    ("price_momentum", step(20, 10.0, 9.65, 3_599), False),
    ("tape_speed", step(20, 10.0, 9.99, trades=50), True),
    ("tape_speed", step(20, 10.0, 9.99, trades=49), False),
    ("tape_speed", step(20, 10.0, 10.0, trades=90), False),  # no direction
    ("volume_spike", step(20, 10.0, 9.85, 12_000), True),
    ("volume_spike", step(20, 10.0, 9.851, 12_000), False),  # a range of 1.49 %
]


@pytest.mark.parametrize(("name", "bar", "fires"), DOWNWARD)
def test_downward_thresholds_are_met_or_just_missed(name: str, bar: Bar, fires: bool) -> None:
    assert fired(name, *QUIET, bar) == ([(20, False)] if fires else [])


@pytest.mark.parametrize("name", ["volume_spike", "price_momentum", "flush", "tape_speed"])
def test_five_bars_before_are_a_baseline_and_four_are_none(name: str) -> None:
    scene = SCENES[name](60, False)
    assert fired(name, *scene[-6:]) == [(60, False)]
    assert fired(name, *scene[-5:]) == []
