"""Companies that move alike: what the service derives from news and returns, the emulator derives from returns."""

from collections.abc import Callable
from datetime import date

import numpy as np
from numpy.typing import NDArray

from smallcaps_assets.source.emulator.market import Market

SESSIONS = 61  # sixty returns
FEWEST = 3  # common returns of two tickers that say anything
MOST = 10


class Relatives:
    """Correlations of log returns over the market's last sessions, of the tickers in ``active``.

    ``restated`` gives the tickers whose prices of a session are on another split basis, with their factor.
    """

    def __init__(
        self, market: Market, sessions: list[date], active: list[str], restated: Callable[[date], dict[str, float]]
    ) -> None:
        self.place = {ticker: row for row, ticker in enumerate(sorted(active))}
        closes = np.full((len(self.place), len(sessions[-SESSIONS:])), np.nan)
        for column, session in enumerate(sessions[-SESSIONS:]):
            factors = restated(session)
            for ticker, close in market.daily(session).select("T", "c").iter_rows():
                if (row := self.place.get(ticker)) is not None:
                    closes[row, column] = close * factors.get(ticker, 1.0)
        self.returns = np.diff(np.log(closes), axis=1)

    def of(self, ticker: str) -> list[str]:
        """Up to ten tickers that moved most like this one, closest first; none for an unknown one."""
        row = self.place.get(ticker)
        if row is None:
            return []
        alike = _correlations(self.returns[row], self.returns)
        alike[row] = 0.0
        closest = np.argsort(-alike, kind="stable")[:MOST]
        tickers = list(self.place)
        return [tickers[other] for other in closest if alike[other] > 0]


def _correlations(one: NDArray[np.float64], many: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of one row with each of many over what both have; 0 where that is too little or does not vary."""
    both = ~np.isnan(one) & ~np.isnan(many)
    count = both.sum(axis=1)
    x, y = np.where(both, one, 0.0), np.where(both, many, 0.0)
    number = np.maximum(count, 1)
    x, y = (np.where(both, side - (side.sum(axis=1) / number)[:, None], 0.0) for side in (x, y))
    spread = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    enough = (count >= FEWEST) & (spread > 1e-12)
    return np.where(enough, (x * y).sum(axis=1) / np.where(enough, spread, 1.0), 0.0)
