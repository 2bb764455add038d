"""Where the recorded market data and reference vectors lie, for the tests that need them."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("SMALLCAPS_SHARED", Path(__file__).parents[2] / "shared"))
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the recorded data are not at {SHARED}")
needs_shared_compiled = pytest.mark.skipif(
    not SHARED.is_dir() or os.environ.get("NUMBA_DISABLE_JIT") == "1",
    reason=f"the recorded data are not at {SHARED}, or the compiler is off and they are too many for plain Python",
)
