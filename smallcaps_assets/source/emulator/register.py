"""Listings and renames of the synthetic lines, as far as the market's sessions have got."""

from datetime import date

import polars as pl

from smallcaps_assets.source.emulator.listings import Line
from smallcaps_assets.source.emulator.market import LISTINGS, RENAMES


def spans(line: Line, count: int) -> list[tuple[str, int, int]]:
    """(ticker, ordinal of its first session, ordinal after its last) of each ticker it had by session ``count``."""
    since = [max(at, line.first) for at, _ in line.tickers]
    until = [*since[1:], count if line.end is None else line.end]
    return [
        (ticker, first, last)
        for (_, ticker), first, last in zip(line.tickers, since, until, strict=True)
        if first < count
    ]


def listings(lines: list[Line], sessions: list[date]) -> pl.DataFrame:
    """Schema ``LISTINGS``, by ticker and first session."""
    rows: list[tuple[object, ...]] = []
    for line in lines:
        for number, (ticker, first, last) in enumerate(spans(line, len(sessions))):
            began = line.list_date or sessions[line.first]
            delisted = sessions[last] if last < len(sessions) else None
            identity = (line.name, line.type, line.exchange, line.cik, line.composite_figi, line.share_class_figi)
            rows.append((ticker, *identity, sessions[first] if number else began, delisted, began))
    return pl.DataFrame(rows, schema=LISTINGS, orient="row").sort("ticker", "listed")


def renames(lines: list[Line], sessions: list[date]) -> pl.DataFrame:
    """Schema ``RENAMES``: every ticker of every line, the first from its listing."""
    rows: list[tuple[object, ...]] = []
    for line in lines:
        for number, (ticker, first, _) in enumerate(spans(line, len(sessions))):
            began = line.list_date or sessions[line.first]
            rows.append((line.composite_figi, sessions[first] if number else began, ticker))
    return pl.DataFrame(rows, schema=RENAMES, orient="row")
