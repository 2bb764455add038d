"""The six quality checks and the power of filters and score bars: what each must reject."""

from typing import Any

import polars as pl
import pytest

from smallcaps_assets import sessions
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.event_manifest import EventManifest
from smallcaps_assets.datasets.manifest_verdict import (
    ALL,
    NEWEST,
    VerdictRules,
    each_filter_decides_something,
    manifest_verdict,
    the_events_are_of_sound_quality,
)
from smallcaps_assets_tests.datasets.event_rows import SESSION, event_rows
from smallcaps_assets_tests.datasets.manifest_rows import (
    SPAN,
    good_events,
    judged,
    plan_of,
    reported,
    universe_of,
    unlike,
    words,
)

QUALITY = [
    ("largest detector", {"detector": "flush"}),
    ("RTH share", {"minute": 30}),
    ("PM + AH share", {"minute": 30}),
    ("busiest session", {"session": SESSION}),
    ("score of 0.70 or more", {"score": 0.9}),
    ("score of 0.70 or more", {"score": 0.5}),
]


def sound_events() -> list[dict[str, Any]]:
    """The good ones, with a third of the scores at 0.70 or more."""
    return [{**event, "score": (0.8, 0.5, 0.2)[i % 3]} for i, event in enumerate(good_events())]


def test_quality_looks_at_all_events() -> None:
    found = judged(sound_events())
    quality = {check: (figure, word) for (kind, check), (figure, _, word) in found.items() if kind == "quality"}
    assert quality == {
        "largest detector": (50.0, "GO"),
        "RTH share": (80.0, "GO"),
        "PM + AH share": (pytest.approx(20.0), "GO"),
        "20 busiest tickers": (20.0, "GO"),
        "median events of a member": (6.0, "GO"),
        "busiest session": (5.0, "GO"),
        "score of 0.70 or more": (pytest.approx(100 / 3), "GO"),
    }


@pytest.mark.parametrize(("check", "change"), QUALITY)
def test_each_quality_check_can_fail_and_its_asset_check_with_it(check: str, change: dict[str, Any]) -> None:
    events = unlike([{**event, **change} for event in sound_events()[:400]] + sound_events()[400:])
    assert words(events, "quality")[check] == "NO-GO"
    assert the_events_are_of_sound_quality(reported(sound_events())[0], {}).passed
    failed = the_events_are_of_sound_quality(reported(events)[0], {})
    assert not failed.passed
    assert "NO-GO" in failed.metadata[f"{check}, {ALL}"]


def test_concentration_is_judged_from_100_tickers_on() -> None:
    events = sound_events()
    crowded = [{**event, "ticker": "G00" if i % 2 else event["ticker"]} for i, event in enumerate(events)]
    some = [{**event, "ticker": f"G{i % 99}"} for i, event in enumerate(crowded)]
    assert words(unlike(crowded), "quality")["20 busiest tickers"] == "NO-GO"
    assert words(unlike(some), "quality")["20 busiest tickers"] == "NOT JUDGED"


def test_half_of_the_members_without_any_event_are_too_many() -> None:
    rows = event_rows(EventManifest, *sound_events())
    idle = [(day, f"Z{i}", True) for day in SPAN for i in range(101)]
    listed = pl.concat([universe_of(rows), pl.DataFrame(idle, ["session", "ticker", "member"], orient="row")])
    (part,) = manifest_verdict(
        Run("manifest_verdict", ()),
        event_manifest=rows.lazy(),
        universe=listed.lazy(),
        download_plan=plan_of(rows).lazy(),
        config=VerdictRules(),
    )
    found = part.frame.filter(pl.col("check") == "median events of a member")
    assert found.select("figure", "verdict").rows() == [(0.0, "NO-GO")]


@pytest.mark.parametrize(("count", "expected"), [(299, "NOT JUDGED"), (300, "NO-GO")])
def test_fewer_than_300_events_are_not_judged(count: int, expected: str) -> None:
    events = [{**event, "detector": "flush", "ticker": f"G{i % 100}"} for i, event in enumerate(good_events()[:count])]
    assert words(unlike(events), "quality")["largest detector"] == expected
    assert words(unlike([{**event, "dropped_by": None} for event in events]), "power")["price passes"] == expected


def test_power_is_the_share_of_a_filters_input_that_passes() -> None:
    found = judged(good_events())
    power = {check: (figure, word) for (kind, check), (figure, _, word) in found.items() if kind == "power"}
    # 600 events, of which filter 2 drops 300; scores 0.8 and 0.7 of the admitted, 0.3 of the others
    assert power == {
        "universe passes": (50.0, "GO"),
        "score ≥ 0.60 passes": (50.0, "GO"),
        "score ≥ 0.50 passes": (50.0, "GO"),
        "score ≥ 0.40 passes": (50.0, "GO"),
        "price passes": (100.0, "NO-GO"),
        "liquidity passes": (100.0, "NO-GO"),
        "per session passes": (100.0, "NO-GO"),
        "per month passes": (100.0, "NO-GO"),
        "budget passes": (100.0, "NO-GO"),
    }
    full = words([{**e, "profile": "full"} for e in good_events()], "power")
    assert {name for name in full if not name.startswith("score")} == {"universe passes", "price passes"}


POWERFUL = ("price", "liquidity", "per session", "per month", "budget")


def powerful_events() -> list[dict[str, Any]]:
    """Of 900 events of 100 tickers the score and each later filter drop a ninth; a third is admitted."""
    return unlike(
        [
            {
                "session": SPAN[i % 20],
                "ticker": f"G{i % 100:02d}",
                "score": (0.3, 0.45, 0.55, 0.65, 0.75, 0.85)[i // 100 % 6],
                "dropped_by": ("score", *POWERFUL, None, None, None)[i // 100],
            }
            for i in range(900)
        ]
    )


@pytest.mark.parametrize("name", POWERFUL)
def test_each_filter_that_drops_all_or_nothing_fails_the_check_of_power(name: str) -> None:
    events = powerful_events()
    assert each_filter_decides_something(reported(events)[0], {}).passed
    never = [{**event, "dropped_by": None if event["dropped_by"] == name else event["dropped_by"]} for event in events]
    later = POWERFUL[POWERFUL.index(name) :]
    always = [
        {**event, "dropped_by": name if event["dropped_by"] in (*later, None) else event["dropped_by"]}
        for event in events
    ]
    for broken, figure in ((never, "100"), (always, "0")):
        failed = each_filter_decides_something(reported(broken)[0], {})
        assert not failed.passed
        assert failed.metadata[f"{name} passes, {ALL}"] == f"{figure}, must be ≥ 1 %, ≤ 99 %: NO-GO"


@pytest.mark.parametrize(("score", "figure"), [(0.99, 100.0), (0.01, 0.0)])
def test_a_score_bar_that_all_or_none_reach_fails_too(score: float, figure: float) -> None:
    events = [{**event, "score": score} for event in powerful_events()]
    assert judged(events)["power", "score ≥ 0.60 passes"] == (figure, "≥ 1 %, ≤ 99 %", "NO-GO")
    warming = [{**event, "score": None} for event in powerful_events()]
    assert words(warming, "power")["score ≥ 0.60 passes"] == "NOT JUDGED"


def test_a_universe_of_members_only_fails_the_check_of_power() -> None:
    rows = event_rows(EventManifest, *powerful_events())
    (part,) = manifest_verdict(
        Run("manifest_verdict", ()),
        event_manifest=rows.lazy(),
        universe=universe_of(rows).filter("member").lazy(),
        download_plan=plan_of(rows).lazy(),
        config=VerdictRules(),
    )
    assert not each_filter_decides_something(part.frame, {}).passed


def test_what_broke_within_21_sessions_is_seen_in_a_long_history() -> None:
    older = sessions.before(SPAN[0], 201)[:200]
    sound = [{**event, "session": older[i % 200]} for i, event in enumerate(powerful_events())]
    broken = [
        {**event, "dropped_by": None if event["dropped_by"] == "price" else event["dropped_by"]}
        for event in powerful_events()
    ]
    events = unlike([*sound, *broken])
    assert judged(events, ALL)["power", "price passes"][2] == "GO"
    assert judged(events, NEWEST)["power", "price passes"] == (100.0, "≥ 1 %, ≤ 99 %", "NO-GO")
