"""A flow of tiny datasets on every axis, for the tests of what turns datasets into assets."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pandera.polars as pa
import polars as pl

from smallcaps_assets import materialize
from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Dataset, Rows, Run, dataset
from smallcaps_assets.partitions import Axes, Axis
from smallcaps_assets.store.lake import Lake

FIRST = date(2025, 9, 2)


class Volumes(pa.DataFrameModel):
    """A ticker's volume."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("ticker")
    volume: float = column("volume", unit="shares", ge=0)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["session", "ticker"]


class Loud(dg.Config):
    """How loud the root dataset is."""

    volume: float = 1.0
    fails_at: str = ""


def is_quiet(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """No volume is over a hundred."""
    loudest = stored["volume"].max() if stored.height else 0.0
    return Verdict(float(loudest or 0) <= 100, {"loudest": loudest, "inputs": sorted(inputs)})  # type: ignore[arg-type]


@dataset(Volumes, Axis.SESSION, laws=(is_quiet,))
def root(run: Run, config: Loud) -> Iterator[Rows]:
    """Two tickers a session."""
    for partition in run.partitions:
        if str(partition.session) == config.fails_at:
            raise OSError(f"the source ends at {partition.session}")
        names = ["AAA", "Bcd"]
        yield Rows(
            partition,
            pl.DataFrame({"session": [partition.session] * 2, "ticker": names, "volume": [config.volume] * 2}),
            {"tickers": 2},
        )


@dataset(Volumes, Axis.SESSION, before={"root": 2})
def summed(run: Run, root: pl.LazyFrame) -> Iterator[Rows]:
    """Volume over the session and the two before."""
    rolled = pl.col("volume").rolling_sum(3, min_samples=1).over("ticker", order_by="session")
    yield from run.split(root.with_columns(rolled).filter(pl.col("session").is_in(run.sessions)))


@dataset(Volumes, Axis.LETTER, blocking_laws=(is_quiet,))
def lettered(run: Run, summed: pl.LazyFrame) -> Iterator[Rows]:
    """By letter."""
    yield from run.split(summed.filter(run.wanted(pl.col("ticker"))))


def is_as_loud_as_told(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame], config: Loud) -> Verdict:
    """All volumes are the input's, so many times over."""
    read = stored.lazy().join(inputs["lettered"], on=["session", "ticker"], suffix="_read").collect()
    seen = inputs["lettered"].select(pl.col("session").cast(pl.String).unique().sort()).collect()
    told = (read["volume"] == read["volume_read"] * config.volume).all()
    return Verdict(told, {"seen": ", ".join(seen["session"])})


@dataset(Volumes, Axis.LETTER, before={"lettered": 1}, blocking_laws=(is_as_loud_as_told,))
def looked_back(run: Run, lettered: pl.LazyFrame, config: Loud) -> Iterator[Rows]:
    """By letter, with a look-back."""
    louder = pl.col("volume") * config.volume
    yield from run.split(lettered.filter(pl.col("session").is_in(run.sessions)).with_columns(louder))


@dataset(Volumes, Axis.SESSION)
def gathered(run: Run, looked_back: pl.LazyFrame) -> Iterator[Rows]:
    """All letters of a session."""
    absent = len(run.absent["looked_back"])
    yield from (rows._replace(metadata={"absent": absent}) for rows in run.split(looked_back))


@dataset(Volumes, Axis.WHOLE)
def everything(run: Run, gathered: pl.LazyFrame) -> Iterator[Rows]:
    """All sessions."""
    yield from run.whole(gathered, {"read": run.version("gathered")})


FLOW: dict[str, Dataset] = {d.name: d for d in (root, summed, lettered, looked_back, gathered, everything)}


class Tiny:
    """The tiny flow on a lake of its own and an instance in memory."""

    def __init__(self, folder: Path) -> None:
        self.lake = Lake(folder)
        axes = Axes(FIRST)
        self.defs = dg.Definitions(
            assets=[materialize.asset(each, FLOW, axes, self.lake, "tiny") for each in FLOW.values()],
            resources={"lake": materialize.io_manager(self.lake, FLOW)},
            executor=dg.in_process_executor,
        )
        self.instance = dg.DagsterInstance.ephemeral(tempdir=str(folder.parent))

    def run(self, names: list[str], first: str = "", last: str = "", **config: Any) -> dg.ExecuteInProcessResult:
        """Materialize the datasets over a range of partitions."""
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last or first}
        return self.defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance,
            tags=tags if first else {},
            asset_selection=[dg.AssetKey(name) for name in names],
            run_config={"ops": {name: {"config": values} for name, values in config.items()}},
            raise_on_error=False,
        )

    def check(self, name: str, first: str, last: str, check: str = "contract") -> dg.ExecuteInProcessResult:
        """Run one check of a dataset alone."""
        chosen = dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey(name), check))
        job = dg.define_asset_job("check_alone", selection=chosen)
        defs = dg.Definitions.merge(self.defs, dg.Definitions(jobs=[job]))
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        return defs.resolve_job_def("check_alone").execute_in_process(
            instance=self.instance, tags=tags, raise_on_error=False
        )

    def green(self, name: str) -> set[str]:
        """The partitions that Dagster shows as materialized."""
        return set(self.instance.get_materialized_partitions(dg.AssetKey(name)))

    def checked(self, name: str) -> dict[str | None, str]:
        """What the instance knows of the contract check, by partition."""
        key = dg.AssetCheckKey(dg.AssetKey(name), "contract")
        found = self.instance.event_log_storage.get_asset_check_partition_info([key])
        return {info.partition_key: info.latest_execution_status.value for info in found}


def failure(result: dg.ExecuteInProcessResult) -> str:
    """The message of the first failed step."""
    for event in result.all_events:
        if event.event_type is dg.DagsterEventType.STEP_FAILURE and event.step_failure_data.error:
            error = event.step_failure_data.error
            return (error.cause or error).message
    return ""


def evaluations(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str | None], bool]:
    """What the checks found, by check and partition."""
    return {
        (e.asset_check_evaluation_data.check_name, e.asset_check_evaluation_data.partition): (
            e.asset_check_evaluation_data.passed
        )
        for e in result.all_events
        if e.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
    }
