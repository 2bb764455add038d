"""Polygon's keys → our columns and dtypes: one table per endpoint, and how a page becomes a frame.

A page is read twice. msgspec checks each member against its table without keeping it (so a missing price, a fractional
sequence number or an exchange beyond 16 bits is an error with its place, ``$[17].price``); polars then reads the same
bytes straight into columns. Polars alone would turn what does not fit into nulls. Unknown members are ignored, members
left out or null become null or the table's ``absent`` value, and 64-bit integers never pass through a double.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import msgspec
import polars as pl
from msgspec import Meta

INSTANT = pl.Datetime("ns", "UTC")
INSIGHT = pl.Struct({"ticker": pl.String(), "sentiment": pl.String(), "reasoning": pl.String()})


@dataclass(frozen=True)
class Kind:
    """How a member is written (for msgspec), read (by polars), and turned into our dtype."""

    written: Any
    read: pl.DataType
    ours: pl.DataType
    turn: Callable[[pl.Expr], pl.Expr] = lambda column: column


def instant_of_milliseconds(column: pl.Expr) -> pl.Expr:
    """Unix milliseconds as an instant."""
    return column.cast(pl.Datetime("ms", "UTC")).cast(INSTANT)


def instant_of_text(column: pl.Expr) -> pl.Expr:
    """RFC 3339 text as an instant; other text is an error."""
    return column.str.to_datetime("%+", time_unit="ns", time_zone="UTC", strict=True)


def session_of_midnight(column: pl.Expr) -> pl.Expr:
    """``2017-10-05T04:00:00Z``, midnight in New York, is 2017-10-05; ``…T00:00:00Z`` means the date it writes."""
    instant = instant_of_text(column)
    new_york = instant.dt.convert_time_zone("America/New_York").dt.date()
    return pl.when(instant.dt.time() == pl.time(0, 0, 0)).then(instant.dt.date()).otherwise(new_york)


def insights(column: pl.Expr) -> pl.Expr:
    """The vendor's ``sentiment_reasoning`` under our name."""
    return column.list.eval(pl.element().struct.rename_fields(["ticker", "sentiment", "reasoning"]))


class Insight(msgspec.Struct):
    """One ticker's insight in a news row, as written."""

    ticker: str | None = None
    sentiment: str | None = None
    sentiment_reasoning: str | None = None


def _between(low: int, high: int) -> Any:
    return Annotated[int, Meta(ge=low, le=high)]


TINY_INT, SMALL_INT, LONG_INT = (_between(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 64))
LATEST = 2**63 - 1

TEXT = Kind(str, pl.String(), pl.String())
FLAG = Kind(bool, pl.Boolean(), pl.Boolean())
NUMBER = Kind(float, pl.Float64(), pl.Float64())
TINY = Kind(TINY_INT, pl.Int8(), pl.Int8())
SMALL = Kind(SMALL_INT, pl.Int16(), pl.Int16())
WHOLE = Kind(LONG_INT, pl.Int64(), pl.Int64())
COUNT = Kind(LONG_INT | Annotated[float, Meta(multiple_of=1)], pl.Int64(), pl.Int64())  # may come as 1.2e+03
SMALLS = Kind(list[SMALL_INT], pl.List(pl.Int16()), pl.List(pl.Int16()))  # type: ignore[valid-type]
TEXTS = Kind(list[str], pl.List(pl.String()), pl.List(pl.String()))
NANOSECONDS = Kind(_between(0, LATEST), pl.Int64(), INSTANT, lambda column: column.cast(INSTANT))
MILLISECONDS = Kind(_between(0, LATEST // 10**6), pl.Int64(), INSTANT, instant_of_milliseconds)
WRITTEN_INSTANT = Kind(str, pl.String(), INSTANT, instant_of_text)
WRITTEN_DATE = Kind(str, pl.String(), pl.Date(), lambda column: column.str.to_date("%Y-%m-%d", strict=True))
MIDNIGHT = Kind(str, pl.String(), pl.Date(), session_of_midnight)
WRITTEN_NUMBER = Kind(str, pl.String(), pl.Float64(), lambda column: column.cast(pl.Float64, strict=True))
INSIGHTS = Kind(
    list[Insight],
    pl.List(pl.Struct({"ticker": pl.String(), "sentiment": pl.String(), "sentiment_reasoning": pl.String()})),
    pl.List(INSIGHT),
    insights,
)


@dataclass(frozen=True)
class Member:
    """One member of a row: our column, Polygon's key (``a.b`` for a nested one), and whether rows must have it."""

    column: str
    key: str
    kind: Kind
    needed: bool = False
    absent: object = None


class Table:
    """The members of an endpoint's rows, in the order of our columns."""

    def __init__(self, *members: Member) -> None:
        self._members = members

    @property
    def schema(self) -> pl.Schema:
        """Our columns and dtypes."""
        return pl.Schema({member.column: member.kind.ours for member in self._members})

    def empty(self) -> pl.DataFrame:
        """A frame without rows that has this table's columns."""
        return self.schema.to_frame()

    def frame(self, rows: bytes) -> pl.DataFrame:
        """Rows of a page, a JSON array, as a frame with :attr:`schema`.

        Raises ``msgspec.ValidationError`` (with the place) where a member is missing or is not what the table says,
        ``msgspec.DecodeError`` where the bytes are not JSON, ``polars.exceptions.PolarsError`` where a date is not one.
        """
        self._checker.decode(rows)
        return pl.read_json(io.BytesIO(rows), schema=self._read).select(self._turned)

    @cached_property
    def _checker(self) -> msgspec.json.Decoder[Any]:
        row = _struct_of([(member.key, member.kind.written, member.needed) for member in self._members])
        return msgspec.json.Decoder(list.__class_getitem__(row))

    @cached_property
    def _read(self) -> dict[str, pl.DataType]:
        return _schema_of([(member.key, member.kind.read) for member in self._members])

    @cached_property
    def _turned(self) -> list[pl.Expr]:
        return [_column_of(member) for member in self._members]


def _heads(keys: list[str]) -> dict[str, list[int]]:
    heads: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        heads.setdefault(key.split(".")[0], []).append(place)
    return heads


def _struct_of(members: list[tuple[str, Any, bool]]) -> Any:
    fields: list[Any] = []
    for head, places in _heads([key for key, _, _ in members]).items():
        inner = [(members[i][0].partition(".")[2], *members[i][1:]) for i in places]
        written, needed = (inner[0][1], inner[0][2]) if not inner[0][0] else (_struct_of(inner), False)
        fields.append((head, written) if needed else (head, written | None, None))
    return msgspec.defstruct("Row", sorted(fields, key=len), gc=False)  # those without a default come first


def _schema_of(members: list[tuple[str, pl.DataType]]) -> dict[str, pl.DataType]:
    schema: dict[str, pl.DataType] = {}
    for head, places in _heads([key for key, _ in members]).items():
        inner = [(members[i][0].partition(".")[2], members[i][1]) for i in places]
        schema[head] = inner[0][1] if not inner[0][0] else pl.Struct(_schema_of(inner))
    return schema


def _column_of(member: Member) -> pl.Expr:
    head, *rest = member.key.split(".")
    column = pl.col(head)
    for name in rest:
        column = column.struct.field(name)
    column = member.kind.turn(column)
    if member.absent is not None:
        column = column.fill_null(pl.lit(member.absent, dtype=member.kind.ours))
    return column.alias(member.column)


_BAR = (
    Member("open", "o", NUMBER, needed=True),
    Member("high", "h", NUMBER, needed=True),
    Member("low", "l", NUMBER, needed=True),
    Member("close", "c", NUMBER, needed=True),
    Member("volume", "v", NUMBER, needed=True),
    Member("vwap", "vw", NUMBER),
    Member("trades", "n", COUNT),
)
DAILY_BARS = Table(Member("ticker", "T", TEXT, needed=True), *_BAR)
MINUTE_BARS = Table(Member("started_at", "t", MILLISECONDS, needed=True), *_BAR)
TRADES = Table(
    Member("sip_at", "sip_timestamp", NANOSECONDS, needed=True),
    Member("participant_at", "participant_timestamp", NANOSECONDS),
    Member("trf_at", "trf_timestamp", NANOSECONDS),
    Member("sequence_number", "sequence_number", WHOLE, needed=True),
    Member("price", "price", NUMBER, needed=True),
    Member("size", "size", NUMBER, needed=True),
    Member("decimal_size", "decimal_size", WRITTEN_NUMBER),
    Member("exchange", "exchange", SMALL),
    Member("conditions", "conditions", SMALLS, absent=[]),
    Member("tape", "tape", TINY),
    Member("trf_id", "trf_id", SMALL),
    Member("correction", "correction", SMALL, absent=0),
    Member("trade_id", "id", TEXT),
)
QUOTES = Table(
    Member("sip_at", "sip_timestamp", NANOSECONDS, needed=True),
    Member("sequence_number", "sequence_number", WHOLE, needed=True),
    Member("bid_price", "bid_price", NUMBER, absent=0.0),
    Member("bid_size", "bid_size", NUMBER, absent=0.0),
    Member("bid_exchange", "bid_exchange", SMALL),
    Member("ask_price", "ask_price", NUMBER, absent=0.0),
    Member("ask_size", "ask_size", NUMBER, absent=0.0),
    Member("ask_exchange", "ask_exchange", SMALL),
    Member("conditions", "conditions", SMALLS, absent=[]),
    Member("indicators", "indicators", SMALLS, absent=[]),
)
_LISTING = (
    Member("type", "type", TEXT),
    Member("primary_exchange", "primary_exchange", TEXT),
    Member("cik", "cik", TEXT),
    Member("composite_figi", "composite_figi", TEXT),
    Member("share_class_figi", "share_class_figi", TEXT),
)
TICKERS = Table(
    Member("ticker", "ticker", TEXT, needed=True),
    Member("name", "name", TEXT),
    *_LISTING,
    Member("active", "active", FLAG, needed=True),
    Member("delisted_on", "delisted_utc", MIDNIGHT),
)
TICKER_DETAILS = Table(
    Member("ticker", "ticker", TEXT, needed=True),
    *_LISTING,
    Member("listed_on", "list_date", WRITTEN_DATE),
    Member("market_cap", "market_cap", NUMBER),
    Member("share_class_shares", "share_class_shares_outstanding", NUMBER),
    Member("weighted_shares", "weighted_shares_outstanding", NUMBER),
    Member("round_lot", "round_lot", NUMBER),
)
SPLITS = Table(
    Member("vendor_id", "id", TEXT),
    Member("ticker", "ticker", TEXT, needed=True),
    Member("executed_on", "execution_date", WRITTEN_DATE, needed=True),
    Member("split_from", "split_from", NUMBER, needed=True),
    Member("split_to", "split_to", NUMBER, needed=True),
)
DIVIDENDS = Table(
    Member("vendor_id", "id", TEXT),
    Member("ticker", "ticker", TEXT, needed=True),
    Member("ex_on", "ex_dividend_date", WRITTEN_DATE, needed=True),
    Member("cash_amount", "cash_amount", NUMBER, needed=True),
    Member("currency", "currency", TEXT),
    Member("declared_on", "declaration_date", WRITTEN_DATE),
    Member("record_on", "record_date", WRITTEN_DATE),
    Member("paid_on", "pay_date", WRITTEN_DATE),
    Member("frequency", "frequency", COUNT),
    Member("kind", "dividend_type", TEXT),
)
SHORT_INTEREST = Table(
    Member("ticker", "ticker", TEXT, needed=True),
    Member("settled_on", "settlement_date", WRITTEN_DATE, needed=True),
    Member("short_interest", "short_interest", NUMBER, needed=True),
    Member("average_daily_volume", "avg_daily_volume", NUMBER),
    Member("days_to_cover", "days_to_cover", NUMBER),
)
SHORT_VOLUME = Table(
    Member("ticker", "ticker", TEXT, needed=True),
    Member("traded_on", "date", WRITTEN_DATE, needed=True),
    Member("short_volume", "short_volume", NUMBER, needed=True),
    Member("total_volume", "total_volume", NUMBER, needed=True),
    Member("short_volume_ratio", "short_volume_ratio", NUMBER),
)
FLOAT_SHARES = Table(
    Member("ticker", "ticker", TEXT, needed=True),
    Member("effective_on", "effective_date", WRITTEN_DATE, needed=True),
    Member("free_float", "free_float", NUMBER, needed=True),
    Member("free_float_percent", "free_float_percent", NUMBER),
)
NEWS = Table(
    Member("article_id", "id", TEXT, needed=True),
    Member("published_at", "published_utc", WRITTEN_INSTANT, needed=True),
    Member("title", "title", TEXT, needed=True),
    Member("publisher", "publisher.name", TEXT),
    Member("url", "article_url", TEXT),
    Member("tickers", "tickers", TEXTS, absent=[]),
    Member("keywords", "keywords", TEXTS, absent=[]),
    Member("insights", "insights", INSIGHTS, absent=[]),
)
CONDITIONS = Table(
    Member("condition", "id", SMALL, needed=True),
    Member("name", "name", TEXT, needed=True),
    Member("kind", "type", TEXT, needed=True),
    Member("updates_high_low", "update_rules.consolidated.updates_high_low", FLAG, absent=True),
    Member("updates_open_close", "update_rules.consolidated.updates_open_close", FLAG, absent=True),
    Member("updates_volume", "update_rules.consolidated.updates_volume", FLAG, absent=True),
    Member("data_types", "data_types", TEXTS, absent=[]),
)
