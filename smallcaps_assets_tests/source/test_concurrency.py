"""As many requests at once as the service takes: one more after a window of good answers, half on a 429."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallcaps_assets.source.concurrency import Concurrency


def answers(limit: Concurrency, count: int) -> None:
    """So many good answers, one after another."""
    for _ in range(count):
        with limit.place() as place:
            place.answered = True


def refusal(limit: Concurrency) -> None:
    """A request that meets a 429."""
    with limit.place() as place:
        place.refused = True


def test_it_begins_with_four_and_grows_by_one_a_window() -> None:
    limit = Concurrency(12)
    allowed = []
    for window in (4, 5, 6, 7, 8, 9, 10, 11):
        answers(limit, window - 1)
        allowed.append(limit.allowed)
        answers(limit, 1)
    assert allowed == [4, 5, 6, 7, 8, 9, 10, 11]  # one answer short of the window nothing has changed
    assert limit.allowed == 12
    answers(limit, 100)
    assert limit.allowed == 12


def test_a_429_halves_rounding_down_and_never_below_one() -> None:
    limit = Concurrency(12)
    answers(limit, 4 + 5 + 6)
    allowed = []
    for _ in range(4):
        refusal(limit)
        allowed.append(limit.allowed)
    assert allowed == [3, 1, 1, 1]  # of 7
    answers(limit, 1)
    assert limit.allowed == 2
    answers(limit, 2)
    assert limit.allowed == 3


def test_a_429_takes_back_the_answers_of_the_window_it_ends() -> None:
    limit = Concurrency(12)
    answers(limit, 3)
    refusal(limit)
    assert limit.allowed == 2
    answers(limit, 1)
    assert limit.allowed == 2
    answers(limit, 1)
    assert limit.allowed == 3


def test_a_burst_of_429s_halves_once_and_answers_from_before_it_count_for_nothing() -> None:
    limit = Concurrency(8)
    places = [limit.place() for _ in range(4)]
    first, second, third, fourth = (place.__enter__() for place in places)
    first.refused = second.refused = True
    third.answered = fourth.answered = True
    for place in places:
        place.__exit__(None, None, None)
    assert limit.allowed == 2
    answers(limit, 1)
    assert limit.allowed == 2


def test_what_neither_answers_nor_refuses_changes_nothing_and_gives_its_place_back() -> None:
    limit = Concurrency(1)
    for _ in range(3):
        with pytest.raises(OSError, match="reset"), limit.place():
            raise OSError("reset")
    assert limit.allowed == 1
    answers(limit, 5)
    assert limit.allowed == 1


@pytest.mark.parametrize("most", [0, -1])
def test_none_at_once_is_refused(most: int) -> None:
    with pytest.raises(ValueError, match=f"in_flight is {most}, must be at least 1"):
        Concurrency(most)


@given(st.integers(1, 20), st.lists(st.sampled_from(["answered", "refused", "neither"]), max_size=200))
def test_it_stays_between_one_and_the_most(most: int, outcomes: list[str]) -> None:
    limit = Concurrency(most)
    for outcome in outcomes:
        with limit.place() as place:
            place.answered, place.refused = outcome == "answered", outcome == "refused"
        assert 1 <= limit.allowed <= most


def test_threads_never_exceed_what_is_allowed_and_all_get_through() -> None:
    limit = Concurrency(6)
    lock = threading.Lock()
    under_way, done, excess = 0, 0, 0

    def work(thread: int) -> None:
        nonlocal under_way, done, excess
        for turn in range(50):
            with limit.place() as place:
                with lock:
                    under_way += 1
                    excess = max(excess, under_way - 6)
                time.sleep(0.0001)
                with lock:
                    under_way -= 1
                place.refused = (thread * 50 + turn) % 17 == 0
                place.answered = not place.refused
            with lock:
                done += 1

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(12)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 20
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    assert done == 12 * 50
    assert (under_way, excess) == (0, 0)


def test_after_halving_nobody_enters_until_enough_have_left() -> None:
    limit = Concurrency(4)
    places = [limit.place() for _ in range(4)]
    held = [place.__enter__() for place in places]
    entered = threading.Event()

    def late() -> None:
        with limit.place():
            entered.set()

    thread = threading.Thread(target=late, daemon=True)
    thread.start()
    held[0].refused = True
    places[0].__exit__(None, None, None)  # two allowed, three under way
    assert not entered.wait(0.05)
    places[1].__exit__(None, None, None)  # two under way
    assert not entered.wait(0.05)
    places[2].__exit__(None, None, None)
    assert entered.wait(5)
    places[3].__exit__(None, None, None)
    thread.join(5)
