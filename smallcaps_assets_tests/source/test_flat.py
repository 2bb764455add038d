"""Flat files from a bucket on loopback: whole or an error that names the file, fetched once, evicted by use."""

import errno
import gzip
import os
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from smallcaps_assets.source import flat_wire
from smallcaps_assets.source.errors import PolygonError, PolygonNotFoundError, PolygonUnavailableError
from smallcaps_assets.source.flat import FlatFiles
from smallcaps_assets.source.ledger import Ledger, scan
from smallcaps_assets.source.routes import SessionFile
from smallcaps_assets_tests.source.stub_files import Bucket, serving

SECRET = "CANARYSECRET0123456789"
THURSDAY, FRIDAY, MONDAY = date(2025, 1, 2), date(2025, 1, 3), date(2025, 1, 6)
OPEN = 1_735_828_200_000_000_000  # 2025-01-02 09:30 New York
TRADES = f"""ticker,conditions,correction,exchange,id,participant_timestamp,price,sequence_number,sip_timestamp,size,\
tape,trf_id,trf_timestamp
AAA,"12,37",0,11,7,{OPEN},1.25,1,{OPEN},100,3,0,0
NA,,1,4,8,{OPEN + 1},2.5,9007199254740993,{OPEN + 2},0.5,1,202,{OPEN - 1}
NA,37,0,4,9,{OPEN + 5},2.75,9007199254740995,{OPEN + 6},10,1,201,{OPEN + 4}
"""
MINUTES = "ticker,volume,open,close,high,low,window_start,transactions\nAAA,{volume},1,1.5,2,0.5,{start},3\n"


def name(kind: str, session: date) -> str:
    return f"{kind}/{session:%Y/%m}/{session}.csv.gz"


TRADES_FILE = name("trades_v1", THURSDAY)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving() as found:
        found.objects[TRADES_FILE] = gzip.compress(TRADES.encode(), mtime=0)
        yield found


def client(bucket: Bucket, folder: Path, **options: Any) -> FlatFiles:
    return FlatFiles(bucket.url, "someone", SECRET, folder, pause=lambda _: None, **options)


def test_a_tickers_trades_of_a_window_are_read_with_every_digit(bucket: Bucket, tmp_path: Path) -> None:
    trades = client(bucket, tmp_path).trades("NA", OPEN, OPEN + 6)
    assert trades["sequence_number"].to_list() == [9_007_199_254_740_993]  # no double holds it; the window ends before
    assert trades["sip_at"].cast(pl.Int64).to_list() == [OPEN + 2]
    assert trades["trf_at"].cast(pl.Int64).to_list() == [OPEN - 1]
    assert trades.drop("sip_at", "participant_at", "trf_at", "sequence_number").to_dicts() == [
        {
            "ticker": "NA",
            "price": 2.5,
            "size": 0.5,
            "exchange": 4,
            "conditions": [],
            "tape": 1,
            "trf_id": 202,
            "correction": 1,
            "trade_id": "8",
        }
    ]


def test_a_ticker_without_trades_has_none_and_all_columns(bucket: Bucket, tmp_path: Path) -> None:
    trades = client(bucket, tmp_path).trades("ZZZ", OPEN, OPEN + 6)
    assert trades.height == 0
    assert trades.schema == flat_wire.schema(SessionFile.TRADES)


def test_all_runs_and_threads_fetch_a_file_once(bucket: Bucket, tmp_path: Path) -> None:
    first, second = client(bucket, tmp_path), client(bucket, tmp_path)
    ask = [threading.Thread(target=each.trades, args=("AAA", OPEN, OPEN + 9)) for each in (first, second) * 4]
    for thread in ask:
        thread.start()
    for thread in ask:
        thread.join()
    assert bucket.gets() == [TRADES_FILE]
    assert bucket.asked.count(f"HEAD {TRADES_FILE}") == 2  # each run fixes the edition that it reads
    assert [path.name for path in (tmp_path / "trades_v1").glob("[!.]*")] == [
        f"2025-01-02.{bucket.etag(TRADES_FILE)}.parquet"
    ]
    assert sorted(path.name for path in (tmp_path / "trades_v1").glob(".*")) == [".lock"]


def test_a_file_that_breaks_off_is_fetched_from_where_it_ended(bucket: Bucket, tmp_path: Path) -> None:
    header, first, *_ = TRADES.splitlines(keepends=True)
    names = [os.urandom(1 << 15).hex() for _ in range(300)]  # ten megabytes however well they are packed
    rows = [first.replace(",7,", f",{name},") for name in names]
    bucket.objects[TRADES_FILE] = gzip.compress("".join([header, *rows]).encode(), compresslevel=1)
    bucket.cuts = 1
    trades = client(bucket, tmp_path).trades("AAA", OPEN, OPEN + 9)
    assert trades["trade_id"].to_list() == names
    whole, *rest = bucket.gets()
    assert whole == TRADES_FILE
    assert rest
    assert all(line.startswith(f"{TRADES_FILE} from ") for line in rest)


def test_a_file_that_never_comes_whole_is_an_error_that_names_it_and_leaves_nothing(
    bucket: Bucket, tmp_path: Path
) -> None:
    bucket.cuts = 1_000
    bucket.objects[TRADES_FILE] = gzip.compress(os.urandom(1 << 20), mtime=0)
    with pytest.raises(PolygonUnavailableError, match="flat file trades_v1 2025-01-02"):
        client(bucket, tmp_path).trades("NA", OPEN, OPEN + 9)
    assert [path.name for path in (tmp_path / "trades_v1").iterdir()] == [".lock"]


def test_bytes_that_are_not_those_of_the_md5_are_fetched_again(bucket: Bucket, tmp_path: Path) -> None:
    bucket.spoils = 1
    assert client(bucket, tmp_path).trades("NA", OPEN, OPEN + 9).height == 2
    assert bucket.gets() == [TRADES_FILE, TRADES_FILE]


def test_without_an_md5_a_gzip_that_does_not_end_is_still_an_error(bucket: Bucket, tmp_path: Path) -> None:
    bucket.objects[TRADES_FILE] = bucket.objects[TRADES_FILE][:-9]
    bucket.etags[TRADES_FILE] = "0123456789abcdef0123456789abcdef-3"  # of an upload in parts
    with pytest.raises(PolygonUnavailableError, match="flat file trades_v1 2025-01-02: its gzip is broken"):
        client(bucket, tmp_path).trades("NA", OPEN, OPEN + 9)


def test_without_an_md5_bytes_spoilt_on_the_way_are_still_an_error(bucket: Bucket, tmp_path: Path) -> None:
    whole = bytearray(bucket.objects[TRADES_FILE])
    whole[20:40] = bytes(20)
    bucket.objects[TRADES_FILE] = bytes(whole)
    bucket.etags[TRADES_FILE] = "0123456789abcdef0123456789abcdef-3"
    with pytest.raises(PolygonUnavailableError, match="flat file trades_v1 2025-01-02: its gzip is broken"):
        client(bucket, tmp_path).trades("NA", OPEN, OPEN + 9)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (404, PolygonNotFoundError, "trades_v1 2025-01-02: HTTP 404: it is not published"),
        (403, PolygonError, "trades_v1 2025-01-02: HTTP 403: this S3 key's plan does not include it"),
        (401, PolygonError, "trades_v1 2025-01-02: HTTP 401"),
    ],
)
def test_a_refusal_names_the_file_and_its_cause_and_is_not_repeated(
    bucket: Bucket, tmp_path: Path, status: int, kind: type[PolygonError], words: str
) -> None:
    bucket.refused[TRADES_FILE] = status
    with pytest.raises(kind, match=words) as caught:
        client(bucket, tmp_path).trades("NA", OPEN, OPEN + 9)
    assert SECRET not in str(caught.value)
    assert len(bucket.asked) == 1


def test_another_header_is_an_error_that_names_the_columns(bucket: Bucket, tmp_path: Path) -> None:
    bucket.objects[TRADES_FILE] = gzip.compress(TRADES.replace("price", "px").encode())
    with pytest.raises(PolygonError, match=r"trades_v1 2025-01-02: the header lacks the columns \['price'\]"):
        client(bucket, tmp_path).trades("NA", OPEN, OPEN + 9)


def test_a_full_disk_is_an_error_that_names_the_file(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(flat_wire, "to_parquet", full)
    with pytest.raises(OSError, match=r"trades_v1 cannot be kept: No space left on device: .*2025-01-02") as caught:
        client(bucket, tmp_path).trades("NA", OPEN, OPEN + 9)
    assert caught.value.errno == errno.ENOSPC


def test_a_run_reads_one_edition_and_the_next_run_the_new_one(bucket: Bucket, tmp_path: Path) -> None:
    running = client(bucket, tmp_path)
    before = running.trades("AAA", OPEN, OPEN + 9)
    first = bucket.etag(TRADES_FILE)
    bucket.objects[TRADES_FILE] = gzip.compress(TRADES.replace("1.25", "1.5").encode())
    assert running.trades("AAA", OPEN, OPEN + 9).equals(before)
    assert running.read(SessionFile.TRADES, THURSDAY) == first
    later = client(bucket, tmp_path)
    assert later.trades("AAA", OPEN, OPEN + 9)["price"].to_list() == [1.5]
    assert later.read(SessionFile.TRADES, THURSDAY) == bucket.etag(TRADES_FILE)


def test_a_file_replaced_between_its_tag_and_its_bytes_is_an_error(bucket: Bucket, tmp_path: Path) -> None:
    running = client(bucket, tmp_path)
    running.edition(SessionFile.TRADES, THURSDAY)
    bucket.objects[TRADES_FILE] = gzip.compress(TRADES.replace("1.25", "1.5").encode())
    with pytest.raises(PolygonError, match="published again while it was read"):
        running.trades("AAA", OPEN, OPEN + 9)


def test_minutes_span_sessions_over_a_weekend_and_a_holiday_without_files(bucket: Bucket, tmp_path: Path) -> None:
    for session, volume in ((THURSDAY, 10), (FRIDAY, 20.25), (MONDAY, 30)):
        start = OPEN + (session - THURSDAY).days * 86_400 * 10**9
        text = MINUTES.format(volume=volume, start=start)
        bucket.objects[name("minute_aggs_v1", session)] = gzip.compress(text.encode())
    bars = client(bucket, tmp_path).minute_bars("AAA", date(2025, 1, 1), MONDAY)
    assert bars["volume"].to_list() == [10.0, 20.25, 30.0]
    assert bars["vwap"].null_count() == 3
    assert len([line for line in bucket.asked if line.startswith("HEAD")]) == 3


def test_a_session_without_its_file_is_an_error_not_a_gap(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(PolygonNotFoundError, match="minute_aggs_v1 2025-01-02"):
        client(bucket, tmp_path).minute_bars("AAA", THURSDAY, FRIDAY)


def test_what_was_unused_longest_goes_when_the_budget_is_full(bucket: Bucket, tmp_path: Path) -> None:
    for session in (THURSDAY, FRIDAY, MONDAY):
        text = MINUTES.format(volume=1, start=OPEN + (session - THURSDAY).days * 86_400 * 10**9)
        bucket.objects[name("minute_aggs_v1", session)] = gzip.compress(text.encode())
    roomy = client(bucket, tmp_path)
    roomy.minute_bars("AAA", THURSDAY, FRIDAY)
    held = {path.name[:10]: path for path in (tmp_path / "minute_aggs_v1").glob("*.parquet")}
    os.utime(held["2025-01-02"], (2_000, 2_000))
    os.utime(held["2025-01-03"], (1_000, 1_000))
    one_more = int(2.5 * held["2025-01-02"].stat().st_size)
    client(bucket, tmp_path, budget=one_more).minute_bars("AAA", MONDAY, MONDAY)
    assert sorted(path.name[:10] for path in (tmp_path / "minute_aggs_v1").glob("*.parquet")) == [
        "2025-01-02",
        "2025-01-06",
    ]


def test_every_request_is_entered_in_the_ledger_on_behalf_of_its_partition(bucket: Bucket, tmp_path: Path) -> None:
    bucket.spoils = 1
    with Ledger(tmp_path / "api_ledger") as ledger:
        running = client(bucket, tmp_path, ledger=ledger)
        running.partition = "event_trades A|2025-01-02"
        running.trades("AAA", OPEN, OPEN + 9)
        bucket.refused[name("trades_v1", FRIDAY)] = 403
        with pytest.raises(PolygonError):
            running.trades("AAA", OPEN + 86_400 * 10**9, OPEN + 86_400 * 10**9 + 1)
    entries = scan(tmp_path / "api_ledger").collect()
    size = len(bucket.objects[TRADES_FILE])
    assert entries.select("endpoint", "window", "attempt", "status", "rows", "bytes").rows() == [
        ("flat file trades_v1", "2025-01-02", 1, 200, 0, 0),  # what it is
        ("flat file trades_v1", "2025-01-02", 1, 200, 0, size),  # its bytes, spoilt
        ("flat file trades_v1", "2025-01-02", 2, 200, 3, size),
        ("flat file trades_v1", "2025-01-03", 1, 403, 0, 0),
    ]
    assert set(entries["partition"]) == {"event_trades A|2025-01-02"}
    assert "its bytes are not those of its ETag" in entries["fault"][1]


def test_without_a_key_pair_there_is_no_client(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="POLYGON_S3_ACCESS_KEY_ID"):
        FlatFiles("https://files.massive.com", "", "", tmp_path)


def test_the_client_does_not_show_its_secret(bucket: Bucket, tmp_path: Path) -> None:
    assert repr(client(bucket, tmp_path)) == f"FlatFiles('{bucket.url}')"
