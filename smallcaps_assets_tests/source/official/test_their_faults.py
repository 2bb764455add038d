"""What the official clients do wrong, so that users know: the reason why the platform has a client of its own."""

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from smallcaps_assets.source.emulator.faults import Faults
from smallcaps_assets_tests.source.emulator.toy_service import KEY, toy_service
from smallcaps_assets_tests.source.official.clients import members, rest_client

ROWS, PAGE = 35, 9  # trades of AAA, and how many of them a page has


@pytest.fixture(scope="module")
def faults() -> Faults:
    return Faults()


@pytest.fixture(scope="module")
def base(faults: Faults) -> Iterator[str]:
    with toy_service(faults=faults) as http:
        yield str(http.base_url).rstrip("/")


@pytest.fixture
def faulty(package: str, base: str, faults: Faults) -> Iterator[Any]:
    """The package's client of a service whose faults a test plans."""
    yield rest_client(package, base, KEY)
    faults.forget()


def ids(client: Any) -> list[str]:
    return [trade.id for trade in client.list_trades("AAA", limit=PAGE, order="asc")]


@pytest.mark.parametrize("fault", ["500", "502", "503", "reset-before", "truncated"])
def test_what_passes_is_survived(faulty: Any, faults: Faults, fault: str) -> None:
    faults.plan(fault, 2, after=1)
    assert len(ids(faulty)) == ROWS
    assert [name for name, _ in faults.befallen] == [fault] * 2


def test_a_limit_without_a_time_to_wait_is_given_up_in_less_than_two_seconds(faulty: Any, faults: Faults) -> None:
    faults.plan("429-bare", None)
    started = time.monotonic()
    with pytest.raises(urllib3.exceptions.MaxRetryError, match="too many 429"):
        ids(faulty)
    assert time.monotonic() - started < 2  # 0, 0.2 and 0.4 s beside a limit that is a minute's
    assert len(faults.befallen) == 4


@pytest.mark.parametrize("fault", ["gzip-cut", "html", "empty-body", "no-results"])
def test_a_broken_reply_is_an_empty_day_without_an_error(faulty: Any, faults: Faults, fault: str) -> None:
    faults.plan(fault)
    assert ids(faulty) == []
    assert faults.befallen


@pytest.mark.parametrize("fault", ["gzip-cut", "html", "empty-body", "no-results"])
def test_a_broken_page_ends_the_list_without_an_error(faulty: Any, faults: Faults, fault: str) -> None:
    faults.plan(fault, after=2)
    assert len(ids(faulty)) == 2 * PAGE


def test_a_page_that_leads_to_itself_is_read_for_ever(faulty: Any, faults: Faults) -> None:
    faults.plan("loop-self", None)
    trades = faulty.list_trades("AAA", limit=PAGE, order="asc")
    found = [trade.id for trade in itertools.islice(trades, 3 * PAGE)]
    assert found == 3 * found[:PAGE]


def test_the_status_of_a_refusal_is_lost(toy: Any, package: str) -> None:
    with pytest.raises(Exception, match="Ticker not found") as refused:
        toy.get_ticker_details("NOPE")
    assert vars(refused.value) == {}
    assert set(json.loads(str(refused.value))) == {"status", "request_id", "message"}  # and that is all there is


def test_one_ticker_as_a_text_is_taken_for_its_letters_by_the_older_client(toy: Any, package: str) -> None:
    found = [row.ticker for row in toy.list_universal_snapshots(ticker_any_of="AAA")]
    assert found == {"massive": ["AAA"], "polygon": ["A"]}[package]  # "A,A,A" was asked for


def test_a_search_by_company_name_finds_everything(toy: Any) -> None:
    # They send company_name_search, which is no parameter, for company_name.search.
    whole = [members(filing) for filing in toy.vx.list_stock_financials()]
    assert [members(filing) for filing in toy.vx.list_stock_financials(company_name_search="nobody")] == whole
    assert list(toy.vx.list_stock_financials(params={"company_name.search": "nobody"})) == []


def test_events_stay_plain_and_a_security_without_a_figi_has_not_even_the_member(toy: Any) -> None:
    found = toy.get_ticker_events("EEE")
    assert found.events[0]["ticker_change"]["ticker"] == "EEE"  # declared as a model
    with pytest.raises(AttributeError, match="composite_figi"):
        _ = found.composite_figi


def test_milliseconds_are_read_as_nanoseconds_of_1970(toy: Any) -> None:
    assert list(toy.list_trades("AAA", timestamp_gte=1_704_153_600_000, timestamp_lt=1_704_758_400_000)) == []
