"""Scores by trailing percentile among the whole market's events of the kind, worked by hand."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import sessions
from smallcaps_assets.contract import conform, verdict
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets import scored_events as module
from smallcaps_assets.datasets.event_candidates import EventCandidates
from smallcaps_assets.datasets.scored_events import ScoredEvents, ScoreRules, prefix_stable
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.event_rows import SESSION, event_rows

PAST = sessions.before(SESSION, 61)
MEASURES = ("spike", "move_pct", "time_of_day_rvol", "consecutive_bars", "distance_to_vwap_pct")


def of(session: date, **given: Any) -> dict[str, Any]:
    return {"session": session, **given}


def scored(*events: dict[str, Any], wanted: tuple[date, ...] = (SESSION,), **rules: Any) -> pl.DataFrame:
    run = Run("scored_events", tuple(Partition(session) for session in wanted))
    frame = event_rows(EventCandidates, *events)
    parts = module.scored_events(
        run, event_candidates=frame.lazy(), config=ScoreRules(**{"warm_up_events": 1, **rules})
    )
    rows = pl.concat([conform(ScoredEvents, part.frame) for part in parts])
    assert verdict(ScoredEvents, rows).passed
    return rows


def test_the_mean_weighs_the_percentile_of_each_measure_and_the_score_is_its_own() -> None:
    lesser = {
        "spike": 1.0,
        "move_pct": 1.0,
        "time_of_day_rvol": 1.0,
        "consecutive_bars": 1,
        "distance_to_vwap_pct": 0.1,
    }
    greater = {
        "spike": 9.0,
        "move_pct": 9.0,
        "time_of_day_rvol": 9.0,
        "consecutive_bars": 9,
        "distance_to_vwap_pct": 9.0,
    }
    own = {"spike": 5.0, "move_pct": -9.9, "time_of_day_rvol": 0.5, "consecutive_bars": 9, "distance_to_vwap_pct": -5.0}
    (row,) = scored(of(PAST[5], **lesser), of(PAST[6], **greater), of(SESSION, **own)).to_dicts()
    # percentiles: 0.5, 1.0 (size, not sign), 0.0, 0.75 (equal counts half), 0.5
    assert row["mean_percentile"] == pytest.approx(0.30 * 0.5 + 0.25 * 1.0 + 0.20 * 0.0 + 0.15 * 0.75 + 0.10 * 0.5)
    # the means of those before are 0.25 and 0.75, and 0.5625 lies between
    assert (row["score"], row["earlier_events"], row["score_reason"]) == (0.5, 2, "scored")


def test_an_unknown_measure_leaves_its_weight_to_the_others() -> None:
    past = [of(PAST[5], spike=1.0, consecutive_bars=9), of(PAST[6], spike=2.0, consecutive_bars=9)]
    unknown = {"move_pct": None, "time_of_day_rvol": None, "distance_to_vwap_pct": None}
    (row,) = scored(*past, of(SESSION, spike=3.0, consecutive_bars=1, **unknown)).to_dicts()
    assert row["mean_percentile"] == pytest.approx((0.30 * 1.0 + 0.15 * 0.0) / 0.45)


def test_fewer_earlier_events_than_the_warm_up_give_no_score() -> None:
    past = [of(PAST[i % 60 + 1], minute=i) for i in range(199)]
    assert scored(*past, of(SESSION), warm_up_events=200).select("score", "score_reason", "earlier_events").rows() == [
        (None, "warming up", 199)
    ]
    (row,) = scored(*past, of(PAST[1], minute=300), of(SESSION), warm_up_events=200).to_dicts()
    assert (row["score"], row["earlier_events"]) == (0.5, 200)


def test_only_the_same_detector_and_segment_of_the_60_sessions_before_are_compared() -> None:
    others = [
        of(PAST[0]),  # 61 sessions before
        of(SESSION, minute=90),
        of(PAST[5], detector="flush"),
        of(PAST[5], minute=-30),
    ]
    rows = scored(*others, of(PAST[1]), of(SESSION, minute=30)).filter(pl.col("detector") == "volume_spike")
    assert rows["earlier_events"].to_list() == [1, 1]


def test_events_of_every_ticker_are_the_population() -> None:
    past = [of(PAST[5], ticker="AMC", spike=1.0), of(PAST[6], ticker="ZEV", spike=3.0, member=False)]
    (row,) = scored(
        *past, of(SESSION, ticker="GEVO", spike=2.0), volume=1, move=0, confirmation=0, streak=0, distance=0
    ).to_dicts()
    assert (row["score"], row["earlier_events"]) == (0.5, 2)


@pytest.mark.parametrize(("spike", "expected"), [(0.5, 0.0), (1.0, 0.25), (1.5, 0.5), (2.0, 0.75), (2.5, 1.0)])
def test_an_event_that_ties_with_earlier_ones_counts_half_of_them(spike: float, expected: float) -> None:
    past = [of(PAST[5], spike=1.0), of(PAST[6], spike=2.0)]
    assert scored(*past, of(SESSION, spike=spike))["score"].to_list() == [expected]


def test_events_of_the_same_session_are_scored_apart() -> None:
    past = [of(PAST[i], minute=i, spike=float(i)) for i in range(2, 30)]
    alone = scored(*past, of(SESSION, minute=50, spike=7.5))
    crowd = scored(*past, of(SESSION, minute=50, spike=7.5), *(of(SESSION, minute=i, spike=99.0) for i in range(10)))
    assert crowd.filter(pl.col("triggered_at") == alone["triggered_at"][0]).equals(alone)


def test_one_run_over_sessions_gives_what_single_runs_give() -> None:
    wanted = tuple(sessions.between(SESSION, date(2024, 1, 19)))
    events = [of(day, spike=float(i * 7 % 11), minute=i) for i, day in enumerate([*PAST, *wanted] * 2)]
    single = [scored(*(e for e in events if e["session"] <= day), wanted=(day,)) for day in wanted]
    assert scored(*events, wanted=wanted).equals(pl.concat(single))


def test_the_scores_are_shown_by_tenths() -> None:
    events = event_rows(EventCandidates, of(PAST[5], spike=1.0), of(SESSION, spike=2.0), of(SESSION, detector="flush"))
    run = Run("scored_events", (Partition(SESSION),))
    (part,) = module.scored_events(run, event_candidates=events.lazy(), config=ScoreRules(warm_up_events=1))
    assert part.metadata["scored"] == 1
    lines = part.metadata["scores"].value.splitlines()
    assert lines[2].startswith("| 0.0 to 0.1 | 0 | 0.0 |")
    assert lines[11].startswith("| 0.9 to 1.0 | 1 | 100.0 | █")
    assert lines[13] == "1 events have no score."


def test_without_events_there_are_no_scores() -> None:
    assert scored().is_empty()
    assert scored(of(PAST[5])).is_empty()


def test_scores_are_prefix_stable_under_the_rules_that_they_were_made_with() -> None:
    rules = ScoreRules(volume=0.5, warm_up_events=100)
    events = event_rows(
        EventCandidates,
        *(of(PAST[i % 60 + 1], spike=float(i), move_pct=float(i * 7 % 5), minute=i) for i in range(120)),
        *(of(SESSION, spike=float(i * 37 % 120), minute=i) for i in range(12)),
    )
    (part,) = module.scored_events(
        Run("scored_events", (Partition(SESSION),)), event_candidates=events.lazy(), config=rules
    )
    assert part.frame["score"].null_count() == 0
    inputs = {"event_candidates": events.lazy()}
    assert prefix_stable(part.frame, inputs, rules).passed
    assert not prefix_stable(part.frame, inputs, ScoreRules(warm_up_events=100)).passed
    assert prefix_stable(part.frame.clear(), {}, rules).passed


def test_a_score_that_ranks_within_its_own_session_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def hindsight(events: pl.LazyFrame, rules: ScoreRules, wanted: list[date]) -> pl.DataFrame:
        rank = pl.col("spike").rank("max") / pl.len()
        return event_rows(ScoredEvents, *events.collect().to_dicts()).with_columns(score=rank.over("session"))

    monkeypatch.setattr(module, "scored", hindsight)
    events = event_rows(EventCandidates, *(of(SESSION, spike=float(30 - i), minute=i) for i in range(20)))
    stored = hindsight(events.lazy(), ScoreRules(), [SESSION])
    assert not prefix_stable(stored, {"event_candidates": events.lazy()}, ScoreRules()).passed


def test_a_score_without_its_reason_breaks_the_contract() -> None:
    rows = scored(of(PAST[5]), of(SESSION))
    assert not verdict(ScoredEvents, rows.with_columns(score_reason=pl.lit("warming up"))).passed
    assert not verdict(ScoredEvents, rows.with_columns(score=pl.lit(1.1))).passed
