"""Sizes of a session's trades: whole shares that add up to the volume, and with the prices to the weighted price.

Odd lots come first; the remaining round lots are shared out by weights that lean towards dear or cheap trades until the
mean price is right; one average-price print, the plug, takes the shares and the fraction of a cent that are left.
"""

import numpy as np
from numpy.typing import NDArray

from smallcaps_assets.source.emulator.condition_sets import CODES, OFFICIAL, SET_VOLUME
from smallcaps_assets.source.emulator.minute_path import Row
from smallcaps_assets.source.emulator.special_prints import PLUG, Prints

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def sized(row: Row, trades: Prints, odd: Bools, draw: np.random.Generator) -> tuple[Floats, Ints]:
    """Prices (1e-4 USD, the plug's settled) and sizes of the trades; ``odd`` marks the odd lots."""
    plug = int(np.flatnonzero(trades.share == PLUG)[0])
    lots = SET_VOLUME[trades.code] & ~odd
    size = np.zeros(trades.at.size, np.int64)
    size[odd] = 1 + (99 * draw.random(int(odd.sum())) ** 1.6).astype(np.int64)
    size[lots] = 100
    free, rest = divmod(row.volume - int(size.sum()), 100)
    plugged = max(1, round((0.04 if row.trades > 200 else 0.12) * free))
    others = np.arange(size.size) != plug
    dollars = row.weighted * (row.volume - (100.0 + 100 * plugged + rest)) - float((trades.price * size)[others].sum())
    free -= plugged
    weight = np.where(lots & others, np.exp(0.9 * draw.standard_normal(size.size)), 0.0)
    auctions = trades.share > 0
    weight[auctions] = 0.0
    weight *= (1 - trades.share[auctions].sum()) / weight.sum()
    weight[auctions] = trades.share[auctions]
    weight = _leaning(weight, trades.price, dollars / (100 * free), row)
    parts = np.floor(np.cumsum(weight) / weight.sum() * free + 1e-9)
    size += 100 * np.diff(parts, prepend=0.0).astype(np.int64)
    size[plug] += row.volume - int(size.sum())
    price = trades.price.copy()
    price[plug] = _settled(row, price, size, plug)
    for official, repeated in OFFICIAL:
        at = np.flatnonzero(trades.code == CODES[official])
        size[at] = size[np.isin(trades.code, [CODES[key] for key in repeated])]
    return price, size


def _leaning(weight: Floats, price: Floats, wanted: float, row: Row) -> Floats:
    """Weights tilted exponentially in the price until their mean price is ``wanted``."""
    reach = max(row.high - row.low, 1)
    z, target = (price - row.weighted) / reach, (wanted - row.weighted) / reach
    lean, low, high, tilted = 0.0, -25.0, 25.0, weight
    for _ in range(30):
        tilted = weight * np.exp(np.clip(lean * z, -30, 30))
        total = tilted.sum()
        mean = (tilted * z).sum() / total
        spread = (tilted * z * z).sum() / total - mean * mean
        if abs(target - mean) < 1e-6 or spread < 1e-12:
            break
        # The mean grows with the lean: Newton's step, or halving where it would leave what is left of the bracket.
        low, high = (lean, high) if mean < target else (low, lean)
        lean = float(lean + (target - mean) / spread)
        lean = lean if low < lean < high else (low + high) / 2
    return tilted


def _settled(row: Row, price: Floats, size: Ints, plug: int) -> float:
    """Price of the plug; moves lots between cheap and dear trades while it would leave the session's range."""
    others = np.flatnonzero((size >= 100) & (price >= row.low) & (price <= row.high))
    others = others[others != plug]
    value = price * size
    dollars = row.weighted * row.volume - float(value.sum() - value[plug])
    while True:
        wanted = round(dollars / int(size[plug]))
        if row.low <= wanted <= row.high:
            return float(wanted)
        toward = 1.0 if wanted > row.high else -1.0
        givers = others[size[others] >= 200]
        taker = int(others[np.argmax(toward * price[others])])
        giver = int(givers[np.argmin(toward * price[givers])]) if givers.size else taker
        gain = abs(price[taker] - price[giver]) * 100
        if gain == 0:
            if wanted < 1:
                raise ValueError(f"no sizes give the weighted price {row.weighted} of {row}")
            # An average price may come from elsewhere: it sets no high or low.
            return float(wanted)
        excess = max(wanted - row.high, row.low - wanted) * int(size[plug])
        moved = min(int(np.ceil(excess / gain)), int(size[giver]) // 100 - 1)
        size[giver] -= 100 * moved
        size[taker] += 100 * moved
        dollars -= toward * gain * moved
