"""The source as Dagster's resource: with a key the service, without one the emulator."""

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from smallcaps_assets.source.emulator.launch import running_emulator
from smallcaps_assets.source.emulator.routes_flat import ACCESS_KEY
from smallcaps_assets.source.ledger import scan
from smallcaps_assets.source.polygon import PolygonError
from smallcaps_assets.source.resource import PolygonResource
from smallcaps_assets.source.routes import SessionFile

SESSION = date(2024, 1, 16)
NINE = 1_705_413_600_000_000_000  # 09:00 New York


def ask(resource: PolygonResource) -> int:
    with resource.yield_for_execution(dg.build_init_resource_context()) as polygon:
        return polygon.client.daily_bars(SESSION).height


def test_without_a_key_the_emulator_is_started_for_the_run() -> None:
    assert ask(PolygonResource(base_url="https://nowhere.invalid", emulated_tickers=12)) >= 5


def test_with_a_key_the_named_service_is_asked() -> None:
    with running_emulator(tickers=12) as service:
        asked = PolygonResource(base_url=service.base_url, api_key=service.key, requests_per_minute=0)
        assert ask(asked) >= 5
        with pytest.raises(PolygonError, match="401"):
            ask(PolygonResource(base_url=service.base_url, api_key="wrong", requests_per_minute=0))


def test_without_a_key_the_emulators_files_are_there_too(tmp_path: Path) -> None:
    flat = PolygonResource(
        base_url="https://nowhere.invalid", emulated_tickers=12, route="flat", flat_files=str(tmp_path)
    )
    assert ask(flat) >= 5
    assert [path.name[:10] for path in (tmp_path / "day_aggs_v1").glob("*.parquet")] == [str(SESSION)]


def test_on_auto_the_set_rate_and_line_decide(tmp_path: Path) -> None:
    with running_emulator(tickers=5, start=SESSION, end=SESSION) as service:
        auto = PolygonResource(
            base_url=service.base_url,
            api_key=service.key,
            requests_per_minute=60,
            route="auto",
            s3_endpoint=service.base_url,
            s3_access_key=ACCESS_KEY,
            s3_secret=service.key,
            flat_files=str(tmp_path),
            megabits_per_second=1e3,
        )
        with auto.yield_for_execution(dg.build_init_resource_context()) as polygon:
            client = polygon.client
            client.expect(SessionFile.TRADES, {SESSION: 10})  # ten seconds of REST
            ticker = str(client.daily_bars(SESSION)["ticker"][0])  # bars stay on REST
            assert client.requests == 1
            assert client.trades(ticker, NINE, NINE + 8 * 3_600 * 10**9).height > 0
            assert client.requests == 1
            assert client.routing.taken(SessionFile.TRADES, SESSION)["route"] == "flat"
            assert client.routing.taken(SessionFile.QUOTES, SESSION) == {"route": "rest"}


def test_a_route_to_files_without_their_keys_is_refused_by_name(tmp_path: Path) -> None:
    flat = PolygonResource(base_url="https://nowhere.invalid", api_key="key", route="flat", flat_files=str(tmp_path))
    with pytest.raises(ValueError, match="POLYGON_S3_SECRET_ACCESS_KEY"):
        ask(flat)


def test_outside_a_run_there_is_no_client() -> None:
    with pytest.raises(RuntimeError, match="only while a run executes"):
        _ = PolygonResource(base_url="https://nowhere.invalid").client


def test_the_requests_of_a_run_are_in_the_ledger_when_it_ends(tmp_path: Path) -> None:
    with running_emulator(tickers=12) as service:
        asked = PolygonResource(
            base_url=service.base_url, api_key=service.key, requests_per_minute=0, ledger=str(tmp_path)
        )
        assert ask(asked) >= 5
    assert list(tmp_path.glob("*.jsonl")) == []
    rows = scan(tmp_path).select("service", "endpoint", "window", "status", "partition").collect().rows()
    assert rows == [("emulator", "daily bars", "2024-01-16", 200, None)]
