"""purgedcv on the bench's labels: ``python -P purgedcv.py FOLDER`` prints JSON with a digest of its splits.

Run by an interpreter that has ``purgedcv.txt``; -P, because this file has the library's name.
"""

import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from purgedcv import CombinatorialPurgedCV  # type: ignore[import-not-found]


def main(folder: Path) -> None:
    """All splits, one round: it takes seconds. No embargo."""
    asked = json.loads((folder / "purgedcv.json").read_text())
    start, end = (pd.Series(pd.to_datetime(np.load(folder / f"{name}.npy"))) for name in ("start", "end"))
    begun = time.process_time()
    splitter = CombinatorialPurgedCV(
        asked["groups"], asked["test_groups"], prediction_times=start, evaluation_times=end
    )
    splits = list(splitter.split(np.empty((len(start), 1))))
    spent = time.process_time() - begun
    digest = hashlib.sha256()
    for rows in splits:
        for part in rows:
            digest.update(np.sort(part).astype(np.int64).tobytes())
    sys.stdout.write(json.dumps({"splits": 1 / spent, "count": len(splits), "digest": digest.hexdigest()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
