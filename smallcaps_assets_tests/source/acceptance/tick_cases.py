"""Trades and quotes: nanoseconds, bounds, order, pages."""

import json
from datetime import date
from typing import Any

from smallcaps_assets_tests.source.acceptance.service import Row, Service, ms, require

TRADES, QUOTES = "/v3/trades/{}", "/v3/quotes/{}"


def window(service: Service) -> dict[str, Any]:
    """The first regular half hour of the newest session, in ns."""
    begin, end = ms(service.last, 9, 30), ms(service.last, 10, 0)
    return {"timestamp.gte": begin * 1_000_000, "timestamp.lt": end * 1_000_000}


def order_of(row: Row) -> tuple[int, int]:
    """The key trades and quotes are ordered by."""
    return row["sip_timestamp"], row["sequence_number"]


def nanoseconds_are_exact_integers_and_find_their_trade(service: Service) -> str:
    path = TRADES.format(service.ticker)
    reply = service.get(path, limit=1, **window(service))
    rows = service.answer(path, limit=1, **window(service))["results"]
    require(rows, "no trade in the first half hour")
    stamp = rows[0]["sip_timestamp"]
    require(f'"sip_timestamp":{stamp}' in reply.text.replace(" ", ""), "not written as an integer")
    require(isinstance(stamp, int) and len(str(stamp)) == 19, f"{stamp}")
    found = service.answer(path, timestamp=stamp, limit=1000)["results"]
    require(rows[0] in found and {row["sip_timestamp"] for row in found} == {stamp}, f"{len(found)} trades at {stamp}")
    beside = service.answer(path, limit=1000, **{"timestamp.gt": stamp, "timestamp.lte": stamp + 1})["results"]
    require(rows[0] not in beside, "found again one nanosecond later")
    return str(stamp)


def newest_trades_come_first_unless_told(service: Service) -> str:
    rows = service.answer(TRADES.format(service.ticker), timestamp=service.last, limit=50)["results"]
    require(len(rows) == 50, f"{len(rows)} trades")
    require([order_of(row) for row in rows] == sorted(map(order_of, rows), reverse=True), "not descending")
    return f"{rows[0]['sip_timestamp']} before {rows[-1]['sip_timestamp']}"


def a_date_is_its_new_york_day(service: Service) -> str:
    rows, _ = service.walk(TRADES.format(service.ticker), timestamp=service.last, limit=50_000)
    stamps = [row["sip_timestamp"] for row in rows]
    begin, end = (ms(day) * 1_000_000 for day in (service.last, date.fromordinal(service.last.toordinal() + 1)))
    require(stamps and begin <= min(stamps) and max(stamps) < end, f"{min(stamps)} to {max(stamps)}")
    return f"{len(rows)} trades"


def _both_ways(service: Service, path: str) -> str:
    whole, _ = service.walk(path, limit=50_000, order="asc", **window(service))
    limit = max(len(whole) // 4, 1)
    up, pages = service.walk(path, limit=limit, order="asc", **window(service))
    down, _ = service.walk(path, limit=limit, order="desc", **window(service))
    require(up == whole, f"{len(up)} rows on pages, {len(whole)} on one")
    require([order_of(row) for row in up] == sorted(map(order_of, up)), "not ascending")
    require(down == up[::-1], f"{len(down)} rows down, {len(up)} up")
    texts = [json.dumps(row, sort_keys=True) for row in up]
    require(len(texts) == len(set(texts)), "a row twice")
    require(pages > 1, f"{len(whole)} rows on one page")
    return f"{len(whole)} rows on {pages} pages"


def pages_of_trades_lose_nothing_and_go_both_ways(service: Service) -> str:
    return _both_ways(service, TRADES.format(service.ticker))


def pages_of_quotes_lose_nothing_and_go_both_ways(service: Service) -> str:
    return _both_ways(service, QUOTES.format(service.ticker))


def an_exactly_full_last_page_of_trades_has_no_next_url(service: Service) -> str:
    path = TRADES.format(service.ticker)
    count = len(service.answer(path, limit=50_000, **window(service))["results"])
    require("next_url" not in service.answer(path, limit=count, **window(service)), f"next_url after all {count}")
    require("next_url" in service.answer(path, limit=count - 1, **window(service)), "no next_url before the last")
    return f"limit={count}: none"


def members_of_trades_without_a_value_are_left_out(service: Service) -> str:
    rows = service.answer(TRADES.format(service.ticker), limit=1000, **window(service))["results"]
    empty = [row for row in rows for value in row.values() if value is None or value in ("", [])]
    require(not empty, str(empty[:1]))
    bare = sum("conditions" not in row for row in rows)
    return f"{bare} of {len(rows)} without conditions"


def _nothing(service: Service, path: str) -> str:
    page = service.answer(path.format("NOSUCHXQ"))
    require(page.get("results") == [] and "next_url" not in page, str(page)[:100])
    return "200 with []"


def an_unknown_ticker_has_no_trades_and_no_error(service: Service) -> str:
    return _nothing(service, TRADES)


def an_unknown_ticker_has_no_quotes_and_no_error(service: Service) -> str:
    return _nothing(service, QUOTES)


CASES = [
    nanoseconds_are_exact_integers_and_find_their_trade,
    newest_trades_come_first_unless_told,
    a_date_is_its_new_york_day,
    pages_of_trades_lose_nothing_and_go_both_ways,
    pages_of_quotes_lose_nothing_and_go_both_ways,
    an_exactly_full_last_page_of_trades_has_no_next_url,
    members_of_trades_without_a_value_are_left_out,
    an_unknown_ticker_has_no_trades_and_no_error,
    an_unknown_ticker_has_no_quotes_and_no_error,
]
