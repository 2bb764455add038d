"""No detector looks at a bar after the one it judges: what comes later changes nothing before."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.arguments import Floats
from smallcaps_assets.maths.baselines import over
from smallcaps_assets.maths.detector_rules import IntradayRules
from smallcaps_assets.maths.detectors import DETECTORS
from smallcaps_assets.maths.firing import Fired, chosen, reaches
from smallcaps_assets.maths.minute_table import Minutes
from smallcaps_assets_tests.maths.drawn_minutes import Bar, drawn

QUICK = settings(max_examples=50, deadline=None, database=None, phases=[Phase.generate])


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


Events = set[tuple[str, ...]]


def told(name: str, fired: Fired) -> Events:
    """Detector, bar, direction, volume over baseline and move of each event."""
    values = zip(fired.rows.tolist(), fired.up.tolist(), fired.spike.tolist(), fired.move_pct.tolist(), strict=True)
    return {(name, *map(repr, value)) for value in values}


def events(bars: Minutes) -> Events:
    rules = IntradayRules()
    return set().union(*(told(d.__name__, d(bars, **getattr(rules, d.__name__).model_dump())) for d in DETECTORS))


def known(bars: list[Bar]) -> Minutes:
    return drawn(*bars, atr=4.0, prior_close=9.0, premarket_rvol=3.0)


def differing(find_events: Callable[[Minutes], Events], seed: int, cut: int) -> Events:
    """What is not the same of the first ``cut`` bars' events with and without the bars that come after."""
    bars = walk(seed, 120)
    before = {event for event in find_events(known(bars)) if int(event[1]) < cut}
    return before ^ find_events(known(bars[:cut]))


SEEDS, CUTS = st.integers(0, 10_000), st.integers(1, 240)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, cut=CUTS)
def test_events_of_a_prefix_are_the_events_known_by_its_end(seed: int, cut: int) -> None:
    assert differing(events, seed, cut) == set()


def test_the_walk_wakes_every_detector() -> None:
    awake = {event[0] for seed in range(40) for event in events(known(walk(seed, 200)))}
    assert awake == {detector.__name__ for detector in DETECTORS}


def over_usual(bars: Minutes, usual: Floats) -> Events:
    """Bars of at least three times a baseline."""
    spike = over(bars.volume, usual)
    fires = reaches(spike, 3.0)
    return told("leak", chosen(fires, fires, spike, spike))


def centred_mean(bars: Minutes) -> Events:
    """The baseline is the mean of the bar, the two before and the two after it."""
    padded = np.pad(bars.volume, 2, mode="edge")
    return over_usual(bars, np.lib.stride_tricks.sliding_window_view(padded, 5).mean(axis=1))


def whole_session(bars: Minutes) -> Events:
    """The baseline is the mean of the whole session."""
    totals = np.bincount(bars.first, bars.volume) / np.maximum(np.bincount(bars.first), 1)
    return over_usual(bars, totals[bars.first])


def confirmed(bars: Minutes) -> Events:
    """Loud bars after which the price goes on rising."""
    fires = reaches(over(bars.volume, bars.usual_volume), 1.0)
    fires[:-1] &= bars.close[1:] > bars.close[:-1]
    return told("leak", chosen(fires, fires, bars.volume, bars.volume))


def best_of_the_session(bars: Minutes) -> Events:
    """Only the loudest bar of each session."""
    loudest = np.zeros(len(bars.at), dtype=np.bool_)
    for first in np.unique(bars.first):
        loudest[first + int(bars.volume[bars.first == first].argmax())] = True
    return told("leak", chosen(loudest, loudest, bars.volume, bars.volume))


@pytest.mark.parametrize("leak", [centred_mean, whole_session, confirmed, best_of_the_session])
def test_a_detector_that_looks_ahead_is_caught(leak: Callable[[Minutes], Events]) -> None:
    seed, cut = find(st.tuples(SEEDS, CUTS), lambda drawn: bool(differing(leak, *drawn)), settings=QUICK)
    assert differing(leak, seed, cut)
