"""Every single answer of the official clients, member by member."""

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from smallcaps_assets_tests.source.emulator.toy_market import MON
from smallcaps_assets_tests.source.official.clients import PACKAGES, members, method
from smallcaps_assets_tests.source.official.company_cases import RELATED
from smallcaps_assets_tests.source.official.get_cases import ANSWERS, Answer
from smallcaps_assets_tests.source.official.latest_cases import LATEST
from smallcaps_assets_tests.source.official.market import WARRANT, market

UNORDERED = {"get_grouped_daily_aggs", "get_snapshot_all"}
EVERY = [*ANSWERS, *LATEST, *RELATED]


@pytest.mark.parametrize(
    ("package", "answer"),
    [(package, answer) for package in PACKAGES for answer in EVERY if package in answer.packages],
    indirect=["package"],
    ids=str,
)
def test_an_answer_has_every_member_the_market_holds(toy: Any, answer: Answer) -> None:
    found = method(toy, answer.method)(*answer.arguments, **answer.filters)
    found = members(list(found) if isinstance(found, Iterator) else found)
    if answer.method in UNORDERED:  # the service promises no order
        assert len({row["ticker"] for row in found}) == len(found)
        found = {row["ticker"]: row for row in found}
    assert found == answer.expected


def test_whole_numbers_arrive_as_integers_as_from_the_service(toy: Any) -> None:
    # The service writes "size":100; a program that counts on it must not meet 100.0 here.
    (bar,) = toy.get_aggs("AAA", 1, "day", MON, MON)
    trade = next(iter(toy.list_trades("AAA", limit=1)))
    details = toy.get_ticker_details("AAA")
    for number in (bar.volume, bar.close, trade.size, trade.price, details.market_cap):
        assert isinstance(number, int)
    assert isinstance(bar.open, float)


def test_a_warrant_has_the_root_of_its_stock_and_a_suffix(client: Any) -> None:
    warrant, stock = client.get_ticker_details(WARRANT), client.get_ticker_details("HMZC")
    assert (warrant.ticker, warrant.ticker_root, warrant.ticker_suffix) == ("HMZC.WS", "HMZC", "WS")
    assert (stock.ticker_root, stock.ticker_suffix) == ("HMZC", None)


def test_nanoseconds_arrive_with_all_their_digits(toy: Any) -> None:
    last = next(iter(toy.list_trades("AAA", limit=1)))
    assert last.sip_timestamp == 1_704_724_209_000_000_007


@pytest.mark.parametrize(("direction", "sign"), [("gainers", 1), ("losers", -1)])
def test_movers_are_those_that_moved_most(client: Any, direction: str, sign: int) -> None:
    before, last = (market().daily(session) for session in market().sessions()[-2:])
    moved = last.join(before, on="T", suffix="_before").filter(pl.col("v") >= 10_000)
    change = sign * (pl.col("c") / pl.col("c_before") - 1)  # no split executes between the two sessions
    expected = moved.filter(change > 0).sort(change, descending=True)["T"].head(20)
    found = client.get_snapshot_direction("stocks", direction)
    assert {row.ticker for row in found} == set(expected)
    changes = [sign * row.todays_change_percent for row in found]
    assert changes == sorted(changes, reverse=True)
    for row in found:
        assert row.todays_change == pytest.approx(row.last_trade.price - row.prev_day.close, abs=1e-4)
