"""What a training row is for in a fold: to train on, to stop at, to test with, or to leave out, and why.

Source: `training_rows`, all sessions. Grain: one row per scheme, fold and training row that the fold touches. Three
schemes from the same code (`maths/purging.py`): `walk_forward` (train, then validate, then test, cut between sessions
and rolled by the test), `purged_kfold` and `combinatorial_purged` (contiguous blocks of rows, every one tested). Known
when the newest label is.

Purged: the label's life meets a block that the fold validates or tests on. Embargoed: it begins within the embargo
after a test block. Time is counted in sessions (16 hours each, 04:00 to 20:00 New York, nights and holidays left out),
so that an embargo of one session is one session across a weekend too.

What can go wrong: with fewer sessions than the rules ask for, windows, folds and embargo shrink in proportion and the
metadata say so; with fewer than three there is no split, which is an error. `weight` of a training row has decayed by
its session's age against the fold's newest training session; rows that are validated or tested keep theirs.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import dagster as dg
import numpy as np
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.maths.arguments import Ints
from smallcaps_assets.maths.folds import Fold, combinatorial_folds, kfold_folds, leaks, walk_folds
from smallcaps_assets.maths.tapes import TAPE
from smallcaps_assets.maths.uniqueness import time_decay
from smallcaps_assets.partitions import Axis

KEY = [*TAPE, "bar"]
SESSION_NS = 16 * 3600 * 1_000_000_000  # 04:00 to 20:00 New York
SCHEMES = ("walk_forward", "purged_kfold", "combinatorial_purged")
ROLES = ("train", "valid", "test", "purged", "embargoed")
LEAST_SESSIONS = 3  # one to train, one to validate, one to test
SAMPLE = 200  # training rows a fold that the law checks by brute force


class MlSplitsConfig(dg.Config):
    """How folds are cut."""

    train_sessions: int = Field(default=126, ge=1)
    """Sessions; half a year: long enough for all kinds of event, short enough to follow the market."""
    valid_sessions: int = Field(default=21, ge=1)
    """Sessions; a month, for early stopping and calibration."""
    test_sessions: int = Field(default=21, ge=1)
    """Sessions; a month, and the step by which folds roll."""
    embargo_sessions: float = Field(default=1.0, ge=0)
    """Sessions after a test block in which nothing trains: what moved a small cap lasts about a session."""
    folds: int = Field(default=5, ge=2)
    """Blocks of the purged k-fold; as many rows are tested as in the usual 80:20."""
    groups: int = Field(default=6, ge=3)
    """Blocks of the combinatorial scheme; 6 of which 2 are tested give 15 splits and 5 paths (AFML 12.3)."""
    test_groups: int = Field(default=2, ge=1)
    """Blocks tested at once."""
    half_life_days: float = Field(default=90.0, gt=0)
    """Calendar days; the age at which a training row counts half: the first system's."""


class MlSplits(pa.DataFrameModel):
    """What a training row is for in a fold."""

    scheme: str = column("how folds are cut", isin=SCHEMES)
    fold: pl.Int64 = column("from 0, in time or in lexicographic order of the tested groups", ge=0)
    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    tape_starts_at: Instant = column("names the tape", unit="UTC ns")
    bar: pl.Int64 = column("place in the tape, from 0", ge=0)
    role: str = column("what the row is for, or why it is left out", isin=ROLES)
    weight: float = column(
        "decayed by age where it trains; null where left out", unit="share", ge=0, le=1, nullable=True
    )
    embargo_ns: pl.Int64 = column("after a test block, in session time: 16 hours a session", unit="ns", ge=0)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["scheme", "fold", "session", "ticker", "tape_starts_at", "bar"]

    @pa.dataframe_check
    @classmethod
    def rows_that_are_left_out_have_no_weight(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """A weight exactly where the row is used."""
        return data.lazyframe.select(pl.col("role").is_in(["purged", "embargoed"]) == pl.col("weight").is_null())

    @pa.dataframe_check
    @classmethod
    def every_fold_trains_and_tests(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """No fold is without training or test rows."""
        fold = ["scheme", "fold"]
        return data.lazyframe.select(
            (pl.col("role") == "train").any().over(fold) & (pl.col("role") == "test").any().over(fold)
        )


class Cut(NamedTuple):
    """The rules as they are for the sessions that are there."""

    train: int
    valid: int
    test: int
    folds: int
    groups: int
    test_groups: int
    embargo_ns: int


class Timed(NamedTuple):
    """Training rows in the order of their start, on the clock of sessions."""

    rows: pl.DataFrame
    start: Ints
    end: Ints
    session: Ints


def timed(training_rows: pl.DataFrame) -> Timed:
    """The rows with start and end in session time: the session's place in the calendar × 16 h + time since 04:00.

    ``ValueError`` if a label begins or ends outside its session's hours.
    """
    rows = training_rows.sort("known_at", *KEY)
    calendar = sessions.table().with_row_index("_place").select("session", "premarket_opens_at", "_place")
    placed = rows.join(calendar, on="session", how="left", maintain_order="left", validate="m:1")
    hours = [(pl.col(name) - pl.col("premarket_opens_at")).cast(pl.Int64) for name in ("known_at", "label_ends_at")]
    inside = pl.all_horizontal(since.is_between(0, SESSION_NS) for since in hours).fill_null(False)
    if strangers := placed.filter(~inside).select(KEY).rows():
        raise ValueError(f"{len(strangers)} labels leave their session's hours, the first is {strangers[0]}")
    place = pl.col("_place").cast(pl.Int64)
    start, end = (placed.select(since + place * SESSION_NS).to_series().to_numpy() for since in hours)
    return Timed(rows, start, end, placed["_place"].cast(pl.Int64).to_numpy())


def cut(rows: pl.DataFrame, config: MlSplitsConfig) -> Cut:
    """The configured rules, in proportion to the sessions with rows; ``ValueError`` where none can be cut."""
    there = rows["session"].n_unique()
    least = max(LEAST_SESSIONS, config.test_groups + 1)
    if there < least or rows.height < config.groups:
        raise ValueError(
            f"ml_splits need training rows of {least} sessions at least and {config.groups} rows, "
            f"and there are {rows.height} rows of {there} sessions: materialize training_rows of more"
        )
    train, valid, test = config.train_sessions, config.valid_sessions, config.test_sessions
    if (total := train + valid + test) > there:
        rolled = total + 2 * test  # room for three folds
        valid, test = max(1, there * valid // rolled), max(1, there * test // rolled)
        train = min(max(1, there * train // rolled), there - valid - test)
    folds, groups = min(config.folds, there), min(config.groups, max(there, config.test_groups + 1))
    most = there / (2 * groups)  # half a block: more would leave splits without training rows
    embargo_ns = round(min(config.embargo_sessions, most) * SESSION_NS)
    return Cut(train, valid, test, folds, groups, config.test_groups, embargo_ns)


def rows_of(of: Timed, fold: Fold, half_life_days: float) -> pl.DataFrame:
    """A fold's rows with role and weight."""
    days = of.rows["session"].cast(pl.Int32).to_numpy().astype(np.int64)
    age = np.where(fold.train, days[fold.train].max() - days, 0)
    roles = pl.Series(np.select(fold, ROLES, default=""), dtype=pl.String)
    decayed = pl.col("weight") * pl.Series(time_decay(age, half_life_days=half_life_days))
    left_out = pl.col("role").is_in(["purged", "embargoed"])
    return (
        of.rows.select(*KEY, role=roles, weight=decayed)
        .filter(pl.col("role") != "")
        .with_columns(weight=pl.when(~left_out).then("weight"))
    )


def splits(rows: pl.DataFrame, by: Cut, half_life_days: float) -> pl.DataFrame:
    """All folds of all schemes."""
    of = timed(rows)
    labels = (of.start, of.end)
    schemes = (
        walk_folds(*labels, of.session, train_sessions=by.train, valid_sessions=by.valid, test_sessions=by.test),
        kfold_folds(*labels, folds=by.folds, embargo_ns=by.embargo_ns),
        combinatorial_folds(*labels, groups=by.groups, test_groups=by.test_groups, embargo_ns=by.embargo_ns),
    )
    made = [
        rows_of(of, fold, half_life_days).with_columns(scheme=pl.lit(scheme), fold=pl.lit(number, dtype=pl.Int64))
        for scheme, folds in zip(SCHEMES, schemes, strict=True)
        for number, fold in enumerate(folds)
    ]
    embargo = pl.lit(by.embargo_ns, dtype=pl.Int64)
    return pl.concat(made).with_columns(embargo_ns=embargo).select(ml_splits.empty().columns)


def shown(found: pl.DataFrame, rows: pl.DataFrame, by: Cut, config: MlSplitsConfig) -> dict[str, Any]:
    """How the rules were shrunk, and each fold's rows by role."""
    full = Cut(
        config.train_sessions, config.valid_sessions, config.test_sessions, config.folds, config.groups,
        config.test_groups, round(config.embargo_sessions * SESSION_NS),
    )  # fmt: skip
    smaller = [
        f"{name} {ours:g} for {asked:g}"
        for name, ours, asked in zip(Cut._fields, by, full, strict=True)
        if ours != asked
    ]
    counts = found.group_by("scheme", "fold", maintain_order=True).agg(
        *[(pl.col("role") == role).sum().alias(role) for role in ROLES]
    )
    lines = [f"| {' | '.join(map(str, row))} |" for row in counts.head(60).iter_rows()]
    table = "\n".join([f"| {' | '.join(counts.columns)} |", "|---|" + "---:|" * (len(counts.columns) - 1), *lines])
    there = {"training_rows": rows.height, "sessions": rows["session"].n_unique()}
    return there | {"shrunk": ", ".join(smaller) or "no", "folds": dg.MetadataValue.md(table)}


def no_training_label_meets_a_test(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Labels that train meet no label that is tested or validated, nor a test's embargo: each with each, on a sample.

    The sample is, of every fold, the 200 training rows that lie nearest to a tested row in time.
    """
    times = timed(inputs["training_rows"].select(*KEY, "known_at", "label_ends_at").collect())
    clock = times.rows.select(*KEY, _start=pl.Series(times.start), _end=pl.Series(times.end))
    joined = stored.join(clock, on=KEY, how="left", validate="m:1")
    missing, leaking, folds = joined["_start"].null_count(), 0, 0
    for fold in joined.drop_nulls("_start").partition_by("scheme", "fold", maintain_order=True):
        folds += 1
        train, test, valid = (fold.filter(role=role) for role in ("train", "test", "valid"))
        leaking += leaking_rows(train, test, fold["embargo_ns"][0]) + leaking_rows(train, valid, 0)
    found = {"folds": folds, "leaking_rows": leaking, "rows_without_training_row": missing}
    return Verdict(leaking == 0 and missing == 0, found)


def leaking_rows(train: pl.DataFrame, tested: pl.DataFrame, embargo_ns: int) -> int:
    """How many of the 200 training rows nearest in time to a tested row leak."""
    if train.is_empty() or tested.is_empty():
        return 0
    start, end = (np.sort(tested[name].to_numpy()) for name in ("_start", "_end"))
    after = start[np.searchsorted(start, train["_end"].to_numpy()).clip(0, len(start) - 1)]
    before = end[(np.searchsorted(end, train["_start"].to_numpy()) - 1).clip(0)]
    gap = np.minimum(np.abs(after - train["_end"].to_numpy()), np.abs(train["_start"].to_numpy() - before))
    near = train[np.argsort(gap, kind="stable")[:SAMPLE]]
    ours, theirs = ([frame[name].to_numpy() for name in ("_start", "_end")] for frame in (near, tested))
    return int(leaks(ours[0], ours[1], theirs[0], theirs[1], embargo_ns).sum())


@dataset(MlSplits, Axis.WHOLE, blocking_laws=(no_training_label_meets_a_test,))
def ml_splits(run: Run, training_rows: pl.LazyFrame, config: MlSplitsConfig) -> Iterator[Rows]:
    """The folds of all labelled rows that there are."""
    rows = training_rows.select(*KEY, "known_at", "label_ends_at", "weight").collect()
    by = cut(rows, config)
    found = splits(rows, by, config.half_life_days)
    yield from run.whole(found, shown(found, rows, by, config))
