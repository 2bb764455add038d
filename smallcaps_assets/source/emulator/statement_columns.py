"""What a financial statement holds, under the vendor's names: what each of the three statements shows, and the whole.

Amounts are USD; what is paid out is negative in the cash flow.
"""

import polars as pl

PERIOD: dict[str, pl.DataType] = {
    "tickers": pl.List(pl.String()),
    "cik": pl.String(),
    "period_end": pl.Date(),
    "filing_date": pl.Date(),
    "fiscal_year": pl.Int64(),
    "fiscal_quarter": pl.Int64(),
    "timeframe": pl.String(),  # quarterly, annual, trailing_twelve_months
}
INCOME = (
    "revenue",
    "cost_of_revenue",
    "gross_profit",
    "research_development",
    "selling_general_administrative",
    "total_operating_expenses",
    "operating_income",
    "interest_expense",
    "total_other_income_expense",
    "income_before_income_taxes",
    "income_taxes",
    "consolidated_net_income_loss",
    "net_income_loss_attributable_common_shareholders",
    "ebitda",
)
SHARES = ("basic_shares_outstanding", "diluted_shares_outstanding")
PER_SHARE = ("basic_earnings_per_share", "diluted_earnings_per_share")
CASH_FLOW = (
    "net_income",
    "depreciation_depletion_and_amortization",
    "change_in_other_operating_assets_and_liabilities_net",
    "net_cash_from_operating_activities",
    "purchase_of_property_plant_and_equipment",
    "net_cash_from_investing_activities",
    "long_term_debt_issuances_repayments",
    "short_term_debt_issuances_repayments",
    "dividends",
    "other_financing_activities",
    "net_cash_from_financing_activities",
    "change_in_cash_and_equivalents",
)
BALANCE = (
    "cash_and_equivalents",
    "receivables",
    "inventories",
    "other_current_assets",
    "total_current_assets",
    "property_plant_equipment_net",
    "total_assets",
    "accounts_payable",
    "accrued_and_other_current_liabilities",
    "debt_current",
    "total_current_liabilities",
    "long_term_debt_and_capital_lease_obligations",
    "total_liabilities",
    "additional_paid_in_capital",
    "retained_earnings_deficit",
    "total_equity",
    "total_equity_attributable_to_parent",
    "total_liabilities_and_equity",
)
FLOWS = (*INCOME, *CASH_FLOW)  # of the period; the balance is of its end, and no part of trailing twelve months
FINANCIALS = pl.Schema(
    {
        **PERIOD,
        **dict.fromkeys((*INCOME, *SHARES, *CASH_FLOW, *BALANCE), pl.Int64()),
        **dict.fromkeys(PER_SHARE, pl.Float64()),
    }
)
