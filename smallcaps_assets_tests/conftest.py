"""What several test files share: one run of the demo, which takes a while."""

import subprocess
from pathlib import Path

import pytest

from smallcaps_assets_tests.demo_run import SESSIONS, demo


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared demo has its lake and its Dagster instance."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def demo_result(demo_folder: Path) -> subprocess.CompletedProcess[str]:
    """The shared demo's first run."""
    return demo(demo_folder, "--sessions", SESSIONS)
