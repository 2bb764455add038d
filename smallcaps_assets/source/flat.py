"""Client of the vendor's flat files: a session's file over S3, proven whole, and the rows of it that are asked for.

The frames are those of the REST client, column by column; what a file does not hold (the vwap of a bar) is null. A file
is fetched once for all runs (:mod:`flat_cache`); which edition it is, its ETag tells. Facts: spec/polygon.md 10.
"""

import gzip
import hashlib
import logging
import re
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TypeVar, cast
from zoneinfo import ZoneInfo

import exchange_calendars
import httpx
import obstore
import polars as pl
from obstore.exceptions import BaseError, PermissionDeniedError, PreconditionError, UnauthenticatedError
from obstore.store import S3Store

from smallcaps_assets.source import flat_wire
from smallcaps_assets.source.errors import Asked, PolygonError, PolygonNotFoundError, PolygonUnavailableError
from smallcaps_assets.source.flat_cache import FlatCache
from smallcaps_assets.source.ledger import Ledger, Request, service
from smallcaps_assets.source.retries import until_answered
from smallcaps_assets.source.routes import SessionFile

log = logging.getLogger(__name__)
Result = TypeVar("Result")

BUCKET, ROOT = "flatfiles", "us_stocks_sip"
FIRST = date(2003, 9, 10)
NEW_YORK = ZoneInfo("America/New_York")
CHUNK = 4 << 20
READS = 5  # of a file that other runs evict
MD5 = re.compile(r"[0-9a-f]{32}")  # an ETag of another form is not the MD5 of the bytes
GIGABYTE = 10**9


@dataclass(frozen=True)
class Edition:
    """What the service says of a file: its ETag and its size in bytes."""

    etag: str
    size: int


class FlatFiles:
    """The files at an S3 ``endpoint``, kept in ``folder`` up to ``budget`` bytes; thread-safe.

    An instance sees one edition of each file: a file that is published again while a run reads it is read as it was.
    ``pause`` waits between attempts; ``ledger`` gets every request, on behalf of ``partition``.
    """

    def __init__(
        self,
        endpoint: str,
        access_key: str,
        secret: str,
        folder: Path,
        *,
        budget: int = 200 * GIGABYTE,
        pause: Callable[[float], None] = time.sleep,
        ledger: Ledger | None = None,
    ) -> None:
        if not access_key or not secret:
            raise ValueError("flat files need an S3 key pair: POLYGON_S3_ACCESS_KEY_ID, POLYGON_S3_SECRET_ACCESS_KEY")
        self.endpoint = endpoint
        self.pause = pause
        self.partition: str | None = None
        self._record = ledger.record if ledger else None
        self._secrets = (secret, access_key)
        self._cache = FlatCache(folder, budget)
        self._editions: dict[tuple[SessionFile, date], Edition] = {}
        self._asking = threading.Lock()
        self._store = S3Store(
            BUCKET,
            endpoint=endpoint.rstrip("/"),
            region="us-east-1",
            access_key_id=access_key,
            secret_access_key=secret,
            virtual_hosted_style_request=False,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=15),
                "read_timeout": timedelta(seconds=90),
                "timeout": timedelta(hours=12),  # of one whole file
            },
            retry_config={"max_retries": 2, "retry_timeout": timedelta(hours=12)},
        )

    def __repr__(self) -> str:
        return f"FlatFiles({self.endpoint!r})"

    def edition(self, file: SessionFile, session: date) -> Edition:
        """The edition of the file that this instance reads; asked for once."""
        with self._asking:  # one thread asks, the others wait for what it hears
            if (file, session) not in self._editions:
                known = self._attempted(_asked(file, session), lambda _: self._head(file, session))
                self._editions[file, session] = known
            return self._editions[file, session]

    def read(self, file: SessionFile, session: date) -> str | None:
        """The ETag of the edition that was read or asked about; None if the file was not."""
        known = self._editions.get((file, session))
        return known.etag if known else None

    def published(self, file: SessionFile, since: date) -> dict[date, str]:
        """The ETags of the files of sessions from ``since`` on, as the bucket lists them now."""
        asked = Asked(f"list of flat files {file}", window=f"{since}..")
        after = _key(file, since - timedelta(days=1))
        return self._attempted(asked, lambda _: self._list(asked, f"{ROOT}/{file}", after))

    def daily_bars(self, session: date) -> pl.DataFrame:
        """As ``Polygon.daily_bars``, without vwap."""
        return self._rows(SessionFile.DAY_AGGS, session).sort("ticker")

    def minute_bars(self, ticker: str, first: date, last: date) -> pl.DataFrame:
        """As ``Polygon.minute_bars``, without vwap."""
        wanted = pl.col("ticker") == ticker
        days = [self._rows(SessionFile.MINUTE_AGGS, session, wanted) for session in _sessions(first, last)]
        return _whole(SessionFile.MINUTE_AGGS, days).sort("started_at")

    def trades(self, ticker: str, since: int, until: int) -> pl.DataFrame:
        """As ``Polygon.trades``."""
        return self._ticks(SessionFile.TRADES, ticker, since, until)

    def quotes(self, ticker: str, since: int, until: int) -> pl.DataFrame:
        """As ``Polygon.quotes``."""
        return self._ticks(SessionFile.QUOTES, ticker, since, until)

    def _ticks(self, file: SessionFile, ticker: str, since: int, until: int) -> pl.DataFrame:
        sip_at = pl.col("sip_at")
        inside = (sip_at >= _literal(since)) & (sip_at < _literal(until))
        days = [
            self._rows(file, session, pl.col("ticker") == ticker, inside)
            for session in _sessions(session_at(since), session_at(until - 1))
        ]
        return _whole(file, days).sort("sip_at", "sequence_number", maintain_order=True)

    def _rows(self, file: SessionFile, session: date, *wanted: pl.Expr) -> pl.DataFrame:
        for _ in range(READS):
            try:
                return pl.scan_parquet(self._kept(file, session)).filter(*wanted).collect()
            except FileNotFoundError:
                log.warning("%s was evicted before it was read", _asked(file, session))
        raise PolygonError("other runs evict it before it is read: the budget is too small", _asked(file, session))

    def _kept(self, file: SessionFile, session: date) -> Path:
        edition = self.edition(file, session)
        path = self._cache.path(file, session, edition.etag)
        if not self._cache.holds(file, path):
            self._cache.fetch(file, path, lambda download, parquet: self._fetch(file, session, download, parquet))
        return path

    def _fetch(self, file: SessionFile, session: date, download: Path, parquet: Path) -> None:
        edition = self.edition(file, session)

        def whole(entry: Request) -> None:
            self._download(file, session, edition, download, entry)
            try:
                with download.open("rb") as source:
                    entry.rows = flat_wire.to_parquet(source, file, parquet)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                download.unlink()
                raise PolygonUnavailableError(f"its gzip is broken: {error}", _asked(file, session), 200) from error
            except flat_wire.FileFormatError as error:
                raise PolygonError(str(error), _asked(file, session), 200) from error

        self._attempted(_asked(file, session), whole)

    def _download(self, file: SessionFile, session: date, edition: Edition, target: Path, entry: Request) -> None:
        """The file's bytes, from where an attempt before has ended."""
        asked = _asked(file, session)
        begun = target.stat().st_size if target.exists() else 0
        try:
            options: obstore.GetOptions = {"if_match": f'"{edition.etag}"'}
            if begun:
                options["range"] = {"offset": begun}
            with target.open("ab") as out:
                for chunk in obstore.get(self._store, _key(file, session), options=options).stream(CHUNK):
                    entry.bytes += out.write(chunk)
        except PreconditionError as error:
            what = "it was published again while it was read: materialize again"
            raise PolygonError(what, asked, 412) from error
        except (BaseError, FileNotFoundError) as error:
            raise self._refusal(asked, error) from error
        size = target.stat().st_size
        if size < edition.size:
            raise PolygonUnavailableError(f"it is cut off: {size} of {edition.size} bytes", asked, 200)
        with target.open("rb") as written:
            digest = hashlib.file_digest(written, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        if size > edition.size or (MD5.fullmatch(edition.etag) and digest != edition.etag):
            target.unlink()
            what = f"its bytes are not those of its ETag {edition.etag} ({size} of {edition.size} bytes, MD5 {digest})"
            raise PolygonUnavailableError(what, asked, 200)

    def _head(self, file: SessionFile, session: date) -> Edition:
        try:
            meta = obstore.head(self._store, _key(file, session))
        except (BaseError, FileNotFoundError) as error:
            raise self._refusal(_asked(file, session), error) from error
        return Edition(_etag(meta["e_tag"]), meta["size"])

    def _list(self, asked: Asked, prefix: str, after: str) -> dict[date, str]:
        try:
            metas = [meta for batch in obstore.list(self._store, prefix, offset=after) for meta in batch]
        except (BaseError, FileNotFoundError) as error:
            raise self._refusal(asked, error) from error
        return {date.fromisoformat(Path(meta["path"]).name[:10]): _etag(meta["e_tag"]) for meta in metas}

    def _attempted(self, asked: Asked, ask: Callable[[Request], Result]) -> Result:
        """What ``ask`` gives, asked again while what failed may pass; each attempt goes into the ledger."""

        def once(failures: int) -> Result:
            whose = (service(httpx.URL(self.endpoint).host), self.partition, 0)  # the rate limit is REST's alone
            entry = Request(*whose, asked.endpoint, window=asked.window, attempt=failures + 1, status=200)
            entry.requested_at, begun = time.time_ns(), time.perf_counter()
            try:
                return ask(entry)
            except PolygonError as error:
                entry.fault, entry.status = error.what, error.status
                raise
            finally:
                entry.milliseconds = (time.perf_counter() - begun) * 1e3
                if self._record:
                    self._record(entry)

        # the clock stands: a file may take longer than the client gives a page and all its attempts
        return until_answered(once, pause=self.pause, clock=lambda: 0.0)

    def _refusal(self, asked: Asked, error: Exception) -> PolygonError:
        if isinstance(error, FileNotFoundError):
            return PolygonNotFoundError("HTTP 404: it is not published (yet)", asked, 404)
        if isinstance(error, PermissionDeniedError):
            return PolygonError("HTTP 403: this S3 key's plan does not include it, or the key is wrong", asked, 403)
        if isinstance(error, UnauthenticatedError):
            return PolygonError("HTTP 401: the S3 key is not known", asked, 401)
        text = str(error)
        for secret in self._secrets:
            text = text.replace(secret, "[key]")
        return PolygonUnavailableError(f"no whole reply: {text}", asked)


def session_at(nanoseconds: int) -> date:
    """The New York date of an instant in ns UTC."""
    return datetime.fromtimestamp(nanoseconds // 10**9, NEW_YORK).date()


def _asked(file: SessionFile, session: date) -> Asked:
    return Asked(f"flat file {file}", window=str(session))


def _key(file: SessionFile, session: date) -> str:
    return f"{ROOT}/{file}/{session:%Y/%m}/{session}.csv.gz"


def _etag(quoted: str | None) -> str:
    return (quoted or "").strip('"')


def _whole(file: SessionFile, days: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([flat_wire.schema(file).to_frame(), *days])


def _literal(nanoseconds: int) -> pl.Expr:
    return pl.lit(nanoseconds, pl.Int64).cast(pl.Datetime("ns", "UTC"))


def _sessions(first: date, last: date) -> list[date]:
    """XNYS sessions from ``first`` to ``last``: those are the days with files."""
    known = _calendar().sessions_in_range(max(first, FIRST).isoformat(), last.isoformat())
    return [cast(datetime, stamp).date() for stamp in known]


@cache
def _calendar() -> exchange_calendars.ExchangeCalendar:
    return exchange_calendars.get_calendar("XNYS", start=FIRST.isoformat())
