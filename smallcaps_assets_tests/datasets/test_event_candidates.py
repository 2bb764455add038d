"""The letters come together, and the universe says who is a member."""

from typing import Any

import polars as pl
import pytest

from smallcaps_assets.contract import conform, verdict
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.event_candidates import EventCandidates, event_candidates
from smallcaps_assets.datasets.intraday_events import IntradayEvents
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.event_rows import SESSION, event_rows

LISTED = [("GEVO", "BBG1", True), ("AMC", "BBG2", True), ("IBM", "BBG3", False)]


def universe(*rows: tuple[str, str | None, bool]) -> pl.LazyFrame:
    frame = pl.LazyFrame(rows, schema=["ticker", "security_id", "member"], orient="row")
    return frame.with_columns(session=pl.lit(SESSION))


def gathered(*events: dict[str, Any]) -> pl.DataFrame:
    run = Run("event_candidates", (Partition(SESSION),))
    rows = event_rows(IntradayEvents, *events)
    (part,) = event_candidates(run, intraday_events=rows.lazy(), universe=universe(*LISTED))
    frame = conform(EventCandidates, part.frame)
    assert verdict(EventCandidates, frame).passed
    assert part.metadata["of_members"] == frame["member"].sum()
    return frame


def test_each_event_carries_its_security_and_whether_it_is_a_member() -> None:
    rows = gathered({"ticker": "AMC"}, {"ticker": "GEVO"}, {"ticker": "IBM"}, {"ticker": "NONE"})
    assert rows.select("ticker", "security_id", "member").rows() == [
        ("AMC", "BBG2", True),
        ("GEVO", "BBG1", True),
        ("IBM", "BBG3", False),
        ("NONE", None, False),
    ]


def test_no_event_is_lost_or_doubled() -> None:
    assert gathered(*({"ticker": "GEVO", "minute": i} for i in range(50))).height == 50
    assert gathered().is_empty()


def test_an_absent_letter_with_members_is_named() -> None:
    absent = {"intraday_events": frozenset({Partition(SESSION, "A"), Partition(SESSION, "I"), Partition(SESSION, "Q")})}
    run = Run("event_candidates", (Partition(SESSION),), absent=absent)
    events = event_rows(IntradayEvents).lazy()
    with pytest.raises(FileNotFoundError, match=r"intraday_events A\|2024-01-16"):
        list(event_candidates(run, universe=universe(*LISTED), intraday_events=events))
    (part,) = event_candidates(run, universe=universe(("IBM", None, False)), intraday_events=events)
    assert part.frame.is_empty()
