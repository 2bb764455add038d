"""Asking again what failed and may pass: how often, how long to wait, and when to give up."""

import email.utils
import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import tenacity

from smallcaps_assets.source.errors import PolygonUnavailableError

log = logging.getLogger(__name__)

ATTEMPTS = 10  # with the waits below two minutes on average: more than a limit by the minute needs
LONGEST_WAIT = 60.0  # seconds between two attempts unless the service names its own
LONGEST_RETRY_AFTER = 300.0  # seconds; told to wait longer, a run had better fail and say so
LONGEST = 900.0  # seconds; no attempt begins later than this after the first

Result = TypeVar("Result")


def backoff(failures: int, draw: Callable[[float, float], float] = random.uniform) -> float:
    """Seconds to wait after so many failures: evenly drawn from 0 to 1, 2, 4, 8 … 60, so that threads do not keep step.

    >>> [backoff(failures, draw=lambda low, high: high) for failures in (1, 2, 3, 7, 50)]
    [1.0, 2.0, 4.0, 60.0, 60.0]
    """
    return draw(0.0, min(LONGEST_WAIT, 2.0 ** min(failures - 1, 10)))


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds the service asks to wait: Retry-After as a number or as a date; 0 where there is none or it is neither.

    A date is counted from the reply's own Date, because the service's clock and ours may differ.

    >>> retry_after({"retry-after": "7"})
    7.0
    >>> date = "Mon, 21 Sep 2026 14:13:20 GMT"
    >>> retry_after({"retry-after": "Mon, 21 Sep 2026 14:13:50 GMT", "date": date})
    30.0
    >>> retry_after({"retry-after": "soon", "date": date})
    0.0
    """
    header = headers.get("retry-after", "")
    if header.isdecimal():
        return float(header)
    if (until := _seconds(header)) is None:
        return 0.0
    sent = _seconds(headers.get("date", ""))
    return max(0.0, until - (time.time() if sent is None else sent))


def _seconds(http_date: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(http_date).timestamp()
    except (ValueError, OverflowError):
        return None


def until_answered(
    ask: Callable[[int], Result],
    *,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    draw: Callable[[float, float], float] = random.uniform,
) -> Result:
    """What ``ask`` gives; asked again while it raises ``PolygonUnavailableError``, with the number of failures so far.

    The last error is raised after ``ATTEMPTS``, or when waiting would take longer than ``LONGEST`` altogether.
    """
    begun = clock()

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked_for = error.retry_after if isinstance(error, PolygonUnavailableError) else 0.0
        return max(asked_for, backoff(state.attempt_number, draw))

    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(PolygonUnavailableError),
        wait=wait,
        stop=lambda state: state.attempt_number == ATTEMPTS or clock() + state.upcoming_sleep - begun > LONGEST,
        sleep=pause,
        before_sleep=tenacity.before_sleep_log(log, logging.WARNING),
        reraise=True,
    )
    return attempts(lambda: ask(attempts.statistics["attempt_number"] - 1))
