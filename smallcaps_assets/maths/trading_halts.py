"""Halts as states that change at instants: each change is known when it happens.

Halts are rows (session, ticker, reason_code, halted_at, resumed_at, carried), where ``session`` is the one whose states
are asked for and ``carried`` says that the halt began before its market day. A resumption is known at its instant only;
since a file may have been read before it, a halt ends at the latest with the first regular minute that traded wholly
after it began.
"""

import polars as pl

ONE = ["session", "ticker"]


def ended(halts: pl.DataFrame, minutes: pl.DataFrame) -> pl.DataFrame:
    """The halts with ``ended_at``: ``resumed_at``, or the end of the first traded regular minute after they began.

    ``minutes``: traded regular minutes (session, ticker, started_at). Null: not ended within the session.
    """
    traded = minutes.select(*ONE, "started_at").sort("started_at")
    found = halts.sort("halted_at", "resumed_at").join_asof(
        traded,
        left_on="halted_at",
        right_on="started_at",
        by=ONE,
        strategy="forward",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    trade_known_at = pl.col("started_at") + pl.duration(minutes=1, time_unit="ns")
    return found.with_columns(ended_at=pl.min_horizontal("resumed_at", trade_known_at)).drop("started_at")


def halt_changes(halts: pl.DataFrame) -> pl.DataFrame:
    """At each instant at which a halt of ``ended`` begins or ends: what holds from then on.

    Columns: session, ticker, at, ``halted``, ``halt_code`` (of the halt that began last), ``halts`` (begun in the
    market day so far) and ``last_ended_at`` (null: none has ended yet).
    """
    instants = pl.concat([halts.select(*ONE, at="halted_at"), halts.select(*ONE, at="ended_at").drop_nulls()]).unique()
    seen = instants.join(halts, on=ONE, how="inner").filter(pl.col("halted_at") <= pl.col("at"))
    over = (pl.col("ended_at") <= pl.col("at")).fill_null(False)
    return (
        seen.sort(*ONE, "at", "halted_at", "reason_code")
        .group_by(*ONE, "at", maintain_order=True)
        .agg(
            halted=(~over).any(),
            halt_code=pl.col("reason_code").filter(~over).last(),
            halts=pl.col("halted_at").filter(~pl.col("carried")).n_unique().cast(pl.Int64),
            last_ended_at=pl.col("ended_at").filter(over).max(),
        )
    )
