"""What the four plans open, how far back, and in which words the service refuses the rest; today is 2024-01-08."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from itertools import pairwise

import httpx
import pytest

from smallcaps_assets.source.emulator.entitlement import BEFORE_END_OF_DAY, CLOSED, NOT_ENTITLED, TIMEFRAME
from smallcaps_assets.source.emulator.launch import running_emulator
from smallcaps_assets.source.emulator.plans import FIRST_DATE, PLANS, Feature
from smallcaps_assets.source.emulator.server import ROUTES
from smallcaps_assets_tests.shared import SHARED, needs_shared
from smallcaps_assets_tests.source.emulator.toy_service import body, toy_service, walked

V2 = "/v2/snapshot/locale/us/markets/stocks"
GROUPED = "/v2/aggs/grouped/locale/us/market/stocks/{}"
DAYS = "/v2/aggs/ticker/AAA/range/1/day/{}/{}"
SECONDS = "/v2/aggs/ticker/AAA/range/1/second/2024-01-03/2024-01-03"
OPEN_FROM = {  # address -> the cheapest plan that opens it
    GROUPED.format("2024-01-03"): "basic",
    DAYS.format("2024-01-03", "2024-01-04"): "basic",
    "/v2/aggs/ticker/AAA/prev": "basic",
    "/v1/open-close/AAA/2024-01-03": "basic",
    "/v3/reference/tickers": "basic",
    "/v3/reference/splits": "basic",
    "/stocks/v1/short-interest": "basic",
    SECONDS: "starter",
    f"{V2}/tickers": "starter",
    f"{V2}/tickers/AAA": "starter",
    f"{V2}/gainers": "starter",
    "/v3/snapshot": "starter",
    "/v3/trades/AAA": "developer",
    "/v2/last/trade/AAA": "developer",
    "/v3/quotes/AAA": "advanced",
    "/v2/last/nbbo/AAA": "advanced",
    "/stocks/financials/v1/balance-sheets": "advanced",
    "/stocks/financials/v1/ratios": "advanced",
    "/vX/reference/financials": "advanced",
}


@pytest.fixture(scope="module")
def clients() -> Iterator[dict[str, httpx.Client]]:
    with ExitStack() as stack:
        yield {plan: stack.enter_context(toy_service(plan=plan, rate_limit=0)) for plan in PLANS}


def refusal(client: httpx.Client, address: str) -> str:
    reply = client.get(address)
    said = reply.json()
    assert (reply.status_code, said["status"]) == (403, "NOT_AUTHORIZED"), said
    return str(said["message"])


@pytest.mark.parametrize("address", OPEN_FROM)
@pytest.mark.parametrize("plan", PLANS)
def test_a_plan_opens_what_it_and_cheaper_ones_have(clients: dict[str, httpx.Client], plan: str, address: str) -> None:
    order = list(PLANS)
    if order.index(plan) >= order.index(OPEN_FROM[address]):
        assert clients[plan].get(address).status_code == 200
    else:
        assert refusal(clients[plan], address) == NOT_ENTITLED


def test_every_closed_route_is_a_route() -> None:
    assert set(CLOSED) <= set(ROUTES)


@pytest.mark.parametrize(
    ("plan", "first", "before"),
    [("basic", "2022-01-08", "2022-01-07"), ("starter", "2019-01-08", "2019-01-07")],
)
@pytest.mark.parametrize("address", [GROUPED, DAYS.format("{}", "2024-01-03"), "/v3/reference/tickers?date={}"])
def test_history_begins_years_before_today(
    clients: dict[str, httpx.Client], plan: str, first: str, before: str, address: str
) -> None:
    assert clients[plan].get(address.format(first)).status_code == 200
    assert refusal(clients[plan], address.format(before)) == TIMEFRAME
    assert clients["advanced"].get(address.format("2003-09-10")).status_code == 200


@pytest.mark.parametrize(
    "query", ["timestamp.gte=2014-01-07", "timestamp=2010-01-04", "timestamp.lt=2014-01-08", "timestamp.gt=1"]
)
def test_ticks_before_the_history_are_refused(clients: dict[str, httpx.Client], query: str) -> None:
    assert refusal(clients["developer"], f"/v3/trades/AAA?{query}") == TIMEFRAME


def test_ticks_within_the_history_are_served_page_by_page(clients: dict[str, httpx.Client]) -> None:
    found, pages = walked(clients["developer"], "/v3/trades/AAA", limit=10, **{"timestamp.gte": "2014-01-08"})
    assert (len(found), pages) == (35, 4)


@pytest.mark.parametrize("address", [GROUPED, DAYS.format("{}", "2024-01-09"), "/v1/open-close/AAA/{}"])
def test_today_is_refused_on_basic_and_served_on_the_others(clients: dict[str, httpx.Client], address: str) -> None:
    assert refusal(clients["basic"], address.format("2024-01-08")) == BEFORE_END_OF_DAY
    assert clients["starter"].get(address.format("2024-01-08")).status_code == 200


def test_basic_ends_a_day_before_today(clients: dict[str, httpx.Client]) -> None:
    days = {plan: body(clients[plan], DAYS.format("2024-01-04", "2024-01-08"))["results"] for plan in PLANS}
    assert [len(found) for found in days.values()] == [2, 3, 3, 3]
    previous = {plan: body(clients[plan], "/v2/aggs/ticker/AAA/prev")["results"][0]["c"] for plan in PLANS}
    assert list(previous.values()) == [11.5, 12.0, 12.0, 12.0]


def test_delayed_plans_say_so_in_bars_and_snapshots(clients: dict[str, httpx.Client]) -> None:
    said = {plan: body(clients[plan], DAYS.format("2024-01-04", "2024-01-05"))["status"] for plan in PLANS}
    assert said == {"basic": "OK", "starter": "DELAYED", "developer": "DELAYED", "advanced": "OK"}
    for address in (GROUPED.format("2024-01-04"), f"{V2}/tickers", f"{V2}/tickers/AAA", f"{V2}/losers"):
        assert body(clients["starter"], address)["status"] == "DELAYED"
    row = body(clients["developer"], "/v3/snapshot", ticker="AAA")["results"][0]
    assert row["last_trade"]["timeframe"] == "DELAYED"
    assert body(clients["developer"], "/v3/reference/splits")["status"] == "OK"


def test_snapshots_have_trades_and_quotes_only_where_the_plan_has(clients: dict[str, httpx.Client]) -> None:
    shown = {plan: body(clients[plan], f"{V2}/tickers/AAA")["ticker"] for plan in ("starter", "developer", "advanced")}
    has = {plan: ("lastTrade" in row, "lastQuote" in row, row["todaysChange"]) for plan, row in shown.items()}
    assert has == {"starter": (False, False, 0.5), "developer": (True, False, 4.5), "advanced": (True, True, 4.5)}


def test_basic_has_five_calls_a_minute_unless_told_otherwise() -> None:
    with toy_service(plan="basic") as client:
        assert [client.get("/v3/reference/splits").status_code for _ in range(6)] == [200] * 5 + [429]
    with toy_service(plan="basic", rate_limit=6) as client:
        assert [client.get("/v3/reference/splits").status_code for _ in range(7)] == [200] * 6 + [429]


@pytest.mark.parametrize(
    ("key", "plans"),
    [
        ("", ["starter", "developer", "advanced"]),
        ("us_stocks_sip/day_aggs_v1/2024/01/2024-01-03.csv.gz", ["starter", "developer", "advanced"]),
        ("us_stocks_sip/minute_aggs_v1/2016/01/2016-01-04.csv.gz", ["developer", "advanced"]),
        ("us_stocks_sip/trades_v1/2024/01/2024-01-03.csv.gz", ["developer", "advanced"]),
        ("us_stocks_sip/quotes_v1/2024/01/2024-01-03.csv.gz", ["advanced"]),
        ("us_stocks_sip/day_aggs_v1/2003/09/2003-09-10.csv.gz", ["advanced"]),
    ],
)
def test_flat_files_follow_the_plan(key: str, plans: list[str]) -> None:
    today = date(2024, 1, 8)
    assert [name for name, plan in PLANS.items() if plan.opens_file(key, plan.first(today))] == plans


def test_each_plan_has_more_than_the_cheaper_one() -> None:
    opened = [plan.opens for plan in PLANS.values()]
    assert all(less < more for less, more in pairwise(opened))
    assert opened[-1] == set(Feature)
    assert PLANS["advanced"].first(date(2024, 1, 8)) == FIRST_DATE


@needs_shared
def test_refusals_are_in_the_services_words() -> None:
    recorded = {
        name: json.loads((SHARED / "polygon/mocks/errors" / f"403_{name}.json").read_text())["body"]["message"]
        for name in ("not_entitled", "timeframe", "grouped_before_eod")
    }
    assert list(recorded.values()) == [NOT_ENTITLED, TIMEFRAME, BEFORE_END_OF_DAY]


def test_an_emulator_is_started_with_a_plan() -> None:
    with running_emulator(tickers=1, start=date(2024, 1, 2), end=date(2024, 1, 3), plan="starter") as emulator:
        reply = httpx.get(f"{emulator.base_url}/v3/trades/AAA", headers={"Authorization": f"Bearer {emulator.key}"})
    assert (reply.status_code, reply.json()["message"]) == (403, NOT_ENTITLED)
