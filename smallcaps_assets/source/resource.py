"""The vendor as a Dagster resource: the real service where there is a key, the emulator where there is none."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from smallcaps_assets.source.emulator.launch import running_emulator
from smallcaps_assets.source.emulator.routes_flat import ACCESS_KEY
from smallcaps_assets.source.flat import GIGABYTE, FlatFiles
from smallcaps_assets.source.ledger import Ledger
from smallcaps_assets.source.polygon import Polygon
from smallcaps_assets.source.routes import MEGABITS_PER_SECOND, Route
from smallcaps_assets.source.routing import Routing


class PolygonResource(dg.ConfigurableResource["PolygonResource"]):
    """Polygon.io (Massive) over HTTP; an asset that asks for ``polygon`` receives its ``client``, open for one run."""

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
    ledger: str = ""
    """The folder in which every request is put on record; empty: none is."""
    route: str = "rest"
    """How bars and ticks are asked for: ``rest``, ``flat`` or ``auto``."""
    s3_endpoint: str = ""
    """Where the flat files are; without a key they are the emulator's."""
    s3_access_key: str = ""
    """The access key id of the flat files."""
    s3_secret: str = ""
    """The secret that goes with it."""
    flat_files: str = ""
    """The folder in which flat files are kept."""
    flat_files_gigabytes: int = 200
    """How much of them is kept; the files of a run's sessions should have room."""
    megabits_per_second: float = MEGABITS_PER_SECOND
    """What the line to the flat files carries, by which ``auto`` chooses."""

    _client: Polygon | None = PrivateAttr(default=None)

    @property
    def client(self) -> Polygon:
        """The client; ``RuntimeError`` outside a run."""
        if self._client is None:
            raise RuntimeError("the source is open only while a run executes")
        return self._client

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["PolygonResource"]:  # noqa: ARG002
        """Open the client for one run, on the service or on an emulator started for it."""
        with ExitStack() as open_things:
            base_url, key, per_minute = self.base_url, self.api_key, self.requests_per_minute
            bucket = (self.s3_endpoint, self.s3_access_key, self.s3_secret)
            if not key:
                options = {"recorded": self.recorded} if self.recorded else {"tickers": self.emulated_tickers}
                emulator = open_things.enter_context(running_emulator(**options))
                base_url, key, per_minute = emulator.base_url, emulator.key, 0
                bucket = (base_url, ACCESS_KEY, key)
            ledger = open_things.enter_context(Ledger(Path(self.ledger))) if self.ledger else None
            client = Polygon(
                base_url,
                key,
                requests_per_minute=per_minute,
                in_flight=self.in_flight,
                ledger=ledger,
                routing=self._routing(bucket, per_minute, ledger),
            )
            self._client = open_things.enter_context(client)
            yield self

    def _routing(self, bucket: tuple[str, str, str], per_minute: int, ledger: Ledger | None) -> Routing:
        route = Route(self.route)
        if route is Route.REST:
            return Routing()
        kept, budget = Path(self.flat_files), self.flat_files_gigabytes * GIGABYTE
        files = FlatFiles(*bucket, kept, budget=budget, ledger=ledger)
        return Routing(route, files, requests_per_minute=per_minute, megabits_per_second=self.megabits_per_second)
