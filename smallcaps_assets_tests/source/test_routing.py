"""Which route a session's rows take: by setting, and on auto by what the file saves, decided once."""

import gzip
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from smallcaps_assets.source.flat import FlatFiles
from smallcaps_assets.source.routes import Route, SessionFile
from smallcaps_assets.source.routing import Routing
from smallcaps_assets_tests.source.stub_files import Bucket, serving

THURSDAY, FRIDAY = date(2025, 1, 2), date(2025, 1, 3)
TRADES_FILE = "trades_v1/2025/01/2025-01-02.csv.gz"


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving() as found:
        found.objects[TRADES_FILE] = gzip.compress(b"", mtime=0).ljust(1_000_000, b"\0")
        yield found


@pytest.fixture
def files(bucket: Bucket, tmp_path: Path) -> FlatFiles:
    return FlatFiles(bucket.url, "someone", "secret", tmp_path)


def auto(files: FlatFiles) -> Routing:
    """A megabyte takes 12 s on this line: as long as 6 requests at 30 a minute."""
    return Routing(Route.AUTO, files, requests_per_minute=30, megabits_per_second=2 / 3)


@pytest.mark.parametrize("file", SessionFile)
def test_rest_reads_no_file_and_flat_reads_them_all(files: FlatFiles, file: SessionFile) -> None:
    assert Routing().files(file, THURSDAY) is None
    assert Routing().taken(file, THURSDAY) == {"route": "rest"}
    assert Routing(Route.FLAT, files).files(file, THURSDAY) is files


@pytest.mark.parametrize(("requests", "flat"), [(6, False), (7, True)])
def test_auto_takes_the_file_when_the_requests_it_saves_last_longer(
    files: FlatFiles, requests: int, flat: bool
) -> None:
    routing = auto(files)
    routing.expect(SessionFile.TRADES, {THURSDAY: requests})
    assert routing.files(SessionFile.TRADES, THURSDAY) is (files if flat else None)


def test_auto_without_a_word_on_the_requests_stays_on_rest_and_asks_nothing(bucket: Bucket, files: FlatFiles) -> None:
    assert auto(files).files(SessionFile.TRADES, THURSDAY) is None
    assert bucket.asked == []


@pytest.mark.parametrize("file", [SessionFile.DAY_AGGS, SessionFile.MINUTE_AGGS])
def test_auto_never_takes_bars_from_files_because_they_have_no_vwap(files: FlatFiles, file: SessionFile) -> None:
    routing = auto(files)
    routing.expect(file, {THURSDAY: 1_000_000})
    assert routing.files(file, THURSDAY) is None


def test_auto_stays_on_rest_where_the_file_is_not_published_or_not_in_the_plan(
    bucket: Bucket, files: FlatFiles, caplog: pytest.LogCaptureFixture
) -> None:
    bucket.refused[TRADES_FILE] = 403
    routing = auto(files)
    routing.expect(SessionFile.TRADES, {THURSDAY: 1_000_000, FRIDAY: 1_000_000})
    assert [routing.files(SessionFile.TRADES, session) for session in (THURSDAY, FRIDAY)] == [None, None]
    assert "trades_v1 2025-01-02: HTTP 403" in caplog.text
    assert "trades_v1 2025-01-03: HTTP 404" in caplog.text


def test_a_session_keeps_the_route_on_which_it_began(files: FlatFiles) -> None:
    routing = auto(files)
    assert routing.files(SessionFile.TRADES, THURSDAY) is None
    routing.expect(SessionFile.TRADES, {THURSDAY: 1_000_000})
    assert routing.files(SessionFile.TRADES, THURSDAY) is None


def test_what_was_taken_names_the_edition_once_it_is_known(bucket: Bucket, files: FlatFiles) -> None:
    routing = Routing(Route.FLAT, files)
    assert routing.taken(SessionFile.TRADES, THURSDAY) == {"route": "flat"}
    files.edition(SessionFile.TRADES, THURSDAY)
    assert routing.taken(SessionFile.TRADES, THURSDAY) == {"route": "flat", "etag": bucket.etag(TRADES_FILE)}


def test_a_route_to_files_needs_files() -> None:
    with pytest.raises(ValueError, match="the route auto needs the flat files"):
        Routing(Route.AUTO)
