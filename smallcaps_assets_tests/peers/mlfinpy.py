"""mlfinpy on slices of the bench's inputs: ``python -P mlfinpy.py FOLDER`` prints JSON and saves what it found.

Run by an interpreter that has ``mlfinpy.txt``; -P, because this file has the library's name.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from mlfinpy.data_structure.imbalance_bars import get_ema_dollar_imbalance_bars  # type: ignore[import-not-found]
from mlfinpy.labeling.labeling import get_events  # type: ignore[import-not-found]
from mlfinpy.sampling.concurrent import get_av_uniqueness_from_triple_barrier  # type: ignore[import-not-found]


def main(folder: Path) -> None:
    """Bars, labels and uniqueness, one round each: a slice takes seconds."""
    warnings.simplefilter("ignore")
    asked = json.loads((folder / "mlfinpy.json").read_text())
    given = {
        name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("at", "price", "size", "bar_at", "close")
    }
    ticks, bars = slice(asked["ticks"]), slice(asked["bars"])
    tape = pd.DataFrame(
        {
            "date_time": pd.to_datetime(given["at"][ticks]),
            "price": given["price"][ticks],
            "volume": given["size"][ticks],
        }
    )
    found = {}
    begun = time.process_time()
    table, _ = get_ema_dollar_imbalance_bars(
        tape,
        num_prev_bars=asked["bars_span"],
        expected_imbalance_window=asked["flow_window"],
        exp_num_ticks_init=asked["expected_ticks"],
        exp_num_ticks_constraints=asked["bounds"],
        verbose=False,
    )
    found["bars"] = len(tape) / (time.process_time() - begun)
    np.save(folder / "mlfinpy_closes.npy", table["tick_num"].to_numpy(dtype=np.int64) - 1)

    at = pd.DatetimeIndex(given["bar_at"][bars])
    close = pd.Series(given["close"][bars], index=at)
    entry = np.load(folder / "entry.npy")
    events = at[entry[entry < asked["bars"] - asked["horizon_bars"]]]
    begun = time.process_time()
    labels = get_events(
        close,
        events,
        [1, 1],
        pd.Series(asked["target"], index=events),
        0.0,
        1,
        pd.Series(events + pd.Timedelta(asked["horizon_ns"], unit="ns"), index=events),
        verbose=False,
    )
    found["labels"] = len(events) / (time.process_time() - begun)
    np.save(folder / "mlfinpy_touch.npy", at.get_indexer(pd.DatetimeIndex(labels["t1"])))
    begun = time.process_time()
    unique = get_av_uniqueness_from_triple_barrier(labels, close, 1, verbose=False)
    found["uniqueness"] = len(events) / (time.process_time() - begun)
    np.save(folder / "mlfinpy_uniqueness.npy", unique["tW"].to_numpy())
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
