"""A walk over pages ends at the end, or in an error that names what was asked; never in a part of the rows."""

import logging
import pickle
from collections.abc import Iterator
from datetime import date

import polars as pl
import pytest

from smallcaps_assets.source import wire
from smallcaps_assets.source.errors import Asked
from smallcaps_assets.source.polygon import Polygon, PolygonError
from smallcaps_assets_tests.source.stub import Reply, Stub, asking, page, serving, trade

T = 1_790_000_000_123_456_789  # an odd number of nanoseconds that no double holds
SINCE, UNTIL = T - 10, T + 1000
SESSION = date(2026, 9, 21)


@pytest.fixture(scope="module")
def server() -> Iterator[Stub]:
    with serving() as stub:
        yield stub


@pytest.fixture
def stub(server: Stub) -> Stub:
    server.plays()
    server.paths.clear()
    server.headers.clear()
    return server


@pytest.fixture
def client(stub: Stub) -> Iterator[Polygon]:
    with asking(stub) as (polygon, _):
        yield polygon


def fails(client: Polygon, expected: str) -> PolygonError:
    with pytest.raises(PolygonError, match=expected) as caught:
        client.trades("ACME", SINCE, UNTIL)
    assert str(caught.value).startswith("trades ACME [2026-09-21T14:13:20.123456779Z, 2026-09-21T14:13:20.123457789Z):")
    assert (caught.value.endpoint, caught.value.ticker) == ("trades", "ACME")
    return caught.value


def test_two_pages_become_one_frame(client: Polygon, stub: Stub) -> None:
    following = f"{stub.url}/v3/trades/ACME?cursor=YXA9MiZhcz0mbGltaXQ9Mg"
    stub.plays(page(trade(T, 1), trade(T, 2), next_url=following), page(trade(T + 5, 3)))
    frame = client.trades("ACME", SINCE, UNTIL)
    assert frame["sequence_number"].to_list() == [1, 2, 3]
    assert frame["sip_at"].cast(pl.Int64).to_list() == [T, T, T + 5]
    assert client.requests == 2


def test_the_next_url_is_followed_verbatim_and_without_the_filters(client: Polygon, stub: Stub) -> None:
    following = "/v2/aggs/ticker/ACME/range/1/minute/1790000040000/2026-09-21?cursor=bGltaXQ9NTAwMDAmc29ydD1hc2M"
    bar = {"o": 1, "h": 1, "l": 1, "c": 1, "v": 5}
    stub.plays(
        page({"t": 1_789_999_980_000, **bar}, next_url=stub.url + following),
        page({"t": 1_790_000_040_000, **bar}),
    )
    assert client.minute_bars("ACME", SESSION, SESSION).height == 2
    assert stub.paths == [
        "/v2/aggs/ticker/ACME/range/1/minute/2026-09-21/2026-09-21?adjusted=false&sort=asc&limit=50000",
        following,
    ]


def test_rows_are_sorted_by_time_and_sequence_across_pages(client: Polygon, stub: Stub) -> None:
    stub.plays(
        page(trade(T, 1), trade(T + 5, 9), next_url=f"{stub.url}/v3/trades/ACME?cursor=a"),
        page(trade(T + 5, 3), trade(T + 6, 4)),
    )
    assert client.trades("ACME", SINCE, UNTIL)["sequence_number"].to_list() == [1, 3, 9, 4]


def test_an_empty_page_that_promises_another_is_not_the_end(client: Polygon, stub: Stub) -> None:
    stub.plays(page(next_url=f"{stub.url}/v3/trades/ACME?cursor=a"), page(trade(T, 1)))
    assert client.trades("ACME", SINCE, UNTIL).height == 1


def test_empty_pages_without_end_are_an_error(client: Polygon, stub: Stub) -> None:
    stub.plays(*[page(next_url=f"{stub.url}/v3/trades/ACME?cursor={n}") for n in range(50)])
    fails(client, "no end after 10 pages, the last 10 empty")


def test_a_cursor_that_leads_back_is_an_error(client: Polygon, stub: Stub) -> None:
    a, b = (f"{stub.url}/v3/trades/ACME?cursor={name}" for name in "ab")
    stub.plays(page(trade(T, 1), next_url=a), page(trade(T + 1, 2), next_url=b), page(trade(T + 2, 3), next_url=a))
    fails(client, "the cursor of page 3 leads back to a page already read")


def test_a_new_cursor_with_the_old_rows_is_an_error(client: Polygon, stub: Stub) -> None:
    stub.plays(
        page(trade(T, 1), next_url=f"{stub.url}/v3/trades/ACME?cursor=a"),
        page(trade(T, 1), next_url=f"{stub.url}/v3/trades/ACME?cursor=b"),
    )
    fails(client, "page 2 repeats the rows of the page before: the cursor stands")


def test_a_page_that_starts_before_the_last_one_ended_is_an_error(client: Polygon, stub: Stub) -> None:
    following = f"{stub.url}/v3/trades/ACME?cursor=a"
    stub.plays(page(trade(T, 1), trade(T + 5, 2), next_url=following), page(trade(T + 4, 3)))
    fails(client, "the cursor does not advance")


@pytest.mark.parametrize("origin", ["http://elsewhere.test", "https://127.0.0.1", "http://127.0.0.1:1"])
def test_the_key_does_not_follow_a_cursor_to_another_origin(client: Polygon, stub: Stub, origin: str) -> None:
    stub.plays(page(trade(T, 1), next_url=f"{origin}/v3/trades/ACME?cursor=a"))
    fails(client, "next_url leads to another origin")
    assert client.requests == 1


@pytest.mark.parametrize("promise", [{"count": 3}, {"resultsCount": 3}])
@pytest.mark.parametrize("rows", [{}, {"results": None}, {"results": []}, {"results": [trade(T, 1)]}])
def test_fewer_rows_than_promised_are_an_error(
    client: Polygon, stub: Stub, promise: dict[str, object], rows: dict[str, object]
) -> None:
    stub.plays({"status": "OK", **promise, **rows})
    fails(client, "rows are missing: 3 rows promised")


def test_a_next_page_without_results_is_an_error(client: Polygon, stub: Stub) -> None:
    stub.plays({"status": "OK", "count": 0, "next_url": f"{stub.url}/v3/trades/ACME?cursor=a"})
    fails(client, "rows are missing: no results but a next page")


@pytest.mark.parametrize("rows", [{}, {"results": None}])
def test_a_reply_that_neither_has_results_nor_says_that_there_are_none_is_an_error(
    client: Polygon, stub: Stub, rows: dict[str, object]
) -> None:
    stub.plays({"status": "OK", "request_id": "1", **rows})
    fails(client, "rows are missing: no results but no count that says there are none")


@pytest.mark.parametrize(
    "body", [{"status": "OK", "count": 0}, {"status": "DELAYED", "resultsCount": 0, "results": None}, page()]
)
def test_no_rows_are_a_typed_empty_frame(client: Polygon, stub: Stub, body: dict[str, object]) -> None:
    stub.plays(body, page(trade(T, 1)))
    empty, full = client.trades("ACME", SINCE, UNTIL), client.trades("ACME", SINCE, UNTIL)
    assert empty.height == 0
    assert empty.schema == full.schema


@pytest.mark.parametrize("at", [SINCE - 1, UNTIL])
def test_a_row_outside_the_window_is_an_error(client: Polygon, stub: Stub, at: int) -> None:
    stub.plays(page(trade(at, 1)))
    fails(client, "1 of 1 rows lie outside the window")


@pytest.mark.parametrize("at", [SINCE, UNTIL - 1])
def test_the_window_holds_its_first_nanosecond_and_the_one_before_its_end(client: Polygon, stub: Stub, at: int) -> None:
    stub.plays(page(trade(at, 1)))
    assert client.trades("ACME", SINCE, UNTIL)["sip_at"].cast(pl.Int64).to_list() == [at]


def test_an_empty_window_is_refused_before_asking(client: Polygon) -> None:
    with pytest.raises(ValueError, match="empty or runs backwards"):
        client.quotes("ACME", T, T)
    assert client.requests == 0


def test_a_missing_price_is_an_error_with_its_place(client: Polygon, stub: Stub) -> None:
    row = trade(T, 1)
    del row["price"]
    stub.plays(page(trade(T, 1), row))
    fails(client, r"missing required field `price` - at `\$\[1\]`")


def test_adjusted_bars_are_refused(client: Polygon, stub: Stub) -> None:
    bar = {"t": 1_789_999_980_000, "o": 1, "h": 1, "l": 1, "c": 1, "v": 5}
    stub.plays(page(bar, adjusted=True), Reply(page(adjusted=True)))
    with pytest.raises(PolygonError, match="adjusted bars where unadjusted ones were asked for"):
        client.minute_bars("ACME", SESSION, SESSION)
    assert client.minute_bars("ACME", SESSION, SESSION).height == 0


def test_a_walk_tells_its_pages_its_last_cursor_and_its_retries(
    client: Polygon, stub: Stub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "smallcaps_assets.source.pages")
    a, b = (f"{stub.url}/v3/trades/ACME?cursor={name}" for name in "ab")
    failing = Reply(b"", 503)
    stub.plays(page(trade(T, 1), next_url=a), failing, page(trade(T, 2), next_url=b), failing, failing, page())
    asked = Asked("trades", "ACME", "[a, b)")
    walk = client._pages.walk(asked, "/v3/trades/ACME", {"limit": "1"}, wire.TRADES)
    assert (walk.asked, walk.frame.height, walk.pages, walk.last_cursor, walk.retries) == (asked, 2, 3, "b", 3)
    assert "trades ACME [a, b): 2 rows on 3 pages, the last after cursor b, 3 retries" in caplog.text


def test_a_walk_of_one_page_has_no_cursor(client: Polygon, stub: Stub) -> None:
    stub.plays(page(trade(T, 1)))
    walk = client._pages.walk(Asked("trades"), "/v3/trades/ACME", {}, wire.TRADES)
    assert (walk.pages, walk.last_cursor, walk.retries) == (1, None, 0)


def test_an_error_in_the_middle_of_a_walk_says_where_and_one_at_its_start_does_not(client: Polygon, stub: Stub) -> None:
    a, b = (f"{stub.url}/v3/trades/ACME?cursor={name}" for name in "ab")
    refused = Reply({"status": "ERROR", "error": "no"}, 400)
    stub.plays(page(trade(T, 1), next_url=a), page(trade(T, 2), next_url=b), refused, refused)
    error = fails(client, r"HTTP 400: no \(page 3, after cursor b\)$")
    assert error.asked.place == "page 3, after cursor b"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301
    assert fails(client, "HTTP 400: no$").asked.place is None
