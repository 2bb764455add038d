"""What Dagster shows as stale: what was made from bytes that have since changed, and nothing else."""

from collections.abc import Iterable
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from smallcaps_assets import step
from smallcaps_assets_tests.tiny_flow import Tiny

FIRST, DAY, LAST = "2025-09-08", "2025-09-10", "2025-09-12"
WEEK = [f"2025-09-{day:02d}" for day in range(8, 13)]


def stale(defs: dg.Definitions, instance: dg.DagsterInstance, name: str, partitions: Iterable[str]) -> list[str]:
    """Those of the partitions that the UI would show as stale."""
    graph = defs.resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    shown = {key: resolver.get_status(dg.AssetKey(name), key).value for key in partitions}
    assert set(shown.values()) <= {"FRESH", "STALE"}
    return [key for key, status in shown.items() if status == "STALE"]


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    made = Tiny(tmp_path)
    made.run(["root", "summed"], FIRST, LAST)
    made.run(["lettered", "looked_back"], f"A|{FIRST}", f"B|{LAST}")
    return made


def of(tiny: Tiny, name: str, partitions: Iterable[str] = WEEK) -> list[str]:
    return stale(tiny.defs, tiny.instance, name, partitions)


def letter(sessions: Iterable[str]) -> list[str]:
    return [f"A|{session}" for session in sessions]


def test_after_runs_over_many_partitions_all_is_fresh(tiny: Tiny) -> None:
    tiny.run(["gathered"], FIRST, LAST)
    assert [of(tiny, name) for name in ("root", "summed", "gathered")] == [[], [], []]
    assert [of(tiny, name, letter(WEEK)) for name in ("lettered", "looked_back")] == [[], []]


def test_the_same_bytes_again_make_nothing_stale_whatever_the_run(tiny: Tiny) -> None:
    tiny.run(["root"], FIRST, LAST)
    tiny.run(["root"], DAY)
    assert of(tiny, "summed") == []


def test_other_bytes_of_one_session_make_stale_what_looks_back_on_it_and_no_neighbour(tiny: Tiny) -> None:
    tiny.run(["root"], DAY, root={"volume": 2.0})
    assert of(tiny, "summed") == WEEK[2:]  # it sums the session and the two before
    assert of(tiny, "lettered", letter(WEEK)) == []  # until their own inputs are made anew


def test_what_is_made_anew_is_fresh_and_hands_on_only_changed_bytes(tiny: Tiny) -> None:
    tiny.run(["root"], DAY, root={"volume": 2.0})
    tiny.run(["summed"], FIRST, LAST)  # also those that did not change
    assert of(tiny, "summed") == []
    assert of(tiny, "lettered", letter(WEEK)) == letter(WEEK[2:])
    tiny.run(["lettered"], f"A|{FIRST}", f"A|{LAST}")
    assert of(tiny, "lettered", letter(WEEK)) == []
    assert of(tiny, "lettered", ["B|2025-09-10"]) == ["B|2025-09-10"]
    assert of(tiny, "looked_back", letter(WEEK)) == letter(WEEK[2:])


def test_bytes_that_change_and_change_back_leave_nothing_stale(tiny: Tiny) -> None:
    tiny.run(["root"], DAY, root={"volume": 2.0})
    tiny.run(["root"], DAY)
    assert of(tiny, "summed") == []


def test_a_run_that_fails_half_way_versions_what_it_committed(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "CHECKED_TOGETHER", 1)
    tiny.run(["root"], FIRST, LAST, root={"volume": 2.0, "fails_at": WEEK[1]})
    assert of(tiny, "summed") == WEEK[:3]  # the first session changed, and two sum it as well
    assert tiny.green("root") == set(WEEK)


def test_the_version_is_the_hash_of_the_file_and_the_event_names_its_dimensions(tiny: Tiny) -> None:
    event = tiny.instance.fetch_materializations(
        dg.AssetRecordsFilter(dg.AssetKey("lettered"), asset_partitions=[f"A|{DAY}"]), limit=1
    ).records[0]
    tags = (event.asset_materialization and event.asset_materialization.tags) or {}
    assert tags["dagster/data_version"] == tiny.lake.digest("lettered", f"A/{DAY}")
    assert (tags["dagster/partition/letter"], tags["dagster/partition/session"]) == ("A", DAY)


def test_a_partition_has_one_materialization_a_run(tiny: Tiny) -> None:
    before = len(tiny.instance.fetch_materializations(dg.AssetKey("root"), limit=1_000).records)
    tiny.run(["root"], FIRST, LAST)
    assert len(tiny.instance.fetch_materializations(dg.AssetKey("root"), limit=1_000).records) == before + len(WEEK)
