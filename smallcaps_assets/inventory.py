"""What the lake holds and how its checks stand: the table at the end of the demo, and one hash over all bytes."""

import hashlib
from collections import Counter
from collections.abc import Mapping

import dagster as dg
import duckdb
from rich.table import Table

from smallcaps_assets.dataset import Dataset
from smallcaps_assets.definitions import DATASETS
from smallcaps_assets.partitions import Axis
from smallcaps_assets.store import catalogue
from smallcaps_assets.store.lake import Lake


def digest(lake: Lake) -> str:
    """One hash over every file of the lake that the market decides: equal hashes, equal bytes.

    What is made from the ledger tells when it was asked, which no two lakes have in common: it is left out.
    """
    total = hashlib.sha256()
    for name in sorted(name for name, dataset in DATASETS.items() if not dataset.reads_ledger):
        for partition in lake.partitions(name):
            total.update(f"{name}/{partition}".encode())
            total.update(lake.path(name, partition).read_bytes())
    return total.hexdigest()[:16]


def checked(instance: dg.DagsterInstance, dataset: Dataset) -> Counter[str]:
    """How many of the dataset's checks stand as SUCCEEDED, FAILED, … by the instance, over its partitions."""
    keys = [dg.AssetCheckKey(dg.AssetKey(dataset.name), name) for name in dataset.checks]
    log = instance.event_log_storage
    if dataset.axis is Axis.WHOLE:
        return Counter(record.status.value for record in log.get_latest_asset_check_execution_by_key(keys).values())
    return Counter(info.latest_execution_status.value for info in log.get_asset_check_partition_info(keys))


def table(lake: Lake, seconds: Mapping[str, float]) -> Table:
    """What there is now: dataset, partitions, rows, bytes, seconds, checks."""
    shown = Table("dataset")
    for heading in ("partitions", "rows", "bytes", "seconds", "checks"):
        shown.add_column(heading, justify="right")
    with (
        duckdb.connect(str(lake.root / catalogue.FILE), read_only=True) as connection,
        dg.DagsterInstance.get() as instance,
    ):
        for name, dataset in DATASETS.items():
            partitions = lake.partitions(name)
            rows = connection.execute(f'SELECT count(*) FROM "{name}"').fetchall()[0][0]  # noqa: S608  (our own names)
            size = sum(lake.path(name, partition).stat().st_size for partition in partitions)
            stand = checked(instance, dataset)
            passed = stand.pop("SUCCEEDED", 0)
            others = ", ".join(f"[red]{count} {status.lower()}[/red]" for status, count in stand.items())
            spent = f"{seconds[name]:,.1f}" if name in seconds else "kept"
            verdict = others or f"[green]{passed:,} passed[/green]"
            shown.add_row(name, f"{len(partitions):,}", f"{rows:,}", f"{size:,}", spent, verdict)
    return shown
