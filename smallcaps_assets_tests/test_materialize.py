"""Assets stream partitions into the lake, mark green what they committed, and stop at what their contracts refuse."""

from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from smallcaps_assets_tests.tiny_flow import Tiny, evaluations, failure

WEEK = ("2025-09-08", "2025-09-12")


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    return Tiny(tmp_path)


def volumes(tiny: Tiny, name: str, partition: str) -> list[float]:
    return tiny.lake.read(name, partition)["volume"].to_list()


def break_by_hand(tiny: Tiny, name: str, partition: str) -> None:
    path = tiny.lake.path(name, partition)
    pl.read_parquet(path).with_columns(volume=pl.lit(-1.0)).write_parquet(path)


def test_a_run_over_many_partitions_commits_and_checks_each(tiny: Tiny) -> None:
    result = tiny.run(["root", "summed"], *WEEK)
    assert result.success
    sessions = {"2025-09-08", "2025-09-09", "2025-09-10", "2025-09-11", "2025-09-12"}
    assert tiny.green("root") == set(tiny.lake.partitions("root")) == sessions
    assert evaluations(result) == {(check, s): True for check in ("contract", "is_quiet") for s in sessions}


def test_a_look_back_sees_what_is_there_before_and_no_more(tiny: Tiny) -> None:
    tiny.run(["root"], *WEEK)
    tiny.run(["summed"], *WEEK)
    assert [volumes(tiny, "summed", f"2025-09-{day}")[0] for day in ("08", "09", "10", "12")] == [1.0, 2.0, 3.0, 3.0]


def test_rows_of_a_partition_are_the_same_whatever_the_run_they_come_from(tiny: Tiny) -> None:
    tiny.run(["root"], *WEEK)
    tiny.run(["summed"], *WEEK)
    together = tiny.lake.path("summed", "2025-09-10").read_bytes()
    tiny.run(["summed"], "2025-09-10")
    assert tiny.lake.path("summed", "2025-09-10").read_bytes() == together


def test_letters_take_their_tickers_and_a_session_gathers_them(tiny: Tiny) -> None:
    tiny.run(["root", "summed"], *WEEK)
    assert tiny.run(["lettered", "looked_back"], "A|2025-09-08", "B|2025-09-12").success
    assert tiny.lake.read("lettered", "B/2025-09-09")["ticker"].to_list() == ["Bcd"]
    assert tiny.run(["gathered"], *WEEK).success
    assert tiny.lake.read("gathered", "2025-09-09")["ticker"].to_list() == ["AAA", "Bcd"]
    result = tiny.run(["everything"])
    assert result.success
    assert tiny.lake.read("everything", "all").height == 10
    (made,) = result.asset_materializations_for_node("everything")
    assert made.metadata["read"].value == tiny.lake.version("gathered", tiny.lake.partitions("gathered"))


def test_a_missing_input_is_named(tiny: Tiny) -> None:
    result = tiny.run(["summed"], "2025-09-10")
    assert "summed needs root 2025-09-10: materialize it first" in failure(result)


def test_a_hole_in_the_history_is_named(tiny: Tiny) -> None:
    for session in ("2025-09-08", "2025-09-10"):
        tiny.run(["root"], session)
    assert "summed needs root 2025-09-09: materialize it first" in failure(tiny.run(["summed"], "2025-09-10"))


def test_a_run_that_fails_half_way_leaves_green_exactly_what_it_committed(tiny: Tiny) -> None:
    result = tiny.run(["root", "summed"], *WEEK, root={"fails_at": "2025-09-10"})
    assert not result.success
    assert "the source ends at 2025-09-10" in failure(result)
    assert tiny.green("root") == set(tiny.lake.partitions("root"))
    assert "2025-09-11" not in tiny.green("root")
    assert tiny.green("summed") == set()


def test_many_partitions_before_a_failure_stay_committed(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smallcaps_assets.step.CHECKED_TOGETHER", 1)
    assert not tiny.run(["root"], *WEEK, root={"fails_at": "2025-09-10"}).success
    assert tiny.green("root") == set(tiny.lake.partitions("root")) == {"2025-09-08", "2025-09-09"}
    checked = tiny.checked("root")
    assert (checked["2025-09-09"], checked["2025-09-10"]) == ("SUCCEEDED", "PLANNED")


def test_rows_that_break_their_contract_are_kept_marked_red_and_stop_what_follows(tiny: Tiny) -> None:
    result = tiny.run(["root", "summed"], *WEEK, root={"volume": -1.0})
    assert not result.success
    assert evaluations(result)[("contract", "2025-09-08")] is False
    assert not tiny.lake.passed("root", "2025-09-08")
    assert tiny.green("summed") == set()


def test_a_red_partition_stops_what_follows_in_later_runs_too(tiny: Tiny) -> None:
    tiny.run(["root"], *WEEK, root={"volume": -1.0})
    told = failure(tiny.run(["summed"], *WEEK))
    assert "root 2025-09-08 fails its contract and may not be read: volume: greater_than_or_equal_to(0) (2 rows" in told


def test_a_law_that_does_not_block_shows_red_and_lets_the_rest_go_on(tiny: Tiny) -> None:
    result = tiny.run(["root", "summed"], *WEEK, root={"volume": 101.0})
    assert result.success
    found = evaluations(result)
    assert found[("is_quiet", "2025-09-08")] is False
    assert found[("contract", "2025-09-08")] is True


def test_a_law_that_blocks_stops_what_follows_in_the_run_though_the_contract_is_green(tiny: Tiny) -> None:
    assert tiny.run(["root", "summed"], *WEEK, root={"volume": 60.0}).success
    result = tiny.run(["lettered", "looked_back"], "A|2025-09-08", "A|2025-09-12")
    assert not result.success
    found = evaluations(result)
    assert found[("contract", "A|2025-09-10")] is True
    assert (found[("is_quiet", "A|2025-09-08")], found[("is_quiet", "A|2025-09-10")]) == (True, False)
    assert tiny.green("looked_back") == set()


def test_a_partition_broken_by_hand_is_refused_by_those_who_read_it(tiny: Tiny) -> None:
    tiny.run(["root"], *WEEK)
    break_by_hand(tiny, "root", "2025-09-09")
    assert "root 2025-09-09 fails its contract and may not be read" in failure(tiny.run(["summed"], *WEEK))


def test_a_check_run_alone_shows_the_rule_and_the_rows_of_the_broken_partition_only(tiny: Tiny) -> None:
    tiny.run(["root"], *WEEK)
    break_by_hand(tiny, "root", "2025-09-09")
    result = tiny.check("root", "2025-09-08", "2025-09-10")
    assert evaluations(result) == {
        ("contract", "2025-09-08"): True,
        ("contract", "2025-09-09"): False,
        ("contract", "2025-09-10"): True,
    }
    shown: Any = next(
        e.asset_check_evaluation_data.metadata["failures"].value
        for e in result.all_events
        if e.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION and not e.asset_check_evaluation_data.passed
    )
    assert shown.records[0].data == {"rule": "volume: greater_than_or_equal_to(0)", "rows": 2, "case": "-1.0"}


def test_a_check_run_alone_takes_the_mark_from_rows_that_fail(tiny: Tiny) -> None:
    tiny.run(["root"], *WEEK)
    rows = tiny.lake.read("root", "2025-09-09").with_columns(volume=pl.lit(-1.0))
    tiny.lake.commit("root", "2025-09-09", rows, passed=True, group_rows=10)
    assert tiny.run(["summed"], *WEEK).success
    tiny.check("root", *WEEK)
    assert "may not be read" in failure(tiny.run(["summed"], *WEEK))


def test_a_good_file_of_another_program_is_read(tiny: Tiny) -> None:
    tiny.run(["root"], *WEEK)
    path = tiny.lake.path("root", "2025-09-09")
    pl.read_parquet(path).write_parquet(path)
    assert tiny.run(["summed"], *WEEK).success


def test_a_partition_written_under_another_contract_is_refused_and_names_what_it_lacks(tiny: Tiny) -> None:
    tiny.run(["root"], *WEEK)
    older = tiny.lake.read("root", "2025-09-09").drop("volume")
    tiny.lake.commit("root", "2025-09-09", older, passed=True, group_rows=10)
    told = failure(tiny.run(["summed"], *WEEK))
    assert "root 2025-09-09 fails its contract and may not be read: column_in_dataframe" in told
    assert "volume" in told


def test_named_tickers_are_computed_again_and_the_others_stay(tiny: Tiny) -> None:
    tiny.run(["root", "summed"], "2025-09-08")
    tiny.run(["lettered"], "A|2025-09-08")
    path = tiny.lake.path("lettered", "A/2025-09-08")
    stored = pl.read_parquet(path)
    other = stored.with_columns(ticker=pl.lit("AZZ"), volume=pl.lit(7.0))
    pl.concat([stored.with_columns(volume=pl.lit(9.0)), other]).write_parquet(path)
    assert tiny.run(["lettered"], "A|2025-09-08", lettered={"tickers": ["AAA"]}).success
    assert tiny.lake.read("lettered", "A/2025-09-08").select("ticker", "volume").rows() == [("AAA", 1.0), ("AZZ", 7.0)]


def test_every_materialization_carries_rows_bytes_and_the_datasets_own_metadata(tiny: Tiny) -> None:
    tiny.run(["root"], *WEEK)
    shown: dict[str, Any] = {}
    for record in tiny.instance.fetch_materializations(dg.AssetKey("root"), limit=10).records:
        materialization = record.asset_materialization
        assert materialization is not None
        shown[str(record.partition_key)] = {k: v.value for k, v in materialization.metadata.items()}
    assert shown["2025-09-08"]["dagster/row_count"] == 2
    assert shown["2025-09-08"]["bytes"] == tiny.lake.path("root", "2025-09-08").stat().st_size
    assert shown["2025-09-08"]["tickers"] == 2
    assert "| 2025-09-12 | AAA" in shown["2025-09-12"]["sample"]


def test_check_results_belong_to_the_newest_materialization(tiny: Tiny) -> None:
    for _ in range(2):
        tiny.run(["root"], *WEEK)
    newest = {
        str(r.partition_key): r.storage_id
        for r in tiny.instance.fetch_materializations(dg.AssetKey("root"), limit=5).records
    }
    result = tiny.run(["root"], "2025-09-08")
    target = next(
        e.asset_check_evaluation_data.target_materialization_data
        for e in result.all_events
        if e.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
    )
    assert target is not None
    assert target.storage_id > newest["2025-09-08"]
    assert target.run_id == result.run_id


def test_a_law_is_given_what_the_rows_were_made_with_also_when_it_runs_alone(tiny: Tiny) -> None:
    tiny.run(["root", "summed"], *WEEK)
    law = "is_as_loud_as_told"
    made = tiny.run(["lettered", "looked_back"], "A|2025-09-08", "A|2025-09-09", looked_back={"volume": 5.0})
    assert [evaluations(made)[law, f"A|2025-09-0{day}"] for day in (8, 9)] == [True, True]
    alone = tiny.check("looked_back", "A|2025-09-08", "A|2025-09-09", law)
    assert evaluations(alone) == {(law, "A|2025-09-08"): True, (law, "A|2025-09-09"): True}
    break_by_hand(tiny, "looked_back", "A/2025-09-09")
    assert evaluations(tiny.check("looked_back", "A|2025-09-09", "A|2025-09-09", law)) == {(law, "A|2025-09-09"): False}


def test_a_law_sees_what_its_partition_maps_to_whatever_the_run_it_is_part_of(tiny: Tiny) -> None:
    tiny.run(["root", "summed"], *WEEK)
    made = tiny.run(["lettered", "looked_back"], "A|2025-09-08", "A|2025-09-12")
    alone = tiny.check("looked_back", "A|2025-09-10", "A|2025-09-10", "is_as_loud_as_told")
    seen = {
        (result.run_id, str(found.partition)): found.metadata["seen"].value
        for result in (made, alone)
        for event in result.all_events
        if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
        and (found := event.asset_check_evaluation_data).check_name == "is_as_loud_as_told"
    }
    assert seen[made.run_id, "A|2025-09-08"] == "2025-09-08"
    assert seen[made.run_id, "A|2025-09-10"] == seen[alone.run_id, "A|2025-09-10"] == "2025-09-09, 2025-09-10"
