"""Every single answer of the official clients, member by member."""

from typing import Any

import pytest

from smallcaps_assets_tests.source.emulator.toy_market import MON
from smallcaps_assets_tests.source.official.clients import PACKAGES, members, method, methods
from smallcaps_assets_tests.source.official.get_cases import ANSWERS, Answer

UNORDERED = {"get_grouped_daily_aggs", "get_snapshot_all"}


@pytest.mark.parametrize(
    ("package", "answer"),
    [(package, answer) for package in PACKAGES for answer in ANSWERS if answer.method in methods(package)],
    indirect=["package"],
    ids=str,
)
def test_an_answer_has_every_member_the_market_holds(toy: Any, answer: Answer) -> None:
    found = members(method(toy, answer.method)(*answer.arguments, **answer.filters))
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


def test_nanoseconds_arrive_with_all_their_digits(toy: Any) -> None:
    last = next(iter(toy.list_trades("AAA", limit=1)))
    assert last.sip_timestamp == 1_704_724_209_000_000_007
