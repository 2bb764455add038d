"""The stream over a real socket: statuses, subscriptions, plans, eviction, slow readers."""

import itertools
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from smallcaps_assets.source.emulator.__main__ import arguments
from smallcaps_assets.source.emulator.routes_stream import StreamOptions
from smallcaps_assets.source.emulator.server import application
from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
from smallcaps_assets_tests.source.emulator.toy_market import MON, OPEN, SECOND, TUE, ToyMarket
from smallcaps_assets_tests.source.emulator.toy_service import KEY, body, toy_service

FAST = StreamOptions(speed=1000)
PATIENCE = 5.0


@pytest.fixture(scope="module")
def service() -> Iterator[httpx.Client]:
    with toy_service(stream=FAST) as client:
        yield client


def address(service: httpx.Client) -> str:
    return f"ws://{service.base_url.host}:{service.base_url.port}/stocks"


def told(listener: ClientConnection) -> list[dict[str, Any]]:
    events = json.loads(listener.recv(timeout=PATIENCE))
    assert isinstance(events, list)
    return events


def statuses(listener: ClientConnection) -> list[tuple[str, str]]:
    events = told(listener)
    assert {event["ev"] for event in events} == {"status"}
    return [(event["status"], event["message"]) for event in events]


def say(listener: ClientConnection, action: str, params: str) -> None:
    listener.send(json.dumps({"action": action, "params": params}))


@contextmanager
def listening(service: httpx.Client, **options: Any) -> Iterator[ClientConnection]:
    """An authenticated listener."""
    with connect(address(service), **options) as listener:
        assert statuses(listener) == [("connected", "Connected Successfully")]
        say(listener, "auth", KEY)
        assert statuses(listener) == [("auth_success", "authenticated")]
        yield listener


def closed(listener: ClientConnection) -> int:
    """The code the server closes with, all that comes before left aside."""
    try:
        while listener.recv(timeout=PATIENCE):
            pass
    except ConnectionClosed as end:
        return end.rcvd.code if end.rcvd else 1006
    raise AssertionError("an empty message")


def until(listener: ClientConnection, kind: str, count: int) -> list[dict[str, Any]]:
    """The first events of a kind."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        found += [event for event in told(listener) if event["ev"] == kind]
    return found[:count]


def test_a_wrong_key_is_refused_and_the_connection_closed(service: httpx.Client) -> None:
    with connect(address(service)) as listener:
        told(listener)
        say(listener, "auth", "another-key")
        assert statuses(listener) == [("auth_failed", "authentication failed")]
        assert closed(listener) == 1008


def test_a_plan_without_the_stream_is_refused() -> None:
    with toy_service(plan="basic") as service, connect(address(service)) as listener:
        told(listener)
        say(listener, "auth", KEY)
        assert statuses(listener) == [("auth_failed", "Your plan doesn't include websocket access.")]
        assert closed(listener) == 1008


def test_who_says_nothing_is_not_waited_for() -> None:
    with toy_service(stream=StreamOptions(patience=0.05)) as service, connect(address(service)) as listener:
        told(listener)
        assert [status for status, _ in statuses(listener)] == ["auth_timeout"]
        assert closed(listener) == 1008


def test_nothing_is_subscribed_before_the_key(service: httpx.Client) -> None:
    with connect(address(service)) as listener:
        told(listener)
        for message in ('{"action":"subscribe","params":"T.AAA"}', "no JSON", "[1]"):
            listener.send(message)
            assert statuses(listener) == [("error", "not authorized")]
        say(listener, "auth", KEY)
        assert statuses(listener) == [("auth_success", "authenticated")]


def test_each_known_pair_is_acknowledged_an_unknown_channel_dropped(service: httpx.Client) -> None:
    with listening(service) as listener:
        say(listener, "subscribe", "T.ZZZZ, AM.BRK.A,NOPE.AAA,T,Q.")
        assert statuses(listener) == [("success", "subscribed to: T.ZZZZ"), ("success", "subscribed to: AM.BRK.A")]
        say(listener, "unsubscribe", "T.ZZZZ")
        assert statuses(listener) == [("success", "unsubscribed to: T.ZZZZ")]
        say(listener, "dance", "T.ZZZZ")
        assert statuses(listener) == [("error", "invalid action")]


@pytest.mark.parametrize(
    ("plan", "refused"), [("starter", {"T.AAA", "Q.AAA"}), ("developer", {"Q.AAA"}), ("advanced", set())]
)
def test_a_channel_beyond_the_plan_is_not_authorized(plan: str, refused: set[str]) -> None:
    pairs = ["A.AAA", "AM.AAA", "LULD.AAA", "Q.AAA", "T.AAA"]
    with toy_service(plan=plan) as service, listening(service) as listener:
        say(listener, "subscribe", ",".join(pairs))
        if refused:
            assert statuses(listener) == [("error", "not authorized")] * len(refused)
        assert statuses(listener) == [("success", f"subscribed to: {pair}") for pair in pairs if pair not in refused]


def test_events_come_several_a_frame_in_the_order_of_their_time(service: httpx.Client) -> None:
    with listening(service) as listener:
        say(listener, "subscribe", "T.AAA,Q.*")
        assert len(statuses(listener)) == 2
        first = told(listener)
        assert len(first) > 1
        assert [event["ev"] for event in first[:4]] == ["Q", "Q", "Q", "T"]
        assert first[3]["t"] == OPEN[MON] // 10**6


def test_minutes_of_all_tickers_come_when_they_are_over(service: httpx.Client) -> None:
    with listening(service) as listener:
        say(listener, "subscribe", "AM.*")
        statuses(listener)
        bars = until(listener, "AM", 6)
        assert [bar["sym"] for bar in bars] == ["AAA", "EEE"] * 3
        assert [bar["v"] for bar in bars] == [2, 2, 3, 3, 4, 4]
        say(listener, "unsubscribe", "AM.*")
        while (events := told(listener))[0]["ev"] == "AM":
            pass
        assert events[0]["message"] == "unsubscribed to: AM.*"
        with pytest.raises(TimeoutError):
            listener.recv(timeout=0.2)  # three more minutes would have come


def test_a_replay_begins_at_the_clock_time_of_the_session_that_was_asked_for() -> None:
    options = StreamOptions(session=TUE, speed=1000, begin=time(9, 0))
    with toy_service(stream=options) as service, listening(service) as listener:
        say(listener, "subscribe", "AM.AAA")
        statuses(listener)
        (bar,) = told(listener)
        assert bar["s"] == (OPEN[TUE] - 1800 * SECOND) // 10**6


def test_speed_is_the_clocks() -> None:
    now = itertools.chain([0.0, 0.0], itertools.repeat(0.5))  # seconds: at 2 times its speed the session is at 1 s
    options = StreamOptions(speed=2, clock=lambda: next(now))
    with toy_service(stream=options) as service, listening(service) as listener:
        say(listener, "subscribe", "T.AAA")
        statuses(listener)
        assert [event["i"] for event in told(listener)] == ["0", "1"]  # the third comes 7 ns after that
        with pytest.raises(TimeoutError):
            listener.recv(timeout=0.2)


def test_the_stream_is_silent_after_the_session() -> None:
    now = itertools.count(step=3600.0)
    options = StreamOptions(speed=1000, clock=lambda: float(next(now)))
    with toy_service(stream=options) as service, listening(service) as listener:
        say(listener, "subscribe", "AM.AAA")
        statuses(listener)
        assert [bar["v"] for bar in told(listener)] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
        with pytest.raises(TimeoutError):
            listener.recv(timeout=0.2)
        say(listener, "unsubscribe", "AM.AAA")
        assert statuses(listener) == [("success", "unsubscribed to: AM.AAA")]


def test_a_new_connection_ends_the_one_before(service: httpx.Client) -> None:
    with listening(service) as first, listening(service) as second:
        (status,) = told(first)
        assert status["status"] == "max_connections"
        assert closed(first) == 1008
        say(second, "subscribe", "T.AAA")
        assert statuses(second) == [("success", "subscribed to: T.AAA")]


def test_a_reader_who_takes_nothing_is_cut_off() -> None:
    now = itertools.count(step=3600.0)  # the whole session is due at once
    options = StreamOptions(speed=1000, buffer=1_000_000, clock=lambda: float(next(now)))
    market = SyntheticMarket(tickers=24, start=date(2026, 2, 20), end=date(2026, 2, 23))
    small = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with toy_service(market, stream=options) as service:
        small.connect((service.base_url.host, service.base_url.port))
        with listening(service, sock=small, max_queue=1) as slow:
            say(slow, "subscribe", "Q.*")
            statuses(slow)
            assert body(service, "/v1/marketstatus/now")["market"]  # the service goes on while it waits
            threading.Event().wait(1.5)
            assert closed(slow) in (1006, 1008)


def test_speeds_beyond_a_thousand_and_sessions_that_are_none_are_refused() -> None:
    for speed in (0.5, 1001):
        with pytest.raises(ValueError, match="1 to 1000 times"):
            StreamOptions(speed=speed)
    with pytest.raises(ValueError, match="no session 2024-01-06"):
        application(ToyMarket(), KEY, stream=StreamOptions(session=date(2024, 1, 6)))


def test_the_command_line_says_what_is_played(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--key", KEY, "--replay-session", "2024-01-02", "--replay-speed", "60", "--replay-from", "09:00"]
    options = arguments(given)
    assert (options.replay_session, options.replay_speed, options.replay_from) == (TUE, 60, time(9))
    with pytest.raises(SystemExit):
        arguments(["--key", KEY, "--replay-speed", "1001"])
    assert "--replay-speed is 1 to 1000, not 1001" in capsys.readouterr().err
