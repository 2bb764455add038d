"""The DuckDB file: views over the lake as it is when they are asked."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from smallcaps_assets.store import catalogue
from smallcaps_assets.store.lake import Lake

BARS = pl.DataFrame({"ticker": ["GEVO"], "volume": [1.0]})


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_view_is_there_before_the_first_partition_and_sees_it_afterwards(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    path = catalogue.write(lake, {"bars": BARS.clear()})
    assert ask(path, "SELECT * FROM bars") == []
    lake.commit("bars", "G/2024-01-16", BARS, passed=True, group_rows=10)
    assert ask(path, "SELECT ticker, letter, volume FROM bars") == [("GEVO", "G", 1.0)]


def test_the_file_that_keeps_a_views_columns_is_no_partition(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    catalogue.write(lake, {"bars": BARS.clear()})
    assert lake.partitions("bars") == []


def test_writing_the_same_catalogue_again_changes_no_byte(tmp_path: Path) -> None:
    path = catalogue.write(Lake(tmp_path), {"bars": BARS.clear()})
    before = path.read_bytes()
    catalogue.write(Lake(tmp_path), {"bars": BARS.clear()})
    assert path.read_bytes() == before


def test_a_new_dataset_gets_its_view(tmp_path: Path) -> None:
    catalogue.write(Lake(tmp_path), {"bars": BARS.clear()})
    path = catalogue.write(Lake(tmp_path), {"bars": BARS.clear(), "splits": BARS.clear()})
    assert ask(path, "SELECT count(*) FROM splits") == [(0,)]


def test_a_dataset_whose_contract_gained_a_column_gets_a_new_view(tmp_path: Path) -> None:
    catalogue.write(Lake(tmp_path), {"bars": BARS.clear()})
    path = catalogue.write(Lake(tmp_path), {"bars": BARS.clear().with_columns(trades=pl.lit(1))})
    assert ask(path, "SELECT trades FROM bars") == []


def test_a_question_is_a_view_over_the_datasets_and_a_new_wording_replaces_it(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.commit("bars", "G/2024-01-16", BARS, passed=True, group_rows=10)
    path = catalogue.write(lake, {"bars": BARS.clear()}, {"why": "SELECT ticker || ' it''s' AS said FROM bars"})
    assert ask(path, "FROM why") == [("GEVO it's",)]
    before = path.read_bytes()
    catalogue.write(lake, {"bars": BARS.clear()}, {"why": "SELECT ticker || ' it''s' AS said FROM bars"})
    assert path.read_bytes() == before
    catalogue.write(lake, {"bars": BARS.clear()}, {"why": "SELECT volume FROM bars"})
    assert ask(path, "FROM why") == [(1.0,)]


def test_partitions_of_an_earlier_contract_hinder_no_view_and_are_named_when_read(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.commit("bars", "G/2024-01-16", BARS, passed=True, group_rows=10)
    wider = BARS.with_columns(trades=pl.lit(3))
    path = catalogue.write(lake, {"bars": wider.clear()}, {"busy": "SELECT ticker, trades FROM bars WHERE trades > 2"})
    with pytest.raises(duckdb.Error, match="2024-01-16"):
        ask(path, "SELECT * FROM busy")
    lake.commit("bars", "G/2024-01-16", wider, passed=True, group_rows=10)
    assert ask(path, "SELECT * FROM busy") == [("GEVO", 3)]
