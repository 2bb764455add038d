"""Commits are whole or nothing, and the same rows give the same bytes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from smallcaps_assets.store.lake import Lake

OLD = pl.DataFrame({"ticker": ["GEVO"], "volume": [1.0]})
NEW = pl.DataFrame({"ticker": ["GEVO"], "volume": [2.0]})


def commit(lake: Lake, rows: pl.DataFrame, *, passed: bool = True) -> int:
    return lake.commit("bars", "G/2024-01-16", rows, passed=passed, group_rows=10)


def test_what_is_committed_is_read_back(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    size = commit(lake, OLD)
    assert lake.read("bars", "G/2024-01-16").equals(OLD)
    assert lake.partitions("bars") == ["G/2024-01-16"]
    assert size == lake.path("bars", "G/2024-01-16").stat().st_size


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        commit(Lake(tmp_path / folder), NEW)
    one, two = (Lake(tmp_path / folder).path("bars", "G/2024-01-16").read_bytes() for folder in ("one", "two"))
    assert one == two


def test_only_rows_that_passed_are_marked_so(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    commit(lake, OLD)
    assert lake.passed("bars", "G/2024-01-16")
    commit(lake, OLD, passed=False)
    assert not lake.passed("bars", "G/2024-01-16")
    OLD.write_parquet(lake.path("bars", "G/2024-01-16"))
    assert not lake.passed("bars", "G/2024-01-16")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_fails_at_any_step_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    lake = Lake(tmp_path)
    commit(lake, OLD)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    target: tuple[Any, str, Callable[..., None]] = (os, "fsync", full) if step == "fsync" else (Path, "replace", full)
    monkeypatch.setattr(*target)
    with pytest.raises(OSError, match="No space left"):
        commit(lake, NEW)
    monkeypatch.undo()
    assert lake.read("bars", "G/2024-01-16").equals(OLD)
    assert [path.name for path in (tmp_path / "bars" / "G").iterdir()] == ["2024-01-16.parquet"]


def test_a_partition_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="bars G/2024-01-17 is not in the lake"):
        Lake(tmp_path).read("bars", "G/2024-01-17")


def test_a_scan_of_nothing_has_the_columns(tmp_path: Path) -> None:
    found = Lake(tmp_path).scan("bars", [], OLD.clear()).collect()
    assert found.schema == OLD.schema
    assert found.is_empty()


def test_a_scan_reads_the_partitions_asked_for_in_their_order(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.commit("bars", "G/2024-01-17", NEW, passed=True, group_rows=10)
    commit(lake, OLD)
    both = lake.scan("bars", ["G/2024-01-16", "G/2024-01-17"], OLD.clear()).collect()
    assert both["volume"].to_list() == [1.0, 2.0]


def test_a_version_of_partitions_is_of_their_names_and_bytes_and_of_no_other(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    days = ["G/2024-01-16", "G/2024-01-17"]
    for day, rows in zip(days, (OLD, NEW), strict=True):
        lake.commit("bars", day, rows, passed=True, group_rows=10)
    both = lake.version("bars", days)
    assert both == lake.version("bars", days[::-1])
    lake.commit("bars", "G/2024-01-18", OLD, passed=True, group_rows=10)
    assert lake.version("bars", days) == both
    others = {lake.version("bars", some) for some in ([], days[:1], days[1:], [days[0], "G/2024-01-18"])}
    assert len(others | {both}) == 5
    for day, rows in zip(days, (NEW, OLD), strict=True):
        lake.commit("bars", day, rows, passed=True, group_rows=10)
    assert lake.version("bars", days) != both
