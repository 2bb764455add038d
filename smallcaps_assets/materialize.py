"""From a declared dataset to Dagster's asset: its inputs by partition mapping, its contract as a blocking check.

A check can also run alone, on what is stored: a dataset is a Dagster multi-asset of one, of which either may be chosen.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import polars as pl

from smallcaps_assets import contract as contracts
from smallcaps_assets.data_versions import file_asset
from smallcaps_assets.dataset import Dataset
from smallcaps_assets.partitions import Axes, Axis, mapping
from smallcaps_assets.reports.folder import ADDRESS
from smallcaps_assets.source.routes import Route
from smallcaps_assets.source.routing import may_read
from smallcaps_assets.step import Step
from smallcaps_assets.store.io_manager import LakeIOManager, Scan
from smallcaps_assets.store.lake import Lake

SESSIONS_A_RUN = {Axis.SESSION: 60, Axis.LETTER: 40}


def asset(
    dataset: Dataset,
    flow: Mapping[str, Dataset],
    axes: Axes,
    lake: Lake,
    stage: str,
    due: dg.AutomationCondition[Any] | None = None,
    route: Route = Route.REST,
    reports_at: str = ADDRESS,
    mlflow: bool = True,
) -> dg.AssetsDefinition:
    """Dagster's asset of a dataset: inputs by partition mapping, stored by the lake, checked by partition.

    ``due``: when automation materializes it. ``route``: on which its rows come from the vendor.
    ``reports_at``: where a browser finds the pages that it may write. ``mlflow``: whether model runs are logged.
    """
    partitions = axes.definition(dataset.axis)
    specs = [
        dg.AssetCheckSpec(
            name, asset=dataset.name, blocking=name in dataset.blocking, partitions_def=partitions, description=text
        )
        for name, text in zip(
            dataset.checks, [_contract_text(dataset), *(law.__doc__ for law in dataset.laws)], strict=True
        )
    ]
    ins = {
        name: dg.AssetIn(
            partition_mapping=mapping(flow[name].axis, dataset.axis, dataset.before.get(name, 0)),
            input_manager_key="lake",
        )
        for name in dataset.inputs
    }

    files = [dataset.file] if dataset.file and may_read(route, dataset.file) else []

    @dg.multi_asset(
        name=dataset.name,
        ins=ins,
        deps=[dg.AssetDep(file_asset(f), partition_mapping=mapping(Axis.SESSION, dataset.axis, 0)) for f in files],
        outs={
            dataset.name: dg.AssetOut(
                io_manager_key="lake",
                is_required=False,
                description=dataset.description,
                automation_condition=due,
                kinds={"polars", "parquet"} | ({"polygon"} if dataset.reads_source else set()),
                metadata={
                    "dagster/column_schema": contracts.table_schema(dataset.contract),
                    "dagster/table_name": dataset.name,
                    "dagster/uri": str(lake.root / dataset.name),
                },
            )
        },
        check_specs=specs,
        can_subset=True,
        group_name=stage,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.multi_run(SESSIONS_A_RUN[dataset.axis]) if partitions else None,
        pool="polygon" if dataset.reads_source else None,
        config_schema=dataset.config.to_fields_dict() if dataset.config else None,
        required_resource_keys={"lake"} | ({"polygon"} if dataset.reads_source else set()),
    )
    def compute(context: dg.AssetExecutionContext, **inputs: Scan) -> Iterator[Any]:
        yield from Step(dataset, context, lake, inputs, flow, reports_at, mlflow).events(specs)

    return compute


def _contract_text(dataset: Dataset) -> str:
    return f"{(dataset.contract.__doc__ or '').strip()} Key: {', '.join(contracts.key(dataset.contract))}."


def io_manager(lake: Lake, flow: Mapping[str, Dataset]) -> LakeIOManager:
    """The lake as Dagster's store, which trusts or refuses partitions by these datasets' contracts."""

    def fault(name: str, rows: pl.DataFrame) -> str | None:
        result = contracts.verdict(flow[name].contract, rows)
        if result.passed:
            return None
        first = result.metadata["failures"].records[0].data
        return f"{first['rule']} ({first['rows']} rows, such as {first['case']})"

    return LakeIOManager(lake, {name: dataset.empty() for name, dataset in flow.items()}, fault)
