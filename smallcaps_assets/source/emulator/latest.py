"""The market at the emulator's clock: the last session's bars of every ticker, and its last minute, trade and quote.

Days of all tickers come from the market's daily bars at once. What only a tape tells is made for one ticker at a time
when it is asked for, and kept: a few numbers, not the tape.
"""

from collections.abc import Iterable
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

import polars as pl

from smallcaps_assets.source.emulator.calendar import hours
from smallcaps_assets.source.emulator.market import Market
from smallcaps_assets.source.emulator.recent import Ticks

PRICES = ("o", "h", "l", "c", "vw")


class Day(NamedTuple):
    """A ticker's bar of the last session and of the one before it (members o h l c v vw); None: it did not trade."""

    bar: dict[str, Any] | None
    before: dict[str, Any] | None


class Last(NamedTuple):
    """What a ticker's tape of the last session ends with, rows of the market's schemas; None: there was none of it.

    ``early`` and ``late`` are the last prices of pre-market and after-hours trading.
    """

    minute: dict[str, Any] | None
    early: float | None
    late: float | None
    trade: dict[str, Any] | None
    quote: dict[str, Any] | None


class Latest:
    """The state after ``session``, the market's last; ``before`` is the session before it, None if there is none.

    ``active`` are the tickers listed now, ``factors`` what prices of ``before`` are multiplied with to be on today's
    split basis (1 for tickers it lacks).
    """

    def __init__(
        self,
        market: Market,
        session: date,
        before: date | None,
        active: Iterable[str],
        factors: dict[str, float],
        trades: Ticks,
        quotes: Ticks,
    ) -> None:
        self.market = market
        self.session = session
        self.before = before
        self.active = active
        self.factors = factors
        self.trades = trades
        self.quotes = quotes
        self.known: dict[str, Last] = {}

    @cached_property
    def days(self) -> dict[str, Day]:
        """All tickers that are listed or traded in the last session, in order."""
        now = _bars(self.market.daily(self.session))
        then = {} if self.before is None else _bars(self.market.daily(self.before))
        for ticker, factor in self.factors.items():
            if ticker in then:
                then[ticker] = _restated(then[ticker], factor)
        return {ticker: Day(now.get(ticker), then.get(ticker)) for ticker in sorted({*self.active, *now})}

    def last(self, ticker: str) -> Last:
        """What the ticker's tape of the last session ends with."""
        if ticker not in self.known:
            self.known[ticker] = self._last(ticker)
        return self.known[ticker]

    def _last(self, ticker: str) -> Last:
        clock = hours(self.session)
        minutes = self.market.minutes(ticker, self.session)
        early = minutes.filter(pl.col("t") < clock.open // 1_000_000)["c"]
        late = minutes.filter(pl.col("t") >= clock.close // 1_000_000)["c"]
        return Last(
            minute=_end(minutes),
            early=early[-1] if early.len() else None,
            late=late[-1] if late.len() else None,
            trade=_end(self.trades(ticker, self.session)),
            quote=_end(self.quotes(ticker, self.session)),
        )


def _bars(daily: pl.DataFrame) -> dict[str, dict[str, Any]]:
    members = ("o", "h", "l", "c", "v", "vw")
    return {row[0]: dict(zip(members, row[1:], strict=True)) for row in daily.select("T", *members).iter_rows()}


def _restated(bar: dict[str, Any], factor: float) -> dict[str, Any]:
    prices = {name: None if bar[name] is None else round(bar[name] * factor, 4) for name in PRICES}
    return {**bar, **prices, "v": round(bar["v"] / factor, 4)}


def _end(frame: pl.DataFrame) -> dict[str, Any] | None:
    return frame.row(-1, named=True) if frame.height else None
