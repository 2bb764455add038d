"""How many requests may be under way at once: as many as the service takes, found out by asking.

Additive increase, multiplicative decrease: one more after as many good answers as are allowed at once, half as many on
a 429. Of the requests that were under way when it was halved, none counts: they speak of the old limit, and a burst of
429s halves once.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

log = logging.getLogger(__name__)

START = 4  # requests at once, before the service has answered any


@dataclass
class Place:
    """One request under way; who holds it says in ``answered`` or ``refused`` (429) how it went, or neither."""

    halvings: int
    answered: bool = False
    refused: bool = False


class Concurrency:
    """Places for requests, shared by all threads of a client; ``allowed`` at one time, from 1 to ``most``."""

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError(f"in_flight is {most}, must be at least 1")
        self.allowed = min(START, most)
        self._most = most
        self._under_way = 0
        self._successes = 0
        self._halvings = 0
        self._free = threading.Condition()

    @contextmanager
    def place(self) -> Iterator[Place]:
        """A place for as long as the block runs; waits for one, and gives it back however the block ends."""
        with self._free:
            self._free.wait_for(lambda: self._under_way < self.allowed)
            self._under_way += 1
            place = Place(self._halvings)
        try:
            yield place
        finally:
            with self._free:
                self._under_way -= 1
                if place.halvings == self._halvings:
                    self._learn(place)
                self._free.notify_all()

    def _learn(self, place: Place) -> None:
        if place.refused:
            self.allowed = max(1, self.allowed // 2)
            self._halvings += 1
            self._successes = 0
            log.info("too many requests: from now on %d at once", self.allowed)
        elif place.answered and self.allowed < self._most:
            self._successes += 1
            if self._successes == self.allowed:
                self.allowed += 1
                self._successes = 0
