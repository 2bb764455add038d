"""Asking the service: one request with its retries, and a walk over all pages that proves it reached the end.

What may pass (429, 5xx, a broken connection, a body that is cut off) is asked again, a bounded number of times; all
else is an error at once. An error names the endpoint, the ticker and the window, and never holds the key.
"""

import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import httpx
import msgspec
import polars as pl

from smallcaps_assets.source.concurrency import Concurrency
from smallcaps_assets.source.errors import Asked, PolygonError, PolygonNotFoundError, PolygonUnavailableError
from smallcaps_assets.source.ledger import Request, service
from smallcaps_assets.source.reply import BrokenReplyError, Reply, received
from smallcaps_assets.source.retries import LONGEST_RETRY_AFTER, retry_after, until_answered
from smallcaps_assets.source.throttle import Bucket
from smallcaps_assets.source.wire import Table

log = logging.getLogger(__name__)

MOST_PAGES = 10_000  # the largest list known (all dividends) has 1,900
MOST_EMPTY_PAGES = 10  # in a row, each promising another
TIMEOUT = httpx.Timeout(connect=15.0, read=90.0, write=30.0, pool=None)
DEADLINE = 300.0  # seconds for one whole reply: 15 MB, the largest known, at 50 kB/s


@cache
def certificates() -> ssl.SSLContext:
    """Who is trusted to vouch for a service; reading them takes 45 ms, so that all clients share them."""
    return httpx.create_ssl_context()


class Envelope(msgspec.Struct):
    """What surrounds the rows of every endpoint; of an error the text is in ``error`` or in ``message``."""

    results: msgspec.Raw = msgspec.Raw()
    status: str = ""
    error: str = ""
    message: str = ""
    count: int | None = None
    results_count: int | None = msgspec.field(default=None, name="resultsCount")
    adjusted: bool | None = None
    next_url: str | None = None


@dataclass(frozen=True)
class Page:
    """A page's rows as a frame, where the next one is, and how many attempts failed before it came."""

    frame: pl.DataFrame
    next_url: str | None
    failures: int


@dataclass(frozen=True)
class Walk:
    """A list that was read to its end: all rows, and how the walk over its pages went.

    ``last_cursor`` is the cursor that led to the last page, None where the first was the last.
    """

    asked: Asked
    frame: pl.DataFrame
    pages: int
    last_cursor: str | None
    retries: int


class Pages:
    """Sends requests to one origin: pooled connections, gzip, HTTP/2 where offered, the key in a header only."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        requests_per_minute: int,
        in_flight: int,
        transport: httpx.BaseTransport | None,
    ) -> None:
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("the API key is empty or holds characters that a header cannot carry (a line break?)")
        self.base = httpx.URL(base_url.rstrip("/"))
        if self.base.scheme not in ("http", "https") or not self.base.host or self.base.userinfo or self.base.query:
            raise ValueError(f"the base URL must be http(s)://host[:port], not {base_url!r}")
        for logger in ("hpack.hpack", "hpack.table"):  # at DEBUG they write every header, the key's too
            logging.getLogger(logger).disabled = True
        self.requests = 0
        self.record: Callable[[Request], None] | None = None
        self.partition: str | None = None
        self._limit = requests_per_minute
        self.clock: Callable[[], float] = time.monotonic
        self.pause: Callable[[float], None] = time.sleep
        self.deadline = DEADLINE
        self.concurrency = Concurrency(in_flight)
        self._key = key
        self._bucket = Bucket(requests_per_minute, clock=lambda: self.clock(), sleep=lambda wait: self.pause(wait))
        self._lock = threading.Lock()
        self._client = httpx.Client(
            http2=True,
            headers={"Authorization": f"Bearer {key}", "Accept": "application/json", "Accept-Encoding": "gzip"},
            timeout=TIMEOUT,
            limits=httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight),
            transport=transport,
            verify=certificates(),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def walk(
        self, asked: Asked, path: str, parameters: Mapping[str, str], table: Table, *, along: str | None = None
    ) -> Walk:
        """All rows of all pages in the order sent; ``along`` is a column that must not fall from page to page."""
        url: httpx.URL | None = httpx.URL(f"{self.base}{path}", params=dict(parameters))
        here, cursor = asked, None
        seen: set[str] = set()
        pages: list[pl.DataFrame] = []
        empty = retries = 0
        while url is not None:
            if str(url) in seen:
                raise PolygonError(f"the cursor of page {len(seen)} leads back to a page already read", here, 200)
            if len(seen) == MOST_PAGES or empty == MOST_EMPTY_PAGES:
                raise PolygonError(f"no end after {len(seen)} pages, the last {empty} empty", here, 200)
            if seen:
                cursor = self._redacted(url.params.get("cursor", str(url)))
                here = replace(asked, place=f"page {len(seen) + 1}, after cursor {cursor}")
            seen.add(str(url))
            page = self.page(here, url, table, len(seen))
            retries += page.failures
            if pages and page.frame.height:
                self._prove_advance(here, pages[-1], page.frame, along, len(seen))
            if page.frame.height:
                pages.append(page.frame)
            empty = 0 if page.frame.height else empty + 1
            url = self._following(here, page)
        frame = pl.concat(pages) if pages else table.empty()
        walk = Walk(asked, frame, len(seen), cursor, retries)
        log.debug(
            "%s: %d rows on %d pages, the last after cursor %s, %d retries",
            *(asked, frame.height, walk.pages, cursor, retries),
        )
        return walk

    def page(self, asked: Asked, url: httpx.URL, table: Table, number: int = 1) -> Page:
        """One page, asked for again while what failed may pass."""
        return until_answered(
            lambda failures: self._recorded(asked, url, table, number, failures), pause=self.pause, clock=self.clock
        )

    def _recorded(self, asked: Asked, url: httpx.URL, table: Table, number: int, failures: int) -> Page:
        """One attempt, which is entered into the ledger whatever comes of it."""
        cursor = self._redacted(url.params.get("cursor", "")) or None
        whose = (service(self.base.host), self.partition, self._limit)
        entry = Request(*whose, asked.endpoint, asked.ticker, asked.window, number, failures + 1, cursor)
        try:
            page = self._once(asked, url, table, failures, entry)
            entry.rows = page.frame.height
            return page
        except PolygonError as error:
            entry.fault = error.what
            raise
        finally:
            if self.record and entry.requested_at:
                self.record(entry)

    def _once(self, asked: Asked, url: httpx.URL, table: Table, failures: int, entry: Request) -> Page:
        reply = self._send(asked, url, entry)
        if reply.status != 200:
            raise self._refusal(asked, reply)
        kind = reply.headers.get("Content-Type", "none").partition(";")[0].strip().lower()
        if kind != "application/json":
            what = self._redacted(f"a body of type {kind} where JSON was agreed")
            raise PolygonUnavailableError(what, asked, 200)
        try:
            envelope = msgspec.json.decode(reply.body, type=Envelope)
            if envelope.status not in ("OK", "DELAYED", ""):
                text = self._redacted(envelope.error or envelope.message)
                raise PolygonError(f"status {envelope.status} in a reply of HTTP 200: {text}", asked, 200)
            return Page(_rows(asked, envelope, table), envelope.next_url, failures)
        except (msgspec.ValidationError, pl.exceptions.PolarsError) as error:
            what = self._redacted(f"the reply is not what was agreed: {error}")
            raise PolygonError(what, asked, 200) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            what = f"a body of {len(reply.body)} bytes that is not whole JSON: {error}"
            raise PolygonUnavailableError(what, asked, 200) from error

    def _send(self, asked: Asked, url: httpx.URL, entry: Request) -> Reply:
        with self.concurrency.place() as place:
            self._bucket.take()
            with self._lock:
                self.requests += 1
            entry.requested_at, began = time.time_ns(), time.perf_counter()
            try:
                reply = received(self._client, url, within=self.deadline, clock=self.clock)
            except (httpx.TransportError, BrokenReplyError) as error:
                what = self._redacted(f"no whole reply: {type(error).__name__}: {error}")
                raise PolygonUnavailableError(what, asked) from error
            finally:
                entry.milliseconds = (time.perf_counter() - began) * 1000
            entry.status, entry.bytes = reply.status, reply.wire_bytes
            place.answered, place.refused = reply.status == 200, reply.status == 429
            return reply

    def _refusal(self, asked: Asked, reply: Reply) -> PolygonError:
        status = reply.status
        try:
            complaint = msgspec.json.decode(reply.body, type=Envelope)
        except (msgspec.DecodeError, UnicodeDecodeError):
            complaint = Envelope(message=reply.body[:200].decode(errors="replace"))
        text = self._redacted(complaint.error or complaint.message or "no text")
        if status == 429 or status >= 500:
            passing = PolygonUnavailableError(f"HTTP {status}: {text}", asked, status)
            passing.retry_after = retry_after(reply.headers)
            if passing.retry_after > LONGEST_RETRY_AFTER:
                return PolygonError(f"HTTP {status}, come back in {passing.retry_after:.0f} s: {text}", asked, status)
            self._bucket.hold(passing.retry_after)
            return passing
        if status == 403:
            return PolygonError(f"HTTP 403, the plan of this API key does not include it: {text}", asked, status)
        if status == 404 and complaint.status == "NOT_FOUND":
            return PolygonNotFoundError(f"HTTP 404: {text}", asked, status)
        return PolygonError(f"HTTP {status}: {text}", asked, status)

    def _following(self, asked: Asked, page: Page) -> httpx.URL | None:
        if not page.next_url:
            return None
        try:
            url = httpx.URL(page.next_url)
        except httpx.InvalidURL as error:
            raise PolygonError("next_url is not a URL", asked, 200) from error
        if (url.scheme, url.host, url.port, url.userinfo) != (self.base.scheme, self.base.host, self.base.port, b""):
            where = f"{url.scheme}://{url.host}:{url.port}"
            raise PolygonError(f"next_url leads to another origin ({where}), where the key does not go", asked, 200)
        return url

    def _prove_advance(
        self, asked: Asked, before: pl.DataFrame, after: pl.DataFrame, along: str | None, number: int
    ) -> None:
        if before.equals(after):
            raise PolygonError(f"page {number} repeats the rows of the page before: the cursor stands", asked, 200)
        if along is None:
            return
        start, end = after[along].head(1), before[along].tail(1)  # as series: Python's datetime has no nanoseconds
        if (start < end).item():
            what = f"page {number} starts at {start.cast(pl.String).item()}, before the page before it ended"
            raise PolygonError(f"{what}: the cursor does not advance", asked, 200)

    def _redacted(self, text: str) -> str:
        return text.replace(self._key, "[key]")


def _rows(asked: Asked, envelope: Envelope, table: Table) -> pl.DataFrame:
    raw = bytes(envelope.results)
    promised = max(envelope.count or 0, envelope.results_count or 0)
    if raw.startswith(b"{"):  # ticker details: one row, not a list
        raw = b"[" + raw + b"]"
    missing = raw in (b"", b"null")
    frame = table.empty() if missing or raw == b"[]" else table.frame(raw)
    if frame.height < promised:
        raise PolygonError(f"rows are missing: {promised} rows promised, {frame.height} sent", asked, 200)
    if missing and (envelope.next_url or 0 not in (envelope.count, envelope.results_count)):
        what = "a next page" if envelope.next_url else "no count that says there are none"
        raise PolygonError(f"rows are missing: no results but {what}", asked, 200)
    if frame.height and envelope.adjusted:
        raise PolygonError("adjusted bars where unadjusted ones were asked for", asked, 200)
    return frame
