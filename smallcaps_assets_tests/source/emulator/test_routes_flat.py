"""The bucket over HTTP: listings by pages, objects and ranges of them, refusals; obstore as a client of its own."""

import csv
import gzip
import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as Xml

import httpx
import obstore
import pytest
from obstore.exceptions import PermissionDeniedError
from obstore.store import S3Store

from smallcaps_assets.source.emulator import routes_flat
from smallcaps_assets.source.emulator.aws_signature import Signed, signature
from smallcaps_assets.source.emulator.flat_csv import COLUMNS
from smallcaps_assets.source.emulator.flat_files import key_of
from smallcaps_assets.source.emulator.instants import at
from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
from smallcaps_assets_tests.source.emulator.toy_market import SESSIONS, TUE, WED
from smallcaps_assets_tests.source.emulator.toy_service import KEY, body, toy_service, walked

NAMES = ["host", "x-amz-content-sha256", "x-amz-date"]
NAMESPACE = {"s3": "http://s3.amazonaws.com/doc/2006-03-01/"}
TRADES = f"/flatfiles/{key_of('trades_v1', TUE)}"
DAYS = "us_stocks_sip/day_aggs_v1/"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with toy_service() as client:
        yield client


def asked(
    client: httpx.Client,
    path: str,
    *,
    method: str = "GET",
    secret: str = KEY,
    access_key: str = "emulator",
    clock: float | None = None,
    headers: dict[str, str] | None = None,
    query: dict[str, Any] | None = None,
) -> httpx.Response:
    """The reply to a signed request."""
    stamp = f"{datetime.fromtimestamp(clock or time.time(), UTC):%Y%m%dT%H%M%SZ}"
    asking = urlencode(query or {})
    signed = {"host": client.base_url.netloc.decode(), "x-amz-date": stamp, "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    scope = f"{stamp[:8]}/us-east-1/s3/aws4_request"
    made = signature(Signed(method, path, asking, signed), NAMES, scope, secret)
    credential = f"Credential={access_key}/{scope}, SignedHeaders={';'.join(NAMES)}, Signature={made}"
    sent = {**signed, "authorization": f"AWS4-HMAC-SHA256 {credential}", "accept-encoding": "identity"}
    return client.request(method, f"{path}?{asking}" if asking else path, headers={**sent, **(headers or {})})


def listed(client: httpx.Client, **parameters: Any) -> Xml.Element:
    reply = asked(client, "/flatfiles", query={"list-type": 2, **parameters})
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/xml"
    return Xml.fromstring(reply.text)  # noqa: S314 - our own server's


def texts(page: Xml.Element, path: str) -> list[str]:
    return [found.text or "" for found in page.iterfind(path, NAMESPACE)]


def refusal(reply: httpx.Response) -> tuple[int, str]:
    code = Xml.fromstring(reply.text).findtext("Code")  # noqa: S314
    assert KEY not in reply.text
    return reply.status_code, code or ""


def test_a_walk_over_pages_finds_each_file_once(client: httpx.Client) -> None:
    found: list[str] = []
    more: dict[str, str] = {}
    pages = 0
    while pages < 20:
        page = listed(client, **{"max-keys": 3, **more})
        found += texts(page, "s3:Contents/s3:Key")
        pages += 1
        if texts(page, "s3:IsTruncated") == ["false"]:
            break
        assert texts(page, "s3:KeyCount") == ["3"]
        more = {"continuation-token": texts(page, "s3:NextContinuationToken")[0]}
    kinds = ("day_aggs_v1", "minute_aggs_v1", "quotes_v1", "trades_v1")
    assert found == [key_of(kind, session) for kind in kinds for session in SESSIONS]
    assert pages == 7  # 20 files
    assert texts(page, "s3:NextContinuationToken") == []


def test_a_delimiter_folds_keys_into_common_prefixes_also_over_pages(client: httpx.Client) -> None:
    first = listed(client, prefix="us_stocks_sip/", delimiter="/", **{"max-keys": 3})
    assert texts(first, "s3:CommonPrefixes/s3:Prefix") == [
        "us_stocks_sip/day_aggs_v1/",
        "us_stocks_sip/minute_aggs_v1/",
        "us_stocks_sip/quotes_v1/",
    ]
    token = texts(first, "s3:NextContinuationToken")[0]
    second = listed(client, prefix="us_stocks_sip/", delimiter="/", **{"continuation-token": token})
    assert texts(second, "s3:CommonPrefixes/s3:Prefix") == ["us_stocks_sip/trades_v1/"]
    assert texts(second, "s3:Contents/s3:Key") == []


def test_the_listing_says_what_head_and_get_say(client: httpx.Client) -> None:
    page = listed(client, prefix=key_of("trades_v1", TUE))
    get, head = asked(client, TRADES), asked(client, TRADES, method="HEAD")
    for reply in (get, head):
        assert reply.status_code == 200
        assert [reply.headers["etag"]] == texts(page, "s3:Contents/s3:ETag")
        assert [reply.headers["content-length"]] == texts(page, "s3:Contents/s3:Size")
        assert reply.headers["last-modified"] == "Wed, 03 Jan 2024 16:00:00 GMT"
    assert texts(page, "s3:Contents/s3:LastModified") == ["2024-01-03T16:00:00.000Z"]
    assert head.content == b""
    assert get.headers["etag"] == f'"{hashlib.md5(get.content, usedforsecurity=False).hexdigest()}"'
    assert "content-encoding" not in get.headers
    assert gzip.decompress(get.content).count(b"\n") == 8


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({"prefix": DAYS, "start-after": key_of("day_aggs_v1", WED)}, 3),
        ({"prefix": f"{DAYS}2025/"}, 0),
        ({"prefix": DAYS, "max-keys": 0}, 0),
        ({"prefix": DAYS, "max-keys": 5000}, 5),
    ],
)
def test_prefix_start_and_most_keys_are_kept(client: httpx.Client, parameters: dict[str, Any], count: int) -> None:
    page = listed(client, **parameters)
    assert texts(page, "s3:KeyCount") == [str(count)]
    assert texts(page, "s3:IsTruncated") == ["false"]


def test_a_page_whose_files_take_long_ends_early_and_loses_none(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes_flat, "PAGE_SECONDS", 0.0)
    page = listed(client, prefix="us_stocks_sip/quotes_v1/")
    assert texts(page, "s3:Contents/s3:Key") == [key_of("quotes_v1", TUE)]
    onward = {"continuation-token": texts(page, "s3:NextContinuationToken")[0]}
    after = listed(client, prefix="us_stocks_sip/quotes_v1/", **onward)
    assert texts(after, "s3:Contents/s3:Key") == [key_of("quotes_v1", WED)]


def test_ranges_are_parts_of_the_file(client: httpx.Client) -> None:
    whole = asked(client, TRADES).content
    size = len(whole)
    for given, first, end in (
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, size),
        ("bytes=-4", size - 4, size),
        (f"bytes=5-{size + 100}", 5, size),
        (f"bytes=-{size + 100}", 0, size),
        (f"bytes={size - 1}-", size - 1, size),
    ):
        reply = asked(client, TRADES, headers={"range": given})
        assert reply.status_code == 206, given
        assert reply.content == whole[first:end]
        assert reply.headers["content-range"] == f"bytes {first}-{end - 1}/{size}"
    for ignored in ("bytes=0-1,4-5", "lines=0-1", "bytes=-", "bytes=5-2"):
        assert asked(client, TRADES, headers={"range": ignored}).status_code == 200
    beyond = asked(client, TRADES, headers={"range": f"bytes={size}-"})
    assert refusal(beyond) == (416, "InvalidRange")
    assert beyond.headers["content-range"] == f"bytes */{size}"


def test_a_file_that_is_known_is_not_sent_again(client: httpx.Client) -> None:
    tag = asked(client, TRADES).headers["etag"]
    known = asked(client, TRADES, headers={"if-none-match": f'"other", {tag}'})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag)
    assert asked(client, TRADES, headers={"if-none-match": '"other"'}).status_code == 200
    assert asked(client, TRADES, headers={"if-match": tag}).status_code == 200
    assert refusal(asked(client, TRADES, headers={"if-match": '"other"'})) == (412, "PreconditionFailed")


def test_errors_are_those_of_s3(client: httpx.Client) -> None:
    now = time.time()
    missing = "/flatfiles/us_stocks_sip/trades_v1/2024/01/2024-01-06.csv.gz"
    assert refusal(asked(client, missing)) == (404, "NoSuchKey")
    assert asked(client, missing, method="HEAD").status_code == 404
    assert refusal(client.get(TRADES)) == (403, "AccessDenied")  # the REST key is no signature
    assert refusal(client.get("/flatfiles?list-type=2")) == (403, "AccessDenied")
    assert refusal(asked(client, TRADES, access_key="other")) == (403, "InvalidAccessKeyId")
    assert refusal(asked(client, TRADES, secret="other")) == (403, "SignatureDoesNotMatch")
    assert refusal(asked(client, TRADES, clock=now - 1000)) == (403, "RequestTimeTooSkewed")
    assert refusal(asked(client, TRADES, clock=now + 1000)) == (403, "RequestTimeTooSkewed")
    assert refusal(asked(client, "/flatfiles")) == (501, "NotImplemented")
    for wrong in ("max-keys", "continuation-token"):
        assert refusal(asked(client, "/flatfiles", query={"list-type": 2, wrong: "?"})) == (400, "InvalidArgument")


def rest_row(cells: dict[str, str]) -> dict[str, Any]:
    """A line of a file as a REST reply has it: lists are lists; empty cells, and zeros for no value, are left out."""
    row: dict[str, Any] = {}
    for name, cell in cells.items():
        if not cell or (name in ("correction", "trf_id", "trf_timestamp") and cell == "0"):
            continue
        if name in ("conditions", "indicators"):
            row[name] = [int(part) for part in cell.split(",")]
        else:
            row[name] = cell if name in ("ticker", "id") else float(cell) if "." in cell else int(cell)
    return row


@pytest.mark.parametrize("session", [date(2026, 2, 20), date(2026, 2, 23)])  # short numbers, six decimals
def test_files_have_the_rows_of_the_rest_replies(session: date) -> None:
    market = SyntheticMarket(tickers=3, start=date(2026, 2, 20), end=date(2026, 2, 23))
    with toy_service(market) as service:
        files: dict[str, list[dict[str, Any]]] = {}
        for kind in COLUMNS:
            lines = gzip.decompress(asked(service, f"/flatfiles/{key_of(kind, session)}").content).decode().splitlines()
            files[kind] = [rest_row(cells) for cells in csv.DictReader(lines)]
        grouped = f"/v2/aggs/grouped/locale/us/market/stocks/{session}"
        daily = sorted(body(service, grouped, adjusted="false")["results"], key=lambda bar: str(bar["T"]))
        midnight = at(session)
        assert files["day_aggs_v1"] == [
            {"ticker": bar["T"], **bar_cells(bar), "window_start": midnight} for bar in daily
        ]
        rest: dict[str, list[dict[str, Any]]] = {"minute_aggs_v1": [], "quotes_v1": [], "trades_v1": []}
        for ticker in (bar["T"] for bar in daily):
            minutes, _ = walked(
                service, f"/v2/aggs/ticker/{ticker}/range/1/minute/{session}/{session}", adjusted="false", limit=50_000
            )
            rest["minute_aggs_v1"] += [
                {"ticker": ticker, **bar_cells(bar), "window_start": bar["t"] * 10**6} for bar in minutes
            ]
            for kind in ("quotes", "trades"):
                ticks, _ = walked(service, f"/v3/{kind}/{ticker}", timestamp=session, order="asc", limit=50_000)
                rest[f"{kind}_v1"] += [{"ticker": ticker, **tick} for tick in ticks]
        for kind, rows in rest.items():
            assert len(rows) > 100
            assert files[kind] == rows


def bar_cells(bar: dict[str, Any]) -> dict[str, Any]:
    """A bar of a REST reply in the names of the files, which have no vwap."""
    names = {"v": "volume", "o": "open", "c": "close", "h": "high", "l": "low", "n": "transactions"}
    return {names[name]: value for name, value in bar.items() if name in names}


def s3(client: httpx.Client, secret: str = KEY) -> S3Store:
    return S3Store(
        bucket="flatfiles",
        endpoint=str(client.base_url),
        access_key_id="emulator",
        secret_access_key=secret,
        region="us-east-1",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


def test_obstore_lists_heads_streams_and_reads_ranges(client: httpx.Client) -> None:
    store = s3(client)
    files = [file for page in obstore.list(store, prefix="us_stocks_sip") for file in page]
    assert len(files) == 20
    assert list(obstore.list_with_delimiter(store, "us_stocks_sip")["common_prefixes"]) == [
        f"us_stocks_sip/{kind}" for kind in ("day_aggs_v1", "minute_aggs_v1", "quotes_v1", "trades_v1")
    ]
    key = key_of("trades_v1", TUE)
    head = obstore.head(store, key)
    assert head == next(file for file in files if file["path"] == key)
    content = b"".join(bytes(chunk) for chunk in obstore.get(store, key).stream(min_chunk_size=64))
    assert content == asked(client, TRADES).content
    assert bytes(obstore.get_range(store, key, start=3, end=30)) == content[3:30]
    with pytest.raises(FileNotFoundError):
        obstore.head(store, "us_stocks_sip/trades_v1/2024/01/2024-01-06.csv.gz")
    with pytest.raises(PermissionDeniedError):
        obstore.get(s3(client, "another secret"), key)


@pytest.mark.parametrize(("plan", "closed"), [("basic", 4), ("starter", 2), ("developer", 1), ("advanced", 0)])
def test_a_plan_opens_the_files_whose_rows_it_opens(plan: str, closed: int) -> None:
    with toy_service(plan=plan) as service:
        replies = [asked(service, f"/flatfiles/{key_of(kind, WED)}") for kind in COLUMNS]
        listing = asked(service, "/flatfiles", query={"list-type": 2, "prefix": DAYS})
    refused = [refusal(reply) for reply in replies if reply.status_code != 200]
    assert refused == [(403, "AccessDenied")] * closed
    assert listing.status_code == (403 if plan == "basic" else 200)


def test_a_republished_file_is_another_object(client: httpx.Client) -> None:
    key = key_of("day_aggs_v1", WED)
    before = obstore.head(s3(client), key)
    with toy_service(republished=[("day_aggs_v1", WED)]) as service:
        after = obstore.head(s3(service), key)
        assert obstore.head(s3(service), key_of("day_aggs_v1", TUE)) == obstore.head(
            s3(client), key_of("day_aggs_v1", TUE)
        )
    assert after["e_tag"] != before["e_tag"]
    assert after["last_modified"] > before["last_modified"]
