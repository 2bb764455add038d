"""Every ticker's daily row of every session, drawn at once as integers; all else is generated to agree with it.

Prices are whole 1e-4 USD on the tick (0.01 USD from 1 USD up, 0.0001 below); volumes are whole shares. Splits act on
the raw path: across a 1:10 reverse split raw prices jump tenfold, and the usual volume falls to a tenth.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from smallcaps_assets.source.emulator.calendar import closes_early
from smallcaps_assets.source.emulator.corporate_actions import ex_dates
from smallcaps_assets.source.emulator.draws import Purpose, generator
from smallcaps_assets.source.emulator.listings import Line
from smallcaps_assets.source.emulator.patterns import PROFILES, QUIET_WEIGHTED, Pattern

Floats = NDArray[np.float64]
UNIT = 10_000  # integer prices a USD
CHUNK = 256
COLUMNS = 14
REVERSION = 0.06
LOWEST, HIGHEST = -0.9, 1.15  # bounds of the log price around the anchor
FEWEST_TRADES, BUSY = 36, 1_500
EVENT_SHARES, EVENT_DOLLARS = 1_000_000, 5_000_000


@dataclass(frozen=True, slots=True)
class Panel:
    """Integer arrays of shape (lines, sessions); ``volume`` is 0 where a line is not listed.

    ``pattern`` is negative for a mirrored session; ``before`` is the previous close on the session's split basis, and
    the open in a line's first session.
    """

    open: NDArray[np.int32]
    high: NDArray[np.int32]
    low: NDArray[np.int32]
    close: NDArray[np.int32]
    weighted: NDArray[np.int32]
    volume: NDArray[np.int64]
    trades: NDArray[np.int32]
    pattern: NDArray[np.int8]
    before: NDArray[np.int32]


def on_tick(price: Floats) -> NDArray[np.int64]:
    """Prices in 1e-4 USD rounded to the tick, never below one tick."""
    whole = np.rint(price)
    return np.maximum(np.where(whole >= UNIT, np.rint(price / 100) * 100, whole), 1).astype(np.int64)


def panel(seed: int, lines: list[Line], sessions: list[date]) -> Panel:
    """Daily rows of all lines and sessions; a longer list of sessions begins with the rows of a shorter one."""
    shape = (len(lines), len(sessions))
    made = Panel(
        open=np.zeros(shape, np.int32),
        high=np.zeros(shape, np.int32),
        low=np.zeros(shape, np.int32),
        close=np.zeros(shape, np.int32),
        weighted=np.zeros(shape, np.int32),
        volume=np.zeros(shape, np.int64),
        trades=np.zeros(shape, np.int32),
        pattern=np.zeros(shape, np.int8),
        before=np.zeros(shape, np.int32),
    )
    for start in range(0, len(lines), CHUNK):
        rows = slice(start, start + CHUNK)
        _fill(made, rows, seed, lines[rows], sessions)
    return made


def _fill(made: Panel, rows: slice, seed: int, lines: list[Line], sessions: list[date]) -> None:
    count = len(sessions)
    shorter = np.array([0.6 if closes_early(session) else 1.0 for session in sessions])
    u = np.stack([generator(seed, Purpose.PANEL, line.index).random((count, COLUMNS)) for line in lines])
    sigma = np.array([line.sigma for line in lines])[:, None]
    pattern, sign, gap, up, down, back, busy = _sessions(lines, u, sigma)
    for row, line in enumerate(lines):
        paid = [bisect_left(sessions, session) for session in ex_dates(line, sessions[0], sessions[-1])]
        gap[row, paid] += np.log1p(-line.payout)
    anchors, ratio = _anchors(lines, count)
    opens, state = _walk(gap, back, pattern, anchors)
    before = np.empty_like(opens)
    before[:, 0], before[:, 1:] = opens[:, 0], state[:, :-1] * ratio[:, 1:]
    first = np.array([line.first for line in lines])
    before[np.arange(len(lines)), first.clip(max=count - 1)] = opens[np.arange(len(lines)), first.clip(max=count - 1)]

    o, c, b = on_tick(opens), on_tick(opens * np.exp(back)), on_tick(before)
    h = np.maximum(on_tick(opens * np.exp(up)), np.maximum(o, c))
    low = np.minimum(on_tick(opens * np.exp(-down)), np.minimum(o, c))
    # A range of a few ticks leaves room for a weighted price inside it.
    tick = np.where(low >= UNIT, 100, 1)
    h = np.where(h - low < 4 * tick, on_tick((low + 4 * tick).astype(np.float64)), h)
    missed = (pattern == Pattern.GAP_AND_GO) & (o < b * 1.115)
    missed |= (pattern == Pattern.FLUSH_REVERSAL) & (o > b * 0.72)
    pattern = np.where(missed, Pattern.QUIET, pattern)

    dollars = np.array([line.dollars for line in lines])[:, None]
    volume = dollars / (anchors / UNIT) * busy * np.where(shorter < 1, np.where(pattern == 0, shorter, 0.9), 1.0)
    event = pattern != Pattern.QUIET
    volume = np.where(event, np.maximum(volume, np.maximum(EVENT_SHARES, EVENT_DOLLARS * UNIT / opens)), volume)
    size = np.array([line.trade_size for line in lines])[:, None] * (0.9 + 0.2 * u[:, :, 10])
    most = np.array([line.most_trades for line in lines])[:, None]
    # Busier tapes have larger trades, not only more of them.
    counted = volume / size
    counted = np.where(counted > BUSY, BUSY * (counted / BUSY) ** 0.55, counted)
    trades = np.clip(counted, FEWEST_TRADES, most).astype(np.int64)
    whole = np.maximum(np.rint(volume), trades * 170).astype(np.int64)

    reach = (h - low).astype(np.float64)
    habits = np.array([QUIET_WEIGHTED, *(profile.weighted for profile in PROFILES.values())])[pattern]
    places = [np.where(sign > 0, p - low, h - p) / reach for p in (o, c)]
    place = np.clip(habits[..., 0] + habits[..., 1] * places[0] + habits[..., 2] * places[1], 0.15, 0.85)
    place = np.clip(place + np.where(event, 0.06, 0.16) * (u[:, :, 11] - 0.5), 0.15, 0.85)
    fraction = np.where(sign > 0, place, 1 - place)
    listed = np.array([[line.first <= at < (line.end or count + 1) for at in range(count)] for line in lines])
    for target, values in (
        (made.open, o),
        (made.high, h),
        (made.low, low),
        (made.close, c),
        (made.weighted, np.rint(low + fraction * reach)),
        (made.volume, np.where(listed, whole, 0)),
        (made.trades, trades),
        (made.pattern, pattern * sign),
        (made.before, b),
    ):
        target[rows] = values


def _sessions(
    lines: list[Line], u: Floats, sigma: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats, Floats, Floats, Floats]:
    """Pattern, direction, gap, highest, lowest and last log return against the open, and the volume's multiple."""
    one, two = (np.sqrt(-2 * np.log1p(-u[:, :, at])) for at in (2, 4))
    turn_one, turn_two = 2 * np.pi * u[:, :, 3], 2 * np.pi * u[:, :, 5]
    gap = 0.4 * sigma * one * np.cos(turn_one)
    back = sigma * np.clip(one * np.sin(turn_one), -2.5, 2.5) * 0.8
    up = np.maximum(back, 0) + sigma * (0.3 + 0.8 * u[:, :, 6])
    down = np.maximum(-back, 0) + sigma * (0.3 + 0.8 * u[:, :, 7])
    busy = np.exp(0.3 * two * np.cos(turn_two)) * (0.8 + 0.25 * (up + down) / sigma)

    weights = np.cumsum([profile.weight for profile in PROFILES.values()])
    chance = np.array([line.chance for line in lines])[:, None]
    choice = np.searchsorted(weights / weights[-1], u[:, :, 1], side="right").clip(max=len(PROFILES) - 1)
    pattern = np.where(u[:, :, 0] < chance, np.array(list(PROFILES))[choice], 0).astype(np.int64)
    sign = np.ones_like(pattern)
    for kind, profile in PROFILES.items():
        at = pattern == kind

        def drawn(column: int, bounds: tuple[float, float], at: NDArray[np.bool_] = at) -> Floats:
            return np.asarray(bounds[0] + u[:, :, column][at] * (bounds[1] - bounds[0]))

        rise, fall, place = drawn(6, profile.up), drawn(7, profile.down), drawn(8, profile.close)
        last = -fall + place * (rise + fall)
        mirror = u[:, :, 12][at] < profile.mirrored
        gap[at] = drawn(9, profile.gap)
        up[at], down[at] = np.where(mirror, fall, rise), np.where(mirror, rise, fall)
        back[at] = np.where(mirror, -last, last)
        sign[at] = np.where(mirror, -1, 1)
        low, high = profile.volume
        busy[at] = low * (high / low) ** u[:, :, 13][at]
    return pattern, sign, gap, up, down, back, busy


def _anchors(lines: list[Line], count: int) -> tuple[Floats, Floats]:
    """Anchor price of each session in 1e-4 USD, and the factor that a split puts on raw prices in that session."""
    at = np.arange(count)
    anchors = np.empty((len(lines), count))
    ratio = np.ones((len(lines), count))
    for row, line in enumerate(lines):
        anchors[row] = line.anchor * UNIT
        if line.split is not None:
            # Between splits the price drifts back to where the next one is due.
            factor, period, first = line.split
            phase = ((at - first) % period) / period
            anchors[row] *= factor ** (0.5 - phase)
            ratio[row, line.split_ordinals(count)] = factor
    return anchors, ratio


def _walk(gap: Floats, back: Floats, pattern: NDArray[np.int64], anchors: Floats) -> tuple[Floats, Floats]:
    """Opens and closes of a log price that returns to its anchor and never leaves its bounds."""
    opens, closes = np.empty_like(gap), np.empty_like(gap)
    place = np.zeros(gap.shape[0])
    for at in range(gap.shape[1]):
        pull = np.where(pattern[:, at] == Pattern.QUIET, REVERSION, 0.0)
        wanted = place * (1 - pull) + gap[:, at]
        start = np.clip(wanted + back[:, at], LOWEST, HIGHEST) - back[:, at]
        opens[:, at] = start
        place = start + back[:, at]
        closes[:, at] = place
    return anchors * np.exp(opens), anchors * np.exp(closes)
