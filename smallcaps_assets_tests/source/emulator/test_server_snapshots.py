"""Snapshots, last trade and last quote over HTTP: the toy market's last session, Monday 2024-01-08."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import polars as pl
import pytest

from smallcaps_assets.source.emulator import routes_snapshots
from smallcaps_assets_tests.source.emulator.toy_market import MON, OPEN, ToyMarket
from smallcaps_assets_tests.source.emulator.toy_service import body, toy_service, walked

V2 = "/v2/snapshot/locale/us/markets/stocks"
NINE_THIRTY = OPEN[MON]  # ns
FOUR_PM = NINE_THIRTY + 390 * 60 * 10**9
LAST_MINUTE = {"t": NINE_THIRTY // 10**6 + 395 * 60_000, "o": 21.0, "c": 21.5, "h": 22.0, "l": 20.0, "v": 12.0}
NONE = dict.fromkeys(("o", "h", "l", "c", "v", "vw"), 0)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with toy_service() as client:
        yield client


class Movers(ToyMarket):
    """UP10 rose 10 % on Monday and so on; SMALL rose furthest but on 9,999 shares; NEW has no session before."""

    MOVES = {"UP10": 1.1, "UP3": 1.03, "DOWN5": 0.95, "DOWN40": 0.6, "FLAT": 1.0, "SMALL": 1.2, "NEW": None}

    def daily(self, session: date) -> pl.DataFrame:
        rows = [
            {
                "T": ticker,
                "v": 9_999.0 if ticker == "SMALL" else 10_000.0,
                **dict.fromkeys(("vw", "o", "h", "l", "c"), 10.0 * (move or 1.0) if session == MON else 10.0),
                "n": 1,
            }
            for ticker, move in self.MOVES.items()
            if move or session == MON
        ]
        return pl.DataFrame(rows, schema=ToyMarket().daily(MON).schema)


def test_a_ticker_shows_its_last_session_and_the_change_to_its_last_trade(client: httpx.Client) -> None:
    reply = body(client, f"{V2}/tickers/AAA")
    assert set(reply) == {"status", "request_id", "ticker"}
    shown = reply["ticker"]
    assert shown.pop("todaysChangePerc") == pytest.approx(4.5 / 11.5 * 100)
    assert shown == {
        "ticker": "AAA",
        "todaysChange": 4.5,  # 16 of the last trade against Friday's close of 11.5
        "updated": (LAST_MINUTE["t"] + 60_000) * 10**6,
        "day": {"o": 11.9, "h": 12.1, "l": 11.8, "c": 12.0, "v": 1000.0, "vw": 12.0},
        "prevDay": {"o": 11.4, "h": 11.6, "l": 11.3, "c": 11.5, "v": 1000.0, "vw": 11.5},
        "min": {"av": 1000, "vw": 21.0, "n": 12, **LAST_MINUTE},
        "lastTrade": {"i": "6", "p": 16.0, "s": 100, "t": NINE_THIRTY + 9 * 10**9 + 7, "x": 11},
        "lastQuote": {"P": 12.1, "S": 2, "p": 12.0, "s": 3, "t": NINE_THIRTY + 2},
    }


def test_a_traded_ticker_without_recorded_ticks_shows_the_change_of_its_close(client: httpx.Client) -> None:
    shown = body(client, f"{V2}/tickers/CCC")["ticker"]
    assert (shown["todaysChange"], shown["updated"]) == (pytest.approx(0.1), FOUR_PM)
    assert shown["lastTrade"] == {"i": "", "p": 0, "s": 0, "t": 0, "x": 0}
    assert "lastQuote" not in shown


@pytest.mark.parametrize("ticker", ["NOPE", "BBB", "DDD", "aaa"])
def test_a_ticker_that_is_unknown_or_gone_has_no_snapshot(client: httpx.Client, ticker: str) -> None:
    reply = client.get(f"{V2}/tickers/{ticker}")
    assert (reply.status_code, reply.json()["message"]) == (404, "Ticker not found.")


def test_all_tickers_are_those_listed_or_traded_today(client: httpx.Client) -> None:
    reply = body(client, f"{V2}/tickers")
    assert [row["ticker"] for row in reply["tickers"]] == ["AAA", "CCC", "EEE", "QQQQ"]
    assert reply["count"] == 4


@pytest.mark.parametrize(
    ("wanted", "found"), [("EEE,AAA,NOPE", ["AAA", "EEE"]), ("", ["AAA", "CCC", "EEE", "QQQQ"]), ("NOPE", [])]
)
def test_tickers_may_be_named_and_unknown_ones_are_left_out(
    client: httpx.Client, wanted: str, found: list[str]
) -> None:
    assert [row["ticker"] for row in body(client, f"{V2}/tickers", tickers=wanted)["tickers"]] == found


def test_a_long_reply_leaves_out_what_only_tapes_tell(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes_snapshots, "MOST_TAPES", 3)
    row = body(client, f"{V2}/tickers")["tickers"][0]
    assert set(row) == {"ticker", "todaysChange", "todaysChangePerc", "updated", "day", "prevDay"}
    assert (row["todaysChange"], row["updated"]) == (0.5, FOUR_PM)  # of Monday's close


class Untraded(ToyMarket):
    """AAA is listed and does not trade on Monday."""

    def daily(self, session: date) -> pl.DataFrame:
        known = super().daily(session)
        return known.filter(pl.col("T") != "AAA") if session == MON else known

    def minutes(self, ticker: str, session: date) -> pl.DataFrame:
        return super().minutes(ticker, session).clear()

    def trades(self, ticker: str, session: date) -> pl.DataFrame:
        return super().trades(ticker, session).clear()


def test_a_listed_ticker_that_did_not_trade_has_zeros_as_the_service_has() -> None:
    with toy_service(Untraded()) as client:
        shown = body(client, f"{V2}/tickers/AAA")["ticker"]
    assert shown["day"] == NONE
    assert shown["min"] == {"av": 0, "t": 0, "n": 0, **NONE}
    assert (shown["todaysChange"], shown["todaysChangePerc"], shown["updated"]) == (0, 0, 0)
    assert (shown["prevDay"]["c"], shown["lastQuote"]["P"]) == (11.5, 12.1)


def test_gainers_and_losers_moved_most_on_ten_thousand_shares() -> None:
    with toy_service(Movers()) as client:
        gainers, losers = (body(client, f"{V2}/{direction}")["tickers"] for direction in ("gainers", "losers"))
        assert client.get(f"{V2}/sleepers").status_code == 400
    assert [row["ticker"] for row in gainers] == ["UP10", "UP3"]
    assert [row["ticker"] for row in losers] == ["DOWN40", "DOWN5"]
    assert [row["todaysChangePerc"] for row in losers] == [pytest.approx(-40.0), pytest.approx(-5.0)]


def test_gainers_are_twenty_at_most() -> None:
    class Many(Movers):
        MOVES = {f"T{number:02d}": 1 + number / 100 for number in range(30)}

    with toy_service(Many()) as client:
        gainers = body(client, f"{V2}/gainers")["tickers"]
    assert [row["ticker"] for row in gainers] == [f"T{number:02d}" for number in range(29, 9, -1)]


def test_the_universal_snapshot_names_what_it_does_not_know(client: httpx.Client) -> None:
    rows = body(client, "/v3/snapshot", **{"ticker.any_of": "NOPE,AAA"})["results"]
    assert rows[1] == {"ticker": "NOPE", "error": "NOT_FOUND", "message": "Ticker not found."}
    shown = rows[0]
    assert {name: value for name, value in shown.items() if not isinstance(value, dict)} == {
        "ticker": "AAA",
        "name": "AAA Inc.",
        "type": "stocks",
        "market_status": "closed",
    }
    percents = {name: shown["session"].pop(f"{name}change_percent") for name in ("", "early_trading_", "late_trading_")}
    assert percents == {  # 16 and 10.5 (09:00) to 11.5; 21.5 (16:05) to the close of 12
        "": pytest.approx(4.5 / 11.5 * 100),
        "early_trading_": pytest.approx(-1 / 11.5 * 100),
        "late_trading_": pytest.approx(9.5 / 12 * 100),
    }
    assert shown["session"] == {
        "change": 4.5,
        "early_trading_change": -1.0,
        "regular_trading_change": 0.5,
        "regular_trading_change_percent": pytest.approx(0.5 / 11.5 * 100),
        "late_trading_change": 9.5,
        "close": 12.0,
        "high": 12.1,
        "low": 11.8,
        "open": 11.9,
        "previous_close": 11.5,
        "price": 16.0,
        "volume": 1000.0,
    }
    assert shown["last_quote"] == {
        "ask": 12.1,
        "ask_exchange": 12,
        "ask_size": 2.0,
        "bid": 12.0,
        "bid_exchange": 11,
        "bid_size": 3.0,
        "last_updated": NINE_THIRTY + 2,
        "midpoint": 12.05,
        "timeframe": "REAL-TIME",
    }
    assert shown["last_trade"] == {
        "exchange": 11,
        "id": "6",
        "participant_timestamp": NINE_THIRTY + 9 * 10**9 - 123,
        "price": 16.0,
        "sip_timestamp": NINE_THIRTY + 9 * 10**9 + 7,
        "size": 100,
        "timeframe": "REAL-TIME",
    }
    assert (shown["last_minute"]["close"], shown["last_minute"]["last_updated"]) == (21.5, LAST_MINUTE["t"] * 10**6)


def test_a_stock_is_unknown_among_options(client: httpx.Client) -> None:
    (row,) = body(client, "/v3/snapshot", **{"ticker.any_of": "AAA", "type": "options"})["results"]
    assert row == {"ticker": "AAA", "error": "NOT_FOUND", "message": "Ticker not found."}


@pytest.mark.parametrize("limit", [1, 3, 4, 250])
def test_pages_of_the_universal_snapshot_together_are_one(client: httpx.Client, limit: int) -> None:
    found, pages = walked(client, "/v3/snapshot", limit=limit)
    assert [row["ticker"] for row in found] == ["AAA", "CCC", "EEE", "QQQQ"]
    assert pages == -(-4 // limit)


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"ticker.gt": "AAA", "order": "desc"}, ["QQQQ", "EEE", "CCC"]),
        ({"ticker": "EEE"}, ["EEE"]),
        ({"type": "options"}, []),
        ({"type": "stocks", "ticker": "NOPE"}, []),
        ({"ticker.any_of": "EEE,CCC", "limit": "1"}, ["CCC"]),
    ],
)
def test_the_universal_snapshot_is_filtered(client: httpx.Client, parameters: dict[str, Any], found: list[str]) -> None:
    assert [row["ticker"] for row in body(client, "/v3/snapshot", **parameters)["results"]] == found


@pytest.mark.parametrize("query", ["limit=251", "type=stones", "sort=name", "ticker.any_of=" + ",".join("A" * 251)])
def test_what_the_universal_snapshot_cannot_mean_is_refused(client: httpx.Client, query: str) -> None:
    assert client.get(f"/v3/snapshot?{query}").status_code == 400


def test_the_last_trade_is_the_newest_one(client: httpx.Client) -> None:
    assert body(client, "/v2/last/trade/AAA")["results"] == {
        "T": "AAA",
        "i": "6",
        "p": 16.0,
        "q": 9,
        "s": 100.0,
        "t": NINE_THIRTY + 9 * 10**9 + 7,
        "x": 11,
        "y": NINE_THIRTY + 9 * 10**9 - 123,
        "z": 3,
    }


def test_the_last_quote_is_the_newest_one(client: httpx.Client) -> None:
    assert body(client, "/v2/last/nbbo/AAA")["results"] == {
        "T": "AAA",
        "P": 12.1,
        "S": 2,
        "X": 12,
        "c": [1],
        "p": 12.0,
        "q": 3,
        "s": 3,
        "t": NINE_THIRTY + 2,
        "x": 11,
        "y": NINE_THIRTY + 2,
        "z": 3,
    }


@pytest.mark.parametrize("address", ["/v2/last/trade/CCC", "/v2/last/nbbo/NOPE"])
def test_a_ticker_without_ticks_has_no_last_one(client: httpx.Client, address: str) -> None:
    reply = client.get(address)
    assert (reply.status_code, reply.json()["message"]) == (404, "Data not found.")
