"""Where the recorded market data and reference vectors lie, for the tests that need them."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("SMALLCAPS_SHARED", Path(__file__).parents[2] / "shared"))
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the recorded data are not at {SHARED}")
