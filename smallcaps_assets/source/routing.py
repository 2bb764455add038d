"""Which route the rows of a session take in a run: REST or the session's file; decided once, so that they never mix."""

import logging
import threading
from collections.abc import Mapping
from datetime import date

from smallcaps_assets.source.errors import PolygonError
from smallcaps_assets.source.flat import FlatFiles
from smallcaps_assets.source.routes import MEGABITS_PER_SECOND, Route, SessionFile, file_is_sooner

log = logging.getLogger(__name__)

TICKS = (SessionFile.TRADES, SessionFile.QUOTES)


def may_read(route: Route, file: SessionFile) -> bool:
    """Whether a run on that route may read such a file: on ``auto`` only ticks, since bars in files have no vwap."""
    return route is Route.FLAT or (route is Route.AUTO and file in TICKS)


class Routing:
    """Decides for every session and kind of file, and remembers; thread-safe.

    ``ValueError`` where the route may lead to ``files`` and there are none.
    """

    def __init__(
        self,
        route: Route = Route.REST,
        files: FlatFiles | None = None,
        *,
        requests_per_minute: int = 0,
        megabits_per_second: float = MEGABITS_PER_SECOND,
    ) -> None:
        if route is not Route.REST and files is None:
            raise ValueError(f"the route {route} needs the flat files")
        self.route = route
        self._files = files
        self._requests_per_minute = requests_per_minute
        self._megabits_per_second = megabits_per_second
        self._expected: dict[tuple[SessionFile, date], float] = {}
        self._decided: dict[tuple[SessionFile, date], FlatFiles | None] = {}
        self._lock = threading.Lock()

    def expect(self, file: SessionFile, requests: Mapping[date, float]) -> None:
        """How many REST requests each session's file would save; sessions never named save none."""
        with self._lock:
            self._expected |= {(file, session): count for session, count in requests.items()}

    def asks_for(self, partition: str | None) -> None:
        """Name the dataset and partitions on whose behalf files are asked for, for the ledger."""
        if self._files:
            self._files.partition = partition

    def files(self, file: SessionFile, session: date) -> FlatFiles | None:
        """The flat files, if the session's rows are to come from there; None for REST."""
        if self._files is None or not may_read(self.route, file):
            return None
        if self.route is Route.FLAT:
            return self._files
        with self._lock:
            if (file, session) not in self._decided:
                expected = self._expected.get((file, session), 0)
                self._decided[file, session] = self._files if self._sooner(file, session, expected) else None
            return self._decided[file, session]

    def taken(self, file: SessionFile, session: date) -> dict[str, str]:
        """``route`` of the session's rows in this run and, if they came from a file, its ``etag``."""
        files = self.files(file, session)
        if files is None:
            return {"route": str(Route.REST)}
        etag = files.read(file, session)
        return {"route": str(Route.FLAT)} | ({"etag": etag} if etag else {})

    def published(self, file: SessionFile, since: date) -> dict[date, str]:
        """The ETags of the files of sessions from ``since`` on, as the bucket lists them now."""
        if self._files is None:
            raise ValueError("the route rest has no flat files to list")
        return self._files.published(file, since)

    def _sooner(self, file: SessionFile, session: date, requests: float) -> bool:
        if not self._files or not file_is_sooner(requests, self._requests_per_minute, 1, self._megabits_per_second):
            return False  # not even a byte would be there sooner: no need to ask how many there are
        try:
            size = self._files.edition(file, session).size
        except PolygonError as error:
            log.warning("%s; its rows come over REST", error)
            return False
        return file_is_sooner(requests, self._requests_per_minute, size, self._megabits_per_second)
