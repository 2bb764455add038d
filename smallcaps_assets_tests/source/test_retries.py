"""What may pass is asked again with full jitter, a bounded number of times and for a bounded time."""

import pytest

from smallcaps_assets.source.errors import Asked, PolygonError, PolygonUnavailableError
from smallcaps_assets.source.retries import ATTEMPTS, until_answered
from smallcaps_assets_tests.source.stub import Watch

ASKED = Asked("trades", "ACME", "[a, b)")


def longest(low: float, high: float) -> float:
    """The longest jitter."""
    assert low == 0.0
    return high


class Service:
    """Fails a number of times, each asking for ``retry_after`` seconds, then answers."""

    def __init__(self, failures: int, retry_after: float = 0.0) -> None:
        self.failures, self.retry_after = failures, retry_after
        self.told: list[int] = []

    def ask(self, failures: int) -> str:
        self.told.append(failures)
        if len(self.told) <= self.failures:
            error = PolygonUnavailableError("HTTP 503: no text", ASKED, 503)
            error.retry_after = self.retry_after
            raise error
        return "answer"


def test_waits_double_up_to_a_minute() -> None:
    watch, service = Watch(), Service(9)
    assert until_answered(service.ask, pause=watch.pause, clock=watch.read, draw=longest) == "answer"
    assert watch.pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert service.told == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_jitter_is_full() -> None:
    watch = Watch()
    until_answered(Service(4).ask, pause=watch.pause, clock=watch.read, draw=lambda low, high: (low + high) / 4)
    assert watch.pauses == [0.25, 0.5, 1.0, 2.0]


def test_what_the_service_asks_for_is_the_least_wait() -> None:
    watch = Watch()
    until_answered(Service(3, retry_after=2.0).ask, pause=watch.pause, clock=watch.read, draw=longest)
    assert watch.pauses == [2.0, 2.0, 4.0]


def test_attempts_are_bounded() -> None:
    watch, service = Watch(), Service(100)
    with pytest.raises(PolygonUnavailableError, match=r"^trades ACME \[a, b\): HTTP 503: no text$"):
        until_answered(service.ask, pause=watch.pause, clock=watch.read, draw=longest)
    assert len(service.told) == ATTEMPTS == 10
    assert sum(watch.pauses) == 243.0


def test_the_time_of_all_attempts_is_bounded() -> None:
    watch, service = Watch(), Service(100, retry_after=299.0)
    with pytest.raises(PolygonUnavailableError):
        until_answered(service.ask, pause=watch.pause, clock=watch.read, draw=longest)
    assert watch.pauses == [299.0] * 3  # a fourth would end after 1,196 s, and 900 are the most
    assert service.told == [0, 1, 2, 3]


def test_what_cannot_pass_is_not_asked_again() -> None:
    watch, asked = Watch(), 0

    def refused(failures: int) -> str:
        nonlocal asked
        asked += 1
        raise PolygonError("HTTP 400: bad", ASKED, 400)

    with pytest.raises(PolygonError, match="HTTP 400"):
        until_answered(refused, pause=watch.pause, clock=watch.read)
    assert (asked, watch.pauses) == (1, [])
