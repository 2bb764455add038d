"""Prints beside the continuous tape: auctions, official prices, reopenings, average-price and late trades."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from smallcaps_assets.source.emulator.condition_sets import AUCTIONS, CODES, OUT_OF_TURN
from smallcaps_assets.source.emulator.minute_path import Plan, Row
from smallcaps_assets.source.emulator.patterns import Pattern
from smallcaps_assets.source.emulator.shape import OPEN, Pause

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SECOND, MINUTE = 1_000_000, 60_000_000  # microseconds
NASDAQ, FINRA = 12, 4
PLUG = -1.0


@dataclass(frozen=True, slots=True)
class Prints:
    """Trades before sizes are known: microseconds from 04:00, 1e-4 USD, code of their conditions, exchange.

    ``share`` is the part of the session's free lots that a print takes (0: by lot, ``PLUG``: what is left over);
    ``late`` is how long ago the trade was done when it was printed.
    """

    at: Ints
    price: Floats
    code: Ints
    exchange: Ints
    share: Floats
    late: Ints


def joined(parts: list[Prints]) -> Prints:
    """The prints of all parts, in that order."""
    return Prints(*(np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(Prints)))


def auctions(row: Row, plan: Plan, home: int, draw: np.random.Generator) -> Prints:
    """Opening, closing and reopening auctions on the ``home`` exchange, with its official open and close prints."""
    end = (OPEN + row.minutes) * MINUTE
    opening, official_open, closing, official_close, reopening = (CODES[key] for key in AUCTIONS[home == NASDAQ])
    rows: list[tuple[int, int, int, float]] = []
    if row.auctions:
        start = OPEN * MINUTE + int(draw.integers(50_000, 1_100_000))
        stop = end + int(draw.integers(90_000, 900_000))
        rows += [(start, row.open, opening, 0.015), (start + int(draw.integers(1, 900)), row.open, official_open, 0.0)]
        rows += [(stop, row.close, closing, 0.05 if row.pattern == Pattern.QUIET else 0.02)]
        rows += [(stop + int(draw.integers(200, 2 * SECOND)), row.close, official_close, 0.0)]
    for pause in plan.shape.pauses:
        at = pause.resumes * MINUTE + pause.resume_second * SECOND
        rows.append((at, int(plan.open[pause.resumes]), reopening, 0.01))
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return Prints(
        at=np.array(columns[0], np.int64),
        price=np.array(columns[1], np.float64),
        code=np.array(columns[2], np.int64),
        exchange=np.full(len(rows), home, np.int64),
        share=np.array(columns[3], np.float64),
        late=np.zeros(len(rows), np.int64),
    )


def paused(pauses: list[Pause], at: Ints) -> NDArray[np.bool_]:
    """Whether each instant (microseconds from 04:00) falls into a halt."""
    inside = np.zeros(at.size, np.bool_)
    for pause in pauses:
        start = pause.minute * MINUTE + pause.second * SECOND
        inside |= (at >= start) & (at < start + pause.seconds * SECOND)
    return inside


def out_of_turn(row: Row, plan: Plan, regular: Prints, count: int, draw: np.random.Generator) -> Prints:
    """``count`` prints that set no last price, drawn from regular trades; the first is the plug of the weighted price.

    Sold out of sequence (32) and about half of the others are reports of trades some minutes old.
    """
    end = (OPEN + row.minutes) * MINUTE
    within = np.flatnonzero((regular.at >= OPEN * MINUTE) & (regular.at < end))
    chosen = within[draw.integers(0, within.size, count)]
    kinds = np.array([CODES[key] for key in OUT_OF_TURN])[draw.integers(0, len(OUT_OF_TURN), count)]
    kinds[0] = CODES[(2,)]
    done = regular.at[chosen]
    slow = (kinds == CODES[(32,)]) | (draw.random(count) < 0.5)
    # On a patterned session a stale price must not blur the pattern: what may set a high or low is not that late.
    brief = (row.pattern != Pattern.QUIET) & ((kinds == CODES[(32,)]) | (kinds == CODES[(10,)]))
    delay = np.where(slow, draw.integers(20 * SECOND, np.where(brief, 40 * SECOND, 14 * MINUTE)), 0)
    printed = done + delay
    delay[(printed >= end) | paused(plan.shape.pauses, printed)] = 0
    price = regular.price[chosen]
    at_market = (kinds == CODES[(10,)]) | (kinds == CODES[(32,)])
    around = np.clip(np.rint(price * (1 + 0.008 * draw.standard_normal(count))), row.low, row.high)
    share = np.zeros(count)
    share[0] = PLUG
    return Prints(
        at=done + delay,
        price=np.where(at_market, np.clip(price, row.low, row.high), around),
        code=kinds,
        exchange=np.where(kinds == CODES[(10,)], NASDAQ, FINRA),
        share=share,
        late=delay,
    )
