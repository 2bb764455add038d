"""The bucket spaces calls evenly and never lets more of them into a minute than the limit."""

import threading
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.source.throttle import Bucket


class Watch:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def bucket(requests_per_minute: int) -> tuple[Bucket, Watch]:
    watch = Watch()
    return Bucket(requests_per_minute, clock=watch.read, sleep=watch.sleep), watch


def most_in_a_minute(calls: list[float]) -> int:
    """The largest number of calls in any span of 60 seconds (end not included)."""
    return max(sum(start <= call < start + 60 for call in calls) for start in calls)


def test_five_a_minute_are_twelve_seconds_apart() -> None:
    limit, watch = bucket(5)
    calls = []
    for _ in range(4):
        limit.take()
        calls.append(watch.now - 1000.0)
    assert calls == pytest.approx([0.0, 12.04, 24.08, 36.12])  # 60.2 / 5


def test_of_five_hundred_a_minute_five_may_run_ahead() -> None:
    limit, watch = bucket(500)
    waits = [limit.take() for _ in range(8)]
    assert waits == pytest.approx([0.0] * 6 + [60.2 / 495] * 2)  # the first and five ahead, then one each 0.1216 s
    assert watch.now == pytest.approx(1000.0 + 2 * 60.2 / 495)


def test_five_hundred_a_minute_are_used_to_98_percent_and_never_exceeded() -> None:
    limit, watch = bucket(500)
    calls = []
    for _ in range(1500):
        limit.take()
        calls.append(watch.now)
    assert most_in_a_minute(calls) <= 500
    assert 1499 / (calls[-1] - calls[0]) * 60 >= 0.98 * 500


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 900), st.lists(st.floats(0.0, 30.0), min_size=5, max_size=120))
def test_no_minute_holds_more_than_the_limit(requests_per_minute: int, idle: list[float]) -> None:
    limit, watch = bucket(requests_per_minute)
    calls = []
    for pause in idle:
        watch.now += pause
        for _ in range(8):
            limit.take()
            calls.append(watch.now)
    assert most_in_a_minute(calls) <= requests_per_minute
    assert all(after >= before for before, after in pairwise(calls))


def test_zero_is_no_limit() -> None:
    limit, watch = bucket(0)
    assert sum(limit.take() for _ in range(10_000)) == 0.0
    assert watch.now == 1000.0


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="requests_per_minute is -1"):
        Bucket(-1)


@pytest.mark.parametrize("requests_per_minute", [0, 5, 500])
def test_a_hold_stops_everybody_for_its_time(requests_per_minute: int) -> None:
    limit, watch = bucket(requests_per_minute)
    limit.hold(42.0)
    limit.hold(7.0)  # a shorter one takes nothing back
    limit.take()
    assert watch.now == pytest.approx(1042.0)


def test_threads_share_one_limit() -> None:
    calls: list[float] = []
    limit = Bucket(6000)  # 100 a second, 60 ahead

    def take_often() -> None:
        for _ in range(20):
            limit.take()
            calls.append(0.0)

    threads = [threading.Thread(target=take_often) for _ in range(4)]
    before = limit._next
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 80
    assert limit._next - before >= 80 * 60.2 / 5940 - 1e-6  # every one of the 80 took a token
