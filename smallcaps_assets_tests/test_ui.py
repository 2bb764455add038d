"""What people do in the UI, through the GraphQL that the UI speaks, on the demo's lake with `dagster dev` running."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from smallcaps_assets.store.lake import Lake
from smallcaps_assets_tests.demo_run import ROOT, environment

PATIENCE = 240  # seconds; the backfill daemon looks every 30
SELECTOR = {
    "repositoryLocationName": "smallcaps_assets.definitions",
    "repositoryName": "__repository__",
    "jobName": "__ASSET_JOB",
}
LAUNCH = """mutation($p: ExecutionParams!) { launchPipelineExecution(executionParams: $p) {
  __typename ... on LaunchRunSuccess { run { id } } ... on PythonError { message } } }"""
BACKFILL = """mutation($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
RUN = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
BACKFILLED = """query($id: String!) { partitionBackfillOrError(backfillId: $id) {
  ... on PartitionBackfill { status numPartitions runs(limit: 100) { id status } error { message } } } }"""
CHECKED = """query($key: AssetKeyInput!, $name: String!) {
  assetCheckExecutions(assetKey: $key, checkName: $name, limit: 30) { status partition
    evaluation { success metadataEntries { label ... on TableMetadataEntry { table { records } } } } } }"""
ASSETS = "{ assetNodes { assetKey { path } groupName kinds description partitionDefinition { name } } }"


class Ui:
    """The webserver's GraphQL."""

    def __init__(self, port: int) -> None:
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        reply = self.client.post("/graphql", json={"query": query, "variables": variables}).json()
        assert "errors" not in reply, reply["errors"]
        return dict(reply["data"])

    def until(self, query: str, done: set[str], **variables: Any) -> dict[str, Any]:
        """Ask again until the status is one of ``done``."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            (found,) = self.ask(query, **variables).values()
            if found.get("status") in done:
                return dict(found)
            time.sleep(1)
        raise TimeoutError(f"still {found}")

    def materialize(self, asset: str, partition: str, checks: list[str]) -> str:
        """Launch one partition as the Materialize button does; the run's final status."""
        key = {"path": [asset]}
        selector = {
            **SELECTOR,
            "assetSelection": [key],
            "assetCheckSelection": [{"assetKey": key, "name": check} for check in checks],
        }
        return self.run(selector, {"dagster/partition": partition, **dimensions(partition)})

    def check(self, asset: str, session: str) -> str:
        """Launch a contract check alone, as its Execute button does."""
        key = {"path": [asset]}
        selector = {**SELECTOR, "assetSelection": [], "assetCheckSelection": [{"assetKey": key, "name": "contract"}]}
        return self.run(selector, {"dagster/partition": session})

    def run(self, selector: dict[str, Any], tags: dict[str, str]) -> str:
        params = {
            "selector": selector,
            "runConfigData": {},
            "mode": "default",
            "executionMetadata": {"tags": [{"key": k, "value": v} for k, v in tags.items()]},
        }
        launched = self.ask(LAUNCH, p=params)["launchPipelineExecution"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(self.until(RUN, {"SUCCESS", "FAILURE", "CANCELED"}, id=launched["run"]["id"])["status"])


def dimensions(partition: str) -> dict[str, str]:
    """The tags that the UI adds for a partition of two dimensions."""
    if "|" not in partition:
        return {}
    letter, session = partition.split("|")
    return {"dagster/partition/letter": letter, "dagster/partition/session": session}


@pytest.fixture(scope="module")
def ui(demo_folder: Path, demo_result: subprocess.CompletedProcess[str]) -> Iterator[Ui]:
    assert demo_result.returncode == 0, demo_result.stdout
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    dagster = str(Path(sys.executable).with_name("dagster"))
    command = [dagster, "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    log = (demo_folder / "dev.log").open("w")
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(demo_folder), stdout=log, stderr=log, process_group=0
    ) as dev:
        try:
            ui = Ui(port)
            deadline = time.monotonic() + 90
            while True:
                try:
                    if ui.ask(ASSETS)["assetNodes"]:
                        break
                except httpx.HTTPError:
                    assert time.monotonic() < deadline, (demo_folder / "dev.log").read_text()[-2000:]
                time.sleep(0.5)
            yield ui
        finally:
            dev.terminate()
            try:
                dev.wait(30)
            except subprocess.TimeoutExpired:
                # children of a job that a shell started in the background ignore interrupts
                os.killpg(dev.pid, signal.SIGKILL)
            log.close()
            ui.client.close()


def sessions_of(lake: Lake) -> list[str]:
    return lake.partitions("event_manifest")


def test_every_asset_is_shown_with_its_group_kinds_and_description(ui: Ui) -> None:
    nodes = ui.ask(ASSETS)["assetNodes"]
    assert {node["groupName"] for node in nodes} == {"reference", "market", "events", "labels", "research", "source"}
    assert all(node["description"] and "polars" in node["kinds"] for node in nodes)


def test_one_partition_of_imbalance_bars_is_materialized_for_a_session_and_letter(ui: Ui, demo_folder: Path) -> None:
    lake = Lake(demo_folder / "lake")
    partition = next(p for p in lake.partitions("imbalance_bars") if lake.read("imbalance_bars", p).height)
    path = lake.path("imbalance_bars", partition)
    before, bytes_before = path.stat().st_mtime_ns, path.read_bytes()
    assert ui.materialize("imbalance_bars", partition.replace("/", "|"), ["contract"]) == "SUCCESS"
    assert path.stat().st_mtime_ns > before
    assert path.read_bytes() == bytes_before


def test_a_backfill_over_sessions_becomes_few_runs_and_checks_each_partition(ui: Ui, demo_folder: Path) -> None:
    chosen = sessions_of(Lake(demo_folder / "lake"))[:4]
    names = ["daily_bars", "daily_metrics"]
    params = {"assetSelection": [{"path": [name]} for name in names], "partitionNames": chosen}
    launched = ui.ask(BACKFILL, p=params)["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    done = ui.until(
        BACKFILLED, {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "COMPLETED", "FAILED"}, id=launched["backfillId"]
    )
    assert done["status"] == "COMPLETED_SUCCESS", done
    assert len(done["runs"]) <= 2
    found = ui.ask(CHECKED, key={"path": ["daily_metrics"]}, name="contract")["assetCheckExecutions"]
    newest = {execution["partition"]: execution["status"] for execution in reversed(found)}
    assert [newest[session] for session in chosen] == ["SUCCEEDED"] * len(chosen)


def test_a_partition_broken_by_hand_shows_red_with_rule_and_rows_and_stops_its_descendants(
    ui: Ui, demo_folder: Path
) -> None:
    lake = Lake(demo_folder / "lake")
    session = sessions_of(lake)[-1]
    path = lake.path("daily_bars", session)
    sound = path.read_bytes()
    pl.read_parquet(path).with_columns(volume=pl.lit(-5.0)).write_parquet(path)
    try:
        assert ui.check("daily_bars", session) == "FAILURE"
        newest = ui.ask(CHECKED, key={"path": ["daily_bars"]}, name="contract")["assetCheckExecutions"][0]
        assert (newest["status"], newest["partition"]) == ("FAILED", session)
        shown = next(e for e in newest["evaluation"]["metadataEntries"] if e["label"] == "failures")
        assert "volume: greater_than_or_equal_to(0)" in str(shown["table"]["records"])
        assert ui.materialize("daily_metrics", session, ["contract"]) == "FAILURE"
    finally:
        path.write_bytes(sound)
