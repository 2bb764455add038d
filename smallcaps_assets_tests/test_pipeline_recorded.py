"""End to end on what was recorded in real markets: the demo command with the emulator replaying it."""

import json
from pathlib import Path

import duckdb

from smallcaps_assets_tests.demo_run import demo
from smallcaps_assets_tests.shared import SHARED, needs_shared


def recorded(folder: Path, sessions: str, config: dict[str, dict[str, object]]) -> Path:
    """The demo on recorded data; the catalogue it leaves."""
    result = demo(
        folder,
        *("--recorded", str(SHARED / "realdata" / "recorded"), "--sessions", sessions),
        *("--config", json.dumps(config)),
        *("--history", "5"),  # sessions; of these names none is recorded before, and their gate asks for none
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder / "lake" / "smallcaps.duckdb"


@needs_shared
def test_real_ticks_of_2013_go_through_to_splits_with_the_small_cap_gate_relaxed(tmp_path: Path) -> None:
    relaxed: dict[str, dict[str, object]] = {
        "shares_outstanding": {"max_price": 1000.0},
        "universe": {"max_market_cap": 1e13, "max_price": 1000.0},
        "event_manifest": {"max_price": 1000.0, "profile": "full"},
    }
    catalogue = recorded(tmp_path, "2013-10-07..2013-10-09", relaxed)
    with duckdb.connect(str(catalogue), read_only=True) as connection:
        labelled = dict(connection.execute("SELECT ticker, count(*) FROM training_rows GROUP BY ticker").fetchall())
        folds = connection.execute("SELECT count(DISTINCT (scheme, fold)) FROM ml_splits").fetchall()[0][0]
    assert labelled.keys() == {"AIG", "BAC", "IBM"}
    assert folds == 7


@needs_shared
def test_a_tape_recorded_alone_gives_minute_bars_with_its_volume_to_the_share(tmp_path: Path) -> None:
    alone: dict[str, dict[str, object]] = {
        "universe": dict.fromkeys(
            ("unknown_cap_is_member", "unknown_history_is_member", "unknown_exchange_is_member"), True
        )
    }
    catalogue = recorded(tmp_path, "2020-03-17", alone)
    tape = SHARED / "realdata" / "recorded" / "trades.parquet"
    with duckdb.connect(str(catalogue), read_only=True) as connection:
        volume = connection.execute("SELECT sum(volume) FROM minute_bars").fetchall()[0][0]
        printed = connection.execute(
            "SELECT sum(size) FROM read_parquet($1) WHERE ticker = 'VXRT'", [str(tape)]
        ).fetchall()[0][0]
    assert volume == printed
