"""The chain from ticks to folds on recorded tapes: BAC and IBM on three sessions of October 2013."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets import sessions
from smallcaps_assets.dataset import Dataset, Run
from smallcaps_assets.datasets.barrier_labels import BarrierLabelsConfig, barrier_labels
from smallcaps_assets.datasets.carried_over import carried_over
from smallcaps_assets.datasets.event_quotes import event_quotes
from smallcaps_assets.datasets.event_trades import event_trades
from smallcaps_assets.datasets.imbalance_bars import ImbalanceBarsConfig, bars_conserve_the_tape, imbalance_bars
from smallcaps_assets.datasets.market_states import market_states
from smallcaps_assets.datasets.ml_splits import MlSplitsConfig, ml_splits, no_training_label_meets_a_test
from smallcaps_assets.datasets.news import news
from smallcaps_assets.datasets.sample_weights import sample_weights
from smallcaps_assets.datasets.training_rows import TrainingRowsConfig, prefix_stable, training_rows
from smallcaps_assets.partitions import WHOLE, Axis, Partition
from smallcaps_assets_tests.datasets.tape_rows import INSTANT, Schema
from smallcaps_assets_tests.real_tapes import Recorded
from smallcaps_assets_tests.shared import SHARED, needs_shared

DAYS = [date(2013, 10, day) for day in (7, 8, 9)]
PAIRS = [(ticker, day) for ticker in ("BAC", "IBM") for day in DAYS]
MINUTE = 60 * 10**9


def rows(made: Dataset, **inputs: Any) -> pl.DataFrame:
    letters = tuple(Partition(day, letter) for day in DAYS for letter in "BI")
    run = Run(made.name, (WHOLE,) if made.axis is Axis.WHOLE else letters)
    frame = pl.concat([contracts.conform(made.contract, part.frame) for part in made(run, **inputs)])
    verdict = contracts.verdict(made.contract, frame)
    assert verdict.passed, verdict.metadata
    return frame


@pytest.fixture(scope="module")
def lake() -> dict[str, pl.DataFrame]:
    known = [(t, d, k, sessions.hours(d).opens_at + m * MINUTE) for t, d in PAIRS for k, m in enumerate((5, 8, 60))]
    events = [
        {"session": d, "ticker": t, "event_id": f"{t}{d}{k}", "admitted": True, "known_at": at, "detector": "gap",
         "window_starts_at": at - 3 * MINUTE, "window_ends_at": at + 7 * MINUTE}
        for t, d, k, at in known
    ]  # fmt: skip
    minutes: Schema = {
        "session": pl.Date, "ticker": pl.String, "started_at": INSTANT, "open": pl.Float64, "high": pl.Float64,
        "low": pl.Float64, "close": pl.Float64, "volume": pl.Float64, "vwap": pl.Float64, "segment": pl.String,
    }  # fmt: skip
    keys = {"session": [d for _, d in PAIRS], "ticker": [t for t, _ in PAIRS]}
    daily = ("prior_close", "atr_14", "high_252", "low_252", "mean_volume_20")
    found = {"event_manifest": pl.DataFrame(events).with_columns(pl.col("^.*_at$").cast(INSTANT))}
    found["minute_bars"] = pl.DataFrame(schema=minutes)
    none = pl.lit(None, dtype=pl.Int64).alias("sessions_since_reverse_split")
    found["daily_metrics"] = pl.DataFrame(keys | dict.fromkeys(daily, 10.0), strict=False).with_columns(none)
    listed = pl.DataFrame(keys).with_columns(security_id="ticker", cap_class=pl.lit("large"), float_shares=pl.lit(1e9))
    unknown = {each.name: each.empty() for each in (market_states, carried_over, news)}
    return found | {"universe": listed} | unknown


@needs_shared
def test_recorded_tapes_give_bars_labels_weights_rows_and_splits(lake: dict[str, pl.DataFrame]) -> None:
    def of(*names: str) -> dict[str, pl.LazyFrame]:
        return {name: lake[name].lazy() for name in names}

    lake["event_trades"] = rows(event_trades, **of("event_manifest", "minute_bars"), polygon=Recorded(SHARED))
    lake["event_quotes"] = rows(event_quotes, **of("event_manifest"), polygon=Recorded(SHARED))
    ticks = of("event_manifest", "event_trades")
    lake["imbalance_bars"] = bars = rows(imbalance_bars, **ticks, config=ImbalanceBarsConfig())
    around = of("imbalance_bars", "event_quotes", "minute_bars")
    lake["barrier_labels"] = labels = rows(barrier_labels, **ticks, **around, config=BarrierLabelsConfig())
    lake["sample_weights"] = weights = rows(sample_weights, **of("barrier_labels", "imbalance_bars"))
    facts = of("barrier_labels", "sample_weights", "daily_metrics", "universe", "market_states", "carried_over", "news")
    inputs = ticks | around | facts
    lake["training_rows"] = trained = rows(training_rows, **inputs, config=TrainingRowsConfig())
    splits = rows(ml_splits, **of("training_rows"), config=MlSplitsConfig())

    assert bars["tape_starts_at"].n_unique() == 6
    assert 30 < bars["ticks"].mean() < 50  # type: ignore[operator]  # spec/algorithms.md: 28 to 38 over whole sessions
    assert labels.filter(~pl.col("censored")).height == weights.height
    assert (
        weights.group_by("session", "ticker", "barriers").agg(pl.col("weight").sum())["weight"].round(9).unique().item()
        == 1
    )
    assert trained["f_relative_spread"].null_count() == 0
    assert set(splits["scheme"]) == {"walk_forward", "purged_kfold", "combinatorial_purged"}
    for (day, ticker), part in bars.group_by("session", "ticker"):
        assert bars_conserve_the_tape(part, ticks).passed, (day, ticker)
        mine = trained.filter(session=day, ticker=ticker)
        assert prefix_stable(mine, inputs, TrainingRowsConfig()).passed, (day, ticker)
    assert no_training_label_meets_a_test(splits, of("training_rows")).passed
