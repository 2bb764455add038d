"""How regular hours unfold in each pattern; every shape is drawn from its frame's generator alone.

The steps of a break are wider than the thresholds of the detectors that should see it, by at least half.
"""

from collections.abc import Callable

import numpy as np

from smallcaps_assets.source.emulator.patterns import Pattern
from smallcaps_assets.source.emulator.shape import OPEN, Frame, Mark, Pause, Shape


def _quiet(frame: Frame) -> Shape:
    u = frame.draw.random((2, 24))
    first = 4 + np.rint((frame.minutes - 14) * np.minimum(u[0], u[1]))
    second = np.maximum(4 + np.rint((frame.minutes - 14) * np.maximum(u[0], u[1])), first + 4)
    rising = np.arange(24) % 2 == 0
    one, two = np.where(rising, frame.up, -frame.down), np.where(rising, -frame.down, frame.up)
    # Of some ways through the session the one whose average is nearest to the weighted price; the open is busier.
    area = one * first / 2 + (one + two) * (second - first) / 2 + (two + frame.back) * (frame.minutes - second) / 2
    best = int(np.argmin(np.abs((area + 35 * frame.back) / (frame.minutes + 70) - frame.mean)))
    turns = [(OPEN + int(first[best]), float(one[best])), (OPEN + int(second[best]), float(two[best]))]
    return Shape(knots=[(OPEN, 0.0), *turns, (frame.end, frame.back)])


def _gap_and_go(frame: Frame) -> Shape:
    shelf = min(0.03, 0.35 * frame.up)
    dip = OPEN + frame.at(2, 5)
    go = dip + frame.at(3, 9)
    steps = [(dip, -frame.down), (go, 0.4 * shelf), (go + 1, shelf + 0.015), (go + 2, shelf + 0.024)]
    return Shape(
        knots=[(OPEN, 0.0), *steps, *frame.finish(go + 2)],
        walls=[(OPEN, go, -frame.down, 0.7 * shelf)],
        bursts=[(go, (3, 3, 2))],
        lively=[(go, go + 40, 1.6)],
        marks=[Mark("gap_and_go", 1, go, go)],
        shelf=shelf,
    )


def _opening_range_break(frame: Frame) -> Shape:
    band = min(0.02, 0.25 * frame.up)
    go = OPEN + frame.at(20, 50)
    early = [(OPEN, 0.0), (OPEN + 4, -frame.down), (OPEN + 9, band), (OPEN + 15, 0.3 * band), (go, 0.5 * band)]
    steps = [(go + 1, band + 0.014), (go + 2, band + 0.024), (go + 4, band + 0.035)]
    return Shape(
        knots=[*early, *steps, *frame.finish(go + 4)],
        walls=[(OPEN, OPEN + 15, -frame.down, band), (OPEN + 15, go, -0.9 * frame.down, 0.85 * band)],
        bursts=[(go, (7, 6, 5, 3))],
        lively=[(go, go + 40, 1.5)],
        marks=[Mark("opening_range_break", 1, go, go + 1)],
    )


def _vwap_reclaim(frame: Frame) -> Shape:
    low = OPEN + frame.at(50, 90)
    go = low + frame.at(30, 60)
    base = -0.8 * frame.down
    rise = [(go + step, base + (0.35 * frame.up - base) * step / 6) for step in range(1, 7)]
    early = [(OPEN, 0.0), (OPEN + 2, 0.003), (low, -frame.down), (low + 8, base), (go, base)]
    return Shape(
        knots=[*early, *rise, *frame.finish(go + 6, 20, 90)],
        walls=[(low, go, -frame.down, 0.9 * base)],
        bursts=[(go, (7, 9, 12, 14, 14, 14, 4))],
        lively=[(go + 6, go + 40, 1.4)],
        marks=[Mark("vwap_break", 1, go, go + 8)],
    )


def _flush(frame: Frame) -> Shape:
    top = OPEN + frame.at(20, 55)
    go = top + frame.at(70, 240)
    hold = 0.5 * frame.up
    fall = [
        (go + 1 + at, hold - (hold + frame.down) * part) for at, part in enumerate((0.15, 0.38, 0.6, 0.8, 0.93, 1.0))
    ]
    rest = [(go + 14, -0.7 * frame.down), (frame.end, frame.back)]
    return Shape(
        knots=[(OPEN, 0.0), (top, frame.up), (top + 12, hold), (go, hold), *fall, *rest],
        walls=[(OPEN, go, -0.02, frame.up), (top + 12, go, hold - 0.012, hold + 0.012)],
        bursts=[(go, (3, 8, 14, 18, 16, 10, 5))],
        lively=[(go + 6, go + 45, 1.8)],
        marks=[Mark("flush", -1, go + 1, go + 5)],
    )


def _consolidation_break(frame: Frame) -> Shape:
    rest = OPEN + 40
    go = rest + frame.at(40, 59)
    base = 0.25 * frame.up
    early = [(OPEN, 0.0), (OPEN + 8, -frame.down), (OPEN + 30, 0.35 * frame.up), (rest, base), (go, base)]
    steps = [(go + 1, base + 0.030), (go + 2, base + 0.042), (go + 3, base + 0.050)]
    return Shape(
        knots=[*early, *steps, *frame.finish(go + 3)],
        walls=[(OPEN, rest, -frame.down, 0.36 * frame.up), (rest, go, base - 0.003, base + 0.003)],
        bursts=[(go, (8, 7, 5, 3))],
        lively=[(rest, go, 0.6), (go + 3, go + 40, 1.4)],
        marks=[Mark("consolidation_break", 1, go, go + 1)],
    )


def _high_of_day_break(frame: Frame) -> Shape:
    peak = OPEN + frame.at(25, 45)
    go = peak + frame.at(50, 100)
    early = [(OPEN, 0.0), (OPEN + 5, -frame.down), (peak, 0.4 * frame.up)]
    pause = [(peak + (go - peak) // 2, 0.12 * frame.up), (go, 0.3 * frame.up)]
    steps = [(go + 1, 0.4 * frame.up + 0.016), (go + 2, 0.4 * frame.up + 0.026)]
    return Shape(
        knots=[*early, *pause, *steps, *frame.finish(go + 2)],
        walls=[(OPEN, peak + 2, -frame.down, 0.4 * frame.up), (peak + 2, go, -frame.down, 0.35 * frame.up)],
        bursts=[(go, (6, 5, 4, 3))],
        lively=[(go, go + 40, 1.4)],
        marks=[Mark("high_of_day_break", 1, go, go + 1)],
    )


def _first_pullback(frame: Frame) -> Shape:
    go = OPEN + frame.at(8, 40)
    knots, level = [(OPEN, 0.0), (OPEN + 3, -frame.down), (go, 0.0)], 0.0
    for step, move in enumerate((0.019, 0.019, 0.019, 0.019, -0.008, -0.008, 0.024, 0.01), start=1):
        level += move
        knots.append((go + step, level))
    return Shape(
        knots=[*knots, *frame.finish(go + 8)],
        walls=[(OPEN, go, -frame.down, 0.006)],
        bursts=[(go, (5, 6, 7, 9, 4.5, 2, 8, 5))],
        lively=[(go + 8, go + 50, 1.6)],
        marks=[Mark("first_pullback", 1, go + 6, go + 6)],
    )


def _parabolic(frame: Frame) -> Shape:
    start = OPEN + frame.at(15, 45)
    top = start + frame.at(70, 120)
    steps = np.cumsum((0.012, 0.016, 0.020, 0.025, 0.030))
    foot = frame.up - 0.06 - float(steps[-1])
    ramp = [(start, 0.04), ((start + top - 5) // 2, 0.04 + 0.38 * (foot - 0.04)), (top - 5, foot)]
    last = [(top - 4 + at, foot + float(step)) for at, step in enumerate(steps)]
    fade = [
        (top + 1, frame.up - 0.052),
        (top + 2, frame.up - 0.10),
        (top + 30, 0.65 * frame.up),
        (frame.end, frame.back),
    ]
    return Shape(
        knots=[(OPEN, 0.0), (OPEN + 2, -frame.down), *ramp, *last, *fade],
        walls=[(OPEN, top, -frame.down, frame.up - 0.055), (top + 1, frame.end, -frame.down, frame.up - 0.04)],
        bursts=[(top - 5, (4, 5, 6, 7, 8, 75, 10, 6))],
        lively=[(start, top - 5, 1.5), (top + 2, top + 60, 1.8)],
        wicks=[(top, frame.up)],
        marks=[Mark("parabolic_exhaustion", -1, top, top)],
    )


def _volatility_halt(frame: Frame) -> Shape:
    run = OPEN + frame.at(15, 110)
    rise = [(run + step, 0.05 + 0.024 * step) for step in range(6)]
    pauses = [Pause("LUDP", run + 5, int(frame.draw.integers(8, 50)), 300 + int(frame.draw.integers(2, 20)))]
    after, jump = pauses[0].resumes, 0.05 if frame.draw.random() < 0.7 else -0.05
    knots = [(OPEN, 0.0), (OPEN + 3, -frame.down), *rise, (run + 6, 0.176), (after, 0.176 + jump)]
    marks = [Mark("halt_resumption", 1 if jump > 0 else -1, after, after)]
    bursts = [(run, (5.0, 7.0, 9.0, 10.0, 12.0, 10.0)), (after, (14.0, 8.0, 6.0))]
    if frame.up > 0.34 and jump > 0:
        knots += [(after + step, 0.226 + 0.02 * step) for step in (1, 2, 3, 4)]
        pauses.append(Pause("LUDP", after + 3, int(frame.draw.integers(8, 50)), 300 + int(frame.draw.integers(2, 20))))
        after = pauses[1].resumes
        knots.append((after, 0.25))
        marks.append(Mark("halt_resumption", -1, after, after))
        bursts.append((after, (12, 7, 5)))
    return Shape(
        knots=[*knots, *frame.finish(after + 2, 15, 90)],
        walls=[(OPEN, run, -frame.down, 0.056)],
        bursts=bursts,
        lively=[(after + 2, after + 50, 1.8)],
        marks=marks,
        pauses=pauses,
    )


def _momentum(frame: Frame) -> Shape:
    go = OPEN + frame.at(60, 280)
    level, rise = 0.1 * frame.up, 0.85 * frame.up
    steps = [(go + 1, level + 0.45 * rise), (go + 2, level + 0.75 * rise), (go + 3, level + 0.9 * rise)]
    return Shape(
        knots=[(OPEN, 0.0), (OPEN + 10, -frame.down), (go, level), *steps, *frame.finish(go + 4, 15, 100)],
        walls=[(OPEN, go, -frame.down, 0.25 * frame.up)],
        bursts=[(go, (20, 13, 7, 3))],
        lively=[(go + 4, go + 30, 1.5)],
        marks=[Mark("volume_spike", 1, go, go), Mark("price_momentum", 1, go, go + 2), Mark("tape_speed", 1, go, go)],
    )


def _flush_reversal(frame: Frame) -> Shape:
    low = OPEN + frame.at(8, 30)
    return Shape(
        knots=[(OPEN, 0.0), (low, -frame.down), *frame.finish(low, 60, 250)],
        lively=[(OPEN, low + 30, 1.6)],
        marks=[Mark("flush_reversal", 1, OPEN, frame.end - 1)],
    )


def _news_halt(frame: Frame) -> Shape:
    pause = Pause("T1", OPEN + frame.at(40, 200), int(frame.draw.integers(2, 58)), int(frame.draw.integers(1800, 3600)))
    after = pause.resumes
    knots = [(OPEN, 0.0), (OPEN + 6, -frame.down), (pause.minute + 1, 0.005), (after, 0.5 * frame.up)]
    return Shape(
        knots=[*knots, *frame.finish(after + 2, 15, 60)],
        walls=[(OPEN, pause.minute + 1, -frame.down, 0.012)],
        bursts=[(after, (25, 14, 9, 6))],
        lively=[(OPEN, pause.minute, 0.4), (after, after + 60, 2.0)],
        marks=[Mark("halt_resumption", 1, after, after)],
        pauses=[pause],
    )


SHAPES: dict[Pattern, Callable[[Frame], Shape]] = {
    Pattern.GAP_AND_GO: _gap_and_go,
    Pattern.OPENING_RANGE_BREAK: _opening_range_break,
    Pattern.VWAP_RECLAIM: _vwap_reclaim,
    Pattern.FLUSH: _flush,
    Pattern.CONSOLIDATION_BREAK: _consolidation_break,
    Pattern.HIGH_OF_DAY_BREAK: _high_of_day_break,
    Pattern.FIRST_PULLBACK: _first_pullback,
    Pattern.PARABOLIC: _parabolic,
    Pattern.VOLATILITY_HALT: _volatility_halt,
    Pattern.MOMENTUM: _momentum,
    Pattern.FLUSH_REVERSAL: _flush_reversal,
    Pattern.NEWS_HALT: _news_halt,
}


def shape(pattern: Pattern, frame: Frame, *, mirrored: bool) -> Shape:
    """The plan of regular hours; ``frame`` is given as traded, and turned around when the session is mirrored."""
    build = SHAPES.get(pattern, _quiet)
    if not mirrored:
        return build(frame)
    return build(Frame(frame.draw, frame.minutes, frame.down, frame.up, -frame.back)).mirrored()
