"""The naive rule's signals and gains, by hand."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import sessions
from smallcaps_assets.reports.rule_marks import (
    BENCHMARK,
    equity,
    in_words,
    performance,
    signals,
    tradable,
    verdicts,
)

KEY = ["session", "row_of"]
MONDAY, WEDNESDAY = date(2024, 3, 4), date(2024, 3, 6)
SPAN = sessions.between(MONDAY, WEDNESDAY)
INSTANT = pl.Datetime("ns", "UTC")
ROWS = pl.DataFrame(
    {
        "session": [MONDAY, MONDAY, WEDNESDAY, WEDNESDAY],
        "row_of": [0, 1, 0, 1],
        "event_known_at": pl.Series([1, 1, 1, None], dtype=INSTANT),
        "known_at": pl.Series([1, 2, 11, 12], dtype=INSTANT),
        "label_ends_at": pl.Series([3, 4, 13, 14], dtype=INSTANT),
        "o_ret_gross": [0.03, -0.02, 0.03, 0.03],
        "o_ret_net": [0.02, -0.03, 0.02, 0.02],
        "upper": [0.03] * 4,
        "lower": [-0.02] * 4,
        "cost": [0.01] * 4,  # break-even at (0.02 + 0.01) / 0.05 = 0.6
    }
)


def forecasts(p_up: list[float], library: str = "lightgbm", **changed: Any) -> pl.DataFrame:
    frame = ROWS.select(*KEY).with_columns(
        p_up=pl.Series(p_up),
        p_down=1.0 - pl.Series(p_up),
        objective=pl.lit("binary"),
        library=pl.lit(library),
        fold=pl.lit(0, pl.Int64),
    )
    return frame.with_columns(**changed)


def bought(p_up: list[float], threshold: float | None = None, **changed: Any) -> list[tuple[str, date, int]]:
    found = signals(tradable(forecasts(p_up, **changed), ROWS, KEY), threshold, KEY)
    return found.filter(pl.col("panel") != BENCHMARK).select("panel", *KEY).rows()


def test_a_row_is_bought_from_its_break_even_on_and_hindsight_never() -> None:
    assert bought([0.6, 0.59, 0.99, 0.99]) == [("lightgbm binary", MONDAY, 0), ("lightgbm binary", WEDNESDAY, 0)]


def test_a_threshold_of_ones_own_replaces_the_break_even() -> None:
    assert len(bought([0.6, 0.59, 0.99, 0.99], threshold=0.59)) == 3
    assert bought([0.6, 0.59, 0.8, 0.99], threshold=0.9) == []


def test_the_chance_is_that_of_profit_given_a_touch_and_without_any_there_is_none() -> None:
    down = pl.Series([0.2, 0.3, 0.0, 0.0])
    assert bought([0.3, 0.3, 0.0, 0.3], p_down=down) == [("lightgbm binary", MONDAY, 0)]  # 0.3 of 0.5 is 0.6


def test_the_benchmark_buys_every_row_once_whatever_forecasts_it() -> None:
    both = pl.concat([forecasts([0.1] * 4), forecasts([0.9] * 4, library="xgboost")])
    found = signals(tradable(both, ROWS, KEY), None, KEY)
    assert found.group_by("panel").len().sort("panel").rows() == [(BENCHMARK, 3), ("xgboost binary", 3)]


def test_a_forecast_that_is_missing_doubled_or_of_two_folds_is_an_error() -> None:
    complete, other = forecasts([0.5] * 4), forecasts([0.5] * 4, library="xgboost")
    with pytest.raises(ValueError, match=r"each tested row of its fold once.*xgboost"):
        tradable(pl.concat([complete, other.head(3)]), ROWS, KEY)
    with pytest.raises(ValueError, match="each tested row of its fold once"):
        tradable(pl.concat([complete, complete.head(1)]), ROWS, KEY)
    with pytest.raises(ValueError, match="1 rows are tested by several folds"):
        tradable(pl.concat([complete, complete.head(1).with_columns(fold=pl.lit(1, pl.Int64))]), ROWS, KEY)
    with pytest.raises(ValueError, match="1 predictions have no training row"):
        tradable(complete, ROWS.head(3), KEY)


def test_a_fold_without_a_model_buys_nothing_there() -> None:
    later = (pl.col("session") == WEDNESDAY).cast(pl.Int64)
    complete = forecasts([0.9] * 4).with_columns(fold=later)
    half = forecasts([0.9] * 4, library="xgboost").with_columns(fold=later).filter(fold=0)
    found = signals(tradable(pl.concat([complete, half]), ROWS, KEY), None, KEY)
    assert found.group_by("panel").len().sort("panel")["len"].to_list() == [3, 3, 2]


def drawn(p_up: list[float]) -> tuple[pl.DataFrame, pl.DataFrame]:
    both = pl.concat([forecasts(p_up), forecasts([0.7, 0.7, 0.7, 0.7], library="xgboost")])
    found = signals(tradable(both, ROWS, KEY), None, KEY)
    gains = equity(found, ["lightgbm binary", "xgboost binary", BENCHMARK], SPAN)
    return gains, performance(found, gains, trials=4)


def test_gains_are_summed_by_session_and_those_without_signals_are_there_with_zero() -> None:
    gains, _ = drawn([0.6, 0.0, 0.7, 0.0])
    own = gains.filter(panel="lightgbm binary", series="net").select("label", "x", "value", "rows").rows()
    assert own == [("2024-03-04", 0.0, 0.02, 1), ("2024-03-05", 1.0, 0.0, 0), ("2024-03-06", 2.0, 0.02, 1)]
    every = gains.filter(panel=BENCHMARK, series="gross")
    assert every["value"].to_list() == pytest.approx([0.01, 0.0, 0.03])


def test_figures_of_a_rule_by_hand() -> None:
    _, performed = drawn([0.7, 0.7, 0.0, 0.0])
    net = dict(performed.filter(panel="lightgbm binary", series="net").select("label", "value").rows())
    assert (net["signals"], net["sessions"], net["most open at once"]) == (2, 3, 2)
    assert net["sum of gains"] == pytest.approx(-0.01)
    assert net["mean gain a signal"] == pytest.approx(-0.005)
    assert (net["share that gained"], net["worst drawdown"]) == (0.5, pytest.approx(0.01))
    assert net["Sharpe, yearly"] == pytest.approx(252**0.5 * -(3**-0.5))  # one loss of three sessions
    assert 0 < net["deflated Sharpe"] < 0.5
    benchmark = dict(performed.filter(panel=BENCHMARK, series="net").select("label", "value").rows())
    assert benchmark["deflated Sharpe"] is None  # nobody searched for it


@pytest.mark.parametrize(
    ("p_up", "series", "words"),
    [
        ([0.0] * 4, "gains", "Bought nothing: no forecast reached the threshold."),
        (
            [0.0, 0.7, 0.0, 0.0],
            "gains",
            "1 signals made -0.02 notionals before costs and -0.03 after: it loses even before",
        ),
        (
            [0.7, 0.7, 0.0, 0.0],
            "gains",
            "2 signals made +0.01 notionals before costs and -0.01 after: costs eat the gain.",
        ),
        ([0.7, 0.0, 0.7, 0.0], "gains", "2 signals made +0.06 notionals before costs and +0.04 after."),
        (
            [0.7, 0.0, 0.7, 0.0],
            "choice",
            "A signal made +2.00% after costs, a test row +0.33%: better chosen than buying",
        ),
        ([0.7, 0.7, 0.7, 0.0], "choice", "A signal made +0.33% after costs, a test row +0.33%: no better than buying"),
        (
            [0.7, 0.7, 0.0, 0.0],
            "luck",
            "The chance that it beats the best of as many worthless models is 2%, by 3 sessions: luck cannot be",
        ),
    ],
)
def test_what_the_gains_say_is_said_in_words(p_up: list[float], series: str, words: str) -> None:
    _, performed = drawn(p_up)
    (said,) = verdicts(performed).filter(panel="rule, lightgbm binary", series=series)["label"]
    assert said.startswith(words)


def test_the_rule_says_what_it_buys() -> None:
    assert "at least the chance at which the row's own bet breaks even after costs" in in_words(
        "walk_forward", None, 0, 0
    )
    assert "at least 0.55; it is held to the label's end" in in_words("walk_forward", 0.55, 0, 0)
    assert "1,200 of the span's 4,000 bars are censored" in in_words("walk_forward", None, 1200, 4000)
