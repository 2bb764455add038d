"""The vendor's flat files → our columns: what each kind of file holds, and how its gzipped CSV becomes Parquet.

A file is turned once, as a stream: memory is bounded by a few blocks, and the row groups are small enough that a
ticker is read alone. Tickers are text, none of them null (``NA``, ``NULL`` and ``nan`` are tickers), integers are
exact, a list is a cell ``1,81``, and where the vendor writes 0 for "none" (facility, exchange, their instants) ours is
null, as it is over REST. What a file does not hold, such as the vwap of a bar, is null. Facts: spec/polygon.md 10.
"""

import gzip
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from smallcaps_assets.source import wire
from smallcaps_assets.source.routes import SessionFile

BLOCK = 4 << 20  # bytes of CSV that are parsed at a time
GROUP_ROWS = 100_000  # a small cap's ticks of a session lie in one or two row groups
LONGEST_HEADER = 10_000  # bytes
LEVEL = 1  # of zstd: 3 takes longer than the download and saves a tenth


class FileFormatError(Exception):
    """A file is whole but not what was agreed: other columns, a cell that is no number, a value that must be there."""


@dataclass(frozen=True)
class Kind:
    """How a cell is read (by pyarrow) and turned into our column."""

    read: pa.DataType
    turn: Callable[[pl.Expr], pl.Expr] = lambda column: column


def unless_zero(column: pl.Expr) -> pl.Expr:
    """The vendor's 0 means none."""
    return pl.when(column != 0).then(column)


def instant(column: pl.Expr) -> pl.Expr:
    """Unix nanoseconds; 0 means none."""
    return unless_zero(column).cast(wire.INSTANT)


def small_list(column: pl.Expr) -> pl.Expr:
    """``1,81`` as [1, 81], an empty cell as []; other text is an error."""
    split = pl.when(column.str.len_bytes() > 0).then(column.str.split(",")).otherwise(pl.lit([], pl.List(pl.String)))
    return split.cast(pl.List(pl.Int16), strict=True)


TEXT = Kind(pa.string())
TEXT_OR_NONE = Kind(pa.string(), lambda column: pl.when(column.str.len_bytes() > 0).then(column))
NUMBER = Kind(pa.float64())
NUMBER_OR_ZERO = Kind(pa.float64(), lambda column: column.fill_null(0.0))
TINY = Kind(pa.int8(), unless_zero)
SMALL = Kind(pa.int16(), unless_zero)
SMALL_OR_ZERO = Kind(pa.int16(), lambda column: column.fill_null(0))
WHOLE = Kind(pa.int64())
INSTANT = Kind(pa.int64(), instant)
SMALLS = Kind(pa.string(), small_list)


@dataclass(frozen=True)
class Cell:
    """One column of ours: its name, the file's name for it (None: the file has none), and whether rows must have it."""

    column: str
    header: str | None
    kind: Kind
    needed: bool = False

    @property
    def turned(self) -> pl.Expr:
        """The column, from what was read."""
        value = self.kind.turn(pl.col(self.header)) if self.header else pl.lit(None, pl.Float64)
        return value.alias(self.column)


_TICKER = Cell("ticker", "ticker", TEXT, needed=True)
_BAR = (
    Cell("open", "open", NUMBER, needed=True),
    Cell("high", "high", NUMBER, needed=True),
    Cell("low", "low", NUMBER, needed=True),
    Cell("close", "close", NUMBER, needed=True),
    Cell("volume", "volume", NUMBER, needed=True),
    Cell("vwap", None, NUMBER),
    Cell("trades", "transactions", WHOLE),
)
CELLS: Mapping[SessionFile, tuple[Cell, ...]] = {
    SessionFile.DAY_AGGS: (_TICKER, *_BAR),
    SessionFile.MINUTE_AGGS: (_TICKER, Cell("started_at", "window_start", INSTANT, needed=True), *_BAR),
    SessionFile.TRADES: (
        _TICKER,
        Cell("sip_at", "sip_timestamp", INSTANT, needed=True),
        Cell("participant_at", "participant_timestamp", INSTANT),
        Cell("trf_at", "trf_timestamp", INSTANT),
        Cell("sequence_number", "sequence_number", WHOLE, needed=True),
        Cell("price", "price", NUMBER, needed=True),
        Cell("size", "size", NUMBER, needed=True),
        Cell("exchange", "exchange", SMALL),
        Cell("conditions", "conditions", SMALLS),
        Cell("tape", "tape", TINY),
        Cell("trf_id", "trf_id", SMALL),
        Cell("correction", "correction", SMALL_OR_ZERO),
        Cell("trade_id", "id", TEXT_OR_NONE),
    ),
    SessionFile.QUOTES: (
        _TICKER,
        Cell("sip_at", "sip_timestamp", INSTANT, needed=True),
        Cell("sequence_number", "sequence_number", WHOLE, needed=True),
        Cell("bid_price", "bid_price", NUMBER_OR_ZERO),
        Cell("bid_size", "bid_size", NUMBER_OR_ZERO),
        Cell("bid_exchange", "bid_exchange", SMALL),
        Cell("ask_price", "ask_price", NUMBER_OR_ZERO),
        Cell("ask_size", "ask_size", NUMBER_OR_ZERO),
        Cell("ask_exchange", "ask_exchange", SMALL),
        Cell("conditions", "conditions", SMALLS),
        Cell("indicators", "indicators", SMALLS),
    ),
}
_OVER_REST: Mapping[SessionFile, wire.Table] = {
    SessionFile.DAY_AGGS: wire.DAILY_BARS,
    SessionFile.MINUTE_AGGS: wire.MINUTE_BARS,
    SessionFile.TRADES: wire.TRADES,
    SessionFile.QUOTES: wire.QUOTES,
}


def schema(file: SessionFile) -> pl.Schema:
    """Our columns and dtypes of the file's rows: ``ticker``, then those that REST's table gives."""
    over_rest = {"ticker": pl.String(), **_OVER_REST[file].schema}
    return pl.Schema({cell.column: over_rest[cell.column] for cell in CELLS[file]})


def to_parquet(source: BinaryIO, file: SessionFile, target: Path) -> int:
    """Write a gzipped CSV's rows to ``target`` in our columns, in the file's order; return how many there are.

    :class:`FileFormatError` for a file that is not what was agreed; ``EOFError``, ``gzip.BadGzipFile`` and
    ``zlib.error`` for a gzip that is broken or does not end; ``OSError`` when the disk refuses.
    """
    cells = CELLS[file]
    with gzip.open(source) as text:
        _prove_header(text.readline(LONGEST_HEADER), cells)
    source.seek(0)
    rows = 0
    with (
        gzip.open(source) as text,
        pa.parquet.ParquetWriter(target, _arrow_schema(file), compression="zstd", compression_level=LEVEL) as writer,
    ):
        for frame in _frames(text, file):
            _prove_present(frame, cells, rows)
            writer.write_table(_arrow(frame), row_group_size=GROUP_ROWS)
            rows += frame.height
    return rows


def _frames(text: gzip.GzipFile, file: SessionFile) -> Iterator[pl.DataFrame]:
    read = {cell.header: cell.kind.read for cell in CELLS[file] if cell.header}
    options = pa.csv.ConvertOptions(
        column_types=read,
        include_columns=list(read),
        null_values=[""],
        strings_can_be_null=False,
        quoted_strings_can_be_null=False,
    )
    turned = [cell.turned for cell in CELLS[file]]
    try:
        with pa.csv.open_csv(text, pa.csv.ReadOptions(block_size=BLOCK), convert_options=options) as batches:
            for batch in batches:
                frame = pl.from_arrow(batch)
                if isinstance(frame, pl.DataFrame) and frame.height:
                    yield frame.select(turned).cast(schema(file), strict=True)
    except (pa.ArrowInvalid, pa.ArrowKeyError, pl.exceptions.PolarsError) as error:
        raise FileFormatError(f"a row is not what was agreed: {error}") from error


def _prove_header(line: bytes, cells: tuple[Cell, ...]) -> None:
    found = line.decode("utf-8", "replace").strip().split(",")
    if missing := [cell.header for cell in cells if cell.header and cell.header not in found]:
        raise FileFormatError(f"the header lacks the columns {missing}; it has {found}")


def _prove_present(frame: pl.DataFrame, cells: tuple[Cell, ...], before: int) -> None:
    for cell in cells:
        absent = frame[cell.column] == "" if cell.kind is TEXT and cell.needed else frame[cell.column].is_null()
        if cell.needed and absent.any():
            row = before + int(absent.arg_true()[0]) + 1
            raise FileFormatError(f"row {row} has no {cell.header}")


def _arrow(frame: pl.DataFrame) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def _arrow_schema(file: SessionFile) -> pa.Schema:
    return _arrow(schema(file).to_frame()).schema
