"""How good a strategy's daily returns were, and how sure one may be of it.

Sources: Sharpe (1994); Sortino and Price (1994); Bailey and López de Prado (2012, 2014); AFML 14.

Returns are one number per exchange session, sessions without a trade included as 0: without them a strategy that trades
one day in five would show √5 of its Sharpe ratio. They are simple returns, net of costs, in excess of what cash earns
(nothing, for what is held only within the day). Ratios are a session's unless ``periods`` is given (252 annualises).
A ratio of returns that do not vary is not defined: NaN.
"""

from collections.abc import Sequence
from datetime import date
from math import e, nan, sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from smallcaps_assets.maths.arguments import Floats, above, at_least, equal_lengths, refuse_at, whole

EULER = 0.5772156649015329  # Euler and Mascheroni's constant
NORMAL = NormalDist()
Dates = npt.ArrayLike | Sequence[date]


def daily_returns(traded_on: Dates, pnl: npt.ArrayLike, equity: npt.ArrayLike, sessions: Dates) -> Floats:
    """Net profit and loss of each session over the equity it began with: float64[sessions], 0 without a trade.

    Args:
        traded_on: New York trade date of each trade, [n]; a trade of the after-market belongs to its own date.
        pnl: net of costs, USD, [n].
        equity: USD before the first session, to which each session's result is added; or, [sessions], what each
            session began with.
        sessions: the exchange's trade dates, rising, all of them from the first to the last.

    Raises:
        ValueError: a trade on a date that is no session, sessions that do not rise, a number that is not finite,
            equity that is not above 0 as a session begins, unequal lengths.

    >>> daily_returns(["2024-03-04", "2024-03-06"], [100.0, -55.0], 1000.0, ["2024-03-04", "2024-03-05", "2024-03-06"])
    array([ 0.1 ,  0.  , -0.05])
    """
    days, dates = _dates("sessions", sessions), _dates("traded_on", traded_on)
    refuse_at("sessions", days, _first(np.diff(days) <= np.timedelta64(0, "D"), 1), "is not after the one before it")
    results = _finite("pnl", pnl)
    equal_lengths(traded_on=dates, pnl=results)
    place = np.searchsorted(days, dates)
    known = np.zeros(len(dates), dtype=np.bool_)
    inside = place < len(days)
    known[inside] = days[place[inside]] == dates[inside]
    refuse_at("traded_on", dates, _first(~known), "is not among the sessions")
    earned = np.bincount(place, results, len(days))
    if np.ndim(equity) == 0:
        start = np.asarray(equity, dtype=np.float64) + np.cumsum(earned) - earned
    else:
        start = _finite("equity", equity)
        equal_lengths(equity=start, sessions=days)
    refuse_at("equity", start, _first(~((start > 0.0) & (start < np.inf))), "is not finite and above 0")
    return np.asarray(earned / start, dtype=np.float64)


def sharpe(returns: npt.ArrayLike, periods: float = 1.0) -> float:
    """√periods × mean over standard deviation (of a sample: n − 1).

    Raises:
        ValueError: a return that is not finite, or periods not above 0.

    >>> round(sharpe([0.01, 0.0, 0.02], 252), 6)  # √252 × 0.01/0.01
    15.874508
    """
    values = _finite("returns", returns)
    above("periods", periods, 0.0)
    if not _vary(values):
        return nan
    return sqrt(periods) * float(values.mean() / values.std(ddof=1))


def sortino(returns: npt.ArrayLike, periods: float = 1.0, target: float = 0.0) -> float:
    """√periods × mean excess over the target, over √(mean of min(return − target, 0)²) of all sessions.

    The sessions above the target count in the mean as 0, they are not left out. NaN where none is below it.

    Raises:
        ValueError: a return that is not finite, or periods not above 0.

    >>> round(sortino([0.03, -0.01, 0.01, 0.01]), 6)  # 0.01 over √(0.0001/4)
    2.0
    """
    values = _finite("returns", returns) - target
    above("periods", periods, 0.0)
    below = float(np.mean(np.minimum(values, 0.0) ** 2)) if len(values) else 0.0
    return sqrt(periods) * float(values.mean()) / sqrt(below) if below > 0.0 else nan


def probabilistic_sharpe(returns: npt.ArrayLike, benchmark: float = 0.0) -> float:
    """Chance that the true Sharpe ratio exceeds the benchmark, both a session's.

    Φ((SR − benchmark)·√(n − 1) / √(1 − γ₃·SR + (γ₄ − 1)/4·SR²)): γ₃ is the skewness, γ₄ the kurtosis, which is 3 (not
    0) for a normal distribution, both of the population (divided by n).

    Raises:
        ValueError: a return that is not finite.

    >>> round(probabilistic_sharpe([0.01, 0.0, 0.02, 0.01]), 6)  # SR √1.5, γ₃ 0, γ₄ 2: Φ(√4.5/√1.375)
    0.96478
    """
    values = _finite("returns", returns)
    if not _vary(values):
        return nan
    standard = (values - values.mean()) / values.std()
    skewness, kurtosis = float(np.mean(standard**3)), float(np.mean(standard**4))
    ratio = sharpe(values)
    spread = 1.0 - skewness * ratio + (kurtosis - 1.0) / 4.0 * ratio * ratio
    return NORMAL.cdf((ratio - benchmark) * sqrt(len(values) - 1) / sqrt(spread)) if spread > 0.0 else nan


def expected_maximum_sharpe(variance: float, trials: int) -> float:
    """The Sharpe ratio that the best of ``trials`` worthless strategies is expected to show; 0 for a single one.

    √variance × ((1 − γ)·Φ⁻¹(1 − 1/trials) + γ·Φ⁻¹(1 − 1/(trials·e))), γ = 0.5772: ``variance`` of the trials' Sharpe
    ratios (of a sample: n − 1), in the unit of the ratios squared.

    Raises:
        ValueError: a negative variance, or trials below 1.

    >>> round(expected_maximum_sharpe(1.0, 10), 6)
    1.574598
    """
    at_least("variance", variance, 0.0)
    count = whole("trials", trials, 1)
    if count == 1:
        return 0.0
    ends = NORMAL.inv_cdf(1.0 - 1.0 / count), NORMAL.inv_cdf(1.0 - 1.0 / (count * e))
    return sqrt(variance) * ((1.0 - EULER) * ends[0] + EULER * ends[1])


def deflated_sharpe(returns: npt.ArrayLike, *, variance: float, trials: int) -> float:
    """Chance that the true Sharpe ratio exceeds what the best of so many worthless trials would show.

    ``trials``: all that were tried, also those that were thrown away; ``variance`` of their Sharpe ratios, a session's.

    Raises:
        ValueError: as :func:`probabilistic_sharpe` and :func:`expected_maximum_sharpe`.

    >>> round(deflated_sharpe([0.01, 0.0, 0.02, 0.01], variance=0.2, trials=1), 6)
    0.96478
    >>> round(deflated_sharpe([0.01, 0.0, 0.02, 0.01], variance=0.2, trials=10), 6)  # Φ((√1.5 − 0.704)·√3/√1.375)
    0.77903
    """
    return probabilistic_sharpe(returns, expected_maximum_sharpe(variance, trials))


def _finite(name: str, values: npt.ArrayLike) -> Floats:
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} has {array.ndim} dimensions, not 1")
    refuse_at(name, array, _first(~np.isfinite(array)), "is not finite")
    return array


def _dates(name: str, values: Dates) -> npt.NDArray[np.datetime64]:
    dates = np.asarray(values, dtype="datetime64[D]")
    refuse_at(name, dates, _first(np.isnat(dates)), "is no date")
    return dates


def _first(bad: npt.NDArray[np.bool_], offset: int = 0) -> int:
    return int(np.argmax(bad)) + offset if bad.any() else -1


def _vary(values: Floats) -> bool:
    return len(values) > 1 and bool((values != values[0]).any())
