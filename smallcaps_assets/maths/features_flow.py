"""Order flow inside each bar of a tape. Each feature is known at the close of its bar.

``ticks`` are a tape's ticks (``maths/tapes.py``) with ``size``, ``exchange``; ``bars`` the bars made of them.
"""

import polars as pl

from smallcaps_assets.maths.tapes import TAPE

DEVIATIONS = 3.0
ROUND_LOT = 100.0
OFF_EXCHANGE = 4  # the vendor's exchange id of FINRA's reporting facilities
WARMUP = 20  # ticks before one can be judged large


def signed_volume() -> pl.Expr:
    """``f_signed_volume``: buy volume − sell volume, signed by the tick rule."""
    return pl.col("buy_volume") - pl.col("sell_volume")


def delta_ratio() -> pl.Expr:
    """``f_delta_ratio``: (buy volume − sell volume) / volume, from −1 to 1; null without volume."""
    return pl.when(pl.col("volume") > 0).then(signed_volume() / pl.col("volume"))


def trades_a_second() -> pl.Expr:
    """``f_trades_a_second``: ticks / seconds from the bar's first to its last; null if they are of one instant."""
    seconds = (pl.col("closed_at") - pl.col("opened_at")).cast(pl.Int64) / 1e9
    return pl.when(seconds > 0).then(pl.col("ticks") / seconds)


def is_large() -> pl.Expr:
    """Whether a tick's size is far above those of all the tape's ticks before it; null for the tape's first 20."""
    place = pl.int_range(pl.len())
    count = place.cast(pl.Float64)
    total = pl.col("size").cum_sum() - pl.col("size")
    squares = (pl.col("size") ** 2).cum_sum() - pl.col("size") ** 2
    mean = total / count
    deviation = (squares / count - mean**2).clip(0.0).sqrt()
    return pl.when(place >= WARMUP).then(pl.col("size") > mean + DEVIATIONS * deviation).over(TAPE)


def ticks_of_bars(ticks: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """The ticks with the ``bar`` each is in; those after the last close are left out."""
    last = bars.sort(*TAPE, "bar").select(*TAPE, "bar", _place=pl.col("ticks").cum_sum().over(TAPE) - 1)
    placed = ticks.with_columns(_place=pl.int_range(pl.len(), dtype=pl.Int64).over(TAPE))
    found = placed.sort("_place").join_asof(
        last.sort("_place"), on="_place", by=TAPE, strategy="forward", check_sortedness=False
    )
    return found.filter(pl.col("bar").is_not_null()).sort(*TAPE, "_place").drop("_place")


def flow_features(ticks: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """The bars with this module's features.

    ``f_large_prints``: ticks of the bar with size > mean + 3 standard deviations of all the tape's ticks before each;
    null where all the bar's ticks are among the tape's first 20.
    ``f_odd_lot_share``: ticks of fewer than 100 shares / ticks.
    ``f_off_exchange_share``: volume that FINRA's facilities reported / volume; null without volume.
    """
    sized = ticks.with_columns(_large=is_large())
    by_bar = ticks_of_bars(sized, bars).group_by(*TAPE, "bar", maintain_order=True)
    volume, outside = pl.col("size").sum(), pl.col("size").filter(pl.col("exchange") == OFF_EXCHANGE).sum()
    inside = by_bar.agg(
        f_large_prints=pl.when(pl.col("_large").is_not_null().any()).then(pl.col("_large").sum().cast(pl.Float64)),
        f_odd_lot_share=(pl.col("size") < ROUND_LOT).mean(),
        f_off_exchange_share=pl.when(volume > 0).then(outside / volume),
    )
    return bars.join(inside, on=[*TAPE, "bar"], how="left", validate="1:1", maintain_order="left").with_columns(
        f_signed_volume=signed_volume(), f_delta_ratio=delta_ratio(), f_trades_a_second=trades_a_second()
    )
