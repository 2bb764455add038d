"""Bars that complete one detector's pattern at a given minute, well beyond its thresholds, upwards or downwards."""

from collections.abc import Callable, Mapping

from smallcaps_assets_tests.maths.drawn_minutes import Bar, flat

Scene = Callable[[int, bool], list[Bar]]


def step(minute: int, start: float, close: float, volume: float = 1_000.0, trades: int = 10) -> Bar:
    """A bar from ``start`` to ``close`` without wicks."""
    return Bar(minute, start, max(start, close), min(start, close), close, volume, trades)


def path(first: int, *closes: float, start: float, volumes: tuple[float, ...] = ()) -> list[Bar]:
    """A bar a minute through these closes, each from the close before."""
    starts, shares = (start, *closes), volumes or (1_000.0,) * len(closes)
    return [step(first + i, starts[i], close, shares[i]) for i, close in enumerate(closes)]


def breaking(up: float, down: float, volume: float = 40_000.0, trades: int = 10, quiet: int = 30) -> Scene:
    """Quiet minutes at 10.00, and a bar from there to ``up`` or ``down``."""
    return lambda minute, rising: [
        *flat(minute - quiet, minute - 1, 10.0, 2_000.0),
        step(minute, 10.0, up if rising else down, volume, trades),
    ]


def _opening_range_break(minute: int, up: bool) -> list[Bar]:
    before = flat(minute - 20, minute - 1, 10.0, 2_000.0)
    opening = [bar for bar in flat(0, 14) if bar.minute not in range(minute - 20, minute + 1)]
    return sorted([*opening, *before, step(minute, 10.0, 10.2 if up else 9.8, 40_000.0)])


def _vwap_break(minute: int, up: bool) -> list[Bar]:
    if up:
        first = minute - 8  # 10,000 shares at 10.00, six closes below, two above
        return [
            *flat(first, first, 10.0, 10_000),
            *flat(first + 1, first + 6, 9.9),
            *path(first + 7, 10.05, 10.1, start=9.9, volumes=(5_000.0, 1_000.0)),
        ]
    first = minute - 9  # and the mirror, with three closes below
    return [
        *flat(first, first, 10.0, 10_000),
        *flat(first + 1, first + 6, 10.1),
        *path(first + 7, 9.9, 9.85, 9.85, start=10.1, volumes=(9_000.0, 1_000.0, 1_000.0)),
    ]


def _flush(minute: int, _: bool) -> list[Bar]:
    fall = path(minute - 2, 9.8, 9.5, 9.1, start=10.0, volumes=(1_000.0, 1_000.0, 40_000.0))
    return [*flat(minute - 22, minute - 3, 10.0, 2_000.0), *fall]


def _gap_and_go(minute: int, _: bool) -> list[Bar]:
    premarket = [bar for bar in flat(-70, -21, 11.0, 2_000) if bar.minute != minute]  # 100,000 shares, 10 % up
    return sorted([*premarket, step(minute, 11.0, 11.1)])


def _first_pullback(minute: int, _: bool) -> list[Bar]:
    volumes = (2_000.0, 2_000.0, 2_000.0, 1_500.0, 1_000.0, 3_000.0)
    return path(minute - 5, 10.2, 10.4, 10.6, 10.5, 10.45, 10.7, start=10.0, volumes=volumes)


def _parabolic_exhaustion(minute: int, _: bool) -> list[Bar]:
    opening = [bar for bar in flat(0, 9) if bar.minute < minute - 5]
    run = path(minute - 5, 13.0, 13.2, 13.6, 14.4, 15.5, start=12.9)
    return sorted([*opening, *run, Bar(minute, 15.5, 17.0, 15.5, 15.6, 40_000.0)])


def _halt_resumption(minute: int, up: bool) -> list[Bar]:
    after = step(minute, 10.3 if up else 9.7, 10.0)
    return [*flat(minute - 27, minute - 7), after._replace(before_halt=10.0)]


SCENES: Mapping[str, Scene] = {
    "volume_spike": breaking(10.2, 9.8),
    "vwap_break": _vwap_break,
    "opening_range_break": _opening_range_break,
    "price_momentum": breaking(10.5, 9.5),
    "consolidation_break": breaking(10.2, 9.8),
    "flush": _flush,
    "tape_speed": breaking(10.05, 9.95, trades=60),
    "high_of_day_break": breaking(10.05, 9.95),
    "gap_and_go": _gap_and_go,
    "first_pullback": _first_pullback,
    "parabolic_exhaustion": _parabolic_exhaustion,
    "halt_resumption": _halt_resumption,
}
UP_ONLY, DOWN_ONLY = {"gap_and_go", "first_pullback"}, {"flush", "parabolic_exhaustion"}
