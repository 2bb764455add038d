"""The emulator's calendar against dates known by heart."""

from datetime import UTC, date, datetime

import pytest

from smallcaps_assets.source.emulator import calendar


def utc(text: str) -> int:
    """Whole seconds of an ISO time in ns UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * calendar.SECOND


def test_a_winter_session_runs_from_nine_to_one_utc() -> None:
    expected = (utc("2024-01-02T09:00"), utc("2024-01-02T14:30"), utc("2024-01-02T21:00"), utc("2024-01-03T01:00"))
    assert calendar.hours(date(2024, 1, 2)) == expected


@pytest.mark.parametrize(
    ("session", "opens"), [((2024, 3, 8), "14:30"), ((2024, 3, 11), "13:30"), ((2024, 11, 4), "14:30")]
)
def test_the_open_moves_with_daylight_saving(session: tuple[int, int, int], opens: str) -> None:
    on = date(*session)
    assert calendar.hours(on).open == utc(f"{on}T{opens}")


@pytest.mark.parametrize("session", [date(2024, 7, 3), date(2024, 11, 29), date(2024, 12, 24)])
def test_early_closes_end_at_one_and_five(session: date) -> None:
    hours = calendar.hours(session)
    assert (hours.close - hours.open) // calendar.MINUTE == 210
    assert (hours.post_close - hours.close) // calendar.MINUTE == 240


def test_holidays_and_ad_hoc_closures_are_no_sessions() -> None:
    closed = [date(2018, 12, 5), date(2024, 7, 4), date(2025, 1, 9), date(2024, 7, 6)]
    assert not any(calendar.is_session(day) for day in closed)
    with pytest.raises(ValueError, match="2024-07-04"):
        calendar.hours(date(2024, 7, 4))


def test_both_ends_of_a_span_are_included() -> None:
    assert calendar.sessions(date(2024, 7, 3), date(2024, 7, 8)) == [
        date(2024, 7, 3),
        date(2024, 7, 5),
        date(2024, 7, 8),
    ]


def test_a_session_is_completed_when_its_post_market_ends() -> None:
    ends = calendar.hours(date(2024, 7, 3)).post_close
    assert calendar.last_completed_session(ends - 1) == date(2024, 7, 2)
    assert calendar.last_completed_session(ends) == date(2024, 7, 3)
