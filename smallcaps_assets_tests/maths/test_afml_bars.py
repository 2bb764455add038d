"""The bars agree with four libraries and with an independent slow implementation, tick for tick.

Named exceptions, each with its count: a close nearer to its threshold than 1e-9 (``TIES``), and RiskLabAI's P[buy] of
run bars with a constant E[T] (``one_window``).
"""

import hashlib
import json
import math
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from smallcaps_assets.maths.arguments import Floats, Ints
from smallcaps_assets.maths.bars import (
    afml_imbalance_bars,
    bar_table,
    fixed_imbalance_bars,
    run_bars,
    threshold_bars,
)
from smallcaps_assets_tests.shared import SHARED, needs_shared_compiled

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


def closes_of(case: dict[str, Any], **changed: Any) -> Ints:
    """Our closes of a case; RiskLabAI and the book close on ≥, the others on >."""
    rule = afml_imbalance_bars if case["what"] == "imbalance" else run_bars
    given = parameters(case["cfg"]) | {"strict": case["peer"] not in {"risklabai", "oracle_ge"}} | changed
    return rule(*tape(case["input"]), measure=case["kind"], **given)


def differing(stated: pl.DataFrame, **changed: Any) -> pl.DataFrame:
    """The cases whose closes are not ours."""
    ours = [closes_of(case, **changed) for case in stated.iter_rows(named=True)]
    found = stated.with_columns(_n=pl.Series([len(c) for c in ours]), _sha=pl.Series([fingerprint(c) for c in ours]))
    return found.filter((pl.col("_n") != pl.col("n_bars")) | (pl.col("_sha") != pl.col("last_sha16")))


@needs_shared_compiled
@pytest.mark.parametrize("peer", ["mlfinlab08", "mlfinpy", "risklabai", "oracle_gt", "oracle_ge"])
def test_every_binding_case_of_imbalance_bars_has_the_same_closes(peer: str) -> None:
    stated = cases("imbalance", peer)
    assert stated.height == 154  # 189 cases of input, configuration and measure, less 35 ties
    assert differing(stated).is_empty()


@needs_shared_compiled
@pytest.mark.parametrize(("peer", "one_window"), [("mlfinlab08", 0), ("mlfinpy", 0), ("risklabai", 15)])
def test_every_binding_case_of_run_bars_has_the_same_closes(peer: str, one_window: int) -> None:
    """RiskLabAI with a constant E[T] averages P[buy] over ``flow_window`` bars, having no other span: so do we then."""
    stated = cases("run", peer)
    assert stated.height == 155  # 177 less 22 ties
    apart = differing(stated)
    assert apart.height == one_window
    assert set(apart["cfg"]) <= {"C"}
    assert differing(apart, bars_span=parameters("C")["flow_window"]).is_empty()


TIES = {"mlfinlab08": (1, 14), "mlfinpy": (1, 14), "oracle_gt": (1, 0), "oracle_ge": (2, 0), "risklabai": (2, 15)}
"""Cases of imbalance and run bars that differ where a close is nearer to its threshold than rounding: of 35 and 22."""


@needs_shared_compiled
@pytest.mark.parametrize("peer", TIES)
def test_what_differs_besides_lies_on_exact_ties_and_is_counted(peer: str) -> None:
    every = pl.read_parquet(VECTORS / "bars/summary_all_cases.parquet").filter(pl.col("peer") == peer)
    ties = every.filter(pl.col("min_rel_margin") <= BINDING)
    assert ties["min_rel_margin"].max() < 2e-16  # type: ignore[operator]  # a rounding, nothing between it and 7e-7
    counts = tuple(differing(ties.filter(pl.col("what") == what)).height for what in ("imbalance", "run"))
    assert counts == TIES[peer]


@needs_shared_compiled
def test_fixed_imbalance_bars_are_those_of_ml4t() -> None:
    file = VECTORS / "bars/imbalance_bars_ml4t_perbar_ewma_first400.parquet"
    stated = pl.read_parquet(file).filter(pl.col("kind").str.starts_with("fixed_"))
    compared = stated.partition_by("input", "kind", as_dict=True, maintain_order=True)
    assert len(compared) == 18
    for (name, kind), bars in compared.items():
        measure: Any = str(kind).removeprefix("fixed_")
        closes = fixed_imbalance_bars(*tape(str(name)), measure=measure, threshold=bars["threshold"][0])
        assert len(closes) == bars["nbars"][0]
        assert closes[: bars.height].tolist() == bars["last"].to_list()


@needs_shared_compiled
@pytest.mark.parametrize(("what", "bars"), [("imbalance", 63_839), ("run", 24_627)])
def test_every_stored_bar_of_the_peers_has_our_prices_and_volumes(what: str, bars: int) -> None:
    stated = pl.read_parquet(VECTORS / f"bars/{what}_bars_peers_first400.parquet")
    assert stated.height == bars
    for (_, name, *_), theirs in stated.group_by("peer", "input", "cfg", "kind"):
        last = theirs["last"].to_numpy()
        at = pl.read_parquet(VECTORS / f"inputs/{name}.parquet")["t"].to_numpy()
        price, size = tape(str(name))
        until = last[-1] + 1
        ours = bar_table(at[:until], price[:until], size[:until], last)
        for column in ("open", "high", "low", "close", "ticks"):
            assert np.array_equal(ours[column], theirs[column])
        for column, named in (("volume", "volume"), ("buy_volume", "buy_volume"), ("dollars", "dollar")):
            np.testing.assert_allclose(ours[column], theirs[named], rtol=1e-9)


@needs_shared_compiled
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
