"""All features of a session's bars: from the tape, its flow and quotes, the minutes and what was known before the open.

Each family is a module of its own (``features_bars``, ``features_flow``, ``features_liquidity``, ``features_quotes``,
``features_context``), whose docstrings give formula, unit and when a feature is
known. All are known at the bar's close.
"""

import polars as pl

from smallcaps_assets.maths.features_bars import bar_features
from smallcaps_assets.maths.features_context import context_features
from smallcaps_assets.maths.features_flow import flow_features
from smallcaps_assets.maths.features_liquidity import liquidity_features
from smallcaps_assets.maths.features_quotes import quote_features
from smallcaps_assets.maths.tapes import TAPE


def features(
    bars: pl.DataFrame,
    ticks: pl.DataFrame,
    seconds: pl.DataFrame,
    minutes: pl.DataFrame,
    metrics: pl.DataFrame,
    universe: pl.DataFrame,
    opens_at: int,
) -> pl.DataFrame:
    """Keys of the bars, ``known_at`` (their close), ``security_id`` and every ``f_…``; null where not known.

    ``bars`` of one session; ``ticks`` and ``seconds`` (quotes) under their tapes; ``minutes``, ``metrics`` and
    ``universe`` of the bars' tickers; ``opens_at`` UTC ns.
    """
    ordered = bars.sort(*TAPE, "bar")
    own = liquidity_features(bar_features(ordered))
    quoted = quote_features(seconds, flow_features(ticks, own))
    placed = context_features(quoted, minutes, metrics, universe, opens_at)
    named = placed.join(
        universe.select("session", "ticker", "security_id"), on=["session", "ticker"], how="left", validate="m:1"
    )
    every = [name for name in named.columns if name.startswith("f_")]
    clean = pl.col(every).cast(pl.Float64).fill_nan(None)
    return named.select(*TAPE, "bar", "security_id", clean, known_at="closed_at").sort(*TAPE, "bar")
