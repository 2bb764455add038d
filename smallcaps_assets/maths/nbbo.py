"""The national best bid and offer, second by second: the last valid one and how it stood over the second.

A quote holds until the next one. It is valid if both sides are positive and the ask is not below the bid, unless the
tape itself flags the market as locked or crossed. Spreads are of quotes whose ask is not below their bid: in a crossed
market there is none to pay. Source: `spec/datasets.md` (`event_quotes`), `spec/polygon.md` 6.
"""

from datetime import date

import polars as pl

SHARES_SINCE = date(2025, 11, 3)
"""The session from which the vendor's quote sizes are shares; before, they are round lots (`spec/polygon.md` 6)."""

ROUND_LOT = 100.0  # shares; for all listed stocks under 20 USD a lot was 100 shares before the change
CROSSED, LOCKED = 84, 85  # the vendor's market flags
SECOND = 1_000_000_000


def in_shares(size: pl.Expr, session: pl.Expr) -> pl.Expr:
    """A quote's size in shares on both sides of the change of 2025-11-03.

    >>> sizes = pl.DataFrame({"size": [3.0, 3.0], "session": [date(2025, 10, 31), date(2025, 11, 3)]})
    >>> sizes.select(in_shares(pl.col("size"), pl.col("session"))).to_series().to_list()
    [300.0, 3.0]
    """
    return pl.when(session < SHARES_SINCE).then(size * ROUND_LOT).otherwise(size)


def two_sided() -> pl.Expr:
    """Both sides have a price."""
    return (pl.col("bid_price") > 0) & (pl.col("ask_price") > 0)


def flagged() -> pl.Expr:
    """The tape says itself that the market is locked or crossed."""
    return pl.any_horizontal(
        pl.col(column).list.contains(flag).fill_null(False)
        for column in ("conditions", "indicators")
        for flag in (CROSSED, LOCKED)
    )


def valid() -> pl.Expr:
    """The quote may be taken as the NBBO."""
    return two_sided() & ((pl.col("ask_price") >= pl.col("bid_price")) | flagged())


def seconds(quotes: pl.DataFrame) -> pl.DataFrame:
    """One row per event and second that had a quote, sorted by event and second.

    ``quotes``: session, ticker, event_id, window_ends_at, sip_at, sequence_number, bid_price, bid_size, ask_price,
    ask_size (shares), conditions, indicators; those of one event lie in its window.

    Result: session, ticker, event_id, ``second_at`` (start of the second), the last valid quote of the second
    (``bid_price``, ``bid_size``, ``ask_price``, ``ask_size``; null if it had none), ``quotes`` (all that arrived, valid
    or not), ``spread_twa``, ``spread_min``, ``spread_max`` (USD, over the second with the quote that was carried into
    it from before, if the window holds one; the mean is weighted by nanoseconds and null where none stood for one),
    ``locked_ns`` and ``crossed_ns``. The second ends early where the window does.
    """
    event = ["session", "ticker", "event_id"]
    ordered = quotes.sort(*event, "sip_at", "sequence_number", maintain_order=True)
    second = pl.col("sip_at").cast(pl.Int64) // SECOND
    placed = ordered.with_columns(_second=second, _at=pl.col("sip_at").cast(pl.Int64), _arrived=pl.lit(True))
    carried = _carried(placed, event)
    states = pl.concat([placed.select(carried.columns), carried]).sort(
        *event, "_at", "_arrived", "sequence_number", maintain_order=True
    )
    end = pl.min_horizontal((pl.col("_second") + 1) * SECOND, pl.col("window_ends_at").cast(pl.Int64))
    until = pl.col("_at").shift(-1).over(*event, "_second").fill_null(end)
    spread = pl.col("ask_price") - pl.col("bid_price")
    held = states.with_columns(_held=until - pl.col("_at"), _valid=valid(), _two=two_sided(), _spread=spread)
    return _summed(held, event)


def _carried(placed: pl.DataFrame, event: list[str]) -> pl.DataFrame:
    """For each second with quotes the quote before it in the window, as if it stood from the second's start."""
    next_second = pl.col("_second").shift(-1).over(event)
    into = placed.with_columns(_into=next_second).filter(pl.col("_into") > pl.col("_second"))
    return into.with_columns(_second=pl.col("_into"), _at=pl.col("_into") * SECOND, _arrived=pl.lit(False)).drop(
        "_into"
    )


def _summed(held: pl.DataFrame, event: list[str]) -> pl.DataFrame:
    last = {
        name: pl.col(name).filter("_valid", "_arrived").last()
        for name in ("bid_price", "bid_size", "ask_price", "ask_size")
    }
    spread = pl.col("_spread").filter(pl.col("_two") & (pl.col("_spread") >= 0))
    stood = pl.col("_held").filter(pl.col("_two") & (pl.col("_spread") >= 0))
    weighted = (spread * stood).sum() / stood.sum()
    rows = held.group_by(*event, "_second", maintain_order=True).agg(
        **last,
        quotes=pl.col("_arrived").sum().cast(pl.Int64),
        _twa=weighted,
        spread_min=spread.min(),
        spread_max=spread.max(),
        locked_ns=pl.col("_held").filter(pl.col("_two") & (pl.col("_spread") == 0)).sum(),
        crossed_ns=pl.col("_held").filter(pl.col("_two") & (pl.col("_spread") < 0)).sum(),
    )
    mean = pl.when(pl.col("_twa").is_finite()).then(pl.col("_twa").clip(pl.col("spread_min"), pl.col("spread_max")))
    second_at = (pl.col("_second") * SECOND).cast(pl.Datetime("ns", "UTC"))
    return rows.with_columns(second_at=second_at, spread_twa=mean).select(
        *event, "second_at", *last, "quotes", "spread_twa", "spread_min", "spread_max", "locked_ns", "crossed_ns"
    )
