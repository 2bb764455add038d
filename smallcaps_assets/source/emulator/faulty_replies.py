"""Replies that go wrong on their own: statuses, broken bodies, wrong contents, wrong clocks."""

import asyncio
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import msgspec
from starlette.concurrency import run_in_threadpool

from smallcaps_assets.source.emulator.envelope import EXCEEDED, RefusedError
from smallcaps_assets.source.emulator.exchange import REQUEST_ID, Exchange, dated, gzipped, http_date, members

HTML = b"<html><head><title>%b</title></head><body><center><h1>%b</h1></center><hr>nginx</body></html>"
RETRY_AFTER = 2  # seconds
DRIPS, DRIP_SECONDS = 20, 0.01
AHEAD, BEHIND = timedelta(hours=2), -timedelta(minutes=40)
STATUS_NOW = "/v1/marketstatus/now"
FLAT_FILE = re.compile(r"/([a-z]+_(?:aggs_)?v1)/\d{4}/\d{2}/(\d{4}-\d{2}-\d{2})\.csv\.gz$")


async def too_many(exchange: Exchange) -> None:
    """429 with Retry-After in seconds."""
    body = RefusedError(429, EXCEEDED).body(REQUEST_ID)
    await exchange.reply(429, body, headers=[(b"retry-after", str(RETRY_AFTER).encode())])


async def too_many_without_a_word(exchange: Exchange) -> None:
    """429 without Retry-After and with an empty body."""
    await exchange.reply(429, b"")


async def internal_error(exchange: Exchange) -> None:
    """500 with a JSON body."""
    await exchange.reply(500, msgspec.json.encode({"status": "ERROR", "error": "internal error"}))


async def bad_gateway(exchange: Exchange) -> None:
    """502 with a proxy's page."""
    await exchange.reply(502, _page(b"502 Bad Gateway"), "text/html")


async def unavailable(exchange: Exchange) -> None:
    """503 with an empty body."""
    await exchange.reply(503, b"", "text/plain")


async def reset_before(exchange: Exchange) -> None:
    """The connection is reset before the first byte."""
    await exchange.hang_up(reset=True)


async def reset_within(exchange: Exchange) -> None:
    """The connection is reset in the middle of the body."""
    await _half(exchange, promised=True)
    await exchange.hang_up(reset=True)


async def truncated(exchange: Exchange) -> None:
    """The connection is closed before all bytes have come that Content-Length promised."""
    await _half(exchange, promised=True)
    await exchange.hang_up(reset=False)


async def chunked_cut(exchange: Exchange) -> None:
    """A chunked body that is closed before its last chunk."""
    await _half(exchange, promised=False)
    await exchange.hang_up(reset=False)


async def _half(exchange: Exchange, *, promised: bool) -> None:
    answer = await exchange.answered()
    await exchange.begin(answer.status, answer.headers, len(answer.body) if promised else None)
    await exchange.write(answer.body[: len(answer.body) // 2])


async def gzip_cut(exchange: Exchange) -> None:
    """A whole HTTP message whose gzip stream ends early."""
    answer = await exchange.answered()
    body = gzipped(answer.body)
    await exchange.reply(answer.status, body[: len(body) // 2], headers=[(b"content-encoding", b"gzip")])


async def drip(exchange: Exchange) -> None:
    """The right reply in small pieces with pauses between them."""
    answer = await exchange.answered()
    await exchange.begin(answer.status, answer.headers, len(answer.body))
    for piece in _pieces(answer.body):
        await exchange.write(piece)
        await asyncio.sleep(DRIP_SECONDS)
    await exchange.write(b"", last=True)


def _pieces(body: bytes) -> Iterator[bytes]:
    size = max(1, -(-len(body) // DRIPS))
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def html(exchange: Exchange) -> None:
    """200 with a page for people."""
    await exchange.reply(200, _page(b"We'll be back soon"), "text/html")


async def json_as_text(exchange: Exchange) -> None:
    """The right reply as text/plain."""
    await exchange.reply(200, (await exchange.answered()).body, "text/plain; charset=utf-8")


async def mistyped(exchange: Exchange) -> None:
    """JSON in which the rows are a text."""
    await exchange.reply(200, msgspec.json.encode({"status": "OK", "results": "try again", "request_id": REQUEST_ID}))


async def no_results(exchange: Exchange) -> None:
    """The right reply without its rows, though it promises some or says nothing of their number."""
    found = members(await exchange.answered())
    await exchange.reply(200, msgspec.json.encode({name: v for name, v in found.items() if name != "results"}))


async def empty_body(exchange: Exchange) -> None:
    """200 without a byte."""
    await exchange.reply(200, b"")


async def skew_ahead(exchange: Exchange) -> None:
    """The service's clock is two hours ahead; see ``_skewed``."""
    await _skewed(exchange, AHEAD)


async def skew_behind(exchange: Exchange) -> None:
    """The service's clock is forty minutes behind; see ``_skewed``."""
    await _skewed(exchange, BEHIND)


async def _skewed(exchange: Exchange, skew: timedelta) -> None:
    """Market status tells the skewed time; all else is a 429 that names a time of that clock to come back at."""
    date_header = dated([], http_date(skew))
    if exchange.path != STATUS_NOW:
        until = http_date(skew + timedelta(seconds=RETRY_AFTER))
        body = RefusedError(429, EXCEEDED).body(REQUEST_ID)
        await exchange.reply(429, body, headers=[*date_header, (b"retry-after", until)])
        return
    answer = await exchange.answered()
    found = members(answer)
    told = datetime.fromisoformat(msgspec.json.decode(found["serverTime"], type=str))
    status = {**found, "serverTime": (told + skew).isoformat()}
    await exchange.reply(answer.status, msgspec.json.encode(status), headers=date_header)


async def republished(exchange: Exchange) -> None:
    """The flat file that is asked for has been published again: other bytes, another ETag."""
    if place := FLAT_FILE.search(exchange.path):
        flat_files = exchange.scope["app"].state.flat_files
        await run_in_threadpool(flat_files.republish, place[1], date.fromisoformat(place[2]))
    await exchange.passed_on()


def _page(title: bytes) -> bytes:
    return HTML % (title, title)
