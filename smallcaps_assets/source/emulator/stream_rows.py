"""Events of the stream: a session's trades, quotes, bars and price bands in the members the vendor's socket has.

Each function gives the rows of one ticker and the ns UTC they are sent at; null members, and empty lists but that of
LULD, are left out when they are written. ``t``, ``s`` and ``e`` are ms, but ``t`` of LULD is ns.
"""

import polars as pl

from smallcaps_assets.source.emulator.instants import MILLISECOND
from smallcaps_assets.source.emulator.luld import Band

TRADE_NAMES = {
    "x": "exchange",
    "i": "id",
    "z": "tape",
    "p": "price",
    "s": "size",
    "c": "conditions",
    "q": "sequence_number",
    "trfi": "trf_id",
}
QUOTE_NAMES = {
    "bx": "bid_exchange",
    "bp": "bid_price",
    "bs": "bid_size",
    "ax": "ask_exchange",
    "ap": "ask_price",
    "as": "ask_size",
    "i": "indicators",
    "q": "sequence_number",
    "z": "tape",
}


def trade_events(ticker: str, trades: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
    """``T``: one event a trade, when the SIP passed it on."""
    events = trades.select(
        *_named("T", ticker),
        *(pl.col(column).alias(name) for name, column in TRADE_NAMES.items()),
        (pl.col("sip_timestamp") // MILLISECOND).alias("t"),
        (pl.col("trf_timestamp") // MILLISECOND).alias("trft"),
    )
    return trades["sip_timestamp"], events


def quote_events(ticker: str, quotes: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
    """``Q``: one event an NBBO; of several conditions the first."""
    events = quotes.select(
        *_named("Q", ticker),
        *(pl.col(column).alias(name) for name, column in QUOTE_NAMES.items()),
        pl.col("conditions").list.first().alias("c"),
        (pl.col("sip_timestamp") // MILLISECOND).alias("t"),
    )
    return quotes["sip_timestamp"], events


def bar_events(
    channel: str, ticker: str, bars: pl.DataFrame, width: int, opening: tuple[int, float] | None
) -> tuple[pl.Series, pl.DataFrame]:
    """``AM`` and ``A``: one event a bar of ``width`` ms, when it is over.

    ``av`` and ``a`` are the session's volume and vwap up to the bar's end. ``opening`` is the ms from which the
    official opening price is known, and the price; ``op`` of bars before is 0.
    """
    since, price = opening or (2**62, 0.0)
    volume = pl.col("v").cum_sum()
    events = bars.select(
        *_named(channel, ticker),
        "v",
        volume.alias("av"),
        pl.when(pl.col("t") >= since).then(pl.lit(price)).otherwise(pl.lit(0.0)).alias("op"),
        *("vw", "o", "c", "h", "l"),
        ((pl.col("vw") * pl.col("v")).cum_sum() / volume).round(4).alias("a"),
        (pl.col("v") / pl.col("n")).round(0).cast(pl.Int64).alias("z"),
        pl.col("t").alias("s"),
        (pl.col("t") + width).alias("e"),
    )
    return events["e"] * MILLISECOND, events


def band_events(ticker: str, bands: list[Band], tape: int | None) -> pl.DataFrame:
    """``LULD``: one event a new band, halt or resumption, sent at ``t``; ``q`` counts the ticker's events from 1."""
    schema = {"t": pl.Int64(), "l": pl.Float64(), "h": pl.Float64(), "i": pl.List(pl.Int64())}
    return pl.DataFrame(bands, schema=schema, orient="row").select(
        pl.lit("LULD").alias("ev"),
        pl.lit(ticker).alias("T"),
        *("h", "l", "i"),
        pl.lit(tape, pl.Int64).alias("z"),
        "t",
        pl.int_range(1, pl.len() + 1).alias("q"),
    )


def _named(channel: str, ticker: str) -> tuple[pl.Expr, pl.Expr]:
    return pl.lit(channel).alias("ev"), pl.lit(ticker).alias("sym")
