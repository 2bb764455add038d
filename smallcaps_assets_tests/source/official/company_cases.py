"""Statements, ratios, offerings, relatives, snapshots of all: what the clients ask, and what the markets hold."""

from typing import Any

import polars as pl

from smallcaps_assets.source.emulator.statement_columns import BALANCE, CASH_FLOW, INCOME, PER_SHARE, PERIOD, SHARES
from smallcaps_assets_tests.source.official import market as held
from smallcaps_assets_tests.source.official.get_cases import Answer
from smallcaps_assets_tests.source.official.list_cases import Listing, facts, since
from smallcaps_assets_tests.source.official.market import Row

CONTINUING = {
    "cash_from_operating_activities_continuing_operations": "net_cash_from_operating_activities",
    "net_cash_from_investing_activities_continuing_operations": "net_cash_from_investing_activities",
    "net_cash_from_financing_activities_continuing_operations": "net_cash_from_financing_activities",
}
PERIODS = {"quarterly": "Q{}", "annual": "FY", "trailing_twelve_months": "TTM"}


def statements(*members: str, balances: bool = False) -> list[Row]:
    """Rows of one kind of statement; trailing twelve months have no balance."""
    frame = held.market().financials()
    if balances:
        frame = frame.filter(pl.col("timeframe") != "trailing_twelve_months")
    return held.rows(frame.select(*PERIOD, *members))


def filings() -> list[Row]:
    """Filings of the older endpoint, by what ``filing`` keeps of them."""
    return [
        {
            "cik": row["cik"],
            "end_date": row["period_end"],
            "fiscal_period": PERIODS[row["timeframe"]].format(row["fiscal_quarter"]),
            "revenues": row.get("revenue"),
            "assets": None if row["timeframe"] == "trailing_twelve_months" else row.get("total_assets"),
        }
        for row in held.rows(held.market().financials())
    ]


def filing(found: Row) -> Row:
    """A filing as the clients have it, by one item of two of its statements; they drop its tickers and timeframe."""
    financials = found["financials"]
    return {
        **{name: found[name] for name in ("cik", "end_date", "fiscal_period")},
        "revenues": financials.get("income_statement", {}).get("revenues", {}).get("value"),
        "assets": financials.get("balance_sheet", {}).get("assets", {}).get("value"),
    }


def balance_sheets() -> list[Row]:
    """Balance sheets."""
    return statements(*BALANCE, balances=True)


def income_statements() -> list[Row]:
    """Income statements."""
    return statements(*INCOME, *SHARES, *PER_SHARE)


def cash_flow_statements() -> list[Row]:
    """Cash flow statements; no company here has given an operation up."""
    found = statements(*CASH_FLOW)
    for row in found:
        for wire, name in CONTINUING.items():
            if name in row:
                row[wire] = row[name]
    return found


def snapshots() -> list[Row]:
    """The last two sessions of every ticker listed or traded; zeros where it did not trade. No split lies between."""
    before, last = (
        {row["T"]: row for row in held.market().daily(session).iter_rows(named=True)}
        for session in held.market().sessions()[-2:]
    )
    return [
        {
            "ticker": ticker,
            "close": last.get(ticker, {}).get("c", 0),
            "volume": last.get(ticker, {}).get("v", 0),
            "previous_close": before.get(ticker, {}).get("c", 0),
        }
        for ticker in {row["ticker"] for row in held.tickers()} | set(last)
    ]


def snapshot(found: Row) -> Row:
    """A universal snapshot as the clients have it, by its session."""
    members = ("close", "volume", "previous_close")
    return {"ticker": found["ticker"], **{name: found["session"][name] for name in members}}


def prices() -> list[Row]:
    """The last close of every company that has filed and traded in the last session."""
    filed = {ticker for row in held.rows(held.market().financials()) for ticker in row["tickers"]}
    last = held.market().daily(held.LAST).iter_rows(named=True)
    return [{"ticker": row["T"], "price": row["c"]} for row in last if row["T"] in filed]


COMPANIES = [
    Listing(
        "list_financials_ratios",
        prices,
        ("ticker",),
        4,
        shape=lambda found: {name: found[name] for name in ("ticker", "price")},
    ),
    Listing("list_universal_snapshots", snapshots, ("ticker",), 7, (), {"type": "stocks"}, shape=snapshot),
    Listing(
        "list_universal_snapshots",
        lambda: [row for row in snapshots() if row["ticker"] >= "M"],
        ("ticker",),
        3,
        (),
        {"ticker_gte": "M", "order": "desc"},
        descending=True,
        shape=snapshot,
    ),
    Listing("list_financials_balance_sheets", balance_sheets, ("period_end",), 60),
    Listing(
        "list_financials_balance_sheets",
        since(balance_sheets, "filing_date", "2025-01-01", "2026-01-01"),
        ("filing_date",),
        20,
        (),
        {"filing_date_gte": "2025-01-01", "filing_date_lt": "2026-01-01", "sort": "filing_date.desc"},
        descending=True,
    ),
    Listing("list_financials_income_statements", income_statements, ("period_end",), 90),
    Listing(
        "list_financials_income_statements",
        lambda: [row for row in income_statements() if row["tickers"] == [held.SPLIT]],
        ("fiscal_year",),
        2,
        (),
        {"tickers": held.SPLIT, "sort": "fiscal_year.asc"},
    ),
    Listing("list_financials_cash_flow_statements", cash_flow_statements, ("period_end",), 90),
    Listing("vx.list_stock_financials", filings, ("end_date",), 100, descending=True, shape=filing),
    Listing("vx.list_ipos", facts("ipos"), ("listing_date",), 1, descending=True),
]
RATIOS: dict[str, Any] = {  # AAA at 12.00 with a million shares, from its statements of 2023-09-30
    "ticker": "AAA",
    "cik": "0000000001",
    "date": "2024-01-08",
    "price": 12,
    "average_volume": 1000,
    "market_cap": 12_000_000,
    "earnings_per_share": 1.2,
    "price_to_earnings": 10,
    "price_to_book": 4,  # equity 3,000,000
    "price_to_sales": 2,  # revenue 6,000,000
    "price_to_cash_flow": 6,  # operating cash 2,000,000
    "price_to_free_cash_flow": 8,  # of which 500,000 was invested
    "dividend_yield": 0.01,  # 120,000
    "return_on_assets": 0.24,  # 1,200,000 of 5,000,000
    "return_on_equity": 0.4,
    "debt_to_equity": 0.3333,  # 1,000,000
    "current": 3,  # 900,000 to 300,000
    "quick": 2,
    "cash": 1.3333,
    "ev_to_sales": 2.1,
    "ev_to_ebitda": 8.4,
    "enterprise_value": 12_600_000,  # debt 1,000,000 and cash 400,000
    "free_cash_flow": 1_500_000,
}
RELATED = [
    Answer(
        "get_related_companies", ("AAA",), [{"ticker": "EEE"}]
    ),  # moved like it; the others did not trade long enough
    Answer("get_related_companies", ("NOPE",), []),
    Answer("list_financials_ratios", (), [RATIOS], {"ticker": "AAA"}),
]
