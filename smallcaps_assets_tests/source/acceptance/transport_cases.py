"""Keys, refusals, compression, parameters and paging, whatever the endpoint."""

import base64
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx

from smallcaps_assets_tests.source.acceptance.service import GROUPED, SPLITS, TICKERS, Service, require


def cursor_of(address: str) -> str:
    """The text inside an address's cursor."""
    cursor = httpx.URL(address).params["cursor"]
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()


def no_key_a_wrong_one_and_a_malformed_header_are_401(service: Service) -> str:
    path, seen = f"{TICKERS}/types", []
    for headers in ({}, {"Authorization": "Bearer no-such-key"}, {"Authorization": "Basic YTpi"}):
        reply = service.get(path, headers=headers)
        require(reply.status_code == 401, f"{reply.status_code} for {headers}")
        require(reply.json()["status"] == "ERROR", reply.text)
        seen.append(reply.json()["error"])
    require(seen[:2] == ["API Key was not provided", "Unknown API Key"], "; ".join(seen))
    return "; ".join(seen)


def the_key_may_be_a_parameter_and_is_never_in_next_url(service: Service) -> str:
    reply = service.get(TICKERS, headers={}, limit=1, apiKey=service.key)
    require(reply.status_code == 200, f"{reply.status_code} for ?apiKey=")
    onward = reply.json()["next_url"]
    require(service.key not in reply.text and service.key not in cursor_of(onward), "the key is in the reply")
    followed = service.get(onward, headers={}).status_code
    require(followed == 401, f"next_url without a key gives {followed}")
    return "200 with it; next_url alone 401"


def an_unknown_route_is_404_as_plain_text(service: Service) -> str:
    reply = service.get("/v3/no/such/route")
    kind = reply.headers.get("content-type", "")
    require(reply.status_code == 404 and kind.startswith("text/plain"), f"{reply.status_code} {kind}")
    require(reply.text.strip() == "404 page not found", reply.text[:80])
    return f"{kind}: {reply.text.strip()}"


def gzip_and_identity_are_the_same(service: Service) -> str:
    path, rows = GROUPED.format(service.last), []
    auth = {"Authorization": f"Bearer {service.key}"}
    for coding in ("gzip", "identity"):
        reply = service.get(path, headers={**auth, "Accept-Encoding": coding})
        sent = reply.headers.get("content-encoding", "identity")
        require(sent == coding, f"{sent} where {coding} was asked for")
        rows.append(sorted(reply.json()["results"], key=lambda row: row["T"]))
    require(rows[0] == rows[1], "different rows")
    return f"{len(rows[0])} rows both ways"


def of_a_repeated_parameter_the_first_counts_and_unknown_ones_are_ignored(service: Service) -> str:
    found = service.answer(f"{TICKERS}?limit=2&limit=5&no_such_parameter=1")["results"]
    require(len(found) == 2, f"{len(found)} rows for limit=2&limit=5")
    return "2 rows for limit=2&limit=5"


def every_reply_has_an_id_of_its_own(service: Service) -> str:
    ids: list[str] = [service.answer(f"{TICKERS}/types")["request_id"] for _ in range(2)]
    require(all(isinstance(name, str) and name for name in ids) and ids[0] != ids[1], str(ids))
    return ids[0]


def members_without_a_value_are_left_out(service: Service) -> str:
    looked = 0
    for path, more in (
        (TICKERS, {"limit": 100}),
        (SPLITS, {"limit": 100}),
        ("/v3/reference/dividends", {"limit": 100}),
    ):
        for row in service.answer(path, **more)["results"]:
            empty = [name for name, value in row.items() if value is None or value in ("", [])]
            require(not empty, f"{path}: {empty} of {row}")
            looked += len(row)
    return f"{looked} members, none empty"


def a_cursor_beside_other_parameters_is_400(service: Service) -> str:
    onward = service.answer(TICKERS, limit=1)["next_url"]
    return service.refused(f"{onward}&limit=1&active=true", 400)


def a_cursor_nobody_made_is_400(service: Service) -> str:
    return service.refused(f"{TICKERS}?cursor=bm8tc3VjaC1jdXJzb3I", 400)


def the_cursor_holds_the_filters_and_freezes_the_date_of_a_list_of_tickers(service: Service) -> str:
    inside = parse_qs(cursor_of(service.answer(TICKERS, limit=1, type="CS")["next_url"]))
    require(inside.get("type") == ["CS"] and inside.get("limit") == ["1"], str(inside))
    require("date" in inside, f"no date in {sorted(inside)}")
    return f"date={inside['date'][0]}"


def an_exactly_full_last_page_has_no_next_url(service: Service) -> str:
    asked: dict[str, Any] = {"execution_date.gte": service.last - timedelta(days=60), "sort": "ticker", "order": "asc"}
    rows, _ = service.walk(SPLITS, limit=1000, **asked)
    if not rows:
        asked["execution_date.gte"] = service.last - timedelta(days=600)
        rows, _ = service.walk(SPLITS, limit=1000, **asked)
    count = min(len(rows), 1000)
    full = service.answer(SPLITS, limit=count, **asked)
    require(len(full["results"]) == count, f"{len(full['results'])} rows of {count}")
    require("next_url" not in full or len(rows) > count, f"next_url after all {count} rows")
    if count > 1:
        require("next_url" in service.answer(SPLITS, limit=count - 1, **asked), "no next_url one row before the end")
    return f"limit={count} of {count} rows: none"


def small_pages_together_are_one_large_page(service: Service) -> str:
    asked = {"active": "true", "market": "stocks"}
    whole = service.answer(TICKERS, limit=40, **asked)["results"]
    rows, pages = [], 0
    for page in service.pages(TICKERS, limit=7, **asked):
        rows += page["results"]
        pages += 1
        if len(rows) >= len(whole):
            break
    require(rows[: len(whole)] == whole, "other rows than one page has")
    require(pages > 1, f"{len(whole)} rows on one page")
    return f"{len(whole)} rows on {pages} pages of 7"


CASES = [
    no_key_a_wrong_one_and_a_malformed_header_are_401,
    the_key_may_be_a_parameter_and_is_never_in_next_url,
    an_unknown_route_is_404_as_plain_text,
    gzip_and_identity_are_the_same,
    of_a_repeated_parameter_the_first_counts_and_unknown_ones_are_ignored,
    every_reply_has_an_id_of_its_own,
    members_without_a_value_are_left_out,
    a_cursor_beside_other_parameters_is_400,
    a_cursor_nobody_made_is_400,
    the_cursor_holds_the_filters_and_freezes_the_date_of_a_list_of_tickers,
    an_exactly_full_last_page_has_no_next_url,
    small_pages_together_are_one_large_page,
]
