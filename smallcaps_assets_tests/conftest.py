"""What several test files share: one run of the demo, which takes a while, and the process that holds it."""

import subprocess
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from smallcaps_assets_tests.demo_run import SESSIONS, demo


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared demo has its lake and its Dagster instance."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def demo_result(demo_folder: Path) -> subprocess.CompletedProcess[str]:
    """The shared demo's first run."""
    return demo(demo_folder, "--sessions", SESSIONS)


ONE_WORKER = {  # files whose tests share what is expensive to make
    "test_pipeline.py": "demo",
    "test_ui.py": "demo",
    "test_pipeline_recorded.py": "recorded",
    "test_real_market.py": "real market",
}


class Shared(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Tests of those files go to one worker, before all others; any other test where there is room.

    Groups by mark do nothing here: pytest-xdist 3.8 writes them into node ids where pytest 9.2 does not look.
    """

    def _split_scope(self, nodeid: str) -> str:
        return ONE_WORKER.get(Path(nodeid.partition("::")[0]).name, nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Shared:
    """How tests are dealt out to workers."""
    return Shared(config, log)
