"""Tapes and books as the frames of the market protocol: nanoseconds, dollars, ids, null where the vendor leaves out."""

from datetime import date

import numpy as np
import polars as pl

from smallcaps_assets.source.emulator.condition_sets import SETS
from smallcaps_assets.source.emulator.market import QUOTES, TRADES
from smallcaps_assets.source.emulator.nbbo import CONDITIONS, Book
from smallcaps_assets.source.emulator.special_prints import FINRA
from smallcaps_assets.source.emulator.tape import Tape

SIZES_IN_SHARES = date(2025, 11, 3)
INDICATORS_SINCE = date(2026, 6, 29)  # conditions are mostly empty from then on, indicator 602 says "is the NBBO"
_SETS = pl.Series([list(conditions) or None for conditions in SETS], dtype=pl.List(pl.Int64))
_STATES = pl.Series([list(conditions) for conditions in CONDITIONS], dtype=pl.List(pl.Int64))


def trades_frame(tape: Tape, pre_open: int, tape_number: int) -> pl.DataFrame:
    """Schema ``TRADES``; ``pre_open`` is 04:00 in ns UTC."""
    place = np.arange(tape.at.size)
    sip = pre_open + tape.at * 1_000
    dark = tape.exchange == FINRA
    # Venues say when they traded to the nanosecond, somewhat before the SIP passes it on.
    lag = np.where(dark, 4_000_123 + place * 104_729 % 240_000_000, 21_457 + place * 7_919 % 587_123)
    said = sip - lag - tape.late * 1_000
    reported = said + lag - lag // 3
    frame = pl.DataFrame(
        {
            "conditions": _SETS.gather(pl.Series(tape.code)),
            "correction": tape.correction,
            "exchange": tape.exchange,
            "id": pl.Series(tape.origin + 1).cast(pl.String),
            "participant_timestamp": said,
            "price": tape.price / 10_000,
            "sequence_number": 1_201 + np.cumsum(1 + place * 31 % 7),
            "sip_timestamp": sip,
            "size": tape.size.astype(np.float64),
            "tape": pl.Series(np.full(place.size, tape_number)),
            "trf_id": 201 + place * 13 % 3,
            "trf_timestamp": reported,
            "dark": dark,
        }
    )
    return frame.with_columns(
        pl.when(pl.col("correction") != 0).then("correction"),
        pl.when("dark").then("trf_id").alias("trf_id"),
        pl.when("dark").then("trf_timestamp").alias("trf_timestamp"),
    ).select(pl.col(name).cast(kind) for name, kind in TRADES.items())


def quotes_frame(book: Book, session: date, pre_open: int, tape_number: int) -> pl.DataFrame:
    """Schema ``QUOTES``; sizes in round lots before 2025-11-03 and in shares from that session on."""
    place = np.arange(book.at.size)
    sip = pre_open + book.at * 1_000
    round_lot = np.where(np.maximum(book.bid, book.ask) <= 2_500_000, 100, 40)
    unit = round_lot if session >= SIZES_IN_SHARES else np.ones_like(round_lot)
    conditions = _STATES.gather(pl.Series(book.state))
    modern = session >= INDICATORS_SINCE
    if modern:
        conditions = conditions.list.set_difference(pl.Series([[1]], dtype=pl.List(pl.Int64)))
    frame = pl.DataFrame(
        {
            "ask_exchange": book.ask_exchange,
            "ask_price": book.ask / 10_000,
            "ask_size": (book.ask_lots * unit).astype(np.float64),
            "bid_exchange": book.bid_exchange,
            "bid_price": book.bid / 10_000,
            "bid_size": (book.bid_lots * unit).astype(np.float64),
            "conditions": conditions,
            "indicators": pl.Series([[602 if modern else 1]]).new_from_index(0, place.size),
            "participant_timestamp": sip - 18_311 - place * 6_133 % 411_977,
            "sequence_number": 2_077 + np.cumsum(1 + place * 17 % 11),
            "sip_timestamp": sip,
            "tape": np.full(place.size, tape_number),
        }
    )
    return frame.select(pl.col(name).cast(kind) for name, kind in QUOTES.items())
