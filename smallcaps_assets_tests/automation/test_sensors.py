"""Data trigger what follows: automation conditions on a tiny flow, and the watcher of halt files."""

import os
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from smallcaps_assets import materialize
from smallcaps_assets.automation import schedules, sensors
from smallcaps_assets.automation.schedules import RANGE
from smallcaps_assets.definitions import DATASETS
from smallcaps_assets.definitions import FLOW as PRODUCT
from smallcaps_assets.partitions import Axes
from smallcaps_assets.sessions import NEW_YORK
from smallcaps_assets.store.lake import Lake
from smallcaps_assets_tests.tiny_flow import FIRST, FLOW, Tiny

NOON = datetime(2025, 9, 15, 12, tzinfo=NEW_YORK)  # a Monday: Friday's session is the newest partition


def with_conditions(folder: Path) -> Tiny:
    tiny = Tiny(folder)
    tiny.defs = dg.Definitions(
        assets=[
            materialize.asset(each, FLOW, Axes(FIRST), tiny.lake, "tiny", due=sensors.follows(each))
            for each in FLOW.values()
        ],
        resources={"lake": materialize.io_manager(tiny.lake, FLOW)},
        executor=dg.in_process_executor,
    )
    return tiny


def asked_for(result: dg.EvaluateAutomationConditionsResult, name: str) -> set[str]:
    return {str(key) for key in result.get_requested_partitions(dg.AssetKey(name))}


def evaluate(tiny: Tiny, cursor: Any = None) -> dg.EvaluateAutomationConditionsResult:
    return dg.evaluate_automation_conditions(tiny.defs, tiny.instance, cursor=cursor, evaluation_time=NOON)


def test_the_newest_session_follows_its_source_although_history_begins_late(tmp_path: Path) -> None:
    tiny = with_conditions(tmp_path)
    first = evaluate(tiny)
    tiny.run(["root"], "2025-09-12")
    assert asked_for(evaluate(tiny, first.cursor), "summed") == {"2025-09-12"}


def test_an_older_session_is_left_to_backfills(tmp_path: Path) -> None:
    tiny = with_conditions(tmp_path)
    first = evaluate(tiny)
    tiny.run(["root"], "2025-09-10")
    assert asked_for(evaluate(tiny, first.cursor), "summed") == set()


def test_nothing_follows_a_source_whose_contract_is_red(tmp_path: Path) -> None:
    tiny = with_conditions(tmp_path)
    first = evaluate(tiny)
    tiny.run(["root"], "2025-09-12", root={"volume": -1.0})
    assert asked_for(evaluate(tiny, first.cursor), "summed") == set()


def drop(lake: Lake, name: str, at: float) -> None:
    path = lake.root / "inbox" / "halts" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("Halt Date\n")
    os.utime(path, (at, at))


def test_a_dropped_halt_file_asks_for_its_session_once(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    watch = sensors.halt_files(lake, Axes(date(2024, 1, 2)))
    drop(lake, "trade_halts_2024-01-16.csv", 1_000)
    drop(lake, "trade_halts_2024-01-15.csv", 1_000)  # a holiday
    drop(lake, "readme.csv", 1_000)
    first = watch(dg.build_sensor_context())
    assert isinstance(first, dg.SensorResult)
    assert [r.tags[RANGE[0]] for r in first.run_requests or []] == ["2024-01-16"]
    again = watch(dg.build_sensor_context(cursor=first.cursor))
    assert isinstance(again, dg.SensorResult)
    assert not again.run_requests


def test_a_halt_file_that_changes_asks_again(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    watch = sensors.halt_files(lake, Axes(date(2024, 1, 2)))
    drop(lake, "trade_halts_2024-01-16.csv", 1_000)
    first = watch(dg.build_sensor_context())
    assert isinstance(first, dg.SensorResult)
    drop(lake, "trade_halts_2024-01-16.csv", 2_000)
    again = watch(dg.build_sensor_context(cursor=first.cursor))
    assert isinstance(again, dg.SensorResult)
    assert len(again.run_requests or []) == 1


def test_verdict_files_ask_for_one_review_until_they_change(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    watch = sensors.review_files(lake)
    folder = tmp_path / "inbox" / "event_review"

    def asked(cursor: str | None) -> tuple[int, str | None]:
        result = watch(dg.build_sensor_context(cursor=cursor))
        assert isinstance(result, dg.SensorResult)
        return len(result.run_requests or []), result.cursor or cursor

    assert asked(None) == (0, None)
    folder.mkdir(parents=True)
    for name, at in (("a.json", 1_000), ("b.json", 1_000), ("readme.txt", 9_000)):
        (folder / name).write_text("{}")
        os.utime(folder / name, (at, at))
    first, cursor = asked(None)
    assert first == 1
    assert asked(cursor) == (0, cursor)
    os.utime(folder / "b.json", (2_000, 2_000))
    count, cursor = asked(cursor)
    assert count == 1
    (folder / "moved.json").write_text("{}")
    os.utime(folder / "moved.json", (500, 500))  # older than those already seen
    count, cursor = asked(cursor)
    assert count == 1
    (folder / "moved.json").unlink()
    assert asked(cursor)[0] == 1


def test_market_states_and_what_they_carry_over_follow_the_nightly_run_and_dropped_halts() -> None:
    asked = schedules.from_source(PRODUCT)
    halts_of_the_night = {name for name in asked if DATASETS[name].reads_inbox}
    for name in ("carried_over", "market_states"):
        follower = DATASETS[name]
        assert name not in asked
        assert sensors.follows(follower) is not None
        assert halts_of_the_night & set(follower.inputs) == {"halts"}
    assert set(DATASETS["carried_over"].inputs) <= set(asked)  # one run makes them all, or none is at rest
    assert DATASETS["market_states"].before == {}  # by letter, it may look back upon sessions through carried_over only
