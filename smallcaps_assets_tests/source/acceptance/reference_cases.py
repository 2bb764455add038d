"""Tickers alive and gone, their details and events, splits, holidays, snapshots."""

from datetime import timedelta

from smallcaps_assets_tests.source.acceptance.service import SPLITS, TICKERS, Service, require


def delisted_tickers_are_hidden_unless_asked_for(service: Service) -> str:
    ticker = service.gone["ticker"]
    require(service.answer(TICKERS, ticker=ticker)["results"] == [], f"{ticker} is listed")
    rows = service.answer(TICKERS, ticker=ticker, active="false")["results"]
    require(rows and not rows[0]["active"] and rows[0]["delisted_utc"], str(rows)[:100])
    return f"{ticker} until {rows[0]['delisted_utc']}"


def details_of_a_delisted_ticker_are_404_without_a_date(service: Service) -> str:
    path = f"{TICKERS}/{service.gone['ticker']}"
    text = service.refused(path, 404)
    for ago in range(1, 8):  # the date must be a day on which the symbol traded
        reply = service.get(path, date=service.gone["ended"] - timedelta(days=ago))
        if reply.status_code == 200:
            found = reply.json()["results"]
            require(found["ticker"] == service.gone["ticker"], str(found)[:100])
            return f"{text} {ago} days before its end: {found['name']}"
        require(reply.status_code == 404, f"{reply.status_code} {reply.text[:80]}")
    return f"{text} In the week before its end as well."


def an_unknown_ticker_and_one_in_small_letters_have_no_details(service: Service) -> str:
    service.refused(f"{TICKERS}/{service.ticker.lower()}", 404)
    return service.refused(f"{TICKERS}/NOSUCHXQ", 404)


def the_list_of_a_date_is_of_that_date(service: Service) -> str:
    ticker, ended = service.gone["ticker"], service.gone["ended"]
    then = service.answer(TICKERS, ticker=ticker, date=ended - timedelta(days=20))["results"]
    require([row["active"] for row in then] == [True], f"{ticker} 20 days before its end: {then}")
    return f"{ticker} is active on {ended - timedelta(days=20)}"


def events_are_newest_first_and_have_a_type(service: Service) -> str:
    found = service.answer(f"/vX/reference/tickers/{service.ticker}/events")["results"]["events"]
    dates = [event["date"] for event in found]
    require(dates == sorted(dates, reverse=True), str(dates))
    require(all(event["type"] == "ticker_change" and event["ticker_change"]["ticker"] for event in found), str(found))
    service.refused("/vX/reference/tickers/NOSUCHXQ/events", 404)
    return f"{len(found)} of {service.ticker}"


def splits_come_newest_first_ten_at_a_time(service: Service) -> str:
    rows = service.answer(SPLITS, **{"execution_date.lte": service.last})["results"]
    dates = [row["execution_date"] for row in rows]
    require(dates == sorted(dates, reverse=True), str(dates))
    require(len(rows) <= 10 and all(row["split_from"] > 0 and row["split_to"] > 0 for row in rows), f"{len(rows)} rows")
    return f"{len(rows)} from {dates[0]}"


def conditions_come_ten_at_a_time_unless_told(service: Service) -> str:
    few = service.answer("/v3/reference/conditions", asset_class="stocks")
    require(len(few["results"]) == 10 and "next_url" in few, f"{len(few['results'])} rows")
    rows, pages = service.walk("/v3/reference/conditions", asset_class="stocks", limit=25)
    whole = service.answer("/v3/reference/conditions", asset_class="stocks", limit=1000)["results"]
    require(rows == whole, f"{len(rows)} on pages, {len(whole)} on one")
    return f"{len(whole)} on {pages} pages of 25"


def holidays_are_a_bare_array_of_days_to_come(service: Service) -> str:
    found = service.answer("/v1/marketstatus/upcoming")
    require(isinstance(found, list) and found, str(found)[:100])
    require(all(row["date"] >= service.today.isoformat() for row in found), "a day that is past")
    early = [row for row in found if row["status"] == "early-close"]
    require(all({"open", "close"} <= set(row) for row in early), "an early close without hours")
    return f"{len(found)}, {len(early)} of them early closes"


def an_unknown_ticker_in_a_snapshot_is_a_row_with_an_error(service: Service) -> str:
    asked = {"ticker.any_of": f"{service.ticker},NOSUCHXQ", "type": "stocks"}
    rows = {row["ticker"]: row for row in service.answer("/v3/snapshot", **asked)["results"]}
    require(set(rows) == {service.ticker, "NOSUCHXQ"}, str(sorted(rows)))
    require("error" in rows["NOSUCHXQ"] and "session" in rows[service.ticker], str(rows["NOSUCHXQ"]))
    return f"{rows['NOSUCHXQ']['error']}"


CASES = [
    delisted_tickers_are_hidden_unless_asked_for,
    details_of_a_delisted_ticker_are_404_without_a_date,
    an_unknown_ticker_and_one_in_small_letters_have_no_details,
    the_list_of_a_date_is_of_that_date,
    events_are_newest_first_and_have_a_type,
    splits_come_newest_first_ten_at_a_time,
    conditions_come_ten_at_a_time_unless_told,
    holidays_are_a_bare_array_of_days_to_come,
    an_unknown_ticker_in_a_snapshot_is_a_row_with_an_error,
]
