"""Splits, dividends, short interest, short volume, float and news over HTTP."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from smallcaps_assets_tests.source.emulator.toy_service import body, toy_service, walked

LISTS = [
    "/v3/reference/splits",
    "/stocks/v1/splits",
    "/v3/reference/dividends",
    "/stocks/v1/dividends",
    "/stocks/v1/short-interest",
    "/stocks/v1/short-volume",
    "/stocks/vX/float",
    "/v2/reference/news",
]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with toy_service() as client:
        yield client


def column(client: httpx.Client, address: str, member: str, **parameters: Any) -> list[Any]:
    return [row[member] for row in body(client, address, **parameters)["results"]]


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
@pytest.mark.parametrize("address", LISTS)
def test_pages_together_are_one_page(client: httpx.Client, address: str, limit: int) -> None:
    whole = body(client, address, limit=1000)["results"]
    found, pages = walked(client, address, limit=limit)
    assert (found, pages) == (whole, -(-len(whole) // limit))
    assert whole


@pytest.mark.parametrize("address", LISTS)
@pytest.mark.parametrize("query", ["limit=0", "limit=50001", "sort=nothing", "order=up", "cursor=bGltaXQ9MQ&limit=1"])
def test_what_cannot_be_meant_is_refused(client: httpx.Client, address: str, query: str) -> None:
    assert client.get(f"{address}?{query}").status_code == 400


def test_splits_come_newest_first_with_announced_ones(client: httpx.Client) -> None:
    rows = body(client, "/v3/reference/splits")["results"]
    assert rows[0] == {
        "id": "E2",
        "ticker": "EEE",
        "execution_date": "2024-02-01",
        "split_from": 4.0,
        "split_to": 1.0,
    }
    assert [row["id"] for row in rows] == ["E2", "E1", "E3"]


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"ticker": "EEE"}, ["E2", "E1"]),
        ({"execution_date.gte": "2024-01-04", "execution_date.lt": "2024-02-01"}, ["E1"]),
        ({"execution_date": "2024-01-03"}, ["E3"]),
        ({"reverse_split": "false"}, ["E3"]),
        ({"reverse_split": "true", "order": "asc"}, ["E1", "E2"]),
        ({"sort": "ticker", "order": "desc"}, ["E3", "E1", "E2"]),
    ],
)
def test_splits_are_filtered_and_sorted(client: httpx.Client, parameters: dict[str, str], found: list[str]) -> None:
    assert column(client, "/v3/reference/splits", "id", **parameters) == found


def test_newer_splits_say_what_a_price_is_multiplied_with(client: httpx.Client) -> None:
    rows = {
        row["id"]: row for row in body(client, "/stocks/v1/splits", sort="ticker.asc,execution_date.asc")["results"]
    }
    assert list(rows) == ["E1", "E2", "E3"]
    assert (rows["E1"]["adjustment_type"], rows["E1"]["historical_adjustment_factor"]) == ("reverse_split", 10.0)
    assert (rows["E3"]["adjustment_type"], rows["E3"]["historical_adjustment_factor"]) == ("forward_split", 0.333333)


def test_dividends_are_as_paid_and_leave_out_unknown_dates(client: httpx.Client) -> None:
    (row,) = body(client, "/v3/reference/dividends", ticker="AAA", **{"pay_date.gt": "2023-08-15"})["results"]
    assert row == {
        "id": "D3",
        "ticker": "AAA",
        "ex_dividend_date": "2023-11-01",
        "pay_date": "2023-11-15",
        "cash_amount": 0.1 * 11,
        "currency": "USD",
        "frequency": 4,
        "dividend_type": "CD",
    }
    assert column(client, "/v3/reference/dividends", "id", **{"cash_amount.lt": "0.3"}) == ["D9", "D0"]
    assert column(client, "/v3/reference/dividends", "id", frequency=0, dividend_type="SC") == ["D9"]


def test_newer_dividends_are_on_todays_split_basis_too(client: httpx.Client) -> None:
    (row,) = body(client, "/stocks/v1/dividends", ticker="EEE")["results"]
    assert (row["cash_amount"], row["split_adjusted_cash_amount"], row["distribution_type"]) == (0.05, 0.5, "special")
    assert row["historical_adjustment_factor"] == 0.9  # 0.05 of the 0.50 that the session before closed at
    unknown = body(client, "/stocks/v1/dividends", ticker="AAA")["results"]  # paid before the market's first close
    assert not any("historical_adjustment_factor" in row for row in unknown)


def test_short_interest_has_no_publication_date(client: httpx.Client) -> None:
    (row,) = body(client, "/stocks/v1/short-interest", ticker="AAA", settlement_date="2023-12-29")["results"]
    assert row == {
        "ticker": "AAA",
        "settlement_date": "2023-12-29",
        "short_interest": 29_000,
        "avg_daily_volume": 500,
        "days_to_cover": 58.0,
    }
    assert column(client, "/stocks/v1/short-interest", "ticker") == ["AAA", "AAA", "EEE", "EEE"]


def test_short_volume_is_of_the_dates_asked_for(client: httpx.Client) -> None:
    dates = column(client, "/stocks/v1/short-volume", "date", **{"date.gt": "2024-01-02", "date.lte": "2024-01-04"})
    assert dates == ["2024-01-03", "2024-01-04", "2024-01-03", "2024-01-04"]
    assert column(client, "/stocks/v1/short-volume", "short_volume_ratio", date="2024-01-03") == [25.0, 25.0]
    assert body(client, "/stocks/v1/short-volume", date="2024-01-06")["results"] == []
    assert body(client, "/stocks/v1/short-volume", **{"date.gt": "2030-01-06"})["results"] == []


def test_float_is_the_latest_value(client: httpx.Client) -> None:
    assert body(client, "/stocks/vX/float")["results"] == [
        {"ticker": "AAA", "effective_date": "2024-01-08", "free_float": 800_000.0, "free_float_percent": 80.0}
    ]


def test_news_comes_newest_first(client: httpx.Client) -> None:
    reply = body(client, "/v2/reference/news")
    assert [row["id"] for row in reply["results"]] == ["N3", "N2", "N1", "N0"]
    assert reply["count"] == 4


def test_news_leaves_out_members_without_a_value_at_any_depth(client: httpx.Client) -> None:
    oldest = body(client, "/v2/reference/news", order="asc", limit=1)["results"][0]
    assert set(oldest["publisher"]) == {"name", "homepage_url", "logo_url"}
    assert not {"keywords", "insights"} & set(oldest)


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"ticker": "EEE"}, ["N2", "N0"]),
        ({"ticker.gte": "BBB"}, ["N2", "N0"]),
        ({"published_utc.gte": "2024-01-04"}, ["N3", "N2"]),
        ({"published_utc.gt": "2024-01-03T12:00:00Z", "published_utc.lte": "2024-01-04T12:00:00Z"}, ["N2"]),
        ({"published_utc": "2024-01-02"}, ["N0"]),
        ({"ticker": "NOPE"}, []),
    ],
)
def test_news_is_filtered(client: httpx.Client, parameters: dict[str, str], found: list[str]) -> None:
    assert column(client, "/v2/reference/news", "id", **parameters) == found
