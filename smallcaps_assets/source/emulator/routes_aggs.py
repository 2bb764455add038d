"""``/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}``: custom bars."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

import polars as pl

from smallcaps_assets.source.emulator.aggregate import second_bars
from smallcaps_assets.source.emulator.calendar import hours
from smallcaps_assets.source.emulator.directory import Directory, restated
from smallcaps_assets.source.emulator.envelope import Call, RefusedError, encoded, rows
from smallcaps_assets.source.emulator.instants import MILLISECOND, midnight, new_york_date, whole
from smallcaps_assets.source.emulator.paging import flag_of, next_url, parameters_of
from smallcaps_assets.source.emulator.windows import CALENDAR, WIDTH, Windows, parsed_bound, put_together

WIRE_ORDER = ("v", "vw", "o", "c", "h", "l", "t", "n")


def custom_bars(call: Call, directory: Directory) -> bytes:
    """Bars of one ticker. ``limit`` counts the base bars scanned.

    Base bars are seconds for second bars, minutes for minute and hour bars, and days for the rest. ``from`` is moved to
    the start of its unit and the windows follow one another from there; ``to`` to the end of its window. A window cut
    by the limit is left to the next page, which starts at it; a window that alone exceeds the limit is given whole, so
    that a page always advances.
    """
    parameters = parameters_of(call)
    ticker, unit = call.path["ticker"], call.path["timespan"]
    adjusted = flag_of(parameters, "adjusted", default=True)
    limit = _limit(parameters)
    descending = _descending(parameters)
    windows, first, last = _asked(call, unit)
    last = min(last, _midnight(directory.served(call.plan)[1] + timedelta(days=1)) - 1)

    taken: list[pl.DataFrame] = []
    scanned, numbers = 0, set[int]()
    for base in _base(ticker, unit, directory, first, last, adjusted=adjusted, descending=descending):
        base = base.with_columns(windows.numbers(base["t"]).alias("window"))
        taken.append(base)
        scanned += base.height
        numbers.update(base["window"].unique().to_list())
        if scanned > limit and len(numbers) > 1:
            break
    found = pl.concat(taken) if taken else pl.DataFrame()
    page, onward = _cut(found, limit)

    reply: dict[str, Any] = {"ticker": ticker, "queryCount": page.height, "resultsCount": 0, "adjusted": adjusted}
    if page.height:
        bars = page.sort("t")
        bars = bars if windows.are_base else put_together(bars, windows)
        reply["resultsCount"] = bars.height
        reply["results"] = rows((bars.reverse() if descending else bars).select(WIRE_ORDER))
    reply |= {"status": call.plan.status, "request_id": call.request_id, "count": reply["resultsCount"]}
    if onward is not None:
        reply["next_url"] = _onward(call, parameters, windows, onward, limit, descending=descending)
    return encoded(reply)


def _asked(call: Call, unit: str) -> tuple[Windows, int, int]:
    """The windows asked for, and the first and last ms they cover."""
    if unit not in CALENDAR and unit not in WIDTH:
        raise RefusedError(400, f"'timespan' must be one of {', '.join((*WIDTH, *CALENDAR))}, not '{unit}'")
    multiplier = whole(call.path["multiplier"])
    if not multiplier or multiplier > 10_000:
        raise RefusedError(400, f"'multiplier' must be a positive whole number, not '{call.path['multiplier']}'")
    begin = parsed_bound(call.path["from"], "from", end=False)
    end = parsed_bound(call.path["to"], "to", end=True)
    if end < begin:
        raise RefusedError(400, "The parameter 'to' cannot be a time that occurs before 'from'")
    windows = Windows.starting(unit, multiplier, begin)
    return windows, windows.start(0), windows.start(windows.number(end) + 1) - 1


def _limit(parameters: dict[str, str]) -> int:
    limit = whole(parameters.get("limit", "5000"))
    if not limit:
        raise RefusedError(400, f"'limit' must be a positive whole number, not '{parameters['limit']}'")
    return min(limit, 50_000)


def _descending(parameters: dict[str, str]) -> bool:
    sort = parameters.get("sort", "asc")
    if sort not in ("asc", "desc"):
        raise RefusedError(400, f"'sort' must be asc or desc, not '{sort}'")
    return sort == "desc"


def _base(
    ticker: str, unit: str, directory: Directory, first: int, last: int, *, adjusted: bool, descending: bool
) -> Iterator[pl.DataFrame]:
    """Base bars whose start lies in [first, last] ms, in the order asked, by session or all days at once."""
    begin, end = new_york_date(first * MILLISECOND), new_york_date(last * MILLISECOND)
    inside = pl.col("t").is_between(first, last)
    if unit in WIDTH:
        sessions = directory.between(begin, end)
        for session in reversed(sessions) if descending else sessions:
            if not directory.may_trade(ticker, session):
                continue
            bars = (
                second_bars(directory.trades(ticker, session), hours(session))
                if unit == "second"
                else directory.market.minutes(ticker, session)
            ).filter(inside)
            factor = directory.factor(ticker, session) if adjusted else 1.0
            bars = restated(bars, pl.lit(factor)) if factor != 1.0 else bars
            yield bars.reverse() if descending else bars
        return
    days = directory.market.daily_of(ticker, begin, end)
    sessions = days["t"].to_list()
    if adjusted:
        factors = pl.Series("factor", directory.factors(ticker, sessions), dtype=pl.Float64)
        days = restated(days.with_columns(factors), pl.col("factor")).drop("factor")
    days = days.with_columns(pl.Series("t", [_midnight(session) for session in sessions], dtype=pl.Int64))
    days = days.filter(inside)
    yield days.reverse() if descending else days


def _midnight(session: date) -> int:
    return midnight(session) // MILLISECOND


def _cut(found: pl.DataFrame, limit: int) -> tuple[pl.DataFrame, int | None]:
    """The base bars of this page, and the window the next page begins with (None on the last page)."""
    if found.height <= limit:
        return found, None
    window = found["window"]
    cut = window[limit]  # the window of the first bar beyond the limit
    page = found.filter((window != cut) & (pl.int_range(pl.len()) < limit))
    if not page.height:
        page = found.filter(window == cut)
        beyond = found.filter(window != cut)
        return page, beyond["window"][0] if beyond.height else None
    return page, cut


def _onward(
    call: Call, parameters: dict[str, str], windows: Windows, onward: int, limit: int, *, descending: bool
) -> str:
    """The next page: ``from`` in the path becomes the ms where it begins (``to`` when sorted downward)."""
    path = call.path
    begin, end = path["from"], path["to"]
    if descending:
        begin, end = str(windows.start(0)), str(windows.start(onward + 1) - 1)
    else:
        begin = str(windows.start(onward))
    address = f"/v2/aggs/ticker/{quote(path['ticker'])}/range/{path['multiplier']}/{path['timespan']}/{begin}/{end}"
    sort = {"limit": str(limit), "sort": "desc" if descending else "asc"}
    kept = {"adjusted": parameters["adjusted"]} if "adjusted" in parameters else {}
    return next_url(call, {**kept, **sort}, address)
