"""``/stocks/financials/v1/…``: the three statements as they were filed, and ratios as of today."""

from dataclasses import replace

import polars as pl

from smallcaps_assets.source.emulator.directory import Directory
from smallcaps_assets.source.emulator.envelope import Call
from smallcaps_assets.source.emulator.paging import Endpoint, Kind, listed, parameters_of
from smallcaps_assets.source.emulator.ratios import NUMBERS
from smallcaps_assets.source.emulator.statement_columns import BALANCE, CASH_FLOW, INCOME, PER_SHARE, PERIOD, SHARES

FILTERS: dict[str, Kind] = {
    "cik": "text",
    "period_end": "date",
    "filing_date": "date",
    "fiscal_year": "number",
    "fiscal_quarter": "number",
    "timeframe": "text",
}
STATEMENTS = Endpoint(
    filters=FILTERS,
    sorts=tuple(PERIOD),
    sort="period_end.asc",
    order="asc",
    limit=100,
    most=50_000,
)
CONTINUING = {  # no company here has discontinued operations: these are the totals
    "cash_from_operating_activities_continuing_operations": "net_cash_from_operating_activities",
    "net_cash_from_investing_activities_continuing_operations": "net_cash_from_investing_activities",
    "net_cash_from_financing_activities_continuing_operations": "net_cash_from_financing_activities",
}
RATIOS = Endpoint(
    filters={"ticker": "text", "cik": "text", **dict.fromkeys(NUMBERS, "number")},
    sorts=("ticker", "cik", "date", *NUMBERS),
    sort="ticker.asc",
    order="asc",
    limit=100,
    most=50_000,
)


def balance_sheets(call: Call, directory: Directory) -> bytes:
    """Balances at the end of quarters and years; trailing twelve months have none."""
    ends = directory.financials.filter(pl.col("timeframe") != "trailing_twelve_months")
    return _statements(call, ends, BALANCE)


def income_statements(call: Call, directory: Directory) -> bytes:
    """Income of quarters, years and trailing twelve months."""
    return _statements(call, directory.financials, (*INCOME, *SHARES, *PER_SHARE))


def cash_flow_statements(call: Call, directory: Directory) -> bytes:
    """Cash flows of quarters, years and trailing twelve months."""
    flows = directory.financials.with_columns(pl.col(total).alias(name) for name, total in CONTINUING.items())
    return _statements(call, flows, (*CASH_FLOW, *CONTINUING))


def ratios(call: Call, directory: Directory) -> bytes:
    """One row a company that trades now."""
    return listed(call, RATIOS, parameters_of(call), directory.ratios)


def _statements(call: Call, frame: pl.DataFrame, members: tuple[str, ...]) -> bytes:
    parameters = parameters_of(call)
    carried = pl.col("tickers")
    if "tickers" in parameters:
        frame = frame.filter(carried.list.contains(parameters["tickers"]))
    if "tickers.any_of" in parameters:
        frame = frame.filter(_shared(parameters["tickers.any_of"]) > 0)
    if "tickers.all_of" in parameters:
        frame = frame.filter(_shared(parameters["tickers.all_of"]) == len(set(parameters["tickers.all_of"].split(","))))
    endpoint = replace(STATEMENTS, sorts=(*PERIOD, *members))
    return listed(call, endpoint, parameters, frame.select(endpoint.sorts))


def _shared(wanted: str) -> pl.Expr:
    """How many of the wanted tickers a row bears."""
    return pl.col("tickers").list.set_intersection(sorted(set(wanted.split(",")))).list.len()
