"""No detector looks at a bar after the one it judges: what comes later changes nothing before."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.datasets.intraday_events import IntradayRules
from smallcaps_assets.maths.detectors import DETECTORS
from smallcaps_assets.maths.minute_table import Minutes
from smallcaps_assets_tests.maths.drawn_minutes import Bar, drawn


def walk(seed: int, count: int) -> list[Bar]:
    """Two sessions of a lively, gapping stock with missing minutes."""
    rng = np.random.default_rng(seed)
    bars, price = [], 10.0
    for day in (0, 1):
        price *= 1.12
        for minute in sorted(rng.choice(np.arange(-60, 450), size=count, replace=False).tolist()):
            close = price * float(np.exp(rng.standard_t(3) * 0.012))
            top, bottom = max(price, close) * (1 + rng.random() * 0.004), min(price, close) * (1 - rng.random() * 0.004)
            volume = float(np.round(rng.lognormal(8.5, 1.2)))
            bars.append(Bar(minute, price, top, bottom, close, volume, int(volume / 50), day))
            price = close
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
        for seed in range(40)
        for event in events(drawn(*walk(seed, 200), atr=4.0, prior_close=9.0, premarket_rvol=3.0))
    }
    assert awake == {detector.__name__ for detector in DETECTORS}
