"""Identity: a renamed security brings its rows along, and a reused ticker brings none of the other company's."""

from datetime import date

import polars as pl
import pytest

from smallcaps_assets.maths.identity import followed, identified, known_as

DAYS = [date(2024, 1, day) for day in (8, 9, 10, 11, 12)]

Listed = tuple[str, str, list[str], bool]
Row = tuple[date, str, str | None]


def listing(*rows: Listed) -> pl.DataFrame:
    """(ticker, security, earlier ids, active) of one session."""
    names = ["ticker", "security_id", "earlier_ids", "active"]
    return pl.DataFrame(rows, schema=names, orient="row").cast(
        {"ticker": pl.String, "security_id": pl.String, "earlier_ids": pl.List(pl.String), "active": pl.Boolean}
    )


def rows(*given: Row) -> pl.DataFrame:
    """(session, ticker, security); ``bar`` numbers them."""
    names = {"session": pl.Date, "ticker": pl.String, "security_id": pl.String}
    return pl.DataFrame(given, schema=names, orient="row").with_row_index("bar")


def moved(given: pl.DataFrame, listed: pl.DataFrame) -> list[tuple[int, str]]:
    """(bar, ticker) of what is kept, by bar."""
    return list(followed(given, listed).sort("bar").select("bar", "ticker").iter_rows())


def test_rows_of_before_a_rename_come_along() -> None:
    given = rows((DAYS[0], "OLD", "BBG1"), (DAYS[1], "NEW", "BBG1"), (DAYS[1], "XYZ", "BBG2"))
    listed = listing(("NEW", "BBG1", [], True), ("OLD", "BBG1", [], False), ("XYZ", "BBG2", [], True))
    assert moved(given, listed) == [(0, "NEW"), (1, "NEW"), (2, "XYZ")]


def test_rows_of_another_company_that_had_the_ticker_are_left_out() -> None:
    given = rows((DAYS[0], "META", "BBG1"), (DAYS[1], "META", "BBG2"))
    assert moved(given, listing(("META", "BBG2", [], True), ("META", "BBG1", [], False))) == [(1, "META")]


def test_tickers_that_change_hands_in_one_night_are_told_apart() -> None:
    """A company gives its ticker away and takes another's: both histories go with their company."""
    given = rows((DAYS[0], "FB", "BBG1"), (DAYS[0], "META", "BBG2"))
    listed = listing(("META", "BBG1", [], True), ("METV", "BBG2", [], True))
    assert moved(given, listed) == [(0, "META"), (1, "METV")]


def test_an_identifier_that_appears_later_links_to_the_weaker_ones_before() -> None:
    given = rows((DAYS[0], "GEVO", "ticker:GEVO:first"), (DAYS[1], "OLD", "cik:1:CS"), (DAYS[2], "GEVO", "BBG1"))
    listed = listing(("GEVO", "BBG1", ["cik:1:CS", "ticker:GEVO:first"], True))
    assert moved(given, listed) == [(0, "GEVO"), (1, "GEVO"), (2, "GEVO")]


def test_a_weaker_identifier_that_names_two_listings_names_neither() -> None:
    listed = listing(("A", "BBG1", ["cik:1:CS"], True), ("B", "cik:1:CS", [], True), ("C", "BBG3", ["cik:3:CS"], True))
    assert known_as(listed).rows() == [("BBG1", "A", "BBG1"), ("BBG3", "C", "BBG3"), ("cik:3:CS", "C", "BBG3")]
    ended = listing(("A", "BBG1", ["cik:1:CS"], True), ("OLD", "BBG0", ["cik:1:CS"], False))
    assert known_as(ended)["known_as"].to_list() == ["BBG1"]


def test_two_active_tickers_that_share_an_identifier_keep_their_own_rows() -> None:
    given = rows((DAYS[0], "A", "BBG1"), (DAYS[0], "B", "BBG1"))
    assert moved(given, listing(("A", "BBG1", [], True), ("B", "BBG1", [], True))) == [(0, "A"), (1, "B")]


def test_of_an_overlap_the_row_under_the_later_ticker_is_kept() -> None:
    given = rows((DAYS[0], "AAA", "BBG1"), (DAYS[1], "AAA", "BBG1"), (DAYS[1], "NEW", "BBG1"))
    assert moved(given, listing(("NEW", "BBG1", [], True))) == [(0, "NEW"), (2, "NEW")]


def test_what_is_listed_no_more_or_was_never_listed_keeps_its_ticker_while_it_is_free() -> None:
    given = rows((DAYS[0], "GONE", "BBG1"), (DAYS[0], "NOID", None), (DAYS[0], "GIVEN", "BBG3"))
    assert moved(given, listing(("GIVEN", "BBG4", [], True))) == [(0, "GONE"), (1, "NOID")]


def test_a_ticker_is_its_sessions_else_the_nearest_earlier_else_the_nearest_later_lists() -> None:
    listings = rows((DAYS[1], "META", "BBG1"), (DAYS[3], "META", "BBG2")).drop("bar")
    given = rows(*((day, "META", None) for day in DAYS), (DAYS[0], "XYZ", None)).drop("security_id")
    found = identified(given, listings)
    assert found["security_id"].to_list() == ["BBG1", "BBG1", "BBG1", "BBG2", "BBG2", None]
    assert found["bar"].to_list() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("given", [rows(), rows((DAYS[0], "A", "BBG1"))])
def test_nothing_listed_moves_nothing(given: pl.DataFrame) -> None:
    assert followed(given, listing()).equals(given)
