"""Ratios of daily returns: worked by hand, beside the vectors, and why peers differ from us."""

import json
from datetime import date
from math import isnan, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from smallcaps_assets.maths.performance import (
    daily_returns,
    deflated_sharpe,
    expected_maximum_sharpe,
    probabilistic_sharpe,
    sharpe,
    sortino,
)
from smallcaps_assets_tests.shared import SHARED, needs_shared

WEEK = [date(2024, 3, day) for day in (4, 5, 6, 7, 8)]
RETURNS = st.lists(st.integers(-100, 100), min_size=3, max_size=40).map(lambda values: np.array(values) / 1000)
Returns = np.typing.NDArray[np.float64]


def test_a_session_without_a_trade_is_a_return_of_zero_and_trades_of_a_date_add_up() -> None:
    traded = [date(2024, 3, 7), date(2024, 3, 4), date(2024, 3, 7)]
    # 1,000 USD: + 100, then − 55 + 11 on 1,100 USD
    assert daily_returns(traded, [-55.0, 100.0, 11.0], 1000.0, WEEK).tolist() == [0.1, 0.0, 0.0, -0.04, 0.0]
    assert daily_returns([], [], 1000.0, WEEK).tolist() == [0.0] * 5
    assert daily_returns([], [], 1000.0, []).tolist() == []


def test_equity_may_be_given_as_each_session_began_with_it() -> None:
    found = daily_returns([WEEK[0], WEEK[1]], [10.0, 10.0], [100.0, 200.0, 200.0, 200.0, 200.0], WEEK)
    assert found.tolist() == [0.1, 0.05, 0.0, 0.0, 0.0]


def test_leaving_out_the_idle_sessions_would_flatter() -> None:
    every = daily_returns([WEEK[0], WEEK[2]], [1.0, 2.0], [100.0] * 5, WEEK)
    # 1 %, 0, 2 %, 0, 0: mean 0.6 %, variance (0.16 + 0.36 + 1.96 + 0.36 + 0.36)/4 = 0.8 (%²)
    assert sharpe(every) == pytest.approx(0.6 / sqrt(0.8))
    assert sharpe(every[every != 0]) == pytest.approx(1.5 / sqrt(0.5))


def test_sharpe_and_sortino_of_four_returns_by_hand() -> None:
    returns = [0.02, -0.01, 0.0, 0.03]
    # mean 1 %, deviations 1, −2, −1, 2: variance 10/3; below zero only −1: mean square 1/4
    assert sharpe(returns) == pytest.approx(1 / sqrt(10 / 3))
    assert sharpe(returns, 252) == pytest.approx(sqrt(252) / sqrt(10 / 3))
    assert sortino(returns) == pytest.approx(1 / sqrt(1 / 4))
    assert sortino(returns, 252) == pytest.approx(2 * sqrt(252))
    # above 1 % the mean is 0
    assert sortino(returns, target=0.01) == pytest.approx(0.0, abs=1e-15)


def test_the_probability_of_skill_is_the_normal_one_where_the_moments_are_normal() -> None:
    returns = [0.01, 0.0, 0.02, 0.01]  # SR √1.5, skewness 0, kurtosis 2
    assert probabilistic_sharpe(returns) == pytest.approx(NormalDist().cdf(sqrt(1.5) * sqrt(3) / sqrt(1 + 1.5 / 4)))
    assert probabilistic_sharpe(returns, sqrt(1.5)) == pytest.approx(0.5)


def test_the_best_of_worthless_trials_is_expected_to_look_good() -> None:
    assert expected_maximum_sharpe(4.0, 1) == 0.0
    # two trials: (1 − γ)·Φ⁻¹(½) = 0, γ·Φ⁻¹(1 − 1/2e) = 0.5772157 × 0.8999718
    assert expected_maximum_sharpe(4.0, 2) == pytest.approx(2 * 0.5772157 * NormalDist().inv_cdf(1 - 1 / (2 * np.e)))
    best = np.random.default_rng(0).normal(size=(4000, 100)).max(axis=1).mean()
    assert expected_maximum_sharpe(1.0, 100) == pytest.approx(best, abs=0.03)
    grows = [expected_maximum_sharpe(1.0, trials) for trials in (1, 2, 3, 10, 1000)]
    assert grows == sorted(grows)


def test_more_trials_deflate_more() -> None:
    returns = np.random.default_rng(1).normal(0.001, 0.01, 250)
    found = [deflated_sharpe(returns, variance=0.005, trials=trials) for trials in (1, 2, 10, 100)]
    assert found[0] == probabilistic_sharpe(returns)
    assert found == sorted(found, reverse=True)
    assert deflated_sharpe(returns, variance=0.0, trials=100) == found[0]


def test_what_is_not_defined_is_nan() -> None:
    for returns in ([], [0.01], [0.1, 0.1, 0.1]):
        assert isnan(sharpe(returns))
        assert isnan(probabilistic_sharpe(returns))
        assert isnan(deflated_sharpe(returns, variance=1.0, trials=2))
        assert isnan(sortino(returns))
    assert isnan(sortino([0.01, 0.0]))


def test_bad_arguments_are_refused_by_name_and_place() -> None:
    with pytest.raises(ValueError, match=r"traded_on\[1\] = 2024-03-09 is not among the sessions"):
        daily_returns([WEEK[0], date(2024, 3, 9)], [1.0, 1.0], 100.0, WEEK)
    with pytest.raises(ValueError, match=r"traded_on\[0\] = 2024-03-05 is not among"):
        daily_returns([WEEK[1]], [1.0], 100.0, [WEEK[0], WEEK[2]])
    with pytest.raises(ValueError, match=r"sessions\[1\] = 2024-03-04 is not after"):
        daily_returns([], [], 100.0, [WEEK[1], WEEK[0]])
    with pytest.raises(ValueError, match=r"sessions\[0\] = NaT is no date"):
        daily_returns([], [], 100.0, ["NaT"])
    with pytest.raises(ValueError, match=r"equity\[2\] = -20\.0 is not finite and above 0"):
        daily_returns([WEEK[1]], [-120.0], 100.0, WEEK)
    with pytest.raises(ValueError, match="unequal lengths: equity has 1, sessions has 5"):
        daily_returns([], [], [100.0], WEEK)
    with pytest.raises(ValueError, match="unequal lengths: traded_on has 1, pnl has 2"):
        daily_returns([WEEK[0]], [1.0, 2.0], 100.0, WEEK)
    for ratio in (sharpe, sortino, probabilistic_sharpe):
        with pytest.raises(ValueError, match=r"returns\[1\] = inf is not finite"):
            ratio([0.0, float("inf")])
        with pytest.raises(ValueError, match="returns has 2 dimensions"):
            ratio([[0.0], [1.0]])
    with pytest.raises(ValueError, match="periods is 0"):
        sharpe([0.0, 1.0], 0.0)
    with pytest.raises(ValueError, match="variance is -1"):
        expected_maximum_sharpe(-1.0, 2)
    with pytest.raises(ValueError, match="trials is 0"):
        expected_maximum_sharpe(1.0, 0)


@settings(max_examples=80, deadline=None)
@given(RETURNS, st.floats(0.1, 10.0))
def test_ratios_know_no_scale_and_turn_with_the_sign(returns: Returns, scale: float) -> None:
    ratio = sharpe(returns)
    if isnan(ratio):
        return
    assert sharpe(returns * scale) == pytest.approx(ratio, abs=1e-9)
    assert sharpe(-returns) == pytest.approx(-ratio, abs=1e-12)
    assert sharpe(returns, 252) == pytest.approx(ratio * sqrt(252))
    chance = probabilistic_sharpe(returns)
    assert 0.0 <= chance <= 1.0
    assert probabilistic_sharpe(-returns) == pytest.approx(1 - chance, abs=1e-9)
    assert (chance > 0.5) == (ratio > 0) or chance == pytest.approx(0.5)
    down = sortino(returns)
    assert isnan(down) or np.sign(down) == np.sign(returns.mean())


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    stated: dict[str, Any] = json.loads((SHARED / "refvec/stats/stats.json").read_text())
    return stated


@pytest.fixture(scope="module")
def table() -> Any:
    return np.load(SHARED / "refvec/stats/returns_240x10.npy")


@needs_shared
def test_the_vectors_have_the_same_ratios(vectors: dict[str, Any], table: Any) -> None:
    returns, ratios = table[:, 3], np.array([sharpe(column) for column in table.T])
    assert sharpe(returns) == pytest.approx(vectors["sr"], abs=1e-15)
    assert stats.skew(returns) == pytest.approx(vectors["skew"])
    assert stats.kurtosis(returns, fisher=False) == pytest.approx(vectors["kurt"])
    for peer in ("oracle", "risklabai", "pymlfinance_nonexcess"):
        assert probabilistic_sharpe(returns) == pytest.approx(vectors["psr0"][peer], abs=1e-14)
    variance = ratios.var(ddof=1)
    assert expected_maximum_sharpe(variance, 10) == pytest.approx(vectors["emax"]["oracle_ddof1"], abs=1e-15)
    deflated = deflated_sharpe(returns, variance=variance, trials=10)
    assert deflated == pytest.approx(vectors["dsr"]["oracle"], abs=1e-14)


@needs_shared
def test_where_peers_differ_it_is_by_these_conventions(vectors: dict[str, Any], table: Any) -> None:
    returns, ratios = table[:, 3], np.array([sharpe(column) for column in table.T])
    maximum = expected_maximum_sharpe(ratios.var(ddof=1), 10)

    def chance(ratio: float, benchmark: float, skewness: float, kurtosis: float) -> float:
        spread = 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2
        return NormalDist().cdf((ratio - benchmark) * sqrt(239) / sqrt(spread))

    # RiskLabAI: the variance of the trials is the population's
    assert expected_maximum_sharpe(ratios.var(), 10) == pytest.approx(vectors["emax"]["risklabai"], abs=1e-15)
    # pymlfinance takes what it calls excess kurtosis for the whole: given 12 for 15 it is too sure
    excess = (vectors["sr"], vectors["skew"], vectors["kurt"] - 3)
    assert chance(excess[0], 0.0, *excess[1:]) == pytest.approx(vectors["psr0"]["pymlfinance_excess"], abs=1e-14)
    assert chance(excess[0], maximum, *excess[1:]) == pytest.approx(vectors["dsr"]["pymlfinance"], abs=1e-14)
    # purgedcv: moments corrected for bias, and the ratio over the population's deviation
    ratio = float(returns.mean() / returns.std())
    moments = stats.skew(returns, bias=False), stats.kurtosis(returns, fisher=False, bias=False)
    assert chance(ratio, 0.0, *moments) == pytest.approx(vectors["psr0"]["purgedcv"], abs=1e-12)
