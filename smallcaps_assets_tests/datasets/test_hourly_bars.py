"""Hourly bars: hours of the New York clock, cut where the segment changes."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.hourly_bars import HourlyBars, hourly_bars, volume_is_that_of_the_minutes
from smallcaps_assets.datasets.minute_bars import MinuteBars
from smallcaps_assets.partitions import Partition

MONDAY = date(2024, 7, 1)  # 09:30 New York is 13:30 UTC

Minute = tuple[str, str, float, float, float, float, float, float | None, int | None]


def minutes(*rows: Minute, ticker: str = "GEVO") -> pl.LazyFrame:
    """(UTC clock, segment, open, high, low, close, volume, vwap, trades) of Monday."""
    whole = [
        (MONDAY, ticker, datetime.fromisoformat(f"2024-07-01T{clock}Z"), *figures, segment)
        for clock, segment, *figures in rows
    ]
    return pl.DataFrame(whole, schema=contracts.empty(MinuteBars).schema, orient="row").lazy()


def computed(*frames: pl.LazyFrame, letter: str = "G") -> pl.DataFrame:
    """The partition, which passes its contract."""
    run = Run("hourly_bars", (Partition(MONDAY, letter),))
    (part,) = hourly_bars(run, minute_bars=pl.concat(frames))
    rows = contracts.conform(HourlyBars, part.frame)
    assert contracts.verdict(HourlyBars, rows).passed
    return rows


def flat(clock: str, segment: str, volume: float = 1.0) -> Minute:
    """A minute of one price."""
    return (clock, segment, 2.0, 2.0, 2.0, 2.0, volume, 2.0, 1)


def test_an_hour_by_hand() -> None:
    row = computed(
        minutes(
            ("14:00", "RTH", 2.0, 2.5, 1.9, 2.4, 100.0, 2.2, 4),
            ("14:59", "RTH", 2.4, 3.0, 2.3, 2.9, 300.0, 2.6, 6),
        )
    ).row(0, named=True)
    assert (row["open"], row["high"], row["low"], row["close"]) == (2.0, 3.0, 1.9, 2.9)
    assert (row["volume"], row["trades"], row["segment"]) == (400.0, 10, "RTH")
    assert row["vwap"] == pytest.approx(2.5)  # (220 + 780) over 400
    assert row["started_at"] == datetime(2024, 7, 1, 14, 0, tzinfo=UTC)
    assert row["ended_at"] == datetime(2024, 7, 1, 15, 0, tzinfo=UTC)


def test_the_hour_of_the_open_is_two_rows() -> None:
    rows = computed(minutes(flat("13:00", "PM"), flat("13:29", "PM"), flat("13:30", "RTH"), flat("13:59", "RTH")))
    clock = pl.col("started_at", "ended_at").dt.strftime("%H:%M")
    assert rows.select("segment", clock, "volume").rows() == [
        ("PM", "13:00", "13:30", 2.0),
        ("RTH", "13:30", "14:00", 2.0),
    ]


def test_the_last_hours_end_with_their_segments() -> None:
    rows = computed(minutes(flat("19:59", "RTH"), flat("20:00", "AH"), flat("23:59", "AH")))
    clock = pl.col("started_at", "ended_at").dt.strftime("%H:%M")
    assert rows.select("segment", clock).rows() == [
        ("RTH", "19:00", "20:00"),
        ("AH", "20:00", "21:00"),
        ("AH", "23:00", "00:00"),
    ]


def test_a_vwap_that_minutes_lack_is_that_of_the_others_and_trades_are_then_unknown() -> None:
    silent: Minute = ("14:00", "RTH", 2.0, 2.0, 2.0, 2.0, 50.0, None, None)
    row = computed(minutes(silent, ("14:01", "RTH", 3.0, 3.0, 3.0, 3.0, 5.0, 3.0, 1))).row(0, named=True)
    assert (row["vwap"], row["trades"], row["volume"]) == (3.0, None, 55.0)
    alone = computed(minutes(("14:00", "RTH", 2.0, 2.0, 2.0, 2.0, 50.0, None, 7))).row(0, named=True)
    assert (alone["vwap"], alone["trades"]) == (None, 7)


def test_tickers_are_not_mixed_and_other_letters_left_out() -> None:
    rows = computed(
        minutes(flat("14:00", "RTH", 1.0)),
        minutes(flat("14:00", "RTH", 5.0), ticker="GME"),
        minutes(flat("14:00", "RTH", 9.0), ticker="AMC"),
    )
    assert rows.select("ticker", "volume").rows() == [("GEVO", 1.0), ("GME", 5.0)]


def test_a_letter_without_minutes_is_empty() -> None:
    rows = computed(minutes(flat("14:00", "RTH")), letter="Q")
    assert rows.height == 0
    assert volume_is_that_of_the_minutes(rows, {}).passed


def test_hours_that_lost_volume_or_a_ticker_are_refused() -> None:
    both = pl.concat([minutes(flat("14:00", "RTH")), minutes(flat("14:00", "RTH"), ticker="GME")])
    rows = computed(both)
    assert volume_is_that_of_the_minutes(rows, {"minute_bars": both}).passed
    assert not volume_is_that_of_the_minutes(rows.head(1), {"minute_bars": both}).passed
    more = rows.with_columns(volume=pl.col("volume") + 1.0)
    assert not volume_is_that_of_the_minutes(more, {"minute_bars": both}).passed


def test_the_contract_refuses_an_hour_longer_than_sixty_minutes_and_a_close_out_of_bounds() -> None:
    rows = computed(minutes(flat("14:00", "RTH")))
    longer = rows.with_columns(pl.col("ended_at") + pl.duration(minutes=1))
    assert not contracts.verdict(HourlyBars, longer).passed
    assert not contracts.verdict(HourlyBars, rows.with_columns(close=pl.lit(9.0))).passed
