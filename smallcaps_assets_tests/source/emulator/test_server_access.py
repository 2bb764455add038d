"""Who may ask, how often, and how replies are sent."""

import re
from collections.abc import Iterator

import httpx
import pytest

from smallcaps_assets.source.emulator.envelope import EXCEEDED, RefusedError
from smallcaps_assets.source.emulator.server import RateLimit
from smallcaps_assets_tests.source.emulator.toy_service import KEY, toy_service

GROUPED = "/v2/aggs/grouped/locale/us/market/stocks/2024-01-02"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with toy_service() as client:
        yield client


def refusal(client: httpx.Client, headers: dict[str, str], query: str = "") -> tuple[int, str]:
    reply = httpx.get(client.base_url.join(GROUPED + query), headers=headers)
    said = reply.json()
    assert said["status"] == "ERROR"
    return reply.status_code, said["error"]


def test_a_request_without_a_key_is_refused(client: httpx.Client) -> None:
    assert refusal(client, {}) == (401, "API Key was not provided")


def test_a_request_with_another_key_is_refused(client: httpx.Client) -> None:
    assert refusal(client, {"Authorization": "Bearer other"}) == (401, "Unknown API Key")
    assert refusal(client, {}, "?apiKey=other") == (401, "Unknown API Key")


@pytest.mark.parametrize("header", [KEY, "Bearer", "Basic abc"])
def test_a_malformed_header_is_refused(client: httpx.Client, header: str) -> None:
    assert refusal(client, {"Authorization": header}) == (401, "authorization header was malformed")


def test_the_key_may_be_a_parameter(client: httpx.Client) -> None:
    assert httpx.get(client.base_url.join(f"/v3/reference/tickers/types?apiKey={KEY}")).status_code == 200


@pytest.mark.parametrize("address", ["/", "/v2/nothing", "/v3/trades", "/halts", "/v3/trades/AAA/1"])
def test_an_unknown_route_is_plain_text(client: httpx.Client, address: str) -> None:
    reply = client.get(address)
    assert (reply.status_code, reply.text) == (404, "404 page not found")
    assert reply.headers["content-type"].startswith("text/plain")


def test_only_get_is_answered(client: httpx.Client) -> None:
    assert client.post(GROUPED).status_code == 404


def test_long_replies_are_gzipped_for_those_who_accept_it(client: httpx.Client) -> None:
    address = "/v3/reference/exchanges"
    zipped = client.get(address, headers={"Accept-Encoding": "gzip"})
    plain = client.get(address, headers={"Accept-Encoding": "identity"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(zipped.headers["content-length"]) < int(plain.headers["content-length"])
    assert zipped.json()["results"] == plain.json()["results"]


def test_every_reply_names_itself(client: httpx.Client) -> None:
    replies = [client.get(GROUPED), client.get("/v3/reference/tickers/NOPE")]
    ids = [reply.headers["x-request-id"] for reply in replies]
    assert ids == [reply.json()["request_id"] for reply in replies]
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in ids)
    assert ids[0] != ids[1]
    assert replies[0].headers["content-type"] == "application/json"
    assert replies[0].headers["vary"] == "Accept-Encoding"


def test_of_repeated_parameters_the_first_counts_and_unknown_ones_are_ignored(client: httpx.Client) -> None:
    reply = client.get("/v3/trades/AAA?limit=2&limit=5&locale=us&market_type=stocks").json()
    assert len(reply["results"]) == 2


def test_the_request_after_the_last_of_a_minute_is_refused_with_a_time_to_wait() -> None:
    with toy_service(rate_limit=3) as client:
        replies = [client.get(GROUPED) for _ in range(4)]
        assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
        assert replies[3].headers["retry-after"] == "20"
        assert replies[3].json() | {"request_id": ""} == {"status": "ERROR", "request_id": "", "error": EXCEEDED}


def test_refused_keys_do_not_use_the_limit_up() -> None:
    with toy_service(rate_limit=1) as client:
        assert client.get(GROUPED, headers={"Authorization": "Bearer other"}).status_code == 401
        assert client.get(GROUPED).status_code == 200


def test_the_bucket_refills_by_the_clock_and_never_beyond_a_minute() -> None:
    now = [0.0]
    limit = RateLimit(60, clock=lambda: now[0])
    for _ in range(60):
        limit.take()
    with pytest.raises(RefusedError, match="429"):
        limit.take()
    now[0] = 1.0  # a second gives one request
    limit.take()
    with pytest.raises(RefusedError, match="429"):
        limit.take()
    now[0] = 1000.0
    for _ in range(60):
        limit.take()
    with pytest.raises(RefusedError, match="429"):
        limit.take()


def test_a_negative_limit_is_no_limit_at_all() -> None:
    with pytest.raises(ValueError, match="-1 requests a minute"):
        RateLimit(-1)
