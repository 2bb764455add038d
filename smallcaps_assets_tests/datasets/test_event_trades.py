"""Trades of events' windows."""

from datetime import date

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.event_trades import EventTrades, event_trades, rebuilt_bars_agree
from smallcaps_assets.partitions import Partition
from smallcaps_assets.source.routes import SessionFile
from smallcaps_assets_tests.datasets.tape_rows import INSTANT, SESSION, Row, Schema, Source, at, manifest, trade

BARS: Schema = {
    "session": pl.Date, "ticker": pl.String, "started_at": INSTANT,
    "volume": pl.Float64, "high": pl.Float64, "low": pl.Float64,
}  # fmt: skip
NO_BARS = pl.LazyFrame(schema=BARS)


def rows(source: Source, events: pl.DataFrame, *partitions: Partition, tickers: tuple[str, ...] = ()) -> list[Rows]:
    run = Run("event_trades", partitions or (Partition(SESSION, "G"),), frozenset(tickers))
    parts = list(event_trades(run, event_manifest=events.lazy(), minute_bars=NO_BARS, polygon=source))
    return [part._replace(frame=contracts.conform(EventTrades, part.frame)) for part in parts]


def test_overlapping_windows_are_asked_for_once_and_a_trade_is_under_each_event_that_holds_it() -> None:
    source = Source([trade("GEVO", "10:00:00", 1.0), trade("GEVO", "10:06:00", 1.1), trade("GEVO", "10:10:00", 1.2)])
    events = manifest(("GEVO", "a", "10:00:00", "10:10:00"), ("GEVO", "b", "10:05:00", "10:15:00"))

    (part,) = rows(source, events)

    assert source.asked == [("trades", "GEVO", at("10:00:00"), at("10:15:00"))]
    assert part.frame.select("event_id", "price").rows() == [("a", 1.0), ("a", 1.1), ("b", 1.1), ("b", 1.2)]
    assert part.metadata["requests"] == 1


def test_a_file_would_save_the_requests_of_all_letters_or_of_the_named_tickers() -> None:
    events = manifest(
        ("GEVO", "a", "10:00:00", "10:10:00"),
        ("GEVO", "b", "10:05:00", "10:15:00"),  # in one request with the first
        ("GEVO", "c", "12:00:00", "12:10:00"),
        ("BAC", "d", "12:00:00", "12:10:00"),
    )
    all_letters, one_ticker = Source(), Source()
    rows(all_letters, events)
    rows(one_ticker, events, tickers=("GEVO",))
    assert all_letters.expected == {SessionFile.TRADES: {SESSION: 3.0}}
    assert one_ticker.expected == {SessionFile.TRADES: {SESSION: 2.0}}


def test_a_window_is_half_open() -> None:
    source = Source(
        [trade("GEVO", "09:59:59.999999999", 1.0), trade("GEVO", "10:00:00", 2.0), trade("GEVO", "10:10:00", 3.0)]
    )
    (part,) = rows(source, manifest(("GEVO", "a", "10:00:00", "10:10:00")))
    assert part.frame["price"].to_list() == [2.0]


def test_follow_on_corrections_are_dropped_and_counted_and_flagged_originals_stay() -> None:
    source = Source([trade("GEVO", "10:00:00", 1.0, correction=c, sequence_number=c) for c in (0, 1, 7, 8, 10, 11, 12)])
    (part,) = rows(source, manifest(("GEVO", "a", "10:00:00", "10:10:00")))
    assert part.frame["correction"].to_list() == [0, 1, 7, 8]
    assert part.metadata["follow_ons_dropped"] == 3


@pytest.mark.parametrize(
    ("clock", "conditions", "size", "updates_price", "updates_volume"),
    [
        ("10:00:00", [], 100.0, True, True),
        ("10:00:00", [14, 41], 100.0, True, True),
        ("10:00:00", [37], 5.0, False, True),
        ("10:00:00", [12], 100.0, False, True),
        ("09:29:59.999999999", [12], 100.0, True, True),
        ("16:00:00", [12], 100.0, True, True),
        ("16:00:00", [15], 100.0, False, False),
        ("10:00:00", [10], 100.0, False, True),
        ("10:00:00", [], 0.5, False, True),
        ("10:00:00", [], 1.0, True, True),
    ],
)
def test_a_trade_updates_what_its_conditions_its_time_and_its_size_allow(
    clock: str, conditions: list[int], size: float, updates_price: bool, updates_volume: bool
) -> None:
    source = Source([trade("GEVO", clock, 1.0, size, conditions=conditions)])
    (part,) = rows(source, manifest(("GEVO", "a", "09:00:00", "17:00:00")))
    assert part.frame.select("updates_price", "updates_volume").rows() == [(updates_price, updates_volume)]


def test_every_partition_comes_in_order_and_those_without_events_are_empty() -> None:
    other = date(2024, 3, 6)
    source = Source([trade("GEVO", "10:00:00", 1.0), trade("geVo", "10:00:00", 3.0, session=other)])
    events = pl.concat(
        [manifest(("GEVO", "a", "10:00:00", "10:01:00"), ("AAPL", "x", "10:00:00", "10:01:00")),
         manifest(("geVo", "b", "10:00:00", "10:01:00"), session=other)]
    )  # fmt: skip
    parts = rows(source, events, Partition(SESSION, "F"), Partition(SESSION, "G"), Partition(other, "G"))
    assert [(p.partition.key, p.frame["event_id"].to_list()) for p in parts] == [
        ("F|2024-03-05", []), ("G|2024-03-05", ["a"]), ("G|2024-03-06", ["b"])
    ]  # fmt: skip


def test_events_that_are_not_admitted_and_tickers_that_are_not_wanted_ask_for_nothing() -> None:
    source = Source([trade("GEVO", "10:00:00", 1.0)])
    (part,) = rows(source, manifest(("GEVO", "a", "10:00:00", "10:01:00"), admitted=False))
    assert part.frame.is_empty()
    both = manifest(("GEVO", "a", "10:00:00", "10:01:00"), ("GME", "b", "10:00:00", "10:01:00"))
    rows(source, both, tickers=("GME",))
    assert [ticker for _, ticker, _, _ in source.asked] == ["GME"]


def verdict(bars: list[tuple[str, float, float, float]], *trades: Row) -> contracts.Verdict:
    events = manifest(("GEVO", "a", "10:00:00", "10:03:00"), ("GEVO", "b", "10:02:00", "10:04:30"))
    (part,) = rows(Source(trades), events)
    minutes = pl.DataFrame(
        [
            {"session": SESSION, "ticker": "GEVO", "started_at": at(c), "volume": v, "high": h, "low": low}
            for c, v, h, low in bars
        ],
        schema=BARS,
    )
    return rebuilt_bars_agree(part.frame, {"event_manifest": events.lazy(), "minute_bars": minutes.lazy()})


TRADES = (
    trade("GEVO", "10:00:01", 1.0, 100.0),
    trade("GEVO", "10:00:02", 9.0, 30.0, conditions=[37]),
    trade("GEVO", "10:00:03", 1.2, 200.0, conditions=[10]),
    trade("GEVO", "10:02:10", 1.1, 50.0),
    trade("GEVO", "10:04:10", 1.1, 50.0),
)


def test_bars_rebuilt_from_trades_that_agree_pass_and_minutes_cut_by_a_window_are_not_judged() -> None:
    result = verdict(
        [("10:00:00", 330.0, 1.2, 1.0), ("10:02:00", 50.0, 1.1, 1.1), ("10:04:00", 999.0, 1.1, 1.1)], *TRADES
    )
    assert result.passed
    assert result.metadata["minutes"] == result.metadata["agreeing_minutes"] == 2


@pytest.mark.parametrize(
    "bars",
    [
        [("10:00:00", 330.0, 1.2, 1.0)],
        [("10:00:00", 330.0, 1.2, 1.0), ("10:02:00", 51.0, 1.1, 1.1)],
        [("10:00:00", 330.0, 1.3, 1.0), ("10:02:00", 50.0, 1.1, 1.1)],
        [("10:00:00", 330.0, 1.2, 1.0), ("10:02:00", 50.0, 1.1, 1.0)],
        [("10:00:00", 330.0, 1.2, 1.0), ("10:01:00", 5.0, 1.2, 1.0), ("10:02:00", 50.0, 1.1, 1.1)],
    ],
)
def test_a_minute_that_is_missing_or_differs_in_volume_high_or_low_fails(
    bars: list[tuple[str, float, float, float]],
) -> None:
    result = verdict(bars, *TRADES)
    assert not result.passed
    assert "2024-03-05 15:0" in result.metadata["first_disagreement"]


def test_a_partition_without_trades_has_nothing_to_agree_with() -> None:
    assert verdict([("10:00:00", 330.0, 1.2, 1.0)]).passed


def test_the_contract_refuses_a_price_set_by_a_fraction_of_a_share() -> None:
    (part,) = rows(Source([trade("GEVO", "10:00:00", 1.0, 0.5)]), manifest(("GEVO", "a", "10:00:00", "10:01:00")))
    assert contracts.verdict(EventTrades, part.frame).passed
    broken = part.frame.with_columns(updates_price=pl.lit(True))
    assert not contracts.verdict(EventTrades, broken).passed
