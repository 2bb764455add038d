"""The view that answers why a ticker is in or out: the stored verdicts, rule by rule, and a sentence."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.datasets.universe import Universe, universe
from smallcaps_assets.store import catalogue
from smallcaps_assets.store.lake import Lake
from smallcaps_assets.store.universe_why import query
from smallcaps_assets_tests.datasets.test_universe import SESSION, parts, stock

RULES = [
    "not in the reference", "not listed", "no bar before", "price", "kind", "market cap unknown", "market cap", "float",
    "kind unknown", "exchange unknown", "exchange", "dollar volume unknown", "dollar volume",
]  # fmt: skip


@pytest.fixture(scope="module")
def why(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The view's rows of one session, by ticker."""
    facts = [
        stock("GEVO"), stock("BAC", price=13.69, shares=10.68e9), stock("CENT", price=0.4, shares=None),
        stock("FUND", kind="ETF", shares=None), stock("DARK", mean_dollar_volume_20=None),
        {"daily_metrics": stock("GHOST")["daily_metrics"]},
        stock("GONE", active=False),
    ]  # fmt: skip
    (part,) = parts(*facts)
    lake = Lake(tmp_path_factory.mktemp("lake"))
    rows = contracts.conform(Universe, part.frame)
    lake.commit("universe", str(SESSION), rows, passed=True, group_rows=10)
    path = catalogue.write(lake, {"universe": universe.empty()}, {"universe_why": query()})
    with duckdb.connect(str(path), read_only=True) as connection:
        return {row["ticker"]: row for row in asked(connection)}


def asked(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The view's rows."""
    answer = connection.execute("FROM universe_why")
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def gate(row: dict[str, Any]) -> dict[str, tuple[str | None, str, str]]:
    """By rule: value, bound and verdict."""
    return {rule["rule"]: (rule["value"], rule["bound"], rule["verdict"]) for rule in row["gate"]}


def test_each_row_has_every_rule_in_the_order_of_the_rules(why: dict[str, dict[str, Any]]) -> None:
    assert {tuple(rule["rule"] for rule in row["gate"]) for row in why.values()} == {tuple(RULES)}


def test_a_bank_passes_by_price_and_fails_by_its_cap_alone(why: dict[str, dict[str, Any]]) -> None:
    found = gate(why["BAC"])
    assert found["price"] == ("13.69 USD", "0.50 USD to 20.00 USD", "passes")
    assert found["market cap"] == ("146,209,200,000 USD", "below 2,000,000,000 USD", "fails")
    assert why["BAC"]["sentence"] == (
        f"BAC is out on {SESSION} by market cap (146,209,200,000 USD, must be below 2,000,000,000 USD)"
    )


def test_a_sentence_names_every_rule_that_fails_the_reason_first(why: dict[str, dict[str, Any]]) -> None:
    assert why["CENT"]["reason"] == "price"
    assert why["CENT"]["sentence"] == (
        f"CENT is out on {SESSION} by price (0.4 USD, must be 0.50 USD to 20.00 USD); "
        "and it would also be by market cap unknown (unknown, must be known)"
    )


def test_a_member_passes_and_what_nobody_knows_of_it_is_unknown(why: dict[str, dict[str, Any]]) -> None:
    found = gate(why["GEVO"])
    assert {verdict for _, _, verdict in found.values()} == {"passes", "unknown"}
    assert found["float"] == (None, "below 100,000,000 shares", "unknown")
    assert found["kind"] == ("CS", "CS", "passes")
    assert found["exchange"] == ("XNAS", "XNYS or XNAS or XASE or ARCX", "passes")
    assert why["GEVO"]["sentence"].startswith(f"GEVO is in on {SESSION}: it passes every rule: price (2 USD, must be")


def test_names_without_a_listing_say_so(why: dict[str, dict[str, Any]]) -> None:
    assert gate(why["GHOST"])["not in the reference"] == ("absent", "in the vendor's list", "fails")
    assert gate(why["GONE"])["not listed"] == ("ended", "active", "fails")
    assert gate(why["FUND"])["kind"] == ("ETF", "CS", "fails")
    assert gate(why["DARK"])["dollar volume unknown"][2] == "fails"


def test_unknowns_that_the_rules_let_pass_are_shown_with_that_bound(tmp_path: Path) -> None:
    (part,) = parts(stock(shares=None), unknown_cap_is_member=True)
    lake = Lake(tmp_path)
    lake.commit("universe", str(SESSION), contracts.conform(Universe, part.frame), passed=True, group_rows=10)
    with duckdb.connect(
        str(catalogue.write(lake, {"universe": universe.empty()}, {"universe_why": query()})), read_only=True
    ) as connection:
        (row,) = asked(connection)
    assert gate(row)["market cap unknown"] == (None, "known, or unknown", "unknown")
