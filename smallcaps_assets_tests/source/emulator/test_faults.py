"""Faults as they come over the wire, and which requests they befall."""

import gzip
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from smallcaps_assets.source.emulator.__main__ import arguments
from smallcaps_assets.source.emulator.faults import FAULTS, Faults
from smallcaps_assets_tests.source.emulator.test_routes_flat import TRADES as FLAT_FILE
from smallcaps_assets_tests.source.emulator.test_routes_flat import asked
from smallcaps_assets_tests.source.emulator.toy_service import toy_service, walked

TICKERS = "/v3/reference/tickers"


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[httpx.Client, Faults]]:
    faults = Faults()
    with toy_service(faults=faults) as client:
        yield client, faults


@pytest.fixture
def faults(service: tuple[httpx.Client, Faults]) -> Faults:
    service[1].forget()
    return service[1]


@pytest.fixture
def client(service: tuple[httpx.Client, Faults]) -> httpx.Client:
    return service[0]


@pytest.mark.parametrize(
    ("fault", "status", "kind", "body", "retry_after"),
    [
        ("429", 429, "application/json", b'"error":"You\'ve exceeded the maximum requests per minute', "2"),
        ("429-bare", 429, "application/json", b"", None),
        ("500", 500, "application/json", b'{"status":"ERROR","error":"internal error"}', None),
        ("502", 502, "text/html", b"<h1>502 Bad Gateway</h1>", None),
        ("503", 503, "text/plain; charset=utf-8", b"", None),
        ("html", 200, "text/html", b"<h1>We'll be back soon</h1>", None),
        ("empty-body", 200, "application/json", b"", None),
        ("mistyped", 200, "application/json", b'"results":"try again"', None),
        ("cursor-refused", 400, "application/json", b"'cursor' cannot be combined with other parameters", None),
    ],
)
def test_a_fault_replaces_the_reply(
    client: httpx.Client, faults: Faults, fault: str, status: int, kind: str, body: bytes, retry_after: str | None
) -> None:
    faults.plan(fault)
    reply = client.get(TICKERS, params={"cursor": "bGltaXQ9Mg"})
    assert (reply.status_code, reply.headers["content-type"].split(";")[0]) == (status, kind.split(";")[0])
    assert body in reply.content
    assert bool(body) == bool(reply.content)
    assert reply.headers.get("retry-after") == retry_after
    assert client.get(TICKERS).status_code == 200


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        ("reset-before", httpx.ReadError, "Connection reset by peer"),
        ("reset-within", httpx.ReadError, "Connection reset by peer"),
        ("truncated", httpx.RemoteProtocolError, "without sending complete message body (received "),
        ("chunked-cut", httpx.RemoteProtocolError, "incomplete chunked read"),
    ],
)
def test_a_fault_breaks_the_connection_and_the_next_one_is_good(
    client: httpx.Client, faults: Faults, fault: str, error: type[httpx.TransportError], says: str
) -> None:
    faults.plan(fault)
    with pytest.raises(error) as caught:
        client.get(TICKERS)
    assert says in str(caught.value)
    assert client.get(TICKERS).status_code == 200


def test_half_of_a_body_comes_before_the_reset(client: httpx.Client, faults: Faults) -> None:
    whole = client.get(TICKERS, headers={"Accept-Encoding": "identity"})
    for fault, promised in (("reset-within", True), ("truncated", True), ("chunked-cut", False)):
        faults.plan(fault)
        got: list[bytes] = []
        with client.stream("GET", TICKERS) as reply:
            assert ("content-length" in reply.headers) == promised
            with pytest.raises(httpx.TransportError):
                got.extend(reply.iter_raw())
        assert len(b"".join(got)) == len(whole.content) // 2


def test_a_cut_gzip_stream_is_a_whole_http_message(client: httpx.Client, faults: Faults) -> None:
    faults.plan("gzip-cut")
    with client.stream("GET", TICKERS) as reply:
        raw = b"".join(reply.iter_raw())
        assert int(reply.headers["content-length"]) == len(raw)
    with pytest.raises(EOFError):
        gzip.decompress(raw)
    assert zlib.decompressobj(31).decompress(raw).startswith(b'{"results":[')


def test_a_drip_comes_in_pieces_and_whole(client: httpx.Client, faults: Faults) -> None:
    whole = client.get(TICKERS).json()["results"]
    faults.plan("drip")
    begun = time.monotonic()
    assert client.get(TICKERS).json()["results"] == whole
    assert 0.15 < time.monotonic() - begun < 2.0  # 20 pieces, 10 ms after each


def test_json_comes_as_text_and_without_its_rows(client: httpx.Client, faults: Faults) -> None:
    faults.plan("text-type")
    faults.plan("no-results")
    text, none = client.get(TICKERS), client.get(TICKERS)
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert text.json()["results"]
    assert "results" not in none.json()
    assert none.json()["status"] == "OK"


@pytest.mark.parametrize(
    ("fault", "skew"), [("skew-ahead", timedelta(hours=2)), ("skew-behind", -timedelta(minutes=40))]
)
def test_a_skewed_clock_shows_in_date_server_time_and_retry_after(
    client: httpx.Client, faults: Faults, fault: str, skew: timedelta
) -> None:
    right = client.get("/v1/marketstatus/now")
    faults.plan(fault, 2)
    wrong, refused = client.get("/v1/marketstatus/now"), client.get(TICKERS)
    told = datetime.fromisoformat(wrong.json()["serverTime"])
    assert told - datetime.fromisoformat(right.json()["serverTime"]) == skew
    for reply, off in ((right, timedelta(0)), (wrong, skew), (refused, skew)):
        dates = reply.headers.get_list("date")
        assert len(dates) == 1
        assert abs(parsedate_to_datetime(dates[0]) - datetime.now(UTC) - off) < timedelta(seconds=5)
    assert refused.status_code == 429
    until, sent = (parsedate_to_datetime(refused.headers[name]) for name in ("retry-after", "date"))
    assert timedelta(seconds=2) <= until - sent <= timedelta(seconds=3)


def test_walks_meet_looping_repeated_empty_and_full_pages(client: httpx.Client, faults: Faults) -> None:
    right = client.get(TICKERS).json()["results"]
    assert len(right) >= 3

    faults.plan("loop-self")
    itself = client.get(TICKERS, params={"limit": 2})
    assert httpx.URL(itself.json()["next_url"]) == itself.request.url

    faults.plan("loop-first")
    first = client.get(TICKERS, params={"limit": 2})
    second = client.get(first.json()["next_url"])
    assert httpx.URL(second.json()["next_url"]) == first.request.url

    faults.plan("duplicate")
    rows, _ = walked(client, TICKERS, limit=2)
    assert rows == right[:2] + right

    faults.plan("empty-page")
    begin = client.get(TICKERS, params={"limit": 2}).json()
    assert begin["results"] == []
    assert walked(client, begin["next_url"])[0] == right

    faults.plan("full-last")
    rows, pages = walked(client, TICKERS, limit=1000)
    assert (rows, pages) == (right, 2)


def test_a_flat_file_is_published_again_with_another_etag(client: httpx.Client, faults: Faults) -> None:
    before = asked(client, FLAT_FILE)
    faults.plan("republished")
    assert client.get(TICKERS).status_code == 200  # befalls flat files only
    assert not faults.befallen
    after = asked(client, FLAT_FILE)
    assert list(faults.befallen) == [("republished", FLAT_FILE)]
    assert after.headers["etag"] != before.headers["etag"]
    assert gzip.decompress(after.content) != gzip.decompress(before.content)
    assert asked(client, FLAT_FILE).headers["etag"] == after.headers["etag"]


def test_a_fault_befalls_so_many_requests_under_its_path_after_so_many() -> None:
    faults = Faults()
    faults.plan("503", 2, path="/v3/trades/", after=1)
    faults.plan("500", None, path="/v3/quotes/")
    faults.plan("502")
    paths = ["/v3/quotes/A", "/v3/trades/A", "/v3/trades/B", "/v3/trades/A", "/v3/trades/A", "/v3/quotes/A"]
    met = [faults.next(path, cursor=False) for path in paths]
    assert met == ["500", "502", "503", "503", None, "500"]
    assert faults.befallen[0] == ("500", "/v3/quotes/A")


def test_faults_of_cursors_spare_first_pages_and_the_full_last_spares_later_ones() -> None:
    faults = Faults()
    faults.read("loop-first,full-last")
    assert [faults.next("/v3/trades/A", cursor=cursor) for cursor in (False, False, True)] == [
        "full-last",
        None,
        "loop-first",
    ]


def test_the_command_line_names_faults_and_how_often() -> None:
    faults = arguments(["--key", "k", "--faults", "429:2, gzip-cut:every,drip", "--latency", "60"]).faults
    assert faults.latency == 0.06
    assert [faults.next("/", cursor=False) for _ in range(5)] == ["429", "429", "gzip-cut", "gzip-cut", "gzip-cut"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--faults", "nonsense"], "there is no fault 'nonsense'; there are 429, 429-bare, 500"),
        (["--faults", "503:often"], "how often is '503:often'? After the colon stands a number or 'every'"),
        (["--faults", "503:0"], "the fault 503 cannot befall 0 requests"),
        (["--latency", "-1"], "a latency of -0.001 s is not possible"),
    ],
)
def test_what_the_command_line_cannot_mean_is_refused(
    given: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        arguments(["--key", "k", *given])
    assert says in capsys.readouterr().err


def test_latencies_run_beside_one_another() -> None:
    with toy_service(faults=Faults(latency=0.2)) as client, ThreadPoolExecutor(8) as pool:
        begun = time.monotonic()
        replies = list(pool.map(lambda _: client.get("/v1/marketstatus/now").status_code, range(8)))
        taken = time.monotonic() - begun
    assert replies == [200] * 8
    assert 0.2 <= taken < 1.0


def test_every_fault_says_what_it_does() -> None:
    assert [name for name, fault in FAULTS.items() if not fault.__doc__] == []
