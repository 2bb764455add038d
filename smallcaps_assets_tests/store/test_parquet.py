"""Parquet as the lake writes it: nothing changes on the way, and files of before are read beside new ones."""

from datetime import date
from io import BytesIO
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from smallcaps_assets.store import parquet

INSTANT = pl.Datetime("ns", "UTC")
ROWS = pl.DataFrame(
    {
        "session": [date(2024, 1, 16), date(2024, 1, 16), None],
        "ticker": ["GEVO", None, ""],
        "at": pl.Series([1_705_415_400_000_000_001, None, -1], dtype=pl.Int64).cast(INSTANT),
        "price": [1.25, None, float("inf")],
        "size": pl.Series([100, None, -(2**63)], dtype=pl.Int64),
        "label": pl.Series([1, -1, None], dtype=pl.Int8),
        "halted": [True, None, False],
        "conditions": pl.Series([[12, 37], [], None], dtype=pl.List(pl.Int32)),
        "features": [["f_gap", ""], None, []],
    }
)


def written(rows: pl.DataFrame, group_rows: int = 100) -> BytesIO:
    file = BytesIO()
    parquet.write(rows, file, group_rows=group_rows, footer={"smallcaps.contract": "passed"})
    file.seek(0)
    return file


@pytest.mark.parametrize("rows", [ROWS, ROWS.clear()], ids=["rows", "no rows"])
def test_every_kind_of_value_comes_back_as_it_was(rows: pl.DataFrame) -> None:
    again = pl.read_parquet(written(rows))
    assert again.schema == rows.schema
    assert again.equals(rows)


def test_instants_are_packed_by_their_differences_and_nothing_else_is() -> None:
    group = pq.ParquetFile(written(ROWS)).metadata.row_group(0)
    packed = [
        group.column(place).path_in_schema
        for place in range(group.num_columns)
        if "DELTA_BINARY_PACKED" in group.column(place).encodings
    ]
    assert packed == ["at"]


def test_rows_come_in_groups_of_the_size_asked_for_and_the_footer_has_its_entries() -> None:
    told = pq.ParquetFile(written(ROWS, group_rows=2)).metadata
    assert [told.row_group(group).num_rows for group in range(told.num_row_groups)] == [2, 1]
    assert pl.read_parquet_metadata(written(ROWS))["smallcaps.contract"] == "passed"


def test_a_file_that_polars_wrote_before_is_read_beside_one_of_now(tmp_path: Path) -> None:
    before, now = tmp_path / "2024-01-12.parquet", tmp_path / "2024-01-16.parquet"
    ROWS.write_parquet(before, compression="zstd", compression_level=3)
    now.write_bytes(written(ROWS).getvalue())
    assert pl.scan_parquet([before, now]).collect().equals(pl.concat([ROWS, ROWS]))
    with duckdb.connect() as connection:
        counted = connection.execute(
            'SELECT count(*), count("at"), count(conditions) FROM read_parquet($1)', [str(tmp_path / "*.parquet")]
        ).fetchall()
    assert counted == [(6, 4, 4)]
