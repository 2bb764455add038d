"""The ledger: every attempt once, whoever is killed, however many write."""

import logging
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from smallcaps_assets.source.ledger import Ledger, Request, empty, scan, service
from smallcaps_assets.source.polygon import Polygon, PolygonError
from smallcaps_assets_tests.source.stub import KEY, Reply, page, serving, trade

NOON = int(datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()) * 10**9
HOUR = 3_600 * 10**9
WRITER = """
import os, pathlib, signal, sys
from smallcaps_assets.source.ledger import Ledger, Request
ledger = Ledger(pathlib.Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    ledger.record(Request("api.massive.com", "x", 500, "trades", ticker=sys.argv[3], page=number + 1, requested_at=%d))
os.kill(os.getpid(), signal.SIGKILL)
"""


def request(at: int = NOON, **other: Any) -> Request:
    return Request(
        "api.massive.com", "event_trades G|2026-11-25", 500, "trades", ticker="GEVO", requested_at=at, **other
    )


def pages(folder: Path) -> list[int]:
    """The page numbers on record, in order."""
    return sorted(scan(folder).select("page").collect()["page"].to_list())


def files(folder: Path) -> list[str]:
    """The committed files' days, and journals by their suffix."""
    return sorted(
        path.parent.name if path.suffix == ".parquet" else path.suffix for path in folder.rglob("*") if path.is_file()
    )


def left_behind(folder: Path, requests: int) -> None:
    """A journal as a killed process leaves it: its lines are there and nobody holds its lock."""
    ledger = Ledger(folder)
    for number in range(requests):
        ledger.record(request(page=number + 1))
    assert ledger._journal
    os.close(ledger._journal.file)


def killed(folder: Path, requests: int, ticker: str) -> subprocess.Popen[bytes]:
    """A process that records so many requests and is killed."""
    return subprocess.Popen([sys.executable, "-c", WRITER % NOON, str(folder), str(requests), ticker])


def test_each_attempt_is_on_record_with_what_came_of_it_and_the_key_is_not(tmp_path: Path) -> None:
    pauses: list[float] = []
    with serving() as stub, Ledger(tmp_path) as ledger, Polygon(stub.url, KEY, ledger=ledger) as client:
        client._pages.pause = pauses.append
        client.asks_for("event_trades G|2026-11-25")
        stub.plays(
            Reply({"status": "ERROR", "error": f"busy, {KEY}"}, 503),
            page(trade(10, 1), trade(20, 2), next_url=f"{stub.url}/v3/trades/GEVO?cursor=c2"),
            Reply(page(trade(30, 3)), cut=True),
            page(trade(30, 3)),
        )
        assert client.trades("GEVO", 10, 40).height == 3
        stub.plays(Reply({"status": "NOT_AUTHORIZED", "message": "not in your plan"}, 403))
        client.asks_for(None)
        with pytest.raises(PolygonError):
            client.float_shares()
        requests = client.requests
    rows = scan(tmp_path).collect()
    assert rows.height == requests == 5
    assert rows.schema == empty().schema
    window = "[1970-01-01T00:00:00.000000010Z, 1970-01-01T00:00:00.000000040Z)"
    assert rows.select("endpoint", "ticker", "window", "page", "attempt", "cursor", "status", "rows").rows() == [
        ("trades", "GEVO", window, 1, 1, None, 503, 0),
        ("trades", "GEVO", window, 1, 2, None, 200, 2),
        ("trades", "GEVO", window, 2, 1, "c2", None, 0),
        ("trades", "GEVO", window, 2, 2, "c2", 200, 1),
        ("float", None, None, 1, 1, None, 403, 0),
    ]
    assert rows["partition"].to_list() == ["event_trades G|2026-11-25"] * 4 + [None]
    assert rows["fault"].str.head(14).to_list() == ["HTTP 503: busy", None, "no whole reply", None, "HTTP 403, the "]
    assert rows.select("service", "requests_per_minute").unique().rows() == [("emulator", 500)]
    assert rows["bytes"].to_list()[1] > 100
    assert rows["milliseconds"].min() > 0  # type: ignore[operator]
    assert not rows["requested_at"].dt.year().is_between(1970, 2000).any()
    assert "[key]" in rows.write_json()
    assert KEY not in rows.write_json()


def test_a_request_is_read_from_the_journal_and_after_the_close_from_the_days_file(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        assert files(tmp_path) == []
        ledger.record(request(page=1))
        ledger.record(request(page=2))
        assert (pages(tmp_path), files(tmp_path)) == ([1, 2], [".jsonl"])
    assert (pages(tmp_path), files(tmp_path)) == ([1, 2], ["2026-11-26"])


def test_killed_processes_lose_nothing_and_the_next_opener_commits_what_they_wrote(tmp_path: Path) -> None:
    writers = [killed(tmp_path, 200, ticker) for ticker in ("GEVO", "GME")]
    assert [writer.wait() for writer in writers] == [-signal.SIGKILL] * 2
    assert ".jsonl" in files(tmp_path)  # the last one's at least: who opens commits what others left behind
    before = scan(tmp_path).collect()
    with Ledger(tmp_path) as ledger:
        assert ledger.torn == 0
    assert files(tmp_path) == ["2026-11-26"] * 2
    after = scan(tmp_path).collect()
    assert before.sort("ticker", "page").equals(after.sort("ticker", "page"))
    assert after.group_by("ticker").len().sort("ticker").rows() == [("GEVO", 200), ("GME", 200)]


def test_a_journal_at_work_is_left_to_its_writer(tmp_path: Path) -> None:
    with Ledger(tmp_path) as first:
        first.record(request(page=1))
        with Ledger(tmp_path) as second:
            second.record(request(page=2))
        assert files(tmp_path) == [".jsonl", "2026-11-26"]
        first.record(request(page=3))
    assert pages(tmp_path) == [1, 2, 3]


def test_threads_share_a_ledger(tmp_path: Path) -> None:
    with Ledger(tmp_path, journal_requests=70) as ledger, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: ledger.record(request(page=number)), range(1, 301)))
    assert pages(tmp_path) == list(range(1, 301))
    assert files(tmp_path) == ["2026-11-26"] * 5  # 70 to a journal


def test_a_line_that_is_cut_off_is_counted_reported_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    left_behind(tmp_path, 3)
    (journal,) = tmp_path.glob("*.jsonl")
    os.truncate(journal, journal.stat().st_size - 5)
    assert pages(tmp_path) == [1, 2]
    with caplog.at_level(logging.WARNING), Ledger(tmp_path) as ledger:
        assert ledger.torn == 1
    assert "1 lines are cut off and left out of the ledger, 2 are whole" in caplog.text
    assert pages(tmp_path) == [1, 2]


def test_wherever_a_journal_ends_its_whole_lines_are_kept_and_at_most_one_is_lost(tmp_path: Path) -> None:
    left_behind(tmp_path, 3)
    (journal,) = tmp_path.glob("*.jsonl")
    content = journal.read_bytes()
    ends = [place for place, byte in enumerate(content, 1) if byte == ord("\n")]
    for cut in sorted(
        {*range(0, len(content), 23), *ends, *(end - 1 for end in ends), *(end + 1 for end in ends[:-1])}
    ):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / journal.name).write_bytes(content[:cut])
        whole = sum(end - 1 <= cut for end in ends)  # a line that lacks its line break only is whole
        torn = cut not in (0, *ends, *(end - 1 for end in ends))
        with Ledger(folder) as ledger:
            assert (pages(folder), ledger.torn) == (list(range(1, whole + 1)), torn)


def test_each_day_has_its_file_and_a_reply_after_midnight_belongs_to_the_day_of_its_request(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.record(request(NOON + 11 * HOUR, page=1))
        ledger.record(request(NOON + 12 * HOUR, page=2))  # a new UTC day: what came before is committed
        assert files(tmp_path) == [".jsonl", "2026-11-26"]
        ledger.record(request(NOON + 12 * HOUR - 1, page=3))
        assert pages(tmp_path) == [1, 2, 3]
    assert files(tmp_path) == ["2026-11-26", "2026-11-26", "2026-11-27"]
    assert pages(tmp_path) == [1, 2, 3]


def test_killed_between_commit_and_clean_up_a_request_is_still_there_once(tmp_path: Path) -> None:
    left_behind(tmp_path, 3)
    (journal,) = tmp_path.glob("*.jsonl")
    content = journal.read_bytes()
    Ledger(tmp_path).close()
    journal.write_bytes(content)  # as if the process had been killed before it could remove the journal
    assert pages(tmp_path) == [1, 2, 3]
    Ledger(tmp_path).close()
    assert (pages(tmp_path), files(tmp_path)) == ([1, 2, 3], ["2026-11-26"])


def test_a_full_disk_is_an_error_and_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    with Ledger(tmp_path) as ledger:
        ledger.record(request(page=1))
        monkeypatch.setattr("os.write", lambda file, line: write(file, line[:20]))
        with pytest.raises(OSError, match=r"the disk is full: .*\.jsonl"):
            ledger.record(request(page=2))
        monkeypatch.setattr("os.write", write)
        ledger.record(request(page=3))
    assert pages(tmp_path) == [1, 3]


def test_a_disk_that_is_full_at_the_commit_leaves_the_journal_to_the_next_opener(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    ledger = Ledger(tmp_path)
    ledger.record(request(page=1))
    with monkeypatch.context() as patched:
        patched.setattr(pl.DataFrame, "write_parquet", full)
        with pytest.raises(OSError, match="No space left"):
            ledger.close()
    assert (pages(tmp_path), files(tmp_path)) == ([1], [".jsonl"])
    ledger.record(request(page=2))
    ledger.close()
    with Ledger(tmp_path):
        assert (pages(tmp_path), files(tmp_path)) == ([1, 2], ["2026-11-26"] * 2)


def test_where_there_is_no_ledger_there_are_no_requests(tmp_path: Path) -> None:
    assert scan(tmp_path / "nowhere").collect().equals(empty())
    Ledger(tmp_path).close()
    assert files(tmp_path) == []


def test_a_long_complaint_is_shortened(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.record(request(fault="x" * 300))
    assert scan(tmp_path).collect()["fault"].to_list() == ["x" * 199 + "…"]


@pytest.mark.parametrize(("host", "named"), [("api.massive.com", "api.massive.com"), ("127.0.0.1", "emulator")])
def test_what_answers_on_the_loopback_is_the_emulator(host: str, named: str) -> None:
    assert service(host) == named
