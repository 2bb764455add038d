"""The 13 GO/NO-GO checks, the six quality checks and the power of the filters."""

from typing import Any

import polars as pl
import pytest

from smallcaps_assets import sessions
from smallcaps_assets.contract import conform, verdict
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.event_manifest import EventManifest
from smallcaps_assets.datasets.manifest_verdict import ManifestVerdict, VerdictRules, manifest_verdict
from smallcaps_assets_tests.datasets.event_rows import SESSION, event_rows

DETECTORS = ("volume_spike", "vwap_break")
SPAN = [*sessions.before(SESSION, 19), SESSION]  # 20 sessions of December 2023 and January 2024
MINUTES = {"PM": -30, "RTH": 30, "AH": 400}


def good_events() -> list[dict[str, Any]]:
    """20 sessions with 15 admitted events each, of 100 tickers: 2 PM, 12 RTH, 1 AH, and 15 dropped ones."""
    events = []
    for i in range(600):
        place = i // 2 % 15
        segment = "PM" if place < 2 else "RTH" if place < 14 else "AH"
        events.append(
            {
                "session": SPAN[i // 30],
                "ticker": f"G{i // 2 % 100:02d}",
                "detector": DETECTORS[i // 2 % 2],
                "minute": MINUTES[segment] + i % 2,
                "score": 0.8 if i % 2 == 0 and i % 3 else 0.7 if i % 2 == 0 else 0.3,
                "dropped_by": "score" if i % 2 else None,
            }
        )
    return events


def judged(events: list[dict[str, Any]], **rules: Any) -> dict[tuple[str, str], tuple[float | None, str, str]]:
    rows = event_rows(EventManifest, *events)
    (part,) = manifest_verdict(Run("manifest_verdict", ()), event_manifest=rows.lazy(), config=VerdictRules(**rules))
    frame = conform(ManifestVerdict, part.frame)
    assert verdict(ManifestVerdict, frame).passed
    assert part.metadata["report"].value.count("\n") == frame.height + 1
    return {(kind, check): (figure, bound, word) for kind, _, check, figure, bound, word in frame.rows()}


def words(events: list[dict[str, Any]], kind: str) -> dict[str, str]:
    return {check: word for (of, check), (_, _, word) in judged(events).items() if of == kind}


def test_there_are_13_checks_and_a_good_manifest_is_go_in_all() -> None:
    go = words(good_events(), "go")
    assert len(go) == 13
    assert {check: word for check, word in go.items() if word != "GO"} == {}


def test_figures_and_bounds_are_scaled_to_the_sessions_there_are() -> None:
    found = judged(good_events())
    assert found["go", "events"] == (300.0, "≥ 212.202, ≤ 318.302", "GO")  # 8,000 and 12,000 × 20/754
    assert found["go", "tickers"][:2] == (100.0, "≥ 10.6101")
    assert found["go", "PM share"][0] == pytest.approx(100 * 2 / 15)
    assert found["go", "projected storage"][0] == pytest.approx(300 * 754 / 20 * 11.7 / 1_000)
    assert found["go", "projected download"][0] == pytest.approx(300 * 754 / 20 * 4 / 500 / 1_440)
    assert found["go", "months covered"][0] == 1.0
    assert found["go", "20 busiest tickers"][0] == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"segment": "AH"}, "segments that disagree with New York"),
        ({"score": 0.65}, "median score"),
        ({"ticker": "GEVO"}, "20 busiest tickers"),
        ({"detector": "flush"}, "largest detector"),
        ({"minute": 30}, "PM share"),
        ({"minute": 30}, "AH share"),
        ({"minute": -30}, "RTH share"),
        ({"session": SESSION}, "events"),
    ],
)
def test_each_check_can_say_no(change: dict[str, Any], check: str) -> None:
    events = [{**event, **change} for event in good_events()]
    if "session" in change:
        events = events[:60]
    assert words(unlike(events), "go")[check] == "NO-GO"


def unlike(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events with ids of their own, however alike they are."""
    return [{**event, "event_id": f"event {i}"} for i, event in enumerate(events)]


def test_bounds_come_from_the_run_configuration() -> None:
    strict = {"least_tickers": 4_000, "most_gigabytes": 1, "most_download_days": 0.01, "least_months": 1.1}
    found = judged(good_events(), **strict)
    for check in ("tickers", "projected storage", "projected download", "months covered"):
        assert found["go", check][2] == "NO-GO"


def test_nulls_in_mandatory_columns_are_counted() -> None:
    rows = event_rows(EventManifest, *good_events()).with_columns(direction=pl.lit(None, pl.String))
    (part,) = manifest_verdict(Run("manifest_verdict", ()), event_manifest=rows.lazy(), config=VerdictRules())
    assert part.frame.filter(pl.col("check") == "nulls in mandatory columns")["figure"].to_list() == [300.0]


def test_quality_looks_at_all_events() -> None:
    found = judged(good_events())
    quality = {check: (figure, word) for (kind, check), (figure, _, word) in found.items() if kind == "quality"}
    assert quality["median events of a ticker"] == (6.0, "GO")
    assert quality["busiest session"] == (5.0, "GO")
    assert quality["share with a score of 0.70 or more"] == (50.0, "NO-GO")
    assert quality["largest detector"] == (50.0, "GO")
    assert len(quality) == 7


def test_a_filter_that_passes_everything_has_no_power() -> None:
    power = words(good_events(), "power")
    assert power == {
        "universe passes": "NO-GO",
        "score passes": "GO",
        "price passes": "NO-GO",
        "liquidity passes": "NO-GO",
        "per session passes": "NO-GO",
        "per month passes": "NO-GO",
        "budget passes": "NO-GO",
    }
    assert set(words([{**e, "profile": "full"} for e in good_events()], "power")) == {"universe passes", "price passes"}


def test_a_manifest_without_bound_for_its_profile_has_no_bound_for_its_events() -> None:
    assert judged([{**e, "profile": "full"} for e in good_events()])["go", "events"] == (300.0, "none", "GO")
    assert judged([{**e, "profile": "plus"} for e in good_events()])["go", "events"][1] == "≥ 409.246, ≤ 613.869"


def test_figures_that_cannot_be_given_are_null_and_no_go() -> None:
    nothing = [{**event, "score": None, "dropped_by": "price"} for event in good_events()]
    found = judged(nothing)
    assert found["go", "median score"] == (None, "≥ 0.7", "NO-GO")
    assert found["go", "RTH share"][0] is None
    assert found["quality", "share with a score of 0.70 or more"][0] is None
    assert found["power", "budget passes"] == (None, "≥ 1 %, ≤ 99 %", "NO-GO")
    assert judged([]) == {("go", "events"): (0.0, "≥ 1", "NO-GO")}
