"""The intraday detectors of the specification, plainly: one bar at a time, for the tests of planted patterns."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from smallcaps_assets.source.emulator.calendar import Hours

Floats = NDArray[np.float64]
MINUTE_MS = 60_000


@dataclass(frozen=True)
class Day:
    """Minute bars of a ticker-session, the milliseconds of its open and close, and its ATR over 14 sessions before."""

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
    atr: float

    @property
    def regular(self) -> NDArray[np.bool_]:
        """Bars of regular hours."""
        return (self.t >= self.open) & (self.t < self.close)

    def prior(self, at: int) -> slice:
        """Up to twenty traded minutes before the bar, of the last two hours."""
        return slice(max(0, at - 20, int(np.searchsorted(self.t, self.t[at] - 120 * MINUTE_MS))), at)

    def window(self, at: int, minutes: int) -> slice:
        """Bars of the last minutes before the bar."""
        return slice(int(np.searchsorted(self.t, self.t[at] - minutes * MINUTE_MS)), at)


def day(minutes: pl.DataFrame, hours: Hours, atr: float) -> Day:
    """The arrays of one ticker-session."""
    sides = {name: minutes[name].to_numpy().astype(np.float64) for name in ("o", "h", "l", "c", "v", "vw", "n")}
    return Day(minutes["t"].to_numpy(), **sides, open=hours.open // 10**6, close=hours.close // 10**6, atr=atr)


def fires(detector: str, direction: int, d: Day, at: int) -> bool:
    """Whether the bar completes the detector's condition in that direction."""
    return bool(globals()[f"_{detector}"](d, at, direction))


def _volume_spike(d: Day, at: int, sign: int) -> bool:
    ratio, shares, dollars = (6, 10_000, 50_000) if d.regular[at] else (8, 15_000, 75_000)
    enough = d.v[at] >= max(ratio * float(np.median(d.v[d.prior(at)])), shares) and d.v[at] * d.vw[at] >= dollars
    return bool(enough and sign * (d.c[at] - d.o[at]) > 0 and (d.h[at] - d.l[at]) / d.o[at] >= 0.015)


def _tape_speed(d: Day, at: int, sign: int) -> bool:
    return bool(d.n[at] >= max(50, 3 * d.n[d.prior(at)].mean()) and sign * (d.c[at] - d.o[at]) > 0)


def _price_momentum(d: Day, at: int, sign: int) -> bool:
    earlier = d.c[max(int(np.searchsorted(d.t, d.t[at] - 5 * MINUTE_MS, side="right")) - 1, 0)]
    move, before = d.c[at] / earlier - 1, d.prior(at)
    through = d.c[at] > d.h[before].max() if sign > 0 else d.c[at] < d.l[before].min()
    return bool(sign * move >= (0.03 if sign > 0 else 0.035) and through and d.v[at] >= 1.8 * d.v[before].mean())


def _gap_and_go(d: Day, at: int, _: int) -> bool:
    ahead = d.t < d.open
    through = np.flatnonzero(d.regular & (d.c > d.h[ahead].max()))
    return bool(d.v[ahead].sum() >= 100_000 and at == through[0])


def _opening_range_break(d: Day, at: int, sign: int) -> bool:
    opening = d.regular & (d.t < d.open + 15 * MINUTE_MS)
    edge = d.h[opening].max() if sign > 0 else d.l[opening].min()
    return bool(sign * (d.c[at] / edge - 1) >= 0.005 and d.v[at] >= 1.8 * d.v[d.prior(at)].mean())


def _high_of_day_break(d: Day, at: int, sign: int) -> bool:
    side = d.h[:at] if sign > 0 else -d.l[:at]
    old = d.t[at] - d.t[int(side.argmax())] >= 15 * MINUTE_MS
    return bool(sign * d.c[at] > side.max() and bool(old) and d.v[at] >= 2 * d.v[d.prior(at)].mean())


def _consolidation_break(d: Day, at: int, sign: int) -> bool:
    base = d.window(at, 30)
    high, low = d.h[base].max(), d.l[base].min()
    beyond = d.c[at] / high - 1 if sign > 0 else 1 - d.c[at] / low
    return bool(high - low <= 0.5 * d.atr and beyond >= 0.01 and d.v[at] >= 2 * d.v[base].mean())


def _flush(d: Day, at: int, _: int) -> bool:
    red = (d.c[at - 2 : at + 1] < d.o[at - 2 : at + 1]).all()
    return bool(red) and d.c[at] <= 0.92 * d.h[d.window(at, 15)].max() and d.v[at] >= 4 * d.v[d.prior(at)].mean()


def _vwap_break(d: Day, at: int, sign: int) -> bool:
    regular = np.flatnonzero(d.regular)
    vwap = np.cumsum(d.vw[regular] * d.v[regular]) / np.cumsum(d.v[regular])
    place, held = int(np.searchsorted(regular, at)), 2 if sign > 0 else 3
    side = np.sign(d.c[regular] - vwap)
    turned = (side[place - held + 1 : place + 1] == sign).all() and (
        side[place - held - 4 : place - held + 1] == -sign
    ).all()
    far = sign * (d.c[at] / vwap[place] - 1) >= (0.006 if sign > 0 else 0.008)
    return bool(turned and far and d.v[at] >= (2.0 if sign > 0 else 2.5) * d.v[d.prior(at)].mean())


def _first_pullback(d: Day, at: int, _: int) -> bool:
    last = at - 1
    while d.c[last] < d.o[last]:
        last -= 1
    red, first = at - 1 - last, last
    while d.c[first - 1] > d.o[first - 1]:
        first -= 1
    gain, given = d.c[last] - d.o[first], d.c[last] - d.c[at - 1]
    falling = red < 2 or d.v[at - 1] < d.v[at - 2]
    tall = last - first >= 2 and gain >= 0.05 * d.o[first]
    return bool(1 <= red <= 3 and tall and given <= 0.5 * gain and falling and d.c[at] > d.h[at - 1])


def _parabolic_exhaustion(d: Day, at: int, _: int) -> bool:
    green = (d.c[at - 5 : at] > d.o[at - 5 : at]).all()
    wick = d.h[at] - max(d.o[at], d.c[at]) >= 0.5 * (d.h[at] - d.l[at])
    return bool(green) and wick and d.h[at] >= 1.5 * d.o[d.regular][0] and d.v[at] > d.v[:at].max()


def _halt_resumption(d: Day, at: int, sign: int) -> bool:
    return bool(sign * (d.o[at] - d.c[at - 1]) > 0 and d.t[at] - d.t[at - 1] >= 5 * MINUTE_MS)
