"""The emulator's HTTP server: the routes of the service, who may call them, how often, and how replies are sent."""

import hmac
import math
import socket
import threading
import time
import uuid
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import date
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smallcaps_assets.source.emulator import (
    routes_aggs,
    routes_companies,
    routes_daily,
    routes_facts,
    routes_financials,
    routes_last,
    routes_reference,
    routes_snapshots,
    routes_status,
    routes_ticks,
)
from smallcaps_assets.source.emulator.directory import Directory
from smallcaps_assets.source.emulator.entitlement import NOT_ENTITLED, admit
from smallcaps_assets.source.emulator.envelope import EXCEEDED, NOT_FOUND_ROUTE, Call, RefusedError
from smallcaps_assets.source.emulator.exchange import BreakableProtocol
from smallcaps_assets.source.emulator.faults import Faults, FaultyService
from smallcaps_assets.source.emulator.flat_files import FlatStore
from smallcaps_assets.source.emulator.market import Market
from smallcaps_assets.source.emulator.plans import PLANS, Plan
from smallcaps_assets.source.emulator.routes_flat import ACCESS_KEY, flat_routes
from smallcaps_assets.source.emulator.routes_stream import Stream, StreamOptions

HOST = "127.0.0.1"
Answer = Callable[[Call, Directory], bytes]

ROUTES: dict[str, Answer] = {
    "/v2/aggs/grouped/locale/us/market/stocks/{date}": routes_daily.grouped,
    "/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}": routes_aggs.custom_bars,
    "/v2/aggs/ticker/{ticker}/prev": routes_daily.previous_close,
    "/v1/open-close/{ticker}/{date}": routes_daily.open_close,
    "/v2/snapshot/locale/us/markets/stocks/tickers": routes_snapshots.all_tickers,
    "/v2/snapshot/locale/us/markets/stocks/tickers/{ticker}": routes_snapshots.one_ticker,
    "/v2/snapshot/locale/us/markets/stocks/{direction}": routes_snapshots.movers,
    "/v3/snapshot": routes_snapshots.universal,
    "/v2/last/trade/{ticker}": routes_last.last_trade,
    "/v2/last/nbbo/{ticker}": routes_last.last_quote,
    "/v3/trades/{ticker}": routes_ticks.trades,
    "/v3/quotes/{ticker}": routes_ticks.quotes,
    "/v3/reference/tickers": routes_reference.tickers,
    "/v3/reference/tickers/types": routes_reference.ticker_types,
    "/v3/reference/tickers/{ticker}": routes_reference.details,
    "/vX/reference/tickers/{id}/events": routes_reference.events,
    "/v3/reference/conditions": routes_reference.conditions,
    "/v3/reference/exchanges": routes_reference.exchanges,
    "/v3/reference/splits": routes_facts.splits_v3,
    "/v3/reference/dividends": routes_facts.dividends_v3,
    "/stocks/v1/splits": routes_facts.splits_v1,
    "/stocks/v1/dividends": routes_facts.dividends_v1,
    "/stocks/v1/short-interest": routes_facts.short_interest,
    "/stocks/v1/short-volume": routes_facts.short_volume,
    "/stocks/vX/float": routes_facts.float_shares,
    "/v2/reference/news": routes_facts.news,
    "/stocks/financials/v1/balance-sheets": routes_financials.balance_sheets,
    "/stocks/financials/v1/income-statements": routes_financials.income_statements,
    "/stocks/financials/v1/cash-flow-statements": routes_financials.cash_flow_statements,
    "/stocks/financials/v1/ratios": routes_financials.ratios,
    "/vX/reference/financials": routes_companies.financials,
    "/vX/reference/ipos": routes_companies.ipos,
    "/v1/related-companies/{ticker}": routes_companies.related,
    "/v1/marketstatus/now": routes_status.status_now,
    "/v1/marketstatus/upcoming": routes_status.status_upcoming,
}
SMALLEST_GZIP = 1024  # bytes; below it gzip saves nothing
KEEP_ALIVE = 75  # seconds; longer than a client's pool keeps an idle connection, so that no request meets a closing one


class RateLimit:
    """A token bucket of ``per_minute`` requests, full at the start; 0 means no limit. ``clock`` gives seconds."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        if per_minute < 0:
            raise ValueError(f"a rate limit of {per_minute} requests a minute is not possible")
        self.per_minute = per_minute
        self.clock = clock
        self.tokens = float(per_minute)
        self.seen = clock()

    def take(self) -> None:
        """Count one request. RefusedError 429, with the seconds to wait in Retry-After, when there is none left."""
        if not self.per_minute:
            return
        now = self.clock()
        self.tokens = min(self.per_minute, self.tokens + (now - self.seen) * self.per_minute / 60)
        self.seen = now
        if self.tokens < 1:
            wait = math.ceil((1 - self.tokens) * 60 / self.per_minute)
            raise RefusedError(429, EXCEEDED, {"Retry-After": str(wait)})
        self.tokens -= 1


def application(
    market: Market,
    key: str,
    *,
    rate_limit: int | None = None,
    plan: str = "advanced",
    ready: Callable[[], None] = lambda: None,
    flat_access_key: str = ACCESS_KEY,
    republished: Iterable[tuple[str, date]] = (),
    faults: Faults | None = None,
    stream: StreamOptions | None = None,
) -> Starlette:
    """The service over ``market`` for callers with ``key``; ``ready`` is called once when it starts.

    Requests are answered one after another on the event loop: their work is the market's, which one core does at a
    time anyway. Only flat files, which take seconds, are made beside it; a lock keeps the market to one caller.
    ``plan`` is the callers' subscription (a key of ``PLANS``), ``rate_limit`` their requests a minute (0: no limit),
    the plan's when it is None. ``key`` is also the secret that goes with ``flat_access_key``; ``republished`` are flat
    files (kind, session) with a late correction, ``app.state.flat_files`` is their store, which can publish others
    again. ``faults`` befall requests as they are planned, also while the service runs; ``stream`` says how a session is
    played over the WebSocket.
    """
    directory = Directory(market)
    subscribed = PLANS[plan]
    limit = RateLimit(subscribed.per_minute if rate_limit is None else rate_limit)
    asking = threading.Lock()
    flat_files = FlatStore(market, asking)
    for kind, session in republished:
        flat_files.republish(kind, session)

    def endpoint(route: str, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            request_id = uuid.uuid4().hex
            try:
                _authorize(request, key)
                limit.take()
                call = _call(request, request_id, subscribed)
                with asking:
                    admit(call, route, *directory.served(subscribed))
                    body, status, headers = answer(call, directory), 200, dict[str, str]()
            except RefusedError as refused:
                body, status, headers = refused.body(request_id), refused.status, refused.headers
            return _response(request, body, status, {"X-Request-Id": request_id, **headers})

        return respond

    def refused_file(name: str) -> str | None:
        return None if subscribed.opens_file(name, directory.served(subscribed)[0]) else NOT_ENTITLED

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        ready()
        yield
        flat_files.close()

    app = Starlette(
        routes=[
            *(Route(path, endpoint(path, answer), methods=["GET"]) for path, answer in ROUTES.items()),
            *flat_routes(flat_files, key, access_key=flat_access_key, refused=refused_file),
            Stream(directory, asking, key, subscribed, stream or StreamOptions()).route(),
        ],
        middleware=[Middleware(FaultyService, faults=faults or Faults())],
        exception_handlers={404: _no_route, 405: _no_route},
        lifespan=lifespan,
    )
    app.state.flat_files = flat_files
    return app


def _authorize(request: Request, key: str) -> None:
    """The key as ``Authorization: Bearer KEY`` or ``?apiKey=KEY``; 401 without it or with another."""
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, given = header.partition(" ")
        if scheme.lower() != "bearer" or not given:
            raise RefusedError(401, "authorization header was malformed")
    else:
        given = request.query_params.get("apiKey", "")
        if not given:
            raise RefusedError(401, "API Key was not provided")
    if not hmac.compare_digest(given.encode(), key.encode()):
        raise RefusedError(401, "Unknown API Key")


def _call(request: Request, request_id: str, plan: Plan) -> Call:
    query: dict[str, str] = {}
    for name, value in parse_qsl(request.url.query, keep_blank_values=True):
        if name != "apiKey":
            query.setdefault(name, value)  # of repeated parameters the service reads the first
    return Call(
        request_id=request_id,
        origin=f"{request.url.scheme}://{request.url.netloc}",
        address=request.scope["raw_path"].decode().partition("?")[0],
        path=request.path_params,
        query=query,
        plan=plan,
    )


def _response(request: Request, body: bytes, status: int, headers: dict[str, str]) -> Response:
    headers = {"Vary": "Accept-Encoding", **headers}
    if len(body) >= SMALLEST_GZIP and "gzip" in request.headers.get("accept-encoding", ""):
        # Level 1: a tenth of the size of the JSON at 28 ms for 50,000 trades; level 6 takes 95 ms for a fifth less.
        body = zlib.compress(body, level=1, wbits=31)
        headers["Content-Encoding"] = "gzip"
    return Response(body, status, headers, media_type="application/json")


async def _no_route(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return Response(NOT_FOUND_ROUTE, 404, media_type="text/plain")


def listening_on(port: int) -> socket.socket:
    """A socket that listens on 127.0.0.1; port 0 takes a free one."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Head and body of a reply are written apart: with Nagle's algorithm each reply takes 40 ms more.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening.bind((HOST, port))
    listening.listen(512)
    return listening


def http_server(app: Starlette) -> uvicorn.Server:
    """A server to ``run(sockets=[...])`` until SIGINT, SIGTERM or ``should_exit``."""
    config = uvicorn.Config(
        app,
        http=BreakableProtocol,
        date_header=False,  # the service writes its own, on whatever clock
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=2,
        ws="websockets-sansio",
        ws_per_message_deflate=False,  # on loopback it costs more than it saves
    )
    return uvicorn.Server(config)
