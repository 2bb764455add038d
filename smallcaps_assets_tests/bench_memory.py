"""The peak memory of bars, labels and uniqueness, each measured in a process of its own.

``python -m smallcaps_assets_tests.bench_memory WHAT FOLDER`` prints the peak over what the input and the result take.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from smallcaps_assets.maths.bars import bar_table, imbalance_bars
from smallcaps_assets.maths.triple_barrier import first_touch
from smallcaps_assets.maths.uniqueness import average_uniqueness
from smallcaps_assets_tests.drawn_ticks import SECOND

Arrays = tuple[np.ndarray[Any, Any], ...]


def bars(at: Any, price: Any, size: Any) -> Arrays:
    """Closes and table of a tape."""
    closes = imbalance_bars(price, size)
    return (closes, *(column.to_numpy() for column in bar_table(at, price, size, closes)))


def labels(bar_at: Any, close: Any, entry: Any) -> Arrays:
    """First touches of the entries."""
    return first_touch(bar_at, close, entry, np.full(len(entry), 0.0025), horizon_ns=600 * SECOND)


def uniqueness(first: Any, last: Any) -> Arrays:
    """Average uniqueness of a label a bar."""
    return (average_uniqueness(first, last, int(last.max()) + 1),)


MEASURED: dict[str, tuple[Callable[..., Arrays], list[str], Arrays]] = {
    "bars": (bars, ["at", "price", "size"], (np.arange(3), np.ones(3), np.ones(3))),
    "labels": (labels, ["bar_at", "close", "entry"], (np.arange(3), np.ones(3), np.arange(2))),
    "uniqueness": (uniqueness, ["first", "last"], (np.arange(3), np.arange(3))),
}
"""What is called, with which files, and something little to compile it with."""


def kilobytes(field: str) -> int:
    """A size of this process, as Linux tells it."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def peak(call: Callable[..., Arrays], files: list[Path], little: Arrays) -> float:
    """The most memory above what the process has when all is compiled, over input and result."""
    call(*little)
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak begins anew
    baseline = kilobytes("VmRSS")
    given = [np.load(file) for file in files]
    found = call(*given)
    return (kilobytes("VmHWM") - baseline) * 1024 / float(sum(array.nbytes for array in (*given, *found)))


def main(what: str, folder: Path) -> None:
    """Print the ratio."""
    call, names, little = MEASURED[what]
    sys.stdout.write(json.dumps(peak(call, [folder / f"{name}.npy" for name in names], little)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
