"""The axes as Dagster sees them."""

from datetime import UTC, date, datetime

import dagster as dg
import polars as pl
import pytest

from smallcaps_assets import sessions
from smallcaps_assets.partitions import WHOLE, Axes, Axis, Partition, holes, letter_of, mapping, visible

AXES = Axes(date(2024, 1, 2))


def test_the_session_axis_has_exactly_the_exchanges_sessions() -> None:
    keys = AXES.session.get_partition_keys_in_range(dg.PartitionKeyRange("2024-01-02", "2025-12-31"))
    assert list(keys) == [str(s) for s in sessions.between(date(2024, 1, 2), date(2025, 12, 31))]


def test_the_letter_axis_names_its_partitions_letter_first() -> None:
    assert AXES.letter.has_partition_key("G|2024-01-16")
    assert not AXES.letter.has_partition_key("G|2024-01-15")


@pytest.mark.parametrize(
    ("partition", "key", "file"),
    [
        (Partition(date(2024, 1, 16)), "2024-01-16", "2024-01-16"),
        (Partition(date(2024, 1, 16), "G"), "G|2024-01-16", "G/2024-01-16"),
    ],
)
def test_a_partition_knows_its_key_and_file_and_is_parsed_back(partition: Partition, key: str, file: str) -> None:
    assert (partition.key, partition.file, Partition.parse(key)) == (key, file, partition)


def test_the_whole_is_called_all() -> None:
    assert (WHOLE.key, WHOLE.file) == ("all", "all")


def test_tickers_are_found_under_their_first_letter_whatever_its_case() -> None:
    assert pl.DataFrame({"t": ["GEVO", "kiM"]}).select(letter_of(pl.col("t"))).to_series().to_list() == ["G", "K"]


def test_sessions_before_count_sessions_not_days() -> None:
    window = mapping(Axis.SESSION, Axis.SESSION, before=2)
    assert window is not None
    subset = AXES.session.empty_subset().with_partition_keys(["2024-01-17"])
    found = window.get_upstream_mapped_partitions_result_for_partitions(subset, AXES.session, AXES.session)
    assert sorted(found.partitions_subset.get_partition_keys()) == ["2024-01-12", "2024-01-16", "2024-01-17"]


def test_sessions_before_the_first_are_simply_not_asked_for() -> None:
    window = mapping(Axis.SESSION, Axis.SESSION, before=60)
    assert window is not None
    subset = AXES.session.empty_subset().with_partition_keys(["2024-01-03"])
    found = window.get_upstream_mapped_partitions_result_for_partitions(subset, AXES.session, AXES.session)
    assert sorted(found.partitions_subset.get_partition_keys()) == ["2024-01-02", "2024-01-03"]


def test_a_letters_look_back_stays_inside_the_letter() -> None:
    window = mapping(Axis.LETTER, Axis.LETTER, before=1)
    assert window is not None
    subset = AXES.letter.empty_subset().with_partition_keys(
        [dg.MultiPartitionKey({"session": "2024-01-16", "letter": "G"})]
    )
    found = window.get_upstream_mapped_partitions_result_for_partitions(subset, AXES.letter, AXES.letter)
    assert sorted(found.partitions_subset.get_partition_keys()) == ["G|2024-01-12", "G|2024-01-16"]


@pytest.mark.parametrize(
    ("key", "upstream", "downstream", "before"),
    [
        ("2024-01-17", Axis.SESSION, Axis.SESSION, 0),
        ("2024-01-17", Axis.SESSION, Axis.SESSION, 2),
        ("G|2024-01-17", Axis.LETTER, Axis.LETTER, 1),
        ("G|2024-01-17", Axis.SESSION, Axis.LETTER, 0),
        ("2024-01-17", Axis.LETTER, Axis.SESSION, 0),
    ],
)
def test_a_partition_alone_sees_the_files_that_dagster_maps_it_to(
    key: str, upstream: Axis, downstream: Axis, before: int
) -> None:
    window, above, below = mapping(upstream, downstream, before), AXES.definition(upstream), AXES.definition(downstream)
    assert window is not None
    assert above is not None
    assert below is not None
    partition = Partition.parse(key)
    own: str = dg.MultiPartitionKey({"session": str(partition.session), "letter": "G"}) if partition.letter else key
    subset = below.empty_subset().with_partition_keys([own])
    found = window.get_upstream_mapped_partitions_result_for_partitions(subset, below, above)
    mapped = sorted(Partition.parse(each).file for each in found.partitions_subset.get_partition_keys())
    keys = above.get_partition_keys(current_time=datetime(2024, 2, 1, tzinfo=UTC))
    assert visible(partition, upstream, before, [Partition.parse(each).file for each in keys]) == mapped


def test_sessions_before_cannot_cross_axes() -> None:
    with pytest.raises(ValueError, match="sessions before cannot be asked"):
        mapping(Axis.LETTER, Axis.SESSION, before=1)


def test_history_may_begin_late_but_has_no_holes() -> None:
    first, second, third = (Partition(date(2024, 1, day)) for day in (2, 3, 4))
    assert holes([first, second, third], {second, third}) == []
    assert holes([first, second, third], {first, third}) == [second]
    assert holes([first, second, third], {first, second}) == [third]


def test_a_hole_in_one_letter_is_not_filled_by_another() -> None:
    a1, a2 = Partition(date(2024, 1, 2), "A"), Partition(date(2024, 1, 3), "A")
    b1, b2 = Partition(date(2024, 1, 2), "B"), Partition(date(2024, 1, 3), "B")
    assert holes([a1, a2, b1, b2], {a1, b1, b2}) == [a2]
