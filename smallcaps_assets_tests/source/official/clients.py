"""The vendor's own Python clients, what of them concerns US stocks, and their answers as plain members."""

import importlib
import inspect
from dataclasses import fields, is_dataclass
from typing import Any

PACKAGES = ("massive", "polygon")  # the present name of the client and the one before
OUT_OF_SCOPE = {
    "another asset class": {
        "get_futures_contract_details",
        "get_futures_product_details",
        "get_futures_snapshot",
        "get_last_crypto_trade",
        "get_last_forex_quote",
        "get_options_contract",
        "get_real_time_currency_conversion",
        "get_snapshot_crypto_book",
        "get_snapshot_indices",
        "get_snapshot_option",
        "list_futures_aggregates",
        "list_futures_contracts",
        "list_futures_exchanges",
        "list_futures_market_statuses",
        "list_futures_products",
        "list_futures_quotes",
        "list_futures_schedules",
        "list_futures_schedules_by_product_code",
        "list_futures_trades",
        "list_options_contracts",
        "list_snapshot_indices",
        "list_snapshot_options_chain",
    },
    "ETF Global's data, sold apart": {
        "get_etf_global_analytics",
        "get_etf_global_constituents",
        "get_etf_global_fund_flows",
        "get_etf_global_profiles",
        "get_etf_global_taxonomies",
    },
    "Benzinga's data, sold apart": {
        "list_benzinga_analyst_insights",
        "list_benzinga_analysts",
        "list_benzinga_bulls_bears_say",
        "list_benzinga_consensus_ratings",
        "list_benzinga_earnings",
        "list_benzinga_firms",
        "list_benzinga_guidance",
        "list_benzinga_news",
        "list_benzinga_news_v2",
        "list_benzinga_ratings",
    },
    "TMX's data, sold apart": {"list_tmx_corporate_events"},
    "the economy, not a stock": {
        "list_eu_merchant_aggregates",
        "list_eu_merchant_hierarchy",
        "list_inflation",
        "list_inflation_expectations",
        "list_labor_market_indicators",
        "list_treasury_yields",
    },
    "texts and forms of filings, which the platform has no dataset of": {
        "list_stocks_filings_10k_sections",
        "list_stocks_filings_13f",
        "list_stocks_filings_8k_disclosures",
        "list_stocks_filings_8k_text",
        "list_stocks_filings_form_3",
        "list_stocks_filings_form_4",
        "list_stocks_filings_index",
        "list_stocks_filings_risk_factors",
        "list_stocks_taxonomies_disclosures",
        "list_stocks_taxonomies_risk_factors",
    },
    "indicators, which the platform computes itself from the bars": {"get_ema", "get_macd", "get_rsi", "get_sma"},
    "an endpoint the vendor no longer describes": {"get_summaries"},
    "arithmetic without a request": {"time_mult"},
}


def rest_client(package: str, base: str, key: str | None, **settings: Any) -> Any:
    """The package's client of the service at ``base``."""
    return importlib.import_module(package).RESTClient(key, base=base, **settings)


def bad_response(package: str) -> type[Exception]:
    """What the package raises for a reply that is not 200."""
    error: type[Exception] = importlib.import_module(f"{package}.exceptions").BadResponse
    return error


def methods(package: str) -> set[str]:
    """Every public method of the client; those of its experimental part as ``vx.…``."""
    client = importlib.import_module(package).RESTClient
    experimental = importlib.import_module(f"{package}.rest.vX").VXClient
    found = {name for name, _ in inspect.getmembers(client, inspect.isfunction)}
    own = {f"vx.{name}" for name in vars(experimental)}
    return {name for name in found | own if name.removeprefix("vx.")[0] != "_"}


def method(client: Any, name: str) -> Any:
    """The client's method of that name."""
    for part in name.split("."):
        client = getattr(client, part)
    return client


def requests(client: Any, base: str) -> int:
    """How many requests the client has sent to the service, those of its experimental part included."""
    pools = (part.client.connection_from_url(base) for part in (client, client.vx))
    return sum(pool.num_requests for pool in pools)


def members(answer: Any) -> Any:
    """A model of theirs as its members that have a value, all the way down."""
    if isinstance(answer, list):
        return [members(element) for element in answer]
    if is_dataclass(answer):
        named = {field.name: getattr(answer, field.name, None) for field in fields(answer)}
        return {name: members(value) for name, value in named.items() if value is not None}
    return answer
