"""The emulator over the toy market, in a thread of the test, reached over real HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from smallcaps_assets.source.emulator.market import Market
from smallcaps_assets.source.emulator.server import HOST, application, http_server, listening_on
from smallcaps_assets_tests.source.emulator.toy_market import ToyMarket

KEY = "a-key-for-tests"


@contextmanager
def toy_service(market: Market | None = None, **options: Any) -> Iterator[httpx.Client]:
    """A client with the right key; its ``base_url`` is the service's address.

    Without ``market`` it is the toy one; ``options`` are ``application``'s.
    """
    ready = threading.Event()
    app = application(market or ToyMarket(), KEY, ready=ready.set, **options)
    server = http_server(app)
    with listening_on(0) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        base = f"http://{HOST}:{listening.getsockname()[1]}"
        try:
            if not ready.wait(10):
                raise TimeoutError("the toy service did not start")
            with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {KEY}"}, timeout=10) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join(10)


def body(client: httpx.Client, address: str, **parameters: Any) -> Any:
    """The JSON of a reply that must be 200."""
    reply = client.get(address, params=parameters or None)
    assert reply.status_code == 200, reply.text
    return reply.json()


def walked(client: httpx.Client, address: str, **parameters: Any) -> tuple[list[dict[str, Any]], int]:
    """All rows of a list, every ``next_url`` followed as it stands; and how many pages there were."""
    page = body(client, address, **parameters)
    found, pages = list(page.get("results", [])), 1
    while "next_url" in page:
        page = body(client, page["next_url"])
        found += page.get("results", [])
        pages += 1
        assert pages < 1000, f"{address} never ends"
    return found, pages
