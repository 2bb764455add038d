"""Grouped daily, previous close and open-close."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from smallcaps_assets_tests.source.emulator.toy_service import body, toy_service

GROUPED = "/v2/aggs/grouped/locale/us/market/stocks/"
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with toy_service() as client:
        yield client


def grouped(client: httpx.Client, session: str, **parameters: Any) -> dict[str, dict[str, Any]]:
    return {row["T"]: row for row in body(client, GROUPED + session, **parameters)["results"]}


def test_grouped_daily_has_every_ticker_that_traded_even_those_no_list_has(client: httpx.Client) -> None:
    reply = body(client, GROUPED + "2024-01-02", adjusted="false")
    assert (reply["queryCount"], reply["resultsCount"], reply["count"]) == (5, 5, 5)
    assert (reply["adjusted"], reply["status"]) == (False, "OK")
    assert {row["T"] for row in reply["results"]} == {"AAA", "BBB", "DDD", "EEE", "QQQQ"}


def test_grouped_daily_bears_the_end_of_the_regular_day(client: httpx.Client) -> None:
    at = {row["t"] for row in grouped(client, "2024-01-02").values()}
    assert at == {int(datetime(2024, 1, 2, 16, tzinfo=NEW_YORK).timestamp()) * 1000}


def test_grouped_daily_is_in_no_order_but_always_in_the_same(client: httpx.Client) -> None:
    orders = [[row["T"] for row in body(client, GROUPED + "2024-01-02")["results"]] for _ in range(2)]
    assert orders[0] == orders[1]
    others = [[row["T"] for row in body(client, f"{GROUPED}2024-01-0{day}")["results"]] for day in (2, 3, 4, 5, 8)]
    assert any(order != sorted(order) for order in others)


def test_adjusted_prices_are_on_the_split_basis_of_the_markets_last_session(client: httpx.Client) -> None:
    # EEE closed at 0.60 the session before a 1:10 reverse split; the announced 1:4 of February is not executed yet.
    before = grouped(client, "2024-01-03")["EEE"]
    assert (before["c"], before["o"], before["vw"], before["v"], before["n"]) == (6.0, 5.0, 6.0, 100.0, 10)
    assert grouped(client, "2024-01-03", adjusted="false")["EEE"]["c"] == 0.6
    assert grouped(client, "2024-01-04")["EEE"]["c"] == 6.1
    assert grouped(client, "2024-01-03")["AAA"] == grouped(client, "2024-01-03", adjusted="false")["AAA"]


@pytest.mark.parametrize("session", ["2024-01-01", "2024-01-06", "2030-01-02", "1999-01-04"])
def test_no_session_is_an_empty_reply_without_results(client: httpx.Client, session: str) -> None:
    reply = body(client, GROUPED + session)
    assert (reply["queryCount"], reply["resultsCount"], reply["count"]) == (0, 0, 0)
    assert "results" not in reply


@pytest.mark.parametrize("session", ["2024-1-2", "yesterday", "2024-02-30", "1704153600000"])
def test_a_date_that_is_none_is_refused(client: httpx.Client, session: str) -> None:
    reply = client.get(GROUPED + session)
    assert reply.status_code == 400
    assert reply.json()["status"] == "ERROR"
    assert session in reply.json()["error"]


def test_a_flag_that_is_none_is_refused(client: httpx.Client) -> None:
    assert client.get(GROUPED + "2024-01-02?adjusted=maybe").status_code == 400


def test_previous_close_is_the_bar_of_the_markets_last_session(client: httpx.Client) -> None:
    reply = body(client, "/v2/aggs/ticker/AAA/prev")
    assert (reply["ticker"], reply["resultsCount"], reply["adjusted"]) == ("AAA", 1, True)
    (bar,) = reply["results"]
    assert (bar["T"], bar["c"]) == ("AAA", 12.0)
    assert bar["t"] == int(datetime(2024, 1, 8, 16, tzinfo=NEW_YORK).timestamp()) * 1000


def test_previous_close_of_an_unknown_ticker_is_empty(client: httpx.Client) -> None:
    reply = body(client, "/v2/aggs/ticker/NOPE/prev")
    assert reply["resultsCount"] == 0
    assert "results" not in reply


def test_open_close_has_the_prices_outside_regular_hours_too(client: httpx.Client) -> None:
    # The first pre-market minute opens at 10.0, the last after-hours minute (the twelfth) closes at 10.5 + 11.
    assert body(client, "/v1/open-close/AAA/2024-01-03") == {
        "status": "OK",
        "from": "2024-01-03",
        "symbol": "AAA",
        "open": 10.4,
        "high": 10.6,
        "low": 10.3,
        "close": 10.5,
        "volume": 1000.0,
        "afterHours": 21.5,
        "preMarket": 10.0,
    }


def test_open_close_leaves_out_what_did_not_trade(client: httpx.Client) -> None:
    assert not {"afterHours", "preMarket"} & set(body(client, "/v1/open-close/BBB/2024-01-03"))


def test_open_close_is_adjusted_by_default(client: httpx.Client) -> None:
    assert body(client, "/v1/open-close/EEE/2024-01-03")["preMarket"] == 100.0
    raw = body(client, "/v1/open-close/EEE/2024-01-03", adjusted="false")
    assert (raw["close"], raw["preMarket"]) == (0.6, 10.0)


@pytest.mark.parametrize("address", ["AAA/2024-01-06", "NOPE/2024-01-03", "DDD/2024-01-05"])
def test_open_close_without_a_bar_is_not_found(client: httpx.Client, address: str) -> None:
    reply = client.get(f"/v1/open-close/{address}")
    assert reply.status_code == 404
    assert (reply.json()["status"], reply.json()["message"]) == ("NOT_FOUND", "Data not found.")
