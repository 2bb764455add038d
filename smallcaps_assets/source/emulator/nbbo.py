"""The best bid and offer around a tape: every trade that sets a price on an exchange happens inside a standing quote.

A quote is posted before each instant of trading; between them come requotes, some locked, crossed or one-sided.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smallcaps_assets.source.emulator.minute_path import AFTER, Row
from smallcaps_assets.source.emulator.patterns import Pattern
from smallcaps_assets.source.emulator.shape import OPEN, Pause
from smallcaps_assets.source.emulator.special_prints import FINRA
from smallcaps_assets.source.emulator.tape import LIT, MINUTE_US, Tape

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SECOND_US = 1_000_000
REGULAR, ONE_SIDED, LOCKED, CROSSED, PAUSED, CLOSED = range(6)
# Quote conditions of each state, as the vendor writes them.
CONDITIONS: tuple[tuple[int, ...], ...] = ((1,), (2,), (1, 85), (1, 84), (43,), (15,))


@dataclass(frozen=True, slots=True)
class Book:
    """Quotes in order: microseconds from 04:00, prices in 1e-4 USD and sizes in round lots, 0 where a side is empty."""

    at: Ints
    bid: Floats
    ask: Floats
    bid_lots: Ints
    ask_lots: Ints
    bid_exchange: Ints
    ask_exchange: Ints
    state: Ints


def book(row: Row, tape: Tape, pauses: list[Pause], draw: np.random.Generator) -> Book:
    """The session's quotes."""
    setting = tape.eligibility(minutes=True).open_close & (tape.exchange != FINRA)
    at, price = tape.at[setting], tape.price[setting]
    edges = np.flatnonzero(np.diff(at, prepend=-1))
    moments = at[edges]
    lowest, highest = np.minimum.reduceat(price, edges), np.maximum.reduceat(price, edges)
    bid, ask = _around(row, lowest, highest, draw)
    lead = np.minimum(draw.integers(20, 900, moments.size), np.diff(moments, prepend=-1) - 1)
    posted = moments - lead
    parts = [(posted, bid, ask, np.full(posted.size, REGULAR)), _between(moments, posted, bid, ask, draw)]
    parts.append(_milestones(row, pauses, posted, moments, bid, ask))
    columns = [np.concatenate([part[side] for part in parts]) for side in range(4)]
    order = np.argsort(columns[0], kind="stable")
    when, bids, offers, state = (column[order] for column in columns)
    lots = 1 + (draw.exponential(6.0, (2, order.size))).astype(np.int64)
    venue = LIT[draw.integers(0, LIT.size, (2, order.size))]
    return Book(
        at=when.astype(np.int64),
        bid=bids,
        ask=offers,
        bid_lots=np.where(bids > 0, lots[0], 0),
        ask_lots=np.where(offers > 0, lots[1], 0),
        bid_exchange=venue[0],
        ask_exchange=venue[1],
        state=state.astype(np.int64),
    )


def _tick(price: Floats) -> Floats:
    return np.where(price >= 10_000, 100.0, 1.0)


def _around(row: Row, lowest: Floats, highest: Floats, draw: np.random.Generator) -> tuple[Floats, Floats]:
    """Bid and ask on the tick with bid <= lowest and ask >= highest; one of them is where the trade was."""
    tick = _tick(lowest)
    usual = (0.0025 if row.pattern != Pattern.QUIET else 0.0045) * (row.sigma / 0.025) * lowest / tick
    ticks = np.maximum(np.rint(usual * (0.5 + draw.exponential(0.6, lowest.size))), 1.0)
    side = draw.random(lowest.size)
    below = np.where(side < 0.48, 0.0, np.where((side > 0.93) & (ticks > 1), 1.0, ticks))
    bid = np.maximum(np.floor((lowest - below * tick) / tick) * tick, 1.0)
    ask = np.ceil((highest + np.where(below == 0, ticks, np.where(below < ticks, ticks - 1, 0)) * tick) / tick) * tick
    ask = np.maximum(ask, bid + _tick(bid))
    return bid, ask


def _between(
    moments: Ints, posted: Ints, bid: Floats, ask: Floats, draw: np.random.Generator
) -> tuple[Ints, Floats, Floats, Ints]:
    """Requotes after trades with room before the next quote."""
    room = np.append(posted[1:], moments[-1] + 2 * SECOND_US) - moments
    chosen = np.flatnonzero((room > 4_000) & (draw.random(moments.size) < 0.6))
    at = moments[chosen] + 1 + ((room[chosen] - 2) * draw.random(chosen.size)).astype(np.int64)
    tick = _tick(bid[chosen])
    bids, offers = bid[chosen] - tick * draw.integers(-1, 2, chosen.size), ask[chosen] + tick
    bids = np.maximum(bids, 1.0)
    kind = draw.random(chosen.size)
    locked, crossed = kind < 0.012, (kind >= 0.012) & (kind < 0.02)
    bidless, askless = (kind >= 0.02) & (kind < 0.024), (kind >= 0.024) & (kind < 0.028)
    offers = np.where(locked, bids, np.where(crossed, np.maximum(bids - tick, 1.0), offers))
    locked, crossed = locked | (crossed & (offers == bids)), crossed & (offers < bids)
    state = np.where(locked, LOCKED, np.where(crossed, CROSSED, np.where(bidless | askless, ONE_SIDED, REGULAR)))
    return at, np.where(bidless, 0.0, bids), np.where(askless, 0.0, offers), state


def _milestones(
    row: Row, pauses: list[Pause], posted: Ints, moments: Ints, bid: Floats, ask: Floats
) -> tuple[Ints, Floats, Floats, Ints]:
    """The one-sided first quote of the session, halts, and the empty last quote."""
    finish = (OPEN + row.minutes + AFTER) * MINUTE_US
    rows: list[tuple[int, float, float, int]] = [
        (max(min(int(posted[0]) - 1, 180_000), 0), float(bid[0]), 0.0, ONE_SIDED)
    ]
    for pause in pauses:
        start = (pause.minute * 60 + pause.second) * SECOND_US
        at = max(int(np.searchsorted(moments, start)) - 1, 0)
        rows.append((max(start, int(moments[at]) + 1), float(bid[at]), float(ask[at]), PAUSED))
    rows.append((max(finish - 1_000, int(moments[-1]) + 1), 0.0, 0.0, CLOSED))
    at_, bids, asks, state = zip(*rows, strict=True)
    return np.array(at_, np.int64), np.array(bids, np.float64), np.array(asks, np.float64), np.array(state, np.int64)
