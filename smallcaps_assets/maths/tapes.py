"""Tapes: the unions of a ticker's overlapping event windows, and the ticks that a tape consists of.

Windows are half-open, ``[window_starts_at, window_ends_at)``. Windows of one ticker and session that overlap, or of
which one begins where another ends, are one tape, because no gap lies between them. Source: `spec/algorithms.md`, Bars.
"""

import polars as pl

TICKER_SESSION = ["session", "ticker"]
TAPE = [*TICKER_SESSION, "tape_starts_at"]
WINDOW = [*TICKER_SESSION, "event_id", "window_starts_at", "window_ends_at"]


def with_tapes(windows: pl.DataFrame) -> pl.DataFrame:
    """The windows with the tape each belongs to, and the part of it that it owns; sorted by ticker and start.

    Added columns: ``tape_starts_at`` and ``tape_ends_at`` (the union), and ``owned_from``: what lies in the window at
    or after it lies in no window that is earlier in the order, so that rows taken so are taken once.

    >>> at = [pl.Series("window_starts_at", [0, 5, 20, 6]), pl.Series("window_ends_at", [10, 12, 30, 9])]
    >>> windows = pl.DataFrame({"session": [1] * 4, "ticker": ["A"] * 4, "event_id": list("abcd")}).with_columns(at)
    >>> with_tapes(windows).select("event_id", "tape_starts_at", "tape_ends_at", "owned_from").rows()
    [('a', 0, 12, 0), ('b', 0, 12, 10), ('d', 0, 12, 12), ('c', 20, 30, 20)]
    """
    ordered = windows.sort(*TICKER_SESSION, "window_starts_at", "event_id")
    reached = pl.col("window_ends_at").cum_max().shift(1).over(TICKER_SESSION)
    begins = (pl.col("window_starts_at") > pl.col("_reached")).fill_null(True)
    numbered = ordered.with_columns(_reached=reached).with_columns(_tape=begins.cum_sum())
    return numbered.with_columns(
        tape_starts_at=pl.col("window_starts_at").min().over("_tape"),
        tape_ends_at=pl.col("window_ends_at").max().over("_tape"),
        owned_from=pl.max_horizontal("window_starts_at", "_reached"),
    ).drop("_reached", "_tape")


def tapes(windows: pl.DataFrame) -> pl.DataFrame:
    """One row per tape: session, ticker, tape_starts_at, tape_ends_at, and how many ``events`` share it."""
    named = with_tapes(windows)
    return named.group_by(*TAPE, "tape_ends_at", maintain_order=True).agg(events=pl.len().cast(pl.Int64))


def windows_holding(rows: pl.LazyFrame, windows: pl.DataFrame, at: str) -> pl.LazyFrame:
    """Each row once for every window of its ticker that holds its instant ``at``, with the window's columns.

    A row in two overlapping windows comes twice, once under each ``event_id``; a row in none does not come.
    """
    held = windows.select(
        "session", "event_id", "window_starts_at", "window_ends_at", pl.col("ticker").alias("_ticker")
    )
    return rows.join_where(
        held.lazy(),
        pl.col("ticker") == pl.col("_ticker"),
        pl.col(at) >= pl.col("window_starts_at"),
        pl.col(at) < pl.col("window_ends_at"),
    ).drop("_ticker")


def owned(rows: pl.LazyFrame, windows: pl.DataFrame, at: str) -> pl.LazyFrame:
    """Rows of events as rows of tapes: each once, under ``tape_starts_at``, whichever windows it was stored under.

    The order of the rows is kept: sorting what is almost in order is cheap.
    """
    named = with_tapes(windows).select(*TICKER_SESSION, "event_id", "tape_starts_at", "tape_ends_at", "owned_from")
    on = [*TICKER_SESSION, "event_id"]
    joined = rows.join(named.lazy(), on=on, how="inner", validate="m:1", maintain_order="left")
    return joined.filter(pl.col(at) >= pl.col("owned_from")).drop("owned_from", "event_id")


def ticks(trades: pl.LazyFrame) -> pl.LazyFrame:
    """The ticks of each tape, in its order: what bars and labels are made of.

    A tick is a trade that updates the price or the volume. One that may not set a price is there at the price before
    it (``price`` is carried within the tape), so that it adds its size and changes neither a price nor a sign; one that
    does not count in volume has size 0. Trades before the tape's first price are no ticks.

    ``trades``: columns of ``TAPE``, sip_at, sequence_number, price, size, updates_price, updates_volume.

    >>> trades = pl.LazyFrame({"session": [1] * 4, "ticker": ["A"] * 4, "tape_starts_at": [0] * 4,
    ...     "sip_at": [1, 2, 3, 4], "sequence_number": [1, 2, 3, 4], "price": [9.0, 10.0, 12.0, 11.0],
    ...     "size": [5.0, 6.0, 7.0, 8.0], "updates_price": [False, True, False, True],
    ...     "updates_volume": [True, True, True, False]})
    >>> ticks(trades).select("sip_at", "price", "size").collect().rows()
    [(2, 10.0, 6.0), (3, 10.0, 7.0), (4, 11.0, 0.0)]
    """
    counts = pl.col("updates_price") | pl.col("updates_volume")
    own = pl.when("updates_price").then("price")
    return (
        trades.filter(counts)
        .sort(*TAPE, "sip_at", "sequence_number", maintain_order=True)
        .with_columns(
            price=own.forward_fill().over(TAPE),
            size=pl.when("updates_volume").then("size").otherwise(0.0),
        )
        .filter(pl.col("price").is_not_null())
    )
