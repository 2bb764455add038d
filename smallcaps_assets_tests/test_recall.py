"""The detectors find what was planted, and agree with a plain reading of their definitions."""

from datetime import date
from functools import cache

import polars as pl
import pytest

from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
from smallcaps_assets_tests.recall import NAMES, at_mark, planted, report, sample

EACH = 6  # ticker-sessions in which a detector's pattern was planted


@cache
def table() -> pl.DataFrame:
    """Of some planted ticker-sessions for every detector."""
    market = SyntheticMarket(end=date(2025, 12, 31))
    rows = planted(market, market.sessions()[60:200]).unique(["detector", "ticker", "session"], maintain_order=True)
    chosen = rows.group_by("detector", maintain_order=True).head(EACH)
    gaps = chosen.filter(pl.col("detector") == "gap_and_go")
    places = chosen.select("ticker", "session").unique(maintain_order=True).rows()
    return report(sample(market, places, gaps.select("ticker", "session").rows()))


@pytest.mark.parametrize("detector", NAMES)
def test_a_detector_finds_what_was_planted_and_nothing_that_a_plain_reading_does_not_see(detector: str) -> None:
    (row,) = table().filter(detector=detector).to_dicts()
    assert row["planted"] >= EACH
    assert row["met"] >= 0.85 * row["planted"]
    assert row["recall"] >= 0.95
    assert row["precision"] >= 0.95
    assert row["missed"] <= 0.05 * row["fired"]


def test_an_event_counts_as_planted_only_in_its_minutes_and_direction() -> None:
    day = date(2024, 1, 16)
    mark = {"ticker": "GEVO", "session": day, "direction": 1, "first": 120_000, "last": 180_000}
    keys = {("GEVO", day, 1, 60_000), ("GEVO", day, 1, 180_000), ("GEVO", day, -1, 120_000), ("AMC", day, 1, 120_000)}
    assert at_mark(keys, mark) == {("GEVO", day, 1, 180_000)}
