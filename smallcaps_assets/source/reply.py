"""One request and its reply, whole or not at all: within a time, and to the end of its gzip stream."""

import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx


class BrokenReplyError(Exception):
    """The body is not whole or not what was asked for; the message says in what."""


@dataclass(frozen=True)
class Reply:
    """A whole reply: its body decoded, and the bytes that the body took on the wire."""

    status: int
    headers: httpx.Headers
    body: bytes
    wire_bytes: int


def received(
    client: httpx.Client, url: httpx.URL, *, within: float, clock: Callable[[], float] = time.monotonic
) -> Reply:
    """The reply to a GET of ``url``.

    ``BrokenReplyError`` when it takes longer than ``within`` seconds (a read time-out bounds only the wait for the next
    piece: a body that drips never meets it), when its gzip stream ends early or is none, and for any other encoding;
    ``httpx.TransportError`` when the connection breaks or promised bytes do not come.
    """
    ends = clock() + within
    taken = 0

    def pieces(reply: httpx.Response) -> Iterator[bytes]:
        nonlocal taken
        for piece in reply.iter_raw():
            taken += len(piece)
            if clock() > ends:
                raise BrokenReplyError(f"no whole reply within {within:g} s, only {taken} bytes of its body")
            yield piece

    with client.stream("GET", url) as reply:
        encoding = reply.headers.get("Content-Encoding", "identity").lower()
        if encoding == "identity":
            body = b"".join(pieces(reply))
        elif encoding == "gzip":
            body = _gunzipped(pieces(reply))
        else:
            raise BrokenReplyError(f"a body encoded as {encoding}, which was not asked for")
    return Reply(reply.status_code, reply.headers, body, taken)


def _gunzipped(pieces: Iterator[bytes]) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        body = b"".join(stream.decompress(piece) for piece in pieces)
    except zlib.error as error:
        raise BrokenReplyError(f"a body that is no gzip stream: {error}") from error
    if body and not stream.eof:
        raise BrokenReplyError(f"a gzip stream that is cut off after {len(body)} bytes of text")
    if stream.unused_data:
        raise BrokenReplyError(f"{len(stream.unused_data)} bytes after the end of the gzip stream")
    return body
