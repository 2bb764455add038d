"""Each branch of the daily events at its boundary, worked by hand."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from smallcaps_assets.contract import conform, verdict
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.daily_events import DailyEvents, DailyRules, daily_events
from smallcaps_assets.partitions import Partition

SESSION = date(2024, 1, 16)
# prior close 10.00, usual volume 100,000, lowest low of five sessions 9.00, 88th percentile of true range 50 %
QUIET_BAR = {"open": 10.0, "high": 10.2, "low": 9.9, "close": 10.1, "volume": 100_000.0}
METRICS = {
    "prior_close": 10.0, "mean_volume_20": 100_000.0, "low_5": 9.0, "true_range_pct_p88": 0.5, "sessions_before": 120,
    "duplicate_of": None,
}  # fmt: skip


def run_on(bar: dict[str, float], session: date = SESSION, members: bool = True, **metrics: Any) -> pl.DataFrame:
    key = {"session": session, "ticker": "GEVO"}
    universe = pl.DataFrame({**{name: [v] for name, v in key.items()}, "security_id": ["BBG1"], "member": [True]})
    (part,) = daily_events(
        Run("daily_events", (Partition(session),)),
        daily_bars=pl.LazyFrame([{**key, **QUIET_BAR, **bar}]),
        daily_metrics=pl.LazyFrame(
            [{**key, **METRICS, **metrics}],
            schema_overrides={
                "low_5": pl.Float64,
                "true_range_pct_p88": pl.Float64,
                "mean_volume_20": pl.Float64,
                "duplicate_of": pl.String,
            },
        ),
        universe=universe.lazy() if members else universe.clear().lazy(),
        config=DailyRules(),
    )
    rows = conform(DailyEvents, part.frame)
    assert verdict(DailyEvents, rows).passed
    return rows


def branches_of(bar: dict[str, float], **metrics: Any) -> list[str]:
    rows = run_on(bar, **metrics)
    return list(rows["branches"][0]) if rows.height else []


def test_a_quiet_day_is_no_event() -> None:
    assert branches_of({}) == []


@pytest.mark.parametrize(
    ("open_", "volume", "expected"),
    [
        (10.5, 200_000, ["gap_play"]),
        (10.49, 200_000, []),
        (10.5, 199_999, []),
        (9.5, 200_000, []),  # a gap down is not a gap play
    ],
)
def test_a_gap_play_gaps_5_percent_on_twice_the_volume(open_: float, volume: float, expected: list[str]) -> None:
    assert branches_of({"open": open_, "high": 10.6, "low": 9.4, "volume": volume}) == expected


def test_a_gap_of_exactly_5_percent_counts_although_binary_fractions_fall_short() -> None:
    bar = {"open": 1.0815, "high": 1.1, "low": 1.05, "close": 1.09, "volume": 600_000.0}
    assert 1.0815 / 1.03 - 1 < 0.05
    assert branches_of(bar, prior_close=1.03, low_5=1.0) == ["gap_play", "volume_without_gap"]


@pytest.mark.parametrize(
    ("high", "volume", "expected"), [(13.0, 200_000, ["range_explosion"]), (12.99, 200_000, []), (13.0, 199_999, [])]
)
def test_a_range_explosion_spans_30_percent_of_the_open(high: float, volume: float, expected: list[str]) -> None:
    assert branches_of({"high": high, "low": 10.0, "volume": volume}) == expected


@pytest.mark.parametrize(
    ("open_", "volume", "expected"),
    [(10.2, 500_000, ["volume_without_gap"]), (10.19, 500_000, []), (10.2, 499_999, [])],
)
def test_volume_without_gap_needs_five_times_the_volume_and_2_percent(
    open_: float, volume: float, expected: list[str]
) -> None:
    assert branches_of({"open": open_, "volume": volume}) == expected


@pytest.mark.parametrize(
    ("p88", "volume", "expected"),
    [(0.1, 180_000, ["atr_breakout"]), (0.1001, 180_000, []), (0.1, 179_999, []), (None, 180_000, [])],
)
def test_an_atr_breakout_reaches_its_own_88th_percentile(p88: float | None, volume: float, expected: list[str]) -> None:
    # true range: 11.0 − 10.0 prior close = 1.0, which is 10 %; high − low is only 0.9
    bar = {"open": 10.1, "high": 11.0, "low": 10.1, "close": 10.9, "volume": volume}
    assert branches_of(bar, true_range_pct_p88=p88) == expected


@pytest.mark.parametrize(
    ("low", "close", "volume", "expected"),
    [
        (7.2, 8.1, 250_000, ["flush_reversal"]),
        (7.21, 8.1, 250_000, []),
        (7.2, 8.0, 250_000, []),  # close = open has no direction
        (7.2, 8.1, 249_999, []),
    ],
)
def test_a_flush_reversal_undercuts_80_percent_and_closes_up(
    low: float, close: float, volume: float, expected: list[str]
) -> None:
    assert branches_of({"open": 8.0, "high": 8.2, "low": low, "close": close, "volume": volume}) == expected


@pytest.mark.parametrize(("volume", "count"), [(600_000, 1), (599_999, 0)])
def test_an_event_trades_600_000_dollars(volume: float, count: int) -> None:
    bar = {"open": 1.1, "high": 1.2, "low": 0.9, "close": 1.0, "volume": volume}
    assert run_on(bar, prior_close=1.0, low_5=0.9).height == count


@pytest.mark.parametrize(("before", "count"), [(120, 1), (119, 0)])
def test_an_event_has_120_sessions_of_history(before: int, count: int) -> None:
    assert run_on({"open": 10.5, "high": 10.6, "volume": 200_000}, sessions_before=before).height == count


def test_an_unknown_usual_volume_is_no_event() -> None:
    assert run_on({"open": 12.0, "high": 12.6, "volume": 900_000}, mean_volume_20=None).height == 0


def test_an_event_is_known_at_an_early_close() -> None:
    rows = run_on({"open": 10.5, "high": 10.6, "close": 10.25, "volume": 200_000}, session=date(2024, 7, 3))
    assert rows["known_at"].to_list() == [datetime(2024, 7, 3, 17, 0, tzinfo=UTC)]
    assert rows.select("direction", "gap_pct", "rvol", "dollar_volume", "security_id", "member").rows() == [
        ("down", 5.0, 2.0, 2_050_000.0, "BBG1", True)
    ]


def test_a_ticker_outside_the_universe_keeps_its_event_and_is_no_member() -> None:
    rows = run_on({"open": 10.5, "high": 10.6, "volume": 200_000}, members=False)
    assert rows.select("security_id", "member").rows() == [(None, False)]


def test_an_unknown_branch_breaks_the_contract() -> None:
    rows = run_on({"open": 10.5, "high": 10.6, "volume": 200_000})
    wrong = rows.with_columns(branches=pl.Series([["moonshot"]]))
    assert not verdict(DailyEvents, wrong).passed
    assert not verdict(DailyEvents, rows.with_columns(branches=pl.Series([[]], dtype=pl.List(pl.String)))).passed
