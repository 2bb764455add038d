"""The source as Dagster's resource: with a key the service, without one the emulator."""

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from smallcaps_assets.source.emulator.launch import running_emulator
from smallcaps_assets.source.ledger import scan
from smallcaps_assets.source.polygon import PolygonError
from smallcaps_assets.source.resource import PolygonResource

SESSION = date(2024, 1, 16)


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
