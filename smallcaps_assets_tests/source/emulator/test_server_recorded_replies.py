"""Every recorded or published reply of the service beside the emulator's to the same request: members and their kinds.

What the service sends and the emulator does not is named here, with the reason; what the emulator sends beyond a
recorded reply is checked against the description elsewhere.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import polars as pl
import pytest

from smallcaps_assets_tests.shared import SHARED, needs_shared
from smallcaps_assets_tests.source.emulator.synthetic_sample import market
from smallcaps_assets_tests.source.emulator.toy_service import body, toy_service

pytestmark = needs_shared
MOCKS = SHARED / "polygon"
MORE = ({"limit": "1"}, {"limit": "100"}, {"ticker.any_of": "NOPE"})  # asked besides, to see all members there are


OTHER_ASSETS = {  # members of options, and of tickers without trades
    "break_even_price",
    *(f"details.{name}" for name in ("contract_type", "exercise_style", "expiration_date", "shares_per_contract")),
    *(f"details.{name}" for name in ("strike_price", "underlying_ticker")),
    *(f"greeks.{name}" for name in ("delta", "gamma", "theta", "vega")),
    "implied_volatility",
    "last_trade.last_updated",
    "open_interest",
    *(f"underlying_asset.{name}" for name in ("change_to_break_even", "last_updated", "price", "ticker", "timeframe")),
}
FAIR_VALUE = "fmv"  # of Business plans only
ABSENT: dict[str, set[str]] = {  # of optional members, what the emulator has not
    # The made-up companies have no such items.
    "/stocks/financials/v1/balance-sheets": {
        ".results[].accumulated_other_comprehensive_income",
        ".results[].common_stock",
        ".results[].deferred_revenue_current",
        ".results[].other_assets",
        ".results[].other_equity",
        ".results[].other_noncurrent_liabilities",
    },
    "/stocks/financials/v1/cash-flow-statements": {
        ".results[].other_investing_activities",
        ".results[].other_operating_activities",
    },
    "/stocks/financials/v1/income-statements": {
        ".results[].other_income_expense",
        ".results[].other_operating_expenses",
    },
    # In samples only; the wire of /stocks/* has no count (polygon.md §1.1).
    "/stocks/financials/v1/ratios": {".count"},
    "/stocks/v1/short-interest": {".count"},
    "/stocks/v1/short-volume": {".count"},
    # The market's last trade of a session is never off an exchange.
    "/v2/last/trade/{stocksTicker}": {".results.f", ".results.r"},
    "/v2/reference/news": {".results[].amp_url", ".results[].description", ".results[].image_url"},
    "/v2/snapshot/locale/us/markets/stocks/tickers": {f".tickers[].{FAIR_VALUE}"},
    "/v2/snapshot/locale/us/markets/stocks/tickers/{stocksTicker}": {f".ticker.{FAIR_VALUE}"},
    # Decimal sizes are sent since 2026 and may be left out, as in trades.
    "/v2/snapshot/locale/us/markets/stocks/{direction}": {
        f".tickers[].{name}" for name in ("day.dv", "lastTrade.ds", "min.dav", "min.dv")
    },
    "/v3/reference/exchanges": {".results[].url"},
    # Of the made-up companies only what the platform's datasets hold is known.
    "/v3/reference/tickers/{ticker}": {
        *(f".results.address.{name}" for name in ("address1", "city", "postal_code", "state")),
        *(f".results.branding.{name}" for name in ("icon_url", "logo_url")),
        *(f".results.{name}" for name in ("description", "homepage_url", "phone_number", "total_employees")),
        *(f".results.{name}" for name in ("sic_code", "sic_description")),
    },
    "/v3/snapshot": {f".results[].{name}" for name in (*OTHER_ASSETS, FAIR_VALUE)},
    # No company here defers taxes or holds a part of another; nothing was filed anywhere.
    "/vX/reference/financials": {
        ".results[].source_filing_file_url",
        ".results[].source_filing_url",
        *(
            f".results[].financials.income_statement.{item}.{name}"
            for item in (
                "income_loss_before_equity_method_investments",
                "income_loss_from_equity_method_investments",
                "income_tax_expense_benefit_deferred",
            )
            for name in ("label", "order", "unit", "value")
        ),
    },
    "/vX/reference/ipos": {f".results[].{name}" for name in ("isin", "issue_end_date", "issue_start_date", "us_code")},
}


def by_endpoint() -> dict[str, list[dict[str, str]]]:
    """Rows of the index of recorded replies that are no errors."""
    index = MOCKS / "INDEX.json"
    found: dict[str, list[dict[str, str]]] = {}
    for row in json.loads(index.read_text())["files"] if index.is_file() else []:
        if row["endpoint"] != "(error)":
            found.setdefault(row["endpoint"], []).append(row)
    return found


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with toy_service(market()) as client:
        yield client


@pytest.fixture(scope="module")
def asked() -> list[dict[str, str]]:
    """What stands for the parameters in a path: tickers with and without dividends, trades off exchange, a rename."""
    companies = market().listings().filter(pl.col("cik").is_not_null(), pl.col("delisted").is_null())["ticker"]
    renamed = market().renames()["composite_figi"]
    return [
        {
            **dict.fromkeys(("stocksTicker", "stockTicker", "ticker"), ticker),
            "id": renamed.filter(renamed.is_duplicated())[0],
            "date": "2026-03-30",
            "multiplier": "1",
            "timespan": "day",
            "from": "2026-03-02",
            "to": "2026-03-31",
            "direction": "gainers",
        }
        for ticker in companies[:6]
    ]


def shape(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """(member, kind) of a reply; null is no member, items of a list are one."""
    if isinstance(value, dict):
        for name, member in value.items():
            if member is not None:
                yield from shape(member, f"{place}.{name}")
    elif isinstance(value, list):
        yield place, "list"
        for item in value:
            yield from shape(item, f"{place}[]")
    else:
        yield place, {bool: "flag", str: "text"}.get(type(value), "number")


@pytest.mark.parametrize("endpoint", by_endpoint())
def test_replies_have_the_shape_of_the_recorded_ones(
    client: httpx.Client, asked: list[dict[str, str]], endpoint: str
) -> None:
    ours: dict[str, str] = {}
    for number, values in enumerate(asked if "icker}" in endpoint else asked[:1]):
        address = endpoint.format(**values)
        for query in ({}, *(MORE if number == 0 else ())):
            ours |= dict(shape(body(client, address, **query)))
    missing: set[str] = set()
    for row in by_endpoint()[endpoint]:
        recorded = dict(shape(json.loads((MOCKS / row["file"]).read_text())))
        # Samples of /stocks/* show a number there, the wire sends a text (INDEX.md).
        kinds = {name: kind for name, kind in recorded.items() if name in ours and name != ".request_id"}
        assert {name: ours[name] for name in kinds} == kinds, row["file"]
        missing |= {name for name in recorded if name not in ours}
    assert missing == ABSENT.get(endpoint, set())
