"""Financial ratios of each company at the market's last session, from what it had filed by then."""

from datetime import date

import polars as pl

from smallcaps_assets.source.emulator.market import Market
from smallcaps_assets.source.emulator.statement_columns import FLOWS

VOLUME_SESSIONS = 30
SHARE_TYPES = ("CS", "ADRC")  # of a company's securities the one the ratios are of
MULTIPLES = {  # ratio -> what its numerator is divided by
    "price_to_earnings": ("price", "earnings_per_share"),
    "price_to_book": ("market_cap", "total_equity"),
    "price_to_sales": ("market_cap", "revenue"),
    "price_to_cash_flow": ("market_cap", "net_cash_from_operating_activities"),
    "price_to_free_cash_flow": ("market_cap", "free_cash_flow"),
    "return_on_assets": ("consolidated_net_income_loss", "total_assets"),
    "return_on_equity": ("consolidated_net_income_loss", "total_equity"),
    "debt_to_equity": ("debt", "total_equity"),
    "current": ("total_current_assets", "total_current_liabilities"),
    "quick": ("liquid", "total_current_liabilities"),
    "cash": ("cash_and_equivalents", "total_current_liabilities"),
    "ev_to_sales": ("enterprise_value", "revenue"),
    "ev_to_ebitda": ("enterprise_value", "ebitda"),
    "dividend_yield": ("paid", "market_cap"),
}
NUMBERS = (
    "price",
    "average_volume",
    "market_cap",
    "earnings_per_share",
    *MULTIPLES,
    "enterprise_value",
    "free_cash_flow",
)
BALANCE_SHEET = (
    "cash_and_equivalents",
    "receivables",
    "total_current_assets",
    "total_assets",
    "debt_current",
    "total_current_liabilities",
    "long_term_debt_and_capital_lease_obligations",
    "total_equity",
)


def ratios(market: Market, sessions: list[date], listings: pl.DataFrame, financials: pl.DataFrame) -> pl.DataFrame:
    """ticker, cik, date and ``NUMBERS``, by ticker: of companies that traded in the last session and have filed a year.

    Earnings, sales and cash flows are of the trailing twelve months, balances of the latest quarter, and earnings per
    share of today's shares, which have been through every split. A ratio to what is not positive is null.
    """
    today = sessions[-1]
    bars = market.daily(today).select(pl.col("T").alias("ticker"), pl.col("c").alias("price"))
    counts = pl.Series("shares", [market.shares(ticker, today) for ticker in bars["ticker"]], dtype=pl.Float64)
    volumes = pl.concat([market.daily(session).select("T", "v") for session in sessions[-VOLUME_SESSIONS:]])
    average = volumes.group_by(pl.col("T").alias("ticker")).agg(pl.col("v").mean().round(2).alias("average_volume"))
    here = pl.col("listed") <= today, (pl.col("delisted") > today).fill_null(value=True)
    shares = listings.filter(*here, pl.col("type").is_in(SHARE_TYPES).fill_null(value=True))
    year = _latest(financials, "trailing_twelve_months").select("cik", *FLOWS)
    found = (
        shares.select("ticker", "cik")
        .join(bars.with_columns(counts), on="ticker")
        .join(average, on="ticker")
        .join(year, on="cik")
        .join(_latest(financials, "quarterly").select("cik", *BALANCE_SHEET), on="cik")
    )
    debt = pl.col("debt_current") + pl.col("long_term_debt_and_capital_lease_obligations")
    found = found.with_columns(
        (pl.col("price") * pl.col("shares")).round(2).alias("market_cap"),
        (pl.col("consolidated_net_income_loss") / pl.col("shares")).round(4).alias("earnings_per_share"),
        pl.sum_horizontal("net_cash_from_operating_activities", "purchase_of_property_plant_and_equipment")
        .cast(pl.Float64)
        .alias("free_cash_flow"),
        debt.alias("debt"),
        (pl.col("cash_and_equivalents") + pl.col("receivables")).alias("liquid"),
        (-pl.col("dividends")).alias("paid"),
    ).with_columns((pl.col("market_cap") + debt - pl.col("cash_and_equivalents")).alias("enterprise_value"))
    divided = [
        pl.when(pl.col(below) > 0).then((pl.col(above) / pl.col(below)).round(4)).alias(name)
        for name, (above, below) in MULTIPLES.items()
    ]
    return (
        found.with_columns(pl.lit(today).alias("date"), *divided)
        .select("ticker", "cik", "date", *NUMBERS)
        .sort("ticker")
    )


def _latest(financials: pl.DataFrame, timeframe: str) -> pl.DataFrame:
    """The statements of each company's last period of that timeframe."""
    return financials.filter(pl.col("timeframe") == timeframe).sort("period_end").unique("cik", keep="last")
