"""The catalogue: a DuckDB file with one view per dataset over the lake, for people who like SQL.

DuckDB lets one process write a file and Dagster runs many, so the file owns no data: its views read the Parquet files
as they are at the time of the query. It is written beside its place and renamed, so readers never meet half of it.
"""

from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import duckdb
import polars as pl

from smallcaps_assets.store.lake import COLUMNS_ONLY, Lake

FILE = "smallcaps.duckdb"


def write(lake: Lake, columns: Mapping[str, pl.DataFrame]) -> Path:
    """Write the catalogue of the datasets named in ``columns`` (each an empty frame with its columns).

    A dataset with a ``ticker`` gets its ``letter`` as a column too.
    """
    lake.root.mkdir(parents=True, exist_ok=True)
    target = lake.root / FILE
    temporary = target.with_name(f".{FILE}.{uuid4().hex}")
    with duckdb.connect(str(temporary)) as connection:
        for dataset, empty in columns.items():
            _keep_columns(lake, dataset, empty)
            letter = ", upper(ticker[1]) AS letter" if "ticker" in empty.columns else ""
            files = str(lake.root.resolve() / dataset / "**" / "*.parquet").replace("'", "''")
            connection.execute(
                f'CREATE VIEW "{dataset}" AS SELECT *{letter} '  # noqa: S608  (names are our own datasets)
                f"FROM read_parquet('{files}', hive_partitioning = false)"
            )
    temporary.replace(target)
    return target


def _keep_columns(lake: Lake, dataset: str, empty: pl.DataFrame) -> None:
    """A file without rows, so that the view has its columns before the first partition is there."""
    path = lake.path(dataset, COLUMNS_ONLY)
    if not path.is_file() or pl.read_parquet_schema(path) != empty.schema:
        lake.commit(dataset, COLUMNS_ONLY, empty, passed=True, group_rows=1)
