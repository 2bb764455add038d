"""The book's bars agree with mlfinlab 0.8 and with an independent slow implementation, tick for tick."""

import hashlib
import json
import math
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from smallcaps_assets.maths.arguments import Floats, Ints
from smallcaps_assets.maths.bars import afml_imbalance_bars, run_bars, threshold_bars
from smallcaps_assets_tests.shared import SHARED, needs_shared

VECTORS = SHARED / "refvec"
BINDING = 1e-9
"""Nearer to its threshold than this, relatively, a bar's close depends on rounding."""


@cache
def tape(name: str) -> tuple[Floats, Ints]:
    ticks = pl.read_parquet(VECTORS / "inputs" / f"{name}.parquet")
    return ticks["p"].to_numpy(), ticks["s"].to_numpy()


def cases(what: str, peer: str) -> pl.DataFrame:
    return pl.read_parquet(VECTORS / "bars/summary_all_cases.parquet").filter(
        pl.col("what") == what, pl.col("peer") == peer, pl.col("min_rel_margin").fill_null(math.inf) > BINDING
    )


def parameters(name: str) -> dict[str, Any]:
    stated = json.loads((VECTORS / "bars/configs.json").read_text())[name]
    return {
        "expected_ticks": stated["et_init"],
        "bars_span": stated["nprev"],
        "flow_window": stated["ebw"],
        "bounds": tuple(stated["bounds"] or (0.0, math.inf)),
        "constant": stated["mode"] == "const",
    }


def fingerprint(closes: Ints) -> str:
    return hashlib.sha256(closes.astype(np.int64).tobytes()).hexdigest()[:16]


@needs_shared
@pytest.mark.parametrize(
    ("what", "peer", "strict", "binding"),
    [
        ("imbalance", "mlfinlab08", True, 154),
        ("imbalance", "oracle_gt", True, 154),
        ("imbalance", "oracle_ge", False, 154),
        ("run", "mlfinlab08", True, 155),
    ],
)
def test_every_binding_case_has_the_same_closes(what: str, peer: str, strict: bool, binding: int) -> None:
    rule = afml_imbalance_bars if what == "imbalance" else run_bars
    stated = cases(what, peer)
    assert stated.height == binding
    for case in stated.iter_rows(named=True):
        closes = rule(*tape(case["input"]), measure=case["kind"], strict=strict, **parameters(case["cfg"]))
        assert (len(closes), fingerprint(closes)) == (case["n_bars"], case["last_sha16"]), case


@needs_shared
def test_dollar_bars_are_those_of_the_first_system() -> None:
    stated = pl.read_parquet(VECTORS / "bars/seed_bars_lean_aig.parquet")["last"]
    closes = threshold_bars(*tape("lean_aig_20131008"), measure="dollar", threshold=300_000)
    assert closes.tolist() == stated.to_list()[: len(closes)]
    assert stated.len() - len(closes) <= 1  # the first system also emits the unfinished last bar


def test_the_windowed_mean_forgets_what_has_left_the_window() -> None:
    """A slow sum over the window at each close, on a tape far longer than the window."""
    rng = np.random.default_rng(2)
    price = 5 + 0.01 * np.cumsum(rng.choice([-1, 0, 1], 3000))
    size = rng.integers(1, 90, 3000)
    closes: list[int] = []
    window, opened, expected = 40, 0, math.nan
    signs = np.zeros(3000)
    for i in range(1, 3000):
        signs[i] = np.sign(price[i] - price[i - 1]) or signs[i - 1]
    flow = signs * size
    for i in range(3000):
        recent = flow[max(0, i + 1 - window) : i + 1]
        weight = (1 - 2 / (len(recent) + 1)) ** np.arange(len(recent))[::-1]
        if not closes and math.isnan(expected) and i + 1 >= 30:
            expected = float((weight * recent).sum() / weight.sum())
        if abs(flow[opened : i + 1].sum()) >= 30 * abs(expected):
            closes.append(i)
            opened = i + 1
            expected = float((weight * recent).sum() / weight.sum())
    bars = afml_imbalance_bars(
        price, size, measure="volume", expected_ticks=30, bars_span=3, flow_window=window, constant=True
    )
    assert bars.tolist() == closes
    assert len(closes) > 30


def test_strict_never_closes_again_once_the_expected_length_exceeds_the_ticks_seen() -> None:
    rising = list(range(1, 400))
    given: dict[str, Any] = {
        "measure": "tick",
        "expected_ticks": 10,
        "bars_span": 3,
        "flow_window": 50,
        "bounds": (100, 500),
    }
    assert len(afml_imbalance_bars(rising, [1] * 399, **given, strict=True)) == 1
    assert len(afml_imbalance_bars(rising, [1] * 399, **given)) > 1
