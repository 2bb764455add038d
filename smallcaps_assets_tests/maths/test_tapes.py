"""Tapes from overlapping windows."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.tapes import owned, tapes, ticks, windows_holding, with_tapes

Spans = list[tuple[int, int]]


def windows(spans: Spans) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "session": [1] * len(spans),
            "ticker": ["A"] * len(spans),
            "event_id": [f"e{k}" for k in range(len(spans))],
            "window_starts_at": [low for low, _ in spans],
            "window_ends_at": [high for _, high in spans],
        },
        schema_overrides={
            "session": pl.Int64,
            "ticker": pl.String,
            "event_id": pl.String,
            "window_starts_at": pl.Int64,
            "window_ends_at": pl.Int64,
        },
    )


def test_windows_of_other_tickers_and_sessions_are_other_tapes() -> None:
    both = windows([(0, 10), (5, 15), (5, 15)]).with_columns(
        ticker=pl.Series(["A", "B", "A"]), session=pl.Series([1, 1, 2])
    )
    assert tapes(both).select("session", "ticker", "tape_ends_at", "events").rows() == [
        (1, "A", 10, 1), (1, "B", 15, 1), (2, "A", 15, 1)
    ]  # fmt: skip


def test_no_windows_are_no_tapes() -> None:
    assert tapes(windows([])).is_empty()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)).map(lambda w: (w[0], w[0] + w[1])), max_size=8))
def test_each_instant_of_a_window_is_owned_once_and_tapes_are_the_runs_of_covered_instants(spans: Spans) -> None:
    named = with_tapes(windows(spans))
    rows = pl.LazyFrame({"session": [1] * 60, "ticker": ["A"] * 60, "at": range(60)})
    stored = windows_holding(rows, windows(spans), "at").select("session", "ticker", "event_id", "at")
    assert stored.collect().height == sum(high - low for low, high in spans)
    once = owned(stored, windows(spans), "at").collect().sort("at")
    covered = sorted({instant for low, high in spans for instant in range(low, high)})
    assert once["at"].to_list() == covered
    for row in once.rows(named=True):
        inside = range(row["tape_starts_at"], row["tape_ends_at"])
        assert row["at"] in inside
        assert set(inside) <= set(covered)
        assert {inside.start - 1, inside.stop}.isdisjoint(covered)
    assert set(named["tape_starts_at"]) == {instant for instant in covered if instant - 1 not in covered}


def test_ticks_start_at_the_first_price_of_each_tape() -> None:
    trades = pl.LazyFrame(
        {
            "session": [1] * 4, "ticker": ["A"] * 4, "tape_starts_at": [0, 0, 9, 9], "sip_at": [1, 2, 9, 10],
            "sequence_number": [1, 2, 3, 4], "price": [10.0, 11.0, 12.0, 13.0], "size": [1.0] * 4,
            "updates_price": [True, False, False, True], "updates_volume": [True] * 4,
        }
    )  # fmt: skip
    assert ticks(trades).select("sip_at", "price").collect().rows() == [(1, 10.0), (2, 10.0), (10, 13.0)]


def test_rows_of_tapes_keep_the_order_they_are_stored_in() -> None:
    rows = pl.LazyFrame({"session": [1] * 4, "ticker": ["A"] * 4, "event_id": ["e1", "e0", "e1", "e0"], "at": range(4)})
    assert owned(rows, windows([(0, 9), (20, 29)]), "at").select("at").collect()["at"].to_list() == [1, 3]
    assert owned(rows, windows([(0, 2), (1, 9)]), "at").collect()["at"].to_list() == [1, 2, 3]
