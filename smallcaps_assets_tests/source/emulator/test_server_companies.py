"""Financial statements, ratios, public offerings and related companies over HTTP."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from smallcaps_assets_tests.source.emulator.toy_service import body, toy_service, walked

V1 = "/stocks/financials/v1/"
OLD = "/vX/reference/financials"
LISTS = [f"{V1}income-statements", f"{V1}cash-flow-statements", f"{V1}balance-sheets", f"{V1}ratios", OLD]
LISTS.append("/vX/reference/ipos")


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with toy_service() as client:
        yield client


def column(client: httpx.Client, address: str, member: str, **parameters: Any) -> list[Any]:
    return [row.get(member) for row in body(client, address, **parameters)["results"]]


@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.parametrize("address", LISTS)
def test_pages_together_are_one_page(client: httpx.Client, address: str, limit: int) -> None:
    whole = body(client, address, limit=100)["results"]
    assert len(whole) >= 2
    assert walked(client, address, limit=limit) == (whole, -(-len(whole) // limit))


@pytest.mark.parametrize("address", LISTS)
@pytest.mark.parametrize("query", ["limit=0", "limit=50001", "sort=nothing", "cursor=bGltaXQ9MQ&limit=1"])
def test_what_cannot_be_meant_is_refused(client: httpx.Client, address: str, query: str) -> None:
    assert client.get(f"{address}?{query}").status_code == 400


@pytest.mark.parametrize(
    "query", [f"{OLD}?timeframe=weekly", "/vX/reference/ipos?ipo_status=gone", f"{OLD}?include_sources=perhaps"]
)
def test_what_is_no_member_of_its_list_is_refused(client: httpx.Client, query: str) -> None:
    assert client.get(query).status_code == 400


def test_income_is_of_quarters_years_and_running_years(client: httpx.Client) -> None:
    reply = body(client, f"{V1}income-statements", period_end="2023-09-30", sort="timeframe.asc")
    assert reply["results"] == [
        {
            "tickers": ["AAA"],
            "cik": "0000000001",
            "period_end": "2023-09-30",
            "filing_date": "2023-11-09",
            "fiscal_year": 2023,
            "fiscal_quarter": 3,
            "timeframe": timeframe,
            **figures,
        }
        for timeframe, figures in (
            ("quarterly", {"revenue": 1_500_000}),
            (
                "trailing_twelve_months",
                {
                    "revenue": 6_000_000,
                    "income_before_income_taxes": 1_500_000,
                    "consolidated_net_income_loss": 1_200_000,
                    "ebitda": 1_500_000,
                    "diluted_earnings_per_share": 1.2,
                },
            ),
        )
    ]
    assert set(reply) == {"results", "status", "request_id"}


def test_a_running_year_has_no_balance(client: httpx.Client) -> None:
    assert column(client, f"{V1}balance-sheets", "timeframe") == ["annual", "quarterly"]


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"filing_date.lt": "2023-11-09"}, [4_000_000]),
        ({"filing_date.gte": "2023-11-09", "timeframe": "quarterly"}, [1_500_000]),
        ({"timeframe.any_of": "quarterly,annual", "sort": "period_end.desc"}, [1_500_000, 4_000_000]),
        ({"fiscal_year": "2022"}, [4_000_000]),
        ({"fiscal_year.any_of": "2021,2022"}, [4_000_000]),
        ({"fiscal_quarter.gt": "3"}, [4_000_000]),
        ({"tickers": "AAA", "limit": "1"}, [4_000_000]),
        ({"tickers": "AA"}, []),
        ({"tickers.any_of": "EEE,AAA", "timeframe": "annual"}, [4_000_000]),
        ({"tickers.all_of": "EEE,AAA"}, []),
        ({"tickers.all_of": "AAA,AAA", "timeframe": "annual"}, [4_000_000]),
        ({"cik": "0000000002"}, []),
        ({"sort": "revenue.desc", "timeframe.gt": "annual"}, [6_000_000, 1_500_000]),
    ],
)
def test_statements_are_filtered_and_sorted(client: httpx.Client, parameters: dict[str, str], found: list[int]) -> None:
    assert column(client, f"{V1}income-statements", "revenue", **parameters) == found


def test_ratios_are_of_todays_price_and_the_last_year_filed(client: httpx.Client) -> None:
    (row,) = body(client, f"{V1}ratios", ticker="AAA")["results"]
    assert row == {
        "ticker": "AAA",
        "cik": "0000000001",
        "date": "2024-01-08",
        "price": 12.0,
        "average_volume": 1000.0,
        "market_cap": 12_000_000.0,  # of 1,000,000 shares
        "earnings_per_share": 1.2,
        "price_to_earnings": 10.0,
        "price_to_book": 4.0,
        "price_to_sales": 2.0,
        "price_to_cash_flow": 6.0,
        "price_to_free_cash_flow": 8.0,
        "free_cash_flow": 1_500_000.0,
        "return_on_assets": 0.24,
        "return_on_equity": 0.4,
        "debt_to_equity": 0.3333,
        "current": 3.0,
        "quick": 2.0,
        "cash": 1.3333,
        "enterprise_value": 12_600_000.0,  # and 1,000,000 of debt less 400,000 of cash
        "ev_to_sales": 2.1,
        "ev_to_ebitda": 8.4,
        "dividend_yield": 0.01,
    }


def test_ratios_that_need_an_unknown_share_count_are_left_out(client: httpx.Client) -> None:
    (row,) = body(client, f"{V1}ratios", ticker="CCC")["results"]  # the same company by its CIK
    assert (row["price"], row["current"]) == (5.4, 3.0)
    assert not {"market_cap", "earnings_per_share", "price_to_earnings", "ev_to_sales"} & set(row)
    assert column(client, f"{V1}ratios", "ticker", **{"market_cap.gt": "1"}) == ["AAA"]
    assert column(client, f"{V1}ratios", "ticker", **{"price.lte": "12", "sort": "price.desc"}) == ["AAA", "CCC"]


def test_the_older_financials_are_trees_newest_first(client: httpx.Client) -> None:
    reply = body(client, OLD, ticker="AAA")
    assert reply["count"] == 3
    quarter, running, year = reply["results"]
    assert {name: value for name, value in quarter.items() if name != "financials"} == {
        "tickers": ["AAA"],
        "cik": "0000000001",
        "company_name": "Ancient Alloys Inc.",
        "timeframe": "quarterly",
        "fiscal_period": "Q3",
        "fiscal_year": "2023",
        "start_date": "2023-07-01",
        "end_date": "2023-09-30",
        "filing_date": "2023-11-09",
    }
    assert quarter["financials"]["balance_sheet"]["noncurrent_assets"] == {
        "label": "Noncurrent Assets",
        "value": 4_100_000,
        "unit": "USD",
        "order": 300,
    }
    assert (running["fiscal_period"], running["start_date"], "filing_date" in running) == ("TTM", "2022-10-01", False)
    assert "balance_sheet" not in running["financials"]
    income = running["financials"]["income_statement"]
    assert income["diluted_earnings_per_share"]["unit"] == "USD / shares"
    assert income["costs_and_expenses"]["value"] == 4_500_000  # all between revenue and income before taxes
    assert (year["fiscal_period"], year["start_date"], year["end_date"]) == ("FY", "2022-01-01", "2022-12-31")


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"timeframe": "annual"}, ["FY"]),
        ({"timeframe": "ttm"}, ["TTM"]),
        ({"company_name.search": "ancient"}, ["Q3", "TTM", "FY"]),
        ({"company_name": "Ancient"}, []),
        ({"period_of_report_date.lt": "2023-01-01"}, ["FY"]),
        ({"filing_date": "2023-03-01", "order": "asc"}, ["FY"]),
        ({"ticker": "EEE"}, []),
        ({"sic": "3674"}, []),
    ],
)
def test_the_older_financials_are_filtered(client: httpx.Client, parameters: dict[str, str], found: list[str]) -> None:
    assert column(client, OLD, "fiscal_period", **parameters) == found


def test_offerings_come_newest_first_without_what_is_unknown(client: httpx.Client) -> None:
    newest, oldest = body(client, "/vX/reference/ipos")["results"]
    assert (newest["ticker"], "final_issue_price" in newest) == ("EEE", False)
    assert oldest == {
        "ticker": "AAA",
        "issuer_name": "AAA Inc.",
        "listing_date": "2020-03-02",
        "ipo_status": "history",
        "primary_exchange": "XNAS",
        "security_type": "CS",
        "security_description": "Common Stock",
        "final_issue_price": 8.0,
        "last_updated": "2020-03-02",
    }


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"listing_date.gt": "2020-03-02"}, ["EEE"]),
        ({"ipo_status": "pending"}, []),
        ({"ticker": "AAA"}, ["AAA"]),
        ({"isin": "US75383L1026"}, []),
        ({"sort": "ticker", "order": "asc"}, ["AAA", "EEE"]),
        ({"sort": "isin"}, ["AAA", "EEE"]),
    ],
)
def test_offerings_are_filtered(client: httpx.Client, parameters: dict[str, str], found: list[str]) -> None:
    assert column(client, "/vX/reference/ipos", "ticker", **parameters) == found


def test_related_companies_are_those_whose_prices_moved_alike(client: httpx.Client) -> None:
    # EEE rose less every session, on today's split basis, as AAA did; CCC has two returns, QQQQ (unlisted) none.
    reply = body(client, "/v1/related-companies/AAA")
    assert (reply["stock_symbol"], reply["results"], reply["status"]) == ("AAA", [{"ticker": "EEE"}], "OK")
    assert column(client, "/v1/related-companies/NOPE", "ticker") == []
