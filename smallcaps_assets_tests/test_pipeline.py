"""End to end, as a user runs it: the demo command on a small market, twice, and what Dagster and DuckDB then show."""

import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from smallcaps_assets.definitions import DATASETS
from smallcaps_assets.store.lake import Lake
from smallcaps_assets_tests.demo_run import SESSIONS, demo


def lake_hash(output: str) -> str:
    found = re.search(r"hash to\s+([0-9a-f]{16})", output)
    assert found, output
    return found[1]


def test_the_demo_fills_every_dataset_and_all_checks_are_green(
    demo_folder: Path, demo_result: subprocess.CompletedProcess[str]
) -> None:
    assert demo_result.returncode == 0, demo_result.stdout + demo_result.stderr
    lake = Lake(demo_folder / "lake")
    assert [name for name in DATASETS if not lake.partitions(name)] == []
    assert "All checks are green" in demo_result.stdout


def test_a_second_demo_changes_no_byte(demo_folder: Path, demo_result: subprocess.CompletedProcess[str]) -> None:
    second = demo(demo_folder, "--sessions", SESSIONS)
    assert second.returncode == 0, second.stdout + second.stderr
    assert lake_hash(second.stdout) == lake_hash(demo_result.stdout)


def test_another_lake_and_another_key_give_the_same_bytes_and_the_key_is_written_nowhere(
    demo_result: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    canary = "CANARY0123456789"
    again = demo(tmp_path, "--sessions", SESSIONS, "--emulator-key", canary)
    assert lake_hash(again.stdout) == lake_hash(demo_result.stdout)
    assert canary not in again.stdout + again.stderr
    leaks = [path for path in tmp_path.rglob("*") if path.is_file() and canary.encode() in path.read_bytes()]
    assert leaks == []


def test_the_catalogue_reads_every_dataset(demo_folder: Path, demo_result: subprocess.CompletedProcess[str]) -> None:
    assert demo_result.returncode == 0
    with duckdb.connect(str(demo_folder / "lake" / "smallcaps.duckdb"), read_only=True) as connection:
        rows = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchall()[0][0] for name in DATASETS}
        letters = connection.execute("SELECT DISTINCT letter FROM minute_bars").fetchall()
    assert all(rows[name] > 0 for name in ("tickers", "daily_bars", "universe", "minute_bars", "intraday_events"))
    assert all(len(letter) == 1 for (letter,) in letters)


def test_pages_for_people_lie_beside_the_datasets(
    demo_folder: Path, demo_result: subprocess.CompletedProcess[str]
) -> None:
    assert demo_result.returncode == 0
    pages = sorted(path.name for path in (demo_folder / "lake" / "reports").iterdir())
    pictures = ("calibration", "equity", "folds", "importance", "labels", "slices", "weights")
    research = [*(f"research_{name}.png" for name in pictures), "research_report.html"]
    assert pages == sorted(["event_review.html", "events_report.html", "events_report.png", *research])
    review = (demo_folder / "lake" / "reports" / "event_review.html").read_text(encoding="utf-8")
    sampled = Lake(demo_folder / "lake").read("event_review", "all")["event_id"].to_list()
    assert re.findall(r'data-event="([^"]+)"', review) == sampled
    assert review.count("data:image/png;base64,") == 2 * len(sampled) > 0
    assert str(demo_folder) not in review


def test_every_model_is_a_finished_run_of_the_experiments(
    demo_folder: Path, demo_result: subprocess.CompletedProcess[str]
) -> None:
    assert demo_result.returncode == 0
    lake = Lake(demo_folder / "lake")
    told = lake.read("experiment_runs", "all")
    assert told["model_id"].sort().equals(lake.read("models", "all")["model_id"].sort())
    with closing(sqlite3.connect(demo_folder / "lake" / "mlflow" / "mlflow.db")) as connection:
        runs = connection.execute("SELECT status, lifecycle_stage FROM runs").fetchall()
    assert runs == [("FINISHED", "active")] * told.filter("logged").height


def test_every_request_of_the_demo_is_on_record_with_the_run_that_asked(
    demo_folder: Path, demo_result: subprocess.CompletedProcess[str]
) -> None:
    assert demo_result.returncode == 0
    with duckdb.connect(str(demo_folder / "lake" / "smallcaps.duckdb"), read_only=True) as connection:
        entered = connection.execute("SELECT count(*), count(partition), min(status) FROM api_ledger").fetchall()[0]
        counted = connection.execute("SELECT sum(requests), any_value(service) FROM api_usage").fetchall()[0]
        news = connection.execute("SELECT DISTINCT partition[:5] FROM api_ledger WHERE endpoint = 'news'").fetchall()
    assert entered[0] == entered[1] >= counted[0] > 0  # other tests may have asked since
    assert (entered[2], counted[1], news) == (200, "emulator", [("news ",)])


def test_dagster_shows_the_demos_partitions_as_materialized(
    demo_folder: Path, demo_result: subprocess.CompletedProcess[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert demo_result.returncode == 0
    monkeypatch.setenv("DAGSTER_HOME", str(demo_folder / "home"))
    with dg.DagsterInstance.from_config(str(demo_folder / "home")) as instance:
        green = instance.get_materialized_partitions(dg.AssetKey("minute_bars"))
    assert {key.replace("|", "/") for key in green} == set(Lake(demo_folder / "lake").partitions("minute_bars"))
