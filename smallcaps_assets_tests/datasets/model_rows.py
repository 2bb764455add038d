"""Training rows drawn for tests of models: noise, a signal of known strength, or a leak, and their folds."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl

from smallcaps_assets import contract as contracts
from smallcaps_assets import sessions
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.ml_splits import MlSplits, MlSplitsConfig, ml_splits
from smallcaps_assets.datasets.models import Models, ModelsConfig, models
from smallcaps_assets.datasets.training_rows import TrainingRows
from smallcaps_assets.partitions import WHOLE
from smallcaps_assets_tests.datasets.tape_rows import at

MINUTE = 60 * 10**9
UPPER, LOWER = 0.03, -0.02
FEW = {"rounds": 30, "patience": 10, "learning_rate": 0.1, "draws": 200, "least_rows_in_leaf": 10.0}
"""Of the models' configuration: enough to see what is asked, in a tenth of a second."""


def drawn(
    days: int = 20, tickers: int = 15, bars: int = 2, strength: float = 0.0, leak: bool = False, seed: int = 1
) -> pl.DataFrame:
    """Training rows, ``bars`` a ticker-session from 10:00 on.

    ``f_vpin_20`` moves the log odds of +1 against −1 by ``strength`` a deviation; ``f_gap`` is noise with holes, or
    with ``leak`` the return that the label will have come to. All other features are null, a third of the labels 0.
    """
    draw = np.random.default_rng(seed)
    key = [
        {"session": session, "ticker": f"T{name:02d}", "tape_starts_at": at("10:00:00", session), "bar": bar,
         "known_at": at("10:00:00", session) + bar * 5 * MINUTE}
        for session in sessions.between(date(2024, 3, 4), date(2025, 3, 31))[:days]
        for name in range(tickers)
        for bar in range(bars)
    ]  # fmt: skip
    count = len(key)
    signal, noise = draw.normal(size=(2, count))
    label = np.where(draw.random(count) < 1 / (1 + np.exp(-strength * signal)), 1, -1)
    label = np.where(draw.random(count) < 1 / 3, 0, label)
    gained = np.select([label == 1, label == -1], [UPPER, LOWER], 0.001) + draw.normal(0, 0.005, count)
    schema = contracts.empty(TrainingRows).schema
    frame = pl.DataFrame(key, schema={name: schema[name] for name in key[0]})
    given: dict[str, Any] = {
        "event_known_at": frame["known_at"] - pl.duration(minutes=1, time_unit="ns"),
        "detector": pl.lit("volume_spike"),
        "label_ends_at": frame["known_at"] + pl.duration(minutes=3, time_unit="ns"),
        "label": pl.Series(label, dtype=pl.Int8),
        "weight": pl.lit(1 / bars),
        "f_vpin_20": pl.Series(signal),
        "f_gap": pl.Series(gained if leak else np.where(draw.random(count) < 0.2, np.nan, noise)).fill_nan(None),
        "o_ret_gross": pl.Series(gained),
        "o_ret_net": pl.Series(gained - 0.002),
        "o_uniqueness": pl.lit(1.0),
        "o_target": pl.lit(0.01),
        "o_upper": pl.lit(UPPER),
        "o_lower": pl.lit(LOWER),
        "o_cost": pl.lit(0.002),
    }
    full = frame.with_columns(**given)
    rest = [pl.lit(None, dtype=kind).alias(name) for name, kind in schema.items() if name not in full.columns]
    rows = contracts.conform(TrainingRows, full.with_columns(rest))
    assert contracts.verdict(TrainingRows, rows).passed
    return rows


def split(rows: pl.DataFrame, **rules: Any) -> pl.DataFrame:
    """The rows' folds; by default ten sessions train, four validate, three test."""
    config = MlSplitsConfig(**{"train_sessions": 10, "valid_sessions": 4, "test_sessions": 3, **rules})
    (part,) = ml_splits(Run("ml_splits", (WHOLE,)), training_rows=rows.lazy(), config=config)
    return contracts.conform(MlSplits, part.frame)


def fitted(
    rows: pl.DataFrame, splits: pl.DataFrame | None = None, **config: Any
) -> tuple[pl.DataFrame, dict[str, pl.LazyFrame], ModelsConfig, dict[str, Any]]:
    """The models of the rows, their inputs, their configuration and their metadata."""
    inputs = {"training_rows": rows.lazy(), "ml_splits": (split(rows) if splits is None else splits).lazy()}
    chosen = ModelsConfig(**{**FEW, **config})
    (part,) = models(Run("models", (WHOLE,), version=lambda name: f"of {name}"), **inputs, config=chosen)
    frame = contracts.conform(Models, part.frame)
    verdict = contracts.verdict(Models, frame)
    assert verdict.passed, verdict.metadata
    return frame, inputs, chosen, dict(part.metadata)
