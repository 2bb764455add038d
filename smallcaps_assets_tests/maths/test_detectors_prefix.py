"""No detector looks at a bar after the one it judges: what comes later changes nothing before."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.detector_rules import IntradayRules
from smallcaps_assets.maths.detectors import DETECTORS
from smallcaps_assets.maths.minute_table import Minutes
from smallcaps_assets_tests.maths.drawn_minutes import Bar, drawn


def pullback(rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Moves, upper wicks and volumes of a run, two red bars on falling volume, and the close above."""
    volume = float(rng.integers(2_000, 9_000))
    rise = [(0.02, 0.0, volume)] * int(rng.integers(3, 6))
    return [*rise, (-0.008, 0.0, 0.8 * volume), (-0.008, 0.0, 0.5 * volume), (0.025, 0.0, volume)]


def parabola(rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Ever greater gains, over a half in all, and a bar of great volume that nearly closes where it opened."""
    gains = np.sort(rng.uniform(0.02, 0.06, 14))
    return [*((float(gain), 0.0, 6_000.0) for gain in gains), (0.005, 0.05, 3e6 * float(rng.random() + 0.5))]


def noise(rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Some lively minutes."""
    moves = rng.standard_t(3, int(rng.integers(5, 40))) * 0.012
    return [(float(m), float(rng.random() * 0.004), float(np.round(rng.lognormal(8.5, 1.2)))) for m in moves]


def walk(seed: int, count: int) -> list[Bar]:
    """Two sessions of a lively, gapping stock with missing minutes, patterns and halts."""
    rng = np.random.default_rng(seed)
    bars, price = [], 10.0
    for day in (0, 1):
        price *= 1.12
        planned: list[tuple[float, float, float]] = []
        while len(planned) < count:
            planned += (noise, noise, pullback, parabola)[int(rng.integers(4))](rng)
        before_halt = None
        minutes = sorted(rng.choice(np.arange(-60, 450), size=count, replace=False).tolist())
        for minute, (move, wick, volume) in zip(minutes, planned[:count], strict=True):
            start = price if before_halt is None else price * float(np.exp(rng.normal() * 0.05))
            close = start * float(np.exp(move))
            top, bottom = max(start, close) * (1 + wick), min(start, close) * (1 - rng.random() * 0.004)
            bars.append(Bar(minute, start, top, bottom, close, volume, int(volume / 50), day, before_halt))
            price, before_halt = close, close if rng.random() < 0.02 else None
    return bars


def events(bars: Minutes) -> set[Any]:
    rules = IntradayRules()
    found = set()
    for detector in DETECTORS:
        fired = detector(bars, **getattr(rules, detector.__name__).model_dump())
        values = zip(fired.rows.tolist(), fired.up.tolist(), fired.spike.tolist(), fired.move_pct.tolist(), strict=True)
        found |= {(detector.__name__, *map(repr, value)) for value in values}
    return found


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(1, 240))
def test_events_of_a_prefix_are_the_events_known_by_its_end(seed: int, cut: int) -> None:
    bars = walk(seed, 120)
    whole = drawn(*bars, atr=0.8, prior_close=9.0, premarket_rvol=3.0)
    part = drawn(*bars[:cut], atr=0.8, prior_close=9.0, premarket_rvol=3.0)
    assert {event for event in events(whole) if int(event[1]) < cut} == events(part)


def test_the_walk_wakes_every_detector() -> None:
    awake = {
        event[0]
        for seed in range(30)
        for event in events(drawn(*walk(seed, 200), atr=4.0, prior_close=9.0, premarket_rvol=3.0))
    }
    assert awake == {detector.__name__ for detector in DETECTORS}
