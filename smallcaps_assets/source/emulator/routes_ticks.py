"""``/v3/trades/{ticker}`` and ``/v3/quotes/{ticker}``: ticks of any span, newest first unless told, page by page."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from smallcaps_assets.source.emulator.directory import Directory
from smallcaps_assets.source.emulator.envelope import Call, RefusedError, encoded, rows
from smallcaps_assets.source.emulator.instants import FOREVER, bounds, midnight, new_york_date, rfc3339
from smallcaps_assets.source.emulator.paging import limit_of, next_url, order_of, parameters_of
from smallcaps_assets.source.emulator.recent import Ticks


@dataclass(frozen=True)
class Mark:
    """The last row delivered: its order key, and how many rows with just this key were delivered."""

    sip_timestamp: int
    sequence_number: int
    delivered: int


def trades(call: Call, directory: Directory) -> bytes:
    """A page of trades."""
    return _page(call, directory, directory.trades)


def quotes(call: Call, directory: Directory) -> bytes:
    """A page of quotes."""
    return _page(call, directory, directory.quotes)


def _page(call: Call, directory: Directory, ticks: Ticks) -> bytes:
    parameters = parameters_of(call)
    limit = limit_of(parameters, 1000, 50_000)
    order = order_of(parameters, "desc")
    if parameters.get("sort", "timestamp") != "timestamp":
        raise RefusedError(400, f"'sort' must be timestamp, not '{parameters['sort']}'")
    low, high = bounds(parameters, "timestamp")
    low = max(low, midnight(directory.served(call.plan)[0]))
    mark = _mark(parameters, low, high, order)

    taken: list[pl.DataFrame] = []
    left = limit + 1
    for frame in _spans(call.path["ticker"], directory, ticks, low, high, order):
        delivered = _delivered(frame, mark, order)
        # Cut before turning round: a page is a fraction of a session of ticks.
        frame = (
            frame.slice(delivered, left)
            if order == "asc"
            else frame.head(frame.height - delivered).tail(left).reverse()
        )
        if frame.height:
            taken.append(frame)
            left -= frame.height
        if not left:
            break
    found = pl.concat(taken) if taken else pl.DataFrame()
    page = found.head(limit)
    reply = {"results": rows(page), "status": "OK", "request_id": call.request_id}
    if found.height > limit:
        reply["next_url"] = _onward(call, page, mark, limit, order, low, high)
    return encoded(reply)


def _spans(ticker: str, directory: Directory, ticks: Ticks, low: int, high: int, order: str) -> Iterator[pl.DataFrame]:
    """The ticker's ticks in [low, high), ascending; sessions in the order asked, made only as consumed."""
    if low >= high:
        return
    sessions = directory.between(new_york_date(low), new_york_date(high - 1))
    for session in sessions if order == "asc" else reversed(sessions):
        if not directory.may_trade(ticker, session):
            continue
        frame = ticks(ticker, session)
        if not frame.height:
            continue
        first, end = np.searchsorted(frame["sip_timestamp"].to_numpy(), [low, high])
        yield frame.slice(int(first), int(end - first))


def _mark(parameters: dict[str, str], low: int, high: int, order: str) -> Mark | None:
    if "ap" not in parameters:
        return None
    try:
        sequence_number, delivered = int(parameters["ap"]), int(parameters.get("as") or 1)
    except ValueError as error:
        raise RefusedError(400, "the cursor could not be read") from error
    return Mark(low if order == "asc" else high - 1, sequence_number, delivered)


def _delivered(frame: pl.DataFrame, mark: Mark | None, order: str) -> int:
    """How many rows at the frame's start (end if descending) earlier pages had: at the mark's instant up to its row."""
    if mark is None:
        return 0
    here = frame.filter(pl.col("sip_timestamp") == mark.sip_timestamp)["sequence_number"]
    passed = here < mark.sequence_number if order == "asc" else here > mark.sequence_number
    return int(passed.sum()) + min(mark.delivered, int((here == mark.sequence_number).sum()))


def _onward(call: Call, page: pl.DataFrame, mark: Mark | None, limit: int, order: str, low: int, high: int) -> str:
    """The next page's address: the bound behind is moved to the last row, its sequence number tells where to resume."""
    instant, sequence = page["sip_timestamp"][-1], page["sequence_number"][-1]
    same = page.filter(pl.col("sip_timestamp") == instant, pl.col("sequence_number") == sequence).height
    if mark and (mark.sip_timestamp, mark.sequence_number) == (instant, sequence):
        same += mark.delivered
    onward = {
        "ap": str(sequence),
        "as": "" if same == 1 else str(same),
        "limit": str(limit),
        "order": order,
        "sort": "timestamp",
    }
    if order == "asc":
        onward["timestamp.gte"] = rfc3339(instant)
        if high < FOREVER:
            onward["timestamp.lt"] = rfc3339(high)
    else:
        onward["timestamp.lte"] = rfc3339(instant)
        if low > 0:
            onward["timestamp.gte"] = rfc3339(low)
    return next_url(call, onward)
