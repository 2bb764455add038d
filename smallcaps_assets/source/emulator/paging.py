"""Cursors, and lists of facts: filter, sort and page a frame as the service's list endpoints do."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

import msgspec
import polars as pl

from smallcaps_assets.source.emulator.envelope import Call, RefusedError, encoded, rows
from smallcaps_assets.source.emulator.instants import parsed_date, whole

Kind = Literal["text", "date", "number", "flag"]
OPERATORS = ("", ".gte", ".gt", ".lte", ".lt", ".any_of")


@dataclass(frozen=True)
class Endpoint:
    """What a list endpoint lets its callers do. ``filters`` are members of the row, ``sorts`` its sortable members."""

    filters: dict[str, Kind]
    sorts: tuple[str, ...]
    sort: str
    order: Literal["asc", "desc"]
    limit: int
    most: int
    count: bool = False  # whether the envelope has ``count``


def parameters_of(call: Call) -> dict[str, str]:
    """The request's parameters: its own, or those inside its cursor. A cursor beside other parameters is refused."""
    cursor = call.query.get("cursor")
    if cursor is None:
        return call.query
    if len(call.query) > 1:
        others = ", ".join(sorted(set(call.query) - {"cursor"}))
        raise RefusedError(400, f"'cursor' cannot be combined with other parameters: {others}")
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise RefusedError(400, "the cursor could not be read") from error
    found = dict(parse_qsl(text, keep_blank_values=True))
    if "limit" not in found:
        raise RefusedError(400, "the cursor could not be read")
    return found


def next_url(call: Call, parameters: dict[str, str], address: str | None = None) -> str:
    """Where the next page is: the caller's host, never its key; all parameters inside an unpadded base64url cursor."""
    text = urlencode(sorted(parameters.items()))
    cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return f"{call.origin}{address or call.address}?cursor={cursor}"


def limit_of(parameters: dict[str, str], default: int, most: int) -> int:
    """The ``limit`` parameter; 400 when it is no number from 1 to ``most``."""
    text = parameters.get("limit", str(default))
    limit = whole(text)
    if limit is None or not 1 <= limit <= most:
        raise RefusedError(400, f"'limit' must be a number from 1 to {most}, not '{text}'")
    return limit


def order_of(parameters: dict[str, str], default: str) -> str:
    """The ``order`` parameter; 400 when it is neither asc nor desc."""
    order = parameters.get("order", default)
    if order not in ("asc", "desc"):
        raise RefusedError(400, f"'order' must be asc or desc, not '{order}'")
    return order


def flag_of(parameters: dict[str, str], name: str, default: bool) -> bool:
    """A boolean parameter; 400 when it is neither true nor false."""
    text = parameters.get(name, str(default).lower())
    if text.lower() not in ("true", "false"):
        raise RefusedError(400, f"'{name}' must be true or false, not '{text}'")
    return text.lower() == "true"


def value_of(text: str, kind: Kind, parameter: str) -> str | float | bool | date:
    """A parameter's text as a value of its kind; 400 when it is none."""
    if kind == "date":
        return parsed_date(text, parameter)
    if kind == "flag":
        return flag_of({parameter: text}, parameter, default=False)
    if kind == "number":
        try:
            return float(text)
        except ValueError as error:
            raise RefusedError(400, f"'{parameter}' must be a number, not '{text}'") from error
    return text


def condition(name: str, operator: str, text: str, kind: Kind) -> pl.Expr:
    """One filter parameter as an expression."""
    # Numbers of the query are floats: a column of integers does not take a list of them.
    member, parameter = pl.col(name).cast(pl.Float64) if kind == "number" else pl.col(name), name + operator
    if operator == ".any_of":
        return member.is_in([value_of(part, kind, parameter) for part in text.split(",")])
    value = value_of(text, kind, parameter)
    return {
        "": member == value,
        ".gte": member >= value,
        ".gt": member > value,
        ".lte": member <= value,
        ".lt": member < value,
    }[operator]


def kept(frame: pl.DataFrame, parameters: dict[str, str], filters: dict[str, Kind]) -> pl.DataFrame:
    """The rows that every filter parameter allows. Parameters that are no filters are ignored, as the service does."""
    wanted = [
        condition(name, operator, parameters[name + operator], kind)
        for name, kind in filters.items()
        for operator in OPERATORS
        if name + operator in parameters
    ]
    return frame.filter(*wanted) if wanted else frame


def sorting(parameters: dict[str, str], endpoint: Endpoint) -> tuple[list[str], list[bool]]:
    """Members to sort by and whether descending: ``sort=a&order=desc`` and ``sort=a.desc,b.asc`` are both read."""
    members, descending = [], []
    fallback = order_of(parameters, endpoint.order)
    for part in parameters.get("sort", endpoint.sort).split(","):
        member, _, direction = part.partition(".")
        if member not in endpoint.sorts or direction not in ("", "asc", "desc"):
            raise RefusedError(400, f"'sort' must be one of {', '.join(endpoint.sorts)}, not '{part}'")
        members.append(member)
        descending.append((direction or fallback) == "desc")
    return members, descending


def offset_of(parameters: dict[str, str]) -> int:
    """How many rows the pages before this one had: 0 without a cursor."""
    offset = whole(parameters.get("ap", "0"))
    if offset is None:
        raise RefusedError(400, "the cursor could not be read")
    return offset


def listed(
    call: Call,
    endpoint: Endpoint,
    parameters: dict[str, str],
    frame: pl.DataFrame,
    written: Callable[[pl.DataFrame], msgspec.Raw] = rows,
) -> bytes:
    """One page of a list endpoint, its rows as ``written``. An exactly full last page has no ``next_url``."""
    limit = limit_of(parameters, endpoint.limit, endpoint.most)
    members, descending = sorting(parameters, endpoint)
    found = kept(frame, parameters, endpoint.filters)
    found = found.sort(members, descending=descending, nulls_last=True, maintain_order=True)
    offset = offset_of(parameters)
    page = found.slice(offset, limit)
    reply: dict[str, Any] = {"results": written(page), "status": "OK", "request_id": call.request_id}
    if endpoint.count:
        reply["count"] = page.height
    if offset + limit < found.height:
        onward = {**parameters, "limit": str(limit), "ap": str(offset + limit), "as": ""}
        reply["next_url"] = next_url(call, onward)
    return encoded(reply)
