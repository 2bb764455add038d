"""A seeded stock market that never was: everything a vendor serves, made on request and consistent with itself.

The daily panel is drawn once; a ticker's session (minute plan, trades, quotes) is generated from its daily row when it
is asked for, in any order, with the same result in every process. A market with a later end begins with the same rows.
"""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import date
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from smallcaps_assets.source.emulator import (
    aggregate,
    calendar,
    corporate_actions,
    disclosures,
    listings,
    nbbo,
    news,
    offerings,
    register,
    statements,
)
from smallcaps_assets.source.emulator.daily_panel import UNIT, panel
from smallcaps_assets.source.emulator.draws import Purpose, generator
from smallcaps_assets.source.emulator.listings import Line
from smallcaps_assets.source.emulator.market import BAR, DAILY, DAILY_OF, HALTS, MINUTES, QUOTES, TRADES
from smallcaps_assets.source.emulator.minute_path import Row, outline, plan
from smallcaps_assets.source.emulator.patterns import Pattern
from smallcaps_assets.source.emulator.shape import Shape
from smallcaps_assets.source.emulator.tape import MINUTE_US, Tape, tape
from smallcaps_assets.source.emulator.wire_frames import quotes_frame, trades_frame

START = date(2024, 1, 2)
EXCHANGES = {
    "XNAS": (12, 3, "NASDAQ"),
    "XNYS": (10, 1, "NYSE"),
    "XASE": (1, 2, "NYSE American"),
    "ARCX": (11, 2, "NYSE Arca"),
}
PLANTED = pl.Schema(
    {
        "ticker": pl.String(),
        "pattern": pl.String(),
        "detector": pl.String(),
        "direction": pl.Int64(),
        "first": pl.Int64(),  # ms UTC: the bar that fires starts in [first, last]
        "last": pl.Int64(),
    }
)


class SyntheticMarket:
    """The synthetic market; satisfies ``market.Market``.

    ``tickers`` is the number of securities; ``start`` and ``end`` are inclusive, sessions or not; ``end`` None is the
    last completed session by this machine's clock. Raises ValueError when no session lies between them.
    """

    def __init__(self, seed: int = 7, tickers: int = 60, start: date = START, end: date | None = None) -> None:
        self._seed = seed
        last = calendar.last_completed_session(time.time_ns()) if end is None else end
        self._sessions = calendar.sessions(start, last)
        if not self._sessions:
            raise ValueError(f"no session between {start} and {last}")
        self._lines = listings.lines(seed, tickers)
        self._panel = panel(seed, self._lines, self._sessions)
        self._by_ticker: dict[str, list[tuple[int, int, Line]]] = {}
        for line in self._lines:
            for ticker, first, after in register.spans(line, len(self._sessions)):
                self._by_ticker.setdefault(ticker, []).append((first, min(after, len(self._sessions)), line))
        # Pure functions of the session: the caches save work for pages of one reply, and hold no state.
        self._tape = lru_cache(maxsize=48)(self._make_tape)
        self._shares = lru_cache(maxsize=None)(self._make_shares)
        self._frames: dict[str, pl.DataFrame] = {}

    def _kept(self, name: str, make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        if name not in self._frames:
            self._frames[name] = make()
        return self._frames[name]

    def sessions(self) -> list[date]:
        """All sessions of the market, ascending."""
        return list(self._sessions)

    def _at(self, session: date) -> int | None:
        at = bisect_left(self._sessions, session)
        return at if at < len(self._sessions) and self._sessions[at] == session else None

    def _line(self, ticker: str, at: int) -> Line | None:
        spans = self._by_ticker.get(ticker, [])
        return next((line for first, last, line in spans if first <= at < last), None)

    def _row(self, line: Line, at: int) -> Row:
        made, hours = self._panel, calendar.hours(self._sessions[at])
        pattern = int(made.pattern[line.index, at])
        return Row(
            open=int(made.open[line.index, at]),
            high=int(made.high[line.index, at]),
            low=int(made.low[line.index, at]),
            close=int(made.close[line.index, at]),
            weighted=int(made.weighted[line.index, at]),
            volume=int(made.volume[line.index, at]),
            trades=int(made.trades[line.index, at]),
            pattern=Pattern(abs(pattern)),
            mirrored=pattern < 0,
            before=int(made.before[line.index, at]),
            sigma=line.sigma,
            auctions=line.auctions,
            minutes=(hours.close - hours.open) // calendar.MINUTE,
        )

    def _draw(self, purpose: Purpose, line: Line, at: int) -> np.random.Generator:
        return generator(self._seed, purpose, line.index, self._sessions[at].toordinal())

    def _outline(self, line: Line, at: int) -> Shape:
        return outline(self._row(line, at), self._draw(Purpose.SHAPE, line, at))

    def _make_tape(self, index: int, at: int) -> tuple[Row, Shape, Tape]:
        line = self._lines[index]
        row = self._row(line, at)
        path = plan(row, self._draw(Purpose.SHAPE, line, at), self._draw(Purpose.PATH, line, at))
        home = EXCHANGES[line.exchange][0]
        return row, path.shape, tape(row, path, home, self._draw(Purpose.TAPE, line, at))

    def _trading(self, ticker: str, session: date) -> tuple[Line, int] | None:
        at = self._at(session)
        line = None if at is None else self._line(ticker, at)
        return None if at is None or line is None else (line, at)

    def listings(self) -> pl.DataFrame:
        """Schema ``LISTINGS``."""
        return self._kept("listings", lambda: register.listings(self._lines, self._sessions))

    def renames(self) -> pl.DataFrame:
        """Schema ``RENAMES``."""
        return self._kept("renames", lambda: register.renames(self._lines, self._sessions))

    def splits(self) -> pl.DataFrame:
        """Schema ``SPLITS``."""
        return self._kept("splits", lambda: corporate_actions.splits(self._lines, self._sessions))

    def dividends(self) -> pl.DataFrame:
        """Schema ``DIVIDENDS``."""
        return self._kept("dividends", lambda: corporate_actions.dividends(self._lines, self._sessions))

    def _make_shares(self, index: int) -> list[int]:
        return corporate_actions.share_counts(self._seed, self._lines[index], self._sessions)

    def shares(self, ticker: str, on: date) -> float | None:
        """Shares outstanding at the last session up to ``on``; None when unknown or not listed then."""
        at = bisect_right(self._sessions, on) - 1
        line = self._line(ticker, max(at, 0))
        if line is None or line.shares is None:
            return None
        return float(self._shares(line.index)[max(at, 0)])

    def daily(self, session: date) -> pl.DataFrame:
        """Schema ``DAILY``."""
        at = self._at(session)
        if at is None:
            return pl.DataFrame(schema=DAILY)
        made = self._panel
        traded = np.flatnonzero(made.volume[:, at] > 0)
        tickers = [self._lines[index].ticker_at(at) for index in traded]
        return self._bars(traded, np.full(traded.size, at)).select(pl.Series("T", tickers, pl.String), *BAR)

    def daily_of(self, ticker: str, first: date, last: date) -> pl.DataFrame:
        """Schema ``DAILY_OF``."""
        low, high = bisect_left(self._sessions, first), bisect_right(self._sessions, last)
        pieces = [pl.DataFrame(schema=DAILY_OF)]
        for begin, end, line in sorted(self._by_ticker.get(ticker, []), key=lambda span: span[0]):
            ats = np.arange(max(begin, low), min(end, high))
            if ats.size:
                dates = pl.Series("t", self._sessions[ats[0] : ats[-1] + 1], pl.Date)
                pieces.append(self._bars(np.full(ats.size, line.index), ats).select(dates, *BAR))
        return pl.concat(pieces)

    def _bars(self, rows: NDArray[np.int64], ats: NDArray[np.int64]) -> pl.DataFrame:
        made = self._panel
        prices = {"vw": made.weighted, "o": made.open, "c": made.close, "h": made.high, "l": made.low}
        columns = {name: side[rows, ats] / UNIT for name, side in prices.items()}
        return pl.DataFrame(
            {"v": made.volume[rows, ats].astype(np.float64), **columns, "n": made.trades[rows, ats].astype(np.int64)}
        )

    def minutes(self, ticker: str, session: date) -> pl.DataFrame:
        """Schema ``MINUTES``: the aggregate of the trades."""
        found = self._trading(ticker, session)
        if found is None:
            return pl.DataFrame(schema=MINUTES)
        _, _, made = self._tape(found[0].index, found[1])
        starts = calendar.hours(session).pre_open // 1_000_000 + made.at // MINUTE_US * 60_000
        bars = aggregate.bars(starts, made.price / UNIT, made.size.astype(np.float64), made.eligibility(minutes=True))
        return bars.frame("t").select(list(MINUTES))

    def trades(self, ticker: str, session: date) -> pl.DataFrame:
        """Schema ``TRADES``."""
        found = self._trading(ticker, session)
        if found is None:
            return pl.DataFrame(schema=TRADES)
        _, _, made = self._tape(found[0].index, found[1])
        return trades_frame(made, calendar.hours(session).pre_open, EXCHANGES[found[0].exchange][1])

    def quotes(self, ticker: str, session: date) -> pl.DataFrame:
        """Schema ``QUOTES``."""
        found = self._trading(ticker, session)
        if found is None:
            return pl.DataFrame(schema=QUOTES)
        line, at = found
        row, shape, made = self._tape(line.index, at)
        quoted = nbbo.book(row, made, shape.pauses, self._draw(Purpose.QUOTES, line, at))
        return quotes_frame(quoted, session, calendar.hours(session).pre_open, EXCHANGES[line.exchange][1])

    def _patterned(self, at: int) -> list[Line]:
        active = (self._panel.pattern[:, at] != Pattern.QUIET) & (self._panel.volume[:, at] > 0)
        return [self._lines[index] for index in np.flatnonzero(active)]

    def planted(self, session: date) -> pl.DataFrame:
        """Schema ``PLANTED``: which detectors ought to fire, where; empty for other days."""
        at = self._at(session)
        if at is None:
            return pl.DataFrame(schema=PLANTED)
        start = calendar.hours(session).pre_open // 1_000_000
        rows: list[tuple[object, ...]] = []
        for line in self._patterned(at):
            name = Pattern(abs(int(self._panel.pattern[line.index, at]))).name.lower()
            for mark in self._outline(line, at).marks:
                span = (start + 60_000 * mark.first, start + 60_000 * mark.last)
                rows.append((line.ticker_at(at), name, mark.detector, mark.direction, *span))
        return pl.DataFrame(rows, schema=PLANTED, orient="row")

    def halts(self, session: date) -> pl.DataFrame:
        """Schema ``HALTS``."""
        at = self._at(session)
        if at is None:
            return pl.DataFrame(schema=HALTS)
        rows = []
        for line in self._patterned(at):
            for pause in self._outline(line, at).pauses:
                start = calendar.hours(session).pre_open + (pause.minute * 60 + pause.second) * calendar.SECOND
                resumed = start + pause.seconds * calendar.SECOND
                place = EXCHANGES[line.exchange][2]
                rows.append((line.ticker_at(at), line.name, place, pause.reason, start, resumed))
        return pl.DataFrame(rows, schema=HALTS, orient="row").sort("halted_at")

    def _make_news(self) -> pl.DataFrame:
        stories = []
        for at, session in enumerate(self._sessions):
            hours = calendar.hours(session)
            told = []
            for line in self._patterned(at):
                form = self._outline(line, at)
                if form.pauses and form.pauses[0].reason == "T1":
                    told.append((line, hours.pre_open + form.pauses[0].minute * calendar.MINUTE, 1))
                elif len(form.premarket) > 2:
                    row, minute = self._row(line, at), form.premarket[1][0] - 1
                    told.append((line, hours.pre_open + minute * calendar.MINUTE, 1 if row.open > row.before else -1))
            listed = [line for line in self._lines if line.first <= at < (line.end or at + 1)]
            stories += news.stories(self._seed, session, at, hours, told, listed)
        return news.frame(stories)

    def news(self) -> pl.DataFrame:
        """Schema ``NEWS``."""
        return self._kept("news", self._make_news)

    def short_interest(self) -> pl.DataFrame:
        """Schema ``SHORT_INTEREST``."""
        volume = self._panel.volume
        return self._kept(
            "short_interest",
            lambda: disclosures.short_interest(self._seed, self._lines, self._sessions, volume, self._shares),
        )

    def short_volume(self, session: date) -> pl.DataFrame:
        """Schema ``SHORT_VOLUME``."""
        at = self._at(session)
        volume = np.zeros(len(self._lines), np.int64) if at is None else self._panel.volume[:, at]
        return disclosures.short_volume(self._seed, self._lines, session, at or 0, volume)

    def financials(self) -> pl.DataFrame:
        """Schema ``FINANCIALS``."""
        return self._kept(
            "financials", lambda: statements.financials(self._seed, self._lines, self._sessions, self._shares)
        )

    def ipos(self) -> pl.DataFrame:
        """Schema ``IPOS``."""
        return self._kept("ipos", lambda: offerings.ipos(self._lines, self._sessions, self._panel.open, self._shares))

    def float_shares(self) -> pl.DataFrame:
        """Schema ``FLOAT_SHARES``."""
        return self._kept(
            "float_shares", lambda: disclosures.float_shares(self._seed, self._lines, self._sessions, self._shares)
        )
