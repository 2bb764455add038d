"""Whether the market is open, and the holidays to come, at the emulator's clock: midnight after its last session."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import exchange_calendars

from smallcaps_assets.source.emulator.calendar import closes_early, hours, sessions
from smallcaps_assets.source.emulator.directory import Directory
from smallcaps_assets.source.emulator.envelope import Call, encoded
from smallcaps_assets.source.emulator.instants import NEW_YORK, rfc3339

CLOSED = "closed"
INDICES = (
    "s_and_p",
    "societe_generale",
    "msci",
    "ftse_russell",
    "mstar",
    "mstarc",
    "cccy",
    "cgi",
    "nasdaq",
    "dow_jones",
)
NAMES = {"July 4th": "Independence Day", "Juneteenth National Independence Day": "Juneteenth"}  # as seen on the wire


def status_now(_call: Call, directory: Directory) -> bytes:
    """``/v1/marketstatus/now``: closed, since all of the emulator's sessions are complete."""
    now = datetime.combine(directory.today + timedelta(days=1), datetime.min.time(), NEW_YORK)
    return encoded(
        {
            "market": CLOSED,
            "earlyHours": False,
            "afterHours": False,
            "serverTime": now.isoformat(),
            "exchanges": {"nyse": CLOSED, "nasdaq": CLOSED, "otc": CLOSED},
            "currencies": {"fx": "open" if now.weekday() < 5 else CLOSED, "crypto": "open"},
            "indicesGroups": dict.fromkeys(INDICES, CLOSED),
        }
    )


def status_upcoming(_call: Call, directory: Directory) -> bytes:
    """``/v1/marketstatus/upcoming``: a bare array of the holidays and early closes of the year after today.

    An early close has the name of the holiday it stands beside.
    """
    return _upcoming(directory.today)


@lru_cache(maxsize=4)  # the calendar's rules take 80 ms
def _upcoming(today: date) -> bytes:
    first, last = today + timedelta(days=1), today + timedelta(days=365)
    known = exchange_calendars.get_calendar("XNYS").regular_holidays
    holidays = known.holidays(first - timedelta(days=1), last + timedelta(days=1), return_name=True)
    names = {day.date(): NAMES.get(name, name) for day, name in holidays.items()}
    trading = set(sessions(first, last))
    found: list[dict[str, Any]] = []
    for day in (first + timedelta(days=ahead) for ahead in range((last - first).days + 1)):
        event = _event(day, trading, names)
        if event:
            found.extend({"date": day, "exchange": exchange, **event} for exchange in ("NYSE", "NASDAQ"))
    return encoded(found)


def _event(day: date, trading: set[date], names: dict[date, str]) -> dict[str, str] | None:
    if day in trading and closes_early(day):
        clock = hours(day)
        begin, end = (rfc3339(instant).replace("000000Z", "Z") for instant in (clock.open, clock.close))
        beside = (day + timedelta(days=1), day - timedelta(days=1))
        name = next((names[other] for other in beside if other in names), "Early Close")
        return {"name": name, "status": "early-close", "open": begin, "close": end}
    if day in trading or day.weekday() >= 5:
        return None
    return {"name": names.get(day, "Market Holiday"), "status": "closed"}
