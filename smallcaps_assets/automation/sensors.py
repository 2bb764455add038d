"""What data trigger: all that follows from the source, and files that somebody drops: halts, verdicts."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import blake2b
from typing import Any

import dagster as dg

from smallcaps_assets.automation.schedules import from_source, range_tags
from smallcaps_assets.dataset import Dataset
from smallcaps_assets.partitions import Axes, Axis
from smallcaps_assets.sessions import is_session
from smallcaps_assets.step import INBOX
from smallcaps_assets.store.lake import Lake

SESSION_IN_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})\.csv$")
HALT_FILES = "halts"
REVIEWED = "event_review"  # asset, and folder of its verdict files


def automation(flow: Mapping[str, Sequence[Dataset]]) -> dg.AutomationConditionSensorDefinition:
    """Materializes the newest session of what has new inputs, once they are all there, at rest and sound."""
    asked_by_schedule = {*from_source(flow), HALT_FILES}
    follow = [
        dataset.name
        for stage in flow.values()
        for dataset in stage
        if dataset.axis is not Axis.WHOLE and dataset.name not in asked_by_schedule
    ]
    return dg.AutomationConditionSensorDefinition(
        "automation",
        target=dg.AssetSelection.assets(*follow),
        description="Each dataset of the newest session, once its inputs are new, present and sound.",
    )


def follows(dataset: Dataset, files: dg.AssetSelection | None = None) -> dg.AutomationCondition[Any] | None:
    """When a dataset that follows others is due. Inputs with sessions before may begin late, so they may lack some.

    ``files``: the vendor's flat files, which tell nobody that it is time: a run observes them by reading them.
    """
    if dataset.axis is Axis.WHOLE or not dataset.inputs:
        return None
    may_lack = dg.AssetSelection.assets(*dataset.before) if dataset.before else None
    lacking = dg.AutomationCondition.any_deps_missing()
    newest = dg.AutomationCondition.in_latest_time_window()
    due = (
        newest
        & dg.AutomationCondition.any_deps_match(newest & dg.AutomationCondition.newly_updated()).since_last_handled()
        & ~(lacking.ignore(may_lack) if may_lack else lacking)
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
        & dg.AutomationCondition.all_deps_blocking_checks_passed()
    )
    return due.ignore(files) if files and dataset.file else due


def halt_files(lake: Lake, axes: Axes) -> dg.SensorDefinition:
    """One run for each halt file that is new or has changed; its name ends in the session's date."""

    @dg.sensor(
        name="halt_files",
        target=dg.AssetSelection.assets(HALT_FILES),
        minimum_interval_seconds=60,
        description="Watches data/inbox/halts for the exchange's halt files, one a session.",
    )
    def watch(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        seen = float(context.cursor or 0)
        changed = {
            path: path.stat().st_mtime
            for path in sorted((lake.root / INBOX / HALT_FILES).glob("*.csv"))
            if path.stat().st_mtime > seen
        }
        requests = []
        for path, at in changed.items():
            named = SESSION_IN_NAME.search(path.name)
            if named is None:
                context.log.warning(f"{path.name} does not end in a session's date (…YYYY-MM-DD.csv): left alone")
                continue
            session = date.fromisoformat(named[1])
            if session >= axes.first_session and is_session(session):
                tags = range_tags(str(session), str(session))
                requests.append(dg.RunRequest(run_key=f"{path.name}:{at}", tags=tags))
        return dg.SensorResult(run_requests=requests, cursor=str(max(changed.values(), default=seen)))

    return watch


def review_files(lake: Lake) -> dg.SensorDefinition:
    """One run when verdict files are new, changed or gone: they are read together.

    The cursor is a hash of their names and times: a file that is moved here keeps the time of its download.
    """

    @dg.sensor(
        name="review_files",
        target=dg.AssetSelection.assets(REVIEWED),
        minimum_interval_seconds=60,
        description="Watches data/inbox/event_review for the verdicts that the review page saves.",
    )
    def watch(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        found = sorted((lake.root / INBOX / REVIEWED).glob("*.json"))
        there = "".join(f"{path.name} {path.stat().st_mtime_ns}\n" for path in found)
        state = blake2b(there.encode(), digest_size=8).hexdigest()
        if state == context.cursor or (not found and not context.cursor):
            return dg.SensorResult(run_requests=[])
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=None)], cursor=state)

    return watch
