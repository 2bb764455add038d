"""The catalogue: a DuckDB file with one view per dataset over the lake, for people who like SQL.

DuckDB lets one process write a file and Dagster runs many, so the file owns no data: its views read the Parquet files
as they are at the time of the query. It is written beside its place and renamed, so readers never meet half of it, and
left alone when it already says what it should.

Beside the datasets there is ``universe_why`` (`universe_why.py`), which answers why a ticker is in or out in a session:

    FROM universe_why WHERE ticker = 'GEVO' AND session = DATE '2024-01-16'
"""

from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import duckdb
import polars as pl

from smallcaps_assets.store import universe_why
from smallcaps_assets.store.lake import COLUMNS_ONLY, Lake

FILE = "smallcaps.duckdb"


def write(lake: Lake, columns: Mapping[str, pl.DataFrame]) -> Path:
    """Write the catalogue of the datasets named in ``columns`` (each an empty frame with its columns).

    A dataset with a ``ticker`` gets its ``letter`` as a column too.
    """
    lake.root.mkdir(parents=True, exist_ok=True)
    target = lake.root / FILE
    changed = [dataset for dataset, empty in columns.items() if _keep_columns(lake, dataset, empty)]
    extra = {universe_why.NAME: universe_why.query()} if universe_why.READS in columns else {}
    if not changed and target.is_file() and _views(target) == dict.fromkeys(columns) | extra:
        return target
    temporary = target.with_name(f".{FILE}.{uuid4().hex}")
    with duckdb.connect(str(temporary)) as connection:
        for dataset, empty in columns.items():
            letter = ", upper(ticker[1]) AS letter" if "ticker" in empty.columns else ""
            files = _quoted(str(lake.root.resolve() / dataset / "**" / "*.parquet"))
            connection.execute(
                f'CREATE VIEW "{dataset}" AS SELECT *{letter} '  # noqa: S608  (names are our own datasets)
                f"FROM read_parquet('{files}', hive_partitioning = false)"
            )
        for view, query in extra.items():
            connection.execute(f'CREATE VIEW "{view}" AS {query}')
            connection.execute(f"COMMENT ON VIEW \"{view}\" IS '{_quoted(query)}'")
    temporary.replace(target)
    return target


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _views(catalogue: Path) -> dict[str, str | None]:
    """By view its comment, which holds the query of a view that is not one dataset's."""
    with duckdb.connect(str(catalogue), read_only=True) as connection:
        found = connection.execute("SELECT view_name, comment FROM duckdb_views() WHERE NOT internal").fetchall()
    return dict(found)


def _keep_columns(lake: Lake, dataset: str, empty: pl.DataFrame) -> bool:
    """Keep a file without rows, so that the view has its columns before the first partition is there; True if new."""
    path = lake.path(dataset, COLUMNS_ONLY)
    if path.is_file() and pl.read_parquet_schema(path) == empty.schema:
        return False
    lake.commit(dataset, COLUMNS_ONLY, empty, passed=True, group_rows=1)
    return True
