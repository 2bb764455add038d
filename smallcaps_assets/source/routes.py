"""Two routes to the same rows: REST by ticker and window, or the vendor's file of the whole session; which is sooner.

A REST request is paid for with a turn of the rate limit, a file with the time that its bytes take. The averages here
are the only ones: a plan reckons with them, and the route that a run takes is decided with the file's own size.
"""

from collections.abc import Mapping
from enum import StrEnum


class Route(StrEnum):
    """How bars and ticks are asked for."""

    REST = "rest"
    FLAT = "flat"
    AUTO = "auto"
    """Trades and quotes of a session by whichever is sooner; bars by REST, since the files have no vwap."""


class SessionFile(StrEnum):
    """A kind of file, one a session with every ticker in it, by the name of its folder at the vendor."""

    DAY_AGGS = "day_aggs_v1"
    MINUTE_AGGS = "minute_aggs_v1"
    TRADES = "trades_v1"
    QUOTES = "quotes_v1"


MEAN_BYTES: Mapping[SessionFile, float] = {  # gzipped: 50 MB, 4.5 GB, 350 GB and 1.5 TB a year, as a user reckoned
    SessionFile.DAY_AGGS: 0.2e6,
    SessionFile.MINUTE_AGGS: 18e6,
    SessionFile.TRADES: 1.4e9,
    SessionFile.QUOTES: 6e9,
}
MEGABITS_PER_SECOND = 200.0  # of the line to the vendor's files, unless the settings know better


def rest_seconds(requests: float, requests_per_minute: int) -> float:
    """How long the rate limit makes that many requests last; 0 where there is no limit (``requests_per_minute=0``)."""
    return 60.0 * requests / requests_per_minute if requests_per_minute else 0.0


def file_seconds(size: float, megabits_per_second: float) -> float:
    """How long ``size`` bytes take on a line; ``ValueError`` if the line carries nothing."""
    if megabits_per_second <= 0:
        raise ValueError(f"megabits_per_second is {megabits_per_second}, must be above 0")
    return size * 8e-6 / megabits_per_second


def file_is_sooner(
    requests: float, requests_per_minute: int, size: float, megabits_per_second: float = MEGABITS_PER_SECOND
) -> bool:
    """Whether a session's file of ``size`` bytes is there before the REST requests that it saves are through."""
    return file_seconds(size, megabits_per_second) < rest_seconds(requests, requests_per_minute)
