"""The service's OpenAPI description, asked against the emulator by schemathesis: all 35 paths over real HTTP.

Half of the requests are what the description allows; the other half name tickers and dates that the market has, since
nobody guesses these. Every reply must be as described; where the wire was seen to differ from the description, the
description is amended below, member by member.
"""

import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
from smallcaps_assets_tests.shared import SHARED, needs_shared
from smallcaps_assets_tests.source.emulator.toy_service import KEY, toy_service

pytestmark = needs_shared
SPEC = SHARED / "polygon" / "openapi.json"
CASES = 25  # a path
FORBIDDEN = 8
TICKERS = 30
END = date(2024, 5, 31)
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]

DETERMINED = settings(
    max_examples=CASES,
    database=None,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def described() -> dict[str, Any]:
    """The description as it was published."""
    loaded: dict[str, Any] = json.loads(SPEC.read_text()) if SPEC.is_file() else {"paths": {}}
    return loaded


def amended() -> dict[str, Any]:
    """The description as the wire was recorded. KeyError or ValueError where an amendment is no longer needed."""
    loaded = described()
    responses = {path: about["get"]["responses"] for path, about in loaded["paths"].items()}

    def schema(path: str) -> dict[str, Any]:
        found: dict[str, Any] = responses[path]["200"]["content"]["application/json"]["schema"]["properties"]
        return found

    # Prices before the open have cents: polygon.md §4, and the recorded replies.
    early = schema("/v1/open-close/{stocksTicker}/{date}")["preMarket"]
    early["type"] = {"integer": "number"}[early["type"]]
    # The live list of 2026-09-03 has the OTC reporting facility, an "ORF".
    schema("/v3/reference/exchanges")["results"]["items"]["properties"]["type"]["enum"].append("ORF")
    # Offerings have no member "name": the description requires one that it does not describe, and its sample lacks.
    schema("/vX/reference/ipos")["results"]["items"]["required"].remove("name")
    # Events say "type" (recorded of META) where the description says "event_type".
    (event,) = schema("/vX/reference/tickers/{id}/events")["results"]["properties"]["events"]["items"]["oneOf"]
    event["properties"]["type"] = event["properties"].pop("event_type")
    event["required"][event["required"].index("event_type")] = "type"
    return loaded


@pytest.fixture(scope="module")
def market() -> SyntheticMarket:
    return SyntheticMarket(tickers=TICKERS, end=END)


@pytest.fixture(scope="module")
def base_url(market: SyntheticMarket) -> Iterator[str]:
    with toy_service(market) as client:
        yield str(client.base_url)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {KEY}"
        yield session


@pytest.fixture(scope="module")
def schema() -> Any:
    return schemathesis.openapi.from_dict(amended())


@pytest.fixture(scope="module")
def known(market: SyntheticMarket) -> dict[str, list[str]]:
    """Values that the market has, by the name of a parameter."""
    listed = market.listings()
    tickers = [*listed["ticker"], "NOPE"]
    companies = market.financials()["tickers"].explode().unique(maintain_order=True).to_list()
    dates = ["2024-02-29", "2024-03-28", "2024-05-01", END.isoformat(), "2024-03-30"]
    return {
        **dict.fromkeys(("stocksTicker", "stockTicker", "ticker"), tickers),
        "id": [*tickers, *listed["composite_figi"][:3]],
        "tickers": companies,
        "tickers.any_of": [",".join(companies[:3])],
        "ticker.any_of": [",".join(tickers[-4:])],
        **dict.fromkeys(("date", "from", "timestamp"), dates[:-1]),
        **dict.fromkeys(("filing_date.lte", "listing_date.gte", "published_utc.gte", "settlement_date.gte"), dates),
        "to": [END.isoformat()],
        "multiplier": ["1", "5"],
        "timespan": ["second", "minute", "hour", "day", "week", "month"],
        "cik": [name for name in listed["cik"] if name][:5],
    }


@st.composite
def cases(draw: st.DrawFn, operation: Any, known: dict[str, list[str]]) -> Any:
    """A request that the description allows, or one of the same kind about what the market has."""
    case = draw(operation.as_strategy())
    if draw(st.booleans()):
        return case
    for name in case.path_parameters or {}:
        if name in known:
            case.path_parameters[name] = draw(st.sampled_from(known[name]))
    query = {}
    for parameter in operation.query:
        name, kind = parameter.name, parameter.definition["schema"]
        if name in known and kind.get("type") != "integer" and draw(st.integers(0, 3)) == 0:
            query[name] = draw(st.sampled_from(known[name]))
        elif name in (case.query or {}) and ("enum" in kind or kind.get("type") in ("integer", "boolean")):
            query[name] = case.query[name]
    case.query = query
    return case


def rows(reply: Any) -> int:
    """How many rows a reply has, in whatever member."""
    if isinstance(reply, list):
        return len(reply)
    for name in ("results", "tickers", "ticker"):
        if isinstance(found := reply.get(name), list | dict):
            return sum("error" not in row for row in found)
    return int("request_id" not in reply)  # open-close and market status are the payload themselves


def assert_refusal(said: dict[str, Any], status: int) -> None:
    label, text = ("ERROR", "error") if status == 400 else ("NOT_FOUND", "message")
    assert set(said) == {"status", "request_id", text}
    assert said["status"] == label


@pytest.mark.parametrize("path", described()["paths"])
def test_replies_conform(
    path: str, schema: Any, base_url: str, session: requests.Session, known: dict[str, list[str]]
) -> None:
    operation = schema[path]["GET"]
    counted = {"rows": 0, 200: 0, 400: 0, 404: 0}

    @DETERMINED
    @given(case=cases(operation, known))
    def ask(case: Any) -> None:
        response = case.call(base_url=base_url, session=session)
        assert response.status_code in (200, 400, 404), response.text
        counted[response.status_code] += 1
        if response.status_code == 200:
            counted["rows"] += rows(response.json()) > 0
        elif response.text != "404 page not found":  # a slash in a ticker makes another route of it
            assert_refusal(response.json(), response.status_code)
        case.validate_response(response, checks=CHECKS)

    ask()
    assert counted["rows"], f"no reply of {path} had rows: {counted}"


@pytest.mark.parametrize(
    "path", [path for path, about in described()["paths"].items() if about["get"].get("parameters")]
)
def test_what_the_description_forbids_breaks_nothing(
    path: str, schema: Any, base_url: str, session: requests.Session
) -> None:
    @settings(DETERMINED, max_examples=FORBIDDEN)
    @given(case=schema[path]["GET"].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def ask(case: Any) -> None:
        response = case.call(base_url=base_url, session=session)
        assert response.status_code in (200, 400, 404), response.text

    ask()


def listed_values() -> Iterator[Any]:
    """(path, parameter, value) of all enumerated values and limits that the description allows."""
    for path, about in described()["paths"].items():
        for parameter in about["get"].get("parameters", []):
            kind, name = parameter["schema"], parameter["name"]
            # The description of /stocks/* writes the largest limit as 5001 and says 5000 beside it.
            edges = [1, kind["maximum"] // 10 * 10] if name == "limit" and "maximum" in kind else []
            for value in [*kind.get("enum", []), *edges]:
                if parameter["in"] == "query":
                    yield pytest.param(path, name, value, id=f"{path}?{name}={value}")


@pytest.mark.parametrize(("path", "name", "value"), list(listed_values()))
def test_every_listed_value_is_accepted(
    path: str, name: str, value: Any, base_url: str, session: requests.Session, known: dict[str, list[str]]
) -> None:
    address = re.sub(r"\{(\w+)\}", lambda match: known[match[1]][0], path)
    reply = session.get(f"{base_url}{address}", params={name: value})
    assert reply.status_code == 200, reply.text


NEVER = {  # what no row has: equal, and below or above all
    "text": ("ZZZZ9", " ", "~~~~"),
    "number": ("-987654321", "-1e15", "1e15"),
    "date": ("1901-01-01", "1901-01-01", "2400-01-01"),
}
NO_FILTERS = (
    "apiKey",
    "limit",
    "sort",
    "order",
    "adjusted",
    "include_otc",
    "include_sources",
    "active",
    "reverse_split",
    "types",  # of the events inside the one row
)


def filters() -> list[Any]:
    """(path, parameter, value that no row satisfies) of all filters described, but for enumerated ones."""
    found = []
    for path, about in described()["paths"].items():
        kinds = {parameter["name"]: parameter["schema"] for parameter in about["get"].get("parameters", [])}
        for parameter in about["get"].get("parameters", []):
            name, _, operator = parameter["name"].partition(".")
            kind = kinds.get(name, parameter["schema"])  # lists of numbers are described as text
            if parameter["in"] != "query" or name in NO_FILTERS or "enum" in kind or operator == "search":
                continue
            sort = "number" if kind.get("type") in ("integer", "number") else "text"
            dated = name == "date" or name.endswith(("_date", "_utc", "_end")) or name == "timestamp"
            equal, below, above = NEVER["date" if dated else sort]
            value = {"lt": below, "lte": below, "gt": above, "gte": above}.get(operator, equal)
            found.append(pytest.param(path, parameter["name"], value, id=f"{path}?{parameter['name']}"))
    return found


@pytest.mark.parametrize(("path", "name", "value"), filters())
def test_no_filter_is_ignored(
    path: str, name: str, value: str, base_url: str, session: requests.Session, known: dict[str, list[str]]
) -> None:
    address = re.sub(r"\{(\w+)\}", lambda match: known[match[1]][0], path)
    reply = session.get(f"{base_url}{address}", params={name: value})
    assert reply.status_code in (200, 404), reply.text
    if reply.status_code == 200:
        assert rows(reply.json()) == 0
