"""Start the emulator as a process of its own for as long as a block runs."""

import os
import queue
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

KEY_VARIABLE = "SMALLCAPS_EMULATOR_KEY"
STOP_VARIABLE = "SMALLCAPS_EMULATOR_STOPS_AT_END_OF_INPUT"
READY = "emulator http://"
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class EmulatorAddress:
    """Where a running emulator is and the key it knows."""

    base_url: str
    key: str


class EmulatorError(Exception):
    """The emulator did not start; the message ends with what it said."""


@contextmanager
def running_emulator(
    *,
    key: str | None = None,
    port: int = 0,
    seed: int | None = None,
    tickers: int | None = None,
    start: date | None = None,
    end: date | None = None,
    recorded: Path | None = None,
    rate_limit: int | None = None,
    faults: str | None = None,
    latency: float | None = None,
    plan: str | None = None,
    replay_session: date | None = None,
    replay_speed: float | None = None,
    replay_from: str | None = None,
    wait: float = 60.0,
) -> Iterator[EmulatorAddress]:
    """An emulator process that lives as long as the block, and no longer than this process however that ends.

    Options left out take the command's defaults; without ``key`` one is drawn. The key goes through the environment,
    never the command line; ``latency`` is in milliseconds. EmulatorError when it is not ready within ``wait`` seconds.
    """
    key = key or secrets.token_hex(16)
    given = {
        "--port": port,
        "--seed": seed,
        "--tickers": tickers,
        "--start": start,
        "--end": end,
        "--recorded": recorded,
        "--rate-limit": rate_limit,
        "--faults": faults,
        "--latency": latency,
        "--plan": plan,
        "--replay-session": replay_session,
        "--replay-speed": replay_speed,
        "--replay-from": replay_from,
    }
    options = [part for name, value in given.items() if value is not None for part in (name, str(value))]
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "smallcaps_assets.source.emulator", *options],
        stdin=subprocess.PIPE,  # held open: when this process ends, the emulator reads its end and stops
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": paths, KEY_VARIABLE: key, STOP_VARIABLE: "1"},
        text=True,
    )
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    try:
        yield EmulatorAddress(_address(lines, wait), key)
    finally:
        _end(process)
        reader.join()


def _address(lines: "queue.Queue[str | None]", wait: float) -> str:
    """The address in the emulator's ready line."""
    said = []
    try:
        while (line := lines.get(timeout=wait)) is not None:
            if line.startswith(READY):
                return line.removeprefix("emulator ").strip()
            said.append(line)
    except queue.Empty:
        said.append(f"not ready after {wait:.0f} s")
    raise EmulatorError(f"the emulator did not start: {''.join(said)[-4000:]}")


def _read(process: "subprocess.Popen[str]", lines: "queue.Queue[str | None]") -> None:
    """Hand on what the emulator says until it is ready; what it says then goes to our standard error."""
    ready = False
    output = process.stdout
    if output is None:
        raise EmulatorError("the emulator was started without a pipe")
    with output:
        for line in output:
            if ready:
                sys.stderr.write(f"emulator: {line}")
            else:
                lines.put(line)
                ready = line.startswith(READY)
    lines.put(None)


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin:
        process.stdin.close()
