"""What routes ask of a market again and again: its end, the lives of a ticker, its split factors. Computed once."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

import polars as pl

from smallcaps_assets.source.emulator.instants import nanoseconds
from smallcaps_assets.source.emulator.latest import PRICES, Latest
from smallcaps_assets.source.emulator.market import Market
from smallcaps_assets.source.emulator.plans import FIRST_DATE, LAST_DATE, Plan
from smallcaps_assets.source.emulator.ratios import ratios
from smallcaps_assets.source.emulator.recent import Recent
from smallcaps_assets.source.emulator.relatives import Relatives

TICK_ROWS = 1_500_000  # about 200 MB of trades


@dataclass(frozen=True)
class Life:
    """A ticker's time as the name of one security: first session, and the first session it no longer is (or None)."""

    listed: date
    delisted: date | None
    row: dict[str, Any]

    def covers(self, session: date) -> bool:
        """Whether the ticker named this security in the session."""
        return self.listed <= session and (self.delisted is None or session < self.delisted)


class Directory:
    """A market with the look-ups its routes share. Immutable: everything is derived from the market."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.trades = Recent(market.trades, TICK_ROWS)
        self.quotes = Recent(market.quotes, TICK_ROWS)
        self.short_volume = lru_cache(maxsize=2)(self._short_volume)
        self.restated = lru_cache(maxsize=8)(self._restated)

    @cached_property
    def sessions(self) -> list[date]:
        """All sessions, ascending."""
        return self.market.sessions()

    @cached_property
    def today(self) -> date:
        """The emulator's date: its market's last session, complete. A market without sessions has no date."""
        return self.sessions[-1]

    def served(self, plan: Plan) -> tuple[date, date]:
        """First and last date of which the plan serves bars and ticks; a market without sessions bounds nothing."""
        return (plan.first(self.today), plan.last(self.today)) if self.sessions else (FIRST_DATE, LAST_DATE)

    @cached_property
    def listings(self) -> pl.DataFrame:
        """The market's listings."""
        return self.market.listings()

    @cached_property
    def splits(self) -> pl.DataFrame:
        """The market's splits, as listed."""
        return self.market.splits()

    @cached_property
    def dividends(self) -> pl.DataFrame:
        """The market's dividends."""
        return self.market.dividends()

    @cached_property
    def short_interest(self) -> pl.DataFrame:
        """The market's short interest."""
        return self.market.short_interest()

    @cached_property
    def float_shares(self) -> pl.DataFrame:
        """The market's floats."""
        return self.market.float_shares()

    @cached_property
    def financials(self) -> pl.DataFrame:
        """The market's financial statements."""
        return self.market.financials()

    @cached_property
    def ratios(self) -> pl.DataFrame:
        """Financial ratios of today."""
        return ratios(self.market, self.sessions, self.listings, self.financials)

    @cached_property
    def companies(self) -> dict[str, str]:
        """Names by CIK, of the security listed first."""
        named = self.listings.drop_nulls("cik").sort("list_date").unique("cik", keep="first", maintain_order=True)
        return dict(named.select("cik", "name").iter_rows())

    @cached_property
    def ipos(self) -> pl.DataFrame:
        """The market's initial public offerings."""
        return self.market.ipos()

    @cached_property
    def active(self) -> list[str]:
        """Tickers listed today."""
        return [ticker for ticker in self._lives if self.life(ticker, self.today)]

    @cached_property
    def relatives(self) -> Relatives:
        """Which tickers moved alike lately."""
        return Relatives(self.market, self.sessions, self.active, self.restated)

    @cached_property
    def news(self) -> pl.DataFrame:
        """The market's news, with its time in ns as ``published``."""
        frame = self.market.news()
        published = pl.Series("published", [nanoseconds(text) for text in frame["published_utc"]], dtype=pl.Int64)
        return frame.with_columns(published)

    @cached_property
    def _lives(self) -> dict[str, list[Life]]:
        lives: dict[str, list[Life]] = {}
        for row in self.listings.sort("listed").iter_rows(named=True):
            lives.setdefault(row["ticker"], []).append(Life(row["listed"], row["delisted"], row))
        return lives

    def lives(self, ticker: str) -> list[Life]:
        """The securities this ticker named, in time order; empty for an unknown ticker."""
        return self._lives.get(ticker, [])

    def lives_of_figi(self, figi: str) -> list[Life]:
        """The names of one security in time order, by composite FIGI."""
        found = [life for lives in self._lives.values() for life in lives if life.row["composite_figi"] == figi]
        return sorted(found, key=lambda life: life.listed)

    def life(self, ticker: str, session: date) -> Life | None:
        """The security this ticker named in the session."""
        return next((life for life in self.lives(ticker) if life.covers(session)), None)

    @cached_property
    def latest(self) -> Latest:
        """The market at the emulator's clock."""
        before = self.sessions[-2] if len(self.sessions) > 1 else None
        factors = self.restated(before) if before else {}
        return Latest(self.market, self.today, before, self.active, factors, self.trades, self.quotes)

    def may_trade(self, ticker: str, session: date) -> bool:
        """Whether the market is worth asking: no for a session outside a known ticker's lives.

        A ticker no list has may have bars all the same, as on the real service.
        """
        return not self.lives(ticker) or self.life(ticker, session) is not None

    def between(self, first: date, last: date) -> list[date]:
        """Sessions from ``first`` to ``last``, both inclusive."""
        return self.sessions[bisect_left(self.sessions, first) : bisect_right(self.sessions, last)]

    def session_before(self, day: date) -> date | None:
        """The last session on or before ``day``."""
        place = bisect_right(self.sessions, day)
        return self.sessions[place - 1] if place else None

    @cached_property
    def _splits(self) -> dict[str, list[tuple[date, float]]]:
        """Executed splits of a ticker, latest first; of contradictory rows of one date the first listed counts."""
        executed = self.splits.filter(pl.col("execution_date") <= self.today)
        once = executed.unique(["ticker", "execution_date"], keep="first", maintain_order=True)
        found: dict[str, list[tuple[date, float]]] = {}
        for ticker, on, before, after in (
            once.sort("execution_date", descending=True)
            .select("ticker", "execution_date", "split_from", "split_to")
            .iter_rows()
        ):
            found.setdefault(ticker, []).append((on, before / after))
        return found

    def splits_of(self, ticker: str) -> list[tuple[date, float]]:
        """(execution date, price factor) of the ticker's splits up to today, latest first."""
        return self._splits.get(ticker, [])

    def factor(self, ticker: str, session: date) -> float:
        """What a raw price of the session is multiplied with to be on today's split basis."""
        life = self.life(ticker, session)
        until = life.delisted if life else None
        product = 1.0
        for on, ratio in self.splits_of(ticker):
            if session < on and (until is None or on < until):
                product *= ratio
        return product

    def factors(self, ticker: str, sessions: list[date]) -> list[float]:
        """``factor`` for many sessions in any order."""
        if not self.splits_of(ticker):
            return [1.0] * len(sessions)
        return [self.factor(ticker, session) for session in sessions]

    def _restated(self, session: date) -> dict[str, float]:
        """Tickers whose bars of the session are on another split basis than today's, with their factor."""
        later = [ticker for ticker, known in self._splits.items() if session < known[0][0]]
        found = {ticker: self.factor(ticker, session) for ticker in later}
        return {ticker: factor for ticker, factor in found.items() if factor != 1.0}

    def _short_volume(self, first: date, last: date) -> pl.DataFrame:
        """Off-exchange short volume of all sessions between two dates."""
        frames = [self.market.short_volume(session) for session in self.between(first, last)]
        return pl.concat(frames) if frames else self.market.short_volume(first)


def restated(frame: pl.DataFrame, factor: pl.Expr) -> pl.DataFrame:
    """Bars on another split basis: prices and vw times ``factor`` to 4 decimals, volume divided by it, n unchanged.

    Rows whose factor is 1 keep every digit.
    """
    changed = factor != 1.0
    return frame.with_columns(
        *(pl.when(changed).then((pl.col(p) * factor).round(4)).otherwise(pl.col(p)).alias(p) for p in PRICES),
        pl.when(changed).then((pl.col("v") / factor).round(4)).otherwise(pl.col("v")).alias("v"),
    )
