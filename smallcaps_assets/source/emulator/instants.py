"""Time as it is written in requests: New York dates, Unix milliseconds or nanoseconds, RFC 3339."""

import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from smallcaps_assets.source.emulator.envelope import RefusedError

NEW_YORK = ZoneInfo("America/New_York")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FOREVER = 2**63 - 1
SECOND, MILLISECOND = 1_000_000_000, 1_000_000
RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")
DATE = re.compile(r"\d{4}-\d\d-\d\d")


@lru_cache(maxsize=20_000)
def at(day: date, clock: time = time(0)) -> int:
    """Nanoseconds UTC of a New York wall-clock time."""
    instant = datetime.combine(day, clock, tzinfo=NEW_YORK)
    return (instant - EPOCH) // timedelta(microseconds=1) * 1000


def midnight(day: date) -> int:
    """Nanoseconds UTC of 00:00 New York."""
    return at(day)


def new_york_date(instant: int) -> date:
    """The New York date of nanoseconds UTC; the first or last date there is when the instant is beyond them."""
    seconds = min(max(instant // SECOND, 0), 250_000_000_000)
    return datetime.fromtimestamp(seconds, NEW_YORK).date()


def whole(text: str) -> int | None:
    """A parameter's non-negative whole number of at most 19 digits; None when it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 19 else None


def parsed_date(text: str, parameter: str) -> date:
    """A ``YYYY-MM-DD`` parameter of the years 1800 to 2499; 400 when it is none."""
    if DATE.fullmatch(text) and 1800 <= int(text[:4]) < 2500:
        with suppress(ValueError):
            return date.fromisoformat(text)
    raise RefusedError(400, f"failed to parse '{parameter}': '{text}' is not a date of the form YYYY-MM-DD")


def nanoseconds(text: str) -> int | None:
    """Nanoseconds UTC of an RFC 3339 text, all nine digits kept; None when it is none."""
    match = RFC3339.fullmatch(text)
    if not match:
        return None
    try:
        instant = datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
    except ValueError:
        return None
    return (instant - EPOCH) // timedelta(seconds=1) * SECOND + int((match[2] or "").ljust(9, "0"))


def rfc3339(instant: int) -> str:
    """RFC 3339 in UTC with nine digits."""
    seconds, rest = divmod(instant, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def span(text: str, parameter: str) -> tuple[int, int]:
    """The half-open nanoseconds a ``timestamp`` parameter means: a date is its New York day, the rest an instant.

    Milliseconds are read as nanoseconds, as the service does. 400 for anything else.
    """
    number = whole(text)
    instant = number if number is not None and number < FOREVER else nanoseconds(text)
    if instant is not None:
        return instant, instant + 1
    day = parsed_date(text, parameter)
    return midnight(day), midnight(day + timedelta(days=1))


def bounds(parameters: dict[str, str], name: str) -> tuple[int, int]:
    """The half-open nanoseconds that ``name`` and ``name.gte/.gt/.lte/.lt`` leave."""
    low, high = 0, FOREVER
    for operator in ("", ".gte", ".gt", ".lte", ".lt"):
        text = parameters.get(name + operator)
        if text is None:
            continue
        first, end = span(text, name + operator)
        low = max(low, {"": first, ".gte": first, ".gt": end}.get(operator, 0))
        high = min(high, {"": end, ".lte": end, ".lt": first}.get(operator, FOREVER))
    return low, high
