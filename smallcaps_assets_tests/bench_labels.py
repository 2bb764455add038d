"""``make bench``: from ticks to weighted labels and purged splits, beside the libraries that do the same.

Seconds are those of one core (the process's own time), medians of rounds. Libraries whose pins differ from ours run in
environments of their own (``make peers``) on the same inputs; where their conventions are ours, results must be equal.
"""

import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from smallcaps_assets.maths.afml_bars import afml_imbalance_bars
from smallcaps_assets.maths.bars import bar_table, imbalance_bars
from smallcaps_assets.maths.purging import combinatorial_purged
from smallcaps_assets.maths.triple_barrier import CENSORED, first_touch, first_touch_bars, volatility_target
from smallcaps_assets.maths.uniqueness import average_uniqueness
from smallcaps_assets_tests import drawn_ticks
from smallcaps_assets_tests.bench_memory import MEASURED
from smallcaps_assets_tests.drawn_ticks import SECOND, Tape

TAPES, TICKS = 10, 1_000_000
BARS, LABELS = 1_000_000, 100_000
HORIZON = 600 * SECOND
TARGET = 0.0025  # a walk of BAR_RETURN a bar needs about 160 bars to get there
ROUNDS = 5
MEMORY = 1.5  # of input and result
PEERS = Path(__file__).parents[1] / ".venv/peers"
MLFINPY: dict[str, Any] = {
    "ticks": 100_000,
    "expected_ticks": 1000,
    "bars_span": 3,
    "flow_window": 10_000,
    "bounds": [500, 2000],
}
MLFINPY |= {"bars": 30_000, "target": TARGET, "horizon_ns": HORIZON, "horizon_bars": HORIZON // SECOND}
FINMLKIT = {"dollars": 30_000.0, "target": float(np.log1p(TARGET)), "horizon_ns": HORIZON}
CPCV = {"groups": 10, "test_groups": 2}


class Row(NamedTuple):
    """A line of the table: ours a second, what is wanted, and the others' figures."""

    name: str
    unit: str
    ours: float
    wanted: float
    beside: dict[str, float]


def rate(count: int, call: Callable[[], Any]) -> float:
    """A second of a core, the median of rounds after one that compiles."""
    call()
    spent = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        call()
        spent.append(time.process_time() - begun)
    return count / statistics.median(spent)


def weighted(tape: Tape) -> tuple[Any, ...]:
    """Bars of a tape, their labels 3:2 volatility targets wide over five minutes, and the labels' weights."""
    closes = imbalance_bars(tape.price, tape.size)
    table = bar_table(*tape, closes)
    target = volatility_target(table["close"].to_numpy())
    entered = np.flatnonzero(target > 0)
    label, touch, ret = first_touch(
        tape.at, tape.price, closes[entered], target[entered], profit=3.0, loss=2.0, horizon_ns=300 * SECOND
    )
    seen = label != CENSORED
    first, label, touch, ret = entered[seen], label[seen], touch[seen], ret[seen]
    last = np.maximum(np.searchsorted(closes, touch, side="right") - 1, first)
    weight = np.abs(np.log1p(ret)) * average_uniqueness(first, last, len(closes))
    return table, label, touch, ret, weight / weight.sum()


def from_parquet(path: Path, use: Callable[[Tape], Any]) -> list[Any]:
    """What ``use`` makes of each tape of the file, read one after another."""
    rows = pl.scan_parquet(path)
    read = (rows.slice(tape * TICKS, TICKS).collect() for tape in range(TAPES))
    return [use(Tape(*(frame[name].to_physical().to_numpy() for name in Tape._fields))) for frame in read]


def digest(tapes: list[Any]) -> str:
    """A hash of all bars, labels and weights."""
    hashed = hashlib.sha256()
    for table, *arrays in tapes:
        for array in (*(column.to_numpy() for column in table), *arrays):
            hashed.update(np.ascontiguousarray(array).tobytes())
    return hashed.hexdigest()


def peers(name: str, folder: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """What the library's own interpreter measured; nothing where it is not installed."""
    python = PEERS / name / "bin/python"
    if not python.exists():
        return {}
    (folder / f"{name}.json").write_text(json.dumps(asked), encoding="utf-8")
    script = Path(__file__).parent / "peers" / f"{name}.py"
    one_core = {**os.environ, "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    ran = subprocess.run([python, "-P", script, folder], capture_output=True, text=True, check=False, env=one_core)
    if ran.returncode:
        raise RuntimeError(f"{name} failed: {ran.stderr[-2000:]}")
    measured: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return measured


def same(what: str, ours: Any, theirs: Any, tolerance: float = 0.0) -> None:
    """Refuse results that differ."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if ours.shape != theirs.shape or not np.allclose(ours, theirs, rtol=0, atol=tolerance, equal_nan=True):
        raise AssertionError(f"{what} differ: {ours.shape}, {ours[:5]} and {theirs.shape}, {theirs[:5]}")


def bars_of(folder: Path, tape: Tape, mlfinpy: dict[str, Any], finmlkit: dict[str, Any]) -> list[Row]:
    """Imbalance bars, and mlfinpy's kind of them."""
    ticks = slice(MLFINPY["ticks"])
    few = Tape(tape.at[ticks], tape.price[ticks], tape.size[ticks])
    book = {name: MLFINPY[name] for name in ("expected_ticks", "bars_span", "flow_window", "bounds")}

    def theirs() -> Any:
        return afml_imbalance_bars(few.price, few.size, measure="dollar", strict=True, **book)

    if mlfinpy:
        same("mlfinpy's imbalance bars", theirs(), np.load(folder / "mlfinpy_closes.npy"))
    if finmlkit:
        closes, table = np.load(folder / "finmlkit_closes.npy"), np.load(folder / "finmlkit_table.npy")
        own = bar_table(
            tape.at[1:], tape.price[1:], tape.size[1:], closes - 1
        )  # its first bar begins after the first tick
        columns = ["open", "high", "low", "close", "volume", "ticks"]
        same("finmlkit's bars", own.select(columns).to_numpy(), table, 1e-9)
    beside = {"mlfinpy EMA imbalance": mlfinpy.get("bars"), "finmlkit dollar": finmlkit.get("bars")}
    there = {name: figure for name, figure in beside.items() if figure}
    closes = imbalance_bars(tape.price, tape.size)
    return [
        Row("imbalance_bars", "ticks", rate(len(tape.at), lambda: imbalance_bars(tape.price, tape.size)), 100e6, there),
        Row("bar_table", "ticks", rate(len(tape.at), lambda: bar_table(*tape, closes)), 0, {}),
        Row("afml_imbalance_bars", "ticks", rate(len(few.at), theirs), 0, dict(list(there.items())[:1])),
    ]


def labels_of(folder: Path, mlfinpy: dict[str, Any], finmlkit: dict[str, Any]) -> list[Row]:
    """Triple barrier on closes and on bars, and uniqueness of those labels."""
    at, close, entry = (np.load(folder / f"{name}.npy") for name in ("bar_at", "close", "entry"))
    target = np.full(len(entry), TARGET)

    def touches(entry: Any = entry, **barriers: Any) -> Any:
        return first_touch(at, close, entry, target[: len(entry)], horizon_ns=HORIZON, **barriers)

    def on_bars() -> Any:
        return first_touch_bars(*bars, entry, target, horizon_ns=HORIZON)

    def unique() -> Any:
        return average_uniqueness(entry, last, BARS)

    opened = np.concatenate([close[:1], close[:-1]])
    bars = (at, opened, np.maximum(opened, close), np.minimum(opened, close), close)
    whole = touches()
    for field, pieces in zip(whole, zip(*map(touches, np.array_split(entry, 7)), strict=True), strict=True):
        same("labels of entries in pieces", field, np.concatenate(pieces))
    same("touches on bars that open at the close before", on_bars().touch, whole.touch)
    last = whole.touch
    if mlfinpy:
        few = slice(len(np.load(folder / "mlfinpy_touch.npy")))
        same("mlfinpy's touches", last[few], np.load(folder / "mlfinpy_touch.npy"))
        alone = average_uniqueness(entry[few], last[few], BARS)
        same("mlfinpy's uniqueness", alone, np.load(folder / "mlfinpy_uniqueness.npy"), 1e-12)
    if finmlkit:  # its barriers are log returns
        logs = touches(loss=float(-np.expm1(-FINMLKIT["target"]) / np.expm1(FINMLKIT["target"])))
        same("finmlkit's touches", logs.touch, np.load(folder / "finmlkit_touch.npy"))
        theirs = average_uniqueness(entry, logs.touch, BARS)
        same("finmlkit's uniqueness", theirs, np.load(folder / "finmlkit_uniqueness.npy"), 1e-12)
    beside = [
        {name: found[what] for name, found in (("mlfinpy", mlfinpy), ("finmlkit", finmlkit)) if found}
        for what in ("labels", "uniqueness")
    ]
    name = f"first_touch, {(last - entry).mean():.0f} bars a path"
    return [
        Row(name, "labels", rate(len(entry), touches), 4e6, beside[0]),
        Row("first_touch_bars", "labels", rate(len(entry), on_bars), 4e6, beside[0]),
        Row(
            "average_uniqueness",
            "labels",
            rate(len(entry), lambda: average_uniqueness(entry, last, BARS)),
            15e6,
            beside[1],
        ),
    ]


def splits_of(folder: Path, purgedcv: dict[str, Any]) -> Row:
    """Combinatorial purged splits, all of them."""
    start, end = (np.load(folder / f"{name}.npy") for name in ("start", "end"))

    def splits() -> Any:
        return list(combinatorial_purged(start, end, **CPCV, embargo_ns=0))

    if purgedcv:
        hashed = hashlib.sha256()
        for rows in splits():
            for part in rows:
                hashed.update(part.tobytes())
        if hashed.hexdigest() != purgedcv["digest"]:
            raise AssertionError("purgedcv's splits differ from ours")
    ours = rate(1, splits)
    there = {"purgedcv": purgedcv["splits"]} if purgedcv else {}
    return Row("combinatorial_purged (10, 2)", "times", ours, 50 * there.get("purgedcv", 0.4), there)


def end_to_end(folder: Path, tape: Tape) -> Row:
    """From Parquet to weights, beside the decoding of the same file; the same whatever the row groups."""
    path = drawn_ticks.stored(tape, folder / "tape.parquet", TICKS)
    whole = digest(from_parquet(path, weighted))
    for group_rows in (100_000, 77_777):
        again = drawn_ticks.stored(tape, folder / "again.parquet", group_rows)
        if digest(from_parquet(again, weighted)) != whole:
            raise AssertionError(f"row groups of {group_rows} change bars, labels or weights")
    decoded = rate(len(tape.at), lambda: from_parquet(path, len))
    ours = rate(len(tape.at), lambda: from_parquet(path, weighted))
    return Row("Parquet to weights", "ticks", ours, 30e6, {"decoding alone": decoded})


def peak(what: str, folder: Path) -> float:
    """Peak memory over input and result, in a process of its own."""
    command = [sys.executable, "-m", "smallcaps_assets_tests.bench_memory", what, str(folder)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def millions(figure: float) -> str:
    """A rate in millions, or as it is where it is small."""
    return f"{figure / 1e6:,.3g} M" if figure >= 1e4 else f"{figure:,.3g}"


def main(folder: Path) -> None:
    """Print the table."""
    tape = drawn_ticks.tapes(TAPES, TICKS)
    at, close, entry = drawn_ticks.bars(BARS, LABELS, 2 * HORIZON // SECOND)
    every = np.arange(BARS - 2 * HORIZON // SECOND)
    last = first_touch(at, close, every, np.full(len(every), TARGET), horizon_ns=HORIZON).touch
    start, end = drawn_ticks.lives(LABELS)
    drawn_ticks.saved(folder, **tape._asdict(), bar_at=at, close=close, entry=entry, first=every, last=last)
    drawn_ticks.saved(folder, start=start, end=end)
    asked: dict[str, dict[str, Any]] = {"mlfinpy": MLFINPY, "finmlkit": FINMLKIT, "purgedcv": CPCV}
    theirs = {name: peers(name, folder, given) for name, given in asked.items()}
    rows = [
        *bars_of(folder, tape, theirs["mlfinpy"], theirs["finmlkit"]),
        *labels_of(folder, theirs["mlfinpy"], theirs["finmlkit"]),
        splits_of(folder, theirs["purgedcv"]),
        end_to_end(folder, tape),
    ]
    table = Table("on one core", "a second", "wanted", "met", "beside it", "ratio")
    for name, unit, ours, wanted, beside in rows:
        met = "" if not wanted else "yes" if ours >= wanted else "NO"
        others = ", ".join(f"{peer} {millions(figure)}" for peer, figure in beside.items())
        ratios = ", ".join(f"{ours / figure:,.3g}" for figure in beside.values())
        table.add_row(name, f"{millions(ours)} {unit}", f"≥ {millions(wanted)}" if wanted else "", met, others, ratios)
    for what in MEASURED:
        used = peak(what, folder)
        table.add_row(
            f"peak memory, {what}", f"{used:.2f}", "≤ 1.5", "yes" if used <= 1.5 else "NO", "of input and result", ""
        )
    console = Console(width=140)
    console.print(table)
    for name in (name for name, found in theirs.items() if not found):
        console.print(f"{name} is not installed: make peers")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
