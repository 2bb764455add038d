"""What may pass is asked again, what cannot is an error at once, and neither ever shows the key."""

import gzip
import logging
import pickle
import traceback
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime

import hpack
import httpx
import pytest

from smallcaps_assets.source.polygon import Polygon, PolygonError, PolygonUnavailableError
from smallcaps_assets.source.retries import ATTEMPTS
from smallcaps_assets_tests.source.stub import KEY, Reply, Stub, asking, page, serving, trade

T = 1_790_000_000_123_456_789
SESSION = date(2026, 9, 21)
LIMIT = {"status": "ERROR", "request_id": "1", "error": "You've exceeded the maximum requests per minute"}


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


def good() -> Reply:
    return Reply(page(trade(T, 1)))


@pytest.mark.parametrize(
    "fault",
    [
        Reply(LIMIT, 429),
        Reply(b"", 429),
        Reply(b"<html>bad gateway</html>", 502),
        Reply(b"", 500),
        Reply(b"", 503),
        Reply(page(trade(T, 1)), cut=True),
        Reply(b'{"status":"OK","results":[{"sip_timestamp":17900000'),
        Reply(b""),
        Reply(b"<html>maintenance</html>", headers={"Content-Type": "text/html"}),
        Reply(gzip.compress(good().content())[:60], headers={"Content-Encoding": "gzip"}),
        Reply(b"not gzip", headers={"Content-Encoding": "gzip"}),
    ],
    ids=["429", "429 empty", "502", "500", "503", "cut", "half JSON", "empty", "html", "half gzip", "no gzip"],
)
def test_what_may_pass_is_asked_again(stub: Stub, fault: Reply) -> None:
    stub.plays(fault, fault, good())
    with asking(stub) as (client, pauses):
        assert client.trades("ACME", T, T + 1).height == 1
        assert client.requests == 3
    assert len(pauses) == 2
    assert 0.0 <= pauses[0] <= 1.0  # evenly drawn, up to a second after the first failure
    assert 0.0 <= pauses[1] <= 2.0  # up to two after the second


def test_a_broken_connection_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    pauses: list[float] = []

    def breaks_once(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise httpx.ReadError("connection reset by peer", request=request)
        body = httpx.ByteStream(good().content())
        return httpx.Response(200, headers={"Content-Type": "application/json"}, stream=body)

    with Polygon("https://polygon.test", KEY, transport=httpx.MockTransport(breaks_once)) as client:
        monkeypatch.setattr(client._pages, "pause", pauses.append)
        assert client.trades("ACME", T, T + 1).height == 1
    assert len(pauses) == 1


def test_retry_after_is_honoured_by_all_threads(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub.plays(Reply(LIMIT, 429, {"Retry-After": "7"}), good())
    with asking(stub) as (client, pauses):
        held: list[float] = []
        monkeypatch.setattr(client._pages._bucket, "hold", held.append)
        client.trades("ACME", T, T + 1)
    assert pauses == [7.0]
    assert held == [7.0]


@pytest.mark.parametrize("skew", [timedelta(0), timedelta(hours=3), -timedelta(minutes=40)])
def test_retry_after_as_a_date_is_counted_on_the_services_clock(stub: Stub, skew: timedelta) -> None:
    theirs = datetime.now(UTC) + skew
    dates = {"Date": format_datetime(theirs, usegmt=True)}
    soon = {"Retry-After": format_datetime(theirs + timedelta(seconds=30), usegmt=True)}
    stub.plays(Reply(LIMIT, 429, dates | soon), good())
    with asking(stub) as (client, pauses):
        client.trades("ACME", T, T + 1)
    assert pauses == [30.0]


def test_a_429_halves_what_is_under_way_at_once_and_good_answers_bring_it_back(stub: Stub) -> None:
    stub.plays(good(), Reply(LIMIT, 429), *[good()] * 6)
    with asking(stub) as (client, _):
        allowed = []
        for _ in range(7):
            client.trades("ACME", T, T + 1)
            allowed.append(client._pages.concurrency.allowed)
    assert allowed == [4, 2, 3, 3, 3, 4, 4]  # the second is refused once; then windows of 2 and of 3 answers


def test_an_hour_to_wait_is_an_error_at_once(stub: Stub) -> None:
    stub.plays(Reply(LIMIT, 429, {"Retry-After": "3600"}))
    with asking(stub) as (client, pauses), pytest.raises(PolygonError, match="come back in 3600 s"):
        client.trades("ACME", T, T + 1)
    assert pauses == []


def test_attempts_are_bounded(stub: Stub) -> None:
    stub.plays(*[Reply(b"", 503)] * 20)
    with asking(stub) as (client, pauses):
        with pytest.raises(PolygonUnavailableError, match=r"^quotes ACME \[.*\): HTTP 503: no text$") as caught:
            client.quotes("ACME", T, T + 1)
        assert client.requests == ATTEMPTS
    assert caught.value.status == 503
    assert max(pauses) <= 60.0


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (400, b'{"status":"ERROR","error":"Could not parse the time parameter"}', "HTTP 400: Could not parse the time"),
        (401, b'{"status":"ERROR","error":"Unknown API Key"}', "HTTP 401: Unknown API Key"),
        (403, b'{"status":"NOT_AUTHORIZED","message":"You are not entitled"}', "HTTP 403, the plan of this API key"),
        (404, b'{"status":"NOT_FOUND","message":"Data not found."}', "HTTP 404: Data not found."),
        (404, b"404 page not found", "HTTP 404: 404 page not found"),
        (302, b"", "HTTP 302: no text"),
        (200, b'{"status":"ERROR","error":"internal"}', "status ERROR in a reply of HTTP 200: internal"),
        (200, b'{"status":"NOT_AUTHORIZED","message":"no"}', "status NOT_AUTHORIZED in a reply of HTTP 200: no"),
        (200, b"[1, 2]", "the reply is not what was agreed: Expected `object`, got `array`"),
    ],
)
def test_what_cannot_pass_is_an_error_at_once(stub: Stub, status: int, body: bytes, says: str) -> None:
    stub.plays(Reply(body, status, {"Location": "http://elsewhere.test/"} if status == 302 else {}))
    with asking(stub) as (client, pauses):
        with pytest.raises(PolygonError) as caught:
            client.minute_bars("ACME", SESSION, SESSION)
        assert client.requests == 1
    assert str(caught.value).startswith(f"minute bars ACME 2026-09-21..2026-09-21: {says}")
    assert caught.value.status == status
    assert pauses == []


def test_details_of_an_unknown_ticker_are_none(stub: Stub) -> None:
    stub.plays(Reply({"status": "NOT_FOUND", "request_id": "1", "message": "Ticker not found."}, 404))
    with asking(stub) as (client, _):
        assert client.ticker_details("GONE", SESSION) is None


def test_details_at_a_wrong_address_are_an_error_not_none(stub: Stub) -> None:
    stub.plays(Reply(b"404 page not found", 404, {"Content-Type": "text/plain"}))
    with asking(stub) as (client, _), pytest.raises(PolygonError, match="404 page not found"):
        client.ticker_details("ACME", SESSION)


def test_an_error_survives_pickling(stub: Stub) -> None:
    stub.plays(Reply(b'{"error":"Unknown API Key"}', 401))
    with asking(stub) as (client, _), pytest.raises(PolygonError) as caught:
        client.trades("ACME", T, T + 1)
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert (str(copy), copy.ticker, copy.status) == (str(caught.value), "ACME", 401)


def test_the_key_is_sent_in_the_header_only(stub: Stub) -> None:
    stub.plays(page(trade(T, 1), next_url=f"{stub.url}/v3/trades/ACME?cursor=a"), page(trade(T, 2)))
    with asking(stub) as (client, _):
        client.trades("ACME", T, T + 1)
    assert [headers["authorization"] for headers in stub.headers] == [f"Bearer {KEY}"] * 2
    assert not any(KEY in path for path in stub.paths)
    assert all("gzip" in headers["accept-encoding"] for headers in stub.headers)


@pytest.mark.parametrize("status", [200, 401, 429, 500])
def test_the_key_shows_in_no_log_error_or_repr(stub: Stub, status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = Reply({"status": "ERROR", "error": f"no such key: {KEY}"}, status)
    stub.plays(*[echo] * ATTEMPTS)
    with asking(stub) as (client, _):
        with pytest.raises(PolygonError, match=r"\[key\]") as caught:
            client.trades("ACME", T, T + 1)
        shown = [repr(client), str(client), str(caught.value), repr(caught.value), caplog.text]
    assert not any(KEY in text for text in shown)
    assert f"Polygon({stub.url!r}" in shown[0]


NOISY = ("httpx", "httpcore", "h2", "hpack")


@pytest.fixture
def noise(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All that the libraries log, however deep their loggers are and after the client was made."""
    before = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    caplog.set_level(logging.DEBUG)
    yield caplog
    for name in logging.root.manager.loggerDict:
        logging.getLogger(name).setLevel(before.get(name, logging.NOTSET))


def loud() -> None:
    """Set each library's loggers to DEBUG one by one, as a debugging session would."""
    for name in [*NOISY, *logging.root.manager.loggerDict]:
        if name.split(".")[0] in NOISY:
            logging.getLogger(name).setLevel(logging.DEBUG)


def test_the_libraries_log_every_step_but_never_the_key(stub: Stub, noise: pytest.LogCaptureFixture) -> None:
    following = f"{stub.url}/v3/trades/ACME?cursor=a"
    stub.plays(Reply(b"", 503), page(trade(T, 1), next_url=following), page(trade(T, 2)))
    with asking(stub) as (client, _):
        loud()
        assert client.trades("ACME", T, T + 1).height == 2
    assert {"httpx", "httpcore"} <= {record.name.split(".")[0] for record in noise.records}
    assert "2 rows on 2 pages, the last after cursor a, 1 retries" in noise.text
    assert KEY not in noise.text
    assert not any(KEY in str(record.__dict__) for record in noise.records)


def test_http2_header_tables_do_not_log_the_key(noise: pytest.LogCaptureFixture) -> None:
    with Polygon("https://polygon.test", KEY) as client:
        loud()
        encoder, decoder = hpack.Encoder(), hpack.Decoder()
        for _ in range(3):
            decoder.decode(encoder.encode([(b"authorization", f"Bearer {KEY}".encode()), (b"x", b"y" * 5000)]))
        assert KEY not in repr(client._pages._client.headers)
    assert KEY not in noise.text


def test_the_key_is_not_in_the_text_of_an_error_nor_of_what_caused_it(stub: Stub) -> None:
    stub.plays(*[Reply(page(trade(T, 1)), cut=True)] * ATTEMPTS)
    with asking(stub) as (client, _), pytest.raises(PolygonUnavailableError) as caught:
        client.trades("ACME", T, T + 1)
    shown = "".join(traceback.format_exception(caught.value))
    assert "RemoteProtocolError" in shown
    assert KEY not in shown
    assert KEY.encode() not in pickle.dumps(caught.value)


@pytest.mark.parametrize("key", ["", "with space", "with-line-break\n", "ключ"])
def test_a_key_that_no_header_carries_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ValueError, match="the API key is empty or holds characters") as caught:
        Polygon("https://polygon.test", key)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize("url", ["", "polygon.test", "ftp://polygon.test", "https://user:pw@polygon.test"])
def test_a_base_that_is_not_an_origin_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"must be http\(s\)://host"):
        Polygon(url, KEY)
