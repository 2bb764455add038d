"""Limit Up-Limit Down price bands of a ticker's session, from its trades and halts (the plan's tier 2).

Tier 2 is every stock outside the S&P 500 and the Russell 1000. The reference price is the first trade of the regular
session or after a halt, then the mean of the last five minutes' trades once that is at least 1 % away, looked at every
30 seconds. Not modelled: tier 1, leveraged products, and limit states (a market's halts are taken as they are).
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from smallcaps_assets.source.emulator.aggregate import eligibility
from smallcaps_assets.source.emulator.calendar import MINUTE, SECOND, Hours

DOUBLED_AT_THE_CLOSE_ONLY = date(2020, 2, 24)  # amendment 18
STEP, WINDOW = 30 * SECOND, 5 * MINUTE
CHANGE = 0.01  # of the reference price; a smaller one leaves it as it is
OPENING, CLOSING = 15 * MINUTE, 25 * MINUTE  # the doubled stretches
HALTED, RESUMED = 17, 18


class Band(NamedTuple):
    """From ``at`` (ns UTC) on no trade below ``low`` or above ``high``; ``indicators`` say why it was sent."""

    at: int
    low: float
    high: float
    indicators: list[int]


def band(reference: float, previous_close: float, instant: int, session: date, hours: Hours) -> tuple[float, float]:
    """The lower and the upper band in dollars, to the cent; the class of the stock goes by its previous close."""
    amended = session >= DOUBLED_AT_THE_CLOSE_ONLY
    late = instant >= hours.close - CLOSING
    doubled = late and previous_close <= 3 if amended else late or instant < hours.open + OPENING
    times = 2 if doubled else 1
    if previous_close < 0.75:
        up = min(0.15, 0.75 * reference) * times
        down = min(0.15, 0.75 * reference) * (1 if amended else times)
    else:
        up = down = reference * (0.10 if previous_close > 3 else 0.20) * times
    return max(round(reference - down, 2), 0.0), round(reference + up, 2)


def bands(
    trades: pl.DataFrame,
    halts: Sequence[tuple[int, int | None]],
    previous_close: float | None,
    session: date,
    hours: Hours,
) -> list[Band]:
    """The bands of a session in the order they came into force.

    ``trades`` have schema ``TRADES``; ``halts`` are (halted, resumed or None) in ns, ascending, and are marked with
    indicators 17 and 18. Without a previous close the first trade stands for it.
    """
    stamp = pl.col("sip_timestamp")
    regular = trades.filter((stamp >= hours.open) & (stamp < hours.close))
    may = eligibility(
        regular["conditions"], regular["correction"], regular["size"], np.zeros(regular.height, np.bool_)
    ).open_close
    at, price = regular["sip_timestamp"].to_numpy()[may], regular["price"].to_numpy()[may]
    if not at.size:
        return []
    close = float(price[0]) if previous_close is None else previous_close
    found: list[Band] = []
    start = hours.open
    for halted, resumed in [*halts, (hours.close, None)]:
        since, until = np.searchsorted(at, [start, halted])
        references = _references(at[since:until], price[since:until], halted, hours.close - CLOSING)
        found += [Band(instant, *band(mean, close, instant, session, hours), []) for instant, mean in references]
        if halted < hours.close and found:
            found.append(Band(halted, found[-1].low, found[-1].high, [HALTED]))
            if resumed is not None:
                found.append(Band(resumed, found[-1].low, found[-1].high, [RESUMED]))
        if resumed is None:
            break
        start = resumed
    changed = [found[0]] if found else []
    for this in found[1:]:
        if this.indicators or this[1:3] != changed[-1][1:3]:
            changed.append(this)
    return changed


def _references(at: NDArray[np.int64], price: NDArray[np.float64], until: int, closing: int) -> list[tuple[int, float]]:
    """(instant, reference price) each time the reference changes, and at ``closing``, when the bands may widen."""
    if not at.size:
        return []
    reference = float(price[0])
    found = [(int(at[0]), reference)]
    total = np.concatenate([[0.0], np.cumsum(price)])
    for instant in range(-(-int(at[0]) // STEP) * STEP + STEP, until, STEP):
        first, end = np.searchsorted(at, [instant - WINDOW, instant])
        mean = float(total[end] - total[first]) / int(end - first) if end > first else reference
        if abs(mean / reference - 1) >= CHANGE:
            reference = mean
            found.append((instant, reference))
        elif instant == closing:
            found.append((instant, reference))
    return found
