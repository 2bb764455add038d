"""The calendar's hours around daylight saving, early closes and holidays, worked by hand."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from smallcaps_assets import sessions


def utc(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000_000  # type: ignore[misc,arg-type]


def test_a_winter_session_opens_at_1430_utc_and_a_summer_session_at_1330() -> None:
    assert sessions.hours(date(2024, 1, 16)).opens_at == utc(2024, 1, 16, 14, 30)
    assert sessions.hours(date(2024, 7, 16)).opens_at == utc(2024, 7, 16, 13, 30)


def test_hours_move_by_one_hour_over_the_weekend_of_the_dst_change() -> None:
    friday, monday = sessions.hours(date(2024, 3, 8)), sessions.hours(date(2024, 3, 11))
    assert friday.premarket_opens_at == utc(2024, 3, 8, 9)
    assert monday.premarket_opens_at == utc(2024, 3, 11, 8)
    assert friday.postmarket_closes_at == utc(2024, 3, 9, 1)
    assert monday.postmarket_closes_at == utc(2024, 3, 12, 0)


def test_an_early_close_is_a_session_that_ends_at_13_and_whose_after_market_ends_at_17_new_york() -> None:
    half = sessions.hours(date(2024, 7, 3))
    assert half == (utc(2024, 7, 3, 8), utc(2024, 7, 3, 13, 30), utc(2024, 7, 3, 17), utc(2024, 7, 3, 21))
    assert sessions.table().filter(pl.col("session") == date(2024, 7, 3))["early_close"].item()


@pytest.mark.parametrize("day", [date(2024, 7, 4), date(2024, 7, 6), date(2025, 1, 9), date(2018, 12, 5)])
def test_holidays_weekends_and_days_of_mourning_are_no_sessions(day: date) -> None:
    assert not sessions.is_session(day)
    with pytest.raises(ValueError, match=f"{day} is not an XNYS session"):
        sessions.hours(day)


def test_sessions_between_and_before_step_over_the_weekend() -> None:
    assert sessions.between(date(2024, 1, 12), date(2024, 1, 17)) == [
        date(2024, 1, 12),
        date(2024, 1, 16),  # the 15th is Martin Luther King Day
        date(2024, 1, 17),
    ]
    assert sessions.before(date(2024, 1, 16), 2) == [date(2024, 1, 11), date(2024, 1, 12)]


def test_holidays_lists_weekdays_without_a_session() -> None:
    assert sessions.holidays(date(2024, 12, 23), date(2025, 1, 10)) == [
        date(2024, 12, 25),
        date(2025, 1, 1),
        date(2025, 1, 9),
    ]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_a_segment_begins_with_its_first_nanosecond_and_ends_before_the_next_segments_first() -> None:
    times = {
        "2024-07-03T03:59:59-04:00": None,
        "2024-07-03T04:00:00-04:00": "PM",
        "2024-07-03T09:29:59-04:00": "PM",
        "2024-07-03T09:30:00-04:00": "RTH",
        "2024-07-03T12:59:59-04:00": "RTH",
        "2024-07-03T13:00:00-04:00": "AH",
        "2024-07-03T16:59:59-04:00": "AH",
        "2024-07-03T17:00:00-04:00": None,
    }
    frame = pl.DataFrame({"at": [at(text) for text in times]}).with_columns(
        pl.col("at").cast(pl.Datetime("ns", "UTC")), session=pl.lit(date(2024, 7, 3))
    )
    found = sessions.with_hours(frame.lazy()).select(sessions.segment(pl.col("at"))).collect().to_series()
    assert found.to_list() == list(times.values())


def test_the_session_of_an_evening_instant_is_the_new_york_date_not_the_utc_date() -> None:
    evening = pl.DataFrame({"at": [at("2024-01-16T19:30:00-05:00")]}).select(sessions.session_of(pl.col("at")))
    assert evening.item() == date(2024, 1, 16)


def test_the_calendar_agrees_with_the_exchange_on_every_session_and_early_close() -> None:
    table = sessions.table()
    assert table.filter(pl.col("session").dt.year() == 2024).height == 252
    early = table.filter(pl.col("early_close") & (pl.col("session").dt.year() == 2025))["session"].to_list()
    assert early == [date(2025, 7, 3), date(2025, 11, 28), date(2025, 12, 24)]
