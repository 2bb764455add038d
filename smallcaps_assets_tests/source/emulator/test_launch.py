"""The emulator as a process: it starts, says where it is, and never outlives who started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import polars as pl
import pytest

from smallcaps_assets.source.emulator.launch import EmulatorError, running_emulator


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A record of one split, which is enough of a market to start."""
    split = {"ticker": "AAA", "execution_date": "2024-01-03", "split_from": 1.0, "split_to": 2.0}
    pl.DataFrame([split]).with_columns(pl.col("execution_date").str.to_date()).write_parquet(
        tmp_path / "splits.parquet"
    )
    return tmp_path


def answers(base_url: str) -> bool:
    try:
        return httpx.get(f"{base_url}/v3/reference/exchanges").status_code == 401
    except httpx.ConnectError:
        return False


def gone(base_url: str, within: float = 10.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if not answers(base_url):
            return True
        time.sleep(0.05)
    return False


def test_it_serves_for_its_key_as_long_as_the_block(record: Path) -> None:
    with running_emulator(recorded=record) as emulator:
        reply = httpx.get(
            f"{emulator.base_url}/v3/reference/splits", headers={"Authorization": f"Bearer {emulator.key}"}
        )
        assert [row["ticker"] for row in reply.json()["results"]] == ["AAA"]
        assert answers(emulator.base_url)
        command = " ".join(path.read_text() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
        assert emulator.key not in command
    assert gone(emulator.base_url, within=0.1)


def test_it_does_what_its_faults_say(record: Path) -> None:
    with running_emulator(recorded=record, faults="503:2", latency=1.0) as emulator:
        statuses = [httpx.get(f"{emulator.base_url}/v3/reference/splits").status_code for _ in range(3)]
    assert statuses == [503, 503, 401]


def test_it_ends_when_the_block_fails(record: Path) -> None:
    with pytest.raises(ZeroDivisionError), running_emulator(recorded=record, key="k") as emulator:
        raise ZeroDivisionError
    assert emulator.key == "k"
    assert gone(emulator.base_url, within=0.1)


def test_it_ends_when_the_process_that_started_it_is_killed(record: Path) -> None:
    code = (
        "import sys, time, pathlib\n"
        "from smallcaps_assets.source.emulator.launch import running_emulator\n"
        f"with running_emulator(recorded=pathlib.Path({str(record)!r})) as emulator:\n"
        "    print(emulator.base_url, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        base_url = parent.stdout.readline().strip()
        assert answers(base_url)
        os.kill(parent.pid, signal.SIGKILL)
    assert gone(base_url)


def test_what_it_said_is_in_the_error_when_it_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="has no recorded market"), running_emulator(recorded=tmp_path):
        pass


def test_a_taken_port_is_an_error(record: Path) -> None:
    with running_emulator(recorded=record) as emulator:
        port = int(emulator.base_url.rpartition(":")[2])
        with pytest.raises(EmulatorError, match="in use"), running_emulator(recorded=record, port=port):
            pass


def test_a_key_is_needed() -> None:
    bare = {name: value for name, value in os.environ.items() if name != "SMALLCAPS_EMULATOR_KEY"}
    done = subprocess.run(
        [sys.executable, "-m", "smallcaps_assets.source.emulator", "--port", "0"],
        env=bare,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "an API key is needed" in done.stderr
