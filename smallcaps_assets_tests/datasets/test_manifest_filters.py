"""Filters 1 to 5 of the manifest, each at its boundary, by profile; and what they say of what they drop."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from smallcaps_assets.contract import conform, verdict
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.event_manifest import EVENT_WHY, EventManifest, ManifestRules, event_manifest
from smallcaps_assets.datasets.scored_events import ScoredEvents
from smallcaps_assets.partitions import Partition
from smallcaps_assets.store import catalogue
from smallcaps_assets.store.lake import Lake
from smallcaps_assets_tests.datasets.event_rows import SESSION, event_rows


def rows(*events: dict[str, Any], **rules: Any) -> Any:
    """The manifest of the events, in the order given; they are one minute apart."""
    run = Run("event_manifest", (Partition(SESSION),))
    scored = event_rows(ScoredEvents, *events)
    (part,) = event_manifest(run, scored_events=scored.lazy(), config=ManifestRules(**rules))
    frame = conform(EventManifest, part.frame)
    assert verdict(EventManifest, frame).passed
    return frame.sort("triggered_at")


def filtered(*events: dict[str, Any], **rules: Any) -> list[str | None]:
    """What drops each event."""
    return list(rows(*events, **rules)["dropped_by"])


@pytest.mark.parametrize(
    ("event", "profile", "expected"),
    [
        ({}, "core", None),
        ({"member": False}, "full", "universe"),
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
    everything = {"member": False, "score": 0.1, "close": 99.0, "volume": 1.0}
    assert filtered(everything) == ["universe"]
    assert filtered({**everything, "member": True}) == ["score"]
    assert filtered({**everything, "member": True, "score": 0.9}) == ["price"]


def test_the_rules_say_whether_the_unknown_passes() -> None:
    assert filtered({"score": None}, unscored_pass=False) == ["score"]
    assert filtered({"time_of_day_rvol": None}, unknown_rvol_passes=False) == ["liquidity"]
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


@pytest.mark.parametrize(
    ("event", "missed"),
    [
        ({}, (None, None, None)),
        ({"member": False}, ("member", None, None)),
        ({"score": 0.5}, ("score", 0.5, 0.6)),
        ({"close": 0.25}, ("close", 0.25, 0.5)),
        ({"close": 25.0}, ("close", 25.0, 20.0)),
        ({"volume": 9_999.0, "time_of_day_rvol": 0.5}, ("volume", 9_999.0, 10_000.0)),
        ({"minute": 400, "spread_proxy": 0.09}, ("spread_proxy", 0.09, 0.08)),
        ({"spread_proxy": None}, ("spread_proxy", None, 0.05)),
    ],
)
def test_an_event_says_what_it_missed_by(event: dict[str, Any], missed: tuple[object, ...]) -> None:
    assert rows(event).select("missed", "missed_value", "missed_bound").rows() == [missed]


def test_why_an_event_was_dropped_is_one_query(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    events: list[dict[str, Any]] = [
        {"volume": 9_999.0},
        {"member": False},
        {"spread_proxy": 0.06},
        {"spread_proxy": None},
        {"score": 0.9},
        {},
    ]
    lake.commit("event_manifest", str(SESSION), rows(*events), passed=True, group_rows=10)
    path = catalogue.write(lake, {"event_manifest": event_manifest.empty()}, {"event_why": EVENT_WHY})
    with duckdb.connect(str(path), read_only=True) as connection:
        said = connection.sql("SELECT filter, filter_name, why FROM event_why ORDER BY triggered_at").fetchall()
    assert said == [
        (4, "liquidity", "filter 4, liquidity: volume is 9999, must be at least 10000"),
        (1, "universe", "filter 1, universe: GEVO is no member of the universe on 2024-01-16"),
        (4, "liquidity", "filter 4, liquidity: spread_proxy is 0.06, must be at most 0.05"),
        (4, "liquidity", "filter 4, liquidity: spread_proxy is unknown, its bound is 0.05"),
        (None, None, "admitted: it passes every filter of the profile core"),
        (5, "per session", "filter 5, per session: rank in its session is 2, must be at most 1"),
    ]


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="profile is 'gold', not one of core, plus, premium, full"):
        filtered({}, profile="gold")


def test_a_non_member_that_passes_breaks_the_contract() -> None:
    assert not verdict(EventManifest, event_rows(EventManifest, {"member": False})).passed
