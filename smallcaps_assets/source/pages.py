"""Asking the service: one request with its retries, and a walk over all pages that proves it reached the end.

What may pass (429, 5xx, a broken connection, a body that is cut off) is asked again, a bounded number of times; all
else is an error at once. An error names the endpoint, the ticker and the window, and never holds the key.
"""

import email.utils
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx
import msgspec
import polars as pl
import tenacity

from smallcaps_assets.source.throttle import Bucket
from smallcaps_assets.source.wire import Table

log = logging.getLogger(__name__)

ATTEMPTS = 8  # with the waits below: over two minutes, more than a limit by the minute needs
LONGEST_WAIT = 60.0  # seconds between two attempts unless the service names its own
LONGEST_RETRY_AFTER = 300.0  # seconds; told to wait longer, a run had better fail and say so
MOST_PAGES = 10_000  # the largest list known (all dividends) has 1,900
MOST_EMPTY_PAGES = 10  # in a row, each promising another
TIMEOUT = httpx.Timeout(connect=15.0, read=90.0, write=30.0, pool=None)


@dataclass(frozen=True)
class Asked:
    """What was asked for, in the words of an error."""

    endpoint: str
    ticker: str | None = None
    window: str | None = None

    def __str__(self) -> str:
        return " ".join(part for part in (self.endpoint, self.ticker, self.window) if part)


class PolygonError(Exception):
    """The service refused, failed, or answered with what cannot be the whole truth.

    Attributes: ``what`` happened, ``endpoint``, ``ticker`` and ``window`` asked for, HTTP ``status`` (None: no reply).
    """

    def __init__(self, what: str, asked: Asked, status: int | None = None) -> None:
        super().__init__(what, asked, status)
        self.what, self.asked, self.status = what, asked, status
        self.endpoint, self.ticker, self.window = asked.endpoint, asked.ticker, asked.window

    def __str__(self) -> str:
        return f"{self.asked}: {self.what}"


class PolygonUnavailableError(PolygonError):
    """What may pass did not within all attempts: ask again later. ``retry_after``: seconds the service asked for."""

    retry_after: float = 0.0


class PolygonNotFoundError(PolygonError):
    """The service knows no such thing (its own 404, not that of an unknown path)."""


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
    """A page's rows as a frame, and where the next one is."""

    frame: pl.DataFrame
    next_url: str | None


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
        if in_flight < 1:
            raise ValueError(f"in_flight is {in_flight}, must be at least 1")
        self.base = httpx.URL(base_url.rstrip("/"))
        if self.base.scheme not in ("http", "https") or not self.base.host or self.base.userinfo or self.base.query:
            raise ValueError(f"the base URL must be http(s)://host[:port], not {base_url!r}")
        logging.getLogger("hpack").setLevel(logging.INFO)  # at DEBUG it writes every header, the key's too
        self.requests = 0
        self.pause: Callable[[float], None] = time.sleep
        self._key = key
        self._bucket = Bucket(requests_per_minute)
        self._slots = threading.BoundedSemaphore(in_flight)
        self._lock = threading.Lock()
        self._client = httpx.Client(
            http2=True,
            headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
            timeout=TIMEOUT,
            limits=httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight),
            transport=transport,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def walk(
        self, asked: Asked, path: str, parameters: Mapping[str, str], table: Table, *, along: str | None = None
    ) -> pl.DataFrame:
        """All rows of all pages in the order sent; ``along`` is a column that must not fall from page to page."""
        url: httpx.URL | None = httpx.URL(f"{self.base}{path}", params=dict(parameters))
        seen: set[str] = set()
        pages: list[pl.DataFrame] = []
        empty = 0
        while url is not None:
            if str(url) in seen:
                raise PolygonError(f"the cursor of page {len(seen)} leads back to a page already read", asked, 200)
            if len(seen) == MOST_PAGES or empty == MOST_EMPTY_PAGES:
                raise PolygonError(f"no end after {len(seen)} pages, the last {empty} empty", asked, 200)
            seen.add(str(url))
            page = self.page(asked, url, table)
            if pages and page.frame.height:
                self._prove_advance(asked, pages[-1], page.frame, along, len(seen))
            if page.frame.height:
                pages.append(page.frame)
            empty = 0 if page.frame.height else empty + 1
            last, url = url, self._following(asked, page)
        rows = sum(frame.height for frame in pages)
        log.debug("%s: %d rows on %d pages, the last at %s", asked, rows, len(seen), last)
        return pl.concat(pages) if pages else table.empty()

    def page(self, asked: Asked, url: httpx.URL, table: Table) -> Page:
        """One page, asked for again while what failed may pass."""
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(PolygonUnavailableError),
            wait=_wait,
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            sleep=lambda seconds: self.pause(seconds),
            before_sleep=tenacity.before_sleep_log(log, logging.WARNING),
            reraise=True,
        )
        return attempts(self._once, asked, url, table)

    def _once(self, asked: Asked, url: httpx.URL, table: Table) -> Page:
        reply = self._send(asked, url)
        status = reply.status_code
        if status != 200:
            raise self._refusal(asked, reply)
        try:
            envelope = msgspec.json.decode(reply.content, type=Envelope)
            if envelope.status not in ("OK", "DELAYED", ""):
                text = self._redacted(envelope.error or envelope.message)
                raise PolygonError(f"status {envelope.status} in a reply of HTTP 200: {text}", asked, status)
            return Page(_rows(asked, envelope, table), envelope.next_url)
        except (msgspec.ValidationError, pl.exceptions.PolarsError) as error:
            what = self._redacted(f"the reply is not what was agreed: {error}")
            raise PolygonError(what, asked, status) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            what = f"a body of {len(reply.content)} bytes that is not whole JSON: {error}"
            raise PolygonUnavailableError(what, asked, status) from error

    def _send(self, asked: Asked, url: httpx.URL) -> httpx.Response:
        with self._slots:
            self._bucket.take()
            with self._lock:
                self.requests += 1
            try:
                return self._client.get(url)
            except (httpx.TransportError, httpx.DecodingError) as error:
                what = self._redacted(f"no whole reply: {type(error).__name__}: {error}")
                raise PolygonUnavailableError(what, asked) from error

    def _refusal(self, asked: Asked, reply: httpx.Response) -> PolygonError:
        status = reply.status_code
        try:
            complaint = msgspec.json.decode(reply.content, type=Envelope)
        except (msgspec.DecodeError, UnicodeDecodeError):
            complaint = Envelope(message=reply.text[:200])
        text = self._redacted(complaint.error or complaint.message or "no text")
        if status == 429 or status >= 500:
            passing = PolygonUnavailableError(f"HTTP {status}: {text}", asked, status)
            passing.retry_after = _retry_after(reply.headers.get("Retry-After", ""))
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
    frame = table.empty() if raw in (b"", b"null", b"[]") else table.frame(raw)
    if frame.height < promised or (envelope.next_url and raw in (b"", b"null")):
        what = f"{promised} rows promised, {frame.height} sent" if promised else "a next page but no results"
        raise PolygonError(f"rows are missing: {what}", asked, 200)
    if frame.height and envelope.adjusted:
        raise PolygonError("adjusted bars where unadjusted ones were asked for", asked, 200)
    return frame


def _retry_after(header: str) -> float:
    """Seconds of a Retry-After header, given as seconds or as a date; 0 where there is none or it is neither."""
    if header.isdigit():
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return 0.0


_backoff = tenacity.wait_exponential_jitter(multiplier=0.5, max=LONGEST_WAIT, jitter=0.5)


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked_for = error.retry_after if isinstance(error, PolygonUnavailableError) else 0.0
    return max(asked_for, _backoff(state))
