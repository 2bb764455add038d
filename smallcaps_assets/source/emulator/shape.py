"""The parts of a session's plan: levels at minutes, bursts of volume, walls, halts and what should fire.

Minutes count from 04:00 New York. Levels are log returns against the official open, in the upward form; ``mirrored``
turns a shape upside down.
"""

from dataclasses import dataclass, field

import numpy as np

OPEN = 330  # the minute of 09:30


@dataclass(frozen=True, slots=True)
class Mark:
    """A planted event: ``detector`` fires in ``direction`` on a bar that starts in [first, last]."""

    detector: str
    direction: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Pause:
    """A trading halt: it starts ``second`` seconds into ``minute`` and lasts ``seconds``."""

    reason: str
    minute: int
    second: int
    seconds: int

    @property
    def resumes(self) -> int:
        """Minute in which trading resumes."""
        return self.minute + (self.second + self.seconds) // 60

    @property
    def resume_second(self) -> int:
        """Second of that minute at which it resumes."""
        return (self.second + self.seconds) % 60


@dataclass(slots=True)
class Shape:
    """A plan of regular hours; minutes are absolute, [first, last) where two are given."""

    knots: list[tuple[int, float]] = field(default_factory=list)
    walls: list[tuple[int, int, float, float]] = field(default_factory=list)  # first, last, lowest, highest
    bursts: list[tuple[int, tuple[float, ...]]] = field(default_factory=list)  # first minute, volume multiples
    lively: list[tuple[int, int, float]] = field(default_factory=list)
    wicks: list[tuple[int, float]] = field(default_factory=list)  # minute, level its extreme reaches
    marks: list[Mark] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    shelf: float = 0.0  # level of the pre-market high
    premarket: list[tuple[int, float]] = field(default_factory=list)  # knots before the open
    after_hours: list[tuple[int, float]] = field(default_factory=list)  # knots from the close on

    def mirrored(self) -> "Shape":
        """The same shape upside down."""
        return Shape(
            knots=[(at, -level) for at, level in self.knots],
            walls=[(first, last, -high, -low) for first, last, low, high in self.walls],
            bursts=self.bursts,
            lively=self.lively,
            wicks=[(at, -level) for at, level in self.wicks],
            marks=[Mark(mark.detector, -mark.direction, mark.first, mark.last) for mark in self.marks],
            pauses=self.pauses,
            shelf=-self.shelf,
        )


@dataclass(frozen=True, slots=True)
class Frame:
    """What a shape is fitted into: minutes of regular hours, log levels of high, low (as a depth), close and mean."""

    draw: np.random.Generator
    minutes: int
    up: float
    down: float
    back: float
    mean: float = 0.0  # where the weighted price lies

    def at(self, low: int, high: int) -> int:
        """A number of minutes in [low, high), shortened on early closes when it is long."""
        scale = self.minutes / 390 if high > 60 else 1.0
        return int(int(self.draw.integers(low, high)) * scale)

    @property
    def end(self) -> int:
        """The minute of the close."""
        return OPEN + self.minutes

    def finish(self, after: int, low: int = 15, high: int = 110) -> list[tuple[int, float]]:
        """The session's high some minutes after ``after``, then the way to the close."""
        top = min(after + self.at(low, high), self.end - 12)
        half = (top + self.end) // 2
        return [(top, self.up), (half, self.up + 0.55 * (self.back - self.up)), (self.end, self.back)]
