"""Client of Polygon's (Massive's) REST API: one method per endpoint, each returns a whole frame in our names.

A method returns every row of every page or raises :class:`PolygonError`; a frame without rows means that the service
said there are none. Facts of the service: spec/polygon.md.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

import httpx
import polars as pl

from smallcaps_assets.source import wire
from smallcaps_assets.source.errors import Asked, PolygonError, PolygonNotFoundError, PolygonUnavailableError
from smallcaps_assets.source.flat import session_at
from smallcaps_assets.source.ledger import Ledger
from smallcaps_assets.source.pages import Pages
from smallcaps_assets.source.routes import SessionFile
from smallcaps_assets.source.routing import Routing

__all__ = ["Polygon", "PolygonError", "PolygonNotFoundError", "PolygonUnavailableError"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Polygon:
    """The service at ``base_url``; thread-safe; a context manager that closes its connections.

    ``requests_per_minute`` is shared by all threads, 0 means no limit; ``in_flight`` bounds requests at one time (the
    client begins with fewer and finds out how many the service takes); ``page_rows`` of ticks or minutes are asked for
    at once, of which the service gives 50,000 at most; ``ledger`` gets every request, None keeps none; ``routing`` says
    which bars and ticks come from the vendor's files instead, the same rows but for the vwap of bars.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        requests_per_minute: int = 500,
        in_flight: int = 12,
        page_rows: int = 50_000,
        transport: httpx.BaseTransport | None = None,
        ledger: Ledger | None = None,
        routing: Routing | None = None,
    ) -> None:
        self.in_flight = in_flight
        self.routing = routing or Routing()
        self._page_rows = str(page_rows)
        self._pages = Pages(
            base_url, key, requests_per_minute=requests_per_minute, in_flight=in_flight, transport=transport
        )
        self._pages.record = ledger.record if ledger else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pages.close()

    def __repr__(self) -> str:
        return f"Polygon({str(self._pages.base)!r}, requests={self.requests})"

    @property
    def requests(self) -> int:
        """How many requests were sent so far, retries included."""
        return self._pages.requests

    def asks_for(self, partition: str | None) -> None:
        """Name the dataset and partitions on whose behalf the requests from now on are made, for the ledger."""
        self._pages.partition = partition
        self.routing.asks_for(partition)

    def expect(self, file: SessionFile, requests: Mapping[date, float]) -> None:
        """Say how many requests the file of each session would save, by which ``auto`` chooses the session's route."""
        self.routing.expect(file, requests)

    def daily_bars(self, session: date) -> pl.DataFrame:
        """Daily bars of all listed stocks as traded, sorted by ticker. Prices in USD, volume in shares."""
        if files := self.routing.files(SessionFile.DAY_AGGS, session):
            return files.daily_bars(session)
        path = f"/v2/aggs/grouped/locale/us/market/stocks/{session}"
        asked = Asked("daily bars", window=str(session))
        parameters = {"adjusted": "false", "include_otc": "false"}
        return self._pages.walk(asked, path, parameters, wire.DAILY_BARS).frame.sort("ticker")

    def minute_bars(self, ticker: str, first: date, last: date) -> pl.DataFrame:
        """Minute bars as traded from session ``first`` to ``last``, both included; a minute without trades has none."""
        if files := self.routing.files(SessionFile.MINUTE_AGGS, first):
            return files.minute_bars(ticker, first, last)
        asked = Asked("minute bars", ticker, f"{first}..{last}")
        path = f"/v2/aggs/ticker/{quote(ticker, safe='')}/range/1/minute/{first}/{last}"
        parameters = {"adjusted": "false", "sort": "asc", "limit": self._page_rows}
        bars = self._pages.walk(asked, path, parameters, wire.MINUTE_BARS, along="started_at").frame
        session = pl.col("started_at").dt.convert_time_zone("America/New_York").dt.date()
        _prove(asked, bars, session.is_between(first, last))
        return _named(ticker, bars).sort("started_at")

    def trades(self, ticker: str, since: int, until: int) -> pl.DataFrame:
        """Trades with ``since <= sip_at < until`` (ns UTC), by (sip_at, sequence_number); corrections included."""
        if files := self.routing.files(SessionFile.TRADES, session_at(since)):
            return files.trades(ticker, since, until)
        rows = self._ticks("trades", ticker, since, until, wire.TRADES)
        exact = rows.drop_in_place("decimal_size")  # a fraction of a share has size 0 (since 2026)
        if exact.null_count() < rows.height:
            rows = rows.with_columns(pl.coalesce(exact, "size").alias("size"))
        return rows

    def quotes(self, ticker: str, since: int, until: int) -> pl.DataFrame:
        """Quotes with ``since <= sip_at < until`` (ns UTC), by (sip_at, sequence_number); sizes as the vendor sends."""
        if files := self.routing.files(SessionFile.QUOTES, session_at(since)):
            return files.quotes(ticker, since, until)
        return self._ticks("quotes", ticker, since, until, wire.QUOTES)

    def tickers(self, on: date, *, active: bool) -> pl.DataFrame:
        """Stocks listed on that date, or no longer listed by then (``active=False``), sorted by ticker."""
        parameters = {
            "market": "stocks",
            "date": str(on),
            "active": "true" if active else "false",
            "limit": "1000",
            "sort": "ticker",
            "order": "asc",
        }
        asked = Asked("active tickers" if active else "inactive tickers", window=str(on))
        rows = self._pages.walk(asked, "/v3/reference/tickers", parameters, wire.TICKERS).frame
        return rows.sort("ticker", maintain_order=True)

    def ticker_details(self, ticker: str, on: date) -> pl.DataFrame | None:
        """One row about ``ticker`` on a date it traded; None where the service knows none (its 404 is data).

        ``market_cap`` of a past date is wrong by later splits and share counts; never decide by it.
        """
        path = f"/v3/reference/tickers/{quote(ticker, safe='')}"
        asked = Asked("ticker details", ticker, str(on))
        try:
            row = self._pages.walk(asked, path, {"date": str(on)}, wire.TICKER_DETAILS).frame
        except PolygonNotFoundError:
            return None
        if row.height != 1:
            raise PolygonError(f"{row.height} rows where one was asked for", asked, 200)
        return row

    def splits(self, first: date, last: date) -> pl.DataFrame:
        """Splits executed from ``first`` to ``last``, by date and ticker; the price factor is split_from / split_to."""
        return self._dated("splits", "/v3/reference/splits", "execution_date", first, last, wire.SPLITS, "executed_on")

    def dividends(self, first: date, last: date) -> pl.DataFrame:
        """Dividends with ex-date from ``first`` to ``last``, by date and ticker; cash as paid, not split-adjusted."""
        path = "/v3/reference/dividends"
        return self._dated("dividends", path, "ex_dividend_date", first, last, wire.DIVIDENDS, "ex_on")

    def short_interest(self, first: date, last: date) -> pl.DataFrame:
        """Short interest settled from ``first`` to ``last``, in shares; when it was published is not told."""
        path = "/stocks/v1/short-interest"
        return self._dated("short interest", path, "settlement_date", first, last, wire.SHORT_INTEREST, "settled_on")

    def short_volume(self, first: date, last: date) -> pl.DataFrame:
        """Off-exchange short volume from ``first`` to ``last``, in shares; the ratio is in percent as sent."""
        path = "/stocks/v1/short-volume"
        return self._dated("short volume", path, "date", first, last, wire.SHORT_VOLUME, "traded_on")

    def float_shares(self) -> pl.DataFrame:
        """The latest free float of each ticker (there is no history), in shares."""
        parameters = {"limit": "5000", "sort": "ticker.asc"}
        rows = self._pages.walk(Asked("float"), "/stocks/vX/float", parameters, wire.FLOAT_SHARES).frame
        return rows.sort("ticker", maintain_order=True)

    def news(self, since: int, until: int) -> pl.DataFrame:
        """Articles with ``since <= published_at < until`` (ns UTC), oldest first."""
        asked = Asked("news", window=_span(since, until))
        parameters = {
            "published_utc.gte": _written(since),
            "published_utc.lt": _written(until),
            "order": "asc",
            "sort": "published_utc",
            "limit": "1000",
        }
        rows = self._pages.walk(asked, "/v2/reference/news", parameters, wire.NEWS, along="published_at").frame
        _prove(asked, rows, _within("published_at", since, until))
        return rows.sort("published_at", "article_id")

    def conditions(self) -> pl.DataFrame:
        """Sale conditions of stock trades with the consolidated tape's update rules, sorted by condition.

        Quote conditions are left out: they reuse the numbers. Marks without rules (financial status, short sale
        restriction) forbid nothing.
        """
        parameters = {"asset_class": "stocks", "limit": "1000"}
        rows = self._pages.walk(Asked("conditions"), "/v3/reference/conditions", parameters, wire.CONDITIONS).frame
        return rows.filter(pl.col("data_types").list.contains("trade")).drop("data_types").sort("condition")

    def in_parallel(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """``function`` of each item, in the items' order, ``in_flight`` at a time; items are taken as room appears.

        The first exception cancels what has not begun, waits for what has, and is raised.
        """
        pending: deque[Future[Result]] = deque()
        source = iter(items)
        with ThreadPoolExecutor(self.in_flight, thread_name_prefix="polygon") as pool:
            try:
                for item in itertools.islice(source, 2 * self.in_flight):
                    pending.append(pool.submit(function, item))
                while pending:
                    yield pending.popleft().result()
                    pending.extend(pool.submit(function, item) for item in itertools.islice(source, 1))
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _ticks(self, endpoint: str, ticker: str, since: int, until: int, table: wire.Table) -> pl.DataFrame:
        asked = Asked(endpoint, ticker, _span(since, until))
        parameters = {
            "timestamp.gte": str(since),
            "timestamp.lt": str(until),
            "order": "asc",
            "sort": "timestamp",
            "limit": self._page_rows,
        }
        path = f"/v3/{endpoint}/{quote(ticker, safe='')}"
        rows = self._pages.walk(asked, path, parameters, table, along="sip_at").frame
        # Numpy, not expressions: of a window of some hundred ticks, each of their queries takes as long as its parsing.
        at, sequence = (rows[name].to_physical().to_numpy() for name in ("sip_at", "sequence_number"))
        _refuse(asked, int(((at < since) | (at >= until)).sum()), rows.height)
        ordered = (at[1:] > at[:-1]) | ((at[1:] == at[:-1]) & (sequence[1:] >= sequence[:-1]))
        return _named(ticker, rows if ordered.all() else rows.sort("sip_at", "sequence_number", maintain_order=True))

    def _dated(
        self, endpoint: str, path: str, key: str, first: date, last: date, table: wire.Table, column: str
    ) -> pl.DataFrame:
        asked = Asked(endpoint, window=f"{first}..{last}")
        parameters = {f"{key}.gte": str(first), f"{key}.lte": str(last)}
        if path.startswith("/stocks/"):
            parameters |= {"sort": f"{key}.asc", "limit": "50000"}
        else:
            parameters |= {"sort": key, "order": "asc", "limit": "1000"}
        rows = self._pages.walk(asked, path, parameters, table, along=column).frame
        _prove(asked, rows, pl.col(column).is_between(first, last))
        return rows.sort(column, "ticker", maintain_order=True)


def _named(ticker: str, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.insert_column(0, pl.Series("ticker", [ticker], pl.String).new_from_index(0, rows.height))


def _within(column: str, since: int, until: int) -> pl.Expr:
    return pl.col(column).cast(pl.Int64).is_between(since, until, closed="left")


def _prove(asked: Asked, rows: pl.DataFrame, inside: pl.Expr) -> None:
    _refuse(asked, rows.filter(~inside).height, rows.height)


def _refuse(asked: Asked, strangers: int, rows: int) -> None:
    if strangers:
        raise PolygonError(f"{strangers} of {rows} rows lie outside the window asked for", asked, 200)


def _span(since: int, until: int) -> str:
    if since >= until:
        raise ValueError(f"the window [{since}, {until}) is empty or runs backwards")
    return f"[{_written(since)}, {_written(until)})"


def _written(nanoseconds: int) -> str:
    """An instant as RFC 3339 text, exact to the nanosecond."""
    seconds, rest = divmod(nanoseconds, 10**9)
    fraction = f".{rest:09d}" if rest else ""
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}{fraction}Z"
