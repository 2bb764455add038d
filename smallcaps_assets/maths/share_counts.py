"""Share counts as they were told, on the split basis of a session; and the size class of a market cap."""

from datetime import date

import polars as pl

from smallcaps_assets.maths.adjustment import split_factor

SAME_COUNT = 1e-3  # relative; a count derived from a market cap wobbles by rounding, a split moves it by more
CAP_CLASSES = {"nano": 50e6, "micro": 300e6, "small": 2e9, "mid": 10e9}  # upper ends, USD
LARGE = "large"


def cap_class(cap: pl.Expr) -> pl.Expr:
    """The size class of a market cap; null if it is unknown."""
    classes = [pl.when(cap < end).then(pl.lit(name)) for name, end in CAP_CLASSES.items()]
    return pl.coalesce(*classes, pl.when(cap.is_not_null()).then(pl.lit(LARGE))).alias("cap_class")


def on_basis(counts: pl.DataFrame, since: str, count: str, splits: pl.DataFrame, session: date) -> pl.DataFrame:
    """``counts`` (``ticker``, …) with ``count`` moved from the split basis of ``since`` to that of ``session``."""
    dated = split_factor(counts.with_columns(session=since), splits, as_of=session)
    return dated.with_columns(pl.col(count) / pl.col("split_factor")).drop("split_factor", "session")


def last_counts(asked: pl.DataFrame) -> pl.DataFrame:
    """Each ticker's last count, with ``told_on``, the session on which the vendor first told this very count."""
    found = asked.filter(pl.col("shares").is_not_null()).sort("ticker", "session")
    moved = (pl.col("shares") / pl.col("shares").shift(1) - 1).abs() > SAME_COUNT
    told = found.with_columns(telling=moved.fill_null(False).cum_sum().over("ticker"))
    first = pl.col("session").filter(pl.col("telling") == pl.col("telling").last()).first()
    return told.group_by("ticker", maintain_order=True).agg(
        pl.col("shares", "vendor_market_cap").last(), shares_session=pl.col("session").last(), told_on=first
    )
