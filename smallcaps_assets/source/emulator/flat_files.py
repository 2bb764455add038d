"""Flat files: one gzipped CSV a session and kind with the whole market, the same rows as over REST.

A file is made when it is first asked for, ticker by ticker into the gzip, and kept on disk; of what no longer fits, the
size and the ETag stay known and the bytes are made again, the same ones. The bytes depend on the market alone.
"""

import hashlib
import shutil
import tempfile
import threading
import weakref
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import BinaryIO

import polars as pl

from smallcaps_assets.source.emulator.flat_csv import COLUMNS, header, lines
from smallcaps_assets.source.emulator.instants import SECOND, at
from smallcaps_assets.source.emulator.market import Market

ROOT = "us_stocks_sip"
PUBLISHED = time(11)  # New York, on the day after the session
HELD_BYTES = 2_000_000_000
LEVEL = 1  # of gzip: the market's ticks take a third more bytes than at 6, and a fifth of the time


@dataclass(frozen=True)
class FlatFile:
    """What a listing says of a file: its key, the MD5 of its bytes in hex, their number, and when it was published."""

    key: str
    etag: str
    size: int
    modified: datetime


def key_of(kind: str, session: date) -> str:
    """The object key of a file.

    >>> key_of("trades_v1", date(2024, 1, 2))
    'us_stocks_sip/trades_v1/2024/01/2024-01-02.csv.gz'
    """
    return f"{ROOT}/{kind}/{session:%Y/%m}/{session}.csv.gz"


class FlatStore:
    """The flat files of a market. ``lock`` is held while the market is asked; ``held`` bounds the bytes on disk.

    Methods block, some of them for seconds, and may be called from any thread. KeyError for a file there is not.
    """

    def __init__(self, market: Market, lock: threading.Lock, held: int = HELD_BYTES) -> None:
        self._market = market
        self._asking = lock
        self._making = threading.RLock()  # one file is made at a time
        self._limit = held
        self._found: dict[str, tuple[str, date]] = {}
        self._known: dict[str, FlatFile] = {}
        self._held: OrderedDict[str, int] = OrderedDict()  # bytes on disk, the file unused longest first
        self._editions: dict[str, int] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="smallcaps-flat-files-"))
        self.close = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def listed(self) -> list[str]:
        """The keys of all files, ascending."""
        return list(self._places())

    def _places(self) -> dict[str, tuple[str, date]]:
        with self._making:
            if not self._found:
                with self._asking:
                    sessions = self._market.sessions()
                self._found = {key_of(kind, day): (kind, day) for kind in sorted(COLUMNS) for day in sessions}
            return self._found

    def __contains__(self, key: str) -> bool:
        return key in self._places()

    def described(self, key: str) -> FlatFile:
        """What a listing says of the file, which is made for it if it never was."""
        with self._making:
            if key not in self._known:
                self._make(key)
            return self._known[key]

    def opened(self, key: str) -> tuple[FlatFile, BinaryIO]:
        """The file, open for reading: its bytes stay readable whatever happens to the store's copy."""
        with self._making:
            if key not in self._held:
                self._make(key)
            self._held.move_to_end(key)
            return self._known[key], self._path(key).open("rb")

    def republish(self, kind: str, session: date) -> None:
        """From now on the file has a late correction: other bytes, another ETag, published a day later each time."""
        with self._making:
            key = key_of(kind, session)
            if key not in self:
                raise KeyError(f"there is no flat file {key}")
            self._editions[key] = self._editions.get(key, 0) + 1
            self._known.pop(key, None)
            self._drop(key)

    def _path(self, key: str) -> Path:
        return self._folder / key.replace("/", "-")

    def _drop(self, key: str) -> None:
        if self._held.pop(key, None) is not None:
            self._path(key).unlink()

    def _make(self, key: str) -> None:
        kind, session = self._places()[key]
        edition = self._editions.get(key, 0)
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, wbits=31)  # a gzip header without name and time
        digest, size = hashlib.md5(usedforsecurity=False), 0
        with self._path(key).open("wb") as file:
            for piece in self._pieces(kind, session, edition, packer):
                digest.update(piece)
                size += file.write(piece)
        published = at(session + timedelta(days=1 + edition), PUBLISHED) // SECOND
        self._known[key] = FlatFile(key, digest.hexdigest(), size, datetime.fromtimestamp(published, UTC))
        self._held[key] = size
        while sum(self._held.values()) > self._limit and len(self._held) > 1:
            self._drop(next(iter(self._held)))

    def _pieces(self, kind: str, session: date, edition: int, packer: "zlib._Compress") -> Iterator[bytes]:
        yield packer.compress(header(kind))
        for frame in self._frames(kind, session):
            if not frame.height:
                continue
            right = corrected(kind, frame, edition)
            edition = 0  # the correction is one row of the file's first ticker
            yield packer.compress(lines(kind, session, right))
        yield packer.flush()

    def _frames(self, kind: str, session: date) -> Iterator[pl.DataFrame]:
        """Rows of the session by ticker; of the daily bars, all at once."""
        with self._asking:
            daily = self._market.daily(session).rename({"T": "ticker"}).sort("ticker")
            listings = self._market.listings()
        if kind == "day_aggs_v1":
            yield daily
            return
        alive = (pl.col("listed") <= session) & (pl.col("delisted").is_null() | (pl.col("delisted") > session))
        ask = {
            "minute_aggs_v1": self._market.minutes,
            "quotes_v1": self._market.quotes,
            "trades_v1": self._market.trades,
        }[kind]
        for ticker in sorted({*daily["ticker"], *listings.filter(alive)["ticker"]}):
            with self._asking:
                frame = ask(ticker, session)
            yield frame.with_columns(pl.lit(ticker).alias("ticker"))


def corrected(kind: str, frame: pl.DataFrame, edition: int) -> pl.DataFrame:
    """The rows of a later edition: the first bar and the first trade are 100 shares larger, the first quote one lot."""
    if not edition:
        return frame
    more = {"quotes_v1": {"ask_size": 1}, "trades_v1": {"size": 100}}.get(kind, {"v": 100, "n": 1})
    first = pl.int_range(pl.len()) == 0
    return frame.with_columns(
        pl.when(first).then(pl.col(name) + step * edition).otherwise(pl.col(name)).alias(name)
        for name, step in more.items()
    )
