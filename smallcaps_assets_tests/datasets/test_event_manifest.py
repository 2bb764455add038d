"""Filters 6 and 7, windows, and a waterfall that adds up."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets import sessions
from smallcaps_assets.contract import conform, verdict
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.event_manifest import (
    EventManifest,
    ManifestRules,
    event_manifest,
    the_waterfall_adds_up,
    waterfall,
)
from smallcaps_assets.datasets.scored_events import ScoredEvents
from smallcaps_assets.maths.selection import PROFILES
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.event_rows import SESSION, event_rows

PAST = sessions.before(SESSION, 21)


def manifest(*events: dict[str, Any], wanted: tuple[date, ...] = (SESSION,), profile: str = "core") -> pl.DataFrame:
    run = Run("event_manifest", tuple(Partition(session) for session in wanted))
    scored = event_rows(ScoredEvents, *events).lazy()
    parts = event_manifest(run, scored_events=scored, config=ManifestRules(profile=profile))
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
    lost = [{"session": day, "score": 0.9, "close": 99.0} for day in (PAST[1], PAST[5], PAST[20])]
    assert dropped(*lost, {"score": 0.8}) == [None]


def test_events_under_an_earlier_name_count_and_those_of_another_company_with_the_ticker_do_not() -> None:
    days = (PAST[1], PAST[5], PAST[20])
    renamed = [{"session": day, "score": 0.9, "ticker": "OLD", "security_id": "BBG1"} for day in days]
    assert dropped(*renamed, {"score": 0.8, "security_id": "BBG1"}) == ["per month"]
    reused = [{"session": day, "score": 0.9, "security_id": "BBG0"} for day in days]
    assert dropped(*reused, {"score": 0.8, "security_id": "BBG1"}) == [None]


def test_one_security_under_two_tickers_has_one_event_a_session() -> None:
    twice = [{"ticker": name, "score": score, "security_id": "BBG1"} for name, score in (("A", 0.8), ("B", 0.9))]
    assert dropped(*twice) == ["per session", None]


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


@pytest.mark.parametrize(
    ("profile", "spike", "before", "after"),
    [
        ("core", 7.99, 3, 7),
        ("core", 8.0, 10, 20),
        ("core", None, 3, 7),
        ("plus", 5.99, 5, 15),
        ("plus", 6.0, 10, 20),
        ("premium", 3.99, 10, 20),
        ("premium", 4.0, 10, 20),
        ("full", 99.0, 3, 7),
    ],
)
def test_a_window_lies_around_the_moment_of_knowing(profile: str, spike: float | None, before: int, after: int) -> None:
    (row,) = manifest({"spike": spike}, profile=profile).to_dicts()
    assert row["known_at"] - row["window_starts_at"] == timedelta(minutes=before)
    assert row["window_ends_at"] - row["known_at"] == timedelta(minutes=after)


def test_the_full_profile_drops_no_member_within_the_price_bounds() -> None:
    events = [{"ticker": f"G{i % 4}", "session": day, "score": 0.0} for i in range(30) for day in (PAST[5], SESSION)]
    assert set(manifest(*events, profile="full")["dropped_by"]) == {None}


@pytest.mark.parametrize(("profile", "a_session", "a_month"), [("core", 1, 3), ("plus", 2, 5), ("premium", 3, 10)])
def test_each_profile_has_its_places(profile: str, a_session: int, a_month: int) -> None:
    crowd = [{"session": day, "score": 0.9, "minute": i} for day in PAST[1:] for i in range(4)]
    own = manifest(*crowd, *({"score": 0.99, "minute": 50 + i} for i in range(4)), profile=profile)
    assert own["admitted"].sum() == a_session
    worse = manifest(*crowd, {"score": 0.89}, profile=profile)
    assert worse.select("dropped_by", "missed", "missed_bound").rows() == [
        ("per month", "rank in 21 sessions", a_month)
    ]
    assert worse["missed_value"].item() == 20 * a_session + 1


@pytest.mark.parametrize(("profile", "budget"), [("core", 14), ("plus", 27), ("premium", 67)])
def test_each_profile_has_its_budget(profile: str, budget: int) -> None:
    rows = manifest(*({"ticker": f"G{i:02d}"} for i in range(80)), profile=profile)
    assert rows["admitted"].sum() == budget
    assert set(rows["missed_value"].drop_nulls()) == set(range(budget + 1, 81))


@settings(max_examples=12, deadline=None)
@given(data=st.data(), profile=st.sampled_from(sorted(PROFILES)))
def test_the_order_of_the_input_changes_nothing_and_the_waterfall_adds_up(data: st.DataObject, profile: str) -> None:
    drawn = data.draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "session": st.sampled_from([PAST[1], PAST[20], SESSION]),
                    "ticker": st.sampled_from(["AMC", "GEVO"]),
                    "detector": st.sampled_from(["flush", "volume_spike"]),
                    "minute": st.integers(30, 33),
                    "score": st.sampled_from([None, 0.3, 0.7]),
                    "time_of_day_rvol": st.sampled_from([None, 2.0]),
                    "bar_dollar_volume": st.sampled_from([150_000.0, 90_000.0]),
                    "member": st.booleans(),
                }
            ),
            min_size=1,
            max_size=25,
            unique_by=lambda event: tuple(event[name] for name in ("session", "ticker", "detector", "minute")),
        )
    )
    wanted, names = (PAST[20], SESSION), ["session", "event_id"]
    first = manifest(*drawn, wanted=wanted, profile=profile).sort(names)
    again = manifest(*data.draw(st.permutations(drawn)), wanted=wanted, profile=profile).sort(names)
    assert first.equals(again)
    steps = waterfall(first)
    assert first.height - sum(dropped for _, dropped, _ in steps) == steps[-1][-1] == first["admitted"].sum()
    own = sum(event["session"] in wanted for event in drawn)
    assert first.height == own


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
    events = event_rows(ScoredEvents, {"score": 0.1}, {"close": 99.0}, {}, {"session": PAST[5]})
    (part,) = event_manifest(
        Run("event_manifest", (Partition(SESSION),)), scored_events=events.lazy(), config=ManifestRules()
    )
    shown = part.metadata["waterfall"].value.splitlines()
    assert shown[2:6] == [
        f"| input | – | 3 | {'█' * 30} |",
        f"| universe | 0 | 3 | {'█' * 30} |",
        f"| score | 1 | 2 | {'█' * 20} |",
        f"| price | 1 | 1 | {'█' * 10} |",
    ]
    assert part.metadata["admitted"] == 1
    inputs = {"scored_events": events.lazy()}
    assert the_waterfall_adds_up(part.frame, inputs).passed
    assert not the_waterfall_adds_up(part.frame.head(2), inputs).passed
    assert the_waterfall_adds_up(part.frame.clear(), inputs).passed


def test_the_last_session_of_a_run_shows_the_whole_runs_waterfall() -> None:
    events = event_rows(ScoredEvents, {"session": PAST[20], "score": 0.1}, {"close": 99.0}, {"score": None})
    run = Run("event_manifest", (Partition(PAST[20]), Partition(SESSION)))
    first, last = event_manifest(run, scored_events=events.lazy(), config=ManifestRules())
    assert "waterfall_of_the_run" not in first.metadata
    assert last.metadata["admitted_without_score"] == 1
    lines = last.metadata["waterfall_of_the_run"].value.splitlines()
    assert lines[2].startswith("| input | – | 3 |")
    assert lines[-3:] == [
        "| 2024-01-12 | 1 | 0 | 1 | 0 | 0 | 0 | 0 | 0 | 0 |",
        "| 2024-01-16 | 2 | 0 | 0 | 1 | 0 | 0 | 0 | 0 | 1 |",
        "| all | 3 | 0 | 1 | 1 | 0 | 0 | 0 | 0 | 1 |",
    ]


def test_an_admitted_event_with_a_reason_or_a_window_beside_it_breaks_the_contract() -> None:
    rows = manifest({})
    assert not verdict(EventManifest, rows.with_columns(admitted=pl.lit(False))).passed
    assert not verdict(EventManifest, rows.with_columns(window_ends_at=pl.col("known_at"))).passed
