"""What the official clients make of refusals: bodies as text, limits survived or not, keys, compression."""

import importlib
import json
import time
from typing import Any

import httpx
import pytest
import urllib3

from smallcaps_assets.source.emulator.envelope import EXCEEDED
from smallcaps_assets_tests.source.emulator.toy_market import FRI, MON, TUE, WED
from smallcaps_assets_tests.source.emulator.toy_service import KEY, toy_service
from smallcaps_assets_tests.source.official.clients import bad_response, members, method, rest_client

GROUPED = "/v2/aggs/grouped/locale/us/market/stocks/2024-01-03"


def refusal(package: str, client: Any, name: str, *arguments: Any, **filters: Any) -> dict[str, str]:
    """The body of a refusal, without its request_id: all that their exception keeps of it."""
    with pytest.raises(bad_response(package)) as refused:
        list(method(client, name)(*arguments, **filters))
    said: dict[str, str] = json.loads(str(refused.value))
    assert len(said.pop("request_id")) == 32
    return said


@pytest.mark.parametrize(("key", "text"), [("other", "Unknown API Key"), ("", "authorization header was malformed")])
def test_a_wrong_key_is_refused(package: str, toy_base: str, key: str, text: str) -> None:
    for name, arguments in (("list_trades", ("AAA",)), ("get_ticker_details", ("AAA",))):
        said = refusal(package, rest_client(package, toy_base, key), name, *arguments)
        assert said == {"status": "ERROR", "error": text}


def test_a_missing_key_is_refused_by_the_client_itself(package: str, toy_base: str) -> None:
    with pytest.raises(Exception, match=f"{package.upper()}_API_KEY") as refused:
        rest_client(package, toy_base, None)
    assert type(refused.value).__name__ == "AuthError"


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("get_ticker_details", ("NOPE",), "Ticker not found."),
        ("get_ticker_details", ("aaa",), "Ticker not found."),  # tickers are case-sensitive
        ("get_ticker_details", ("DDD",), "Ticker not found."),  # gone, and no date
        ("get_ticker_details", ("DDD", "2024-01-05"), "Ticker not found."),
        ("get_ticker_events", ("NOPE",), "Ticker not found."),
        ("get_daily_open_close_agg", ("NOPE", WED), "Data not found."),
        ("get_daily_open_close_agg", ("AAA", "2024-01-06"), "Data not found."),
    ],
)
def test_what_is_not_there_is_404_for_single_answers(
    package: str, toy: Any, name: str, arguments: tuple[Any, ...], text: str
) -> None:
    assert refusal(package, toy, name, *arguments) == {"status": "NOT_FOUND", "message": text}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("list_trades", ("NOPE",)),
        ("list_quotes", ("NOPE",)),
        ("list_aggs", ("NOPE", 1, "minute", TUE, MON)),
        ("list_splits", ("NOPE",)),
        ("list_dividends", ("NOPE",)),
        ("list_tickers", ("NOPE",)),
        ("list_ticker_news", ("NOPE",)),
        ("list_short_interest", ("NOPE",)),
        ("list_short_volume", ("NOPE",)),
    ],
)
def test_what_is_not_there_is_an_empty_list_for_lists(toy: Any, name: str, arguments: tuple[Any, ...]) -> None:
    assert list(method(toy, name)(*arguments)) == []


@pytest.mark.parametrize(
    ("name", "arguments", "filters", "text"),
    [
        (
            "list_aggs",
            ("AAA", 1, "day", FRI, TUE),
            {},
            "The parameter 'to' cannot be a time that occurs before 'from'",
        ),
        ("get_aggs", ("AAA", 1, "day", "soon", TUE), {}, "Could not parse the time parameter: 'from'"),
        ("get_aggs", ("AAA", 0, "day", TUE, FRI), {}, "'multiplier'"),
        ("get_grouped_daily_aggs", ("2024-02-30",), {}, "date"),
        ("list_trades", ("AAA",), {"limit": 50_001}, "'limit'"),
        ("list_quotes", ("AAA",), {"order": "up"}, "'order'"),
        ("list_trades", ("AAA",), {"timestamp_gte": "soon"}, "timestamp.gte"),
        ("list_tickers", (), {"sort": "price"}, "'sort'"),
        ("list_tickers", (), {"limit": 1001}, "'limit'"),
        ("list_splits", (), {"execution_date": "soon"}, "execution_date"),
        ("list_short_interest", (), {"limit": 50_001}, "'limit'"),
    ],
)
def test_what_cannot_be_meant_is_400(
    package: str, toy: Any, name: str, arguments: tuple[Any, ...], filters: dict[str, Any], text: str
) -> None:
    said = refusal(package, toy, name, *arguments, **filters)
    assert said["status"] == "ERROR"
    assert text in said["error"]


def test_a_snapshot_by_the_enumeration_asks_a_route_that_is_none(package: str, toy: Any) -> None:
    # Their path gets the text "SnapshotMarketType.STOCKS"; only the plain word "stocks" reaches the endpoint.
    stocks = importlib.import_module(f"{package}.rest.models").SnapshotMarketType.STOCKS
    with pytest.raises(bad_response(package), match=r"^404 page not found$"):
        toy.get_snapshot_all(stocks)


def test_a_short_limit_is_survived_because_the_reply_says_how_long_to_wait(package: str) -> None:
    with toy_service(rate_limit=60) as http:
        client = rest_client(package, str(http.base_url).rstrip("/"), KEY)
        started = time.monotonic()
        while http.get(GROUPED).status_code == 200:
            assert time.monotonic() - started < 10
        refused = time.monotonic()
        assert len(client.get_grouped_daily_aggs(WED)) == 5
        # A token a second; their own back-off alone would have ended after 0.6 seconds and three refusals.
        assert 0.9 < time.monotonic() - refused < 5


def test_a_limit_that_outlasts_the_retries_surfaces_without_the_services_words(package: str) -> None:
    with toy_service(rate_limit=1) as http:
        base = str(http.base_url).rstrip("/")
        client = rest_client(package, base, KEY, retries=0)
        assert len(client.get_grouped_daily_aggs(WED)) == 5
        with pytest.raises(urllib3.exceptions.MaxRetryError, match="too many 429 error responses"):
            client.get_grouped_daily_aggs(WED)
        with pytest.raises(urllib3.exceptions.MaxRetryError):
            list(client.list_trades("AAA"))


def test_without_the_clients_retries_the_limit_is_a_bad_response() -> None:
    with toy_service(rate_limit=1) as http:  # the older package takes no options of its connection pool
        client = rest_client("massive", str(http.base_url).rstrip("/"), KEY, connection_pool_kw={"retries": False})
        assert len(client.get_grouped_daily_aggs(WED)) == 5
        said = refusal("massive", client, "get_grouped_daily_aggs", WED)
        assert said == {"status": "ERROR", "error": EXCEEDED}


def test_replies_come_gzipped_and_are_the_same_as_plain_ones(toy: Any, toy_base: str) -> None:
    reply = toy.get_exchanges(raw=True)
    assert reply.headers["Content-Encoding"] == "gzip"
    headers = {"Authorization": f"Bearer {KEY}", "Accept-Encoding": "identity"}
    plain = httpx.get(f"{toy_base}/v3/reference/exchanges", headers=headers)
    assert "content-encoding" not in plain.headers
    assert json.loads(reply.data)["results"] == plain.json()["results"]


def test_the_key_may_be_a_parameter_and_never_comes_back(toy: Any, toy_base: str) -> None:
    address, found = f"{toy_base}/v3/trades/AAA?limit=9&order=asc", list[str]()
    while address:
        reply = httpx.get(f"{address}&apiKey={KEY}")
        assert reply.status_code == 200
        assert KEY not in reply.text
        found += [row["id"] for row in reply.json()["results"]]
        address = reply.json().get("next_url", "")
    assert found == [trade.id for trade in toy.list_trades("AAA", order="asc", limit=9)]
    assert len(found) == 35


def test_the_clients_follow_pages_of_another_hosts_name_at_their_own_base(toy: Any, toy_base: str) -> None:
    # They keep path and query of next_url only, so that a proxy's name in it does no harm.
    page = json.loads(toy.list_trades("AAA", limit=9, raw=True).data)
    assert page["next_url"].startswith(f"{toy_base}/v3/trades/AAA?cursor=")
    assert [members(trade)["id"] for trade in toy.list_trades("AAA", limit=9)][:9] == [
        row["id"] for row in page["results"]
    ]
