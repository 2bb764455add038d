"""Both routes against the emulator, over real HTTP: the same frames, row by row and column by column."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from smallcaps_assets.source.emulator.launch import running_emulator
from smallcaps_assets.source.errors import PolygonError, PolygonNotFoundError
from smallcaps_assets.source.flat import FlatFiles
from smallcaps_assets.source.polygon import Polygon
from smallcaps_assets.source.routes import Route, SessionFile
from smallcaps_assets.source.routing import Routing
from smallcaps_assets_tests.source.stub import KEY

FRIDAY, MONDAY = date(2026, 6, 5), date(2026, 6, 8)
HOUR = 3_600 * 10**9
EIGHT = int(datetime(2026, 6, 8, 8, tzinfo=UTC).timestamp()) * 10**9  # 04:00 New York


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running_emulator(key=KEY, tickers=20, start=date(2026, 6, 1), end=date(2026, 6, 9)) as emulator:
        yield emulator.base_url


@pytest.fixture(scope="module")
def rest(address: str) -> Iterator[Polygon]:
    with Polygon(address, KEY, requests_per_minute=0) as polygon:
        yield polygon


@pytest.fixture(scope="module")
def flat(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Polygon]:
    files = FlatFiles(address, "emulator", KEY, tmp_path_factory.mktemp("flat_files"))
    with Polygon(address, KEY, requests_per_minute=0, routing=Routing(Route.FLAT, files)) as polygon:
        yield polygon


@pytest.fixture(scope="module")
def busiest(rest: Polygon) -> str:
    return str(rest.daily_bars(MONDAY).sort("trades", "ticker")["ticker"][-1])


def test_daily_bars_are_the_same_but_for_vwap(rest: Polygon, flat: Polygon) -> None:
    over_rest, from_file = rest.daily_bars(MONDAY), flat.daily_bars(MONDAY)
    assert over_rest.height >= 10
    assert from_file["vwap"].null_count() == from_file.height
    assert_frame_equal(from_file.drop("vwap"), over_rest.drop("vwap"), check_exact=True)
    assert from_file.schema == over_rest.schema


def test_minute_bars_of_two_sessions_are_the_same_but_for_vwap(rest: Polygon, flat: Polygon, busiest: str) -> None:
    over_rest, from_file = (client.minute_bars(busiest, FRIDAY, MONDAY) for client in (rest, flat))
    assert over_rest["started_at"].dt.date().n_unique() == 2
    assert_frame_equal(from_file.drop("vwap"), over_rest.drop("vwap"), check_exact=True)
    assert from_file.schema == over_rest.schema


@pytest.mark.parametrize("kind", ["trades", "quotes"])
@pytest.mark.parametrize(("since", "until"), [(0, 16), (5, 6)])
def test_ticks_of_a_window_are_the_same(
    rest: Polygon, flat: Polygon, busiest: str, kind: str, since: int, until: int
) -> None:
    window = (busiest, EIGHT + since * HOUR, EIGHT + until * HOUR)
    over_rest, from_file = (getattr(client, kind)(*window) for client in (rest, flat))
    assert over_rest.height > 10
    assert_frame_equal(from_file, over_rest, check_exact=True)


def test_the_files_ask_rest_for_nothing(flat: Polygon) -> None:
    assert flat.requests == 0


def test_a_ticker_that_does_not_trade_has_the_same_empty_frame(rest: Polygon, flat: Polygon) -> None:
    for kind in ("trades", "quotes"):
        over_rest, from_file = (getattr(client, kind)("NOBODY", EIGHT, EIGHT + HOUR) for client in (rest, flat))
        assert_frame_equal(from_file, over_rest)
        assert from_file.height == 0


def test_the_bucket_lists_sessions_with_the_tags_they_are_read_under(address: str, tmp_path: Path) -> None:
    files = FlatFiles(address, "emulator", KEY, tmp_path)
    listed = files.published(SessionFile.DAY_AGGS, FRIDAY)
    assert list(listed) == [FRIDAY, MONDAY, date(2026, 6, 9)]
    assert listed[MONDAY] == files.edition(SessionFile.DAY_AGGS, MONDAY).etag


def test_a_session_that_is_not_published_is_an_error_that_names_it(flat: Polygon) -> None:
    with pytest.raises(PolygonNotFoundError, match="flat file day_aggs_v1 2026-06-10"):
        flat.daily_bars(date(2026, 6, 10))


def test_a_wrong_secret_is_an_error_that_does_not_show_it(address: str, tmp_path: Path) -> None:
    files = FlatFiles(address, "emulator", "CANARY0123456789", tmp_path)
    with pytest.raises(PolygonError, match="HTTP 403") as caught:
        files.daily_bars(MONDAY)
    assert "CANARY" not in str(caught.value) + repr(caught.value) + repr(files)
