"""Bars, labels and weights do not depend on what is computed together: all partitions, one, or one tape at a time."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.barrier_labels import BarrierLabels, BarrierLabelsConfig, barrier_labels
from smallcaps_assets.datasets.event_quotes import event_quotes
from smallcaps_assets.datasets.event_trades import event_trades
from smallcaps_assets.datasets.imbalance_bars import ImbalanceBars, ImbalanceBarsConfig, imbalance_bars
from smallcaps_assets.datasets.sample_weights import SampleWeights, sample_weights
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.tape_rows import SESSION, Row, Source, at, manifest, quote
from smallcaps_assets_tests.datasets.test_barrier_labels import minute

WINDOWS = (
    ("GEVO", "a", "10:00:00", "10:10:00"),
    ("GEVO", "b", "10:05:00", "10:15:00"),  # one tape with a
    ("GEVO", "c", "10:30:00", "10:40:00"),
    ("GME", "d", "10:02:00", "10:12:00"),
    ("HIVE", "e", "10:00:00", "10:20:00"),
)
TAPES = (WINDOWS[:2], WINDOWS[2:3], WINDOWS[3:4], WINDOWS[4:])
LETTERS = (Partition(SESSION, "G"), Partition(SESSION, "H"))
BARS = ImbalanceBarsConfig(expected_ticks=4, warmup=5, span=20, max_ticks=9)
Window = tuple[str, str, str, str]
Chain = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


def trades(seed: int) -> list[Row]:
    """About a trade in three seconds of each ticker from 10:00 to 10:45, some that count in volume only."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for ticker in ("GEVO", "GME", "HIVE"):
        price = 5.0
        for number, second in enumerate(np.sort(rng.choice(2700, 900, replace=False)).tolist()):
            price = round(max(price + 0.01 * int(rng.integers(-3, 4)), 0.5), 2)
            row = {"ticker": ticker, "sip_at": at("10:00:00") + second * 10**9, "price": price, "exchange": 11}
            rows.append(
                row
                | {"size": float(rng.integers(1, 900)), "sequence_number": number, "correction": 0, "tape": 3}
                | {"conditions": [37] if rng.random() < 0.2 else [], "trf_id": None}
            )
    return rows


def chain(source: Source, windows: Sequence[Window], partitions: Sequence[Partition]) -> Chain:
    """Bars, labels and weights of the windows, computed in one run of the partitions."""
    events = manifest(*windows).lazy()
    run = Run("imbalance_bars", tuple(partitions))
    clocks = [minute(f"10:{m:02d}:00", 5.0, 5.6, 4.6, 5.1) for m in range(60)]
    minutes = pl.concat(
        pl.DataFrame(clocks)
        .with_columns(pl.col("started_at").cast(pl.Datetime("ns", "UTC")), ticker=pl.lit(ticker))
        .lazy()
        for ticker in ("GEVO", "GME", "HIVE")
    )
    ticks = pl.concat(
        part.frame for part in event_trades(run, event_manifest=events, minute_bars=minutes, polygon=source)
    )
    quotes = pl.concat(part.frame for part in event_quotes(run, event_manifest=events, polygon=source))
    tape = {"event_manifest": events, "event_trades": ticks.lazy()}
    bars = pl.concat(contracts.conform(ImbalanceBars, part.frame) for part in imbalance_bars(run, **tape, config=BARS))
    around = {"imbalance_bars": bars.lazy(), "event_quotes": quotes.lazy(), "minute_bars": minutes}
    labels = pl.concat(
        contracts.conform(BarrierLabels, part.frame)
        for part in barrier_labels(run, **tape, **around, config=BarrierLabelsConfig())
    )
    weights = pl.concat(
        contracts.conform(SampleWeights, part.frame)
        for part in sample_weights(run, barrier_labels=labels.lazy(), imbalance_bars=bars.lazy())
    )
    return bars, labels, weights


def together(parts: Sequence[pl.DataFrame], like: pl.DataFrame) -> None:
    """The parts, in whatever order, are the rows of ``like``, to the last bit."""
    key = [name for name in ("session", "ticker", "tape_starts_at", "bar", "barriers") if name in like.columns]
    assert_frame_equal(pl.concat(parts).sort(key), like.sort(key), check_exact=True)


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 2**32), st.permutations(TAPES))
def test_what_is_computed_together_changes_no_row(seed: int, order: list[tuple[Window, ...]]) -> None:
    source = Source(trades(seed), [quote("GEVO", "10:03:00", 4.99, 5.01), quote("GME", "10:03:00", 4.98, 5.02)])
    whole = chain(source, WINDOWS, LETTERS)
    assert whole[0].select("ticker", "tape_starts_at").n_unique() == len(TAPES)
    assert whole[1]["label"].n_unique() == 4  # 1, 0, -1 and censored
    backwards = chain(source, WINDOWS[::-1], LETTERS[::-1])
    alone = [chain(source, WINDOWS, (letter,)) for letter in LETTERS]
    for made in range(3):
        together([backwards[made]], whole[made])
        together([part[made] for part in alone], whole[made])
    by_tape = [chain(source, tape, LETTERS) for tape in order]
    for made in range(2):
        together([part[made] for part in by_tape], whole[made])
    # a weight speaks of all of a ticker-session's tapes: they are given together, in any order
    by_ticker = [chain(source, [w for w in WINDOWS if w[0] == t], LETTERS)[2] for t in ("HIVE", "GEVO", "GME")]
    together(by_ticker, whole[2])
