"""The demo as a command, for the tests that look at what it leaves behind."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SESSIONS = "5"
HISTORY = "130"  # sessions of look-backs: daily events ask for 120; all of them, 318, take most of a demo's time


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """The environment of a lake and an instance that live in ``folder``, and of nothing else of ours."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("POLYGON_", "SMALLCAPS_", "DAGSTER_"))}
    return {
        **inherited,
        "SMALLCAPS_LAKE": str(folder / "lake"),
        "DAGSTER_HOME": str(folder / "home"),
        "COLUMNS": "200",
        **settings,
    }


def demo(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The demo as a command, on a lake and an instance of its own."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "dagster_home" / "dagster.yaml", home)
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "smallcaps_assets.demo", "--history", HISTORY, *arguments],
        cwd=ROOT,
        env=environment(folder, **settings),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
