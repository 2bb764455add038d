"""Coverage of events' windows."""

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.window_coverage import (
    EVENT,
    WindowCoverage,
    every_admitted_event_is_complete,
    of_tapes,
    what_came_is_near_the_plan,
    window_coverage,
)
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.tape_rows import SESSION, manifest

EVENTS = manifest(("GEVO", "a", "10:00:00", "10:10:00"), ("GME", "b", "10:00:00", "10:10:00"))
KEY = {"session": pl.Date, "ticker": pl.String, "event_id": pl.String}


def planned(requests: int, rows: int) -> pl.DataFrame:
    """A plan of one window of GEVO, beside one of another letter and one of another session."""
    return pl.DataFrame(
        {
            "session": [SESSION, SESSION, SESSION.replace(day=6)],
            "ticker": ["GEVO", "AAA", "GEVO"],
            "requests": [requests, 9_000, 9_000],
            "rows": [rows, 10**9, 10**9],
        }
    )


def covered(trades: dict[str, int], quotes: dict[str, int]) -> pl.DataFrame:
    tickers = {"a": "GEVO", "b": "GME", "old": "GPRO"}
    by_trade = [(SESSION, tickers[event], event) for event, rows in trades.items() for _ in range(rows)]
    by_second = [(SESSION, tickers[event], event, count) for event, count in quotes.items()]
    (part,) = window_coverage(
        Run("window_coverage", (Partition(SESSION, "G"),)),
        event_manifest=EVENTS.lazy(),
        event_trades=pl.DataFrame(by_trade, schema=KEY, orient="row").lazy(),
        event_quotes=pl.DataFrame(by_second, schema=KEY | {"quotes": pl.Int64}, orient="row").lazy(),
        download_plan=planned(2, 10).lazy(),
    )
    frame = contracts.conform(WindowCoverage, part.frame)
    assert contracts.verdict(WindowCoverage, frame).passed
    return frame


def test_an_event_with_ticks_is_complete_and_its_pages_are_derived_from_its_rows() -> None:
    row = covered({"a": 3, "b": 1}, {"a": 50_001, "b": 1}).row(0, named=True)
    assert (row["trade_rows"], row["quote_rows"], row["requests"], row["pages"]) == (3, 50_001, 2, 3)
    assert (row["complete"], row["reason"]) == (True, "complete")


@pytest.mark.parametrize(
    ("trades", "quotes", "reason"),
    [
        ({}, {}, "complete: the service has neither trades nor quotes in the window"),
        ({}, {"a": 4}, "complete: the service has no trades in the window"),
        ({"a": 4}, {}, "complete: the service has no quotes in the window"),
    ],
)
def test_a_window_without_ticks_is_complete_and_says_so(
    trades: dict[str, int], quotes: dict[str, int], reason: str
) -> None:
    row = covered(trades, quotes).row(0, named=True)
    assert (row["complete"], row["reason"]) == (True, reason)


@pytest.mark.parametrize(
    ("trades", "quotes", "reason"),
    [
        ({"old": 1}, {"old": 1}, "another manifest: materialize event_trades and event_quotes again"),
        ({"old": 1}, {"a": 1}, "materialize event_trades again"),
        ({"a": 1}, {"old": 1}, "materialize event_quotes again"),
    ],
)
def test_rows_of_events_that_are_not_admitted_make_an_event_without_rows_incomplete(
    trades: dict[str, int], quotes: dict[str, int], reason: str
) -> None:
    row = covered(trades, quotes).row(0, named=True)
    assert not row["complete"]
    assert row["reason"].endswith(reason)


def test_the_law_fails_with_the_first_reason_and_passes_an_empty_partition() -> None:
    good, bad = covered({}, {}), covered({"old": 1}, {"a": 1, "b": 1})
    assert every_admitted_event_is_complete(good, {}).metadata["without_trades"] == 2
    verdict = every_admitted_event_is_complete(bad, {})
    assert not verdict.passed
    assert "event_trades again" in verdict.metadata["first_reason"]
    assert every_admitted_event_is_complete(good.clear(), {}).passed


def test_the_contract_refuses_fewer_pages_than_the_rows_need() -> None:
    frame = covered({"a": 1}, {"a": 50_001}).with_columns(pages=pl.lit(1, dtype=pl.Int64))
    assert not contracts.verdict(WindowCoverage, frame).passed
    assert set(EVENT) <= set(frame.columns)


@pytest.mark.parametrize(
    ("requests", "rows", "passes"),
    [
        (2, 10_000, False),  # five requests are needed: more than twice
        (3, 10_000, True),
        (10, 10_000, True),  # half
        (11, 10_000, False),
        (5, 5_001, False),  # 50,011 rows came: more than ten times
        (5, 5_002, True),
        (5, 10**9, True),  # fewer rows cost nothing
        (0, 0, False),  # planned for another manifest
    ],
)
def test_what_came_is_compared_with_what_was_planned(requests: int, rows: int, passes: bool) -> None:
    stored = covered({"a": 5, "b": 3}, {"a": 50_001, "b": 2})  # pages: 1 + 2 and 1 + 1
    verdict = what_came_is_near_the_plan(stored, {"download_plan": planned(requests, rows).lazy()})
    assert verdict.passed is passes
    assert (verdict.metadata["requests"], verdict.metadata["requests_planned"]) == (5, requests)
    assert (verdict.metadata["rows"], verdict.metadata["rows_planned"]) == (50_011, rows)


def test_without_admitted_events_there_is_nothing_to_compare() -> None:
    empty = covered({}, {}).clear()
    assert what_came_is_near_the_plan(empty, {"download_plan": planned(2, 10).lazy()}).passed


def test_rows_of_overlapping_windows_are_counted_by_the_length_of_their_union() -> None:
    overlapping = manifest(("GEVO", "a", "10:00:00", "10:10:00"), ("GEVO", "b", "10:05:00", "10:15:00"))
    stored = overlapping.drop("admitted").with_columns(trade_rows=pl.lit(40), quote_rows=pl.lit(60_000))
    # 20 minutes of windows over 15 minutes of tape: three quarters of 80 and of 120,000
    assert of_tapes(stored).select("trade_rows", "quote_rows", "requests").rows() == [(60, 90_000, 3)]
