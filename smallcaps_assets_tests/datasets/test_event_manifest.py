"""Filters 6 and 7, windows, and a waterfall that adds up."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import sessions
from smallcaps_assets.contract import conform, verdict
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.event_candidates import EventCandidates
from smallcaps_assets.datasets.event_manifest import EventManifest, event_manifest, the_waterfall_adds_up
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.event_rows import SESSION, event_rows

PAST = sessions.before(SESSION, 21)


def manifest(*events: dict[str, Any], wanted: tuple[date, ...] = (SESSION,)) -> pl.DataFrame:
    run = Run("event_manifest", tuple(Partition(session) for session in wanted))
    parts = event_manifest(run, event_candidates=event_rows(EventCandidates, *events).lazy())
    rows = pl.concat([conform(EventManifest, part.frame) for part in parts])
    assert verdict(EventManifest, rows).passed
    return rows.sort("triggered_at")


def dropped(*events: dict[str, Any]) -> list[str | None]:
    return list(manifest(*events)["dropped_by"])


def test_a_ticker_has_three_events_in_21_sessions() -> None:
    better = [{"session": day, "score": 0.9} for day in (PAST[1], PAST[5], PAST[20])]
    assert dropped(*better, {"score": 0.8}) == ["per month"]
    assert dropped(*better[:2], {"score": 0.8}) == [None]
    assert dropped(*better, {"score": 0.95}) == [None]


def test_what_came_more_than_20_sessions_before_or_was_dropped_does_not_count() -> None:
    old = [{"session": day, "score": 0.9} for day in (PAST[0], PAST[5], PAST[20])]
    assert dropped(*old, {"score": 0.8}) == [None]
    lost = [{"session": day, "score": 0.9, "dropped_by": "price"} for day in (PAST[1], PAST[5], PAST[20])]
    assert dropped(*lost, {"score": 0.8}) == [None]


def test_another_ticker_does_not_count() -> None:
    better = [{"session": day, "score": 0.9, "ticker": "AMC"} for day in (PAST[1], PAST[5], PAST[20])]
    assert dropped(*better, {"score": 0.8}) == [None]


def test_a_session_has_a_budget_of_14_by_score() -> None:
    events = [{"ticker": f"G{i:02d}", "score": 0.60 + i / 100} for i in range(16)]
    assert dropped(*events) == ["budget", "budget", *[None] * 14]


def test_what_the_month_drops_takes_nothing_of_the_budget() -> None:
    better = [{"session": day, "score": 0.99} for day in (PAST[1], PAST[5], PAST[20])]
    others = [{"ticker": f"H{i:02d}", "score": 0.7} for i in range(14)]
    assert dropped(*better, {"score": 0.98}, *others) == ["per month", *[None] * 14]


def test_a_reason_of_the_candidates_is_kept() -> None:
    assert dropped({"dropped_by": "liquidity"}, {}) == ["liquidity", None]


@pytest.mark.parametrize(
    ("profile", "spike", "before", "after"),
    [
        ("core", 7.99, 3, 7),
        ("core", 8.0, 10, 20),
        ("core", None, 3, 7),
        ("plus", 5.99, 5, 15),
        ("plus", 6.0, 10, 20),
        ("premium", 1.0, 10, 20),
        ("full", 99.0, 3, 7),
    ],
)
def test_a_window_lies_around_the_moment_of_knowing(profile: str, spike: float | None, before: int, after: int) -> None:
    (row,) = manifest({"profile": profile, "spike": spike}).to_dicts()
    assert row["known_at"] - row["window_starts_at"] == timedelta(minutes=before)
    assert row["window_ends_at"] - row["known_at"] == timedelta(minutes=after)


def test_the_full_profile_drops_nothing() -> None:
    events = [
        {"ticker": f"G{i % 4}", "profile": "full", "session": day} for i in range(30) for day in (PAST[5], SESSION)
    ]
    assert set(dropped(*events)) == {None}


def test_candidates_of_two_profiles_are_refused() -> None:
    with pytest.raises(ValueError, match=f"plus from {PAST[5]}, core from {SESSION}"):
        manifest({"session": PAST[5], "profile": "plus"}, {})


def test_one_run_over_sessions_gives_what_single_runs_give() -> None:
    wanted = tuple(sessions.between(SESSION, date(2024, 1, 19)))
    events: list[dict[str, Any]] = [
        {"session": day, "ticker": f"G{i % 3}", "score": (i * 37 % 101) / 101, "minute": i}
        for i, day in enumerate([*PAST, *wanted] * 3)
    ]
    single = [manifest(*(e for e in events if e["session"] <= day), wanted=(day,)) for day in wanted]
    assert manifest(*events, wanted=wanted).equals(pl.concat(single))


def test_a_session_without_candidates_is_empty() -> None:
    assert manifest({"session": PAST[5]}).is_empty()


def test_the_waterfall_shows_each_filter_and_adds_up() -> None:
    events = event_rows(EventCandidates, {"dropped_by": "score"}, {"dropped_by": "price"}, {}, {"session": PAST[5]})
    (part,) = event_manifest(Run("event_manifest", (Partition(SESSION),)), event_candidates=events.lazy())
    shown = part.metadata["waterfall"].value.splitlines()
    assert shown[2:6] == ["| input | | 3 |", "| universe | 0 | 3 |", "| score | 1 | 2 |", "| price | 1 | 1 |"]
    assert part.metadata["admitted"] == 1
    inputs = {"event_candidates": events.lazy()}
    assert the_waterfall_adds_up(part.frame, inputs).passed
    assert not the_waterfall_adds_up(part.frame.head(2), inputs).passed
    assert the_waterfall_adds_up(part.frame.clear(), inputs).passed


def test_an_admitted_event_with_a_reason_or_a_window_beside_it_breaks_the_contract() -> None:
    rows = manifest({})
    assert not verdict(EventManifest, rows.with_columns(admitted=pl.lit(False))).passed
    assert not verdict(EventManifest, rows.with_columns(window_ends_at=pl.col("known_at"))).passed
