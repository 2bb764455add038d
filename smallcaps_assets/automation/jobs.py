"""A job per stage and axis: the buttons for people who think in stages.

Dagster cannot put datasets of two axes into one job, so a stage with both has two.
"""

from collections.abc import Mapping, Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from smallcaps_assets.dataset import Dataset
from smallcaps_assets.partitions import Axis

SUFFIX = {Axis.SESSION: "by_session", Axis.LETTER: "by_letter", Axis.WHOLE: "whole"}


def by_stage(flow: Mapping[str, Sequence[Dataset]]) -> list[UnresolvedAssetJobDefinition]:
    """``market_by_session``, ``market_by_letter``, … in the order data flow."""
    return [
        dg.define_asset_job(
            f"{stage}_{SUFFIX[axis]}",
            selection=dg.AssetSelection.assets(*names),
            description=f"The {stage} stage's datasets by {axis.value}: {', '.join(names)}.",
        )
        for stage, datasets in flow.items()
        for axis in Axis
        if (names := [dataset.name for dataset in datasets if dataset.axis is axis])
    ]
