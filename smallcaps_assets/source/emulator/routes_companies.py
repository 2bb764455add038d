"""Of companies, beside their facts by date: relatives, public offerings, and financials in the older XBRL form."""

import re
from datetime import date, timedelta
from typing import Any

import msgspec
import polars as pl

from smallcaps_assets.source.emulator.directory import Directory
from smallcaps_assets.source.emulator.envelope import Call, RefusedError, encoded
from smallcaps_assets.source.emulator.paging import Endpoint, flag_of, listed, parameters_of
from smallcaps_assets.source.emulator.xbrl import tree

IPO_STATES = ("direct_listing_process", "history", "new", "pending", "postponed", "rumor", "withdrawn")
IPOS = Endpoint(
    filters={"ticker": "text", "us_code": "text", "isin": "text", "listing_date": "date", "ipo_status": "text"},
    sorts=(
        "listing_date",
        "ticker",
        "last_updated",
        "security_type",
        "issuer_name",
        "currency_code",
        "final_issue_price",
        "min_shares_offered",
        "max_shares_offered",
        "lowest_offer_price",
        "highest_offer_price",
        "total_offer_size",
        "shares_outstanding",
        "primary_exchange",
        "lot_size",
        "security_description",
        "ipo_status",
        "announced_date",
        "us_code",
        "isin",
    ),
    sort="listing_date",
    order="desc",
    limit=10,
    most=1000,
)
FINANCIALS = Endpoint(
    filters={"cik": "text", "company_name": "text", "filing_date": "date", "period_of_report_date": "date"},
    sorts=("period_of_report_date", "filing_date"),
    sort="period_of_report_date",
    order="desc",
    limit=10,
    most=100,
    count=True,
)
TIMEFRAMES = {"quarterly": "quarterly", "annual": "annual", "ttm": "trailing_twelve_months"}


def related(call: Call, directory: Directory) -> bytes:
    """``/v1/related-companies/{ticker}``: up to ten tickers; none for an unknown one."""
    ticker = call.path["ticker"]
    found = [{"ticker": other} for other in directory.relatives.of(ticker)]
    return encoded({"request_id": call.request_id, "results": found, "status": "OK", "stock_symbol": ticker})


def ipos(call: Call, directory: Directory) -> bytes:
    """``/vX/reference/ipos``: newest listing first by default."""
    parameters = parameters_of(call)
    state = parameters.get("ipo_status", "history")
    if state not in IPO_STATES:
        raise RefusedError(400, f"'ipo_status' must be one of {', '.join(IPO_STATES)}, not '{state}'")
    codes = [pl.lit(None, pl.String).alias(name) for name in ("us_code", "isin")]  # of no security here
    return listed(call, IPOS, parameters, directory.ipos.with_columns(codes))


def financials(call: Call, directory: Directory) -> bytes:
    """``/vX/reference/financials``: the deprecated endpoint, each item with its value, unit, label and order."""
    parameters = parameters_of(call)
    flag_of(parameters, "include_sources", default=False)
    frame = directory.financials.with_columns(
        pl.col("cik").replace_strict(directory.companies, default=None, return_dtype=pl.String).alias("company_name"),
        pl.col("period_end").alias("period_of_report_date"),
    )
    if "timeframe" in parameters:
        if (timeframe := TIMEFRAMES.get(parameters["timeframe"])) is None:
            raise RefusedError(400, f"'timeframe' must be one of {', '.join(TIMEFRAMES)}")
        frame = frame.filter(pl.col("timeframe") == timeframe)
    if "ticker" in parameters:
        frame = frame.filter(pl.col("tickers").list.contains(parameters["ticker"]))
    if "company_name.search" in parameters:
        sought = re.escape(parameters["company_name.search"])
        frame = frame.filter(pl.col("company_name").str.contains(f"(?i){sought}"))
    if "sic" in parameters:  # known of no company
        frame = frame.clear()
    return listed(
        call,
        FINANCIALS,
        parameters,
        frame,
        lambda page: msgspec.Raw(msgspec.json.encode([_filing(row) for row in page.iter_rows(named=True)])),
    )


def _filing(row: dict[str, Any]) -> dict[str, Any]:
    """One filing as the older endpoint writes it; trailing twelve months were filed by nobody on no date."""
    end, quarterly = row["period_end"], row["timeframe"] == "quarterly"
    start = end.replace(day=1, month=end.month - 2) if quarterly else _year_before(end)
    running = row["timeframe"] == "trailing_twelve_months"
    filing: dict[str, Any] = {
        "tickers": row["tickers"],
        "cik": row["cik"],
        "company_name": row["company_name"],
        "timeframe": "ttm" if running else row["timeframe"],
        "fiscal_period": "TTM" if running else f"Q{row['fiscal_quarter']}" if quarterly else "FY",
        "fiscal_year": str(row["fiscal_year"]),
        "start_date": start,
        "end_date": end,
        "filing_date": None if running else row["filing_date"],
        "financials": tree(row),
    }
    return {name: value for name, value in filing.items() if value is not None}


def _year_before(end: date) -> date:
    return (end + timedelta(days=1)).replace(year=end.year - (end.month < 12))
