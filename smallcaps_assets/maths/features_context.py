"""Where a bar stands in its session and its year. Minute features are of the last whole minute before the bar's close.

``minutes`` are minute bars of one or more tickers (session, ticker, started_at, open, high, low, close, volume, vwap,
segment), all of the session from 04:00 on; a minute is known when it has ended. A minute without a bar had no trade.
"""

import numpy as np
import polars as pl

from smallcaps_assets.maths.arguments import Floats
from smallcaps_assets.maths.tapes import TAPE, TICKER_SESSION

SLOPE_MINUTES = 15
PRIOR = 20
CAP_CLASSES = ("nano", "micro", "small", "mid", "large")


def so_far(expression: pl.Expr) -> pl.Expr:
    """The expression over a ticker's minutes of the session, in their order."""
    return expression.over(TICKER_SESSION, order_by="started_at")


def vwap_so_far() -> pl.Expr:
    """Σ(vwap × volume) / Σ volume since the open in regular hours, since 04:00 outside them: USD.

    A minute without a vwap counts at its (high + low + close) / 3.
    """
    typical = (pl.col("high") + pl.col("low") + pl.col("close")) / 3
    dollars, volume = pl.coalesce("vwap", typical) * pl.col("volume"), pl.col("volume")
    regular = pl.col("segment") == "RTH"
    whole = dollars.cum_sum() / volume.cum_sum()
    since_open = pl.when(regular).then(dollars).cum_sum() / pl.when(regular).then(volume).cum_sum()
    return so_far(pl.when(regular).then(since_open).otherwise(whole))


def parabolic_slope() -> pl.Expr:
    """``f_parabolic_slope_15``: c of ln(close) = a + b·k + c·k², by least squares over the last 15 traded minutes, k
    their place; null with fewer than 15.

    Positive where a rise steepens or a fall flattens.
    """
    place = np.arange(SLOPE_MINUTES) - (SLOPE_MINUTES - 1) / 2
    curve = place**2 - np.mean(place**2)
    weights = curve / np.sum(curve**2)
    log_close = pl.col("close").log()
    fitted = sum(
        (log_close.shift(SLOPE_MINUTES - 1 - k) * float(weight) for k, weight in enumerate(weights)), pl.lit(0.0)
    )
    return so_far(fitted)


def relative_volume_of_minute() -> pl.Expr:
    """``f_rvol_minute``: volume of the last whole traded minute / its mean over the 20 traded minutes before it; null
    with fewer than 5 of them.
    """
    usual = pl.col("volume").shift(1).rolling_mean(PRIOR, min_samples=5)
    return so_far(pl.when(usual > 0).then(pl.col("volume") / usual))


def gini(volume: Floats) -> float:
    """Concentration of volume over minutes, from 0 (all equal) to 1 (all in one): share.

    >>> gini(np.array([1.0, 1.0, 1.0])), gini(np.array([0.0, 0.0, 0.0, 8.0]))
    (0.0, 0.75)
    """
    ordered = np.sort(volume)
    count, total = len(ordered), float(ordered.sum())
    if count == 0 or total <= 0:
        return float("nan")
    return float(2 * np.sum(np.arange(1, count + 1) * ordered) / (count * total) - (count + 1) / count)


def minute_features(minutes: pl.DataFrame) -> pl.DataFrame:
    """Of each minute, what is known at its end: ``ended_at``, features and the session's volume so far."""
    ordered = minutes.sort(*TICKER_SESSION, "started_at")
    regular_open = pl.when(pl.col("segment") == "RTH").then("open")
    opened = so_far(regular_open.forward_fill().cum_count())
    first_regular = so_far(regular_open.drop_nulls().first())
    return ordered.select(
        *TICKER_SESSION,
        "segment",
        ended_at=pl.col("started_at") + pl.duration(minutes=1, time_unit="ns"),
        _minute=so_far(pl.int_range(pl.len())),
        _last="close",
        _opening=pl.when(opened > 0).then(first_regular).otherwise("close"),
        _volume=so_far(pl.col("volume").cum_sum()),
        _vwap=vwap_so_far(),
        _high=so_far(pl.col("high").cum_max()),
        _low=so_far(pl.col("low").cum_min()),
        f_parabolic_slope_15=parabolic_slope(),
        f_rvol_minute=relative_volume_of_minute(),
    )


def with_gini(rows: pl.DataFrame, minutes: pl.DataFrame) -> pl.DataFrame:
    """The rows with the concentration of the ticker's volume over its traded minutes so far, up to ``_minute``.

    ``f_volume_gini``: 2·Σ(k·v_k) / (n·Σv) − (n + 1)/n over the n minutes' volumes v in rising order, k from 1.
    """
    volumes = {
        names: part.sort("started_at")["volume"].to_numpy()
        for names, part in minutes.partition_by(TICKER_SESSION, as_dict=True).items()
    }
    asked = rows.select(*TICKER_SESSION, "_minute").drop_nulls().unique(maintain_order=True)
    found = [gini(volumes[session, ticker][: minute + 1]) for session, ticker, minute in asked.iter_rows()]
    valued = asked.with_columns(f_volume_gini=pl.Series(found, dtype=pl.Float64).fill_nan(None))
    return rows.join(valued, on=[*TICKER_SESSION, "_minute"], how="left", validate="m:1", maintain_order="left")


def from_known(bars: pl.DataFrame, opens_at: int) -> pl.DataFrame:
    """Features of bars that carry the last minute's columns and the ticker's daily metrics and universe row.

    Unknown stays null.

    ``f_distance_to_vwap``: close / VWAP − 1; VWAP = Σ(price × size) / Σ size of the whole minutes since the open in
    regular hours, since 04:00 outside them.
    ``f_distance_to_high``: close / highest price of the session's whole minutes so far − 1.
    ``f_distance_to_low``: close / lowest price of the session's whole minutes so far − 1.
    ``f_gap``: first regular price (before there is one: the last minute's close) / prior close − 1.
    ``f_move_from_prior_close``: close / prior close − 1.
    ``f_atr_14_share``: mean true range of the 14 sessions before / prior close.
    ``f_distance_to_high_252``: close / highest price of the 252 sessions before − 1.
    ``f_distance_to_low_252``: close / lowest price of the 252 sessions before − 1.
    ``f_rvol_daily``: volume of the session's whole minutes so far / mean daily volume of the 20 sessions before.
    ``f_float_turnover``: volume of the session's whole minutes so far / float shares.
    ``f_cap_class``: 0 nano, 1 micro, 2 small, 3 mid, 4 large, as `universe` has it.
    ``f_minutes_since_open``: (bar's close − open of the regular session) in minutes; negative before the open.
    ``f_sessions_since_reverse_split``: sessions since the latest reverse split; null if none is known.
    """
    close = pl.col("close")
    return bars.with_columns(
        f_distance_to_vwap=close / pl.col("_vwap") - 1,
        f_distance_to_high=close / pl.col("_high") - 1,
        f_distance_to_low=close / pl.col("_low") - 1,
        f_gap=pl.col("_opening") / pl.col("prior_close") - 1,
        f_move_from_prior_close=close / pl.col("prior_close") - 1,
        f_atr_14_share=pl.col("atr_14") / pl.col("prior_close"),
        f_distance_to_high_252=close / pl.col("high_252") - 1,
        f_distance_to_low_252=close / pl.col("low_252") - 1,
        f_rvol_daily=pl.when(pl.col("mean_volume_20") > 0).then(pl.col("_volume") / pl.col("mean_volume_20")),
        f_float_turnover=pl.when(pl.col("float_shares") > 0).then(pl.col("_volume") / pl.col("float_shares")),
        f_cap_class=pl.col("cap_class").replace_strict(
            list(CAP_CLASSES), [float(k) for k in range(len(CAP_CLASSES))], default=None, return_dtype=pl.Float64
        ),
        f_minutes_since_open=(pl.col("closed_at").cast(pl.Int64) - opens_at) / 60e9,
        f_sessions_since_reverse_split=pl.col("sessions_since_reverse_split").cast(pl.Float64),
    )


def context_features(
    bars: pl.DataFrame, minutes: pl.DataFrame, metrics: pl.DataFrame, universe: pl.DataFrame, opens_at: int
) -> pl.DataFrame:
    """The bars of a session with this module's features.

    ``metrics``: the session's rows of ``daily_metrics``; ``universe``: those of the universe with cap_class and
    float_shares; ``opens_at``: UTC ns.
    """
    known = minute_features(minutes).sort("ended_at")
    joined = bars.sort("closed_at").join_asof(
        known, left_on="closed_at", right_on="ended_at", by=TICKER_SESSION, strategy="backward", check_sortedness=False
    )
    daily = metrics.select(
        *TICKER_SESSION,
        "prior_close",
        "atr_14",
        "high_252",
        "low_252",
        "mean_volume_20",
        "sessions_since_reverse_split",
    )
    listed = universe.select(*TICKER_SESSION, "cap_class", "float_shares")
    for facts in (daily, listed):
        joined = joined.join(facts, on=TICKER_SESSION, how="left", validate="m:1", maintain_order="left")
    rows = from_known(with_gini(joined, minutes), opens_at)
    return rows.select(
        bars.columns + [name for name in rows.columns if name.startswith("f_") and name not in bars.columns]
    ).sort(*TAPE, "bar")
