"""The synthetic companies' statements keep the books: what an accountant and a point-in-time reader may rely on."""

from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from smallcaps_assets.source.emulator.listings import DELISTED, FIRST_LISTED
from smallcaps_assets.source.emulator.statement_columns import FINANCIALS, FLOWS
from smallcaps_assets.source.emulator.statements import quarter_ends
from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
from smallcaps_assets_tests.source.emulator.synthetic_sample import market

SUMS = {
    "gross_profit": ("revenue", "-cost_of_revenue"),
    "total_operating_expenses": ("research_development", "selling_general_administrative"),
    "operating_income": ("gross_profit", "-total_operating_expenses"),
    "income_before_income_taxes": ("operating_income", "total_other_income_expense"),
    "consolidated_net_income_loss": ("income_before_income_taxes", "-income_taxes"),
    "ebitda": ("operating_income", "depreciation_depletion_and_amortization"),
    "net_cash_from_operating_activities": (
        "net_income",
        "depreciation_depletion_and_amortization",
        "change_in_other_operating_assets_and_liabilities_net",
    ),
    "net_cash_from_financing_activities": (
        "long_term_debt_issuances_repayments",
        "short_term_debt_issuances_repayments",
        "dividends",
        "other_financing_activities",
    ),
    "change_in_cash_and_equivalents": (
        "net_cash_from_operating_activities",
        "net_cash_from_investing_activities",
        "net_cash_from_financing_activities",
    ),
    "total_current_assets": ("cash_and_equivalents", "receivables", "inventories", "other_current_assets"),
    "total_assets": ("total_current_assets", "property_plant_equipment_net"),
    "total_current_liabilities": ("accounts_payable", "accrued_and_other_current_liabilities", "debt_current"),
    "total_liabilities": ("total_current_liabilities", "long_term_debt_and_capital_lease_obligations"),
    "total_equity": ("additional_paid_in_capital", "retained_earnings_deficit"),
    "total_liabilities_and_equity": ("total_liabilities", "total_equity"),
}
MOVES = {  # what a balance changes by from one quarter to the next
    "cash_and_equivalents": ("change_in_cash_and_equivalents",),
    "retained_earnings_deficit": ("net_income", "dividends"),
    "additional_paid_in_capital": ("other_financing_activities",),
    "property_plant_equipment_net": (
        "-purchase_of_property_plant_and_equipment",
        "-depreciation_depletion_and_amortization",
    ),
    "long_term_debt_and_capital_lease_obligations": ("long_term_debt_issuances_repayments",),
}


def statements(timeframe: str) -> pl.DataFrame:
    found = market().financials().filter(pl.col("timeframe") == timeframe)
    assert found.height > 50
    return found.sort("cik", "period_end")


def added(members: tuple[str, ...]) -> pl.Expr:
    return pl.sum_horizontal(-pl.col(name[1:]) if name.startswith("-") else pl.col(name) for name in members)


@pytest.mark.parametrize("timeframe", ["quarterly", "annual"])
def test_every_total_is_the_sum_of_its_parts(timeframe: str) -> None:
    found = statements(timeframe)
    wrong = found.select((pl.col(total) != added(parts)).sum().alias(total) for total, parts in SUMS.items())
    assert wrong.row(0) == (0,) * len(SUMS)
    assert found.select((pl.col("total_assets") == pl.col("total_liabilities_and_equity")).all()).item()


def test_balances_move_by_the_flows_of_the_quarter() -> None:
    found = statements("quarterly")
    moved = found.select(
        (pl.col(level).diff().over("cik") - added(flows)).alias(level) for level, flows in MOVES.items()
    ).drop_nulls()
    assert moved.height > 500
    assert moved.unique().rows() == [(0,) * len(MOVES)]


def test_a_year_is_the_sum_of_its_quarters_and_ends_with_the_running_year() -> None:
    quarters, years, running = (statements(name) for name in ("quarterly", "annual", "trailing_twelve_months"))
    summed = quarters.group_by("cik", "fiscal_year").agg(pl.len(), *(pl.col(name).sum() for name in FLOWS))
    summed = summed.filter(pl.col("len") == 4).drop("len")
    key = ["cik", "fiscal_year"]
    told = years.join(summed.select(key), on=key).select(*key, *FLOWS)
    assert told.height > 50
    assert_frame_equal(told, summed.join(told.select(key), on=key).select(*key, *FLOWS), check_row_order=False)
    ended = running.filter(pl.col("fiscal_quarter") == 4).select(*key, *FLOWS)
    assert_frame_equal(ended, years.select(*key, *FLOWS), check_row_order=False)


def test_nothing_is_filed_before_its_period_has_ended_or_after_the_market_has() -> None:
    waited = market().financials().select((pl.col("filing_date") - pl.col("period_end")).dt.total_days().alias("days"))
    assert (waited["days"].min(), waited["days"].max()) >= (28, 55)
    assert waited["days"].max() <= 90  # type: ignore[operator]
    assert market().financials()["filing_date"].max() <= date(2026, 3, 31)  # type: ignore[operator]
    assert (market().financials()["filing_date"].dt.weekday() <= 5).all()


def test_shares_are_those_of_the_markets_last_session_in_the_period() -> None:
    sessions = market().sessions()
    told = statements("quarterly").filter(pl.col("period_end") >= sessions[0])
    named = {row["ticker"]: row["cik"] for row in market().listings().iter_rows(named=True)}
    checked = 0
    for tickers, cik, end, shares in told.select(
        "tickers", "cik", "period_end", "basic_shares_outstanding"
    ).iter_rows():
        known = market().shares(tickers[0], end)
        if known is not None and named[tickers[0]] == cik:
            assert shares == known, (tickers, end)
            checked += 1
    assert checked > 300


def test_profit_a_share_is_the_profit_over_the_shares() -> None:
    net, basic = pl.col("consolidated_net_income_loss"), pl.col("basic_shares_outstanding")
    wrong = market().financials().filter((pl.col("basic_earnings_per_share") - net / basic).abs() > 0.0051)
    assert wrong.is_empty()
    diluted = market().financials().filter(pl.col("diluted_shares_outstanding") < basic)
    assert diluted.is_empty()


def test_companies_file_while_they_are_listed() -> None:
    sessions = market().sessions()
    found = market().financials()
    for index, ordinal in DELISTED.items():
        if ordinal < len(sessions):
            filed = found.filter(pl.col("cik") == f"{1_900_000 + index:010d}")["filing_date"]
            assert filed.is_empty() or filed.max() < sessions[ordinal]  # type: ignore[operator]
    for index, ordinal in FIRST_LISTED.items():
        if ordinal < len(sessions):
            ended = found.filter(pl.col("cik") == f"{1_900_000 + index:010d}")["period_end"]
            assert ended.is_empty() or ended.min() >= sessions[ordinal]  # type: ignore[operator]


def test_funds_warrants_and_units_file_nothing() -> None:
    typed = market().listings().filter(pl.col("type").is_in(["ETF", "WARRANT", "UNIT"]))["ticker"].to_list()
    assert market().financials().explode("tickers").filter(pl.col("tickers").is_in(typed)).is_empty()


def test_a_longer_market_begins_with_the_same_statements() -> None:
    short = SyntheticMarket(end=date(2025, 6, 30)).financials()
    long = market().financials().filter(pl.col("filing_date") <= date(2025, 6, 30))
    key = ["cik", "period_end", "timeframe"]
    assert_frame_equal(short.sort(key), long.sort(key))
    assert short.height > 500


def test_a_market_too_young_for_two_quarters_has_typed_empty_statements() -> None:
    found = SyntheticMarket(tickers=3, start=date(2024, 1, 2), end=date(2024, 1, 3)).financials()
    assert found.schema == FINANCIALS
    assert SyntheticMarket(tickers=1, end=date(2024, 1, 3)).financials().schema == FINANCIALS


def test_quarters_end_on_their_last_day() -> None:
    assert quarter_ends(date(2023, 12, 31), date(2024, 6, 29)) == [date(2023, 12, 31), date(2024, 3, 31)]


def test_offerings_are_of_the_lines_that_listed_while_the_market_ran() -> None:
    found, sessions = market().ipos(), market().sessions()
    due = sorted(sessions[ordinal] for ordinal in FIRST_LISTED.values() if ordinal < len(sessions))
    assert found["listing_date"].to_list() == due
    for row in found.iter_rows(named=True):
        first = market().daily_of(row["ticker"], row["listing_date"], row["listing_date"])
        assert row["final_issue_price"] == first["o"].item()
        assert row["shares_outstanding"] == market().shares(row["ticker"], row["listing_date"])
        assert row["lowest_offer_price"] < row["final_issue_price"] < row["highest_offer_price"]
        assert row["listing_date"] - row["announced_date"] == timedelta(days=24)
