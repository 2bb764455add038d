"""The 13 GO/NO-GO checks, the six quality checks and the power of the filters."""

from typing import Any

import polars as pl
import pytest

from smallcaps_assets.datasets.event_manifest import EventManifest
from smallcaps_assets.datasets.manifest_verdict import ALL
from smallcaps_assets_tests.datasets.event_rows import SESSION, event_rows
from smallcaps_assets_tests.datasets.manifest_rows import (
    MINUTE,
    SPAN,
    good_events,
    judged,
    plan_of,
    reported,
    unlike,
    words,
)


def test_there_are_13_checks_and_a_good_manifest_is_go_in_all() -> None:
    go = words(good_events(), "go")
    assert len(go) == 13
    assert {check: word for check, word in go.items() if word != "GO"} == {}


def test_figures_and_bounds_are_scaled_to_the_sessions_there_are() -> None:
    found = judged(good_events())
    assert found["go", "events"] == (300.0, "≥ 212.202, ≤ 318.302", "GO")  # 8,000 and 12,000 × 20/754
    assert found["go", "tickers"][:2] == (100.0, "≥ 10.6101")
    assert found["go", "PM share"][0] == pytest.approx(100 * 2 / 15)
    assert found["go", "projected storage"][0] == pytest.approx(300 * 754 / 20 / 1_000)
    assert found["go", "projected download"][0] == pytest.approx(300 * 754 / 20 * MINUTE / 1_440)
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


def test_bounds_come_from_the_run_configuration() -> None:
    strict: dict[str, Any] = {
        "least_tickers": 4_000,
        "most_gigabytes": 1,
        "most_download_days": 0.01,
        "least_months": 1.1,
    }
    found = judged(good_events(), **strict)
    for check in ("tickers", "projected storage", "projected download", "months covered"):
        assert found["go", check][2] == "NO-GO"


def test_what_the_plan_does_not_hold_is_unknown_and_no_go() -> None:
    rows = event_rows(EventManifest, *good_events())
    frame, _ = reported(good_events(), plan=plan_of(rows).filter(pl.col("session") != SESSION))
    unknown = frame.filter(pl.col("check").is_in(["projected storage", "projected download"]))
    assert unknown.select("figure", "verdict").rows() == [(None, "NO-GO")] * 2


def test_nulls_in_mandatory_columns_are_counted() -> None:
    frame, _ = reported([{**event, "direction": None} for event in good_events()])
    assert frame.filter(pl.col("check") == "nulls in mandatory columns")["figure"].to_list() == [300.0]


def test_the_decision_is_a_sentence_and_everything_has_its_table() -> None:
    frame, shown = reported(good_events())
    assert shown["decision"] == "GO in all 13 checks"
    for kind in ("go", "quality", "power"):
        assert shown[kind].value.count("\n") == frame.filter(pl.col("kind") == kind).height + 1
    assert f"| {ALL} | RTH share | 80.0 | ≥ 75 %, ≤ 85 % | – | GO | {'█' * 24} |" in shown["go"].value
    pictures = {"by_detector", "by_segment", "by_half_hour", "by_month", "by_score", "concentration"}
    assert pictures < shown.keys()
    assert sum(len(text.value) for name, text in shown.items() if name != "decision") < 20_000
    frame, shown = reported([{**event, "score": 0.65} for event in good_events()])
    assert shown["decision"] == "NO-GO, 1 of 13 checks: median score 0.65, must be ≥ 0.7"


def test_two_profiles_are_no_manifest() -> None:
    with pytest.raises(ValueError, match=f"several profiles: plus from {SPAN[0]}, core from {SESSION}"):
        reported([{"session": SPAN[0], "profile": "plus"}, {}])


def test_a_manifest_without_bound_for_its_profile_has_no_bound_for_its_events() -> None:
    assert judged([{**e, "profile": "full"} for e in good_events()])["go", "events"] == (300.0, "none", "GO")
    assert judged([{**e, "profile": "plus"} for e in good_events()])["go", "events"][1] == "≥ 409.246, ≤ 613.869"


def test_figures_that_cannot_be_given_are_null_and_no_go() -> None:
    nothing = [{**event, "score": None, "dropped_by": "price"} for event in good_events()]
    found = judged(nothing)
    assert found["go", "median score"] == (None, "≥ 0.7", "NO-GO")
    assert found["go", "RTH share"][0] is None
    assert found["quality", "score of 0.70 or more"] == (None, "≥ 20 %, ≤ 40 %", "NOT JUDGED")
    assert found["power", "budget passes"] == (None, "≥ 1 %, ≤ 99 %", "NOT JUDGED")
    assert judged([]) == {("go", "events"): (0.0, "≥ 1", "NO-GO")}
