"""Bars of events' tapes."""

from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.event_trades import event_trades
from smallcaps_assets.datasets.imbalance_bars import (
    ImbalanceBars,
    ImbalanceBarsConfig,
    bars_conserve_the_tape,
    imbalance_bars,
)
from smallcaps_assets.maths.tapes import with_tapes
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.tape_rows import SESSION, Row, Source, at, manifest, trade

G = Partition(SESSION, "G")
EVERY_TWO = ImbalanceBarsConfig(kind="threshold", measure="tick", threshold=2)
WINDOWS = manifest(("GEVO", "a", "10:00:00", "10:10:00"), ("GEVO", "b", "10:05:00", "10:15:00"))


def stored_trades(events: pl.DataFrame, trades: list[Row]) -> pl.DataFrame:
    run = Run("event_trades", (G,))
    (part,) = event_trades(run, event_manifest=events.lazy(), minute_bars=pl.LazyFrame(), polygon=Source(trades))
    return part.frame


def bars(trades: list[Row], config: ImbalanceBarsConfig = EVERY_TWO, events: pl.DataFrame = WINDOWS) -> Rows:
    stored = stored_trades(events, trades)
    run = Run("imbalance_bars", (G,))
    (part,) = imbalance_bars(run, event_manifest=events.lazy(), event_trades=stored.lazy(), config=config)
    frame = contracts.conform(ImbalanceBars, part.frame)
    assert contracts.verdict(ImbalanceBars, frame).passed
    verdict = bars_conserve_the_tape(frame, {"event_manifest": events.lazy(), "event_trades": stored.lazy()})
    assert verdict.passed
    return part._replace(frame=frame)


def test_overlapping_windows_are_one_tape_and_a_trade_in_both_counts_once() -> None:
    trades = [trade("GEVO", f"10:0{m}:00", 1.0 + m / 10) for m in range(4, 8)]
    frame = bars(trades).frame
    assert frame["ticks"].to_list() == [2, 2]
    assert frame["volume"].to_list() == [200.0, 200.0]
    assert frame["tape_starts_at"].cast(pl.Int64).unique().to_list() == [at("10:00:00")]


def test_windows_that_touch_are_one_tape_and_a_gap_makes_two_which_no_bar_crosses() -> None:
    trades = [trade("GEVO", "10:09:59", 1.0), trade("GEVO", "10:10:00", 1.1), trade("GEVO", "10:20:00", 1.2)]
    touching = manifest(("GEVO", "a", "10:00:00", "10:10:00"), ("GEVO", "b", "10:10:00", "10:30:00"))
    apart = manifest(("GEVO", "a", "10:00:00", "10:10:00"), ("GEVO", "b", "10:10:00.5", "10:30:00"))
    assert bars(trades, events=touching).frame["ticks"].to_list() == [2]
    gap = bars(trades, events=apart)
    assert gap.frame.is_empty()
    assert gap.metadata["tapes_without_bars"] == 2


def test_a_volume_only_trade_adds_its_size_at_the_price_before_it_and_sets_no_price_and_no_sign() -> None:
    trades = [
        trade("GEVO", "10:00:00", 0.5, 40.0, conditions=[37]),  # before the first price: no tick
        trade("GEVO", "10:00:01", 1.0, 100.0),
        trade("GEVO", "10:00:02", 1.1, 100.0),
        trade("GEVO", "10:00:03", 9.0, 10.0, conditions=[37]),
        trade("GEVO", "10:00:04", 1.2, 100.0),
        trade("GEVO", "10:00:05", 1.2, 70.0, conditions=[15]),  # updates nothing: no tick
    ]
    (bar,) = bars(trades, ImbalanceBarsConfig(kind="threshold", measure="volume", threshold=310)).frame.rows(named=True)
    assert (bar["open"], bar["high"], bar["low"], bar["close"]) == (1.0, 1.2, 1.0, 1.2)
    assert (bar["ticks"], bar["volume"], bar["buy_volume"], bar["sell_volume"]) == (4, 310.0, 210.0, 0.0)
    assert bar["dollars"] == pytest.approx(100.0 + 110.0 + 11.0 + 120.0)
    assert bar["closed_at"].timestamp() == at("10:00:04") / 1e9


def test_a_tape_with_fewer_ticks_than_the_warmup_has_no_bars_and_says_so() -> None:
    trades = [trade("GEVO", f"10:00:{s:02d}", 1.0 + s / 100, sequence_number=s) for s in range(60)]
    part = bars(trades, ImbalanceBarsConfig())
    assert part.frame.is_empty()
    assert part.metadata == {"tapes": 1, "tapes_without_bars": 1, "without_bars": ["GEVO"]}
    assert bars(trades, ImbalanceBarsConfig(warmup=10, expected_ticks=20)).frame.height > 0


@pytest.mark.parametrize(
    ("config", "ticks"),
    [
        # flows of 100 shares: 0, +, -, -, +, +
        (ImbalanceBarsConfig(kind="fixed", measure="volume", threshold=200), []),
        (ImbalanceBarsConfig(kind="fixed", measure="volume", threshold=100), [2, 1, 1, 1, 1]),
        (ImbalanceBarsConfig(kind="threshold", measure="volume", threshold=300), [3, 3]),
        (ImbalanceBarsConfig(kind="imbalance", measure="tick", warmup=5, max_ticks=6), [6]),
    ],
)
def test_the_kind_and_the_measure_are_configured(config: ImbalanceBarsConfig, ticks: list[int]) -> None:
    prices = [1.0, 1.1, 1.0, 0.9, 1.0, 1.1]
    trades = [trade("GEVO", f"10:00:0{s}", price, sequence_number=s) for s, price in enumerate(prices)]
    assert bars(trades, config).frame["ticks"].to_list() == ticks


def test_partitions_without_events_are_empty() -> None:
    run = Run("imbalance_bars", (Partition(SESSION, "F"), G))
    stored = stored_trades(WINDOWS, [trade("GEVO", "10:00:00", 1.0)])
    parts = list(imbalance_bars(run, event_manifest=WINDOWS.lazy(), event_trades=stored.lazy(), config=EVERY_TWO))
    assert [(part.partition.letter, part.frame.height) for part in parts] == [("F", 0), ("G", 0)]
    assert parts[0].metadata == {"tapes": 0}


def test_bars_that_do_not_conserve_the_tape_fail() -> None:
    trades = [trade("GEVO", f"10:0{m}:00", 1.0 + m / 10) for m in range(4, 8)]
    inputs = {"event_manifest": WINDOWS.lazy(), "event_trades": stored_trades(WINDOWS, trades).lazy()}
    frame = bars(trades).frame
    assert bars_conserve_the_tape(frame.clear(), inputs).passed
    assert not bars_conserve_the_tape(frame.with_columns(volume=pl.col("volume") + 1), inputs).passed
    assert not bars_conserve_the_tape(frame.with_columns(ticks=pl.col("ticks") + 1), inputs).passed
    assert not bars_conserve_the_tape(frame, inputs | {"event_trades": stored_trades(WINDOWS, []).lazy()}).passed


@pytest.mark.parametrize(
    "broken",
    [{"volume": -1.0}, {"high": 0.9}, {"buy_volume": 999.0}, {"imbalance": -1e6}, {"opened_at": at("09:00:00")}],
)
def test_the_contract_refuses(broken: dict[str, Any]) -> None:
    frame = bars([trade("GEVO", f"10:0{m}:00", 1.0 + m / 10) for m in range(4, 8)]).frame
    changed = frame.with_columns(pl.lit(value).cast(frame.schema[name]).alias(name) for name, value in broken.items())
    assert not contracts.verdict(ImbalanceBars, changed).passed


def test_a_window_inside_another_owns_nothing() -> None:
    nested = with_tapes(manifest(("GEVO", "a", "10:00:00", "10:30:00"), ("GEVO", "b", "10:05:00", "10:15:00")))
    assert (nested["owned_from"].cast(pl.Int64) - at("10:00:00")).to_list() == [0, 1800 * 10**9]
