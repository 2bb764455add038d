"""The intraday detectors of the specification, plainly: one bar at a time, to judge the vectorised ones by.

Nothing here is shared with `smallcaps_assets.maths`: what both say alike, two readings of `spec/events.md` say alike.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from smallcaps_assets.source.emulator.calendar import Hours

Floats = NDArray[np.float64]
MINUTE_MS = 60_000
FEWEST, MOST_SPIKES = 5, 10
COOLDOWN = {  # minutes; those that are not here have none, and ONCE is what the name says
    "volume_spike": 5,
    "vwap_break": 10,
    "opening_range_break": 30,
    "price_momentum": 15,
    "consolidation_break": 20,
    "flush": 20,
    "tape_speed": 5,
    "high_of_day_break": 15,
    "parabolic_exhaustion": 30,
}
ONCE = ("gap_and_go", "first_pullback")
SLACK = 1e-9  # a move of exactly 3 % is one, whatever the last binary digit says


@dataclass(frozen=True)
class Day:
    """Minute bars of a ticker-session, the milliseconds of its open and close, and what was known before it."""

    t: NDArray[np.int64]
    o: Floats
    h: Floats
    l: Floats  # noqa: E741 - the wire's name
    c: Floats
    v: Floats
    vw: Floats
    n: Floats
    open: int
    close: int
    atr: float  # of the 14 sessions before
    prior_close: float
    premarket_rvol: float
    halts: tuple[tuple[int, int], ...]  # ms of halt and resumption

    @cached_property
    def regular(self) -> NDArray[np.bool_]:
        """Bars of regular hours."""
        return (self.t >= self.open) & (self.t < self.close)

    @cached_property
    def oldest(self) -> list[int]:
        """By bar, the first that is not over two hours older."""
        return [int(first) for first in np.searchsorted(self.t, self.t - 120 * MINUTE_MS)]

    def prior(self, at: int) -> slice:
        """Up to twenty traded minutes before the bar, of the last two hours."""
        return slice(max(0, at - 20, self.oldest[at]), at)

    @cached_property
    def times(self) -> list[float]:
        """By bar, its volume over the mean of its prior 20; nan with fewer than five."""
        before = [self.v[self.prior(at)] for at in range(len(self.t))]
        return [float(v / b.mean()) if len(b) >= FEWEST else np.nan for v, b in zip(self.v, before, strict=True)]


def day(
    minutes: pl.DataFrame,
    hours: Hours,
    atr: float = np.nan,
    prior_close: float = np.nan,
    premarket_rvol: float = np.nan,
    halts: tuple[tuple[int, int], ...] = (),
) -> Day:
    """The arrays of one ticker-session."""
    sides = {name: minutes[name].to_numpy().astype(np.float64) for name in ("o", "h", "l", "c", "v", "vw", "n")}
    known = {"atr": atr, "prior_close": prior_close, "premarket_rvol": premarket_rvol, "halts": halts}
    return Day(minutes["t"].to_numpy(), **sides, open=hours.open // 10**6, close=hours.close // 10**6, **known)  # type: ignore[arg-type]


def holds(detector: str, direction: int, d: Day, at: int) -> bool:
    """Whether the bar meets the detector's thresholds in that direction."""
    return bool(globals()[f"_{detector}"](d, at, direction))


def events(detector: str, d: Day) -> list[tuple[int, int]]:
    """(bar, direction) of the session's events: at crossings, but for cooldowns and what comes once or ten times."""
    found = []
    for direction in (1, -1):
        held, last = False, -COOLDOWN.get(detector, 0) * MINUTE_MS
        for at in range(len(d.t)):
            before, held = held, holds(detector, direction, d, at)
            if held and not before and d.t[at] - last >= COOLDOWN.get(detector, 0) * MINUTE_MS:
                found.append((at, direction))
                last = int(d.t[at])
    most = 1 if detector in ONCE else MOST_SPIKES if detector == "volume_spike" else len(found)
    return sorted(found)[:most]


def _volume_spike(d: Day, at: int, sign: int) -> bool:
    ratio, shares, dollars = (6, 10_000, 50_000) if d.open <= d.t[at] < d.close else (8, 15_000, 75_000)
    if d.v[at] < shares or d.v[at] * d.vw[at] < dollars or sign * (d.c[at] - d.o[at]) <= 0:
        return False
    before = d.v[d.prior(at)]
    wide = (d.h[at] - d.l[at]) / d.o[at] >= 0.015 - SLACK
    return len(before) >= FEWEST and wide and bool(d.v[at] >= ratio * float(np.median(before)) - SLACK)


def _tape_speed(d: Day, at: int, sign: int) -> bool:
    if d.n[at] < 50 or sign * (d.c[at] - d.o[at]) <= 0:
        return False
    before = d.n[d.prior(at)]
    return len(before) >= FEWEST and bool(d.n[at] >= 3 * before.mean() - SLACK)


def _price_momentum(d: Day, at: int, sign: int) -> bool:
    if not d.times[at] >= 1.8 - SLACK:
        return False
    base = int(np.searchsorted(d.t, d.t[at] - 5 * MINUTE_MS, side="right")) - 1
    if base < 0 or d.t[at] - d.t[base] > 120 * MINUTE_MS:
        return False
    before = d.prior(at)
    through = d.c[at] > d.h[before].max() if sign > 0 else d.c[at] < d.l[before].min()
    return bool(through) and bool(sign * (d.c[at] / d.c[base] - 1) >= (0.03 if sign > 0 else 0.035) - SLACK)


def _gap_and_go(d: Day, at: int, sign: int) -> bool:
    ahead = d.t < d.open
    if sign < 0 or not d.open <= d.t[at] < d.close or not ahead.any():
        return False
    gap, top = d.c[ahead][-1] / d.prior_close - 1, d.h[ahead].max()
    wanted = gap >= 0.10 - SLACK and d.v[ahead].sum() >= 100_000 and d.premarket_rvol >= 2 - SLACK
    return bool(wanted) and bool(d.c[at] > top) and not (d.c[:at][~ahead[:at]] > top).any()


def _opening_range_break(d: Day, at: int, sign: int) -> bool:
    after = (d.t >= d.open + 15 * MINUTE_MS) & (d.t < d.close)
    opening = (d.t >= d.open) & (d.t < d.open + 15 * MINUTE_MS)
    if not after[at] or not opening.any():
        return False
    edge = d.h[opening].max() if sign > 0 else d.l[opening].min()
    beyond = [bool(after[i]) and bool(sign * (d.c[i] / edge - 1) >= 0.005 - SLACK) for i in (at - 1, at)]
    return beyond == [False, True] and d.times[at] >= 1.8 - SLACK


def _high_of_day_break(d: Day, at: int, sign: int) -> bool:
    if at == 0 or not d.times[at] >= 2 - SLACK:
        return False
    side = d.h[:at] if sign > 0 else -d.l[:at]
    old = d.t[at] - d.t[int(side.argmax())] >= 15 * MINUTE_MS
    return bool(sign * d.c[at] > side.max()) and bool(old)


def _consolidation_break(d: Day, at: int, sign: int) -> bool:
    base = slice(int(np.searchsorted(d.t, d.t[at] - 30 * MINUTE_MS)), at)
    if at - base.start < 15:
        return False
    high, low = d.h[base].max(), d.l[base].min()
    beyond = d.c[at] / high - 1 if sign > 0 else 1 - d.c[at] / low
    calm = high - low <= 0.5 * d.atr + SLACK
    return bool(calm and beyond >= 0.01 - SLACK) and bool(d.v[at] >= 2 * d.v[base].mean() - SLACK)


def _flush(d: Day, at: int, sign: int) -> bool:
    if sign > 0 or at < 2 or not (d.c[at - 2 : at + 1] < d.o[at - 2 : at + 1]).all():
        return False
    last_minutes = (d.t > d.t[at] - 15 * MINUTE_MS) & (d.t <= d.t[at])
    return bool(d.c[at] <= (0.92 + SLACK) * d.h[last_minutes].max()) and d.times[at] >= 4 - SLACK


def _vwap_break(d: Day, at: int, sign: int) -> bool:
    regular = d.regular
    segment = regular if regular[at] else (d.t < d.open) if d.t[at] < d.open else (d.t >= d.close)
    anchored = np.flatnonzero(regular if regular[at] else np.ones(len(d.t), np.bool_))
    held = 2 if sign > 0 else 3
    place = int(np.searchsorted(anchored, at))
    seen = anchored[max(place - held - 4, 0) : place + 1]
    if len(seen) < held + 5 or not segment[seen].all():
        return False
    shares, dollars = (np.cumsum(x[anchored[: place + 1]])[-len(seen) :] for x in (d.v, d.vw * d.v))
    vwap = dollars / shares
    side = np.sign(d.c[seen] - vwap)
    turned = (side[-held:] == sign).all() and (side[:-held] == -sign).all()
    far = sign * (d.c[at] / vwap[-1] - 1) >= (0.006 if sign > 0 else 0.008) - SLACK
    return bool(turned and far) and d.times[int(seen[-held])] >= (2.0 if sign > 0 else 2.5) - SLACK


def _first_pullback(d: Day, at: int, sign: int) -> bool:
    red = 0
    while red < at and d.c[at - 1 - red] < d.o[at - 1 - red]:
        red += 1
    last = at - 1 - red
    if sign < 0 or not 1 <= red <= 3 or not d.c[at] > d.h[at - 1]:
        return False
    green = 0
    while green <= last and d.c[last - green] > d.o[last - green]:
        green += 1
    if green < 3:
        return False
    start = d.o[last - green + 1]
    gain, given = d.c[last] - start, d.c[last] - d.c[last + 1 : at].min()
    falling = (np.diff(d.v[last:at]) < 0).all()
    return bool(gain >= (0.05 - SLACK) * start and given <= (0.5 + SLACK) * gain and falling)


def _parabolic_exhaustion(d: Day, at: int, sign: int) -> bool:
    regular = np.flatnonzero(d.regular)
    if sign > 0 or at < 5 or not len(regular) or at - 1 < regular[0] or d.v[at] <= d.v[:at].max():
        return False
    gains = d.c[at - 5 : at] / d.o[at - 5 : at] - 1
    steeper = np.polyfit(np.arange(5), gains, 1)[0] > SLACK
    wick = d.h[at] - max(d.o[at], d.c[at]) >= (0.5 - SLACK) * (d.h[at] - d.l[at]) > 0
    return bool((gains > 0).all() and steeper and wick and d.c[at - 1] >= (1.5 - SLACK) * d.o[regular[0]])


def _halt_resumption(d: Day, at: int, sign: int) -> bool:
    for halted, resumed in d.halts:
        began, ended = halted // MINUTE_MS * MINUTE_MS, resumed // MINUTE_MS * MINUTE_MS
        before, after = np.flatnonzero(d.t <= began), np.flatnonzero(d.t >= ended)
        if began < ended and len(before) and len(after) and after[0] == at:
            return bool(sign * (d.o[at] - d.c[before[-1]]) > 0)
    return False
