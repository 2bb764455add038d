"""The tape of a ticker's session: trades that realise the minute plan and add up to the daily row exactly.

Aggregated by the update rules the trades give the row's open, high, low, close, volume, number of trades and, to the
fourth decimal, its weighted price: sizes lean towards dear or cheap trades, and one average-price print takes the rest.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smallcaps_assets.source.emulator import special_prints as special
from smallcaps_assets.source.emulator.aggregate import Eligibility
from smallcaps_assets.source.emulator.condition_sets import (
    EXEMPT,
    EXTENDED,
    FIRST_SPECIAL,
    ODD,
    SET_EXTENDED,
    SET_HIGH_LOW,
    SET_OPEN_CLOSE,
    SET_VOLUME,
    SWEEP,
)
from smallcaps_assets.source.emulator.minute_path import Plan, Row
from smallcaps_assets.source.emulator.shape import OPEN
from smallcaps_assets.source.emulator.sizes import sized

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
MINUTE_US = 60_000_000
LIT = np.array([12, 12, 12, 11, 19, 8, 8, 18, 7, 15, 21, 20, 10])


@dataclass(frozen=True, slots=True)
class Tape:
    """Trades in tape order: microseconds from 04:00, prices in 1e-4 USD, ``code`` indexes the sets of conditions.

    ``late`` is how long ago the trade was done when it was printed, ``setting`` whether it carries the minute plan;
    ``origin`` is the position of the trade that a correction record refers to, its own position otherwise.
    """

    at: Ints
    late: Ints
    price: Floats
    size: Ints
    code: Ints
    exchange: Ints
    correction: Ints
    origin: Ints
    setting: Bools
    end: int  # the close, microseconds from 04:00

    def eligibility(self, *, minutes: bool) -> Eligibility:
        """What each trade updates in minute bars, or in the daily bar."""
        real = self.correction < 10
        high_low, open_close = SET_HIGH_LOW[self.code], SET_OPEN_CLOSE[self.code]
        if minutes:
            extended = ((self.at < OPEN * MINUTE_US) | (self.at >= self.end)) & SET_EXTENDED[self.code]
            high_low, open_close = high_low | extended, open_close | extended
        return Eligibility(high_low & real, open_close & real, SET_VOLUME[self.code] & real)


def on_ticks(price: Floats) -> Floats:
    """Prices in 1e-4 USD rounded to the tick, as floats holding whole numbers."""
    return np.where(price >= 9_999.5, np.rint(price / 100) * 100, np.maximum(np.rint(price), 1))


def tape(row: Row, plan: Plan, home: int, draw: np.random.Generator) -> Tape:
    """The session's trades; ``home`` is the id of the listing exchange."""
    end = OPEN + row.minutes
    auctions = special.auctions(row, plan, home, draw)
    others = 1 + row.trades // 130
    number = row.trades - int(SET_VOLUME[auctions.code].sum()) - others - 4 * plan.forced.size
    counts = draw.multinomial(number, plan.weight)
    np.add.at(counts, plan.forced, 4)
    minute = np.repeat(np.arange(counts.size), counts)
    within = counts[minute]
    place = np.arange(minute.size) - (np.cumsum(counts) - counts)[minute]
    u = draw.random((5, minute.size))
    price, setting = _prices(plan, minute, place, within, u[1], draw)
    extended = (minute < OPEN) | (minute >= end)
    lonely = (within == 1) & ~np.isin(minute, plan.forced)
    odd = ((u[2] < 0.5) & ~setting) | (lonely & (u[2] < 0.08))
    dark = (u[3] < 0.34) & ~setting
    sweep = ~dark & (u[3] > 0.74)
    exempt = ~dark & (u[3] > 0.92)
    improved = dark & (u[4] < 0.3) & (price >= 10_000)
    price = np.where(improved, price + np.rint(98 * u[1] + 1) * np.where(price < row.high, 1, -1), price)
    regular = special.Prints(
        at=_instants(plan, minute, u[0], u[4] < 0.08),
        price=np.where(improved & ~extended, np.clip(price, row.low, row.high), price),
        code=(ODD * odd + SWEEP * sweep + EXEMPT * exempt + EXTENDED * extended).astype(np.int64),
        exchange=np.where(dark, special.FINRA, LIT[(u[4] * 997 % 1 * LIT.size).astype(np.int64)]),
        share=np.zeros(minute.size),
        late=np.zeros(minute.size, np.int64),
    )
    late = special.out_of_turn(row, plan, regular, others, draw)
    everything = special.joined([regular, auctions, late])
    price, size = sized(row, everything, (everything.code < FIRST_SPECIAL) & (everything.code & ODD > 0), draw)
    return printed(row, plan, everything, price, size, setting, draw)


def _instants(plan: Plan, minute: Ints, u: Floats, together: Bools) -> Ints:
    """Ascending microseconds from 04:00; trades ``together`` with the one before in their minute share its instant."""
    part = plan.earliest[minute] + (plan.latest - plan.earliest)[minute] * u
    at = np.sort(((minute + part) * MINUTE_US).astype(np.int64))
    shared = together[1:] & (minute[1:] == minute[:-1])
    at[1:][shared] = at[:-1][shared]
    return at


def _prices(
    plan: Plan, minute: Ints, place: Ints, within: Ints, u: Floats, draw: np.random.Generator
) -> tuple[Floats, Bools]:
    """Price of each trade in 1e-4 USD and whether it sets its minute's open, close, high or low."""
    o, h, low, c = (side[minute].astype(np.float64) for side in (plan.open, plan.high, plan.low, plan.close))
    noise = 0.3 * (h - low) * draw.standard_normal(minute.size)
    price = on_ticks(np.clip(o + (c - o) * (place + u) / within + noise, low, h))
    price = np.clip(price, low, h)
    last = place == within - 1
    first = (place == 0) & ~last
    inner = np.maximum(within - 2, 1)
    top = 1 + (minute * 7 + within) % inner
    bottom = 1 + (minute * 7 + within + 1 + minute % np.maximum(inner - 1, 1)) % inner
    wide = within >= 4
    price = np.where(first, o, price)
    price = np.where(last, c, price)
    price = np.where(wide & (place == top), h, price)
    price = np.where(wide & (place == bottom), low, price)
    return price, first | last | (wide & ((place == top) | (place == bottom)))


def printed(
    row: Row, plan: Plan, trades: special.Prints, price: Floats, size: Ints, setting: Bools, draw: np.random.Generator
) -> Tape:
    """The trades in tape order, with rare corrections: an original flagged 1, 7 or 8 and its record minutes later."""
    end = (OPEN + row.minutes) * MINUTE_US
    amount = min(int(draw.poisson(min(0.0002 * row.trades, 0.6))), 3)
    plain = np.flatnonzero(
        ~setting & (trades.at[: setting.size] > OPEN * MINUTE_US) & (trades.at[: setting.size] < end)
    )
    chosen = draw.choice(plain, min(amount, plain.size), replace=False) if amount else np.empty(0, np.int64)
    when = trades.at[chosen] + draw.integers(6 * MINUTE_US, 33 * MINUTE_US, chosen.size)
    chosen, when = (side[(when < end) & ~special.paused(plan.shape.pauses, when)] for side in (chosen, when))
    kind = draw.integers(0, 3, chosen.size)
    correction = np.zeros(trades.at.size, np.int64)
    correction[chosen] = np.array([1, 7, 8])[kind]
    origin = np.concatenate([np.arange(trades.at.size), chosen])
    at = np.concatenate([trades.at, when])
    order = np.argsort(at, kind="stable")
    position = np.empty(order.size, np.int64)
    position[order] = np.arange(order.size)
    corrected = np.where(kind == 0, on_ticks(price[chosen] * 0.99), price[chosen])
    full = np.zeros(order.size, np.bool_)
    full[: setting.size] = setting
    return Tape(
        at=at[order],
        late=np.concatenate([trades.late, np.zeros(chosen.size, np.int64)])[order],
        price=np.concatenate([price, corrected])[order],
        size=np.concatenate([size, size[chosen]])[order],
        code=np.concatenate([trades.code, trades.code[chosen]])[order],
        exchange=np.concatenate([trades.exchange, trades.exchange[chosen]])[order],
        correction=np.concatenate([correction, np.array([12, 11, 10])[kind]])[order],
        origin=position[origin][order],
        setting=full[order],
        end=end,
    )
