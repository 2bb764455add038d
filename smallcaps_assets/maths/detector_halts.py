"""Detector of the first trade after a halt. Source: `spec/events.md`."""

import numpy as np
import polars as pl

from smallcaps_assets.maths.baselines import over, percent_above
from smallcaps_assets.maths.firing import Fired, chosen, reaches
from smallcaps_assets.maths.minute_table import Minutes


def halt_resumption(bars: Minutes, *, distance_pct: float) -> Fired:
    """The first trade after a halt above or below the last before it; at the same price nothing fires.

    That trade is the open of the first bar after the halt. The move is from the one trade to the other.
    """
    move = percent_above(bars.open, bars.before_halt)
    up, down = (reaches(side * move, distance_pct) & (side * move > 0) for side in (1.0, -1.0))
    return chosen(up, up | down, over(bars.volume, bars.usual_volume), move)


def with_halts(bars: pl.DataFrame, halts: pl.DataFrame) -> pl.DataFrame:
    """The bars (ticker, session, started_at, close) with ``before_halt``: the last close before a halt of the session.

    It stands at the first bar from the minute of the resumption on, null at all others. A halt without its resumption,
    or that ends in the minute in which it began, has no bar of its own on either side, and none is marked.
    """
    one, at = ["session", "ticker"], "started_at"
    began, ended = (pl.col(name).dt.truncate("1m") for name in ("halted_at", "resumed_at"))
    whole = halts.select(*one, began=began, ended=ended).filter(pl.col("ended") > pl.col("began")).sort("began")
    seen = bars.select(*one, at, before_halt="close").with_row_index("bar").join(whole, on=one, how="semi").sort(at)
    last = whole.join_asof(
        seen.drop("bar"), left_on="began", right_on=at, by=one, strategy="backward", check_sortedness=False
    )
    first = (
        last.drop(at)
        .sort("ended", maintain_order=True)
        .join_asof(
            seen.drop("before_halt"), left_on="ended", right_on=at, by=one, strategy="forward", check_sortedness=False
        )
    )
    marked = first.drop_nulls(["bar", "before_halt"]).sort("began").unique("bar", keep="first", maintain_order=True)
    closes = np.full(bars.height, np.nan)
    closes[marked["bar"].to_numpy()] = marked["before_halt"].to_numpy()
    return bars.with_columns(before_halt=pl.Series(closes).fill_nan(None))
