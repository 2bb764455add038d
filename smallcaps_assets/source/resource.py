"""The vendor as a Dagster resource: the real service where there is a key, the emulator where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from smallcaps_assets.source.emulator.launch import running_emulator
from smallcaps_assets.source.polygon import Polygon


class PolygonResource(dg.ConfigurableResourceFactory[Polygon]):
    """Polygon.io (Massive) over HTTP; an asset that asks for ``polygon`` receives the client itself."""

    base_url: str
    """The service's address."""
    api_key: str = ""
    """The key; empty: the emulator is started for the run and ended with it."""
    requests_per_minute: int = 500
    """The plan's limit; 0: none."""
    in_flight: int = 12
    """Requests under way at once."""
    recorded: str = ""
    """Without a key: a folder of recorded market data that the emulator replays instead of its synthetic market."""
    emulated_tickers: int = 60
    """Without a key: how many tickers the synthetic market has."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Polygon]:  # noqa: ARG002
        """The client, open for one run."""
        if self.api_key:
            with self._client(self.base_url, self.api_key, self.requests_per_minute) as client:
                yield client
            return
        options = {"recorded": self.recorded} if self.recorded else {"tickers": self.emulated_tickers}
        with running_emulator(**options) as emulator, self._client(emulator.base_url, emulator.key, 0) as client:
            yield client

    def _client(self, base_url: str, key: str, requests_per_minute: int) -> Polygon:
        return Polygon(base_url, key, requests_per_minute=requests_per_minute, in_flight=self.in_flight)
