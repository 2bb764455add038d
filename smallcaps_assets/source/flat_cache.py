"""The flat files that were fetched, as Parquet on this disk: each whole or not there, the unused longest go first.

``<folder>/<kind>/<session>.<etag>.parquet``. All runs share the folder: one of them fetches a file while the others
wait for it, one file of a kind at a time, so that memory and disk are bounded by one.
"""

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from uuid import uuid4

import polars as pl

from smallcaps_assets.source.durable import commit
from smallcaps_assets.source.flat_wire import schema
from smallcaps_assets.source.routes import SessionFile

ABANDONED = 86_400.0  # seconds after which a temporary file belongs to a process that died


class FlatCache:
    """The folder, kept below ``budget`` bytes as far as the file just fetched allows."""

    def __init__(self, folder: Path, budget: int) -> None:
        self.folder = folder
        self.budget = budget
        self._proven: set[Path] = set()

    def path(self, file: SessionFile, session: date, etag: str) -> Path:
        """Where that edition of the file is, or would be."""
        return self.folder / file / f"{session}.{re.sub(r'[^0-9A-Za-z-]', '_', etag)}.parquet"

    def holds(self, file: SessionFile, path: Path) -> bool:
        """Whether it is there, in today's columns; it then counts as used now."""
        try:
            os.utime(path)
            if path not in self._proven:
                if pl.read_parquet_schema(path) != schema(file):
                    return False
                self._proven.add(path)
        except FileNotFoundError:
            return False
        return True

    def fetch(self, file: SessionFile, path: Path, fill: Callable[[Path, Path], None]) -> None:
        """Have the file there: ``fill(download, parquet)`` writes both temporary files, unless another run just has.

        ``OSError`` names the file that the disk refused.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path.parent / ".lock"):
            if self.holds(file, path):
                return
            self._sweep(path.parent)
            stem = path.with_name(f".{path.stem}.{uuid4().hex}")
            download, parquet = stem.with_suffix(".gz"), stem.with_suffix(".parquet")
            try:
                fill(download, parquet)
                commit(parquet, path)
            except OSError as error:
                if error.errno is None:  # of the service or of its bytes, not of the disk
                    raise
                raise OSError(
                    error.errno, f"the flat file {file} cannot be kept: {error.strerror}", str(path)
                ) from error
            finally:
                download.unlink(missing_ok=True)
                parquet.unlink(missing_ok=True)
            self._evict(path)

    def _evict(self, kept: Path) -> None:
        held = sorted((path for path in self.folder.glob("*/[!.]*.parquet") if path != kept), key=_used)
        size = kept.stat().st_size + sum(_size(path) for path in held)
        for path in held:
            if size <= self.budget:
                return
            size -= _size(path)
            path.unlink(missing_ok=True)

    def _sweep(self, folder: Path) -> None:
        for path in folder.glob(".*.*"):
            if time.time() - _used(path) > ABANDONED:
                path.unlink(missing_ok=True)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Only one thread of one process at a time is inside; the lock ends with its process."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # evicted by another run
        return float("inf")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
