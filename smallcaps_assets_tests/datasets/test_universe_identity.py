"""Universe: counts and splits follow the security, the vendor's cap is compared and never used, nothing is foreseen."""

from datetime import timedelta
from typing import Any

import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.datasets.universe import Universe, the_vendors_caps_are_near_ours
from smallcaps_assets_tests.datasets.test_universe import ALL, SESSION, Facts, parts, row, stock


def listed_as(ticker: str, security: str, at: int, **told: Any) -> Facts:
    """The ticker in the list of another session."""
    return {"tickers": stock(ticker, ALL[at], security_id=security, **told)["tickers"]}


def count(ticker: str, security: str, at: int, shares: float) -> Facts:
    """A share count as told for a session."""
    return {"shares_outstanding": [
        {"session": ALL[at], "ticker": ticker, "security_id": security, "shares": shares, "vendor_market_cap": None}
    ]}  # fmt: skip


def without_count(**told: Any) -> Facts:
    """GEVO, listed and priced, without a count of its own session."""
    return {name: rows for name, rows in stock(**told).items() if name != "shares_outstanding"}


def reverse_split(ticker: str, at: int) -> Facts:
    """Ten for one."""
    return {"splits": [
        {"session": ALL[at], "ticker": ticker, "split_from": 10.0, "split_to": 1.0, "accepted": True}
    ]}  # fmt: skip


def test_a_count_and_a_split_under_the_old_name_hold_for_the_new_one() -> None:
    facts = [without_count(), count("OLD", "id:GEVO", 270, 60e6), reverse_split("OLD", 280)]
    facts += [listed_as("OLD", "id:GEVO", at) for at in range(270, 290)]
    found = row(*facts)
    assert (found["ticker"], found["shares"], found["market_cap"]) == ("GEVO", pytest.approx(6e6), pytest.approx(12e6))


def test_a_count_and_a_split_of_the_company_that_had_the_ticker_before_are_not_ours() -> None:
    facts = [without_count(), count("GEVO", "id:other", 270, 60e6), reverse_split("GEVO", 280)]
    facts += [listed_as("GEVO", "id:other", at) for at in range(270, 290)]
    assert row(*facts)["reason"] == "market cap unknown"
    found = row(*facts, count("GEVO", "id:GEVO", 279, 50e6))
    assert found["shares"] == 50e6


def test_a_count_told_before_the_figi_was_known_is_found() -> None:
    later = without_count(security_id="BBG1", earlier_ids=["ticker:GEVO:first"])
    assert row(later, count("GEVO", "ticker:GEVO:first", 280, 60e6))["shares"] == 60e6
    assert row(without_count(security_id="BBG1"), count("GEVO", "ticker:GEVO:first", 280, 60e6))["shares"] is None


def test_what_became_known_after_the_session_changes_nothing() -> None:
    later: Facts = {"float_shares": [
        {"session": ALL[301], "ticker": "GEVO", "effective_on": ALL[301] - timedelta(days=1), "free_float": 1e6}
    ]}  # fmt: skip
    known = [stock(), listed_as("GEVO", "id:GEVO", 299), count("GEVO", "id:GEVO", 280, 60e6)]
    future = [count("GEVO", "id:GEVO", 301, 9e9), reverse_split("GEVO", 301), listed_as("GEVO", "id:new", 301), later]
    future += [{"daily_metrics": stock(session=ALL[301], price=99.0)["daily_metrics"]}]
    assert parts(*known, *future)[0].frame.equals(parts(*known)[0].frame)


@pytest.mark.parametrize("vendors", [None, 1.0, 100e6, 9e12])
def test_the_vendors_cap_decides_nothing(vendors: float | None) -> None:
    fact = stock()
    fact["shares_outstanding"][0]["vendor_market_cap"] = vendors
    found = row(fact)
    assert (found["market_cap"], found["reason"], found["vendor_market_cap"]) == (100e6, "member", vendors)


def told(name: str, vendors: float | None) -> Facts:
    """A stock of 100 M USD with the vendor's cap."""
    fact = stock(name)
    fact["shares_outstanding"][0]["vendor_market_cap"] = vendors
    return fact


def test_more_than_a_quarter_of_the_vendors_caps_20_percent_off_is_a_warning_and_a_figure() -> None:
    near = [told(f"N{i:02d}", 119.9e6) for i in range(24)]
    (six,) = parts(*near[:18], *[told(f"F{i}", 120.1e6) for i in range(6)], told("NONE", None))
    (seven,) = parts(*near[:17], *[told(f"F{i}", 79.9e6) for i in range(7)])
    assert the_vendors_caps_are_near_ours(six.frame, {}).passed
    assert not the_vendors_caps_are_near_ours(seven.frame, {}).passed
    assert six.metadata["vendor_caps_20_pct_off_pct"] == 25.0
    assert seven.metadata["vendor_caps_20_pct_off_pct"] == 29.17


def test_the_share_of_unknown_caps_is_shown_of_those_that_price_and_kind_let_by() -> None:
    facts = [stock("A"), stock("B"), stock("C"), stock("D", shares=None), stock("E", price=99.0, shares=None)]
    assert parts(*facts)[0].metadata["unknown_caps_pct"] == 25.0


def test_the_contract_refuses_a_reason_that_is_not_the_first_of_the_failed() -> None:
    (part,) = parts(stock(price=99.0, shares=None))
    rows = contracts.conform(Universe, part.frame)
    assert rows["failed"].to_list() == [["price", "market cap unknown"]]
    wrong = rows.with_columns(reason=rows["failed"].list.last())
    assert not contracts.verdict(Universe, wrong).passed
    assert rows["session"].to_list() == [SESSION]
