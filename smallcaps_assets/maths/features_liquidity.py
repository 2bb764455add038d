"""Liquidity estimated from a tape's bars: what a trade moves, and the spread that prices betray.

Each looks at the last 20 values up to this bar (fewer: null), is known at the bar's close and restarts at each tape.
"""

import math

import polars as pl

from smallcaps_assets.maths.features_bars import BEFORE, log_return, over_tape

A_MILLION = 1e6
CORWIN_SCHULTZ = 3 - 2 * math.sqrt(2)


def roll_spread() -> pl.Expr:
    """``f_roll_spread``: 2·√(−cov(Δclose_t, Δclose_{t−1})) / close; 0 where the covariance is positive.

    Source: Roll (1984).
    """
    change = pl.col("close").diff()
    covariance = pl.rolling_cov(change, change.shift(1), window_size=BEFORE, min_samples=BEFORE)
    return over_tape(2 * (-covariance).clip(0.0).sqrt() / pl.col("close"))


def corwin_schultz_spread() -> pl.Expr:
    """``f_corwin_schultz_spread``: mean of 2(e^α − 1)/(1 + e^α) over pairs of neighbouring bars, negative ones as 0;
    α = (√(2β) − √β)/(3 − 2√2) − √(γ/(3 − 2√2)), β = Σ ln(high/low)² of the two bars, γ = ln(high/low)² of both as one.

    Source: Corwin and Schultz (2012).
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
    """``f_amihud``: mean of 1,000,000 × |log return| / dollars; null if a bar has no dollars.

    Source: Amihud (2002).
    """
    moved = pl.when(pl.col("dollars") > 0).then(pl.col("f_log_return_1").abs() / pl.col("dollars"))
    return over_tape(moved.rolling_mean(BEFORE, min_samples=BEFORE) * A_MILLION)


def slope(value: pl.Expr, on: pl.Expr) -> pl.Expr:
    """Least-squares slope of ``value`` on ``on`` over the 20 bars; null where ``on`` does not vary."""
    known = pl.when(value.is_not_null()).then(on)
    covariance = pl.rolling_cov(value, known, window_size=BEFORE, min_samples=BEFORE)
    variance = known.rolling_var(BEFORE, min_samples=BEFORE)
    return over_tape(pl.when(variance > 0).then(covariance / variance))


def kyle_lambda() -> pl.Expr:
    """``f_kyle_lambda``: cov(Δclose, signed volume) / var(signed volume); null if the signed volume does not vary.

    Source: Kyle (1985), AFML 19.4.1.
    """
    return slope(pl.col("close").diff(), pl.col("buy_volume") - pl.col("sell_volume"))


def hasbrouck_lambda() -> pl.Expr:
    """``f_hasbrouck_lambda``: cov(log return, x) / var(x), x = sign(imbalance)·√|imbalance|; null if x does not vary.

    Source: Hasbrouck (2009), AFML 19.4.3.
    """
    return slope(pl.col("f_log_return_1"), pl.col("imbalance").sign() * pl.col("imbalance").abs().sqrt())


def vpin() -> pl.Expr:
    """``f_vpin_20``: Σ|buy volume − sell volume| / Σ volume; null without volume.

    The bars stand for the volume buckets of the source: Easley, López de Prado, O'Hara (2012).
    """
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
