"""Custom bars: bounds, windows, what the limit counts, pages."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from smallcaps_assets_tests.source.emulator.toy_market import SESSIONS
from smallcaps_assets_tests.source.emulator.toy_service import KEY, body, toy_service, walked

NEW_YORK = ZoneInfo("America/New_York")
RANGE = "/v2/aggs/ticker/{}/range/{}/{}/{}/{}"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with toy_service() as client:
        yield client


def ms(day: int, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(2024, 1, day, hour, minute, tzinfo=NEW_YORK).timestamp()) * 1000


def bars(client: httpx.Client, *path: Any, **parameters: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = body(client, RANGE.format(*path), **parameters).get("results", [])
    return rows


def test_dates_are_inclusive_new_york_days(client: httpx.Client) -> None:
    found = bars(client, "AAA", 1, "minute", "2024-01-03", "2024-01-04")
    assert len(found) == 24
    assert (found[0]["t"], found[-1]["t"]) == (ms(3, 9), ms(4, 16, 5))


def test_a_minute_bar_is_the_markets_minute(client: httpx.Client) -> None:
    first = bars(client, "AAA", 1, "minute", "2024-01-03", "2024-01-03")[0]
    assert first == {"v": 1.0, "vw": 10.0, "o": 10.0, "c": 10.5, "h": 11.0, "l": 9.0, "t": ms(3, 9), "n": 1}


def test_second_bars_are_made_of_the_trades(client: httpx.Client) -> None:
    # The odd lot of the 2nd second only counts for volume; the Form T trade of the 3rd alone makes no bar.
    opened = ms(2, 9, 30)
    assert bars(client, "AAA", 1, "second", "2024-01-02", "2024-01-02") == [
        {"v": 200.0, "vw": 10.5, "o": 10.0, "c": 11.0, "h": 11.0, "l": 10.0, "t": opened, "n": 2},
        {"v": 300.0, "vw": 13.0, "o": 12.0, "c": 14.0, "h": 14.0, "l": 12.0, "t": opened + 1000, "n": 3},
        {"v": 100.0, "vw": 16.0, "o": 16.0, "c": 16.0, "h": 16.0, "l": 16.0, "t": opened + 9000, "n": 1},
    ]
    assert [row["v"] for row in bars(client, "AAA", 5, "second", opened + 500, opened + 5000)] == [500.0, 100.0]


def test_the_limit_of_second_bars_counts_seconds(client: httpx.Client) -> None:
    page = body(client, RANGE.format("AAA", 5, "second", "2024-01-02", "2024-01-02"), limit=2)
    assert (page["queryCount"], page["resultsCount"]) == (2, 1)
    found, pages = walked(client, RANGE.format("AAA", 1, "second", "2024-01-02", "2024-01-08"), limit=2)
    assert (len(found), pages) == (15, 8)


def test_milliseconds_are_snapped_to_the_minutes_they_lie_in(client: httpx.Client) -> None:
    found = bars(client, "AAA", 1, "minute", ms(3, 9, 31) + 59_999, ms(3, 9, 33) + 1)
    assert [row["t"] for row in found] == [ms(3, 9, 31), ms(3, 9, 32), ms(3, 9, 33)]


def test_larger_bars_follow_from_the_snapped_start(client: httpx.Client) -> None:
    # Hour bars: 09:00 holds the pre-market minute and the ten of 09:30 to 09:39, 16:00 the after-hours minute.
    found = bars(client, "AAA", 1, "hour", "2024-01-03", "2024-01-03")
    assert [row["t"] for row in found] == [ms(3, 9), ms(3, 16)]
    # v = 1 + 2 + ... + 11 = 66; vw = sum (10 + k)(k + 1) / 66 over k = 0..10 = (660 + 440) / 66
    assert found[0] == {
        "v": 66.0,
        "vw": 16.6667,
        "o": 10.0,
        "c": 20.5,
        "h": 21.0,
        "l": 9.0,
        "t": ms(3, 9),
        "n": 66,
    }


def test_a_premarket_bar_is_330_minutes_from_four(client: httpx.Client) -> None:
    (found,) = bars(client, "AAA", 330, "minute", ms(3, 4), ms(3, 9, 29))
    assert (found["t"], found["v"]) == (ms(3, 4), 1.0)


def test_days_start_at_midnight_new_york(client: httpx.Client) -> None:
    found = bars(client, "AAA", 1, "day", "2024-01-01", "2024-01-08")
    assert [row["t"] for row in found] == [ms(2), ms(3), ms(4), ms(5), ms(8)]
    assert [row["c"] for row in found] == [10.0, 10.5, 11.0, 11.5, 12.0]


def test_weeks_start_on_sunday_and_both_bounds_snap_to_them(client: httpx.Client) -> None:
    found = bars(client, "AAA", 1, "week", "2024-01-04", "2024-01-08")
    assert [row["t"] for row in found] == [int(datetime(2023, 12, 31, tzinfo=NEW_YORK).timestamp()) * 1000, ms(7)]
    assert (found[0]["o"], found[0]["c"], found[0]["v"], found[0]["n"]) == (9.9, 11.5, 4000.0, 40)


@pytest.mark.parametrize("unit", ["month", "quarter", "year"])
def test_months_quarters_and_years_start_on_their_first_day(client: httpx.Client, unit: str) -> None:
    (found,) = bars(client, "AAA", 1, unit, "2024-01-05", "2024-01-05")
    assert (found["t"], found["v"]) == (ms(1), 5000.0)


def test_adjusted_bars_are_on_the_last_sessions_split_basis(client: httpx.Client) -> None:
    closes = [row["c"] for row in bars(client, "EEE", 1, "day", "2024-01-02", "2024-01-08")]
    assert closes == [5.0, 6.0, 6.1, 6.2, 6.3]
    raw = [row["c"] for row in bars(client, "EEE", 1, "day", "2024-01-02", "2024-01-08", adjusted="false")]
    assert raw == [0.5, 0.6, 6.1, 6.2, 6.3]
    minute = bars(client, "EEE", 1, "minute", "2024-01-03", "2024-01-03")[1]
    assert (minute["o"], minute["v"]) == (110.0, 0.2)


def test_descending_is_the_reverse(client: httpx.Client) -> None:
    upward = bars(client, "AAA", 1, "hour", "2024-01-02", "2024-01-08")
    assert bars(client, "AAA", 1, "hour", "2024-01-02", "2024-01-08", sort="desc") == upward[::-1]


def test_the_limit_counts_base_bars_and_a_cut_bar_is_left_to_the_next_page(client: httpx.Client) -> None:
    # The second session's first hour would need the 13th to 23rd minute; 20 minutes end inside it.
    page = body(client, RANGE.format("AAA", 1, "hour", "2024-01-02", "2024-01-03"), limit=20)
    assert [row["t"] for row in page["results"]] == [ms(2, 9), ms(2, 16)]
    assert (page["queryCount"], page["resultsCount"], page["count"]) == (12, 2, 2)
    assert f"/range/1/hour/{ms(3, 9)}/2024-01-03?cursor=" in page["next_url"]


def test_an_exactly_full_last_page_has_no_next(client: httpx.Client) -> None:
    assert "next_url" not in body(client, RANGE.format("AAA", 1, "minute", "2024-01-03", "2024-01-03"), limit=12)
    assert "next_url" in body(client, RANGE.format("AAA", 1, "minute", "2024-01-03", "2024-01-03"), limit=11)


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize(("multiplier", "unit"), [(1, "minute"), (5, "minute"), (1, "hour"), (1, "day"), (1, "week")])
@pytest.mark.parametrize("limit", [1, 2, 7, 13])
def test_pages_together_are_one_page(client: httpx.Client, sort: str, multiplier: int, unit: str, limit: int) -> None:
    address = RANGE.format("EEE", multiplier, unit, "2024-01-02", "2024-01-08")
    whole, pages = walked(client, address, sort=sort, adjusted="false")
    assert pages == 1
    found, _ = walked(client, address, sort=sort, adjusted="false", limit=limit)
    assert found == whole


def test_the_next_address_has_the_callers_host_and_no_key(client: httpx.Client) -> None:
    address = RANGE.format("AAA", 1, "minute", "2024-01-02", "2024-01-08")
    reply = httpx.get(
        client.base_url.join(address), params={"limit": 3, "apiKey": KEY}, headers={"Host": "api.invalid:443"}
    )
    onward = reply.json()["next_url"]
    assert onward.startswith("http://api.invalid:443/v2/aggs/ticker/AAA/")
    assert KEY not in onward
    assert httpx.get(client.base_url.join(httpx.URL(onward).raw_path.decode())).status_code == 401


def test_a_limit_beyond_the_most_is_the_most(client: httpx.Client) -> None:
    assert len(bars(client, "AAA", 1, "minute", "2024-01-02", "2024-01-08", limit=500_000)) == 12 * len(SESSIONS)


@pytest.mark.parametrize(("ticker", "begin"), [("NOPE", "2024-01-02"), ("AAA", "2024-01-06"), ("CCC", "2024-01-02")])
def test_no_bars_are_no_results(client: httpx.Client, ticker: str, begin: str) -> None:
    reply = body(client, RANGE.format(ticker, 1, "minute", begin, begin))
    reply.pop("request_id")
    assert reply == {
        "ticker": ticker,
        "queryCount": 0,
        "resultsCount": 0,
        "adjusted": True,
        "status": "OK",
        "count": 0,
    }


def test_to_before_from_is_refused_in_the_services_words(client: httpx.Client) -> None:
    reply = client.get(RANGE.format("AAA", 1, "day", "2024-01-03", "2024-01-02"))
    assert reply.status_code == 400
    assert reply.json()["error"] == "The parameter 'to' cannot be a time that occurs before 'from'"


@pytest.mark.parametrize(
    ("path", "query", "said"),
    [
        ((1, "day", "soon", "2024-01-02"), "", "Could not parse the time parameter: 'from'"),
        ((1, "day", "2024-01-02", "2024-13-02"), "", "Could not parse the time parameter: 'to'"),
        ((0, "day", "2024-01-02", "2024-01-02"), "", "'multiplier'"),
        ((1, "fortnight", "2024-01-02", "2024-01-02"), "", "'timespan'"),
        ((1, "day", "2024-01-02", "2024-01-02"), "?limit=0", "'limit'"),
        ((1, "day", "2024-01-02", "2024-01-02"), "?sort=up", "'sort'"),
        ((1, "day", "2024-01-02", "2024-01-02"), "?cursor=bGltaXQ9NQ&limit=5", "'cursor'"),
        ((1, "day", "2024-01-02", "2024-01-02"), "?cursor=!!!", "cursor could not be read"),
        ((9999, "year", "99999999999999999", "2024-01-02"), "", "Could not parse"),
    ],
)
def test_what_cannot_be_meant_is_refused(client: httpx.Client, path: tuple[Any, ...], query: str, said: str) -> None:
    reply = client.get(RANGE.format("AAA", *path) + query)
    assert reply.status_code == 400
    assert said in reply.json()["error"]


def test_windows_beyond_all_dates_are_answered(client: httpx.Client) -> None:
    assert len(bars(client, "AAA", 9999, "year", "2024-01-02", "2024-01-02")) == 1
