"""Tickers: who is listed, who was, and under which identifier of ours."""

from datetime import date
from typing import Any

import polars as pl

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.tickers import (
    Tickers,
    active_securities_differ,
    delisted_names_are_known,
    listed,
    tickers,
)
from smallcaps_assets.maths.identity import followed
from smallcaps_assets.partitions import Partition
from smallcaps_assets.source import wire
from smallcaps_assets_tests.datasets.vendor import Vendor

TUESDAY = date(2024, 1, 16)
WEDNESDAY = date(2024, 1, 17)


def answer(*rows: dict[str, Any]) -> pl.DataFrame:
    """Rows as the client gives them; what is left out is null."""
    blank: dict[str, Any] = dict.fromkeys(wire.TICKERS.schema)
    return pl.DataFrame([{**blank, "active": True, **row} for row in rows], schema=wire.TICKERS.schema)


def stored(active: pl.DataFrame, inactive: pl.DataFrame | None = None, session: date = TUESDAY) -> pl.DataFrame:
    """The session's rows in the contract's order."""
    rows, _ = listed(session, active, answer() if inactive is None else inactive)
    return contracts.conform(Tickers, rows)


def ids(frame: pl.DataFrame) -> dict[str, str]:
    """The active tickers' identifiers."""
    return dict(frame.filter("active").select("ticker", "security_id").iter_rows())


def test_a_security_is_named_by_figi_then_by_cik_and_class_then_by_ticker_and_era() -> None:
    rows = stored(
        answer(
            {"ticker": "GEVO", "type": "CS", "cik": "1", "share_class_figi": "BBG01"},
            {"ticker": "BRK.A", "type": "CS", "cik": "2"},
            {"ticker": "BRK.B", "type": "CS", "cik": "2"},
            {"ticker": "AAME", "type": "CS", "cik": "3"},
            {"ticker": "AAMEW", "type": "WARRANT", "cik": "3"},
            {"ticker": "NOID"},
        )
    )
    assert ids(rows) == {
        "GEVO": "BBG01",
        "BRK.A": "cik:2:A",
        "BRK.B": "cik:2:B",
        "AAME": "cik:3:CS",
        "AAMEW": "cik:3:WARRANT",
        "NOID": "ticker:NOID:first",
    }
    assert contracts.verdict(Tickers, rows).passed


def test_a_listing_names_the_weaker_identifiers_that_it_may_have_had_before() -> None:
    rows = stored(
        answer(
            {"ticker": "GEVO", "type": "CS", "cik": "1", "share_class_figi": "BBG01"},
            {"ticker": "FIGI", "share_class_figi": "BBG02"},
            {"ticker": "AAME", "type": "CS", "cik": "3"},
            {"ticker": "NOID"},
        )
    )
    assert dict(rows.select("ticker", "earlier_ids").iter_rows()) == {
        "GEVO": ["cik:1:CS", "ticker:GEVO:first"],
        "FIGI": ["ticker:FIGI:first"],
        "AAME": ["ticker:AAME:first"],
        "NOID": [],
    }


def history(*walks: tuple[pl.DataFrame, pl.DataFrame | None]) -> list[pl.DataFrame]:
    """The lists of Tuesday, Wednesday, …"""
    return [stored(on, off, date(2024, 1, 16 + day)) for day, (on, off) in enumerate(walks)]


def traced(earlier: pl.DataFrame, later: pl.DataFrame) -> dict[str, str]:
    """By ticker of the earlier list, what its rows are called in the later one; left out if another has the ticker."""
    rows = earlier.filter("active").select("session", "ticker", "security_id", was="ticker")
    return dict(followed(rows, later).sort("was").select("was", "ticker").iter_rows())


def test_a_rename_keeps_the_figi_and_without_figi_the_cik_but_not_a_ticker_alone() -> None:
    for identity, now in (({"share_class_figi": "BBG1"}, "NEW"), ({"cik": "1", "type": "CS"}, "NEW"), ({}, "OLD")):
        gone = answer({"ticker": "OLD", **identity, "active": False, "delisted_on": WEDNESDAY})
        before, after = history(
            (answer({"ticker": "OLD", **identity}), None), (answer({"ticker": "NEW", **identity}), gone)
        )
        assert traced(before, after) == {"OLD": now}


def test_a_reused_ticker_is_another_security_whether_it_is_identified_or_not() -> None:
    for old, new in (({"share_class_figi": "BBG1"}, {"share_class_figi": "BBG2"}), ({}, {}), ({"cik": "1"}, {})):
        ended = answer({"ticker": "META", **old, "active": False, "delisted_on": WEDNESDAY})
        before, after = history((answer({"ticker": "META", **old}), None), (answer({"ticker": "META", **new}), ended))
        assert traced(before, after) == {}


def test_a_figi_that_appears_later_also_in_a_rename_finds_what_was_known_without_it() -> None:
    without, named = {"ticker": "GEVO"}, {"ticker": "GEVO", "share_class_figi": "BBG1"}
    with_cik = {"cik": "1", "type": "CS"}
    assert traced(*history((answer(without), None), (answer(named), None))) == {"GEVO": "GEVO"}
    assert traced(*history((answer(named), None), (answer(without), None))) == {"GEVO": "GEVO"}  # nor is a lost one
    ended = answer(named | {"active": False, "delisted_on": WEDNESDAY})
    assert traced(*history((answer(named), None), (answer(without), ended))) == {}
    renamed = answer({"ticker": "NEW", "share_class_figi": "BBG1", **with_cik})
    assert traced(*history((answer(without | with_cik), None), (renamed, None))) == {"GEVO": "NEW"}


def test_two_classes_of_one_issuer_without_suffix_do_not_share_an_id() -> None:
    rows = stored(answer({"ticker": "GOOG", "type": "CS", "cik": "7"}, {"ticker": "GOOGL", "type": "CS", "cik": "7"}))
    assert ids(rows) == {"GOOG": "ticker:GOOG:first", "GOOGL": "ticker:GOOGL:first"}


def test_a_reused_ticker_without_identifiers_is_two_securities_and_keeps_its_id_when_it_ends() -> None:
    gone = {"ticker": "META", "active": False, "delisted_on": date(2021, 12, 1)}
    before = stored(answer({"ticker": "META"}), answer(gone))
    assert before.select("active", "security_id").rows() == [
        (True, "ticker:META:2021-12-01"),
        (False, "ticker:META:first"),
    ]
    after = stored(answer(), answer(gone, {**gone, "delisted_on": date(2024, 1, 12)}))
    assert set(after["security_id"]) == set(before["security_id"])


def test_a_ticker_listed_twice_keeps_its_best_identified_row_and_counts_the_other() -> None:
    twice = answer({"ticker": "CASY", "cik": "9"}, {"ticker": "CASY", "cik": "8", "share_class_figi": "BBG08"})
    rows, counts = listed(TUESDAY, twice, answer())
    assert rows["share_class_figi"].to_list() == ["BBG08"]
    assert counts["duplicates_set_aside"] == 1


def test_of_equally_identified_duplicates_the_lowest_cik_is_kept_whatever_the_order() -> None:
    first, second = {"ticker": "THC", "cik": "8"}, {"ticker": "THC", "cik": "9"}
    assert stored(answer(first, second)).equals(stored(answer(second, first)))
    assert stored(answer(first, second))["cik"].to_list() == ["8"]


def test_a_security_listed_again_under_its_ticker_is_one_row() -> None:
    ended = {"ticker": "AMC", "active": False, "share_class_figi": "BBG05", "delisted_on": date(2020, 3, 2)}
    rows, counts = listed(TUESDAY, answer({"ticker": "AMC", "share_class_figi": "BBG05"}), answer(ended))
    assert rows.select("active", "delisted_on").rows() == [(True, None)]
    assert counts["earlier_listings_of_the_same_security"] == 1


def test_an_active_row_never_tells_its_future_delisting() -> None:
    rows = stored(answer({"ticker": "SOON", "delisted_on": date(2024, 6, 3)}))
    assert rows["delisted_on"].to_list() == [None]


def test_each_session_takes_its_own_two_walks() -> None:
    def walk(on: date, *, active: bool) -> pl.DataFrame:
        ticker = f"{'A' if active else 'D'}{on.day}"
        return answer({"ticker": ticker, "active": active, "delisted_on": None if active else date(2020, 1, 2)})

    vendor = Vendor(tickers=walk)
    run = Run("tickers", (Partition(TUESDAY), Partition(WEDNESDAY)))
    parts = list(tickers(run, polygon=vendor))
    assert [sorted(part.frame["ticker"]) for part in parts] == [["A16", "D16"], ["A17", "D17"]]
    assert [part.frame["session"].unique().to_list() for part in parts] == [[TUESDAY], [WEDNESDAY]]
    assert len(vendor.asked) == 4
    assert parts[0].metadata["active"] == 1


def test_the_contract_refuses_an_active_ticker_listed_twice_and_a_known_future() -> None:
    rows = stored(answer({"ticker": "CASY"}))
    twice = pl.concat([rows, rows.with_columns(security_id=pl.lit("other"))])
    assert not contracts.verdict(Tickers, twice).passed
    assert not contracts.verdict(Tickers, rows.with_columns(delisted_on=pl.lit(date(2024, 6, 3)))).passed


def test_a_whole_market_without_its_dead_is_refused_and_a_sample_is_not() -> None:
    market = answer(*({"ticker": f"T{i}"} for i in range(1_000)))
    assert not delisted_names_are_known(stored(market), {}).passed
    assert delisted_names_are_known(stored(market.head(999)), {}).passed


def test_a_year_without_a_delisting_is_refused() -> None:
    market = answer(*({"ticker": f"T{i}"} for i in range(1_000)))
    dead = [{"ticker": f"D{y}", "active": False, "delisted_on": date(y, 5, 2)} for y in (2021, 2022, 2023)]
    assert delisted_names_are_known(stored(market, answer(*dead)), {}).passed
    verdict = delisted_names_are_known(stored(market, answer(dead[0], dead[2])), {})
    assert not verdict.passed
    assert verdict.metadata["years_without_a_delisting"] == "[2022]"


def test_active_tickers_that_share_an_id_and_an_empty_list_are_refused() -> None:
    both = answer({"ticker": "A", "share_class_figi": "BBG01"}, {"ticker": "B", "share_class_figi": "BBG01"})
    shared = active_securities_differ(stored(both), {})
    assert not shared.passed
    assert shared.metadata["securities"].value.splitlines()[2:] == ["| BBG01 | A, B |"]
    assert active_securities_differ(stored(both.head(1)), {}).passed
    assert not active_securities_differ(contracts.empty(Tickers), {}).passed
