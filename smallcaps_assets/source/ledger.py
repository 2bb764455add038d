"""The ledger: every request made of the vendor, when, by which run, what came back; the API usage of the account.

A process enters each attempt, also one that failed, as a line of JSON in a journal of its own (`api_ledger/*.jsonl`,
held by a lock) in one write, so that a process that is killed loses nothing that it had entered. When the journal is
closed, a day ends or it has grown, its rows become `api_ledger/<UTC day>/<journal>.parquet`: temporary file, fsync,
rename. A journal whose lock nobody holds was left by a killed process: whoever opens a ledger next commits it under the
name it would have had, so that committing twice is committing once. A line cut off by a full disk or a power cut is
counted, reported and left out. Readers see each request once: in a journal until its file is there, then in the file.

Locks are `flock`'s and hold between processes of one machine; the folder must be on a local disk.
"""

import fcntl
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import msgspec
import polars as pl

from smallcaps_assets.source.durable import commit

log = logging.getLogger(__name__)

FOLDER = "api_ledger"  # in the lake
JOURNAL_REQUESTS = 50_000  # in one journal, about 15 MB; then it is committed and another begun
DAY_NS = 86_400 * 10**9
MOST_TEXT = 200  # characters of what went wrong
COLUMNS: dict[str, pl.DataType] = {
    "requested_at": pl.Datetime("ns", "UTC"),
    "service": pl.String(),
    "partition": pl.String(),
    "endpoint": pl.String(),
    "ticker": pl.String(),
    "window": pl.String(),
    "page": pl.Int64(),
    "attempt": pl.Int64(),
    "cursor": pl.String(),
    "status": pl.Int64(),
    "rows": pl.Int64(),
    "bytes": pl.Int64(),
    "milliseconds": pl.Float64(),
    "fault": pl.String(),
    "requests_per_minute": pl.Int64(),
}


class Request(msgspec.Struct):
    """One request, an attempt of it: what was asked and what came back. It never holds the key."""

    service: str
    """The host that was asked; ``emulator`` for one on this machine."""
    partition: str | None
    """Dataset and partitions of the run that asked; None outside a run."""
    requests_per_minute: int
    """The limit that the client was set to; 0: none."""
    endpoint: str
    ticker: str | None = None
    window: str | None = None
    page: int = 1
    """Of the list that is walked, from 1."""
    attempt: int = 1
    """Of this page, from 1; what is above it is a retry."""
    cursor: str | None = None
    """The cursor that led to this page; None on the first. It holds no key."""
    requested_at: int = 0
    """UTC ns when it was sent, not when it began to wait for its turn; 0: it never was."""
    status: int | None = None
    """HTTP status; None: no reply."""
    rows: int = 0
    bytes: int = 0
    """Received, as compressed on the way, without headers."""
    milliseconds: float = 0.0
    """From sending to the last byte."""
    fault: str | None = None
    """What went wrong; None: nothing."""


_REQUESTS = msgspec.json.Decoder(Request)


def service(host: str) -> str:
    """The name of a host in the ledger: on the loopback only the emulator answers."""
    return "emulator" if host in ("127.0.0.1", "::1", "localhost") else host


def empty() -> pl.DataFrame:
    """No requests, all columns."""
    return pl.DataFrame(schema=COLUMNS)


class Ledger:
    """The ledger in ``folder``, open for one process's requests; thread-safe; a context manager that commits them.

    ``torn``: lines cut off that were found in journals of killed processes. ``OSError`` when the disk refuses.
    """

    def __init__(self, folder: Path, *, journal_requests: int = JOURNAL_REQUESTS) -> None:
        self.folder = folder
        self.torn = 0
        self._most = journal_requests
        self._lock = threading.Lock()
        self._journal: _Journal | None = None
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.glob("*.jsonl")):
            self.torn += _commit_orphan(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def record(self, request: Request) -> None:
        """Enter a request: it is on record when this returns, whatever becomes of the process."""
        if request.fault and len(request.fault) > MOST_TEXT:
            request.fault = request.fault[: MOST_TEXT - 1] + "…"
        line = msgspec.json.encode(request) + b"\n"
        day = request.requested_at // DAY_NS
        with self._lock:
            if self._journal and (self._journal.requests >= self._most or day > self._journal.day):
                self._commit()
            if not self._journal:
                self._journal = _Journal(self.folder, day)
            self._journal.write(line)

    def close(self) -> None:
        """Commit what was entered; a request entered later begins a new journal."""
        with self._lock:
            self._commit()

    def _commit(self) -> None:
        journal, self._journal = self._journal, None
        if journal:
            try:
                _commit(journal.path)
            finally:
                os.close(journal.file)  # after the commit: until then nobody else may take it up


class _Journal:
    """An append-only file of this process, under a lock from before it has its name until it is committed."""

    def __init__(self, folder: Path, day: int) -> None:
        self.day, self.requests, self.size = day, 0, 0
        self.path = folder / f"{os.getpid()}-{uuid4().hex[:12]}.jsonl"
        nameless = self.path.with_suffix(".new")  # nobody may take it for left behind before it is locked
        self.file = os.open(nameless, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o644)
        fcntl.flock(self.file, fcntl.LOCK_EX)
        nameless.rename(self.path)

    def write(self, line: bytes) -> None:
        """One line, whole; ``OSError`` if not, and then nothing of it stays."""
        try:
            written = os.write(self.file, line)
        except OSError as error:
            raise OSError(error.errno, f"the ledger cannot be written: {error.strerror}", str(self.path)) from error
        if written < len(line):
            os.ftruncate(self.file, self.size)
            raise OSError(f"the ledger cannot be written, the disk is full: {self.path}")
        self.size += written
        self.requests += 1


def _commit_orphan(path: Path) -> int:
    """Commit a journal that nobody holds; the lines of it that are cut off. 0 if somebody holds it."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return 0  # committed meanwhile
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _commit(path) if path.is_file() else 0  # committed by another opener before we had the lock
    except BlockingIOError:
        return 0
    finally:
        os.close(file)


def _commit(path: Path) -> int:
    """Turn the journal into a Parquet file for each of its days; the caller holds its lock."""
    rows, torn = _read(path)
    if torn:
        log.warning("%s: %d lines are cut off and left out of the ledger, %d are whole", path, torn, rows.height)
    for (day,), part in rows.group_by(pl.col("requested_at").dt.date(), maintain_order=True):
        target = path.parent / str(day) / f"{path.stem}.parquet"
        target.parent.mkdir(exist_ok=True)
        with _replacing(target) as temporary:
            part.write_parquet(temporary, compression="zstd")
    path.unlink()
    return torn


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A temporary path that takes the target's place when the block ends well, and vanishes when it does not."""
    temporary = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        yield temporary
        commit(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _read(path: Path) -> tuple[pl.DataFrame, int]:
    """The journal's whole lines as rows in the order of the requests, and how many lines are cut off."""
    requests: list[Request] = []
    torn = 0
    for line in path.read_bytes().split(b"\n"):
        if not line:
            continue
        try:
            requests.append(_REQUESTS.decode(line))
        except (msgspec.DecodeError, msgspec.ValidationError):
            torn += 1
    columns = {name: [getattr(request, name) for request in requests] for name in COLUMNS}
    return pl.DataFrame(columns, schema=COLUMNS).sort("requested_at", maintain_order=True), torn


def scan(folder: Path) -> pl.LazyFrame:
    """Every request entered so far, those of processes still at work included; empty where there is no ledger."""
    journals: dict[str, pl.DataFrame] = {}
    for path in sorted(folder.glob("*.jsonl")):
        with suppress(FileNotFoundError):  # committed since it was listed: its file is among those listed next
            journals[path.stem] = _read(path)[0]
    files = sorted(folder.glob("*/*.parquet"))
    committed = {(file.stem, file.parent.name) for file in files}
    parts = [
        rows.filter(~pl.col("requested_at").dt.date().cast(pl.String).is_in([day for s, day in committed if s == stem]))
        for stem, rows in journals.items()
    ]
    live = pl.concat([empty(), *parts]).lazy()
    return pl.concat([pl.scan_parquet(files, hive_partitioning=False), live]) if files else live
