"""The kept-open event log writes what Dagster's own reads, and keeps few connections."""

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import text

from smallcaps_assets.store.event_log import FOLDER, KEPT, KeptOpenEventLog

YAML = """
event_log_storage:
  module: smallcaps_assets.store.event_log
  class: KeptOpenEventLog
  config:
    base_dir: {folder}
telemetry:
  enabled: false
"""


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a", "b"]))
def letters() -> int:
    return 1


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "dagster.yaml").write_text(YAML.format(folder=tmp_path))
    return tmp_path


def test_an_instance_that_names_it_keeps_its_events_where_dagsters_own_log_finds_them(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert isinstance(instance.event_log_storage, KeptOpenEventLog)
        runs = [dg.materialize([letters], instance=instance, partition_key=key).run_id for key in ("a", "b")]
        assert set(instance.get_materialized_partitions(letters.key)) == {"a", "b"}
    own = SqliteEventLogStorage(str(home / FOLDER))
    assert {event.run_id for run in runs for event in own.get_logs_for_run(run)} == set(runs)
    assert own.get_materialized_partitions(letters.key) == {"a", "b"}
    own.dispose()


def test_few_engines_are_kept_whatever_the_number_of_runs(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for key in ("a", "b", "a", "b"):
            dg.materialize([letters], instance=instance, partition_key=key)
        log = instance.event_log_storage
        assert isinstance(log, KeptOpenEventLog)
        assert len(log._engines) == KEPT
    assert len(log._engines) == 0


def test_a_statement_that_fails_is_rolled_back_and_the_connection_goes_on(tmp_path: Path) -> None:
    log = KeptOpenEventLog(str(tmp_path))

    def write_half() -> None:
        with log.index_connection() as connection:
            connection.execute(text("INSERT INTO asset_keys (asset_key) VALUES ('lost')"))
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        write_half()
    with log.index_connection() as connection:
        assert connection.execute(text("SELECT count(*) FROM asset_keys")).scalar() == 0
    log.dispose()
