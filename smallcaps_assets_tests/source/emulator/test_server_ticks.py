"""Trades and quotes: spans, order, pages that lose nothing and repeat nothing."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from smallcaps_assets_tests.source.emulator.toy_market import OPEN, SECOND, SESSIONS, THU, TUE, WED
from smallcaps_assets_tests.source.emulator.toy_service import body, toy_service, walked

TRADES, QUOTES = "/v3/trades/AAA", "/v3/quotes/AAA"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with toy_service() as client:
        yield client


def keys(rows: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(row["sip_timestamp"], row["id"]) for row in rows]


def ids(client: httpx.Client, **parameters: Any) -> str:
    rows = body(client, TRADES, order="asc", limit=50_000, **parameters)["results"]
    return "".join(row["id"] for row in rows)


def test_the_newest_come_first_unless_told(client: httpx.Client) -> None:
    downward, upward = (body(client, TRADES, **order)["results"] for order in ({}, {"order": "asc"}))
    assert len(downward) == 7 * len(SESSIONS)
    assert keys(downward) == keys(upward)[::-1]
    assert [row["sip_timestamp"] for row in upward] == sorted(row["sip_timestamp"] for row in upward)


def test_members_without_a_value_are_left_out(client: httpx.Client) -> None:
    first, second, third, *_ = body(client, TRADES, order="asc", limit=5)["results"]
    assert first["conditions"] == [14, 41]
    assert not {"correction", "trf_id", "trf_timestamp"} & set(first)
    assert second == {
        "exchange": 4,
        "id": "1",
        "participant_timestamp": OPEN[TUE] - 123,
        "price": 11.0,
        "sequence_number": 2,
        "sip_timestamp": OPEN[TUE] + 7,
        "size": 100.0,
        "tape": 3,
        "trf_id": 202,
        "trf_timestamp": OPEN[TUE],
    }
    assert "conditions" not in third  # an empty list is left out as well


def test_the_envelope_has_no_count(client: httpx.Client) -> None:
    assert set(body(client, TRADES)) == {"results", "status", "request_id"}


def test_a_date_is_its_new_york_day(client: httpx.Client) -> None:
    rows = body(client, TRADES, timestamp="2024-01-03")["results"]
    assert {row["sip_timestamp"] // (86_400 * SECOND) for row in rows} == {OPEN[WED] // (86_400 * SECOND)}
    assert len(rows) == 7
    assert body(client, TRADES, timestamp="2024-01-06")["results"] == []


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"timestamp.gte": "2024-01-03", "timestamp.lt": "2024-01-04"}, "0123456"),
        ({"timestamp.gt": "2024-01-02", "timestamp.lte": "2024-01-03"}, "0123456"),
        ({"timestamp.gt": "2024-01-03", "timestamp.lt": "2024-01-04"}, ""),
        ({"timestamp": OPEN[WED] + SECOND + 7}, "234"),
        ({"timestamp": OPEN[WED] + SECOND + 8}, ""),
        ({"timestamp.gte": OPEN[WED] + SECOND + 7, "timestamp.lt": OPEN[WED] + 2 * SECOND + 7}, "234"),
        ({"timestamp.gt": OPEN[WED] + SECOND + 7, "timestamp.lte": OPEN[WED] + 2 * SECOND + 7}, "5"),
        ({"timestamp.gte": "2024-01-03T14:30:02Z", "timestamp.lt": "2024-01-03T14:30:09.000000007Z"}, "5"),
        ({"timestamp.gte": "2024-01-03T09:30:02-05:00", "timestamp.lte": "2024-01-03T14:30:09.000000007Z"}, "56"),
        ({"timestamp.gte": OPEN[WED] // 10**6, "timestamp.lt": OPEN[THU] // 10**6}, ""),  # ms are read as ns
        ({"timestamp.gte": "2024-01-04", "timestamp.lt": "2024-01-03"}, ""),
    ],
)
def test_bounds_are_read_as_the_service_reads_them(
    client: httpx.Client, parameters: dict[str, Any], found: str
) -> None:
    assert ids(client, **parameters) == found


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 7, 34])
def test_pages_together_are_one_page(client: httpx.Client, order: str, limit: int) -> None:
    whole = body(client, TRADES, order=order)["results"]
    found, pages = walked(client, TRADES, order=order, limit=limit)
    assert keys(found) == keys(whole)
    assert pages == -(-35 // limit)


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_of_a_window_stay_inside_it(client: httpx.Client, order: str) -> None:
    span = {"timestamp.gte": OPEN[WED] + SECOND, "timestamp.lt": OPEN[THU] + 2 * SECOND + 7}
    whole = body(client, TRADES, order=order, **span)["results"]
    assert len(whole) == 10
    assert walked(client, TRADES, order=order, limit=3, **span) == (whole, 4)


def test_an_exactly_full_last_page_has_no_next(client: httpx.Client) -> None:
    assert "next_url" not in body(client, TRADES, limit=35)
    assert "next_url" not in body(client, TRADES, timestamp="2024-01-03", limit=7)


def test_the_cursor_says_where_it_resumes_and_holds_the_filters(client: httpx.Client) -> None:
    onward = httpx.URL(body(client, TRADES, limit=1, order="asc", timestamp="2024-01-03")["next_url"])
    cursor = onward.params["cursor"]
    assert "=" not in cursor
    text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    assert text == (
        "ap=1&as=&limit=1&order=asc&sort=timestamp&timestamp.gte=2024-01-03T14%3A30%3A00.000000007Z"
        "&timestamp.lt=2024-01-04T05%3A00%3A00.000000000Z"
    )


def test_quotes_leave_out_a_missing_side(client: httpx.Client) -> None:
    rows = body(client, QUOTES, order="asc", timestamp="2024-01-03")["results"]
    assert len(rows) == 3
    assert not {"bid_price", "bid_size", "bid_exchange", "indicators"} & set(rows[0])
    assert rows[0]["ask_price"] == 10.1
    assert rows[1]["bid_price"] == 11.0
    assert walked(client, QUOTES, order="asc", timestamp="2024-01-03", limit=1) == (rows, 3)


def test_an_unknown_ticker_has_an_empty_list(client: httpx.Client) -> None:
    assert body(client, "/v3/trades/NOPE")["results"] == []
    assert body(client, "/v3/quotes/aaa")["results"] == []  # tickers are case-sensitive


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=50001",
        "limit=ten",
        "limit=-1",
        "order=up",
        "sort=price",
        "timestamp=soon",
        "timestamp.gte=2024-02-30",
        "timestamp=2024-01-03T25:00:00Z",
        "timestamp=99999999999999999999",
        "cursor=YXA9MQ",
        "cursor=%FF%FE",
        "cursor=YXA9eCZsaW1pdD01&limit=5",
    ],
)
def test_what_cannot_be_meant_is_refused(client: httpx.Client, query: str) -> None:
    reply = client.get(f"{TRADES}?{query}")
    assert (reply.status_code, reply.json()["status"]) == (400, "ERROR")


def test_a_cursor_beside_other_filters_is_refused(client: httpx.Client) -> None:
    onward = body(client, TRADES, limit=1)["next_url"]
    reply = client.get(f"{onward}&limit=1")
    assert reply.status_code == 400
    assert "limit" in reply.json()["error"]
