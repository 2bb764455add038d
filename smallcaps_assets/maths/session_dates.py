"""Calendar dates and instants onto sessions: what happens when the exchange is closed belongs to the next session."""

import polars as pl


def with_session(
    rows: pl.DataFrame, column: str, calendar: pl.DataFrame, mark: str, *, exact: bool = True
) -> pl.DataFrame:
    """``rows`` with ``session``: the first one of ``calendar`` whose ``mark`` is at or after the row's ``column``.

    Null where the value is null or lies after the calendar. Order and other columns of ``rows`` are kept.

    Args:
        rows: any rows with ``column``, a date or an instant, and without ``session``.
        calendar: (``session``, ``mark``), in order; ``mark`` may be ``session`` itself.
        exact: False asks for a mark strictly after the value.

    >>> from datetime import date
    >>> calendar = pl.DataFrame({"session": [date(2024, 1, 12), date(2024, 1, 16)]})
    >>> rows = pl.DataFrame({"on": [date(2024, 1, 13), date(2024, 1, 12)]})
    >>> with_session(rows, "on", calendar, "session")["session"].to_list()
    [datetime.date(2024, 1, 16), datetime.date(2024, 1, 12)]
    >>> with_session(rows, "on", calendar, "session", exact=False)["session"].to_list()
    [datetime.date(2024, 1, 16), datetime.date(2024, 1, 16)]
    """
    marks = calendar.select(pl.col(mark).alias("_mark"), "session").sort("_mark")
    numbered = rows.with_row_index("_row").sort(column, nulls_last=True)
    found = numbered.join_asof(
        marks, left_on=column, right_on="_mark", strategy="forward", allow_exact_matches=exact, check_sortedness=False
    )
    return found.sort("_row").drop("_row", "_mark", strict=False)
