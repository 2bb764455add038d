"""Ranks look back 252 sessions and never at their own."""

from datetime import date

import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import conform, verdict
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.event_ranking import EventRanking, event_ranking
from smallcaps_assets.partitions import Partition

SESSION = date(2024, 1, 16)
YEAR = sessions.before(SESSION, 253)


def events(*rows: tuple[date, str, float, float]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=["session", "ticker", "gap_pct", "rvol"], orient="row")


def ranked(found: pl.LazyFrame, *wanted: date) -> pl.DataFrame:
    run = Run("event_ranking", tuple(Partition(session) for session in wanted))
    parts = [conform(EventRanking, part.frame) for part in event_ranking(run, daily_events=found)]
    assert all(verdict(EventRanking, part).passed for part in parts)
    return pl.concat(parts)


def test_most_events_come_first_and_ties_go_by_ticker() -> None:
    found = events(
        (YEAR[5], "ZZ", 4.0, 2.0), (YEAR[9], "ZZ", 8.0, 3.0), (YEAR[7], "BB", 1.0, 5.0), (YEAR[8], "AA", 2.0, 6.0)
    )
    assert ranked(found, SESSION).rows() == [
        (SESSION, "AA", 1, 2.0, 6.0, 2),
        (SESSION, "BB", 1, 1.0, 5.0, 3),
        (SESSION, "ZZ", 2, 6.0, 2.5, 1),
    ]


def test_the_own_session_and_the_253rd_before_are_left_out() -> None:
    found = events((SESSION, "OWN", 9.0, 9.0), (YEAR[0], "OLD", 9.0, 9.0), (YEAR[1], "FIRST", 9.0, 9.0))
    assert ranked(found, SESSION)["ticker"].to_list() == ["FIRST"]


def test_one_run_over_three_sessions_gives_what_three_runs_give() -> None:
    wanted = sessions.between(date(2024, 1, 16), date(2024, 1, 18))
    drawn = [(YEAR[i], "ABC"[i * i % 3], i * 0.37, i * 0.11 + 1) for i in range(253)]
    found = events(*drawn, *[(session, "D", 1.0, 1.0) for session in wanted])
    assert ranked(found, *wanted).equals(pl.concat([ranked(found, session) for session in wanted]))


def test_without_events_a_ranking_is_empty() -> None:
    assert ranked(events((YEAR[1], "A", 1.0, 1.0)).clear(), SESSION).is_empty()


def test_a_doubled_rank_breaks_the_contract() -> None:
    rows = ranked(events((YEAR[5], "AA", 4.0, 2.0), (YEAR[9], "BB", 8.0, 3.0)), SESSION)
    assert not verdict(EventRanking, rows.with_columns(rank=pl.lit(1, pl.Int64))).passed
