"""Tickers of a date, details, events, types, exchanges, conditions, market status."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from smallcaps_assets_tests.shared import SHARED, needs_shared
from smallcaps_assets_tests.source.emulator.toy_market import FIGI
from smallcaps_assets_tests.source.emulator.toy_service import body, toy_service, walked

TICKERS = "/v3/reference/tickers"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with toy_service() as client:
        yield client


def names(client: httpx.Client, **parameters: Any) -> list[str]:
    return [row["ticker"] for row in body(client, TICKERS, **parameters)["results"]]


def test_delisted_tickers_are_hidden_unless_asked_for(client: httpx.Client) -> None:
    assert names(client) == ["AAA", "CCC", "EEE"]
    assert names(client, active="false") == ["AAA", "BBB", "DDD"]


@pytest.mark.parametrize(
    ("on", "active", "gone"),
    [
        ("2024-01-03", ["AAA", "BBB", "DDD", "EEE"], ["AAA"]),
        ("2024-01-04", ["AAA", "CCC", "DDD", "EEE"], ["AAA", "BBB"]),
        ("2024-01-05", ["AAA", "CCC", "EEE"], ["AAA", "BBB", "DDD"]),
        ("2012-01-03", ["AAA"], []),
        ("2009-01-02", [], []),
    ],
)
def test_a_date_gives_the_state_of_that_date(client: httpx.Client, on: str, active: list[str], gone: list[str]) -> None:
    assert names(client, date=on) == active
    assert names(client, date=on, active="false") == gone


def test_a_reused_ticker_has_two_securities(client: httpx.Client) -> None:
    (now,) = body(client, TICKERS, ticker="AAA")["results"]
    (then,) = body(client, TICKERS, ticker="AAA", active="false")["results"]
    assert (now["composite_figi"], then["composite_figi"]) == (FIGI["AAA"], FIGI["OLD"])
    assert now["active"] is True
    assert "delisted_utc" not in now
    assert (then["active"], then["delisted_utc"]) == (False, "2015-06-01T04:00:00Z")


def test_a_row_leaves_out_what_is_unknown(client: httpx.Client) -> None:
    (row,) = body(client, TICKERS, ticker="EEE")["results"]
    assert row == {
        "ticker": "EEE",
        "name": "EEE Inc.",
        "market": "stocks",
        "locale": "us",
        "primary_exchange": "XNAS",
        "type": "ADRC",
        "active": True,
        "currency_name": "usd",
        "last_updated_utc": "2024-01-08T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"ticker.gte": "C"}, ["CCC", "EEE"]),
        ({"ticker.gt": "AAA", "ticker.lt": "EEE"}, ["CCC"]),
        ({"ticker.any_of": "EEE,AAA"}, ["AAA", "EEE"]),
        ({"type": "CS"}, ["AAA", "CCC"]),
        ({"type": "ETF"}, []),
        ({"market": "stocks"}, ["AAA", "CCC", "EEE"]),
        ({"market": "otc"}, []),
        ({"exchange": "XNYS", "date": "2024-01-03"}, ["DDD"]),
        ({"cik": "0000000001"}, ["AAA", "CCC"]),
        ({"cusip": "000000000"}, []),
        ({"search": "ccc i"}, ["CCC"]),
        ({"search": "(("}, []),
        ({"order": "desc"}, ["EEE", "CCC", "AAA"]),
        ({"sort": "primary_exchange", "order": "asc"}, ["AAA", "CCC", "EEE"]),
    ],
)
def test_filters(client: httpx.Client, parameters: dict[str, str], found: list[str]) -> None:
    assert names(client, **parameters) == found


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_together_are_one_page(client: httpx.Client, limit: int) -> None:
    whole = body(client, TICKERS, active="false", date="2024-01-05")
    assert whole["count"] == 3
    found, pages = walked(client, TICKERS, active="false", date="2024-01-05", limit=limit)
    assert (found, pages) == (whole["results"], -(-3 // limit))


@pytest.mark.parametrize(
    "query", ["limit=1001", "limit=0", "order=down", "sort=price", "active=yes", "date=today", "cursor=abc&limit=1"]
)
def test_what_cannot_be_meant_is_refused(client: httpx.Client, query: str) -> None:
    reply = client.get(f"{TICKERS}?{query}")
    assert (reply.status_code, reply.json()["status"]) == (400, "ERROR")


def details(client: httpx.Client, ticker: str, **parameters: str) -> dict[str, Any]:
    found: dict[str, Any] = body(client, f"{TICKERS}/{ticker}", **parameters)["results"]
    return found


def test_details_multiply_an_old_close_with_a_later_share_count(client: httpx.Client) -> None:
    # 0.60 x 900,000 shares of after the 1:10 reverse split = 540,000; the truth was 0.60 x 8,000,000 = 4,800,000.
    before = details(client, "EEE", date="2024-01-03")
    assert before["market_cap"] == 540_000.0
    assert before["share_class_shares_outstanding"] == before["weighted_shares_outstanding"] == 8_000_000.0
    after = details(client, "EEE")
    assert (after["market_cap"], after["share_class_shares_outstanding"]) == (5_670_000.0, 900_000.0)


def test_details_of_a_weekend_use_the_last_close(client: httpx.Client) -> None:
    assert details(client, "AAA", date="2024-01-07")["market_cap"] == 11.5 * 1_000_000


def test_details_leave_out_what_is_unknown(client: httpx.Client) -> None:
    found = details(client, "CCC")
    assert not {"market_cap", "share_class_shares_outstanding", "share_class_figi"} & set(found)
    assert (found["list_date"], found["round_lot"], found["ticker_root"]) == ("2019-01-02", 100, "CCC")


def test_details_know_which_company_had_a_reused_ticker(client: httpx.Client) -> None:
    assert details(client, "AAA", date="2012-01-03")["name"] == "Ancient Alloys Inc."
    assert details(client, "AAA")["name"] == "AAA Inc."


@pytest.mark.parametrize(
    ("ticker", "query"),
    [
        ("DDD", ""),
        ("DDD", "?date=2024-01-05"),
        ("BBB", "?date=2024-01-04"),
        ("CCC", "?date=2024-01-03"),
        ("AAA", "?date=2018-01-03"),
        ("AAA", "?date=2024-01-09"),
        ("NOPE", ""),
        ("aaa", ""),
    ],
)
def test_details_outside_the_life_of_a_symbol_are_not_found(client: httpx.Client, ticker: str, query: str) -> None:
    reply = client.get(f"{TICKERS}/{ticker}{query}")
    assert reply.status_code == 404
    assert (reply.json()["status"], reply.json()["message"]) == ("NOT_FOUND", "Ticker not found.")


@pytest.mark.parametrize("identity", ["CCC", "BBB", FIGI["BBB"]])
def test_events_name_a_securitys_tickers_newest_first(client: httpx.Client, identity: str) -> None:
    found = body(client, f"/vX/reference/tickers/{identity}/events", types="ticker_change")["results"]
    assert found["composite_figi"] == FIGI["BBB"]
    assert found["events"] == [
        {"ticker_change": {"ticker": "CCC"}, "type": "ticker_change", "date": "2024-01-04"},
        {"ticker_change": {"ticker": "BBB"}, "type": "ticker_change", "date": "2019-01-02"},
    ]


def test_a_security_without_a_figi_has_its_listing_as_its_only_event(client: httpx.Client) -> None:
    found = body(client, "/vX/reference/tickers/EEE/events")["results"]
    assert [event["date"] for event in found["events"]] == ["2022-01-03"]
    assert "composite_figi" not in found


def test_events_of_an_unknown_ticker_are_not_found(client: httpx.Client) -> None:
    assert client.get("/vX/reference/tickers/NOPE/events").status_code == 404


def test_types_and_exchanges_are_not_paged(client: httpx.Client) -> None:
    types = body(client, f"{TICKERS}/types", asset_class="stocks")
    assert {"CS", "ETF", "WARRANT", "ADRC"} < {row["code"] for row in types["results"]}
    venues = body(client, "/v3/reference/exchanges")
    assert venues["count"] == len(venues["results"]) == 27
    assert {row["id"]: row.get("mic") for row in venues["results"]}[12] == "XNAS"
    assert body(client, "/v3/reference/exchanges", asset_class="fx")["results"] == []


@needs_shared
@pytest.mark.parametrize(
    ("address", "captured"),
    [
        ("/v3/reference/exchanges", "live_v3_reference_exchanges_stocks_us_2026-09-03.json"),
        ("/v3/reference/tickers/types", "live_v3_reference_tickers_types_stocks_us_2026-09-03.json"),
    ],
)
def test_exchanges_and_types_are_the_services_row_by_row(client: httpx.Client, address: str, captured: str) -> None:
    said = json.loads((SHARED / "polygon" / "mocks" / captured).read_text())
    assert body(client, address)["results"] == said["results"]


def test_conditions_come_ten_at_a_time_unless_told(client: httpx.Client) -> None:
    assert len(body(client, "/v3/reference/conditions")["results"]) == 10
    whole = body(client, "/v3/reference/conditions", limit=1000)["results"]
    found, _ = walked(client, "/v3/reference/conditions")
    assert found == whole
    form_t = next(row for row in whole if row["id"] == 12 and row["data_types"] == ["trade"])
    assert form_t["update_rules"]["consolidated"] == {
        "updates_high_low": False,
        "updates_open_close": False,
        "updates_volume": True,
    }


def test_conditions_are_filtered(client: httpx.Client) -> None:
    trades = body(client, "/v3/reference/conditions", data_type="trade", limit=1000)["results"]
    assert {"trade"} == {kind for row in trades for kind in row["data_types"]}
    (odd_lot,) = body(client, "/v3/reference/conditions", id=37, data_type="trade")["results"]
    assert odd_lot["name"] == "Odd Lot Trade"
    assert body(client, "/v3/reference/conditions", asset_class="crypto")["results"] == []


def test_the_market_is_closed_at_the_emulators_midnight(client: httpx.Client) -> None:
    now = body(client, "/v1/marketstatus/now")
    assert (now["market"], now["serverTime"]) == ("closed", "2024-01-09T00:00:00-05:00")


def test_holidays_to_come_are_a_bare_array(client: httpx.Client) -> None:
    found = body(client, "/v1/marketstatus/upcoming")
    assert found[0]["date"] == "2024-01-15"
    assert "King" in found[0]["name"]
    early = next(row for row in found if row["date"] == "2024-07-03" and row["exchange"] == "NYSE")
    assert (early["status"], early["close"]) == ("early-close", "2024-07-03T17:00:00.000Z")
    assert all(row["date"] > "2024-01-08" for row in found)
