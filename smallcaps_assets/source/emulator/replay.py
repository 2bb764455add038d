"""A session played again: the events of the channels and tickers that are followed, in the order of their time.

Of each channel and ticker a few hundred written events are at hand; the rest lies in the market, which makes a ticker's
session when it is followed and, where it was forgotten since, again for the next few hundred.
"""

import heapq
import threading
from collections.abc import Callable, Iterator
from datetime import date
from typing import NamedTuple

import numpy as np
import polars as pl

from smallcaps_assets.source.emulator.aggregate import second_bars
from smallcaps_assets.source.emulator.calendar import hours
from smallcaps_assets.source.emulator.directory import Directory
from smallcaps_assets.source.emulator.envelope import encoded, lines
from smallcaps_assets.source.emulator.instants import MILLISECOND
from smallcaps_assets.source.emulator.luld import Band, bands
from smallcaps_assets.source.emulator.stream_rows import band_events, bar_events, quote_events, trade_events

CHANNELS = ("A", "AM", "LULD", "Q", "T")
AT_HAND = 200  # written events of a channel and ticker: of 4,000 tickers' trades and quotes about 400 MB
EVERY = "*"
Source = Iterator[tuple[int, bytes]]


class Waiting(NamedTuple):
    """The next event of one channel and ticker. Ties in time go by ticker, then channel."""

    at: int
    ticker: str
    channel: str
    line: bytes
    onward: Source


class Replay:
    """One listener's replay of a session; ``asking`` is held while the market is asked. One thread at a time."""

    def __init__(self, directory: Directory, asking: threading.Lock, session: date) -> None:
        self._directory = directory
        self._asking = asking
        self._session = session
        self._heap: list[Waiting] = []
        self._followed: dict[str, set[str]] = {channel: set() for channel in CHANNELS}
        self._makers: dict[str, Callable[[str, int], Source]] = {
            "A": self._seconds,
            "AM": self._minutes,
            "LULD": self._bands,
            "Q": self._quotes,
            "T": self._trades,
        }

    def follow(self, channel: str, ticker: str, since: int) -> None:
        """Add a channel's events of a ticker, or of all with ``*``, from ``since`` (ns) on; once is enough."""
        for name in self._tickers() if ticker == EVERY else [ticker]:
            if not self._covered(channel, name):
                self._take(self._makers[channel](name, since), channel, name)
        self._followed[channel].add(ticker)

    def leave(self, channel: str, ticker: str) -> None:
        """Take a subscription back; what another one covers stays."""
        self._followed[channel].discard(ticker)
        self._heap = [w for w in self._heap if w.channel != channel or self._covered(channel, w.ticker)]
        heapq.heapify(self._heap)

    def due(self, until: int, most: int) -> list[bytes]:
        """The next events up to ``until`` (ns), at most ``most``, as JSON objects."""
        found: list[bytes] = []
        while self._heap and self._heap[0].at <= until and len(found) < most:
            first = heapq.heappop(self._heap)
            found.append(first.line)
            self._take(first.onward, first.channel, first.ticker)
        return found

    def next_at(self) -> int | None:
        """When the next event happens, ns; None when there is none left."""
        return self._heap[0].at if self._heap else None

    def _covered(self, channel: str, ticker: str) -> bool:
        return not self._followed[channel].isdisjoint({ticker, EVERY})

    def _take(self, source: Source, channel: str, ticker: str) -> None:
        found = next(source, None)
        if found is not None:
            heapq.heappush(self._heap, Waiting(found[0], ticker, channel, found[1], source))

    def _tickers(self) -> list[str]:
        with self._asking:
            traded = self._directory.market.daily(self._session)["T"].to_list()
            listed = self._directory.listings["ticker"].unique().to_list()
            return sorted({*traded, *(t for t in listed if self._directory.life(t, self._session) is not None)})

    def _ticks(
        self,
        ask: Callable[[str, date], pl.DataFrame],
        events: Callable[[str, pl.DataFrame], tuple[pl.Series, pl.DataFrame]],
        ticker: str,
        since: int,
    ) -> Source:
        place: int | None = None
        while True:
            with self._asking:
                frame = ask(ticker, self._session)
            if place is None:
                place = int(np.searchsorted(frame["sip_timestamp"].to_numpy(), since))
            frame = frame.slice(place, AT_HAND)
            if not frame.height:
                return
            written = _written(*events(ticker, frame))
            del frame  # only what is written stays at hand
            yield from written
            place += AT_HAND

    def _trades(self, ticker: str, since: int) -> Source:
        return self._ticks(self._directory.trades, trade_events, ticker, since)

    def _quotes(self, ticker: str, since: int) -> Source:
        return self._ticks(self._directory.quotes, quote_events, ticker, since)

    def _minutes(self, ticker: str, since: int) -> Source:
        with self._asking:
            found = self._directory.market.minutes(ticker, self._session)
        return self._bars("AM", ticker, found, 60_000, since)

    def _seconds(self, ticker: str, since: int) -> Source:
        with self._asking:
            found = second_bars(self._directory.trades(ticker, self._session), hours(self._session))
        return self._bars("A", ticker, found, 1_000, since)

    def _bars(self, channel: str, ticker: str, found: pl.DataFrame, width: int, since: int) -> Source:
        with self._asking:
            daily = self._directory.market.daily_of(ticker, self._session, self._session)
        regular = found.filter(pl.col("t") >= hours(self._session).open // MILLISECOND)["t"]
        opening = (int(regular[0]), float(daily["o"][0])) if daily.height and regular.len() else None
        return _after(*bar_events(channel, ticker, found, width, opening), since)

    def _bands(self, ticker: str, since: int) -> Source:
        with self._asking:
            trades = self._directory.trades(ticker, self._session)
            halts = self._directory.market.halts(self._session)
        # The stream says halts of Nasdaq's own stocks only.
        own = halts.filter(pl.col("ticker") == ticker, pl.col("market") == "NASDAQ").sort("halted_at")
        stops = list(own.select("halted_at", "resumed_at").iter_rows())
        found: list[Band] = bands(trades, stops, self._close_before(ticker), self._session, hours(self._session))
        tape = int(trades["tape"][0]) if trades["tape"].count() else None
        events = band_events(ticker, found, tape)
        return iter([(row["t"], encoded(row)) for row in events.filter(pl.col("t") >= since).iter_rows(named=True)])

    def _close_before(self, ticker: str) -> float | None:
        """The ticker's close in the session before, on the split basis of this one; None when it had none."""
        sessions = self._directory.sessions
        place = sessions.index(self._session)
        if not place:
            return None
        before = sessions[place - 1]
        with self._asking:
            bar = self._directory.market.daily_of(ticker, before, before)
            factor = self._directory.factor(ticker, before) / self._directory.factor(ticker, self._session)
        return float(bar["c"][0]) * factor if bar.height else None


def _written(at: pl.Series, rows: pl.DataFrame) -> Source:
    return zip(at.to_list(), lines(rows), strict=True)


def _after(at: pl.Series, rows: pl.DataFrame, since: int) -> Source:
    return _written(at.filter(at >= since), rows.filter(at >= since))
