"""finmlkit on the bench's inputs: ``python -P finmlkit.py FOLDER`` prints JSON and saves what it found.

Run by an interpreter that has ``finmlkit.txt``; -P, because this file has the library's name. It has no imbalance bars:
its dollar bars are the nearest it has.
"""

import json
import logging
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from finmlkit.bar.data_model import TradesData  # type: ignore[import-not-found]
from finmlkit.bar.kit import DollarBarKit  # type: ignore[import-not-found]
from finmlkit.label.tbm import triple_barrier  # type: ignore[import-not-found]
from finmlkit.label.weights import average_uniqueness  # type: ignore[import-not-found]

ROUNDS = 3


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """The median seconds of a core of some rounds after one that compiles, and the result."""
    found = call()
    spent = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        found = call()
        spent.append(time.process_time() - begun)
    return statistics.median(spent), found


def main(folder: Path) -> None:
    """Dollar bars, labels and uniqueness."""
    logging.disable(logging.CRITICAL)
    asked = json.loads((folder / "finmlkit.json").read_text())
    given = {name: np.load(folder / f"{name}.npy") for name in ("at", "price", "size", "bar_at", "close", "entry")}
    trades = TradesData(given["at"], given["price"], given["size"], timestamp_unit="ns")

    def bars() -> Any:
        kit = DollarBarKit(trades, asked["dollars"])
        return kit, kit.build_ohlcv()

    found = {}
    seconds, (kit, table) = timed(bars)
    found["bars"] = len(given["at"]) / seconds
    np.save(folder / "finmlkit_closes.npy", kit.bar_close_indices)
    np.save(folder / "finmlkit_table.npy", table[["open", "high", "low", "close", "volume", "trades"]].to_numpy())
    target = np.full(len(given["entry"]), asked["target"])
    horizon = asked["horizon_ns"] / 1e9
    seconds, (_, touch, _, _) = timed(
        lambda: triple_barrier(
            given["bar_at"], given["close"], given["entry"], target, (1.0, 1.0), horizon, 0.0, None, 0.0
        )
    )
    found["labels"] = len(touch) / seconds
    np.save(folder / "finmlkit_touch.npy", touch)
    seconds, (unique, _) = timed(lambda: average_uniqueness(given["bar_at"], given["entry"], touch))
    found["uniqueness"] = len(touch) / seconds
    np.save(folder / "finmlkit_uniqueness.npy", unique)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
