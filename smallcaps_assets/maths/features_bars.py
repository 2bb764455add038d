"""Features of a tape's own bars. Each is known at the close of its bar and restarts at each tape.

Frames have the columns of ``imbalance_bars``, sorted by tape and bar; an expression is evaluated over one tape. Moving
averages (EMA) are exponential, ``Σ(1−α)^k x_{t−k} / Σ(1−α)^k`` with ``α = 2/(span+1)`` from the tape's first value on;
a z-score needs all of its 20 bars before, and its deviation is the sample's (n − 1).
Source: `spec/algorithms.md`, Features.
"""

import polars as pl

from smallcaps_assets.maths.tapes import TAPE

BEFORE = 20


def over_tape(expression: pl.Expr) -> pl.Expr:
    """The expression, evaluated in the order of each tape's bars."""
    return expression.over(TAPE, order_by="bar")


def log_return() -> pl.Expr:
    """``f_log_return_1``: ln(close / close of the bar before); null for the first bar."""
    return over_tape((pl.col("close") / pl.col("close").shift(1)).log())


def range_over_close() -> pl.Expr:
    """``f_range_over_close``: (high − low) / close of the bar before; null for the first bar."""
    return over_tape((pl.col("high") - pl.col("low")) / pl.col("close").shift(1))


def ema(value: pl.Expr, span: int) -> pl.Expr:
    """Exponential moving average of a value of the bar, this bar included: the value's unit; null while none is there.

    >>> bars = pl.DataFrame({"session": 1, "ticker": "A", "tape_starts_at": 0, "bar": [0, 1], "volume": [1.0, 4.0]})
    >>> bars.select(ema(pl.col("volume"), 3)).to_series().to_list()  # weights 1 and 1/2
    [1.0, 3.0]
    """
    return over_tape(value.ewm_mean(span=span, adjust=True, ignore_nulls=True))


def z_score(value: pl.Expr) -> pl.Expr:
    """(value − mean) / standard deviation of the 20 bars before, this one left out: deviations.

    Null with fewer than 20 bars before, or where they do not differ.
    """
    earlier = value.shift(1)
    mean, deviation = (
        earlier.rolling_mean(BEFORE, min_samples=BEFORE),
        earlier.rolling_std(BEFORE, min_samples=BEFORE),
    )
    return over_tape(pl.when(deviation > 0).then((value - mean) / deviation))


def bar_features(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars with this module's features.

    ``f_return_ema_10``: EMA of the log return, span 10; null for the first bar.
    ``f_return_ema_30``: EMA of the log return, span 30; null for the first bar.
    ``f_range_ema_20``: EMA of (high − low) / close before, span 20; null for the first bar.
    ``f_volume_ema_20``: EMA of the volume, span 20.
    ``f_dollars_ema_20``: EMA of Σ(price × size), span 20.
    ``f_imbalance_ema_20``: EMA of Σ(sign × price × size), span 20.
    ``f_volume_z_20``: (volume − mean) / standard deviation, both of the 20 bars before; null with fewer, or if equal.
    ``f_dollars_z_20``: (dollars − mean) / standard deviation, both of the 20 bars before; null with fewer, or if equal.
    """
    with_returns = bars.with_columns(f_log_return_1=log_return(), f_range_over_close=range_over_close())
    return with_returns.with_columns(
        f_return_ema_10=ema(pl.col("f_log_return_1"), 10),
        f_return_ema_30=ema(pl.col("f_log_return_1"), 30),
        f_range_ema_20=ema(pl.col("f_range_over_close"), 20),
        f_volume_ema_20=ema(pl.col("volume"), 20),
        f_dollars_ema_20=ema(pl.col("dollars"), 20),
        f_imbalance_ema_20=ema(pl.col("imbalance"), 20),
        f_volume_z_20=z_score(pl.col("volume")),
        f_dollars_z_20=z_score(pl.col("dollars")),
    )
