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


Event = tuple[date, str, float, float]


def events(*rows: Event, ids: dict[str, str] | None = None, duplicates: dict[str, str] | None = None) -> pl.LazyFrame:
    """(session, ticker, gap, rvol), of the securities ``ids`` (else one a ticker), with the same bars as another."""
    frame = pl.DataFrame(rows, schema=["session", "ticker", "gap_pct", "rvol"], orient="row")
    names = frame["ticker"].to_list()
    return frame.with_columns(
        pl.Series("security_id", [(ids or {}).get(name, f"BBG{name}") for name in names], dtype=pl.String),
        pl.Series("duplicate_of", [(duplicates or {}).get(name) for name in names], dtype=pl.String),
    ).lazy()


def lists(*rows: tuple[date, str, str]) -> pl.LazyFrame:
    """(session, ticker, security) of active tickers."""
    frame = pl.DataFrame(rows, schema={"session": pl.Date, "ticker": pl.String, "security_id": pl.String}, orient="row")
    none = pl.lit([], dtype=pl.List(pl.String))
    return frame.with_columns(earlier_ids=none, active=pl.lit(True)).lazy()


def ranked(found: pl.LazyFrame, *wanted: date, listed: pl.LazyFrame | None = None) -> pl.DataFrame:
    run = Run("event_ranking", tuple(Partition(session) for session in wanted))
    known = lists() if listed is None else listed
    parts = [conform(EventRanking, part.frame) for part in event_ranking(run, daily_events=found, tickers=known)]
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


def test_events_under_an_earlier_name_count_for_the_name_of_the_session() -> None:
    found = events(
        *((YEAR[i], "OLD", 1.0, 2.0) for i in (5, 6)), (YEAR[9], "NEW", 4.0, 5.0), ids={"OLD": "BBG1", "NEW": "BBG1"}
    )
    assert ranked(found, SESSION, listed=lists((SESSION, "NEW", "BBG1"))).rows() == [(SESSION, "NEW", 3, 2.0, 3.0, 1)]
    assert ranked(found, SESSION, listed=lists((SESSION, "OLD", "BBG1")))["ticker"].to_list() == ["OLD"]


def test_events_of_another_company_that_had_the_ticker_do_not_count() -> None:
    found = events((YEAR[5], "META", 1.0, 2.0), (YEAR[6], "AA", 1.0, 2.0), ids={"META": "BBG1"})
    listed = lists((SESSION, "META", "BBG2"), (SESSION, "AA", "BBGAA"))
    assert ranked(found, SESSION, listed=listed)["ticker"].to_list() == ["AA"]


def test_an_event_under_two_names_counts_once() -> None:
    twice = [(YEAR[5], name, 1.0, 2.0) for name in ("AA", "TWIN")]
    found = events(*twice, (YEAR[8], "TWIN", 3.0, 2.0), duplicates={"TWIN": "AA"})
    assert ranked(found, SESSION).select("ticker", "events").rows() == [("AA", 1), ("TWIN", 1)]
    shared = events(*twice, ids={"AA": "BBG1", "TWIN": "BBG1"})
    assert ranked(shared, SESSION, listed=lists((SESSION, "TWIN", "BBG1"))).select("ticker", "events").rows() == [
        ("TWIN", 1)
    ]


def test_without_events_a_ranking_is_empty() -> None:
    assert ranked(events((YEAR[1], "A", 1.0, 1.0)).clear(), SESSION).is_empty()


def test_a_doubled_rank_breaks_the_contract() -> None:
    rows = ranked(events((YEAR[5], "AA", 4.0, 2.0), (YEAR[9], "BB", 8.0, 3.0)), SESSION)
    assert not verdict(EventRanking, rows.with_columns(rank=pl.lit(1, pl.Int64))).passed
