"""The axes: session, session × letter, and whole; and how a dataset's partitions map to its inputs' partitions.

Dagster names a partition of the second axis ``G|2024-01-16`` (dimensions in alphabetical order). A ticker is found
under its first letter whatever its case, so a person who wants GEVO knows that it is in G.
"""

import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

import dagster as dg
import polars as pl

from smallcaps_assets import sessions

LETTERS = tuple(string.ascii_uppercase)


class Axis(Enum):
    """How a dataset is cut into partitions."""

    SESSION = "session"
    LETTER = "session × letter"
    WHOLE = "whole"


@dataclass(frozen=True, order=True)
class Partition:
    """One partition of a dataset: a session, a session and a letter, or the whole."""

    session: date | None = None
    letter: str | None = None

    @property
    def key(self) -> str:
        """As Dagster spells it: ``2024-01-16``, ``G|2024-01-16``; ``all`` for the whole."""
        return "|".join(part for part in (self.letter, self.session and str(self.session)) if part) or "all"

    @property
    def file(self) -> str:
        """Its path inside the dataset's folder, without the suffix."""
        return self.key.replace("|", "/")

    @classmethod
    def parse(cls, key: str) -> "Partition":
        """From Dagster's spelling; ``ValueError`` if there is no date in it."""
        *letter, session = str(key).split("|")
        return cls(date.fromisoformat(session), letter[0] if letter else None)


WHOLE = Partition()


def letter_of(ticker: pl.Expr) -> pl.Expr:
    """The second axis of a ticker: its first letter, upper case."""
    return ticker.str.head(1).str.to_uppercase()


@dataclass(frozen=True)
class Axes:
    """Dagster's partition definitions, from a first session on. Session D exists from 00:00 New York of D + 1."""

    first_session: date

    @property
    def session(self) -> dg.DailyPartitionsDefinition:
        """One partition per XNYS session, early closes included; weekends and holidays do not exist."""
        closed = sessions.holidays(self.first_session, sessions.LAST)
        return dg.DailyPartitionsDefinition(
            start_date=str(self.first_session),
            timezone=sessions.NEW_YORK.key,
            exclusions=["0 0 * * 6", "0 0 * * 0", *(datetime(d.year, d.month, d.day) for d in closed)],  # noqa: DTZ001
        )

    @property
    def letter(self) -> dg.MultiPartitionsDefinition:
        """Session × the ticker's first letter."""
        return dg.MultiPartitionsDefinition({"session": self.session, "letter": dg.StaticPartitionsDefinition(LETTERS)})

    def definition(self, axis: Axis) -> dg.PartitionsDefinition[Any] | None:
        """Dagster's definition for the axis; None for the whole."""
        return {Axis.SESSION: self.session, Axis.LETTER: self.letter, Axis.WHOLE: None}[axis]


def mapping(upstream: Axis, downstream: Axis, before: int) -> dg.PartitionMapping | None:
    """Which upstream partitions a partition needs: its own session's and those of ``before`` sessions before it.

    None leaves the choice to Dagster: all partitions, where one side is whole. ``ValueError`` where sessions before
    are asked of another axis, which Dagster cannot express.
    """
    if Axis.WHOLE in (upstream, downstream):
        return None
    window = dg.TimeWindowPartitionMapping(
        start_offset=-before, end_offset=0, allow_nonexistent_upstream_partitions=True
    )
    if upstream is downstream is Axis.SESSION:
        return window
    if upstream is downstream is Axis.LETTER:
        return dg.MultiPartitionMapping(
            {
                "session": dg.DimensionPartitionMapping("session", window),
                "letter": dg.DimensionPartitionMapping("letter", dg.IdentityPartitionMapping()),
            }
        )
    if before:
        raise ValueError(f"sessions before cannot be asked of a dataset on another axis ({upstream} to {downstream})")
    return dg.MultiToSingleDimensionPartitionMapping("session")


def visible(partition: Partition, upstream: Axis, before: int, files: Iterable[str]) -> list[str]:
    """Of an input's files, oldest first, those that the partition maps to, as ``mapping`` has it.

    >>> partition, files = Partition(date(2024, 1, 16), "G"), ["G/2024-01-12", "G/2024-01-16", "G/2024-01-17"]
    >>> visible(partition, Axis.LETTER, 0, files), visible(partition, Axis.LETTER, 1, files)
    (['G/2024-01-16'], ['G/2024-01-12', 'G/2024-01-16'])
    """
    if partition.session is None or upstream is Axis.WHOLE:
        return sorted(files)
    first = [*(sessions.before(partition.session, before) if before else []), partition.session][0]
    found = {file: Partition.parse(file.replace("/", "|")) for file in sorted(files)}
    return [
        file
        for file, own in found.items()
        if own.session is not None
        and first <= own.session <= partition.session
        and (partition.letter is None or own.letter in (None, partition.letter))
    ]


def holes(wanted: Iterable[Partition], present: set[Partition]) -> list[Partition]:
    """Partitions that are absent though an earlier one of the same letter is present.

    History may begin late; it may not have a gap, which a look-back would silently step over.
    """
    absent: list[Partition] = []
    begun: set[str | None] = set()
    for partition in sorted(wanted):
        if partition in present:
            begun.add(partition.letter)
        elif partition.letter in begun:
            absent.append(partition)
    return absent
