"""Walks over pages that go wrong: cursors that loop, repeat or are refused, and pages that are full or empty."""

import base64
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from smallcaps_assets.source.emulator.envelope import RefusedError
from smallcaps_assets.source.emulator.exchange import REQUEST_ID, Exchange, members

AGAIN = "again"


async def loop_to_itself(exchange: Exchange) -> None:
    """The page's ``next_url`` is its own address."""
    await _with(exchange, next_url=exchange.url)


async def loop_to_the_first(exchange: Exchange) -> None:
    """A later page's ``next_url`` leads back to the first page."""
    await _with(exchange, next_url=exchange.first_page)


async def duplicate(exchange: Exchange) -> None:
    """The page comes twice: its ``next_url`` leads to the same rows under another cursor, and from there on."""
    if _came(exchange):
        await exchange.passed_on()
        return
    await _with(exchange, next_url=_again(exchange))


async def empty_page(exchange: Exchange) -> None:
    """Before the page comes one without rows, whose ``next_url`` leads to it."""
    if _came(exchange):
        await exchange.passed_on()
        return
    found = members(await exchange.answered())
    none: dict[str, Any] = {name: 0 for name in ("count", "resultsCount", "queryCount") if name in found}
    await _reply(exchange, {**found, **none, "results": [], "next_url": _again(exchange)})


async def full_last(exchange: Exchange) -> None:
    """The list comes on two pages, of which the last has exactly as many rows as its limit, and no ``next_url``."""
    whole = members(await exchange.answered())
    rows = len(msgspec.json.decode(whole.get("results", b"[]"), type=list[msgspec.Raw]))
    if rows < 2 or "next_url" in whole:
        await _reply(exchange, whole)
        return
    first = members(await exchange.answered(limit=str(rows // 2)))
    address, _, cursor = msgspec.json.decode(first["next_url"], type=str).partition("?cursor=")
    parameters = {**_read(cursor), "limit": str(rows - rows // 2)}
    await _reply(exchange, {**first, "next_url": f"{address}?cursor={_written(parameters)}"})


async def cursor_refused(exchange: Exchange) -> None:
    """400 for a good cursor, as if other parameters stood beside it."""
    text = "'cursor' cannot be combined with other parameters: timestamp.gte, timestamp.lt"
    await exchange.reply(400, RefusedError(400, text).body(REQUEST_ID))


async def _with(exchange: Exchange, **changed: Any) -> None:
    await _reply(exchange, {**members(await exchange.answered()), **changed})


async def _reply(exchange: Exchange, found: dict[str, Any]) -> None:
    await exchange.reply(200, msgspec.json.encode(found))


def _parameters(exchange: Exchange) -> dict[str, str]:
    cursor = exchange.query.get("cursor")
    return _read(cursor) if cursor else {name: v for name, v in exchange.query.items() if name != "apiKey"}


def _again(exchange: Exchange) -> str:
    """Another address of the same page: its parameters in a cursor, with one more that means nothing to the service."""
    return f"{exchange.address}?cursor={_written({**_parameters(exchange), AGAIN: '1'})}"


def _came(exchange: Exchange) -> bool:
    """Whether this request comes by such an address, so that the fault has befallen its page already."""
    return AGAIN in _parameters(exchange)


def _read(cursor: str) -> dict[str, str]:
    text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    return dict(parse_qsl(text, keep_blank_values=True))


def _written(parameters: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(urlencode(sorted(parameters.items())).encode()).decode().rstrip("=")
