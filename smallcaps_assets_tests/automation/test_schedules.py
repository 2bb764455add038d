"""The nightly schedule asks for the session that has ended, and only for sessions."""

from datetime import date, datetime

import dagster as dg
import pytest

from smallcaps_assets.automation import schedules
from smallcaps_assets.definitions import DATASETS, FLOW
from smallcaps_assets.partitions import Axes
from smallcaps_assets.sessions import NEW_YORK

NIGHTLY = schedules.nightly(FLOW, Axes(date(2024, 1, 2)))


def tick(*at: int) -> dg.RunRequest | dg.SkipReason:
    """What the schedule asks for at that New York time."""
    context = dg.build_schedule_context(scheduled_execution_time=datetime(*at, tzinfo=NEW_YORK))  # type: ignore[misc,arg-type]
    asked = NIGHTLY(context)
    assert isinstance(asked, dg.RunRequest | dg.SkipReason)
    return asked


@pytest.mark.parametrize(
    ("at", "session"),
    [
        ((2024, 1, 17, 0, 30), "2024-01-16"),
        ((2024, 3, 9, 0, 30), "2024-03-08"),  # Saturday morning before the clocks change: Friday's session
        ((2024, 3, 12, 0, 30), "2024-03-11"),  # the first session in daylight saving time
        ((2024, 7, 4, 0, 30), "2024-07-03"),  # an early close is a session
    ],
)
def test_after_midnight_the_session_that_ended_is_asked_for(at: tuple[int, ...], session: str) -> None:
    asked = tick(*at)
    assert isinstance(asked, dg.RunRequest)
    assert asked.run_key == session
    assert (asked.tags[schedules.RANGE[0]], asked.tags[schedules.RANGE[1]]) == (session, session)


@pytest.mark.parametrize("at", [(2024, 1, 16, 0, 30), (2024, 7, 5, 0, 30), (2023, 12, 30, 0, 30)])
def test_after_a_holiday_or_before_the_first_session_nothing_is_asked_for(at: tuple[int, ...]) -> None:
    assert isinstance(tick(*at), dg.SkipReason)


def test_the_schedule_covers_what_comes_from_the_source_for_the_whole_market() -> None:
    asked = schedules.from_source(FLOW)
    assert {"tickers", "splits", "dividends", "daily_bars"} <= set(asked)
    assert "minute_bars" not in asked
    assert "universe" not in asked


def test_the_nightly_run_holds_all_that_its_datasets_read_of_the_same_session() -> None:
    asked = schedules.from_source(FLOW)
    assert "daily_metrics" in asked  # share counts are asked for by what it says
    assert {upstream for name in asked for upstream in DATASETS[name].inputs} <= set(asked)


def test_what_spans_all_sessions_is_made_weekly() -> None:
    weekly = schedules.weekly(FLOW)
    assert weekly.cron_schedule == "0 6 * * 6"
    assert weekly.execution_timezone == "America/New_York"
