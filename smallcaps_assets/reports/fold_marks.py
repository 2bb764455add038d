"""Marks of the folds: which rows of a session a fold trains, validates and tests on, and which it leaves out.

The axis is a map of time that gives each row the same width in its session: a session is 1 wide, a row 1/n of it, so
that ten purged rows of a thousand can be seen where on a clock they would be a hair.
"""

import numpy as np
import polars as pl

from smallcaps_assets.maths.arguments import Floats, Ints
from smallcaps_assets.reports.marks import FOLDS, marks

ROLES = ("train", "valid", "test", "purged", "embargoed")
EMBARGO = "embargo"


class Axis:
    """Where an instant lies on the axis: sessions since the first that has rows, and the share of its rows by then.

    ``start``: int64[n], sorted, on a clock of sessions of ``session_ns`` each, nights and holidays left out.
    """

    def __init__(self, start: Ints, session_ns: int) -> None:
        self.start, self.session_ns = start, session_ns
        self.first = int(start[0]) // session_ns

    def at(self, instant: Ints) -> Floats:
        """The right edge of the last row that begins by the instant; in a session without rows, by the clock.

        >>> Axis(np.array([20, 25, 47]), 10).at(np.array([20, 29, 35, 47])).tolist()
        [0.5, 1.0, 1.5, 3.0]
        """
        session = instant // self.session_ns
        opens = session * self.session_ns
        before, after = (np.searchsorted(self.start, edge) for edge in (opens, opens + self.session_ns))
        by = np.searchsorted(self.start, instant, side="right")
        there = after - before
        clock = (instant - opens) / self.session_ns
        share = np.where(there > 0, (by - before) / np.maximum(there, 1), clock)
        return np.asarray(session - self.first + share, dtype=np.float64)


def timeline(splits: pl.DataFrame, rows: pl.DataFrame, key: list[str], session_ns: int) -> pl.DataFrame:
    """Runs of rows with one role in a session, from ``x`` to ``value``, by scheme and fold; and the embargoes.

    A panel is a scheme and a fold. An embargo is drawn after each tested block that the fold has rows after.

    Args:
        splits: rows of `ml_splits`: scheme, fold, the key, role, embargo_ns.
        rows: every training row, sorted by ``start``: the key, ``start`` and ``end`` on the clock of sessions.
        key: names of the key's columns.
        session_ns: length of a session on that clock.
    """
    axis = Axis(rows["start"].to_numpy(), session_ns)
    session = pl.col("start") // session_ns
    placed = rows.with_row_index("row").with_columns(
        left=(session - axis.first) + pl.int_range(pl.len()).over(session) / pl.len().over(session),
        width=1 / pl.len().over(session),
    )
    joined = splits.join(placed, on=key, how="left", validate="m:1").sort("scheme", "fold", "row")
    if lacking := joined["row"].null_count():
        raise ValueError(f"{lacking} rows of ml_splits are not in training_rows: materialize ml_splits again")
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in ("scheme", "fold", "session", "role"))
    runs = (
        joined.with_columns(_run=(~(same & (pl.col("row").cast(pl.Int64).diff() == 1)).fill_null(False)).cum_sum())
        .group_by("_run", maintain_order=True)
        .agg(
            pl.col("scheme", "fold", "session", "role").first(),
            x=pl.col("left").first(),
            value=pl.col("left").last() + pl.col("width").last(),
            rows=pl.len(),
        )
    )
    drawn = runs.select(
        panel=pl.format("{} {}", "scheme", "fold"), series="role", label=pl.col("session").cast(pl.String),
        x="x", value="value", rows=pl.col("rows").cast(pl.Int64),
    )  # fmt: skip
    return marks(FOLDS, pl.concat([drawn, embargoes(joined, axis)]))


def embargoes(joined: pl.DataFrame, axis: Axis) -> pl.DataFrame:
    """The spans after tested blocks in which nothing trains. A block: tested rows that follow each other."""
    fold = ["scheme", "fold"]
    block = (pl.col("row").cast(pl.Int64).diff() != 1).fill_null(True).cum_sum().over(fold)
    last = pl.col("start").max().over(fold)
    ends = (
        joined.with_columns(_last=last)
        .filter(role="test")
        .with_columns(_block=block)
        .group_by(*fold, "_block", maintain_order=True)
        .agg(pl.col("end").max(), pl.col("embargo_ns", "_last").first())
        .filter((pl.col("end") < pl.col("_last")) & (pl.col("embargo_ns") > 0))
    )
    end, embargo = ends["end"].to_numpy(), ends["embargo_ns"].to_numpy()
    return ends.select(
        panel=pl.format("{} {}", "scheme", "fold"),
        series=pl.lit(EMBARGO),
        label=pl.lit("after a tested block"),
        x=pl.Series(axis.at(end)),
        value=pl.Series(axis.at(end + embargo)),
        rows=pl.lit(0, dtype=pl.Int64),
    )
