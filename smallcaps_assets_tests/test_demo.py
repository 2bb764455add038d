"""In which order the demo runs the datasets, and what it leaves out."""

from datetime import date
from pathlib import Path

from smallcaps_assets.datasets.ml_splits import ml_splits
from smallcaps_assets.datasets.training_rows import training_rows
from smallcaps_assets.definitions import DATASETS
from smallcaps_assets.demo import Step, phases, too_little
from smallcaps_assets.partitions import WHOLE, Axis
from smallcaps_assets.store.lake import Lake
from smallcaps_assets_tests.datasets.model_rows import drawn, split


def test_every_dataset_comes_once_after_its_inputs_and_those_side_by_side_do_not_read_each_other() -> None:
    seen: list[str] = []
    for axis, group in phases():
        names = [dataset.name for dataset in group]
        for dataset in group:
            assert set(dataset.inputs) <= {*seen, *names}
            if axis is Axis.WHOLE:
                assert not set(dataset.inputs) & set(names)
        seen += names
    assert sorted(seen) == sorted(DATASETS)


def test_what_reads_the_folds_is_left_out_where_they_are_and_the_reason_is_told(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    steps = [Step((name,), (WHOLE,), {}) for name in ("ml_splits", "models", "daily_bars")]
    rows = drawn(days=3, tickers=1)
    for session in (date(2024, 3, 4), date(2024, 3, 5)):
        part = rows.filter(session=session)
        lake.commit(training_rows.name, f"T/{session}", part, passed=True, group_rows=10)
    assert [too_little(step, lake) for step in steps] == [
        "it needs training rows of 3 sessions, there are 2",
        "it needs ml_splits, which was left out",
        "",
    ]
    lake.commit(training_rows.name, "T/2024-03-06", rows.filter(session=date(2024, 3, 6)), passed=True, group_rows=10)
    lake.commit(ml_splits.name, WHOLE.file, split(rows), passed=True, group_rows=10)
    assert [too_little(step, lake) for step in steps] == ["", "", ""]
