"""The WebSocket ``/stocks``: who may listen, to what, and a session played to each listener from its start.

A connection's replay begins with its first subscription and falls silent when the session is over. What a reader has
not taken waits in a bounded buffer; when that is full the connection ends, as on the service.
"""

import asyncio
import hmac
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from datetime import time as clock_time

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from smallcaps_assets.source.emulator.calendar import hours
from smallcaps_assets.source.emulator.directory import Directory
from smallcaps_assets.source.emulator.instants import SECOND, at
from smallcaps_assets.source.emulator.plans import Feature, Plan
from smallcaps_assets.source.emulator.replay import CHANNELS, Replay

PATH = "/stocks"
NO_ACCESS = "Your plan doesn't include websocket access."
TOO_MANY = (
    "Maximum number of websocket connections exceeded. You have reached the connection limit for your account. "
    "Please contact support at https://polygon.io/contact to increase your limit."
)
NEEDED = {"A": Feature.SECOND_BARS, "Q": Feature.QUOTES, "T": Feature.TRADES}
POLICY = 1008  # close code
FRAME = 500  # events
PAUSE = (0.002, 0.05)  # seconds between looks at the clock
LAST_WORD = 1.0  # seconds in which a slow reader may take the close frame


@dataclass(frozen=True)
class StreamOptions:
    """How a session is played. ``session`` None is the market's last one; ``clock`` gives seconds."""

    session: date | None = None
    speed: float = 1.0  # session seconds a second, 1 to 1000
    begin: clock_time = clock_time(9, 30)  # New York
    patience: float = 10.0  # seconds a connection may take to authenticate
    buffer: int = 16_000_000  # bytes not yet taken by a reader
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        if not 1 <= self.speed <= 1000:
            raise ValueError(f"a session is played at 1 to 1000 times its speed, not {self.speed:g}")


def channels_of(plan: Plan) -> set[str]:
    """The channels that a plan opens; none when it has no stream at all."""
    if Feature.WEBSOCKET not in plan.opens:
        return set()
    return {channel for channel in CHANNELS if NEEDED.get(channel, Feature.WEBSOCKET) in plan.opens}


class SlowReaderError(Exception):
    """More waits for the reader than the buffer holds."""


class Stream:
    """The stream of one account: at most one connection, the latest."""

    def __init__(
        self, directory: Directory, asking: threading.Lock, key: str, plan: Plan, options: StreamOptions
    ) -> None:
        self.directory = directory
        self.asking = asking
        self.key = key
        self.channels = channels_of(plan)
        self.options = options
        self.current: Connection | None = None
        if options.session is not None and options.session not in directory.sessions:
            raise ValueError(f"the market has no session {options.session} to play")

    def route(self) -> WebSocketRoute:
        """The route of the stream."""

        async def serve(websocket: WebSocket) -> None:
            connection = Connection(self, websocket)
            try:
                await connection.serve()
            finally:
                if self.current is connection:
                    self.current = None

        return WebSocketRoute(PATH, serve)

    def admit(self, connection: "Connection") -> None:
        """Make this connection the account's; the one before is told and closed."""
        if self.current is not None:
            self.current.end("max_connections", TOO_MANY)
        self.current = connection


def _statuses(status: str, *messages: str) -> bytes:
    return msgspec.json.encode([{"ev": "status", "status": status, "message": text} for text in messages])


class Connection:
    """One listener."""

    def __init__(self, stream: Stream, websocket: WebSocket) -> None:
        self.stream = stream
        self.options = stream.options
        self.websocket = websocket
        with stream.asking:
            session = stream.options.session or stream.directory.today
        self.end_at = hours(session).post_close
        self.begin_at = at(session, stream.options.begin)
        self.replay = Replay(stream.directory, stream.asking, session)
        self.turn = asyncio.Lock()  # the replay is one thread's at a time
        self.outbox: asyncio.Queue[bytes | None] = asyncio.Queue()  # None: close
        self.waiting = 0  # bytes in the outbox
        self.admitted = False
        self.over = False  # the last word was said
        self.playing = asyncio.Event()
        self.began = 0.0

    async def serve(self) -> None:
        """Talk until one side has enough."""
        await self.websocket.accept()
        self.say("connected", "Connected Successfully")
        parts = [asyncio.create_task(part()) for part in (self._listen, self._write, self._play)]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in parts:
                part.cancel()
        await asyncio.wait(parts)
        ends = [end for part in parts if not part.cancelled() and (end := part.exception()) is not None]
        if any(isinstance(end, SlowReaderError) for end in ends):
            await self._give_up()
        for end in ends:
            if not isinstance(end, SlowReaderError | WebSocketDisconnect):
                raise end

    def say(self, status: str, *messages: str) -> None:
        """Send status events of one kind in one frame."""
        if messages:
            self._put(_statuses(status, *messages))

    def end(self, status: str, message: str) -> None:
        """Send a last status, whatever waits before it, and close."""
        if not self.over:
            self.outbox.put_nowait(_statuses(status, message))
            self.outbox.put_nowait(None)
            self.over = True

    def _put(self, frame: bytes) -> None:
        if self.over:
            return
        self.waiting += len(frame)
        if self.waiting > self.options.buffer:
            raise SlowReaderError(f"{self.waiting} bytes wait for the reader")
        self.outbox.put_nowait(frame)

    async def _write(self) -> None:
        while (frame := await self.outbox.get()) is not None:
            await self.websocket.send_text(frame.decode())
            self.waiting -= len(frame)
        await self.websocket.close(POLICY)

    async def _give_up(self) -> None:
        """Close on a reader who may not even take the close frame; the server then drops the connection."""
        try:
            await asyncio.wait_for(self.websocket.close(POLICY, "slow consumer"), LAST_WORD)
        except (TimeoutError, WebSocketDisconnect):
            return

    async def _listen(self) -> None:
        """Read until the other side is gone."""
        try:
            there = await asyncio.wait_for(self._admission(), self.options.patience)
        except TimeoutError:
            self.end("auth_timeout", "authentication timed out")
            there = True
        while there and (told := await self._received()) is not None:
            if self.admitted:
                await self._told(told)

    async def _received(self) -> dict[str, object] | None:
        """The next message as an object, empty when it is none; None when the connection is over."""
        message = await self.websocket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        try:
            told = json.loads(message.get("text") or message.get("bytes") or "")
        except ValueError:  # of JSON or of its encoding
            told = None
        return told if isinstance(told, dict) else {}

    async def _admission(self) -> bool:
        """Wait for the key, which is given once; False when the other side is gone."""
        while (told := await self._received()) is not None:
            if told.get("action") != "auth":
                self.say("error", "not authorized")
            elif not hmac.compare_digest(str(told.get("params")).encode(), self.stream.key.encode()):
                self.end("auth_failed", "authentication failed")
                return True
            elif not self.stream.channels:
                self.end("auth_failed", NO_ACCESS)
                return True
            else:
                self.say("auth_success", "authenticated")
                self.admitted = True
                self.stream.admit(self)
                return True
        return False

    async def _told(self, told: dict[str, object]) -> None:
        action = told.get("action")
        if action not in ("subscribe", "unsubscribe"):
            self.say("error", "invalid action")
            return
        pairs = [pair.strip().partition(".") for pair in str(told.get("params", "")).split(",")]
        known = [(channel, ticker) for channel, _, ticker in pairs if channel in CHANNELS and ticker]
        self.say("error", *("not authorized" for channel, _ in known if channel not in self.stream.channels))
        mine = [pair for pair in known if pair[0] in self.stream.channels]
        async with self.turn:
            for channel, ticker in mine:
                if action == "subscribe":
                    await run_in_threadpool(self.replay.follow, channel, ticker, self._position())
                else:
                    self.replay.leave(channel, ticker)
        self.say("success", *(f"{action}d to: {channel}.{ticker}" for channel, ticker in mine))
        if mine and not self.playing.is_set():
            self.began = self.options.clock()
            self.playing.set()

    def _position(self) -> int:
        """The session's time now, ns."""
        if not self.playing.is_set():
            return self.begin_at
        passed = (self.options.clock() - self.began) * self.options.speed
        return min(self.begin_at + int(passed * SECOND), self.end_at)

    async def _play(self) -> None:
        await self.playing.wait()
        while True:
            now = self._position()
            async with self.turn:
                events = await run_in_threadpool(self.replay.due, now, FRAME)
                following = self.replay.next_at()
            if events:
                self._put(b"[" + b",".join(events) + b"]")
            if len(events) == FRAME:
                await asyncio.sleep(0)
                continue
            away = PAUSE[1] if following is None else (following - now) / SECOND / self.options.speed
            await asyncio.sleep(min(max(away, PAUSE[0]), PAUSE[1]))
