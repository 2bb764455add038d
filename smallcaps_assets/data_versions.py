"""What Dagster is told of a partition's bytes and of what they were made from, so that it shows what is stale.

Dagster's own materializations give all partitions of a run one version, which is new with every run: whatever is made
again, even with the same bytes, would mark all that follows as stale. Ours carry the hash of the partition's file. What
a partition was made from is kept as Dagster keeps it: for each input, how far the event log went when the run began to
read it. A later event of an upstream partition with another version makes it stale, one with the same version does not.

Flat files are inputs too: the ETag is the version, the sessions that were read are observed. What of this Dagster shows
and where it stops looking is said in docs/source.md.
"""

from collections.abc import Mapping
from datetime import date

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG, NULL_EVENT_POINTER, get_input_event_pointer_tag
from dagster._core.execution.plan.execute_step import (  # no public names; the version is pinned and tested
    _build_data_version_tags,
    _get_code_version,
    _get_input_provenance_data,
)

from smallcaps_assets.partitions import Partition
from smallcaps_assets.source.routes import SessionFile

NO_EVENTS_OF_DAGSTERS_OWN = {"__source_asset_observation__": True}  # of an output: its asset speaks for itself
LATEST = 20  # observations of a file and session that are looked at: editions of one day are few


def file_asset(file: SessionFile) -> dg.AssetKey:
    """The asset that stands for the vendor's files of a kind."""
    return dg.AssetKey(f"flat_{file}")


class Made:
    """Of one step: the tags of its materializations. Created when the step has computed, before its first event."""

    def __init__(self, dataset: str, context: dg.AssetExecutionContext) -> None:
        self._context = context
        key, step = dg.AssetKey(dataset), context.op_execution_context.get_step_execution_context()
        self._inputs = _get_input_provenance_data(key, step)
        self._code_version = _get_code_version(key, step)
        self._observed: dict[tuple[SessionFile, date, str], int] = {}

    def tags(self, partition: Partition, digest: str, file: SessionFile | None, etag: str | None) -> dict[str, str]:
        """The partition's version is ``digest``; ``etag`` is the edition of the session's ``file`` that was read.

        Without one the rows do not come from the file, and whatever becomes of it leaves them fresh.
        """
        tags = _build_data_version_tags(dg.DataVersion(digest), self._code_version, self._inputs, True)
        if partition.letter:
            tags |= {"dagster/partition/session": str(partition.session), "dagster/partition/letter": partition.letter}
        if file and partition.session and file_asset(file) in self._inputs:
            pointer = str(self._observation(file, partition.session, etag)) if etag else NULL_EVENT_POINTER
            tags[get_input_event_pointer_tag(file_asset(file))] = pointer
        return tags

    def _observation(self, file: SessionFile, session: date, etag: str) -> int:
        """The event that says that the session's file had this tag; made if there is none."""
        if (file, session, etag) not in self._observed:
            found = self._recorded(file, session)
            if etag not in found:
                self._context.log_event(observation(file, session, etag))
                found = self._recorded(file, session)
            self._observed[file, session, etag] = found[etag]
        return self._observed[file, session, etag]

    def _recorded(self, file: SessionFile, session: date) -> Mapping[str, int]:
        """The newest observation of the session's file by tag."""
        records = dg.AssetRecordsFilter(file_asset(file), asset_partitions=[str(session)])
        page = self._context.instance.fetch_observations(records, limit=LATEST)
        return {
            seen.tags[DATA_VERSION_TAG]: record.storage_id
            for record in reversed(page.records)
            if (seen := record.asset_observation) and DATA_VERSION_TAG in seen.tags
        }


def observation(file: SessionFile, session: date, etag: str) -> dg.AssetObservation:
    """The event: the session's file has this ETag."""
    return dg.AssetObservation(file_asset(file), partition=str(session), tags={DATA_VERSION_TAG: etag})
