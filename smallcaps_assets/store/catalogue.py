"""The catalogue: a DuckDB file with one view per dataset over the lake, for people who like SQL.

DuckDB lets one process write a file and Dagster runs many, so the file owns no data: its views read the Parquet files
as they are at the time of the query. It is written beside its place and renamed, so readers never meet half of it, and
left alone when it already says what it should.
"""

from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import duckdb
import polars as pl

from smallcaps_assets.store.lake import COLUMNS_ONLY, Lake

FILE = "smallcaps.duckdb"


def write(lake: Lake, columns: Mapping[str, pl.DataFrame], questions: Mapping[str, str] | None = None) -> Path:
    """Write the catalogue of the datasets named in ``columns`` (each an empty frame with its columns).

    A dataset with a ``ticker`` gets its ``letter`` as a column too. ``questions``: further views, by name the query
    over those of the datasets that answers what people ask of them.
    """
    asked = dict(questions or {})
    lake.root.mkdir(parents=True, exist_ok=True)
    target = lake.root / FILE
    changed = [dataset for dataset, empty in columns.items() if _keep_columns(lake, dataset, empty)]
    if not changed and target.is_file() and _views(target) == dict.fromkeys(columns) | asked:
        return target
    temporary = target.with_name(f".{FILE}.{uuid4().hex}")
    with duckdb.connect(str(temporary)) as connection:
        for dataset, empty in columns.items():
            letter = ", upper(ticker[1]) AS letter" if "ticker" in empty.columns else ""
            # The first file says what the columns are: partitions of an earlier contract must not.
            files = [lake.path(dataset, name).resolve() for name in (COLUMNS_ONLY, "**/*")]
            quoted = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
            connection.execute(
                f'CREATE VIEW "{dataset}" AS SELECT *{letter} '  # noqa: S608  (names are our own datasets)
                f"FROM read_parquet([{quoted}], hive_partitioning = false)"
            )
        for name, query in asked.items():
            text = query.replace("'", "''")
            connection.execute(f'CREATE VIEW "{name}" AS {query}')
            connection.execute(f"COMMENT ON VIEW \"{name}\" IS '{text}'")  # as it was asked: another makes it anew
    temporary.replace(target)
    return target


def _views(catalogue: Path) -> dict[str, str | None]:
    """By view, the query of one that answers a question."""
    with duckdb.connect(str(catalogue), read_only=True) as connection:
        return dict(connection.execute("SELECT view_name, comment FROM duckdb_views() WHERE NOT internal").fetchall())


def _keep_columns(lake: Lake, dataset: str, empty: pl.DataFrame) -> bool:
    """Keep a file without rows, so that the view has its columns before the first partition is there; True if new."""
    path = lake.path(dataset, COLUMNS_ONLY)
    if path.is_file() and pl.read_parquet_schema(path) == empty.schema:
        return False
    lake.commit(dataset, COLUMNS_ONLY, empty, passed=True, group_rows=1)
    return True
