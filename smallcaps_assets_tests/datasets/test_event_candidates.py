"""Filters 1 to 5, each at its boundary, by profile."""

from typing import Any

import polars as pl
import pytest

from smallcaps_assets.contract import conform, verdict
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.event_candidates import CandidateRules, EventCandidates, event_candidates
from smallcaps_assets.datasets.scored_events import ScoredEvents
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.event_rows import SESSION, event_rows

MEMBERS = [("GEVO", "BBG1", True), ("AMC", "BBG2", True), ("IBM", "BBG3", False)]


def universe(*rows: tuple[str, str | None, bool]) -> pl.LazyFrame:
    frame = pl.LazyFrame(rows, schema=["ticker", "security_id", "member"], orient="row")
    return frame.with_columns(session=pl.lit(SESSION))


def filtered(*events: dict[str, Any], **rules: Any) -> list[str | None]:
    """What drops each event, in the order given; events are one minute apart."""
    run = Run("event_candidates", (Partition(SESSION),))
    scored = event_rows(ScoredEvents, *events)
    (part,) = event_candidates(
        run, scored_events=scored.lazy(), universe=universe(*MEMBERS), config=CandidateRules(**rules)
    )
    rows = conform(EventCandidates, part.frame)
    assert verdict(EventCandidates, rows).passed
    return list(rows.sort("triggered_at")["dropped_by"])


@pytest.mark.parametrize(
    ("event", "profile", "expected"),
    [
        ({}, "core", None),
        ({"ticker": "IBM"}, "full", "universe"),
        ({"ticker": "NONE"}, "full", "universe"),
        ({"score": 0.60}, "core", None),
        ({"score": 0.599}, "core", "score"),
        ({"score": 0.50}, "plus", None),
        ({"score": 0.499}, "plus", "score"),
        ({"score": 0.40}, "premium", None),
        ({"score": 0.399}, "premium", "score"),
        ({"score": 0.0}, "full", None),
        ({"score": None}, "core", None),
        ({"close": 0.50}, "core", None),
        ({"close": 0.4999}, "core", "price"),
        ({"close": 20.0}, "full", None),
        ({"close": 20.01}, "full", "price"),
        ({"bar_dollar_volume": 100_000.0}, "core", None),
        ({"bar_dollar_volume": 99_999.0}, "core", "liquidity"),
        ({"bar_dollar_volume": 50_000.0}, "plus", None),
        ({"bar_dollar_volume": 24_999.0}, "premium", "liquidity"),
        ({"bar_dollar_volume": 0.0}, "full", None),
        ({"volume": 10_000.0}, "core", None),
        ({"volume": 9_999.0}, "core", "liquidity"),
        ({"dollar_volume_so_far": 499_999.0}, "core", "liquidity"),
        ({"time_of_day_rvol": 1.5}, "core", None),
        ({"time_of_day_rvol": 1.49}, "core", "liquidity"),
        ({"time_of_day_rvol": 1.2}, "plus", None),
        ({"time_of_day_rvol": None}, "core", None),
        ({"spread_proxy": 0.05}, "core", None),
        ({"spread_proxy": 0.0501}, "core", "liquidity"),
        ({"spread_proxy": None}, "core", "liquidity"),
        ({"minute": -30, "bar_dollar_volume": 30e3, "volume": 3e3, "dollar_volume_so_far": 300e3}, "core", None),
        ({"minute": 400, "bar_dollar_volume": 29_999.0}, "core", "liquidity"),
        ({"minute": 400, "bar_dollar_volume": 15_000.0, "time_of_day_rvol": 0.5, "spread_proxy": 0.08}, "plus", None),
        ({"minute": 400, "bar_dollar_volume": 7_500.0, "time_of_day_rvol": 0.25}, "premium", None),
        ({"minute": 400, "time_of_day_rvol": 0.24}, "premium", "liquidity"),
    ],
)
def test_each_filter_has_its_bound(event: dict[str, Any], profile: str, expected: str | None) -> None:
    assert filtered(event, profile=profile) == [expected]


def test_an_event_keeps_the_first_filter_that_drops_it() -> None:
    everything = {"ticker": "IBM", "score": 0.1, "close": 99.0, "volume": 1.0}
    assert filtered(everything) == ["universe"]
    assert filtered({**everything, "ticker": "AMC"}) == ["score"]
    assert filtered({**everything, "ticker": "AMC", "score": 0.9}) == ["price"]


def test_the_rules_say_whether_the_unknown_passes() -> None:
    assert filtered({"score": None}, unscored_pass=False) == ["score"]
    assert filtered({"time_of_day_rvol": None}, unknown_rvol_passes=False) == ["rvol unknown"]
    assert filtered({"time_of_day_rvol": None}, unknown_rvol_passes=False, profile="full") == [None]


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("core", ["per session", "per session", None, "per session"]),
        ("plus", ["per session", None, None, "per session"]),
        ("premium", [None, None, None, "per session"]),
        ("full", [None] * 4),
    ],
)
def test_the_best_events_of_a_ticker_and_session_pass(profile: str, expected: list[str | None]) -> None:
    assert filtered({"score": 0.7}, {"score": 0.8}, {"score": 0.9}, {"score": None}, profile=profile) == expected


def test_what_an_earlier_filter_drops_takes_nobodys_place() -> None:
    assert filtered({"score": 0.9, "close": 50.0}, {"score": 0.7}) == ["price", None]


def test_ties_go_by_relative_volume_then_dollars_then_time() -> None:
    tie = "per session"
    assert filtered({}, {"time_of_day_rvol": 3.0}) == [tie, None]
    assert filtered({}, {"bar_dollar_volume": 300_000.0}) == [tie, None]
    assert filtered({}, {}) == [None, tie]
    assert filtered({}, {"time_of_day_rvol": None}) == [None, tie]


def test_each_ticker_has_its_own_place() -> None:
    assert filtered({"ticker": "AMC"}, {"ticker": "GEVO"}) == [None, None]


def test_an_absent_letter_with_members_is_named() -> None:
    absent = {"scored_events": frozenset({Partition(SESSION, "A"), Partition(SESSION, "I"), Partition(SESSION, "Q")})}
    run = Run("event_candidates", (Partition(SESSION),), absent=absent)
    inputs = {"scored_events": event_rows(ScoredEvents).lazy(), "config": CandidateRules()}
    with pytest.raises(FileNotFoundError, match=r"scored_events A\|2024-01-16"):
        list(event_candidates(run, universe=universe(*MEMBERS), **inputs))
    (part,) = event_candidates(run, universe=universe(("IBM", None, False)), **inputs)
    assert part.frame.is_empty()


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="profile is 'gold', not one of core, plus, premium, full"):
        filtered({}, profile="gold")


def test_a_non_member_that_passes_breaks_the_contract() -> None:
    rows = event_rows(EventCandidates, {"member": False})
    assert not verdict(EventCandidates, rows).passed
