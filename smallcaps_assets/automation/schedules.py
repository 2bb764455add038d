"""What time triggers: the source, once a session has ended; and what spans all sessions, once a week.

Session D's partition exists from 00:00 New York of D + 1, so nothing here runs before midnight. The schedule is written
out because Dagster's own ignores the holidays of a partition definition and would fire Friday's partition three times.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import dagster as dg

from smallcaps_assets.dataset import Dataset
from smallcaps_assets.partitions import Axes, Axis
from smallcaps_assets.sessions import NEW_YORK, is_session
from smallcaps_assets.source.routes import Route

AFTER_MIDNIGHT = "30 0 * * 2-6"  # Tuesday to Saturday: the morning after each weekday
AFTER_PUBLICATION = "30 11 * * 2-6"  # the vendor's flat files are complete by 11:00 of the day after
SATURDAY_MORNING = "0 6 * * 6"
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def range_tags(first: str, last: str) -> dict[str, str]:
    """The tags that make one run cover the partitions from ``first`` to ``last``."""
    return dict(zip(RANGE, (first, last), strict=True))


def from_source(flow: Mapping[str, Sequence[Dataset]]) -> list[str]:
    """The datasets that are one request, or one table, of the vendor for the whole market, and what tells whom to ask.

    Share counts are asked for by ticker, for those whose daily metrics pass: so daily metrics run with the source. What
    people drop is read as well: events need the session's halts, or that nobody has dropped any yet.
    """
    datasets = {dataset.name: dataset for stage in flow.values() for dataset in stage}
    found = [d.name for d in datasets.values() if (d.reads_source or d.reads_inbox) and d.axis is Axis.SESSION]
    for name in found:  # grows while it is walked
        found += [upstream for upstream in datasets[name].inputs if upstream not in found]
    return [name for name in datasets if name in found]


def nightly(flow: Mapping[str, Sequence[Dataset]], axes: Axes, route: Route = Route.REST) -> dg.ScheduleDefinition:
    """What comes from the source for the session that ended; the rest follows by itself (``sensors.automation``).

    On the route ``flat`` it waits for the session's files, which are there by 11:00 New York.
    """

    @dg.schedule(
        name="nightly",
        cron_schedule=AFTER_PUBLICATION if route is Route.FLAT else AFTER_MIDNIGHT,
        execution_timezone=NEW_YORK.key,
        target=dg.AssetSelection.assets(*from_source(flow)),
        description="The morning after, New York: the source's datasets of the session that has ended.",
    )
    def ask_the_source(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        session = (context.scheduled_execution_time.astimezone(NEW_YORK) - timedelta(days=1)).date()
        if session < axes.first_session or not is_session(session):
            return dg.SkipReason(f"{session} is not a session")
        return dg.RunRequest(run_key=str(session), tags=range_tags(str(session), str(session)))

    return ask_the_source


def weekly(flow: Mapping[str, Sequence[Dataset]]) -> dg.ScheduleDefinition:
    """What spans all sessions, on Saturday morning, when the week is complete."""
    whole = [dataset.name for stage in flow.values() for dataset in stage if dataset.axis is Axis.WHOLE]
    return dg.ScheduleDefinition(
        name="weekly",
        cron_schedule=SATURDAY_MORNING,
        execution_timezone=NEW_YORK.key,
        target=dg.AssetSelection.assets(*whole),
        description="Saturday morning New York: the datasets that span all sessions.",
    )
