"""A process of its own for ``bench_source``: all trades of a ticker-day by one client; prints seconds and megabytes.

It imports only that client, so that the memory is what the client needs.
"""

import resource
import sys
import time


def ours(base_url: str, key: str, ticker: str, since: int, until: int) -> int:
    """The rows that our client returns, as a frame."""
    from smallcaps_assets.source.polygon import Polygon

    with Polygon(base_url, key, requests_per_minute=0) as polygon:
        return polygon.trades(ticker, since, until).height


def theirs(base_url: str, key: str, ticker: str, since: int, until: int) -> int:
    """The rows that the vendor's client returns, kept as it gives them."""
    from massive import RESTClient

    client = RESTClient(key, base=base_url, read_timeout=90.0)
    return len(
        list(client.list_trades(ticker, timestamp_gte=since, timestamp_lt=until, limit=50_000, sort="timestamp"))
    )


if __name__ == "__main__":
    who, base_url, ticker, since, until, expected = sys.argv[1:]
    key, begun = sys.stdin.read(), time.perf_counter()
    rows = {"ours": ours, "theirs": theirs}[who](base_url, key, ticker, int(since), int(until))
    if rows != int(expected):
        raise ValueError(f"{rows} trades where {expected} were recorded")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(time.perf_counter() - begun, peak)  # noqa: T201 - what the process is for
