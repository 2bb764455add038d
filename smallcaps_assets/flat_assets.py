"""The vendor's flat files as Dagster shows them: one asset a kind, upstream of what is read from it, versioned by ETag.

A run that reads a session's file observes its ETag. To observe them again (the button *Observe*, the schedule
`flat_files`) is to ask the bucket for the ETags of all sessions that were ever read: where one has changed, because the
vendor has published the session again, what was made of it shows as stale.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.events import DagsterEventType

from smallcaps_assets.automation.schedules import AFTER_PUBLICATION
from smallcaps_assets.data_versions import NO_EVENTS_OF_DAGSTERS_OWN, file_asset, observation
from smallcaps_assets.partitions import Axes
from smallcaps_assets.sessions import NEW_YORK
from smallcaps_assets.source.routes import Route, SessionFile
from smallcaps_assets.source.routing import Routing, may_read

GROUP = "source"


def kinds(route: Route) -> list[SessionFile]:
    """The kinds of files that runs on the route may read."""
    return [file for file in SessionFile if may_read(route, file)]


def selection(route: Route) -> dg.AssetSelection | None:
    """The assets of those kinds; None where there are none."""
    return dg.AssetSelection.assets(*map(file_asset, kinds(route))) if kinds(route) else None


def assets(route: Route, axes: Axes) -> list[dg.AssetsDefinition]:
    """One observable asset by session for each kind of file that the route may lead to; one step observes them."""
    if not kinds(route):
        return []

    @dg.multi_observable_source_asset(  # type: ignore[untyped-decorator]
        name="flat_files",
        specs=[
            dg.AssetSpec(
                file_asset(file),
                description=f"The vendor's files {file}: one a session, every ticker in it; its version is the ETag.",
                group_name=GROUP,
                partitions_def=axes.session,
                kinds={"polygon", "s3"},
            )
            for file in kinds(route)
        ],
        can_subset=True,
        required_resource_keys={"polygon"},
    )
    def observe(context: dg.AssetExecutionContext) -> Iterator[dg.Output[None]]:
        for file in kinds(route):
            if file_asset(file) in context.selected_asset_keys:
                for event in republished(context, file):
                    context.log_event(event)
                yield dg.Output(None, file_asset(file).path[-1], metadata=NO_EVENTS_OF_DAGSTERS_OWN)

    return [observe]


def schedule(route: Route) -> list[dg.ScheduleDefinition]:
    """Observes the files each morning after they are published; none where no route leads to them."""
    target = selection(route)
    if target is None:
        return []
    return [
        dg.ScheduleDefinition(
            name="flat_files",
            cron_schedule=AFTER_PUBLICATION,
            execution_timezone=NEW_YORK.key,
            target=target,
            description="11:30 New York: which of the files that were read has the vendor published again.",
        )
    ]


def republished(context: dg.AssetExecutionContext, file: SessionFile) -> list[dg.AssetObservation]:
    """The new ETags of the sessions whose file was read once and is another now."""
    known = _known(context.instance, file)
    if not known:
        return []
    routing: Routing = context.resources.polygon.client.routing
    now = routing.published(file, min(known))
    changed = {session: etag for session, etag in now.items() if session in known and known[session] != etag}
    context.log.info(f"{file}: {len(changed)} of {len(known)} sessions that were read are published again")
    return [observation(file, session, etag) for session, etag in changed.items()]


def _known(instance: dg.DagsterInstance, file: SessionFile) -> Mapping[date, str]:
    """The ETags last observed, by session."""
    found = instance.event_log_storage.get_latest_tags_by_partition(
        file_asset(file), DagsterEventType.ASSET_OBSERVATION, [DATA_VERSION_TAG]
    )
    return {date.fromisoformat(session): tags[DATA_VERSION_TAG] for session, tags in found.items()}
