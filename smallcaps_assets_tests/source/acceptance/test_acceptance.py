"""The emulator is accepted; a service that breaks one rule is not, by the case of that rule."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from smallcaps_assets_tests.source.acceptance.__main__ import main
from smallcaps_assets_tests.source.acceptance.service import Service, WrongError
from smallcaps_assets_tests.source.acceptance.verdicts import CASES, Case, name_of, verdict, verdicts
from smallcaps_assets_tests.source.emulator.toy_service import KEY, toy_service
from smallcaps_assets_tests.source.official.market import market

Row = dict[str, Any]
Spoil = Callable[[httpx.Request, Any], Any]


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with toy_service(market()) as http:
        yield str(http.base_url)


@pytest.fixture(scope="module")
def service(base: str) -> Iterator[Service]:
    with Service(base, KEY) as service:
        yield service


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_the_emulator_is_accepted(service: Service, case: Case) -> None:
    found = verdict(case, service)
    assert found.ok, found.seen


@pytest.mark.parametrize(
    ("plan", "closed"),
    [
        # 7 of trades, 2 of quotes, 1 of snapshots, and a day to come, which has not ended either
        ("basic", 11),
        ("starter", 9),
        ("developer", 2),
    ],
)
def test_a_smaller_plan_leaves_cases_untried_and_fails_none(plan: str, closed: int) -> None:
    with toy_service(market(), plan=plan, rate_limit=0) as http, Service(str(http.base_url), KEY) as service:
        found = list(verdicts(service))
    assert [verdict for verdict in found if verdict.ok is False] == []
    untried = [verdict for verdict in found if verdict.ok is None]
    assert len(untried) == closed
    assert all("not in this plan" in verdict.seen for verdict in untried)


class Spoiled(httpx.BaseTransport):
    """The emulator's replies with their JSON changed on the way."""

    def __init__(self, spoil: Spoil) -> None:
        self.spoil = spoil
        self.inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        reply = self.inner.handle_request(request)
        content = httpx.Response(reply.status_code, headers=reply.headers, content=reply.read()).content
        headers = {name: reply.headers[name] for name in ("content-type",) if name in reply.headers}
        if reply.status_code == 200:
            content = json.dumps(self.spoil(request, json.loads(content))).encode()
        return httpx.Response(reply.status_code, headers=headers, content=content)

    def close(self) -> None:
        self.inner.close()


def each_row(change: Callable[[Row], Row]) -> Spoil:
    """Every row of a list changed."""

    def spoil(_: httpx.Request, page: Any) -> Any:
        if isinstance(page, dict) and isinstance(page.get("results"), list):
            page["results"] = [change(row) for row in page["results"]]
        return page

    return spoil


def with_key_in_next_url(request: httpx.Request, page: Any) -> Any:
    if isinstance(page, dict) and "next_url" in page:
        page["next_url"] += f"&apiKey={request.url.params.get('apiKey', '')}"
    return page


def with_next_url_on_the_last_page(request: httpx.Request, page: Any) -> Any:
    if isinstance(page, dict) and "results" in page:
        page.setdefault("next_url", str(request.url))
    return page


def without_the_last_row(request: httpx.Request, page: Any) -> Any:
    if isinstance(page, dict) and "next_url" in page:
        page["results"].pop()
    return page


def with_delisted_ones(request: httpx.Request, page: Any) -> Any:
    if request.url.path == "/v3/reference/tickers" and not page["results"]:
        page["results"] = [{"ticker": request.url.params.get("ticker"), "active": False}]
    return page


def with_another_open(row: Row) -> Row:
    return {**row, "o": row["o"] + 1} if "o" in row else row


@pytest.mark.parametrize(
    ("spoil", "case"),
    [
        (each_row(lambda row: {**row, "correction": None}), "members of trades without a value are left out"),
        (each_row(lambda row: {**row, "cik": ""}), "members without a value are left out"),
        (
            each_row(
                lambda row: {**row, "sip_timestamp": float(row["sip_timestamp"])} if "sip_timestamp" in row else row
            ),
            "nanoseconds are exact integers and find their trade",
        ),
        (
            each_row(lambda row: {**row, "t": row["t"] - 1} if "t" in row else row),
            "grouped is stamped at 16 00 and a daily bar at 00 00 new york",
        ),
        (each_row(with_another_open), "adjusted bars are on todays split basis and raw ones are not"),
        (with_key_in_next_url, "the key may be a parameter and is never in next url"),
        (with_next_url_on_the_last_page, "an exactly full last page has no next url"),
        (without_the_last_row, "pages of trades lose nothing and go both ways"),
        (without_the_last_row, "a page of bars goes on where the path of next url says"),
        (without_the_last_row, "small pages together are one large page"),
        (with_delisted_ones, "delisted tickers are hidden unless asked for"),
        (lambda _, page: page, "gzip and identity are the same"),  # all of it is sent plain
    ],
)
def test_a_service_that_breaks_a_rule_fails_its_case(service: Service, base: str, spoil: Spoil, case: str) -> None:
    (asked,) = [known for known in CASES if name_of(known) == case]
    with Service(base, KEY, transport=Spoiled(spoil)) as spoiled:
        for name in ("today", "last", "market", "ticker", "sessions", "split", "gone"):
            setattr(spoiled, name, getattr(service, name))  # found before the replies were spoiled
        assert verdict(asked, spoiled).ok is False


def test_a_limit_is_waited_out() -> None:
    with toy_service(rate_limit=60) as http, Service(str(http.base_url), KEY) as asking:
        while http.get("/v3/reference/tickers/types").status_code == 200:
            pass
        assert asking.answer("/v3/reference/tickers/types")["count"] == 24


def test_the_key_does_not_follow_a_page_to_another_host(service: Service) -> None:
    with pytest.raises(WrongError, match=r"leads to elsewhere\.invalid"):
        service.get("http://elsewhere.invalid/v3/reference/tickers?cursor=eA")


def test_the_command_prints_a_line_a_case_and_never_the_key(
    base: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYGON_API_KEY", KEY)
    assert main(["--base", base]) == 0
    said = capsys.readouterr().out
    assert len(said.splitlines()) == len(CASES) + 1
    assert f"{len(CASES)} of {len(CASES)} cases are as they should be" in said
    assert KEY not in said


def test_the_command_fails_with_a_key_the_service_does_not_know(
    base: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYGON_API_KEY", "another-key")
    assert main(["--base", base]) == 1
    assert "FAILED" in capsys.readouterr().out


def test_the_command_asks_for_a_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("POLYGON_API_KEY", "SMALLCAPS_EMULATOR_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit):
        main(["--base", "http://127.0.0.1:1"])
    assert "POLYGON_API_KEY" in capsys.readouterr().err
