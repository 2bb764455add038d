"""A market that was recorded: a folder of Parquet files, replayed behind the same API as the synthetic one.

Files, each optional: trades, quotes, minute_bars, daily_bars, shares, tickers, splits, halts. Trades and quotes may
have any of the wire's columns; price, size, time and sequence they must have. What was not recorded but whose trades
or minutes were is built from them; what is absent is no data. Rows outside XNYS sessions are no part of the market.
Ticks are read from their files when asked for; the others are read once, and cut into their tickers and sessions.
"""

import hashlib
from datetime import date, timedelta
from functools import cached_property, lru_cache
from pathlib import Path

import polars as pl

from smallcaps_assets.source.emulator import calendar
from smallcaps_assets.source.emulator.aggregate import minute_bars
from smallcaps_assets.source.emulator.market import (
    BAR,
    DAILY,
    DAILY_OF,
    DIVIDENDS,
    FLOAT_SHARES,
    HALTS,
    IPOS,
    MINUTES,
    NEWS,
    QUOTES,
    RENAMES,
    SHORT_INTEREST,
    SHORT_VOLUME,
    SPLITS,
    TRADES,
)
from smallcaps_assets.source.emulator.recorded_daily import daily_from_minutes, daily_from_trades
from smallcaps_assets.source.emulator.recorded_listings import listings_of
from smallcaps_assets.source.emulator.statement_columns import FINANCIALS

FILES = ("trades", "quotes", "minute_bars", "daily_bars", "shares", "tickers", "splits", "halts")
SHARES_QUOTED_FROM = date(2025, 11, 3)  # the vendor's quote sizes are round lots before, shares from then on
ROUND_LOT = 100
TAPES = {"XNYS": 1, "XNAS": 3}  # every other listing exchange is tape 2
MARKETS = {"Nasdaq": "NASDAQ"}  # as the halt file writes it; the others are recorded that way

TRADE = ("sip_timestamp", "price", "size", "sequence_number")  # what a record of trades must have
QUOTE = ("sip_timestamp", "bid_price", "bid_size", "ask_price", "ask_size", "sequence_number")
# Made once: a walk over years of sessions asks for them at each.
NO_DAILY, NO_DAILY_OF, NO_MINUTES, NO_HALTS = (schema.to_frame() for schema in (DAILY, DAILY_OF, MINUTES, HALTS))
NO_TRADES, NO_QUOTES = TRADES.to_frame(), QUOTES.to_frame()

Key = tuple[str, date]


class RecordedMarket:
    """The market in ``folder``. FileNotFoundError when it has none of the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not any((folder / f"{name}.parquet").is_file() for name in FILES):
            raise FileNotFoundError(f"{folder} has no recorded market: none of {', '.join(FILES)} (.parquet)")
        self._built_minutes = lru_cache(maxsize=512)(self._minutes_from_trades)

    def _read(self, name: str, columns: dict[str, pl.DataType]) -> pl.DataFrame:
        """Some columns of a file; no rows where there is no such file."""
        path = self.folder / f"{name}.parquet"
        if not path.is_file():
            return pl.DataFrame(schema=columns)
        return pl.read_parquet(path, columns=list(columns)).cast(pl.Schema(columns))

    @cached_property
    def _traded(self) -> set[Key]:
        """Tickers and sessions of which trades were recorded."""
        path = self.folder / "trades.parquet"
        if not path.is_file():
            return set()
        instant = pl.col("sip_timestamp").cast(pl.Datetime("ns", "UTC"))
        on = instant.dt.convert_time_zone("America/New_York").dt.date().alias("session")
        found = pl.scan_parquet(path).select("ticker", on).unique().collect()
        return {(ticker, day) for ticker, day in found.iter_rows() if calendar.is_session(day)}

    @cached_property
    def _quoted(self) -> set[str]:
        """Tickers of which quotes were recorded."""
        path = self.folder / "quotes.parquet"
        found = pl.scan_parquet(path).select(pl.col("ticker").unique()).collect() if path.is_file() else pl.DataFrame()
        return set(found.to_series()) if found.width else set()

    def _ticks(self, name: str, needed: tuple[str, ...], schema: pl.Schema, key: Key) -> pl.DataFrame:
        """Recorded ticks of one ticker and session in the wire's columns and order. Read from the file each time."""
        path = self.folder / f"{name}.parquet"
        ticker, session = key
        if not path.is_file() or not calendar.is_session(session):
            return schema.to_frame()
        known = {"tape": self._tapes.get(ticker)}  # the rest of what was not recorded stays unknown
        present = pl.read_parquet_schema(path)
        columns = [
            (pl.col(column) if column in needed or column in present else pl.lit(known.get(column)))
            .cast(dtype)
            .alias(column)
            for column, dtype in schema.items()
        ]
        first, end = (calendar.instant(day, 0) for day in (session, session + timedelta(days=1)))
        inside = pl.col("sip_timestamp").is_between(first, end, closed="left")
        rows = pl.scan_parquet(path).filter(pl.col("ticker") == ticker, inside).select(columns).collect()
        return rows.sort("sip_timestamp", "sequence_number", maintain_order=True)

    @cached_property
    def _minutes(self) -> dict[Key, pl.DataFrame]:
        frame = self._read("minute_bars", {"ticker": pl.String(), "t": pl.Int64(), **BAR})
        return _cut(_of_session(frame, pl.col("t").cast(pl.Datetime("ms", "UTC"))), ["t"])

    @cached_property
    def _daily(self) -> pl.DataFrame:
        """All daily bars with their ticker and date: the recorded ones, and for sessions without one those that minutes
        give, and for sessions without either those that trades give."""
        frame = self._read("daily_bars", {"ticker": pl.String(), "date": pl.Date(), **BAR})
        frame = frame.filter(pl.col("date").is_in(_sessions_among(frame["date"])))
        followed = {ticker for ticker, _ in self._minutes.keys() | self._traded}
        recorded = set(frame.filter(pl.col("ticker").is_in(followed)).select("ticker", "date").iter_rows())
        made = [daily_from_minutes(*key, bars) for key, bars in self._minutes.items() if key not in recorded]
        known = recorded | set(self._minutes)
        made += [daily_from_trades(*key, self.trades(*key)) for key in sorted(self._traded) if key not in known]
        return pl.concat([frame, *made])

    @cached_property
    def _daily_by_session(self) -> dict[date, pl.DataFrame]:
        frame = self._daily.sort("date", "ticker").rename({"ticker": "T"})
        return {key[0]: part for key, part in frame.partition_by("date", as_dict=True, include_key=False).items()}

    @cached_property
    def _daily_by_ticker(self) -> dict[str, pl.DataFrame]:
        frame = self._daily.sort("ticker", "date").rename({"date": "t"})
        return {key[0]: part for key, part in frame.partition_by("ticker", as_dict=True, include_key=False).items()}

    @cached_property
    def _shares(self) -> dict[str, pl.DataFrame]:
        text = pl.String()
        frame = self._read(
            "shares",
            {"ticker": text, "as_of_date": pl.Date(), "primary_exchange": text, "shares_outstanding": pl.Float64()},
        ).sort("ticker", "as_of_date")
        return {key[0]: part for key, part in frame.partition_by("ticker", as_dict=True).items()}

    @cached_property
    def _tapes(self) -> dict[str, int]:
        venues = {ticker: part["primary_exchange"][-1] for ticker, part in self._shares.items()}
        return {ticker: TAPES.get(venue, 2) for ticker, venue in venues.items() if venue is not None}

    def _minutes_from_trades(self, ticker: str, session: date) -> pl.DataFrame:
        return minute_bars(self.trades(ticker, session), calendar.hours(session))

    def sessions(self) -> list[date]:
        """XNYS sessions of which anything was traded in the record, ascending; there may be years between two."""
        return sorted(self._daily_by_session.keys() | {on for _, on in self._minutes} | {on for _, on in self._traded})

    @lru_cache(maxsize=1)  # noqa: B019 - one market lives as long as its process
    def listings(self) -> pl.DataFrame:
        """Tickers of the record; FIGI and CIK are not known of any."""
        seen = self._read(
            "tickers",
            {
                "ticker": pl.String(),
                "name": pl.String(),
                "first_seen": pl.Date(),
                "last_seen": pl.Date(),
                "active": pl.Boolean(),
            },
        )
        on = pl.col("date")
        spans = self._daily.group_by("ticker").agg(on.min().alias("first"), on.max().alias("last"))
        followed = {ticker for ticker, _ in self._minutes.keys() | self._traded}
        venues = {ticker: part["primary_exchange"][-1] for ticker, part in self._shares.items()}
        return listings_of(seen, spans, followed, venues)

    def renames(self) -> pl.DataFrame:
        """None are recorded."""
        return RENAMES.to_frame()

    @lru_cache(maxsize=1)  # noqa: B019
    def splits(self) -> pl.DataFrame:
        """Splits of the record, of unlisted tickers too; the id is a hash of the row."""
        columns = {name: dtype for name, dtype in SPLITS.items() if name != "id"}
        frame = self._read("splits", columns)
        ids = [f"E{hashlib.sha256(repr(row).encode()).hexdigest()}" for row in frame.iter_rows()]
        return frame.with_columns(pl.Series("id", ids, dtype=pl.String)).select(list(SPLITS))

    def dividends(self) -> pl.DataFrame:
        """None are recorded."""
        return DIVIDENDS.to_frame()

    def shares(self, ticker: str, on: date) -> float | None:
        """The count of the last month end on or before ``on``, as it was recorded: a split since then is not in it."""
        known = self._shares.get(ticker)
        if known is None:
            return None
        counts = known.filter(pl.col("as_of_date") <= on)["shares_outstanding"]
        return counts[-1] if counts.len() else None

    def daily(self, session: date) -> pl.DataFrame:
        """Raw daily bars of the session; vw and n are null where they were not recorded."""
        found = self._daily_by_session.get(session)
        return NO_DAILY if found is None else found.select(list(DAILY))

    def daily_of(self, ticker: str, first: date, last: date) -> pl.DataFrame:
        """Raw daily bars of one ticker."""
        found = self._daily_by_ticker.get(ticker)
        if found is None:
            return NO_DAILY_OF
        return found.filter(pl.col("t").is_between(first, last)).select(list(DAILY_OF))

    def minutes(self, ticker: str, session: date) -> pl.DataFrame:
        """Recorded minute bars, or those that recorded trades give."""
        found = self._minutes.get((ticker, session))
        if found is not None:
            return found.select(list(MINUTES))
        if (ticker, session) in self._traded:
            return self._built_minutes(ticker, session)
        return NO_MINUTES

    def trades(self, ticker: str, session: date) -> pl.DataFrame:
        """Recorded trades; what was not recorded of them is null."""
        if (ticker, session) not in self._traded:
            return NO_TRADES
        return self._ticks("trades", TRADE, TRADES, (ticker, session))

    def quotes(self, ticker: str, session: date) -> pl.DataFrame:
        """Recorded quotes; their sizes, recorded in shares, are round lots before 2025-11-03 as the vendor has them."""
        if ticker not in self._quoted:
            return NO_QUOTES
        found = self._ticks("quotes", QUOTE, QUOTES, (ticker, session))
        lot = ROUND_LOT if session < SHARES_QUOTED_FROM else 1
        return found.with_columns(pl.col("bid_size", "ask_size") / lot)

    def news(self) -> pl.DataFrame:
        """None is recorded."""
        return NEWS.to_frame()

    def short_interest(self) -> pl.DataFrame:
        """None is recorded."""
        return SHORT_INTEREST.to_frame()

    def short_volume(self, session: date) -> pl.DataFrame:  # noqa: ARG002 - the protocol's
        """None is recorded."""
        return SHORT_VOLUME.to_frame()

    def float_shares(self) -> pl.DataFrame:
        """None is recorded."""
        return FLOAT_SHARES.to_frame()

    def financials(self) -> pl.DataFrame:
        """None are recorded."""
        return FINANCIALS.to_frame()

    def ipos(self) -> pl.DataFrame:
        """None are recorded."""
        return IPOS.to_frame()

    @cached_property
    def _halts(self) -> dict[date, pl.DataFrame]:
        instant = pl.Datetime("ns", "UTC")
        frame = self._read(
            "halts",
            {
                "ticker": pl.String(),
                "name": pl.String(),
                "listing_exchange": pl.String(),
                "reason_code": pl.String(),
                "halt_time": instant,
                "resume_time": instant,
            },
        )
        on = pl.col("halt_time").dt.convert_time_zone("America/New_York").dt.date()
        frame = frame.with_columns(
            on.alias("session"),
            pl.col("listing_exchange").replace(MARKETS).alias("market"),
            pl.col("halt_time").cast(pl.Int64).alias("halted_at"),
            pl.col("resume_time").cast(pl.Int64).alias("resumed_at"),
        ).sort("halted_at", "ticker")
        return {key[0]: part.select(list(HALTS)) for key, part in frame.partition_by("session", as_dict=True).items()}

    def halts(self, session: date) -> pl.DataFrame:
        """Recorded halts that began in the session."""
        return self._halts.get(session, NO_HALTS)


def _of_session(frame: pl.DataFrame, instant: pl.Expr) -> pl.DataFrame:
    """The frame with its New York date as ``session``, rows of XNYS sessions only."""
    dated = frame.with_columns(instant.dt.convert_time_zone("America/New_York").dt.date().alias("session"))
    return dated.filter(pl.col("session").is_in(_sessions_among(dated["session"])))


def _sessions_among(dates: pl.Series) -> list[date]:
    return [day for day in dates.unique().to_list() if calendar.is_session(day)]


def _cut(frame: pl.DataFrame, order: list[str]) -> dict[Key, pl.DataFrame]:
    parts = frame.sort("ticker", "session", *order).partition_by("ticker", "session", as_dict=True, include_key=False)
    return {(key[0], key[1]): part for key, part in parts.items()}
