"""``make bench``, second part: the client against the emulator, over real HTTP, each figure beside the vendor's client.

Each part prints what it measured, what was wanted of it, and the same work done by the official client ``massive``.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from random import Random

import httpx
import massive
import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from smallcaps_assets.maths.tapes import tapes
from smallcaps_assets.source.emulator import calendar
from smallcaps_assets.source.emulator.launch import EmulatorAddress, running_emulator
from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
from smallcaps_assets.source.polygon import Polygon
from smallcaps_assets.source.wire import INSTANT

FIRST, SESSION = date(2025, 8, 27), date(2025, 9, 3)
TICKERS = 300
MINUTE = 60_000_000_000  # ns
LIMIT = 500  # requests a minute
LATENCY = 60  # ms
IN_FLIGHT = 12
MOST_TRADES = 1_000_000
Row = tuple[str, str, str, str]
Windows = list[tuple[str, int, int]]


@contextmanager
def limited(emulator: EmulatorAddress, requests_per_minute: int) -> Iterator[Polygon]:
    """Our client of that emulator."""
    with Polygon(
        emulator.base_url, emulator.key, requests_per_minute=requests_per_minute, in_flight=IN_FLIGHT
    ) as polygon:
        yield polygon


def events(market: SyntheticMarket, sessions: list[date]) -> pl.DataFrame:
    """The patterns that the market planted in those sessions as events with windows of ten minutes."""
    planted = pl.concat([market.planted(session).with_columns(session=pl.lit(session)) for session in sessions])
    known_at = pl.col("last") * 1_000_000
    return planted.select(
        "session",
        "ticker",
        event_id=pl.int_range(pl.len()).cast(pl.String),
        window_starts_at=(known_at - 3 * MINUTE).cast(INSTANT),
        window_ends_at=(known_at + 7 * MINUTE).cast(INSTANT),
    )


def asked(windows: pl.DataFrame) -> Windows:
    """Windows as the client is asked for them."""
    bounds = pl.col("tape_starts_at", "tape_ends_at").cast(pl.Int64)
    return list(windows.select("ticker", bounds).iter_rows())


def ours(polygon: Polygon, windows: Windows) -> int:
    """Trades and quotes of every window; the rows."""
    ticks = [(ask, window) for window in windows for ask in (polygon.trades, polygon.quotes)]
    return sum(frame.height for frame in polygon.in_parallel(lambda item: item[0](*item[1]), ticks))


def theirs(emulator: EmulatorAddress, windows: Windows) -> int:
    """The same with the vendor's client and as many threads."""
    client = massive.RESTClient(emulator.key, base=emulator.base_url, num_pools=IN_FLIGHT)

    def rows(item: tuple[Callable[..., Iterator[object]], tuple[str, int, int]]) -> int:
        ask, (ticker, since, until) = item
        return sum(
            1 for _ in ask(ticker, timestamp_gte=since, timestamp_lt=until, limit=50_000, sort="timestamp", order="asc")
        )

    ticks = [(ask, window) for window in windows for ask in (client.list_trades, client.list_quotes)]
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        return sum(pool.map(rows, ticks))


def throughput(windows: Windows, count: int) -> Row:
    """Without a limit: requests a second on this machine, the emulator running on it too."""
    few = windows[: count // 4]
    with running_emulator(start=FIRST, end=SESSION, tickers=TICKERS) as emulator, limited(emulator, 0) as polygon:
        ours(polygon, windows)  # the emulator makes each tape once
        before, begun = polygon.requests, time.perf_counter()
        found = ours(polygon, windows)
        spent = time.perf_counter() - begun
        rate = (polygon.requests - before) / spent
        begun = time.perf_counter()
        rows_of_few = theirs(emulator, few)
        their_rate = 2 * len(few) / (time.perf_counter() - begun)
    note = f"{found:,} rows; vendor's client {rows_of_few:,} rows of {len(few)} windows"
    return "unlimited", f"{rate:,.0f} requests/s", "≥ 200", f"{their_rate:,.0f} requests/s ({note})"


def share_of_limit(windows: Windows) -> Row:
    """At a limit of 500 a minute and 60 ms of latency: the share of the limit that was used, and the refusals."""
    with (
        running_emulator(start=FIRST, end=SESSION, tickers=TICKERS, rate_limit=LIMIT, latency=LATENCY) as emulator,
        limited(emulator, LIMIT) as polygon,
    ):
        asking = (windows * (1 + 2 * LIMIT // len(windows)))[:LIMIT]
        begun = time.perf_counter()
        ours(polygon, asking)
        spent = time.perf_counter() - begun
        refused = polygon.requests - 2 * len(asking)
        share = 60 * 2 * len(asking) / spent / LIMIT
    said = f"{share:.1%} of {LIMIT}/min over {spent:.0f} s, {refused} refused"
    return "limit and latency", said, "≥ 98 %, 0 refused", "59 % (the first system)"


def requests_per_event(marked: pl.DataFrame, windows: pl.DataFrame) -> Row:
    """Requests for trades and quotes by union of overlapping windows, counted by the client."""
    with running_emulator(start=FIRST, end=SESSION, tickers=TICKERS) as emulator, limited(emulator, 0) as polygon:
        ours(polygon, asked(windows))
        each = polygon.requests / marked.height
    return "requests per event", f"{each:.2f} ({marked.height} events)", "≤ 2.05", "2.50 (the first system)"


def busy_day(folder: Path) -> tuple[str, int, int]:
    """A recorded market of one ticker whose day has a million trades; the window that holds them all."""
    draw = np.random.default_rng(7)
    open_at, close_at = calendar.hours(SESSION).pre_open, calendar.hours(SESSION).post_close
    at = np.sort(draw.integers(open_at, close_at, MOST_TRADES))
    frame = pl.DataFrame(
        {
            "ticker": pl.Series(["BUSY"]).new_from_index(0, MOST_TRADES),
            "sip_timestamp": at,
            "participant_timestamp": at - 20_000,
            "sequence_number": np.arange(1, MOST_TRADES + 1),
            "price": 5 + np.round(0.01 * draw.integers(0, 400, MOST_TRADES), 2),
            "size": draw.integers(1, 900, MOST_TRADES).astype(np.float64),
            "exchange": draw.integers(1, 21, MOST_TRADES),
            "id": pl.Series(np.arange(1, MOST_TRADES + 1)).cast(pl.String),
            "conditions": pl.Series([[12, 37], [14, 41], []]).gather(draw.integers(0, 3, MOST_TRADES)),
        }
    )
    frame.write_parquet(folder / "trades.parquet")
    return "BUSY", open_at, close_at


def elephant() -> Iterator[Row]:
    """A ticker-day of 1,000,000 trades, in a fresh process for each client: seconds and peak memory."""
    with tempfile.TemporaryDirectory() as name:
        ticker, since, until = busy_day(Path(name))
        with running_emulator(recorded=Path(name)) as emulator:
            with limited(emulator, 0) as polygon:
                polygon.trades(ticker, since, since + MINUTE)  # the emulator reads its file once
            said = [_apart(who, emulator, ticker, since, until) for who in ("ours", "theirs")]
    yield "1,000,000 trades, memory", f"{said[0][1]:.0f} MB", "< 500 MB", f"{said[1][1]:.0f} MB"
    yield "1,000,000 trades, time", f"{said[0][0]:.1f} s", "", f"{said[1][0]:.1f} s"


def _apart(who: str, emulator: EmulatorAddress, ticker: str, since: int, until: int) -> tuple[float, float]:
    command = [
        sys.executable,
        "-m",
        "smallcaps_assets_tests.bench_elephant",
        who,
        emulator.base_url,
        ticker,
        str(since),
        str(until),
        str(MOST_TRADES),
    ]
    done = subprocess.run(command, input=emulator.key, capture_output=True, text=True, check=True)
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


def large_market() -> Iterator[Row]:
    """The synthetic market of 4,000 tickers and 756 sessions, asked in no order: the slowest of 40 replies."""
    sessions = calendar.sessions(date(2022, 1, 3), SESSION)[-756:]
    draw = Random(7)
    with running_emulator(tickers=4_000, start=sessions[0], end=sessions[-1]) as emulator:
        authorization = {"Authorization": f"Bearer {emulator.key}"}
        with httpx.Client(base_url=emulator.base_url, headers=authorization, timeout=60) as client:
            spent: dict[str, list[float]] = {"grouped daily": [], "a ticker-day of trades": []}
            for _ in range(40):
                session = draw.choice(sessions)
                seconds, rows = _timed(client, f"/v2/aggs/grouped/locale/us/market/stocks/{session}")
                spent["grouped daily"].append(seconds)
                ticker = draw.choice(rows)["T"]
                seconds, _ = _timed(client, f"/v3/trades/{ticker}?timestamp={session}&limit=50000")
                spent["a ticker-day of trades"].append(seconds)
    for what, wanted in (("grouped daily", 150), ("a ticker-day of trades", 250)):
        yield f"emulator: {what}", f"≤ {1000 * max(spent[what]):.0f} ms", f"< {wanted} ms", "first reply included"


def _timed(client: httpx.Client, address: str) -> tuple[float, list[dict[str, str]]]:
    begun = time.perf_counter()
    reply = client.get(address)
    spent = time.perf_counter() - begun
    return spent, reply.raise_for_status().json()["results"]


def main() -> None:
    """Print the table, row by row as it is measured."""
    market = SyntheticMarket(seed=7, tickers=TICKERS, start=FIRST, end=SESSION)
    marked = events(market, calendar.sessions(FIRST, SESSION))
    unions = tapes(marked)
    windows = asked(unions)
    table = Table("source", "measured", "wanted", "beside it")
    console = Console()
    for rows in (  # the last takes two minutes: at 500 a minute it can be no faster
        [throughput(windows * (1 + 500 // len(windows)), 500)],
        [requests_per_event(marked, unions)],
        elephant(),
        large_market(),
        [share_of_limit(windows)],
    ):
        for row in rows:
            table.add_row(*row)
            console.log(*row[:2])
    console.print(table)


if __name__ == "__main__":
    main()
