"""The tree of a filing's items as the deprecated financials endpoint writes it: label, value, unit and order."""

from typing import Any

Item = tuple[str, str, int, str | tuple[str, str] | None]  # name, label, order, column (two: their difference; None: 0)
TREE: dict[str, tuple[Item, ...]] = {
    "balance_sheet": (
        ("assets", "Assets", 100, "total_assets"),
        ("current_assets", "Current Assets", 200, "total_current_assets"),
        ("noncurrent_assets", "Noncurrent Assets", 300, ("total_assets", "total_current_assets")),
        ("fixed_assets", "Fixed Assets", 400, "property_plant_equipment_net"),
        ("liabilities", "Liabilities", 600, "total_liabilities"),
        ("current_liabilities", "Current Liabilities", 700, "total_current_liabilities"),
        ("noncurrent_liabilities", "Noncurrent Liabilities", 800, ("total_liabilities", "total_current_liabilities")),
        ("equity", "Equity", 1400, "total_equity"),
        (
            "equity_attributable_to_noncontrolling_interest",
            "Equity Attributable To Noncontrolling Interest",
            1500,
            None,
        ),
        ("equity_attributable_to_parent", "Equity Attributable To Parent", 1600, "total_equity_attributable_to_parent"),
        ("liabilities_and_equity", "Liabilities And Equity", 1900, "total_liabilities_and_equity"),
    ),
    "income_statement": (
        ("revenues", "Revenues", 100, "revenue"),
        ("benefits_costs_expenses", "Benefits Costs and Expenses", 200, ("revenue", "income_before_income_taxes")),
        ("cost_of_revenue", "Cost Of Revenue", 300, "cost_of_revenue"),
        ("costs_and_expenses", "Costs And Expenses", 600, ("revenue", "income_before_income_taxes")),
        ("gross_profit", "Gross Profit", 800, "gross_profit"),
        ("operating_expenses", "Operating Expenses", 1000, "total_operating_expenses"),
        ("operating_income_loss", "Operating Income/Loss", 1100, "operating_income"),
        (
            "income_loss_from_continuing_operations_after_tax",
            "Income/Loss From Continuing Operations After Tax",
            1400,
            "consolidated_net_income_loss",
        ),
        (
            "income_loss_from_continuing_operations_before_tax",
            "Income/Loss From Continuing Operations Before Tax",
            1500,
            "income_before_income_taxes",
        ),
        ("income_tax_expense_benefit", "Income Tax Expense/Benefit", 2200, "income_taxes"),
        ("interest_expense_operating", "Interest Expense, Operating", 2700, "interest_expense"),
        ("net_income_loss", "Net Income/Loss", 3200, "consolidated_net_income_loss"),
        (
            "net_income_loss_attributable_to_noncontrolling_interest",
            "Net Income/Loss Attributable To Noncontrolling Interest",
            3300,
            None,
        ),
        (
            "net_income_loss_attributable_to_parent",
            "Net Income/Loss Attributable To Parent",
            3500,
            "consolidated_net_income_loss",
        ),
        (
            "net_income_loss_available_to_common_stockholders_basic",
            "Net Income/Loss Available To Common Stockholders, Basic",
            3700,
            "net_income_loss_attributable_common_shareholders",
        ),
        (
            "participating_securities_distributed_and_undistributed_earnings_loss_basic",
            "Participating Securities, Distributed And Undistributed Earnings/Loss, Basic",
            3800,
            None,
        ),
        (
            "preferred_stock_dividends_and_other_adjustments",
            "Preferred Stock Dividends And Other Adjustments",
            3900,
            None,
        ),
        ("basic_earnings_per_share", "Basic Earnings Per Share", 4200, "basic_earnings_per_share"),
        ("diluted_earnings_per_share", "Diluted Earnings Per Share", 4300, "diluted_earnings_per_share"),
        ("basic_average_shares", "Basic Average Shares", 4400, "basic_shares_outstanding"),
        ("diluted_average_shares", "Diluted Average Shares", 4500, "diluted_shares_outstanding"),
    ),
    "cash_flow_statement": (
        (
            "net_cash_flow_from_operating_activities",
            "Net Cash Flow From Operating Activities",
            100,
            "net_cash_from_operating_activities",
        ),
        (
            "net_cash_flow_from_investing_activities",
            "Net Cash Flow From Investing Activities",
            400,
            "net_cash_from_investing_activities",
        ),
        (
            "net_cash_flow_from_financing_activities",
            "Net Cash Flow From Financing Activities",
            700,
            "net_cash_from_financing_activities",
        ),
        (
            "net_cash_flow_from_operating_activities_continuing",
            "Net Cash Flow From Operating Activities, Continuing",
            200,
            "net_cash_from_operating_activities",
        ),
        (
            "net_cash_flow_from_investing_activities_continuing",
            "Net Cash Flow From Investing Activities, Continuing",
            500,
            "net_cash_from_investing_activities",
        ),
        (
            "net_cash_flow_from_financing_activities_continuing",
            "Net Cash Flow From Financing Activities, Continuing",
            800,
            "net_cash_from_financing_activities",
        ),
        ("exchange_gains_losses", "Exchange Gains/Losses", 1000, None),
        ("net_cash_flow", "Net Cash Flow", 1100, "change_in_cash_and_equivalents"),
        ("net_cash_flow_continuing", "Net Cash Flow, Continuing", 1200, "change_in_cash_and_equivalents"),
    ),
    "comprehensive_income": (
        ("comprehensive_income_loss", "Comprehensive Income/Loss", 100, "consolidated_net_income_loss"),
        (
            "comprehensive_income_loss_attributable_to_noncontrolling_interest",
            "Comprehensive Income/Loss Attributable To Noncontrolling Interest",
            200,
            None,
        ),
        (
            "comprehensive_income_loss_attributable_to_parent",
            "Comprehensive Income/Loss Attributable To Parent",
            300,
            "consolidated_net_income_loss",
        ),
        ("other_comprehensive_income_loss", "Other Comprehensive Income/Loss", 400, None),
        (
            "other_comprehensive_income_loss_attributable_to_parent",
            "Other Comprehensive Income/Loss Attributable To Parent",
            600,
            None,
        ),
    ),
}
UNITS = {4200: "USD / shares", 4300: "USD / shares", 4400: "shares", 4500: "shares"}  # by order; the rest is USD


def tree(row: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """Statements of one row of ``FINANCIALS``; one without figures (the balance of a running year) is absent."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for statement, items in TREE.items():
        points = {}
        for name, label, order, column in items:
            value = _value(row, column)
            if value is not None:
                points[name] = {"label": label, "value": value, "unit": UNITS.get(order, "USD"), "order": order}
        if statement != "balance_sheet" or row["total_assets"] is not None:
            found[statement] = points
    return found


def _value(row: dict[str, Any], column: str | tuple[str, str] | None) -> float | None:
    if column is None:
        return 0
    if isinstance(column, str):
        value: float | None = row[column]
        return value
    above, below = (row[name] for name in column)
    return None if above is None or below is None else above - below
