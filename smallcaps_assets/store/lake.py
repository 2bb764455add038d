"""The lake: one Parquet file per dataset and partition, committed whole or not at all.

``data/<dataset>/<partition>.parquet``. A commit is: temporary file beside the target, fsync, rename, fsync of the
folder; a reader sees the old file or the new one. The same rows give the same bytes: writer options are pinned, rows
come sorted, nothing of the clock goes in. The footer of a file whose rows have passed their contract says so; a file
without it (written by another program, or refused by its contract) is not trusted by those who read it.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import polars as pl

from smallcaps_assets.store import parquet

VERDICT = "smallcaps.contract"
PASSED = "passed"
COLUMNS_ONLY = "_columns"  # a file without rows that keeps the columns of a dataset's DuckDB view


@dataclass(frozen=True)
class Lake:
    """A folder of datasets."""

    root: Path

    def path(self, dataset: str, partition: str) -> Path:
        """Where the partition's file is, or would be."""
        return self.root / dataset / f"{partition}.parquet"

    def partitions(self, dataset: str) -> list[str]:
        """The partitions that are committed, sorted."""
        folder = self.root / dataset
        found = (path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.parquet"))
        return sorted(name for name in found if name != COLUMNS_ONLY)

    def commit(self, dataset: str, partition: str, rows: pl.DataFrame, *, passed: bool, group_rows: int) -> int:
        """Write the partition, whole or not at all, and return its bytes on disk.

        ``group_rows``: rows of a Parquet row group. ``OSError`` names the file when the disk refuses.
        """
        target = self.path(dataset, partition)
        target.parent.mkdir(parents=True, exist_ok=True)
        verdict = {VERDICT: PASSED} if passed else {}
        with replacing(target) as temporary, temporary.open("wb") as file:
            parquet.write(rows, file, group_rows=group_rows, footer=verdict)
            file.flush()
            os.fsync(file.fileno())
        return target.stat().st_size

    def digest(self, dataset: str, partition: str) -> str:
        """A hash of the partition's bytes."""
        with self.path(dataset, partition).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:32]

    def version(self, dataset: str, partitions: Iterable[str]) -> str:
        """A hash of several partitions' names and bytes, whatever their order."""
        lines = (f"{partition} {self.digest(dataset, partition)}\n" for partition in sorted(partitions))
        return hashlib.sha256("".join(lines).encode()).hexdigest()[:32]

    def passed(self, dataset: str, partition: str) -> bool:
        """Whether the file's footer says that its rows have passed the contract."""
        return pl.read_parquet_metadata(self.path(dataset, partition)).get(VERDICT) == PASSED

    def sound(self, dataset: str, partition: str, empty: pl.DataFrame) -> bool:
        """Whether the file may be read as it is: its rows have passed the contract, and the columns are still those."""
        path = self.path(dataset, partition)
        return path.is_file() and self.passed(dataset, partition) and pl.read_parquet_schema(path) == empty.schema

    def read(self, dataset: str, partition: str) -> pl.DataFrame:
        """The partition's rows; ``FileNotFoundError`` names it if it is not there."""
        path = self.path(dataset, partition)
        if not path.is_file():
            raise FileNotFoundError(f"{dataset} {partition} is not in the lake ({path})")
        return pl.read_parquet(path, hive_partitioning=False)

    def scan(self, dataset: str, partitions: Iterable[str], empty: pl.DataFrame) -> pl.LazyFrame:
        """The rows of those partitions, lazily, in the order given; ``empty`` where there is none."""
        paths = [self.path(dataset, partition) for partition in partitions]
        return pl.scan_parquet(paths, hive_partitioning=False) if paths else empty.lazy()


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary path that takes the target's place when the block ends well, and vanishes when it does not."""
    temporary = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        yield temporary
        temporary.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)
