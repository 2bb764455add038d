"""Dagster's SQLite event log with its connections kept open.

Dagster opens a new engine for every event, compiles its statements anew and waits for the disk at each of them: about
10 ms an event on two cores, four events a partition. With one engine kept for the index and one for the newest run, and
SQLite's usual `synchronous=NORMAL` for a write-ahead log, a partition costs about a third. What a power cut may then
lose is the log's last moments, never the lake's: a partition that is committed but not green is simply made again.

Named in `dagster_home/dagster.yaml`. It leans on one private method, hence the pinned version and the test.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

KEPT = 2  # engines: the index of all runs, and the run that is under way
FOLDER = Path("history", "runs")  # where Dagster's own storage keeps them, below DAGSTER_HOME


class KeptOpenEventLog(SqliteEventLogStorage):
    """The same files and tables as Dagster's own, below ``base_dir``."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(str(Path(base_dir) / FOLDER), inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "KeptOpenEventLog":
        """From the instance's YAML."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=QueuePool,
                pool_size=1,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            event.listen(engine, "connect", _relax)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        others = [name for name in self._engines if name not in (INDEX_SHARD_NAME, shard)]
        for name in others[: max(0, len(self._engines) - KEPT)]:
            self._engines.pop(name).dispose()
        return self._engines[shard]

    def dispose(self) -> None:
        """Close what is kept open."""
        super().dispose()
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()


def _relax(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
