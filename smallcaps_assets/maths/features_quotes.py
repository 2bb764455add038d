"""The quote as it stood at the close of each bar. Known a second after the quote second began, at the latest at close.

``seconds`` are rows of ``event_quotes`` under their tape: a bar sees the last second that had ended by its close. The
NBBO stands until it changes, so seconds without quotes are no gap. Windows of 20 seconds end with that second.
"""

import polars as pl

from smallcaps_assets.maths.tapes import TAPE

WINDOW = "20s"
WINDOW_SECONDS = 20


def middle() -> pl.Expr:
    """(bid + ask) / 2: USD."""
    return (pl.col("bid_price") + pl.col("ask_price")) / 2


def relative_spread() -> pl.Expr:
    """``f_relative_spread``: (ask − bid) / middle, the middle (bid + ask) / 2."""
    return (pl.col("ask_price") - pl.col("bid_price")) / middle()


def size_imbalance() -> pl.Expr:
    """``f_size_imbalance``: (bid size − ask size) / (bid size + ask size), from −1 to 1; null if both are 0."""
    both = pl.col("bid_size") + pl.col("ask_size")
    return pl.when(both > 0).then((pl.col("bid_size") - pl.col("ask_size")) / both)


def microprice_minus_middle() -> pl.Expr:
    """``f_microprice_minus_middle``: ((bid × ask size + ask × bid size) / (bid size + ask size) − middle) / middle;
    null if both sizes are 0.
    """
    both = pl.col("bid_size") + pl.col("ask_size")
    weighted = pl.col("bid_price") * pl.col("ask_size") + pl.col("ask_price") * pl.col("bid_size")
    return pl.when(both > 0).then((weighted / both - middle()) / middle())


def second_features(seconds: pl.DataFrame) -> pl.DataFrame:
    """Features of each quote second, with the instant at which it is ``quoted_at`` known.

    ``f_spread_over_mean``: time-weighted spread of the second / its mean over the seconds with quotes of the 20 up to
    it; null if that is 0.
    ``f_quote_rate``: quotes in the 20 seconds up to it / 20.
    """
    ordered = seconds.sort(*TAPE, "second_at")
    recent = ordered.rolling("second_at", period=WINDOW, group_by=TAPE).agg(
        _mean=pl.col("spread_twa").mean(), _quotes=pl.col("quotes").sum()
    )
    joined = ordered.join(recent, on=[*TAPE, "second_at"], how="left", validate="1:1", maintain_order="left")
    return joined.select(
        *TAPE,
        quoted_at=pl.col("second_at") + pl.duration(seconds=1, time_unit="ns"),
        f_relative_spread=relative_spread(),
        f_spread_over_mean=pl.when(pl.col("_mean") > 0).then(pl.col("spread_twa") / pl.col("_mean")),
        f_size_imbalance=size_imbalance(),
        f_microprice_minus_middle=microprice_minus_middle(),
        f_quote_rate=pl.col("_quotes") / WINDOW_SECONDS,
    )


def quote_features(seconds: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """The bars with the features of the last quote second that had ended by their close; null if there was none."""
    known = second_features(seconds).sort("quoted_at")
    joined = bars.sort("closed_at").join_asof(
        known, left_on="closed_at", right_on="quoted_at", by=TAPE, strategy="backward", check_sortedness=False
    )
    return joined.drop("quoted_at").sort(*TAPE, "bar")
