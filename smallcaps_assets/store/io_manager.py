"""Between Dagster and the lake: arguments are lazy scans, return values are files.

A file is trusted when its footer says that its rows have passed their contract, and its columns are still the
contract's. Any other file (its contract refused
it, or another program wrote it) is checked when it is about to be read, and the reader is stopped if it fails:
Dagster's blocking checks hold only inside a run, this holds between runs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import NamedTuple

import dagster as dg
import polars as pl

from smallcaps_assets.store.lake import Lake


class Committed(NamedTuple):
    """A partition that is about to be written: its rows, and whether they have passed their contract."""

    partition: str
    rows: pl.DataFrame
    passed: bool
    group_rows: int
    done: Callable[[int], None]
    """Called with the bytes on disk once the partition is committed."""


class Scan(NamedTuple):
    """An input: the rows of its partitions that are in the lake, and which were asked for."""

    rows: pl.LazyFrame
    present: frozenset[str]
    wanted: frozenset[str]


class RefusedError(Exception):
    """A partition may not be read, because its rows fail their contract."""


class LakeIOManager(dg.IOManager):
    """Streams partitions into the lake one at a time and hands scans of it to those who read.

    ``empties``: by dataset, a frame without rows. ``check``: (dataset, rows) -> what is wrong with them, or None.
    """

    def __init__(
        self, lake: Lake, empties: Mapping[str, pl.DataFrame], check: Callable[[str, pl.DataFrame], str | None]
    ) -> None:
        self.lake = lake
        self.empties = empties
        self.check = check

    def handle_output(self, context: dg.OutputContext, obj: Iterator[Committed]) -> None:
        """Commit each partition as it comes, so that memory is bounded by one."""
        dataset = context.asset_key.path[-1]
        with closing(obj):  # type: ignore[type-var]  # a generator: closing it tells it that the rest is lost
            for partition, rows, passed, group_rows, done in obj:
                done(self.lake.commit(dataset, partition, rows, passed=passed, group_rows=group_rows))

    def load_input(self, context: dg.InputContext) -> Scan:
        """A scan of the upstream partitions that the run maps to and the lake has."""
        dataset = context.asset_key.path[-1]
        stored = self.lake.partitions(dataset)
        keys = context.asset_partition_keys if context.has_asset_partitions else stored or ["all"]
        wanted = sorted(str(key).replace("|", "/") for key in keys)
        return self.scan(dataset, wanted, set(stored))

    def scan(self, dataset: str, wanted: Sequence[str], stored: set[str]) -> Scan:
        """The scan itself; ``RefusedError`` names the first partition whose rows fail their contract."""
        present = [partition for partition in wanted if partition in stored]
        self._trust(dataset, present)
        rows = self.lake.scan(dataset, present, self.empties[dataset])
        return Scan(rows, frozenset(present), frozenset(wanted))

    def _trust(self, dataset: str, partitions: Iterable[str]) -> None:
        for partition in partitions:
            if self.lake.sound(dataset, partition, self.empties[dataset]):
                continue
            if (fault := self.check(dataset, self.lake.read(dataset, partition))) is not None:
                raise RefusedError(f"{dataset} {partition} fails its contract and may not be read: {fault}")
