"""What was known of the synthetic market at an instant does not change with what came after it."""

from datetime import date
from functools import cache

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.datasets.intraday_events import events
from smallcaps_assets.maths.detector_rules import IntradayRules
from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
from smallcaps_assets_tests.recall import NAMES, Sample, planted, sample


@cache
def market() -> tuple[Sample, pl.DataFrame, pl.DataFrame]:
    """Two planted ticker-sessions of each detector, their minutes and 20 sessions before, and all their events."""
    made = SyntheticMarket(end=date(2025, 12, 31))
    rows = planted(made, made.sessions()[60:160]).unique(["detector", "session"], maintain_order=True)
    chosen = rows.group_by("detector", maintain_order=True).head(2).select("ticker", "session").unique()
    places = chosen.sort("session", "ticker").rows()
    taken = sample(made, places, places[:4])
    return taken, taken.bars(), found(taken, taken.bars(), taken.halts)


def found(taken: Sample, bars: pl.DataFrame, halts: pl.DataFrame) -> pl.DataFrame:
    wanted = taken.places["session"].unique().sort().to_list()
    rows = events(bars.lazy(), taken.metrics().lazy(), halts.lazy(), IntradayRules(), wanted)
    return rows.sort("session", "ticker", "triggered_at", "detector")


def test_all_detectors_fire_there() -> None:
    assert set(market()[2]["detector"]) == set(NAMES)


@settings(max_examples=8, deadline=None)
@given(st.floats(0.0, 1.0))
def test_every_event_and_measure_known_at_an_instant_stays_as_it_is(part: float) -> None:
    taken, bars, whole = market()
    instant = bars["started_at"].sort()[int(part * (bars.height - 1))]
    ended, resumed = pl.col("started_at").dt.offset_by("1m") <= instant, pl.col("resumed_at") <= instant
    again = found(taken, bars.filter(ended), taken.halts.filter(resumed))
    assert again.equals(whole.filter(pl.col("known_at") <= instant))
