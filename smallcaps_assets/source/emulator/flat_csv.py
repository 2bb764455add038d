"""The text of flat files: the vendor's columns, how it writes numbers and lists, and what it writes for no value.

Facts are of files as users show them: a trade without correction or reporting facility has 0 there, an NBBO without a
side has price, size and exchange 0, a list is one quoted cell ("12,37") and empty when there is none. Volumes, and
prices of trades and bars, are written with six decimals since 2026, before in their shortest form. Other values that
the market does not know are empty cells.
"""

from datetime import date, time

import polars as pl

from smallcaps_assets.source.emulator.instants import MILLISECOND, at
from smallcaps_assets.source.emulator.market import QUOTES, TRADES

BARS = ("volume", "open", "close", "high", "low", "window_start", "transactions")
COLUMNS = {  # kind -> columns after the ticker
    "day_aggs_v1": BARS,
    "minute_aggs_v1": BARS,
    "quotes_v1": (*QUOTES, "trf_timestamp"),
    "trades_v1": tuple(TRADES),
}
SIX_DECIMALS_SINCE = date(2026, 2, 23)  # the month in which fractions of shares came to the tape; its day is a guess
BAR_NAMES = {"v": "volume", "o": "open", "c": "close", "h": "high", "l": "low", "n": "transactions"}
ZERO_WHEN_ABSENT = (
    *("correction", "trf_id", "trf_timestamp"),
    *("ask_exchange", "ask_price", "ask_size", "bid_exchange", "bid_price", "bid_size"),
)
SIZES = ("volume", "size", "ask_size", "bid_size")


def header(kind: str) -> bytes:
    """The first line of a file of the kind."""
    return ",".join(("ticker", *COLUMNS[kind])).encode() + b"\n"


def lines(kind: str, session: date, frame: pl.DataFrame) -> bytes:
    """Lines of a file from rows in wire names with their ``ticker``, in their order.

    Bars have ``t`` in ms; daily bars have none, their window starts at 00:00 New York.
    """
    decimals = 6 if session >= SIX_DECIMALS_SINCE and kind != "quotes_v1" else None
    if COLUMNS[kind] is BARS:
        start = pl.col("t") * MILLISECOND if kind == "minute_aggs_v1" else pl.lit(at(session, time(0)))
        frame = frame.with_columns(start.alias("window_start")).rename(BAR_NAMES)
    if kind == "quotes_v1":
        frame = frame.with_columns(pl.lit(0).alias("trf_timestamp"))
    chosen = frame.select("ticker", *COLUMNS[kind])
    written = chosen.with_columns(pl.col(name).fill_null(0) for name in ZERO_WHEN_ABSENT if name in chosen.columns)
    return (
        written.with_columns(_joined(name) for name, dtype in chosen.schema.items() if isinstance(dtype, pl.List))
        .with_columns(_shortest(name) for name in SIZES if name in chosen.columns and decimals is None)
        .write_csv(include_header=False, float_precision=decimals)
        .encode()
    )


def _joined(name: str) -> pl.Expr:
    """A list as the text of one cell; null when it is empty."""
    column = pl.col(name)
    return pl.when(column.list.len() > 0).then(column.cast(pl.List(pl.String())).list.join(",")).alias(name)


def _shortest(name: str) -> pl.Expr:
    """A size as text: whole ones without decimals."""
    return pl.col(name).cast(pl.String).str.strip_suffix(".0").alias(name)
