"""A reply is whole or an error: to the end of its gzip stream, in time, in an encoding that was asked for."""

import gzip
import itertools
from collections.abc import Iterator

import httpx
import pytest

from smallcaps_assets.source.reply import BrokenReplyError, Reply, received

TEXT = b'{"status":"OK","results":[1,2,3]}' * 100
PACKED = gzip.compress(TEXT, mtime=0)


class Pieces(httpx.SyncByteStream):
    """A body in pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces


def reply(*pieces: bytes, encoding: str | None = "gzip", within: float = 10.0, step: float = 0.0) -> Reply:
    """What is received of a body that comes in these pieces; each look at the clock moves it by ``step`` seconds."""
    headers = {"Content-Encoding": encoding} if encoding else {}
    answer = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, stream=Pieces(list(pieces))))
    ticks = itertools.count(0.0, step)
    with httpx.Client(transport=answer) as client:
        return received(client, httpx.URL("https://polygon.test/"), within=within, clock=lambda: next(ticks))


def test_gzip_is_decoded_across_pieces_and_its_bytes_on_the_wire_are_counted() -> None:
    got = reply(*(PACKED[place : place + 7] for place in range(0, len(PACKED), 7)))
    assert (got.status, got.body, got.wire_bytes) == (200, TEXT, len(PACKED))


def test_a_plain_body_is_taken_as_it_is() -> None:
    got = reply(TEXT[:10], TEXT[10:], encoding=None)
    assert (got.body, got.wire_bytes) == (TEXT, len(TEXT))


@pytest.mark.parametrize("cut", [1, 8, 9, len(PACKED) // 2])
def test_a_gzip_stream_that_lacks_its_end_is_broken_even_if_all_its_text_has_come(cut: int) -> None:
    with pytest.raises(BrokenReplyError, match=r"a gzip stream that is cut off after \d+ bytes of text"):
        reply(PACKED[:-cut])


def test_a_gzip_stream_with_a_wrong_checksum_is_broken() -> None:
    with pytest.raises(BrokenReplyError, match=r"a body that is no gzip stream: .*incorrect data check"):
        reply(PACKED[:-8] + bytes(4) + PACKED[-4:])


@pytest.mark.parametrize(
    ("pieces", "encoding", "says"),
    [
        ([PACKED, b"more"], "gzip", "4 bytes after the end of the gzip stream"),
        ([b"not gzip"], "gzip", "a body that is no gzip stream"),
        ([TEXT], "br", "a body encoded as br, which was not asked for"),
    ],
)
def test_what_is_no_gzip_stream_is_broken(pieces: list[bytes], encoding: str, says: str) -> None:
    with pytest.raises(BrokenReplyError, match=says):
        reply(*pieces, encoding=encoding)


def test_nothing_is_nothing() -> None:
    assert reply(b"").body == b""


def test_the_time_of_a_body_is_bounded_though_each_piece_is_in_time() -> None:
    assert reply(TEXT[:1], TEXT[1:2], TEXT[2:3], encoding=None, within=3.0, step=1.0).body == TEXT[:3]
    with pytest.raises(BrokenReplyError, match="no whole reply within 3 s, only 4 bytes of its body"):
        reply(TEXT[:1], TEXT[1:2], TEXT[2:3], TEXT[3:4], encoding=None, within=3.0, step=1.0)
