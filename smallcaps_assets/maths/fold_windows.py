"""The rows of a fold by what a model does with them: it is fitted, stopped, calibrated, and judged.

Nothing that stops or calibrates a model is fitted on, and nothing that it is judged by is seen before. Rows are those
of `training_rows`, with ``role`` and ``weight`` of the split.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import polars as pl

from smallcaps_assets.maths.boosting import CLASSES, Objective
from smallcaps_assets.maths.tapes import TAPE

KEY = [*TAPE, "bar"]
FOLD = ["scheme", "fold"]

HALF = 0.5
TAIL = 0.2  # of the training rows, where a split has no validation rows: as 21 sessions are of 126, a little more


class Windows(NamedTuple):
    """Rows by use, each oldest first."""

    train: pl.DataFrame
    stop: pl.DataFrame
    calibration: pl.DataFrame
    test: pl.DataFrame
    purged: int
    """Rows left out because their label reached into a later window."""


def folds(
    rows: pl.LazyFrame, splits: pl.LazyFrame, schemes: Sequence[str], before_event: bool
) -> Iterator[tuple[tuple[str, int], pl.DataFrame]]:
    """Scheme and number of each fold, and the rows that it uses, with role and weight in it, in the order of the split.

    Unless ``before_event``, rows whose tape had no event yet are left out. ``ValueError`` if the split knows rows that
    are not there.
    """
    there = rows.drop("weight").collect()
    used = splits.filter(pl.col("scheme").is_in(schemes), pl.col("weight").is_not_null()).sort(*FOLD, *KEY).collect()
    for (scheme, fold), part in used.partition_by(FOLD, as_dict=True, maintain_order=True).items():
        joined = part.select(*KEY, "role", "weight").join(there, on=KEY, how="left", validate="m:1")
        if lost := joined["known_at"].null_count():
            raise ValueError(f"{lost} rows of {scheme} {fold} are not in training_rows: materialize ml_splits again")
        yield (scheme, fold), joined if before_event else joined.filter(pl.col("event_known_at").is_not_null())


class Parts(NamedTuple):
    """Rows before and after a cut."""

    before: pl.DataFrame
    after: pl.DataFrame
    purged: int


def cut(rows: pl.DataFrame, share: float) -> Parts:
    """The rows in two, so that about ``share`` of them come before the cut, and no label before it reaches over it.

    Cut between sessions, where it is nearest to the share; rows of one session only are cut at that share of its rows
    in time. Fewer than two rows are all after the cut.
    """
    ordered = rows.sort("known_at", *KEY)
    if ordered.height < 2:
        return Parts(ordered.clear(), ordered, 0)
    if ordered["session"].n_unique() == 1:
        bound = ordered["known_at"][max(1, round(share * ordered.height))]
    else:
        firsts = ordered.with_row_index("_place").group_by("session").agg(pl.col("_place", "known_at").first())
        cuts = firsts.sort("session")[1:]
        off = (cuts["_place"].cast(pl.Float64) - share * ordered.height).abs()
        bound = cuts["known_at"][int(off.arg_min() or 0)]
    earlier = ordered.filter(pl.col("known_at") < bound)
    ended = earlier.filter(pl.col("label_ends_at") < bound)
    return Parts(ended, ordered.filter(pl.col("known_at") >= bound), earlier.height - ended.height)


def windows(rows: pl.DataFrame, objective: Objective, least_calibration: int) -> Windows:
    """A fold's rows by use: of the validation rows the earlier half stops and the later half calibrates.

    Only rows of the objective's classes: ``binary`` leaves out those that touched no barrier. A fold without validation
    rows takes the last fifth of its training rows instead. Where the later half were fewer than ``least_calibration``
    rows, too few to calibrate by, all stop.
    """
    known = rows.filter(pl.col("label").is_in(CLASSES[objective]))
    train, valid, test = (known.filter(role=role).sort("known_at", *KEY) for role in ("train", "valid", "test"))
    purged = 0
    if valid.is_empty():
        train, valid, purged = cut(train, 1 - TAIL)
    halves = cut(valid, HALF)
    if halves.after.height < least_calibration:
        return Windows(train, valid, valid.clear(), test, purged)
    return Windows(train, halves.before, halves.after, test, purged + halves.purged)


def lacking(of: Windows, objective: Objective, least_train: int, least_stop: int) -> str:
    """Why no model of the objective can be fitted and judged on these rows; empty if one can."""
    for name, rows, least in (("training", of.train, least_train), ("stop", of.stop, least_stop), ("test", of.test, 1)):
        if rows.height < least:
            return f"{rows.height} {name} rows, fewer than {least}"
        if not rows["weight"].sum() > 0:
            return f"none of {rows.height} {name} rows weighs anything"
    there = set(of.train.filter(pl.col("weight") > 0)["label"])
    if absent := [name for name in CLASSES[objective] if name not in there]:
        return f"no training row with label {absent[0]}"
    return ""
