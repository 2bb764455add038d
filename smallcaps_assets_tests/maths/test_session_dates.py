"""Dates and instants onto sessions: what happens on a closed day belongs to the next one."""

from datetime import date

import polars as pl
import pytest

from smallcaps_assets.maths.session_dates import with_session

FRIDAY, TUESDAY = date(2024, 1, 12), date(2024, 1, 16)  # Monday was a holiday
CALENDAR = pl.DataFrame({"session": [FRIDAY, TUESDAY], "ends": [20, 40]})


@pytest.mark.parametrize(
    ("day", "at_or_after", "after"),
    [
        (date(2024, 1, 11), FRIDAY, FRIDAY),
        (FRIDAY, FRIDAY, TUESDAY),
        (date(2024, 1, 13), TUESDAY, TUESDAY),
        (TUESDAY, TUESDAY, None),
        (date(2024, 1, 17), None, None),
        (None, None, None),
    ],
)
def test_a_date_belongs_to_the_session_at_or_after_it_or_strictly_after_it(
    day: date | None, at_or_after: date | None, after: date | None
) -> None:
    rows = pl.DataFrame({"on": [day]}, schema={"on": pl.Date})
    assert with_session(rows, "on", CALENDAR, "session")["session"].to_list() == [at_or_after]
    assert with_session(rows, "on", CALENDAR, "session", exact=False)["session"].to_list() == [after]


def test_any_mark_of_the_calendar_can_end_a_session_and_order_and_columns_are_kept() -> None:
    rows = pl.DataFrame({"at": [40, 5, 20], "name": ["c", "a", "b"]})
    found = with_session(rows, "at", CALENDAR, "ends")
    assert found.columns == ["at", "name", "session"]
    assert found.rows() == [(40, "c", TUESDAY), (5, "a", FRIDAY), (20, "b", FRIDAY)]


def test_no_rows_are_no_rows() -> None:
    rows = pl.DataFrame(schema={"on": pl.Date})
    assert with_session(rows, "on", CALENDAR, "session").schema == {"on": pl.Date, "session": pl.Date}
