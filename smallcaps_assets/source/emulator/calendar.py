"""XNYS sessions as the emulator knows them: pre-market, regular and post-market hours, early closes included.

The emulator is the other side of the wire and shares no calendar with the platform.
"""

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, time
from functools import cache, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import exchange_calendars

NEW_YORK = ZoneInfo("America/New_York")
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
FIRST, LAST = date(2003, 9, 10), date(2035, 12, 31)


class Hours(NamedTuple):
    """Instants of one session in ns UTC: 04:00, 09:30, 16:00 and 20:00 New York; 13:00 and 17:00 on early closes."""

    pre_open: int
    open: int
    close: int
    post_close: int


@cache
def _schedule() -> tuple[list[date], frozenset[date]]:
    exchange = exchange_calendars.get_calendar("XNYS", start=FIRST.isoformat(), end=LAST.isoformat())
    return [stamp.date() for stamp in exchange.sessions], frozenset(stamp.date() for stamp in exchange.early_closes)


def sessions(first: date, last: date) -> list[date]:
    """XNYS sessions from ``first`` to ``last``, both inclusive, ascending; known from 2003-09-10 to 2035."""
    known, _ = _schedule()
    return known[bisect_left(known, first) : bisect_right(known, last)]


def is_session(day: date) -> bool:
    """Whether XNYS trades on that day."""
    known, _ = _schedule()
    at = bisect_left(known, day)
    return at < len(known) and known[at] == day


def closes_early(session: date) -> bool:
    """Whether regular trading of the session ends at 13:00."""
    return session in _schedule()[1]


def instant(session: date, hour: int, minute: int = 0) -> int:
    """New York wall time of a session in ns UTC."""
    local = datetime.combine(session, time(hour, minute), NEW_YORK)
    return int(local.timestamp()) * SECOND


@lru_cache(maxsize=4096)
def hours(session: date) -> Hours:
    """Trading hours of a session. Raises ValueError when XNYS is closed that day."""
    if not is_session(session):
        raise ValueError(f"{session} is not an XNYS session")
    close, post_close = (13, 17) if closes_early(session) else (16, 20)
    return Hours(instant(session, 4), instant(session, 9, 30), instant(session, close), instant(session, post_close))


def new_york_date(instant_ns: int) -> date:
    """New York date of an instant in ns UTC."""
    return datetime.fromtimestamp(instant_ns // SECOND, UTC).astimezone(NEW_YORK).date()


def last_completed_session(now_ns: int) -> date:
    """The latest session whose post-market has ended by ``now_ns``."""
    for session in reversed(sessions(FIRST, new_york_date(now_ns))):
        if hours(session).post_close <= now_ns:
            return session
    raise ValueError(f"no XNYS session ended before {now_ns} ns")
