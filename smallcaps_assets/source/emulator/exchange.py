"""One request that is to go wrong: what the service would answer, and the connection the answer goes out on.

ASGI lets no application break its connection; the emulator's HTTP protocol hands it over in the request's scope.
"""

import asyncio
import os
import socket
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CONNECTION = "smallcaps.connection"
REQUEST_ID = "0" * 32  # of replies that are not the service's
Headers = list[tuple[bytes, bytes]]


class BreakableProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose requests carry their transport under ``scope["extensions"]``."""

    def on_message_begin(self) -> None:
        """As uvicorn's, and the transport."""
        super().on_message_begin()
        self.scope["extensions"] = {CONNECTION: {"transport": self.transport}}


@dataclass(frozen=True)
class Answer:
    """What the service answers."""

    status: int
    headers: Headers
    body: bytes


def http_date(skew: timedelta = timedelta(0)) -> bytes:
    """The time as a Date header has it, on a clock that is off by ``skew``."""
    return format_datetime(datetime.now(UTC) + skew, usegmt=True).encode()


def dated(headers: Sequence[tuple[bytes, bytes]], date: bytes) -> Headers:
    """The headers with this Date."""
    return [(b"date", date), *(pair for pair in headers if pair[0].lower() != b"date")]


class Exchange:
    """A request, what ``service`` would answer, and means to answer otherwise."""

    def __init__(self, service: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.path: str = scope["path"]
        self.query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        self.first_page = self.url  # of the walk over pages that this request belongs to
        self._service, self._receive, self._send = service, receive, send

    @property
    def url(self) -> str:
        """The request's address without the key."""
        query = urlencode({name: value for name, value in self.query.items() if name != "apiKey"})
        return f"{self.address}?{query}" if query else self.address

    @property
    def address(self) -> str:
        """The request's address without its query."""
        host = next(value for name, value in self.scope["headers"] if name == b"host").decode()
        path = self.scope["raw_path"].decode().partition("?")[0]
        return f"{self.scope['scheme']}://{host}{path}"

    async def answered(self, **query: str) -> Answer:
        """The service's answer, not compressed; to the request with other values of query parameters, if given."""
        parameters = urlencode({**self.query, **query}).encode()
        headers = [pair for pair in self.scope["headers"] if pair[0] != b"accept-encoding"]
        scope = {**self.scope, "headers": headers, "query_string": parameters if query else self.scope["query_string"]}
        heard: list[Message] = []

        async def hear(message: Message) -> None:
            heard.append(message)

        await self._service(scope, self._receive, hear)
        body = b"".join(message.get("body", b"") for message in heard[1:])
        return Answer(heard[0]["status"], list(heard[0]["headers"]), body)

    async def passed_on(self) -> None:
        """The service's answer, unchanged."""
        await self._service(self.scope, self._receive, self._send)

    async def reply(
        self, status: int, body: bytes, kind: str = "application/json", headers: Headers | None = None
    ) -> None:
        """Another answer, whole."""
        await self.begin(status, [(b"content-type", kind.encode()), *(headers or [])], len(body))
        await self._send({"type": "http.response.body", "body": body})

    async def begin(self, status: int, headers: Headers, length: int | None) -> None:
        """The head of an answer that promises a body of so many bytes; of any number (chunked) if None."""
        own = [pair for pair in headers if pair[0].lower() != b"content-length"]
        if length is not None:
            own.append((b"content-length", str(length).encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": own})

    async def write(self, piece: bytes, *, last: bool = False) -> None:
        """A part of the body."""
        await self._send({"type": "http.response.body", "body": piece, "more_body": not last})

    async def hang_up(self, *, reset: bool) -> None:
        """Close the connection: with a reset (RST) at once, or (FIN) after what is written."""
        transport: asyncio.Transport = self.scope["extensions"][CONNECTION]["transport"]
        if reset:
            with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as own:
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        else:
            transport.close()
        while (await self._receive())["type"] != "http.disconnect":
            pass


def members(answer: Answer) -> dict[str, Any]:
    """The members of a JSON answer, its rows left as they are written."""
    return msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])


def gzipped(body: bytes) -> bytes:
    """A gzip stream."""
    return zlib.compress(body, level=1, wbits=31)
