"""Prices of different sessions on one split basis, as of a stated session: computed when read, never stored."""

import datetime
from typing import TypeVar

import polars as pl

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


def split_factor(rows: Frame, splits: pl.DataFrame | pl.LazyFrame, *, as_of: datetime.date | str) -> Frame:
    """``rows`` with a column ``split_factor``: what puts a raw price of ``session`` on the basis of session ``as_of``.

    It is the product of ``split_from / split_to`` over the ticker's splits with ``session < s ≤ as_of``, 1 where
    there is none: price × factor, shares / factor. A split is effective from the open of its session. Splits after
    ``as_of`` play no part, so that what was computed as of a session stays what it was. A row of a session after
    ``as_of`` was not known then and has a null factor. Order and other columns of ``rows`` are kept.

    Args:
        rows: (``ticker``, ``session``, …), lazy or not, in any order.
        splits: (``ticker``, ``session``, ``split_from``, ``split_to``), a row per split.
        as_of: a session, or the name of the column of ``rows`` that holds each row's own.

    Raises:
        ValueError: a split whose ``split_from`` or ``split_to`` is missing, not finite or not above 0.

    >>> day = datetime.date
    >>> rows = pl.DataFrame({"ticker": "GEVO", "session": [day(2024, 5, 31), day(2024, 6, 3)], "price": [0.7, 7.0]})
    >>> splits = pl.DataFrame({"ticker": ["GEVO"], "session": [day(2024, 6, 3)], "split_from": [10], "split_to": [1]})
    >>> split_factor(rows, splits, as_of=day(2024, 6, 3)).select(pl.col("price") * pl.col("split_factor")).rows()
    [(7.0,), (7.0,)]
    >>> split_factor(rows, splits, as_of=day(2024, 5, 31))["split_factor"].to_list()
    [1.0, None]
    """
    basis = pl.col(as_of) if isinstance(as_of, str) else pl.lit(as_of, dtype=pl.Date)
    cumulated = _cumulated(splits).lazy()
    numbered = rows.lazy().with_row_index("_row").with_columns(basis.alias("_as_of"))
    then = _latest(numbered, cumulated, "session", "_then")
    both = _latest(then, cumulated, "_as_of", "_now")
    known = pl.col("session") <= pl.col("_as_of")
    factor = pl.when(known).then(pl.col("_now") / pl.col("_then")).alias("split_factor")
    adjusted = both.sort("_row").with_columns(factor).drop("_row", "_as_of", "_then", "_now")
    return adjusted.collect() if isinstance(rows, pl.DataFrame) else adjusted


def _cumulated(splits: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """(``ticker``, ``session``, ``cumulated``): the product of the ticker's ratios up to and including the session."""
    stated = splits.lazy().select("ticker", "session", "split_from", "split_to").collect()
    for side in ("split_from", "split_to"):
        number = pl.col(side).cast(pl.Float64)
        bad = stated.filter(~(number.is_finite() & (number > 0)).fill_null(False))
        if bad.height:
            raise ValueError(f"{side} is not a finite number above 0 in {bad.row(0, named=True)}")
    ratio = (pl.col("split_from") / pl.col("split_to")).product().alias("ratio")
    per_session = stated.group_by("ticker", "session").agg(ratio).sort("session", "ticker")
    cumulated = pl.col("ratio").cum_prod().over("ticker").alias("cumulated")
    return per_session.select("ticker", "session", cumulated)


def _latest(rows: pl.LazyFrame, cumulated: pl.LazyFrame, at: str, name: str) -> pl.LazyFrame:
    """``rows`` with the ticker's cumulated ratio as of column ``at``, 1 before its first split."""
    found = rows.sort(at).join_asof(
        cumulated.select("ticker", pl.col("session").alias("_split"), pl.col("cumulated").alias(name)),
        left_on=at,
        right_on="_split",
        by="ticker",
        check_sortedness=False,
    )
    return found.with_columns(pl.col(name).fill_null(1.0)).drop("_split", strict=False)
