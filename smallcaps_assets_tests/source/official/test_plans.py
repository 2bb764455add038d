"""What the official clients meet beyond a subscription: 403 with the service's words, late data marked as such."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from smallcaps_assets_tests.source.emulator.toy_market import MON, WED
from smallcaps_assets_tests.source.emulator.toy_service import KEY, toy_service
from smallcaps_assets_tests.source.official.clients import bad_response, method, rest_client

CLOSED = "You are not entitled to this data. Please upgrade your plan at https://massive.com/pricing"
TOO_OLD = "Your plan doesn't include this data timeframe."
TOO_NEW = "Attempted to request today's data before end of day."
PLANS = ("basic", "starter", "developer")


@pytest.fixture(scope="module")
def bases() -> Iterator[dict[str, str]]:
    """The toy market under each plan, by the plan's name."""
    with ExitStack() as services:
        found = {}
        for plan in PLANS:
            http = services.enter_context(toy_service(plan=plan, rate_limit=0))
            found[plan] = str(http.base_url).rstrip("/")
        yield found


@pytest.mark.parametrize(
    ("plan", "name", "arguments", "text"),
    [
        ("basic", "list_trades", ("AAA",), CLOSED),
        ("basic", "list_quotes", ("AAA",), CLOSED),
        ("basic", "get_last_trade", ("AAA",), CLOSED),
        ("basic", "get_snapshot_ticker", ("stocks", "AAA"), CLOSED),
        ("basic", "list_universal_snapshots", (), CLOSED),
        ("basic", "list_financials_balance_sheets", (), CLOSED),
        ("basic", "get_aggs", ("AAA", 1, "second", WED, WED), CLOSED),
        ("basic", "get_grouped_daily_aggs", (MON,), TOO_NEW),
        ("basic", "get_grouped_daily_aggs", ("2021-12-31",), TOO_OLD),
        ("basic", "list_aggs", ("AAA", 1, "day", "2021-01-04", "2021-12-31"), TOO_OLD),
        ("starter", "list_trades", ("AAA",), CLOSED),
        ("starter", "list_quotes", ("AAA",), CLOSED),
        ("starter", "get_grouped_daily_aggs", ("2018-12-31",), TOO_OLD),
        ("developer", "list_quotes", ("AAA",), CLOSED),
        ("developer", "get_last_quote", ("AAA",), CLOSED),
        ("developer", "list_financials_ratios", (), CLOSED),
    ],
)
def test_what_the_plan_does_not_open_is_403(
    package: str, bases: dict[str, str], plan: str, name: str, arguments: tuple[Any, ...], text: str
) -> None:
    with pytest.raises(bad_response(package)) as refused:
        list(method(rest_client(package, bases[plan], KEY), name)(*arguments))
    said = json.loads(str(refused.value))
    assert said["status"] == "NOT_AUTHORIZED"
    assert said["message"].startswith(text)


@pytest.mark.parametrize("plan", PLANS)
def test_what_every_plan_opens_is_answered(package: str, bases: dict[str, str], plan: str) -> None:
    client = rest_client(package, bases[plan], KEY)
    assert len(client.get_grouped_daily_aggs(WED)) == 5
    assert len(list(client.list_aggs("AAA", 1, "minute", WED, WED, limit=5))) == 12
    assert client.get_ticker_details("AAA", "2024-01-03").name == "AAA Inc."
    assert [split.id for split in client.list_splits(limit=1)] == ["E2", "E1", "E3"]


def test_late_data_are_marked_and_read_all_the_same(package: str, bases: dict[str, str]) -> None:
    client = rest_client(package, bases["developer"], KEY)
    reply = client.get_aggs("AAA", 1, "day", WED, WED, raw=True)
    assert json.loads(reply.data)["status"] == "DELAYED"
    assert [bar.close for bar in client.get_aggs("AAA", 1, "day", WED, WED)] == [10.5]
    assert len(list(client.list_trades("AAA", limit=9))) == 35
