"""The XNYS calendar: which New York dates are sessions, and when each one's hours begin and end.

A session is a New York trade date on which the exchange opens. Its hours are pre-market 04:00 to the open, regular
open to close, after-market close to 20:00 New York; on an early close (13:00) the after-market ends at 17:00
(NYSE trader update, `ETA2019-93`). All instants are UTC nanoseconds, so that daylight saving is settled here, once.
"""

from datetime import date, datetime, time
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import exchange_calendars
import polars as pl

NEW_YORK = ZoneInfo("America/New_York")
FIRST = date(2003, 9, 10)  # the vendor's first session
LAST = date(2028, 12, 31)  # holidays are known up to here; raise it with a new exchange-calendars release
PREMARKET_OPEN = time(4, 0)
POSTMARKET_CLOSE = time(20, 0)
POSTMARKET_CLOSE_AFTER_EARLY_CLOSE = time(17, 0)
REGULAR_CLOSE = time(16, 0)


class Hours(NamedTuple):
    """One session's instants, UTC nanoseconds since 1970."""

    premarket_opens_at: int
    opens_at: int
    closes_at: int
    postmarket_closes_at: int


@cache
def table() -> pl.DataFrame:
    """Every session from ``FIRST`` to ``LAST`` with its four instants, in order.

    Columns: session (date), premarket_opens_at, opens_at, closes_at, postmarket_closes_at (UTC ns), early_close (bool).
    """
    schedule = exchange_calendars.get_calendar("XNYS", start=str(FIRST), end=str(LAST)).schedule
    regular = pl.DataFrame(
        {
            "session": [day.date() for day in schedule.index],
            "opens_at": [at.to_pydatetime() for at in schedule["open"]],
            "closes_at": [at.to_pydatetime() for at in schedule["close"]],
        }
    ).with_columns(pl.col("opens_at", "closes_at").cast(pl.Datetime("ns", "UTC")))
    closes_early = new_york(pl.col("closes_at")).dt.time() < REGULAR_CLOSE
    return regular.select(
        "session",
        at_clock(pl.lit(PREMARKET_OPEN)).alias("premarket_opens_at"),
        "opens_at",
        "closes_at",
        at_clock(
            pl.when(closes_early).then(pl.lit(POSTMARKET_CLOSE_AFTER_EARLY_CLOSE)).otherwise(pl.lit(POSTMARKET_CLOSE))
        ).alias("postmarket_closes_at"),
        closes_early.alias("early_close"),
    )


def new_york(at: pl.Expr) -> pl.Expr:
    """The instant on a New York clock."""
    return at.dt.convert_time_zone(NEW_YORK.key)


def at_clock(clock: pl.Expr) -> pl.Expr:
    """The UTC instant at which a New York clock shows ``clock`` on the row's ``session``."""
    local = pl.col("session").dt.combine(clock, time_unit="ns")
    return local.dt.replace_time_zone(NEW_YORK.key).dt.convert_time_zone("UTC")


def session_of(at: pl.Expr) -> pl.Expr:
    """The New York date of an instant: its session, if it lies inside one's hours."""
    return new_york(at).dt.date()


def segment(at: pl.Expr) -> pl.Expr:
    """PM, RTH or AH of an instant, from the session's columns of ``with_hours``; null outside all three."""
    return (
        pl.when((at >= pl.col("premarket_opens_at")) & (at < pl.col("opens_at")))
        .then(pl.lit("PM"))
        .when((at >= pl.col("opens_at")) & (at < pl.col("closes_at")))
        .then(pl.lit("RTH"))
        .when((at >= pl.col("closes_at")) & (at < pl.col("postmarket_closes_at")))
        .then(pl.lit("AH"))
    )


def with_hours(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The frame with its session's four instants and ``early_close`` joined on ``session``, order kept."""
    return frame.join(table().lazy(), on="session", how="left", maintain_order="left")


@cache
def _ordinals() -> dict[date, int]:
    return {session: ordinal for ordinal, session in enumerate(table()["session"])}


def is_session(day: date) -> bool:
    """Whether the exchange opens on that New York date."""
    return day in _ordinals()


def hours(session: date) -> Hours:
    """The session's instants; ``ValueError`` for a date on which the exchange does not open."""
    ordinal = _ordinals().get(session)
    if ordinal is None:
        raise ValueError(f"{session} is not an XNYS session")
    row = table().row(ordinal, named=True)
    return Hours(*(_nanoseconds(row[name]) for name in Hours._fields))


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000_000


def between(first: date, last: date) -> list[date]:
    """The sessions from ``first`` to ``last``, both included."""
    inside = pl.col("session").is_between(first, last)
    return list(table().filter(inside)["session"])


def before(session: date, count: int) -> list[date]:
    """The ``count`` sessions that end just before ``session``, oldest first; fewer at the calendar's beginning."""
    earlier = table().filter(pl.col("session") < session)["session"]
    return list(earlier.tail(count))


def holidays(first: date, last: date) -> list[date]:
    """The weekdays from ``first`` to ``last`` on which the exchange does not open."""
    weekdays = (
        pl.date_range(first, last, "1d", eager=True).rename("day").to_frame().filter(pl.col("day").dt.weekday() < 6)
    )
    return list(weekdays.join(table(), left_on="day", right_on="session", how="anti")["day"])
