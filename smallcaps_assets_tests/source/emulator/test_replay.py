"""A session played again: every event once, in the order of time, whatever the steps; members and units by hand."""

import json
import threading
from datetime import date
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.source.emulator import directory as directories
from smallcaps_assets.source.emulator.calendar import hours
from smallcaps_assets.source.emulator.directory import Directory
from smallcaps_assets.source.emulator.market import Market
from smallcaps_assets.source.emulator.replay import AT_HAND, CHANNELS, Replay
from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
from smallcaps_assets_tests.source.emulator.toy_market import OPEN, SECOND, TUE, WED, ToyMarket

SESSION = date(2026, 2, 23)
BEGIN, END = hours(SESSION).open, hours(SESSION).post_close


@cache
def small() -> SyntheticMarket:
    """Two sessions of three companies."""
    return SyntheticMarket(tickers=3, start=date(2026, 2, 20), end=SESSION)


def replay(market: Market, session: date) -> Replay:
    return Replay(Directory(market), threading.Lock(), session)


def events(replay: Replay, until: int, most: int = 10**9) -> list[dict[str, Any]]:
    return [json.loads(line) for line in replay.due(until, most)]


def sent_at(event: dict[str, Any]) -> int:
    """The ms an event is sent at: the end of a bar, else its time."""
    at = int(event["e"] if event["ev"] in ("A", "AM") else event["t"])
    return at // 10**6 if event["ev"] == "LULD" else at


@cache
def whole() -> list[dict[str, Any]]:
    """All events of the session from the open on."""
    played = replay(small(), SESSION)
    for channel in CHANNELS:
        played.follow(channel, "*", BEGIN)
    return events(played, END)


def test_trades_and_quotes_have_the_members_of_the_socket_in_milliseconds() -> None:
    played = replay(ToyMarket(), TUE)
    played.follow("T", "AAA", OPEN[TUE])
    played.follow("Q", "AAA", OPEN[TUE])
    first, second, third, trade, reported, *_ = events(played, OPEN[TUE] + SECOND // 2)
    ms = OPEN[TUE] // 10**6
    assert first == {"ev": "Q", "sym": "AAA", "ax": 12, "ap": 10.1, "as": 2, "c": 1, "t": ms, "q": 1, "z": 3}
    assert second == first | {"bx": 11, "bp": 11, "bs": 3, "ap": 11.1, "q": 2}
    assert third["q"] == 3
    assert trade == {
        "ev": "T", "sym": "AAA", "x": 11, "i": "0", "z": 3, "p": 10, "s": 100, "c": [14, 41], "t": ms, "q": 1,
    }  # fmt: skip
    assert reported == {
        "ev": "T", "sym": "AAA", "x": 4, "i": "1", "z": 3, "p": 11, "s": 100, "t": ms, "q": 2, "trfi": 202, "trft": ms,
    }  # fmt: skip


def test_a_minute_is_sent_when_it_is_over_with_the_sums_of_the_session() -> None:
    played = replay(ToyMarket(), WED)
    played.follow("AM", "EEE", OPEN[WED] - 1800 * SECOND)  # 09:00
    before, first = events(played, OPEN[WED] + 60 * SECOND)
    assert events(played, OPEN[WED] + 120 * SECOND - 1) == []
    (second,) = events(played, OPEN[WED] + 120 * SECOND)
    ms = OPEN[WED] // 10**6
    assert before == {
        "ev": "AM", "sym": "EEE", "v": 1, "av": 1, "op": 0, "vw": 10, "o": 10, "c": 10.5, "h": 11, "l": 9, "a": 10,
        "z": 1, "s": ms - 1_800_000, "e": ms - 1_740_000,
    }  # fmt: skip
    # 10 × 1, 11 × 2 shares, then 12 × 3; the daily bar's open is 0.5
    assert (first["av"], first["a"], first["op"], first["s"], first["e"]) == (3, 10.6667, 0.5, ms, ms + 60_000)
    assert (second["av"], second["a"], second["v"], second["vw"]) == (6, 11.3333, 3, 12)


def test_a_second_is_made_of_its_trades() -> None:
    played = replay(ToyMarket(), TUE)
    played.follow("A", "AAA", OPEN[TUE])
    first, second, last = events(played, OPEN[TUE] + 60 * SECOND)
    assert (first["o"], first["c"], first["v"], first["z"]) == (10, 11, 200, 100)
    assert (first["e"] - first["s"], first["s"]) == (1000, OPEN[TUE] // 10**6)
    assert (second["s"] - first["s"], second["v"], second["av"]) == (1000, 300, 500)
    assert last["s"] - first["s"] == 9000  # the sixth trade is a Form T in regular hours: no price, no bar


def test_bands_are_in_nanoseconds() -> None:
    played = replay(ToyMarket(), TUE)
    played.follow("LULD", "AAA", OPEN[TUE])
    first, moved = events(played, OPEN[TUE] + 90 * SECOND)
    assert first == {"ev": "LULD", "T": "AAA", "h": 11, "l": 9, "i": [], "z": 3, "t": OPEN[TUE] + 7, "q": 1}
    # the mean of 10, 11, 12, 14 and 16; the odd lot and the Form T set no price
    assert (moved["h"], moved["l"], moved["t"], moved["q"]) == (
        13.86,
        11.34,
        OPEN[TUE] + 60 * SECOND,
        2,
    )  # 30 s or more after the first trade


def test_each_event_of_the_session_comes_once_in_the_order_of_time() -> None:
    found = whole()
    times = [sent_at(event) for event in found]
    assert times == sorted(times)
    market, tickers = small(), sorted(small().daily(SESSION)["T"])
    for channel, ask, name in (("T", market.trades, "sip_timestamp"), ("Q", market.quotes, "sip_timestamp")):
        for ticker in tickers:
            rows = ask(ticker, SESSION)
            late = rows.filter(rows[name] >= BEGIN)
            assert late.height > AT_HAND
            sent = [event["q"] for event in found if event["ev"] == channel and event["sym"] == ticker]
            assert sent == late["sequence_number"].to_list()
    minutes = [event for event in found if event["ev"] == "AM"]
    rows_of = [market.minutes(ticker, SESSION) for ticker in tickers]
    assert len(minutes) == sum(rows.filter(rows["t"] * 10**6 + 60 * SECOND >= BEGIN).height for rows in rows_of)


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(0, END - BEGIN), max_size=6), st.integers(1, 5000))
def test_the_steps_change_nothing(steps: list[int], most: int) -> None:
    played = replay(small(), SESSION)
    for channel in ("AM", "LULD", "T"):
        played.follow(channel, "*", BEGIN)
    found: list[dict[str, Any]] = []
    for step in [*sorted(steps), END - BEGIN]:
        while part := events(played, BEGIN + step, most):
            assert len(part) <= most
            found += part
        following = played.next_at()
        assert following is None or following > BEGIN + step
    assert found == [event for event in whole() if event["ev"] in ("AM", "LULD", "T")]


def test_a_session_the_market_forgot_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directories, "TICK_ROWS", 1)
    played = replay(small(), SESSION)
    played.follow("T", "*", BEGIN)
    assert events(played, END) == [event for event in whole() if event["ev"] == "T"]


def test_a_later_subscription_has_no_earlier_events_and_a_second_one_no_copies() -> None:
    played = replay(ToyMarket(), TUE)
    played.follow("T", "AAA", OPEN[TUE] + SECOND)
    played.follow("T", "AAA", OPEN[TUE] + SECOND)
    played.follow("T", "*", OPEN[TUE] + SECOND)
    assert [event["i"] for event in events(played, OPEN[TUE] + 60 * SECOND)] == ["2", "3", "4", "5", "6"]


def test_what_is_left_falls_silent_but_for_what_another_subscription_covers() -> None:
    played = replay(ToyMarket(), TUE)
    for ticker in ("AAA", "*"):
        played.follow("AM", ticker, OPEN[TUE])
    played.leave("AM", "*")
    (first,) = events(played, OPEN[TUE] + 60 * SECOND)
    assert first["sym"] == "AAA"
    played.leave("AM", "AAA")
    assert played.next_at() is None
    played.follow("AM", "AAA", OPEN[TUE] + 180 * SECOND)
    assert events(played, OPEN[TUE] + 180 * SECOND)[0]["e"] == OPEN[TUE] // 10**6 + 180_000


def test_an_unknown_ticker_is_silence() -> None:
    played = replay(ToyMarket(), TUE)
    for channel in CHANNELS:
        played.follow(channel, "ZZZZ", OPEN[TUE])
    assert played.next_at() is None
