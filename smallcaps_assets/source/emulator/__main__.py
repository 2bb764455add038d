"""``python -m smallcaps_assets.source.emulator``: the service on 127.0.0.1 over a synthetic or a recorded market."""

import argparse
import os
import signal
import sys
import threading
import time
from datetime import date
from datetime import time as clock_time
from pathlib import Path

from smallcaps_assets.source.emulator.calendar import last_completed_session
from smallcaps_assets.source.emulator.faults import FAULTS, Faults
from smallcaps_assets.source.emulator.launch import KEY_VARIABLE, STOP_VARIABLE
from smallcaps_assets.source.emulator.market import Market
from smallcaps_assets.source.emulator.plans import PLANS
from smallcaps_assets.source.emulator.recorded import RecordedMarket
from smallcaps_assets.source.emulator.routes_flat import ACCESS_KEY
from smallcaps_assets.source.emulator.routes_stream import StreamOptions
from smallcaps_assets.source.emulator.server import HOST, application, http_server, listening_on


def arguments(given: list[str]) -> argparse.Namespace:
    """The command line; the key may stand in the environment instead, where other users cannot read it."""
    parser = argparse.ArgumentParser(prog="python -m smallcaps_assets.source.emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8900, help="0 takes a free port")
    parser.add_argument("--key", default=os.environ.get(KEY_VARIABLE), help=f"API key; default: {KEY_VARIABLE}")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--tickers", type=int, default=60)
    parser.add_argument("--start", type=date.fromisoformat, default=date(2024, 1, 2), help="first session")
    parser.add_argument("--end", type=date.fromisoformat, help="last session; default: the last completed one")
    parser.add_argument("--recorded", type=Path, help="folder of recorded Parquet files instead of a synthetic market")
    parser.add_argument("--plan", choices=PLANS, default="advanced", help="the subscription: what is open, and how far")
    parser.add_argument("--rate-limit", type=int, help="requests a minute; 0 is no limit; default: the plan's")
    parser.add_argument(
        "--flat-access-key", default=ACCESS_KEY, help="access key id of flat files; the secret is the key"
    )
    parser.add_argument("--latency", type=float, default=0.0, metavar="MS", help="a request takes so much longer")
    parser.add_argument(
        "--faults", default="", metavar="NAME[:every|count],...", help=f"what goes wrong: {', '.join(FAULTS)}"
    )
    parser.add_argument("--replay-session", type=date.fromisoformat, help="what the stream plays; default: the last")
    parser.add_argument("--replay-speed", type=float, default=1.0, help="1 to 1000 session seconds a second")
    parser.add_argument(
        "--replay-from", type=clock_time.fromisoformat, default=clock_time(9, 30), help="New York HH:MM"
    )
    options = parser.parse_args(given)
    if not 1 <= options.replay_speed <= 1000:
        parser.error(f"--replay-speed is 1 to 1000, not {options.replay_speed:g}")
    if not options.key:
        parser.error(f"an API key is needed: --key or {KEY_VARIABLE}")
    try:
        options.faults = faults_of(options)
    except ValueError as error:
        parser.error(str(error))
    return options


def faults_of(options: argparse.Namespace) -> Faults:
    """The faults and the latency that the options name."""
    faults = Faults(options.latency / 1000)
    faults.read(options.faults)
    return faults


def market_of(options: argparse.Namespace) -> Market:
    """The market the options name."""
    if options.recorded is not None:
        return RecordedMarket(options.recorded)
    from smallcaps_assets.source.emulator.synthetic import SyntheticMarket

    end = options.end or last_completed_session(time.time_ns())
    market: Market = SyntheticMarket(seed=options.seed, tickers=options.tickers, start=options.start, end=end)
    return market


def stop_with_parent() -> None:
    """End this process when standard input ends: the pipe's other side is held by the process that started it."""

    def watch() -> None:
        while sys.stdin.buffer.read(1):
            pass
        signal.raise_signal(signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Serve until interrupted; prints one line with the address when ready."""
    options = arguments(sys.argv[1:])
    if os.environ.get(STOP_VARIABLE):
        stop_with_parent()
    with listening_on(options.port) as listening:
        port = listening.getsockname()[1]
        ready = f"emulator http://{HOST}:{port}"
        app = application(
            market_of(options),
            options.key,
            rate_limit=options.rate_limit,
            faults=options.faults,
            plan=options.plan,
            flat_access_key=options.flat_access_key,
            stream=StreamOptions(options.replay_session, options.replay_speed, options.replay_from),
            ready=lambda: print(ready, flush=True),  # noqa: T201 - the command's one line of output
        )
        http_server(app).run(sockets=[listening])


if __name__ == "__main__":
    main()
