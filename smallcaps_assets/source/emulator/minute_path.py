"""The minute plan of a ticker's session: bars that keep the daily row's open, high, low and close and draw its pattern.

The tape realises the plan trade by trade: first, last, highest and lowest price of a minute, its share of trades.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smallcaps_assets.source.emulator.daily_panel import on_tick
from smallcaps_assets.source.emulator.patterns import PROFILES, QUIET_AFTER_HOURS, QUIET_PREMARKET, Pattern
from smallcaps_assets.source.emulator.shape import OPEN, Frame, Mark, Shape
from smallcaps_assets.source.emulator.shapes import shape

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
AFTER = 240  # minutes of post-market, on early closes too


@dataclass(frozen=True, slots=True)
class Row:
    """The daily row that a session is generated from; prices in 1e-4 USD."""

    open: int
    high: int
    low: int
    close: int
    weighted: int
    volume: int
    trades: int
    pattern: Pattern
    mirrored: bool
    before: int  # previous close on this session's split basis
    sigma: float
    auctions: bool
    minutes: int  # of regular hours


@dataclass(frozen=True, slots=True)
class Plan:
    """One entry a minute from 04:00; ``weight`` is its share of the session's trades, 0 where none are."""

    open: Ints
    high: Ints
    low: Ints
    close: Ints
    weight: Floats
    earliest: Floats  # part of the minute before which nothing trades
    latest: Floats  # part of the minute after which nothing trades
    forced: Ints  # minutes that must trade: the session's first, last, highest and lowest regular ones
    shape: Shape


def outline(row: Row, draw: np.random.Generator) -> Shape:
    """The shape of the session's regular hours; cheap, and all that halts need."""
    up, down, back = np.log(row.high / row.open), -np.log(row.low / row.open), np.log(row.close / row.open)
    frame = Frame(draw, row.minutes, float(up), float(down), float(back), float(np.log(row.weighted / row.open)))
    form = shape(row.pattern, frame, mirrored=row.mirrored)
    prior = float(np.log(row.before / row.open))
    start = int(draw.integers(150, 280))
    settled = -0.004 if form.shelf else 0.0
    if row.pattern == Pattern.PREMARKET_SPIKE:
        steps = [(start + at, prior + (0.02 - prior) * part) for at, part in ((1, 0.45), (2, 0.8), (3, 1.0))]
        form.premarket = [(0, prior), (start, prior), *steps, (start + 30, 0.01), (OPEN, settled)]
        form.bursts.append((start, (90, 50, 25)))
        form.lively.append((start + 3, start + 50, 2.0))
        form.marks.append(Mark("volume_spike", 1, start, start))
    elif abs(prior) > 0.04:
        news = start - 40
        form.premarket = [(0, prior), (news, prior), (news + 4, 0.4 * prior), (news + 12, form.shelf or 0.1 * prior)]
        form.premarket += [(OPEN - 8, settled * 2), (OPEN, settled)]
        form.lively.append((0, news, 0.1))
    else:
        form.premarket = [(0, prior), (OPEN, settled)]
    end, last, drift = OPEN + row.minutes, float(back), float(draw.standard_normal()) * 0.15 * row.sigma
    form.after_hours = [(end, last), (end + AFTER, last + drift)]
    if row.pattern == Pattern.AFTER_HOURS_SPIKE:
        at = end + int(draw.integers(30, 120))
        steps = [(at + 1, last + 0.04), (at + 2, last + 0.07), (at + 3, last + 0.09), (at + 30, last + 0.06)]
        form.after_hours = [(end, last), (at, last), *steps, (end + AFTER, last + 0.05)]
        form.bursts.append((at, (90, 50, 25)))
        form.lively.append((at + 3, at + 50, 2.0))
        form.marks.append(Mark("volume_spike", 1, at, at))
    return form


def plan(row: Row, shape_draw: np.random.Generator, path_draw: np.random.Generator) -> Plan:
    """The minute plan of the session."""
    form = outline(row, shape_draw)
    end = OPEN + row.minutes
    weight, calm = _weights(row, form, path_draw)
    reach = float(np.log(row.high / row.low))
    roughness = (0.6 if row.pattern == Pattern.QUIET else 0.22) * reach / np.sqrt(row.minutes)
    straight, walk = _levels(form.knots, OPEN, end, roughness, path_draw)
    # The walk may go either way: the one that leaves less for the sizes to put right.
    aside = float((weight[OPEN:end] * walk[1:]).sum()) * (np.log(row.weighted / row.open) - straight.mean())
    regular = straight + (walk if aside >= 0 else -walk)
    regular = np.clip(regular, np.log(row.low / row.open), np.log(row.high / row.open))
    for first, last, low, high in form.walls:
        part = slice(first - OPEN + 1, last - OPEN + 1)
        regular[part] = np.clip(regular[part], low, high)
    rough = 0.12 * row.sigma / np.sqrt(30)
    ahead, late = (
        _levels(knots, start, stop, rough, path_draw)
        for knots, start, stop in ((form.premarket, 0, OPEN), (form.after_hours, end, end + AFTER))
    )
    before, after = np.minimum(ahead[0] + ahead[1], form.shelf or np.inf), late[0] + late[1]
    wick = 0.5 * max(roughness, 0.0004)
    parts = [(level[:-1], level[1:]) for level in (before, regular, after)]
    opens, closes = (np.concatenate([part[at] for part in parts]) for at in (0, 1))
    spread = np.abs(path_draw.standard_normal((2, opens.size))) * wick * np.where(calm, 1.0, 0.4)
    highs, lows = np.maximum(opens, closes) + spread[0], np.minimum(opens, closes) - spread[1]
    for first, last, low, high in form.walls:
        highs[first:last] = np.minimum(highs[first:last], np.maximum(high, np.maximum(opens, closes)[first:last]))
        lows[first:last] = np.maximum(lows[first:last], np.minimum(low, np.minimum(opens, closes)[first:last]))
    for at, level in form.wicks:
        highs[at], lows[at] = max(highs[at], level), min(lows[at], level)
    o, h, low_, c = (on_tick(row.open * np.exp(level)) for level in (opens, highs, lows, closes))
    return _pinned(row, form, weight, o, h, low_, c)


def _pinned(row: Row, form: Shape, weight: Floats, o: Ints, h: Ints, low: Ints, c: Ints) -> Plan:
    """The plan with the daily row's four prices put exactly where they belong."""
    end = OPEN + row.minutes
    trading = np.flatnonzero(weight[OPEN:end] > 0) + OPEN
    first, last = int(trading[0]), int(trading[-1])
    o[first], c[last] = row.open, row.close
    for prices in (o, c, h, low):
        prices[OPEN:end] = np.clip(prices[OPEN:end], row.low, row.high)
    h, low = np.maximum(h, np.maximum(o, c)), np.minimum(low, np.minimum(o, c))
    top = int(trading[np.argmax(h[trading])])
    # The high and the low belong to different minutes, so that one of few trades need not be both.
    others = trading[trading != top]
    bottom = int(others[np.argmin(low[others])])
    h[top], low[bottom] = row.high, row.low
    earliest, latest = np.zeros(weight.size), np.ones(weight.size)
    for pause in form.pauses:
        weight[pause.minute + 1 : pause.resumes] = 0
        latest[pause.minute] = pause.second / 60
        earliest[pause.resumes] = (pause.resume_second + 0.01) / 60
    if row.auctions:
        earliest[OPEN] = max(earliest[OPEN], 0.02)
    forced = np.array([first, last, top, bottom], dtype=np.int64)
    return Plan(o, h, low, c, weight / weight.sum(), earliest, latest, forced, form)


def _levels(
    knots: list[tuple[int, float]], first: int, last: int, roughness: float, draw: np.random.Generator
) -> tuple[Floats, Floats]:
    """At minutes first..last: straight lines between the knots, and a random walk that is zero at each knot."""
    at, level = np.array([knot[0] for knot in knots]), np.array([knot[1] for knot in knots])
    minutes = np.arange(first, last + 1)
    walk = np.concatenate([[0.0], np.cumsum(draw.standard_normal(last - first))]) * roughness
    pinned = np.clip(at - first, 0, last - first)
    return np.interp(minutes, at, level), walk - np.interp(minutes, at, walk[pinned])


def _weights(row: Row, form: Shape, draw: np.random.Generator) -> tuple[Floats, NDArray[np.bool_]]:
    """Share of the session's trades a minute, and which minutes are outside all bursts."""
    end = OPEN + row.minutes
    clock = np.arange(row.minutes)
    regular = 1 + 2.6 * np.exp(-clock / 14) + 0.9 * np.exp(-(row.minutes - clock) / 12)
    before = 0.15 + np.exp(-(OPEN - np.arange(OPEN)) / 60)
    after = 0.1 + np.exp(-np.arange(AFTER) / 40)
    profile = PROFILES.get(row.pattern)
    shares = (profile.premarket, profile.after_hours) if profile else (QUIET_PREMARKET, QUIET_AFTER_HOURS)
    weight = np.concatenate([before, regular, after])
    if row.pattern == Pattern.PREMARKET_SPIKE:
        weight[60:OPEN] = 1.0
    if row.pattern == Pattern.AFTER_HOURS_SPIKE:
        weight[end:] = 1.0
    calm = np.ones(weight.size, np.bool_)
    for first, last, factor in form.lively:
        weight[first:last] *= factor
    for first, multiples in form.bursts:
        # A burst is measured against the quiet of its surroundings, whatever the time of day.
        since = max(first - 20, 0 if first < OPEN else OPEN if first < end else end)
        around = float(np.median(weight[since:first]))
        weight[first : first + len(multiples)] = around * np.array(multiples)
        calm[first : first + len(multiples)] = False
    weight *= np.where(calm, np.exp(0.28 * draw.standard_normal(weight.size)), 1.0)
    for part, share in (
        (slice(0, OPEN), shares[0]),
        (slice(OPEN, end), 1 - shares[0] - shares[1]),
        (slice(end, None), shares[1]),
    ):
        weight[part] *= share / weight[part].sum()
    if not row.auctions:
        # Nobody trades a thin name at once, nor until the last minute.
        weight[OPEN : OPEN + 3 + int(draw.integers(1, 25))] = 0
        weight[end - int(draw.integers(1, 12)) : end] = 0
    return weight, calm
