"""Labels of bars, on the tape and past its end."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.barrier_labels import BarrierLabels, BarrierLabelsConfig, barrier_labels
from smallcaps_assets.datasets.event_quotes import event_quotes
from smallcaps_assets.datasets.event_trades import event_trades
from smallcaps_assets.datasets.imbalance_bars import ImbalanceBarsConfig, imbalance_bars
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.tape_rows import INSTANT, SESSION, Row, Schema, Source, at, manifest, quote, trade

G = (Partition(SESSION, "G"),)
WINDOW = manifest(("GEVO", "a", "10:00:00", "10:10:00"))
EACH_TICK = ImbalanceBarsConfig(kind="threshold", measure="tick", threshold=1)
FREE = BarrierLabelsConfig(fee_a_share=1e-9, half_spread_unquoted=0.0)
MINUTES: Schema = {
    "session": pl.Date, "ticker": pl.String, "started_at": INSTANT,
    "open": pl.Float64, "high": pl.Float64, "low": pl.Float64, "close": pl.Float64,
}  # fmt: skip


def minute(clock: str, first: float, high: float, low: float, close: float) -> Row:
    prices = {"open": first, "high": high, "low": low, "close": close}
    return {"session": SESSION, "ticker": "GEVO", "started_at": at(clock)} | prices


def labels(
    trades: list[Row],
    config: BarrierLabelsConfig = FREE,
    quotes: tuple[Row, ...] = (),
    minutes: tuple[Row, ...] = (),
    events: pl.DataFrame = WINDOW,
) -> Rows:
    lake: dict[str, Any] = {"event_manifest": events.lazy()}
    lake["minute_bars"] = pl.DataFrame(list(minutes), schema=MINUTES).lazy()
    source = Source(trades, quotes)
    lake["event_trades"] = next(event_trades(Run("event_trades", G), **lake, polygon=source)).frame.lazy()
    manifest_only = {"event_manifest": lake["event_manifest"]}
    lake["event_quotes"] = next(event_quotes(Run("event_quotes", G), **manifest_only, polygon=source)).frame.lazy()
    tape = {name: lake[name] for name in ("event_manifest", "event_trades")}
    lake["imbalance_bars"] = next(imbalance_bars(Run("imbalance_bars", G), **tape, config=EACH_TICK)).frame.lazy()
    (part,) = barrier_labels(Run("barrier_labels", G), **lake, config=config)
    frame = contracts.conform(BarrierLabels, part.frame)
    assert contracts.verdict(BarrierLabels, frame).passed, contracts.verdict(BarrierLabels, frame).metadata
    return part._replace(frame=frame)


def plain(part: Rows) -> list[Row]:
    return part.frame.filter(barriers="plain").rows(named=True)


def clock(row: Row) -> str:
    ends: datetime = row["label_ends_at"]
    return f"{ends.astimezone(UTC):%H:%M:%S}"


def test_the_plain_set_takes_the_first_barrier_that_the_tape_touches() -> None:
    trades = [trade("GEVO", "10:00:00", 10.0), trade("GEVO", "10:00:05", 8.9), trade("GEVO", "10:00:09", 11.6)]
    first, second, _ = plain(labels(trades))
    assert (first["label"], clock(first)) == (-1, "15:00:05")
    assert first["ret_gross"] == pytest.approx(-0.11)
    assert (second["label"], clock(second)) == (1, "15:00:09")


def test_the_plain_set_goes_on_with_the_minute_bars_after_the_tape() -> None:
    trades = [trade("GEVO", "10:00:00", 10.0), trade("GEVO", "10:09:00", 10.1)]
    before = minute("10:09:00", 10.0, 99.0, 1.0, 10.1)  # the tape's own minute: its high is not after the tape
    high, low = minute("10:12:00", 10.5, 11.6, 10.5, 11.0), minute("10:12:00", 10.5, 10.6, 8.9, 9.0)
    both = minute("10:12:00", 10.5, 11.6, 8.9, 9.0)
    up, down, unclear = (plain(labels(trades, minutes=(before, bar)))[0] for bar in (high, low, both))
    assert (up["label"], clock(up), up["ambiguous"], up["censored"]) == (1, "15:13:00", False, False)
    assert up["ret_gross"] == pytest.approx(0.15)
    assert (down["label"], down["ret_gross"]) == (-1, pytest.approx(-0.10))
    assert (unclear["label"], unclear["ambiguous"]) == (-1, True)


def test_minutes_without_bars_pass_and_the_horizon_is_a_0_at_the_last_price_seen() -> None:
    trades = [trade("GEVO", "10:00:00", 10.0), trade("GEVO", "10:09:00", 10.1)]
    (row, _) = plain(labels(trades))
    assert (row["label"], clock(row)) == (0, "15:15:00")
    assert row["ret_gross"] == pytest.approx(0.01)
    (row, _) = plain(labels(trades, minutes=(minute("10:13:00", 10.2, 10.3, 10.2, 10.2),)))
    assert row["ret_gross"] == pytest.approx(0.02)


def test_the_session_end_censors_the_plain_set() -> None:
    events = manifest(("GEVO", "a", "19:40:00", "19:50:00"))
    trades = [trade("GEVO", "19:44:59", 10.0), trade("GEVO", "19:46:00", 10.0)]
    first, second = plain(labels(trades, events=events))
    assert (first["label"], first["censored"]) == (0, False)
    assert (second["label"], second["censored"], second["ret_net"]) == (None, True, None)


def test_a_window_that_ends_inside_a_minute_is_not_carried_on() -> None:
    events = manifest(("GEVO", "a", "10:00:00", "10:10:30"))
    (row,) = plain(labels([trade("GEVO", "10:09:00", 10.0)], minutes=(minute("10:12:00", 9, 12, 9, 9),), events=events))
    assert row["censored"]


ZIGZAG = [trade("GEVO", f"10:00:0{s}", price, sequence_number=s) for s, price in enumerate([10.0, 10.1, 10.0, 10.1])]


def test_the_volatility_set_begins_with_the_third_bar_and_counts_the_others() -> None:
    part = labels([*ZIGZAG, trade("GEVO", "10:01:00", 10.9)])
    ours = part.frame.filter(barriers="volatility")
    assert ours["bar"].to_list() == [2, 3, 4]
    assert part.metadata["bars_without_target"] == 2
    row = ours.row(0, named=True)
    # returns 0.01, -0.00990: weights 1 and 49/51, standard deviation 0.014072; profit at 3 of it
    assert row["target"] == pytest.approx(0.0140721, rel=1e-4)
    assert (row["upper"], row["lower"]) == (pytest.approx(0.0422163, rel=1e-4), pytest.approx(-0.0281442, rel=1e-4))
    assert (row["label"], clock(row)) == (1, "15:01:00")
    assert row["ret_gross"] == pytest.approx(0.09)


def test_a_horizon_inside_the_window_is_a_0_though_no_trade_follows_and_one_beyond_it_is_censored() -> None:
    late = trade("GEVO", "10:05:00", 10.0)
    last = trade("GEVO", "10:05:00.000000001", 10.0)
    ours = labels([*ZIGZAG, late, last]).frame.filter(barriers="volatility", bar=pl.col("bar"))
    by_bar = {row["bar"]: row for row in ours.rows(named=True)}
    assert (by_bar[2]["label"], clock(by_bar[2])) == (0, "15:05:02")
    # the horizon of the trade at 10:05:00 is 10:10:00, when the half-open window is over
    assert [by_bar[bar]["censored"] for bar in (4, 5)] == [True, True]
    earlier = [*ZIGZAG, trade("GEVO", "10:04:59.999999999", 10.0)]
    row = labels(earlier).frame.filter(barriers="volatility", bar=4).row(0, named=True)
    assert (row["label"], row["censored"]) == (0, False)


def test_the_cost_is_the_spread_of_the_last_whole_second_and_the_fees_both_ways() -> None:
    config = BarrierLabelsConfig(fee_a_share=0.005, half_spread_unquoted=0.01)
    quotes = (quote("GEVO", "10:00:00.2", 9.99, 10.01), quote("GEVO", "10:00:02.1", 9.0, 11.0))
    rows = plain(labels(ZIGZAG, config, quotes))
    # the first bar has no whole second before it; the third closes at 10:00:02, before the wide quote
    assert rows[0]["cost"] == pytest.approx(0.02 + 0.01 / 10.0)
    assert rows[2]["cost"] == pytest.approx(0.02 / 10.0 + 0.01 / 10.0)
    assert rows[3]["cost"] == pytest.approx(2.0 / 10.0 + 0.01 / 10.1)
    assert rows[0]["ret_net"] == pytest.approx(rows[0]["ret_gross"] - rows[0]["cost"])


def test_the_target_is_floored_at_the_cost_of_a_round_trip() -> None:
    config = BarrierLabelsConfig(half_spread_unquoted=0.05)
    row = labels(ZIGZAG, config).frame.filter(barriers="volatility").row(0, named=True)
    assert row["target"] == row["cost"] == pytest.approx(0.1 + 0.01 / 10.0)


def test_bars_of_other_trades_are_refused() -> None:
    lake: dict[str, Any] = {"event_manifest": WINDOW.lazy(), "minute_bars": pl.LazyFrame(schema=MINUTES)}
    for clock_of, fault in (("10:00:01", "other trades"), (None, "no trade")):
        source = Source(ZIGZAG)
        run = Run("event_trades", G)
        stored = next(event_trades(run, **lake, polygon=source)).frame.lazy()
        only = {"event_manifest": WINDOW.lazy()}
        bars = next(imbalance_bars(run, **only, event_trades=stored, config=EACH_TICK)).frame.lazy()
        other = Source([trade("GEVO", clock_of, 10.0)] if clock_of else [])
        lacking = next(event_trades(run, **lake, polygon=other)).frame.lazy()
        quotes = next(event_quotes(run, **only, polygon=other)).frame.lazy()
        with pytest.raises(ValueError, match=fault):
            list(
                barrier_labels(run, **lake, imbalance_bars=bars, event_trades=lacking, event_quotes=quotes, config=FREE)
            )


def test_without_bars_there_are_no_labels() -> None:
    part = labels([])
    assert part.frame.is_empty()
    assert part.metadata == {"bars": 0, "bars_without_target": 0}


@pytest.mark.parametrize(
    "broken", [{"label": None}, {"censored": True}, {"ret_gross": 0.5}, {"label_ends_at": at("09:00:00")}]
)
def test_the_contract_refuses(broken: dict[str, Any]) -> None:
    frame = labels(ZIGZAG).frame
    changed = frame.with_columns(pl.lit(value).cast(frame.schema[name]).alias(name) for name, value in broken.items())
    assert not contracts.verdict(BarrierLabels, changed).passed
