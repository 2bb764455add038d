"""The vendor's own WebSocket clients, the new and the old one, hear from the stream what the REST replies say."""

import asyncio
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx
import massive
import polygon
import pytest

from smallcaps_assets.source.emulator.routes_stream import StreamOptions
from smallcaps_assets_tests.source.emulator.toy_market import MON, OPEN, SECOND
from smallcaps_assets_tests.source.emulator.toy_service import KEY, body, toy_service

PATIENCE = 5.0
both = pytest.mark.parametrize("vendor", [massive, polygon], ids=["massive", "polygon"])


@pytest.fixture(scope="module")
def service() -> Iterator[httpx.Client]:
    with toy_service(stream=StreamOptions(speed=1000)) as client:
        yield client


@both
def test_the_vendors_client_parses_what_the_rest_replies_say(service: httpx.Client, vendor: ModuleType) -> None:
    models = vendor.websocket.models
    found: list[Any] = []
    client = vendor.WebSocketClient(
        api_key=KEY,
        feed=f"{service.base_url.host}:{service.base_url.port}",
        subscriptions=["T.AAA", "Q.AAA", "AM.AAA"],
        secure=False,
        max_reconnects=0,
    )

    async def take(events: list[Any]) -> None:
        found.extend(events)
        if sum(isinstance(event, models.EquityAgg) for event in events):
            await client.close()

    asyncio.run(asyncio.wait_for(client.connect(take), PATIENCE))
    window = {"timestamp.gte": str(OPEN[MON]), "timestamp.lt": str(OPEN[MON] + 60 * SECOND), "order": "asc"}
    trades = body(service, "/v3/trades/AAA", **window)["results"]
    assert len(trades) == 7
    assert [event for event in found if isinstance(event, models.EquityTrade)] == [
        models.EquityTrade(
            event_type="T",
            symbol="AAA",
            exchange=trade["exchange"],
            id=trade["id"],
            tape=trade["tape"],
            price=trade["price"],
            size=trade["size"],
            conditions=trade.get("conditions"),
            timestamp=trade["sip_timestamp"] // 10**6,
            sequence_number=trade["sequence_number"],
            trf_id=trade.get("trf_id"),
            trf_timestamp=trade["trf_timestamp"] // 10**6 if "trf_timestamp" in trade else None,
        )
        for trade in trades
    ]
    quotes = body(service, "/v3/quotes/AAA", **window)["results"]
    heard = [event for event in found if isinstance(event, models.EquityQuote)]
    assert [(q.bid_price, q.ask_price, q.ask_size, q.condition, q.sequence_number) for q in heard] == [
        (q.get("bid_price"), q["ask_price"], q["ask_size"], q["conditions"][0], q["sequence_number"]) for q in quotes
    ]
    (minute,) = body(service, f"/v2/aggs/ticker/AAA/range/1/minute/{OPEN[MON] // 10**6}/{OPEN[MON] // 10**6}")[
        "results"
    ]
    bar = next(event for event in found if isinstance(event, models.EquityAgg))
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.vwap, bar.start_timestamp) == tuple(
        minute[name] for name in ("o", "h", "l", "c", "v", "vw", "t")
    )


@both
def test_the_vendors_client_knows_a_refused_key(service: httpx.Client, vendor: ModuleType) -> None:
    feed = f"{service.base_url.host}:{service.base_url.port}"
    client = vendor.WebSocketClient(api_key="another-key", feed=feed, secure=False, max_reconnects=0)

    async def take(_events: list[Any]) -> None:
        raise AssertionError("nothing is sent to an unknown key")

    async def attempt() -> None:
        try:
            await client.connect(take)
        finally:
            await client.close()  # it leaves its socket open

    with pytest.raises(vendor.exceptions.AuthError, match="authentication failed"):
        asyncio.run(asyncio.wait_for(attempt(), PATIENCE))
