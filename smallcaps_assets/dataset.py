"""How a dataset is declared: a function over its inputs, and what Dagster must know of it.

    @dataset(DailyMetrics, Axis.SESSION, before={"daily_bars": 252})
    def daily_metrics(run: Run, daily_bars: pl.LazyFrame) -> Iterator[Rows]:
        '''A ticker's features that are known before the session opens.'''
        yield from run.split(metrics(daily_bars))

The function's parameters are the lineage: ``run`` first, then, by name, the datasets it reads (each a lazy scan of just
the partitions that this run may see), ``polygon`` (the source), ``inbox`` (the folder of dropped files), ``ledger``
(the requests made of the source), ``reports`` (the folder of pages for people), ``experiments`` (the store of model
runs) and ``config`` (its thresholds). It yields one ``Rows`` for every partition of the run, also for those
without rows.
"""

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple, get_type_hints

import dagster as dg
import polars as pl

from smallcaps_assets import contract as contracts
from smallcaps_assets.contract import Contract, Verdict
from smallcaps_assets.partitions import WHOLE, Axis, Partition, letter_of
from smallcaps_assets.source.routes import SessionFile

NOT_INPUTS = ("run", "config", "polygon", "inbox", "ledger", "reports", "experiments")
CONTRACT = "contract"
NOT_STORED = "not read from a lake"  # the version of an input that a test or a notebook made
ROW_GROUP = 100_000
TICK_ROW_GROUP = 10_000  # one event of a tick dataset is found by row-group statistics in a millisecond

Law = Callable[..., Verdict]
"""``(stored rows, inputs)``, and ``config`` if it asks for what the rows were made with."""


class Tickers(dg.Config):
    """Run configuration of every dataset by letter that has none of its own."""

    tickers: list[str] = []
    """Only these tickers are computed again; the partition's other rows stay as they are. Empty: all."""


class Rows(NamedTuple):
    """A partition's rows, and what is worth showing of them in the UI."""

    partition: Partition
    frame: pl.DataFrame
    metadata: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Run:
    """What one run is asked for: its partitions in order, and the tickers if it is restricted to some."""

    dataset: str
    partitions: tuple[Partition, ...]
    tickers: frozenset[str] = frozenset()
    absent: Mapping[str, frozenset[Partition]] = field(default_factory=dict)
    """By input, the partitions that this run maps to and that are not in the lake."""
    log: logging.Logger = field(default_factory=lambda: logging.getLogger(__name__))
    version: Callable[[str], str] = lambda _: NOT_STORED
    """Of an input: a hash of the bytes of its partitions that this run reads, made when it is asked for."""

    @property
    def sessions(self) -> list[date]:
        """The run's sessions, oldest first."""
        return sorted({partition.session for partition in self.partitions if partition.session})

    @property
    def letters(self) -> list[str]:
        """The run's letters; empty for a dataset that has none."""
        return sorted({partition.letter for partition in self.partitions if partition.letter})

    def wanted(self, ticker: pl.Expr) -> pl.Expr:
        """Whether a ticker belongs to this run: to its letters, and to its tickers if it names some."""
        belongs = letter_of(ticker).is_in(self.letters) if self.letters else pl.lit(True)
        return belongs & ticker.is_in(sorted(self.tickers)) if self.tickers else belongs

    def in_pieces(self, count: int) -> Iterator["Run"]:
        """The run as runs of at most ``count`` of its sessions, oldest first, so that memory holds only a few."""
        for begin in range(0, len(self.sessions), count):
            few = self.sessions[begin : begin + count]
            yield replace(self, partitions=tuple(p for p in self.partitions if p.session in few))

    def split(self, rows: pl.LazyFrame | pl.DataFrame) -> Iterator[Rows]:
        """Collect rows that carry ``session`` (and ``ticker``) and give each partition its own.

        ``ValueError`` if there are rows of sessions before the run: a look-back's are for the caller to leave out.
        """
        frame = rows.lazy().collect()
        by_letter = bool(self.letters)
        keys = ["session", letter_of(pl.col("ticker")).alias("_letter")] if by_letter else ["session"]
        parts = {
            Partition(*names): part.drop("_letter", strict=False)
            for names, part in frame.with_columns(keys[1:])
            .partition_by(["session", "_letter"] if by_letter else ["session"], as_dict=True)
            .items()
        }
        if foreign := sorted(parts.keys() - set(self.partitions)):
            raise ValueError(f"{self.dataset}: rows of partitions outside the run, the first is {foreign[0].key}")
        for partition in self.partitions:
            yield Rows(partition, parts.get(partition, frame.clear()))

    def whole(self, rows: pl.LazyFrame | pl.DataFrame, metadata: Mapping[str, Any] | None = None) -> Iterator[Rows]:
        """The one partition of a dataset that spans all sessions."""
        yield Rows(WHOLE, rows.lazy().collect(), metadata or {})


@dataclass(frozen=True)
class Dataset:
    """A dataset's declaration; ``materialize.asset`` makes Dagster's asset of it."""

    function: Callable[..., Iterator[Rows]]
    contract: Contract
    axis: Axis
    before: Mapping[str, int]
    laws: tuple[Law, ...]
    blocking: frozenset[str]
    group_rows: int
    file: SessionFile | None = None

    @property
    def name(self) -> str:
        """Asset key, lake folder, DuckDB view and file name."""
        return self.function.__name__

    @property
    def description(self) -> str:
        """What one row is, its source, and when it is known: the docstring of its module."""
        return inspect.cleandoc(inspect.getmodule(self.function).__doc__ or "")

    @property
    def checks(self) -> list[str]:
        """The contract, which blocks here and wherever the rows would be read, then its own laws."""
        return [CONTRACT, *(law.__name__ for law in self.laws)]

    @property
    def inputs(self) -> list[str]:
        """The datasets it reads, in the order of its parameters."""
        return [name for name in inspect.signature(self.function).parameters if name not in NOT_INPUTS]

    @property
    def reads_source(self) -> bool:
        """Whether it asks the vendor."""
        return "polygon" in inspect.signature(self.function).parameters

    @property
    def reads_inbox(self) -> bool:
        """Whether it reads files that people drop into the lake."""
        return "inbox" in inspect.signature(self.function).parameters

    @property
    def reads_ledger(self) -> bool:
        """Whether it reads what was asked of the vendor, which no two lakes have in common."""
        return "ledger" in inspect.signature(self.function).parameters

    @property
    def writes_page(self) -> bool:
        """Whether it writes a page for people beside its rows."""
        return "reports" in inspect.signature(self.function).parameters

    @property
    def logs_experiments(self) -> bool:
        """Whether it logs model runs beside its rows."""
        return "experiments" in inspect.signature(self.function).parameters

    @property
    def own_config(self) -> type[dg.Config] | None:
        """Its own thresholds, if it has some."""
        return get_type_hints(self.function).get("config")

    @property
    def config(self) -> type[dg.Config] | None:
        """The type of its run configuration."""
        return self.own_config or (Tickers if self.axis is Axis.LETTER else None)

    def empty(self) -> pl.DataFrame:
        """No rows, all columns."""
        return contracts.empty(self.contract)

    def __call__(self, run: Run, **inputs: Any) -> Iterator[Rows]:
        """Compute the run's partitions; for tests and notebooks."""
        return self.function(run, **inputs)


def dataset(
    contract: Contract,
    axis: Axis,
    *,
    before: Mapping[str, int] | None = None,
    laws: tuple[Law, ...] = (),
    blocking_laws: tuple[Law, ...] = (),
    ticks: bool = False,
    file: SessionFile | None = None,
) -> Callable[[Callable[..., Iterator[Rows]]], Dataset]:
    """Declare a dataset.

    ``before``: for an input, how many sessions before each of the run's it may see as well (its own is always there).
    ``laws``: further checks, each ``(stored rows, inputs) -> Verdict``, named as their function, run per partition; one
    with a parameter ``config`` is given the thresholds that the rows were made with. A failure warns.
    ``blocking_laws``: the same, but a failure stops what follows in the run, as the contract's does.
    ``ticks``: small row groups, so that one event's rows are read alone.
    ``file``: the vendor's kind of flat file that its rows may come from instead of REST.
    """

    def declare(function: Callable[..., Iterator[Rows]]) -> Dataset:
        declared = Dataset(
            function=function,
            contract=contract,
            axis=axis,
            before=dict(before or {}),
            laws=(*blocking_laws, *laws),
            blocking=frozenset({CONTRACT, *(law.__name__ for law in blocking_laws)}),
            group_rows=TICK_ROW_GROUP if ticks else ROW_GROUP,
            file=file,
        )
        if unknown := declared.before.keys() - set(declared.inputs):
            raise TypeError(f"{declared.name}: `before` names no input of it: {sorted(unknown)}")
        return declared

    return declare
