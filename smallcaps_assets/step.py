"""One Dagster step of a dataset: compute its partitions, check them, commit them, and say of each how it went.

Dagster's own check results carry no partition, so a run over many partitions would show them all as skipped
(`spec/dagster.md` 3b): the evaluations are emitted here, one a partition, after the materializations they speak of.
A run that fails half way marks green exactly the partitions that it committed.
"""

from collections.abc import Iterator, Mapping
from inspect import signature
from typing import Any

import dagster as dg
import polars as pl
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,  # no public name; the version is pinned and tested
)

from smallcaps_assets import contract as contracts
from smallcaps_assets import data_versions
from smallcaps_assets.contract import Verdict
from smallcaps_assets.dataset import CONTRACT, Dataset, Rows, Run
from smallcaps_assets.partitions import WHOLE, Axis, Partition, holes, visible
from smallcaps_assets.reports import experiments
from smallcaps_assets.reports.folder import ADDRESS, FOLDER, Reports
from smallcaps_assets.source import ledger
from smallcaps_assets.source.routing import Routing
from smallcaps_assets.store.io_manager import Committed, Scan
from smallcaps_assets.store.lake import Lake

CHECKED_TOGETHER = 200_000  # rows of small partitions that share one call of pandera
SAMPLE = 5
CONFIG = "config"  # of a materialization: what its rows were made with
INBOX = "inbox"  # files that people or other programs drop into the lake


class Step:
    """One step: some partitions of one dataset."""

    def __init__(
        self,
        dataset: Dataset,
        context: dg.AssetExecutionContext,
        lake: Lake,
        inputs: Mapping[str, Scan],
        flow: Mapping[str, Dataset],
        reports_at: str = ADDRESS,
        mlflow: bool = True,
    ) -> None:
        self.dataset, self.context, self.lake = dataset, context, lake
        self.reports = Reports(lake.root / FOLDER, reports_at)
        self.experiments = experiments.Experiments(lake.root / experiments.FOLDER, mlflow)
        self.scans = inputs
        self.inputs = {name: scan.rows for name, scan in inputs.items()}
        self.flow = flow
        whole = dataset.axis is Axis.WHOLE
        self.partitions = (WHOLE,) if whole else tuple(sorted(Partition.parse(k) for k in context.partition_keys))
        self.config = dataset.config(**context.op_execution_context.op_config) if dataset.config else None
        self.tickers = frozenset(getattr(self.config, "tickers", ()))
        self.results: dict[Partition, dict[str, Verdict]] = {}
        self.metadata: dict[Partition, dict[str, Any]] = {}
        for name in inputs:
            self._refuse_gaps(name, flow[name].axis)

    def events(self, specs: list[dg.AssetCheckSpec]) -> Iterator[Any]:
        """The step's events in Dagster's order: the output, then each check's output, then its evaluations."""
        selected = self.context.op_execution_context.selected_output_names
        chosen = [spec for spec in specs if spec.get_python_identifier() in selected]
        if self.dataset.name in selected:
            yield dg.Output(self.stream(), self.dataset.name, metadata=data_versions.NO_EVENTS_OF_DAGSTERS_OWN)
        else:
            self.check_stored()
        for spec in chosen:
            yield dg.Output(None, output_name=spec.get_python_identifier())
        yield from self._evaluations_of([spec.name for spec in chosen])

    def stream(self) -> Iterator[Committed]:
        """Compute, check and hand over one partition after another; mark green what is committed, also on failure."""
        finished = False
        try:
            for part, result in self.checked(self.restricted(self.compute())):
                done = self._remember(part, result)
                yield Committed(part.partition.file, part.frame, result.passed, self.dataset.group_rows, done)
            if lost := set(self.partitions) - self.results.keys():
                raise ValueError(f"{self.dataset.name} gave no rows for {sorted(lost)[0].key}, nor said there are none")
            finished = True
        finally:
            self._mark_committed()
            for evaluation in [] if finished else self._evaluations_of(self.dataset.checks):
                self.context.log_event(evaluation)

    def compute(self) -> Iterator[Rows]:
        """The dataset's function, called with what its signature asks for."""
        absent = {
            name: frozenset(Partition.parse(file.replace("/", "|")) for file in scan.wanted - scan.present)
            for name, scan in self.scans.items()
            if not scan.wanted <= {"all"}
        }
        run = Run(self.dataset.name, self.partitions, self.tickers, absent, self.context.log, self.version)
        arguments: dict[str, Any] = dict(self.inputs)
        if self.dataset.own_config:
            arguments["config"] = self.config
        if self.dataset.reads_source:
            arguments["polygon"] = self.context.resources.polygon.client
            arguments["polygon"].asks_for(f"{self.dataset.name} {self.asked}")
        if self.dataset.reads_inbox:
            arguments["inbox"] = self.lake.root / INBOX
        if self.dataset.reads_ledger:
            arguments["ledger"] = ledger.scan(self.lake.root / ledger.FOLDER)
        if self.dataset.writes_page:
            arguments["reports"] = self.reports
        if self.dataset.logs_experiments:
            arguments["experiments"] = self.experiments
        return self.dataset.function(run, **arguments)

    def version(self, name: str) -> str:
        """A hash of the bytes of an input's partitions that the step reads."""
        return self.lake.version(name, self.scans[name].present)

    @property
    def asked(self) -> str:
        """The step's partition, or the first and the last."""
        ends = dict.fromkeys((self.partitions[0].key, self.partitions[-1].key))
        return "..".join(ends)

    def restricted(self, computed: Iterator[Rows]) -> Iterator[Rows]:
        """With ``tickers`` configured, the stored rows of all other tickers stay as they are."""
        for part in computed:
            if not self.tickers:
                yield part
                continue
            named = pl.col("ticker").is_in(sorted(self.tickers))
            kept = self.dataset.empty()
            if self.lake.path(self.dataset.name, part.partition.file).is_file():
                kept = self.lake.read(self.dataset.name, part.partition.file).filter(~named)
            again = part.frame.filter(named).select(kept.columns)
            yield part._replace(
                frame=pl.concat([kept, again]), metadata={**part.metadata, "partial_tickers": sorted(self.tickers)}
            )

    def checked(self, computed: Iterator[Rows]) -> Iterator[tuple[Rows, Verdict]]:
        """Each partition with its contract's verdict; small partitions are judged together."""
        waiting: list[Rows] = []
        for part in computed:
            waiting.append(part._replace(frame=contracts.conform(self.dataset.contract, part.frame)))
            if sum(w.frame.height for w in waiting) >= CHECKED_TOGETHER:
                yield from self._judged(waiting)
                waiting = []
        if waiting:
            yield from self._judged(waiting)

    def _judged(self, parts: list[Rows]) -> Iterator[tuple[Rows, Verdict]]:
        return zip(parts, contracts.verdicts(self.dataset.contract, [p.frame for p in parts]), strict=True)

    def check_stored(self) -> None:
        """Check what is in the lake; rows that fail lose the mark that lets others read them."""
        made_with = self._recorded_configs()
        for partition in self.partitions:
            rows = self.lake.read(self.dataset.name, partition.file)
            result = contracts.verdict(self.dataset.contract, rows)
            config = made_with.get(partition.key, self.config)
            self.results[partition] = {CONTRACT: result, **self._laws(partition, rows, config)}
            if not result.passed:
                self.lake.commit(
                    self.dataset.name, partition.file, rows, passed=False, group_rows=self.dataset.group_rows
                )

    def _laws(self, partition: Partition, rows: pl.DataFrame, config: dg.Config | None) -> dict[str, Verdict]:
        inputs = self._inputs_of(partition) if self.dataset.laws else {}
        return {
            law.__name__: law(rows, inputs, *([config] if "config" in signature(law).parameters else []))
            for law in self.dataset.laws
        }

    def _inputs_of(self, partition: Partition) -> dict[str, pl.LazyFrame]:
        """What a step of this partition alone would see: opening the files of all costs more than judging one."""
        found = dict(self.inputs)
        for name, scan in self.scans.items() if len(self.partitions) > 1 else ():
            if (axis := self.flow[name].axis) is not Axis.WHOLE:
                files = visible(partition, axis, self.dataset.before.get(name, 0), scan.present)
                found[name] = self.lake.scan(name, files, self.flow[name].empty())
        return found

    def _recorded_configs(self) -> dict[str, dg.Config]:
        """By partition, the configuration that its newest materialization says its rows were made with."""
        if not self.dataset.own_config:
            return {}
        found = {}
        for key, record in self._newest().items():
            event = record.asset_materialization
            if event and isinstance(told := event.metadata.get(CONFIG), dg.JsonMetadataValue):
                found[key] = self.dataset.own_config.model_validate(told.value)
        return found

    def _remember(self, part: Rows, result: Verdict) -> Any:
        def done(size: int) -> None:
            self.results[part.partition] = {CONTRACT: result, **self._laws(part.partition, part.frame, self.config)}
            shown = {**part.metadata, **self._taken(part.partition), "dagster/row_count": part.frame.height}
            if self.dataset.own_config and self.config:
                shown[CONFIG] = self.config.model_dump(mode="json")
            self.metadata[part.partition] = {**shown, "bytes": size}
            done_so_far, everything = len(self.results), len(self.partitions)
            if done_so_far == everything or done_so_far % 10 == 0:
                self.context.log.info(f"{self.dataset.name}: {done_so_far} of {everything} partitions committed")

        return done

    def _taken(self, partition: Partition) -> dict[str, str]:
        """The route that the partition's rows took from the vendor, and the file's tag; empty where there is one."""
        if self.dataset.file is None or partition.session is None:
            return {}
        routing: Routing = self.context.resources.polygon.client.routing
        return routing.taken(self.dataset.file, partition.session)

    def _mark_committed(self) -> None:
        if not self.metadata:
            return
        made = data_versions.Made(self.dataset.name, self.context)
        sampled = next((p for p, shown in reversed(self.metadata.items()) if shown["dagster/row_count"]), None)
        for partition, shown in self.metadata.items():
            digest = self.lake.digest(self.dataset.name, partition.file)
            event = dg.AssetMaterialization(
                self.dataset.name,
                partition=None if partition == WHOLE else partition.key,
                metadata=shown | ({"sample": self._sample(partition)} if partition == sampled else {}),
                tags=made.tags(partition, digest, self.dataset.file, shown.get("etag")),
            )
            self.context.log_event(event)

    def _sample(self, partition: Partition) -> dg.MetadataValue[Any]:
        """The first rows of a partition."""
        rows = self.lake.scan(self.dataset.name, [partition.file], self.dataset.empty()).head(SAMPLE).collect()
        return _markdown(rows)

    def _evaluations_of(self, names: list[str]) -> Iterator[dg.AssetCheckEvaluation]:
        """One evaluation for each partition and named check, tied to the newest materialization."""
        targets = self._targets() if names and self.results else {}
        for partition, by_name in self.results.items():
            for name in names:
                blocks = name in self.dataset.blocking
                yield dg.AssetCheckEvaluation(
                    asset_key=dg.AssetKey(self.dataset.name),
                    check_name=name,
                    passed=by_name[name].passed,
                    metadata=by_name[name].metadata,
                    severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
                    blocking=blocks,
                    partition=None if partition == WHOLE else partition.key,
                    target_materialization_data=targets.get(partition.key),
                )

    def _targets(self) -> dict[str, Target]:
        """The newest materialization of each partition, as the UI wants it named to show a check as current."""
        return {
            name: Target(storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp)
            for name, record in self._newest().items()
        }

    def _newest(self) -> dict[str, dg.EventLogRecord]:
        """The record of the newest materialization of each of the step's partitions that has one."""
        key = dg.AssetKey(self.dataset.name)
        wanted = None if self.dataset.axis is Axis.WHOLE else sorted(p.key for p in self.partitions)
        records = dg.AssetRecordsFilter(asset_key=key, asset_partitions=wanted)
        found: dict[str, dg.EventLogRecord] = {}
        cursor: str | None = None
        while True:
            page = self.context.instance.fetch_materializations(records, limit=1000, cursor=cursor)
            for record in page.records:
                found.setdefault(record.partition_key or WHOLE.key, record)
            if not page.has_more or len(found) == len(self.partitions):
                return found
            cursor = page.cursor

    def _refuse_gaps(self, name: str, axis: Axis) -> None:
        """An input's own session must be there; history may begin late but has no holes."""
        scan = self.scans[name]
        if axis is Axis.WHOLE or self.dataset.axis is Axis.WHOLE:
            if not scan.present:
                raise FileNotFoundError(f"{self.dataset.name} needs {name}, which is not materialized")
            return
        wanted = {Partition.parse(file.replace("/", "|")) for file in scan.wanted}
        present = {Partition.parse(file.replace("/", "|")) for file in scan.present}
        if axis is Axis.LETTER and self.dataset.axis is Axis.SESSION:
            return  # letters without members need no partition; the dataset knows which have some
        own = {Partition(p.session, p.letter if axis is Axis.LETTER else None) for p in self.partitions}
        if lacking := sorted((own - present) | set(holes(wanted, present))):
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            raise FileNotFoundError(f"{self.dataset.name} needs {name} {lacking[0].key}{more}: materialize it first")


def _markdown(rows: pl.DataFrame) -> dg.MetadataValue[Any]:
    with pl.Config(
        tbl_formatting="ASCII_MARKDOWN",
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
        tbl_cols=12,
        tbl_width_chars=2_000,
        fmt_str_lengths=40,
    ):
        return dg.MetadataValue.md(str(rows))
