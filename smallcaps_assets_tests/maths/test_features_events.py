"""The age of an event at the close of a bar, worked by hand."""

import polars as pl

from smallcaps_assets.maths.features_events import event_features
from smallcaps_assets_tests.maths.feature_rows import INSTANT, TAPE, S


def test_a_row_carries_its_tapes_latest_event_known_by_its_close_and_the_seconds_since() -> None:
    instants = ["window_starts_at", "window_ends_at", "event_known_at", "known_at", "tape_starts_at"]
    events = pl.DataFrame(
        [
            {"event_id": "a", "window_starts_at": 0, "window_ends_at": 60, "event_known_at": 10, "detector": "gap"},
            {"event_id": "c", "window_starts_at": 5, "window_ends_at": 70, "event_known_at": 20, "detector": "halt"},
            {"event_id": "b", "window_starts_at": 5, "window_ends_at": 70, "event_known_at": 20, "detector": "fade"},
            {"event_id": "d", "window_starts_at": 80, "window_ends_at": 90, "event_known_at": 85, "detector": "run"},
        ]
    ).with_columns(session=pl.lit(1, dtype=pl.Int64), ticker=pl.lit("A"))
    rows = pl.DataFrame([TAPE | {"tape_starts_at": t, "known_at": k} for t, k in ((0, 9), (0, 10), (0, 25), (80, 84))])
    shifted = [
        table.with_columns((pl.col(name) * S).cast(INSTANT) for name in instants if name in table.columns)
        for table in (rows, events)
    ]
    found = event_features(*shifted).sort("known_at")
    assert found["f_seconds_since_event"].to_list() == [None, 0.0, 5.0, None]
    assert found["detector"].to_list() == [None, "gap", "halt", None]  # of two at one instant the last by its id
    assert found["event_known_at"].cast(pl.Int64).to_list() == [None, 10 * S, 20 * S, None]
