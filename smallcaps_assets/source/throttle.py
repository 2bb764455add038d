"""A limit of requests a minute, shared by all threads of a client."""

import threading
import time
from collections.abc import Callable

MINUTE = 60.2  # seconds: a hair over sixty, so that jitter on the way does not squeeze one more call into a minute


class Bucket:
    """Spaces calls evenly; after a pause about one per cent of a minute's calls may go at once.

    The tokens are handed out in the order in which threads ask. In no span of 60 seconds are there more than
    ``requests_per_minute`` calls: what may burst is taken off the steady rate (500 a minute: 5 ahead, 495 steady).
    ``requests_per_minute=0`` means no limit. ``clock`` is monotonic and in seconds.
    """

    def __init__(
        self,
        requests_per_minute: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if requests_per_minute < 0:
            raise ValueError(f"requests_per_minute is {requests_per_minute}, must be 0 (no limit) or more")
        ahead = requests_per_minute // 100
        self._space = MINUTE / (requests_per_minute - ahead) if requests_per_minute else 0.0
        self._credit = ahead * self._space
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = clock() - self._credit
        self._held_until = float("-inf")

    def take(self) -> float:
        """Wait for this call's turn; return the seconds waited."""
        with self._lock:
            asked = now = self._clock()
            turn = max(self._next, now - self._credit)
            self._next = turn + self._space
        while (wait := max(turn, self._held_until) - now) > 0:
            self._sleep(wait)
            now = self._clock()
        return now - asked

    def hold(self, seconds: float) -> None:
        """Let nobody through for ``seconds``: the service said so (429 with Retry-After)."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)
            self._next = max(self._next, self._held_until)
