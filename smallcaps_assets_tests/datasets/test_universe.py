"""Universe: each rule has its boundary and its reason, and unknown is not small."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets import sessions
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.universe import (
    Universe,
    UniverseRules,
    bars_and_reference_name_the_same_tickers,
    universe,
    unknown_caps_are_few,
)
from smallcaps_assets.partitions import Partition

ALL = sessions.between(date(2023, 1, 3), date(2024, 6, 28))
SESSION = ALL[300]

Facts = dict[str, list[dict[str, Any]]]
SCHEMAS: dict[str, dict[str, Any]] = {
    "tickers": {
        "session": pl.Date,
        "ticker": pl.String,
        "security_id": pl.String,
        "earlier_ids": pl.List(pl.String),
        "active": pl.Boolean,
        "delisted_on": pl.Date,
        "kind": pl.String,
        "primary_exchange": pl.String,
    },
    "daily_metrics": {
        "session": pl.Date,
        "ticker": pl.String,
        "close_raw": pl.Float64,
        "prior_close": pl.Float64,
        "mean_dollar_volume_20": pl.Float64,
    },
    "shares_outstanding": {
        "session": pl.Date,
        "ticker": pl.String,
        "security_id": pl.String,
        "shares": pl.Float64,
        "vendor_market_cap": pl.Float64,
    },
    "float_shares": {
        "session": pl.Date,
        "ticker": pl.String,
        "effective_on": pl.Date,
        "free_float": pl.Float64,
    },
    "splits": {
        "session": pl.Date,
        "ticker": pl.String,
        "split_from": pl.Float64,
        "split_to": pl.Float64,
        "accepted": pl.Boolean,
    },
}


def stock(
    ticker: str = "GEVO", session: date = SESSION, *, price: float = 2.0, shares: float | None = 50e6, **told: Any
) -> Facts:
    """A member but for what is ``told``: 2 USD × 50 M shares = 100 M USD."""
    listing = {
        "ticker": ticker, "security_id": f"id:{ticker}", "active": True, "kind": "CS", "primary_exchange": "XNAS",
        "session": session, "earlier_ids": [],
    }  # fmt: skip
    metrics = {
        "ticker": ticker, "session": session, "close_raw": price, "prior_close": price, "mean_dollar_volume_20": 1e6,
    }  # fmt: skip
    count = {"ticker": ticker, "session": session, "security_id": f"id:{ticker}", "shares": shares}
    names = {"delisted_on", *SCHEMAS["tickers"]}
    return {
        "tickers": [{**listing, **{name: value for name, value in told.items() if name in names}}],
        "daily_metrics": [{**metrics, **{name: value for name, value in told.items() if name not in names}}],
        "shares_outstanding": [count],
    }


def inputs(*facts: Facts) -> dict[str, pl.LazyFrame]:
    """The inputs that hold these rows; what a row leaves out is null."""
    return {
        name: pl.DataFrame(
            [{**dict.fromkeys(schema), **row} for fact in facts for row in fact.get(name, [])], schema=schema
        ).lazy()
        for name, schema in SCHEMAS.items()
    }


def parts(*facts: Facts, days: tuple[date, ...] = (SESSION,), **rules: Any) -> list[Rows]:
    """The run's partitions, which pass their contract."""
    run = Run("universe", tuple(map(Partition, days)))
    found = list(universe(run, config=UniverseRules(**rules), **inputs(*facts)))
    for part in found:
        verdict = contracts.verdict(Universe, contracts.conform(Universe, part.frame))
        assert verdict.passed, verdict.metadata
    return found


def row(*facts: Facts, **rules: Any) -> dict[str, Any]:
    """The only row of the session."""
    return parts(*facts, **rules)[0].frame.row(0, named=True)


def test_a_member_carries_what_decided() -> None:
    found = row(stock())
    assert (found["member"], found["reason"]) == (True, "member")
    assert (found["market_cap"], found["cap_class"], found["market_cap_limit"]) == (100e6, "micro", 2e9)
    assert (found["security_id"], found["shares_session"]) == ("id:GEVO", SESSION)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (stock(price=0.5), "member"),
        (stock(price=0.499), "price"),
        (stock(price=20.0), "member"),
        (stock(price=20.01), "price"),
        (stock(shares=1e9), "market cap"),
        (stock(shares=999_999_999.0), "member"),
        (stock(shares=None), "market cap unknown"),
        (stock(kind="ADRC"), "kind"),
        (stock(kind="ETF", shares=None), "kind"),
        (stock(kind=None), "kind unknown"),
        (stock(kind=None, shares=1e9), "market cap"),
        (stock(primary_exchange="XASE"), "member"),
        (stock(primary_exchange="BATS"), "exchange"),
        (stock(primary_exchange=None), "exchange unknown"),
        (stock(mean_dollar_volume_20=100e3), "member"),
        (stock(mean_dollar_volume_20=99_999.0), "dollar volume"),
        (stock(mean_dollar_volume_20=None), "dollar volume unknown"),
        (stock(active=False, delisted_on=ALL[295]), "not listed"),
        ({"tickers": stock()["tickers"]}, "no bar before"),
        ({"daily_metrics": stock()["daily_metrics"]}, "not in the reference"),
    ],
)
def test_the_first_rule_that_fails_is_the_reason(facts: Facts, reason: str) -> None:
    found = row(facts)
    assert (found["reason"], found["member"]) == (reason, reason == "member")


def test_a_bank_at_fourteen_dollars_is_out_by_its_cap_and_not_by_its_price() -> None:
    found = row(stock("BAC", price=14.0, shares=10.68e9))
    assert (found["reason"], found["cap_class"]) == ("market cap", "large")
    assert found["market_cap"] == pytest.approx(149.52e9)


@pytest.mark.parametrize(("free_float", "reason"), [(99_999_999.0, "member"), (100e6, "float")])
def test_a_known_float_must_be_below_its_limit(free_float: float, reason: str) -> None:
    known = {"ticker": "GEVO", "session": SESSION, "effective_on": ALL[290], "free_float": free_float}
    assert row(stock(), {"float_shares": [known]})["reason"] == reason


def test_a_stock_of_cents_that_splits_1_to_225_before_the_open_is_judged_by_its_price_of_the_session() -> None:
    found = row(stock(close_raw=0.04, prior_close=9.0))
    assert (found["reason"], found["close_raw"], found["price"]) == ("member", 0.04, 9.0)


def test_unknowns_pass_only_where_the_rules_say_so() -> None:
    assert row(stock(shares=None), unknown_cap_is_member=True)["reason"] == "member"
    assert row(stock(kind=None), unknown_kind_is_member=True)["reason"] == "member"
    assert row(stock(primary_exchange=None), unknown_exchange_is_member=True)["reason"] == "member"
    assert row(stock(kind="ADRC"), kinds=["CS", "ADRC"])["reason"] == "member"


def test_an_ended_name_without_bars_has_no_row_and_a_reused_ticker_has_one() -> None:
    dead = stock("OLD", active=False, delisted_on=ALL[100])["tickers"]
    before = [{**stock()["tickers"][0], "active": False, "delisted_on": ALL[99], "security_id": "id:other"}]
    (part,) = parts(stock(), {"tickers": dead}, {"tickers": before})
    assert part.frame.select("ticker", "security_id").rows() == [("GEVO", "id:GEVO")]


def counts(*told: tuple[int, float | None], ticker: str = "GEVO") -> Facts:
    """Share counts by the ordinal of the session on which they were asked for."""
    rows = [{"session": ALL[at], "ticker": ticker, "security_id": "id:GEVO", "shares": shares} for at, shares in told]
    return {"shares_outstanding": rows}


def listed_and_priced(session: date = SESSION) -> Facts:
    """The stock without a count of its own session."""
    return {name: rows for name, rows in stock(session=session).items() if name != "shares_outstanding"}


def split(at: int, split_from: float, split_to: float, accepted: bool = True) -> Facts:
    """A split of GEVO."""
    row = {"session": ALL[at], "ticker": "GEVO", "split_from": split_from, "split_to": split_to, "accepted": accepted}
    return {"splits": [row]}


def test_the_last_count_found_is_used_also_under_an_earlier_ticker_and_for_66_sessions() -> None:
    assert row(listed_and_priced(), counts((280, 60e6), (299, None)))["shares"] == 60e6
    assert row(listed_and_priced(), counts((280, 60e6), ticker="OLDNAME"))["shares"] == 60e6
    assert row(listed_and_priced(), counts((234, 60e6)))["shares"] == 60e6
    assert row(listed_and_priced(), counts((233, 60e6)))["shares"] is None
    assert row(listed_and_priced(), counts((301, 60e6)))["shares"] is None


def test_splits_since_the_count_are_applied_to_it_and_those_set_aside_or_to_come_are_not() -> None:
    assert row(listed_and_priced(), counts((280, 60e6)), split(290, 10.0, 1.0))["shares"] == pytest.approx(6e6)
    assert row(listed_and_priced(), counts((280, 60e6)), split(300, 1.0, 2.0))["shares"] == pytest.approx(120e6)
    assert row(listed_and_priced(), counts((280, 60e6)), split(280, 10.0, 1.0))["shares"] == 60e6
    assert row(listed_and_priced(), counts((280, 60e6)), split(290, 10.0, 1.0, accepted=False))["shares"] == 60e6
    assert row(listed_and_priced(), counts((280, 60e6)), split(301, 10.0, 1.0))["shares"] == 60e6


def test_a_count_repeated_after_a_split_is_still_the_old_one() -> None:
    """Told on 250 and again on 280, ten for one on 270: the second telling is the same filing, so 6 M shares."""
    found = row(listed_and_priced(), counts((250, 60e6), (280, 60e6)), split(270, 10.0, 1.0))
    assert found["shares"] == pytest.approx(6e6)
    assert found["shares_session"] == ALL[280]
    rounded = row(listed_and_priced(), counts((250, 60e6), (280, 60_000_009.0)), split(270, 10.0, 1.0))
    assert rounded["shares"] == pytest.approx(6_000_000.9)
    renewed = row(listed_and_priced(), counts((250, 60e6), (280, 6.1e6)), split(270, 10.0, 1.0))
    assert renewed["shares"] == 6.1e6


def test_a_lag_uses_older_counts_only() -> None:
    told = counts((260, 70e6), (270, 60e6), (271, 50e6))
    assert row(listed_and_priced(), told)["shares"] == 50e6
    assert row(listed_and_priced(), told, publication_lag_sessions=30)["shares"] == 60e6
    with pytest.raises(ValueError, match="less than or equal to 42"):
        UniverseRules(publication_lag_sessions=43)


def test_a_float_is_moved_to_the_basis_of_the_session() -> None:
    known = {"ticker": "GEVO", "session": SESSION, "effective_on": date(2015, 1, 2), "free_float": 500e6}
    found = row(stock(), {"float_shares": [known]}, split(290, 10.0, 1.0))
    assert (found["float_shares"], found["reason"]) == (pytest.approx(50e6), "member")


def test_one_run_over_sessions_equals_a_run_for_each() -> None:
    days = tuple(ALL[296:304])
    facts = [listed_and_priced(day) for day in days]
    facts += [counts((230, 60e6), (236, 60e6), (281, 60e6), (300, 5e6)), split(298, 10.0, 1.0), split(302, 3.0, 1.0)]
    facts += [split(45, 7.0, 3.0), {"float_shares": [
        {"ticker": "GEVO", "session": day, "effective_on": ALL[40], "free_float": 1e8} for day in days
    ]}]  # fmt: skip
    together = parts(*facts, days=days)
    for part, day in zip(together, days, strict=True):
        seen = [{name: [r for r in rows if r["session"] <= day] for name, rows in fact.items()} for fact in facts]
        (alone,) = parts(*seen, days=(day,))
        assert part.frame.equals(alone.frame)
    assert [part.frame["shares"].item() for part in together[3:5]] == [pytest.approx(6e6), 5e6]


def test_the_counts_by_reason_are_shown() -> None:
    (part,) = parts(stock("A"), stock("B"), stock("C", price=99.0))
    assert part.metadata["members"] == 2
    assert part.metadata["members_by_class"] == "micro 2"
    assert part.metadata["reasons"].value.splitlines()[2:] == ["| member | 2 | A, B |", "| price | 1 | C |"]


def test_a_session_without_anything_is_empty() -> None:
    (part,) = parts()
    assert part.frame.height == 0
    assert unknown_caps_are_few(part.frame, {}).passed
    assert bars_and_reference_name_the_same_tickers(part.frame, {}).passed


def test_the_contract_refuses_a_large_member_and_a_flag_that_contradicts_its_reason() -> None:
    (part,) = parts(stock())
    rows = contracts.conform(Universe, part.frame)
    assert not contracts.verdict(Universe, rows.with_columns(market_cap=pl.lit(2e9))).passed
    assert not contracts.verdict(Universe, rows.with_columns(member=pl.lit(False))).passed
    assert not contracts.verdict(Universe, rows.with_columns(shares_session=pl.lit(ALL[301]))).passed


def test_more_than_one_unknown_cap_in_five_is_refused() -> None:
    known = [stock(name) for name in ("A", "B", "C", "D")]
    one = parts(*known, stock("E", shares=None), stock("F", price=99.0, shares=None))[0].frame
    two = parts(*known[:3], stock("D", shares=None), stock("E", shares=None))[0].frame
    assert unknown_caps_are_few(one, {}).passed
    assert not unknown_caps_are_few(two, {}).passed


def test_more_than_five_strangers_in_a_small_market_are_refused_on_either_side() -> None:
    def strangers(kind: str, count: int) -> bool:
        facts = [{kind: stock(f"S{i}")[kind]} for i in range(count)]
        return bars_and_reference_name_the_same_tickers(parts(stock(), *facts)[0].frame, {}).passed

    assert [strangers(kind, count) for kind in ("tickers", "daily_metrics") for count in (5, 6)] == [True, False] * 2
