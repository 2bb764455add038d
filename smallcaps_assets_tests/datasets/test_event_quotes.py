"""Quote seconds of events' windows."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.event_quotes import EventQuotes, event_quotes
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.tape_rows import SESSION, Row, Source, at, manifest, quote

WINDOW = manifest(("GEVO", "a", "10:00:00", "10:10:00"))
MS = 1_000_000


def rows(*quotes: Row, events: pl.DataFrame = WINDOW, session: date = SESSION) -> pl.DataFrame:
    run = Run("event_quotes", (Partition(session, "G"),))
    (part,) = event_quotes(run, event_manifest=events.lazy(), polygon=Source(quotes=quotes))
    frame = contracts.conform(EventQuotes, part.frame)
    assert contracts.verdict(EventQuotes, frame).passed
    return frame


def test_a_second_has_its_last_valid_quote_and_seconds_without_quotes_have_no_row() -> None:
    frame = rows(
        quote("GEVO", "10:00:00.1", 1.00, 1.04),
        quote("GEVO", "10:00:00.6", 1.00, 1.02),
        quote("GEVO", "10:00:03.5", 1.01, 1.02),
    )
    assert frame.select("bid_price", "ask_price", "quotes").rows() == [(1.00, 1.02, 2), (1.01, 1.02, 1)]
    assert frame["second_at"].cast(pl.Int64).to_list() == [at("10:00:00"), at("10:00:03")]


def test_the_spread_is_weighted_by_time_with_the_quote_carried_into_the_second() -> None:
    frame = rows(
        quote("GEVO", "10:00:00.1", 1.00, 1.04),
        quote("GEVO", "10:00:00.6", 1.00, 1.02),
        quote("GEVO", "10:00:03.5", 1.00, 1.01),
    )
    # first second: 0.04 for 0.5 s and 0.02 for 0.4 s; nothing was carried into the window
    # fourth second: 0.02 for 0.5 s, carried, and 0.01 for 0.5 s
    assert frame["spread_twa"].to_list() == pytest.approx([0.028 / 0.9, 0.015])
    assert frame["spread_min"].to_list() == pytest.approx([0.02, 0.01])
    assert frame["spread_max"].to_list() == pytest.approx([0.04, 0.02])


def test_one_sided_and_unflagged_crossed_quotes_are_not_valid_and_flagged_ones_are() -> None:
    assert rows(quote("GEVO", "10:00:00.1", 1.00, 1.04), quote("GEVO", "10:00:00.2", 0.0, 1.04))["bid_price"][0] == 1.00
    assert rows(quote("GEVO", "10:00:00.1", 1.00, 1.04), quote("GEVO", "10:00:00.2", 1.05, 1.04))["bid_price"][0] == 1.0
    flagged = quote("GEVO", "10:00:00.2", 1.05, 1.04, conditions=[84])
    assert rows(quote("GEVO", "10:00:00.1", 1.00, 1.04), flagged)["bid_price"][0] == 1.05


def test_a_second_without_a_valid_quote_keeps_its_row_with_null_prices() -> None:
    frame = rows(quote("GEVO", "10:00:00.1", 1.00, 1.04), quote("GEVO", "10:00:05.25", 0.0, 0.0))
    second = frame.row(1, named=True)
    assert (second["bid_price"], second["ask_size"], second["quotes"]) == (None, None, 1)
    assert second["spread_twa"] == pytest.approx(0.04)


def test_locked_and_crossed_time_is_counted_flagged_or_not() -> None:
    frame = rows(
        quote("GEVO", "10:00:00", 1.00, 1.00),
        quote("GEVO", "10:00:00.25", 1.02, 1.00),
        quote("GEVO", "10:00:00.75", 1.00, 1.01),
    )
    assert frame.select("locked_ns", "crossed_ns").rows() == [(250 * MS, 500 * MS)]
    assert frame["spread_twa"].to_list() == pytest.approx([0.01 * 0.25 / 0.5])


def test_sizes_are_shares_on_both_sides_of_the_change_of_the_vendors_unit() -> None:
    for session, size in ((date(2025, 10, 31), 200.0), (date(2025, 11, 3), 2.0)):
        events = manifest(("GEVO", "a", "10:00:00", "10:10:00"), session=session)
        assert rows(quote("GEVO", "10:00:00", 1.0, 1.1, session=session), events=events, session=session)[
            "bid_size"
        ].to_list() == [size]


def test_no_quote_is_carried_in_from_before_the_window_and_the_last_second_ends_with_it() -> None:
    events = manifest(("GEVO", "a", "10:00:00", "10:10:00"), ("GEVO", "b", "10:05:00", "10:05:00.5"))
    frame = rows(quote("GEVO", "10:04:00", 1.0, 1.5), quote("GEVO", "10:05:00.25", 1.0, 1.0), events=events)
    a, b = frame.filter(second_at=pl.lit(at("10:05:00")).cast(pl.Datetime("ns", "UTC"))).rows(named=True)
    assert (a["spread_max"], a["locked_ns"]) == (0.5, 750 * MS)
    assert (b["spread_max"], b["locked_ns"]) == (0.0, 250 * MS)


@pytest.mark.parametrize(
    "broken",
    [
        {"spread_twa": 9.0},
        {"locked_ns": 600 * MS, "crossed_ns": 600 * MS},
        {"bid_price": None},
    ],
)
def test_the_contract_refuses(broken: dict[str, object]) -> None:
    frame = rows(quote("GEVO", "10:00:00.1", 1.00, 1.04))
    changed = frame.with_columns(pl.lit(value).cast(frame.schema[name]).alias(name) for name, value in broken.items())
    assert not contracts.verdict(EventQuotes, changed).passed


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5999), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=20))
def test_the_statistics_are_those_of_a_walk_through_the_quotes(drawn: list[tuple[int, int, int]]) -> None:
    quotes = [
        quote("GEVO", f"10:00:{ms // 1000:02d}.{ms % 1000:03d}", bid / 4, ask / 4, sequence_number=i)
        for i, (ms, bid, ask) in enumerate(sorted(drawn, key=lambda q: q[0]))
    ]
    held: dict[int, dict[tuple[float, float], int]] = {}
    for ms in range(6000):
        before = [q for q in quotes if q["sip_at"] <= at("10:00:00") + ms * MS]
        if before:
            standing = (before[-1]["bid_price"], before[-1]["ask_price"])
            second = held.setdefault(ms // 1000, {})
            second[standing] = second.get(standing, 0) + MS
    for row in rows(*quotes).with_columns(pl.col("second_at").cast(pl.Int64)).rows(named=True):
        stood = held[(row["second_at"] - at("10:00:00")) // 10**9]
        two = {q: ns for q, ns in stood.items() if min(q) > 0}
        assert row["locked_ns"] == sum(ns for (bid, ask), ns in two.items() if bid == ask)
        assert row["crossed_ns"] == sum(ns for (bid, ask), ns in two.items() if bid > ask)
        spreads = {q: ns for q, ns in two.items() if q[1] >= q[0]}
        if spreads:
            mean = sum((ask - bid) * ns for (bid, ask), ns in spreads.items()) / sum(spreads.values())
            assert row["spread_twa"] == pytest.approx(mean)


def test_partitions_without_events_ask_for_nothing_and_are_empty() -> None:
    source = Source(quotes=[quote("GEVO", "10:00:00", 1.0, 1.1)])
    run = Run("event_quotes", (Partition(SESSION, "F"), Partition(SESSION, "G")))
    parts = list(event_quotes(run, event_manifest=WINDOW.lazy(), polygon=source))
    assert [(part.partition.letter, part.frame.height) for part in parts] == [("F", 0), ("G", 1)]
    assert len(source.asked) == 1
