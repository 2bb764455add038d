"""Liquidity estimated from a tape's bars: what a trade moves, and the spread that prices betray.

Each looks at the 20 bars up to this one (fewer: null), is known at the bar's close and restarts at each tape.
"""

import math

import polars as pl

from smallcaps_assets.maths.features_bars import BEFORE, log_return, over_tape

A_MILLION = 1e6
CORWIN_SCHULTZ = 3 - 2 * math.sqrt(2)


def roll_spread() -> pl.Expr:
    """2·√(−cov(Δp_t, Δp_{t−1})) / close: share; 0 where the covariance is positive. Source: Roll (1984)."""
    change = pl.col("close").diff()
    covariance = pl.rolling_cov(change, change.shift(1), window_size=BEFORE, min_samples=BEFORE)
    return over_tape(2 * (-covariance).clip(0.0).sqrt() / pl.col("close"))


def corwin_schultz_spread() -> pl.Expr:
    """Mean of 2(e^α − 1)/(1 + e^α) over pairs of bars, negative ones as 0: share. Source: Corwin and Schultz (2012).

    α = (√(2β) − √β)/(3 − 2√2) − √(γ/(3 − 2√2)), β the sum of the two bars' ln(high/low)², γ of the range of both.
    """
    own = (pl.col("high") / pl.col("low")).log() ** 2
    beta = own + own.shift(1)
    highest = pl.max_horizontal("high", pl.col("high").shift(1))
    lowest = pl.min_horizontal("low", pl.col("low").shift(1))
    gamma = (highest / lowest).log() ** 2
    alpha = ((2 * beta).sqrt() - beta.sqrt()) / CORWIN_SCHULTZ - (gamma / CORWIN_SCHULTZ).sqrt()
    spread = (2 * (alpha.exp() - 1) / (1 + alpha.exp())).clip(0.0)
    paired = pl.when(pl.col("bar") > 0).then(spread)
    return over_tape(paired.rolling_mean(BEFORE, min_samples=BEFORE))


def amihud() -> pl.Expr:
    """Mean of |log return| / dollars: log return a million USD; null if a bar has no dollars. Source: Amihud (2002)."""
    moved = pl.when(pl.col("dollars") > 0).then(pl.col("f_log_return_1").abs() / pl.col("dollars"))
    return over_tape(moved.rolling_mean(BEFORE, min_samples=BEFORE) * A_MILLION)


def slope(value: pl.Expr, on: pl.Expr) -> pl.Expr:
    """Least-squares slope of ``value`` on ``on`` over the 20 bars; null where ``on`` does not vary."""
    known = pl.when(value.is_not_null()).then(on)
    covariance = pl.rolling_cov(value, known, window_size=BEFORE, min_samples=BEFORE)
    variance = known.rolling_var(BEFORE, min_samples=BEFORE)
    return over_tape(pl.when(variance > 0).then(covariance / variance))


def kyle_lambda() -> pl.Expr:
    """Slope of the close's change on signed volume: USD a share, for each share. Source: Kyle (1985), AFML 19.4.1."""
    return slope(pl.col("close").diff(), pl.col("buy_volume") - pl.col("sell_volume"))


def hasbrouck_lambda() -> pl.Expr:
    """Slope of the log return on sign·√|imbalance|: log return for each √USD. Source: Hasbrouck (2009), AFML 19.4.3."""
    return slope(pl.col("f_log_return_1"), pl.col("imbalance").sign() * pl.col("imbalance").abs().sqrt())


def vpin() -> pl.Expr:
    """Σ|bought − sold| / Σ volume over the 20 bars, which stand for volume buckets: share. Source: Easley (2012)."""
    one_sided = (pl.col("buy_volume") - pl.col("sell_volume")).abs().rolling_sum(BEFORE, min_samples=BEFORE)
    volume = pl.col("volume").rolling_sum(BEFORE, min_samples=BEFORE)
    return over_tape(pl.when(volume > 0).then(one_sided / volume))


def liquidity_features(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars with this module's features."""
    return bars.with_columns(f_log_return_1=log_return()).with_columns(
        f_roll_spread=roll_spread(),
        f_corwin_schultz_spread=corwin_schultz_spread(),
        f_amihud=amihud(),
        f_kyle_lambda=kyle_lambda(),
        f_hasbrouck_lambda=hasbrouck_lambda(),
        f_vpin_20=vpin(),
    )
