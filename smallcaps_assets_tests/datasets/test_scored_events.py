"""Scores by trailing percentile, worked by hand."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import sessions
from smallcaps_assets.contract import conform, verdict
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets import scored_events as module
from smallcaps_assets.datasets.intraday_events import IntradayEvents
from smallcaps_assets.datasets.scored_events import ScoredEvents, ScoreRules, prefix_stable
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.event_rows import SESSION, event_rows

PAST = sessions.before(SESSION, 61)
MEASURES = ("spike", "move_pct", "time_of_day_rvol", "consecutive_bars", "distance_to_vwap_pct")


def of(session: date, **given: Any) -> dict[str, Any]:
    return {"session": session, **given}


def scored(*events: dict[str, Any], wanted: tuple[date, ...] = (SESSION,), **rules: Any) -> pl.DataFrame:
    run = Run("scored_events", tuple(Partition(session, "G") for session in wanted))
    frame = event_rows(IntradayEvents, *events)
    parts = module.scored_events(run, intraday_events=frame.lazy(), config=ScoreRules(**{"warm_up_events": 1, **rules}))
    rows = pl.concat([conform(ScoredEvents, part.frame) for part in parts])
    assert verdict(ScoredEvents, rows).passed
    return rows


def test_a_score_weighs_the_percentile_of_each_measure() -> None:
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
    assert row["score"] == pytest.approx(0.30 * 0.5 + 0.25 * 1.0 + 0.20 * 0.0 + 0.15 * 0.75 + 0.10 * 0.5)
    assert (row["earlier_events"], row["score_reason"]) == (2, "scored")


def test_an_unknown_measure_leaves_its_weight_to_the_others() -> None:
    past = [of(PAST[5], spike=1.0, consecutive_bars=9), of(PAST[6], spike=2.0, consecutive_bars=9)]
    unknown = {"move_pct": None, "time_of_day_rvol": None, "distance_to_vwap_pct": None}
    (row,) = scored(*past, of(SESSION, spike=3.0, consecutive_bars=1, **unknown)).to_dicts()
    assert row["score"] == pytest.approx((0.30 * 1.0 + 0.15 * 0.0) / 0.45)


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


def test_one_run_over_sessions_gives_what_single_runs_give() -> None:
    wanted = tuple(sessions.between(SESSION, date(2024, 1, 19)))
    events = [of(day, spike=float(i * 7 % 11), minute=i) for i, day in enumerate([*PAST, *wanted] * 2)]
    single = [scored(*(e for e in events if e["session"] <= day), wanted=(day,)) for day in wanted]
    assert scored(*events, wanted=wanted).equals(pl.concat(single))


def test_without_events_there_are_no_scores() -> None:
    assert scored().is_empty()
    assert scored(of(PAST[5])).is_empty()


def test_scores_are_prefix_stable_and_a_score_from_the_future_is_caught() -> None:
    events = event_rows(
        IntradayEvents, *(of(PAST[i % 60 + 1], spike=float(i), minute=i) for i in range(220)), of(SESSION)
    )
    run = Run("scored_events", (Partition(SESSION, "G"),))
    (part,) = module.scored_events(run, intraday_events=events.lazy(), config=ScoreRules())
    inputs = {"intraday_events": events.lazy()}
    assert prefix_stable(part.frame, inputs).passed
    assert prefix_stable(part.frame.clear(), {}).passed


def test_a_score_that_ranks_within_its_own_session_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def hindsight(events: pl.LazyFrame, rules: ScoreRules, wanted: list[date]) -> pl.DataFrame:
        rank = pl.col("spike").rank("max") / pl.len()
        return event_rows(ScoredEvents, *events.collect().to_dicts()).with_columns(score=rank.over("session"))

    monkeypatch.setattr(module, "scored", hindsight)
    events = event_rows(IntradayEvents, *(of(SESSION, spike=float(30 - i), minute=i) for i in range(20)))
    stored = hindsight(events.lazy(), ScoreRules(), [SESSION])
    assert not prefix_stable(stored, {"intraday_events": events.lazy()}).passed


def test_a_score_without_its_reason_breaks_the_contract() -> None:
    rows = scored(of(PAST[5]), of(SESSION))
    assert not verdict(ScoredEvents, rows.with_columns(score_reason=pl.lit("warming up"))).passed
    assert not verdict(ScoredEvents, rows.with_columns(score=pl.lit(1.1))).passed
