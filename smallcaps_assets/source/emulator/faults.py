"""Faults on request: what networks, proxies and the service itself do wrong, done to the requests one names.

``--faults 503:2,gzip-cut:every`` on the command line, ``Faults`` for a program: a fault without a number befalls one
request, with a number so many, with ``every`` all. Nothing is random. ``FAULTS`` lists them with what each does.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smallcaps_assets.source.emulator import faulty_pages, faulty_replies
from smallcaps_assets.source.emulator.exchange import Exchange, dated, http_date

Fault = Callable[[Exchange], Awaitable[None]]
EVERY = "every"
FAULTS: dict[str, Fault] = {
    "429": faulty_replies.too_many,
    "429-bare": faulty_replies.too_many_without_a_word,
    "500": faulty_replies.internal_error,
    "502": faulty_replies.bad_gateway,
    "503": faulty_replies.unavailable,
    "reset-before": faulty_replies.reset_before,
    "reset-within": faulty_replies.reset_within,
    "truncated": faulty_replies.truncated,
    "chunked-cut": faulty_replies.chunked_cut,
    "gzip-cut": faulty_replies.gzip_cut,
    "drip": faulty_replies.drip,
    "html": faulty_replies.html,
    "text-type": faulty_replies.json_as_text,
    "mistyped": faulty_replies.mistyped,
    "no-results": faulty_replies.no_results,
    "empty-body": faulty_replies.empty_body,
    "skew-ahead": faulty_replies.skew_ahead,
    "skew-behind": faulty_replies.skew_behind,
    "loop-self": faulty_pages.loop_to_itself,
    "loop-first": faulty_pages.loop_to_the_first,
    "duplicate": faulty_pages.duplicate,
    "full-last": faulty_pages.full_last,
    "empty-page": faulty_pages.empty_page,
    "cursor-refused": faulty_pages.cursor_refused,
    "republished": faulty_replies.republished,
}
FOLLOWING = frozenset({"loop-first", "cursor-refused"})  # befall requests with a cursor only
OPENING = frozenset({"full-last"})  # befall requests without one only
FLAT = frozenset({"republished"})  # befall flat files only, and those nothing else
FLAT_FILES = "/flatfiles/"
REMEMBERED = 10_000  # faults that befell; a fault on every request would fill memory


@dataclass
class Planned:
    """A fault of the next ``left`` requests (None: of all) under ``path``, after ``spared`` that it lets pass."""

    fault: str
    left: int | None
    path: str
    spared: int


class Faults:
    """Which fault befalls which request; ``befallen`` holds (fault, path) of the newest that were hit.

    ``latency``: seconds that every request takes longer, as on a long line: requests wait beside one another.
    """

    def __init__(self, latency: float = 0.0) -> None:
        if latency < 0:
            raise ValueError(f"a latency of {latency} s is not possible")
        self.latency = latency
        self.befallen: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)
        self._planned: list[Planned] = []
        self._lock = threading.Lock()

    @property
    def planned(self) -> bool:
        """Whether any request is to meet a fault yet."""
        return bool(self._planned)

    def plan(self, fault: str, count: int | None = 1, *, path: str = "/", after: int = 0) -> None:
        """Let the fault befall ``count`` requests (None: all) whose path begins with ``path``, ``after`` so many.

        A request that several faults could befall meets the one planned first.
        """
        if fault not in FAULTS:
            raise ValueError(f"there is no fault {fault!r}; there are {', '.join(FAULTS)}")
        if count is not None and count < 1:
            raise ValueError(f"the fault {fault} cannot befall {count} requests")
        with self._lock:
            self._planned.append(Planned(fault, count, path, after))

    def read(self, text: str) -> None:
        """Plan what ``--faults`` says: ``NAME[:every|count],…``."""
        for part in filter(None, text.split(",")):
            fault, _, count = part.strip().partition(":")
            if count not in ("", EVERY) and not count.isdecimal():
                raise ValueError(f"how often is {part.strip()!r}? After the colon stands a number or '{EVERY}'")
            self.plan(fault, None if count == EVERY else int(count or 1))

    def forget(self) -> None:
        """Plan nothing any more, and forget what has befallen."""
        with self._lock:
            self._planned.clear()
            self.befallen.clear()

    def next(self, path: str, *, cursor: bool) -> str | None:
        """The fault that befalls a request that has come in."""
        barred = (OPENING if cursor else FOLLOWING) | (frozenset() if path.startswith(FLAT_FILES) else FLAT)
        with self._lock:
            for planned in self._planned:
                if planned.fault in barred or not path.startswith(planned.path):
                    continue
                if planned.spared:
                    planned.spared -= 1
                    continue
                if planned.left is not None:
                    planned.left -= 1
                    if not planned.left:
                        self._planned.remove(planned)
                self.befallen.append((planned.fault, path))
                return planned.fault
        return None


class FaultyService:
    """The service around which ``faults`` happen, as ASGI middleware; writes each reply's Date."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self.app = app
        self.faults = faults
        self._first_pages: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, well or not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self.faults.latency:
            await asyncio.sleep(self.faults.latency)

        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start" and not any(name == b"date" for name, _ in message["headers"]):
                message = {**message, "headers": dated(message["headers"], http_date())}
            await send(message)

        if not self.faults.planned:
            await self.app(scope, receive, send_dated)
            return
        exchange = Exchange(self.app, scope, receive, send_dated)
        following = "cursor" in exchange.query
        walk = "/".join(exchange.path.split("/")[:5])  # of bars, without the dates, of which the service changes one
        if following:
            exchange.first_page = self._first_pages.get(walk, exchange.url)
        else:
            self._first_pages[walk] = exchange.url
        fault = self.faults.next(exchange.path, cursor=following)
        await (FAULTS[fault](exchange) if fault else exchange.passed_on())
