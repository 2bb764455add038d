"""Real ticks through the wire: what the client reads from the emulator is what was recorded, to the last row."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import polars as pl
import pytest

from smallcaps_assets.source.emulator.launch import running_emulator
from smallcaps_assets.source.polygon import Polygon
from smallcaps_assets_tests.shared import SHARED, needs_shared

pytestmark = needs_shared
RECORDED = SHARED / "realdata" / "recorded"
SINCE = int(datetime(2013, 10, 7, 8, tzinfo=UTC).timestamp()) * 10**9
UNTIL = int(datetime(2013, 10, 8, tzinfo=UTC).timestamp()) * 10**9


@pytest.fixture(scope="module")
def client() -> Iterator[Polygon]:
    with (
        running_emulator(recorded=RECORDED) as emulator,
        Polygon(emulator.base_url, emulator.key, requests_per_minute=0) as polygon,
    ):
        yield polygon


def recorded(name: str, *columns: str) -> pl.DataFrame:
    inside = pl.col("sip_timestamp").is_between(SINCE, UNTIL, closed="left")
    rows = pl.scan_parquet(RECORDED / f"{name}.parquet").filter(pl.col("ticker") == "BAC", inside)
    return rows.sort("sip_timestamp", "sequence_number").select(columns).collect()


def test_all_trades_of_a_session_arrive_over_several_pages(client: Polygon) -> None:
    before = client.requests
    trades = client.trades("BAC", SINCE, UNTIL)
    truth = recorded("trades", "sip_timestamp", "price", "size", "sequence_number")
    assert client.requests - before == truth.height // 50_000 + 1 > 1
    assert trades["sip_at"].cast(pl.Int64).to_list() == truth["sip_timestamp"].to_list()
    assert trades["price"].to_list() == truth["price"].to_list()
    assert trades["size"].to_list() == truth["size"].cast(pl.Float64).to_list()
    assert trades["sequence_number"].to_list() == truth["sequence_number"].to_list()


def test_all_quotes_of_a_session_arrive_over_several_pages(client: Polygon) -> None:
    quotes = client.quotes("BAC", SINCE, UNTIL)
    truth = recorded("quotes", "sip_timestamp", "bid_price", "ask_price", "sequence_number")
    assert quotes["sip_at"].cast(pl.Int64).to_list() == truth["sip_timestamp"].to_list()
    assert quotes["bid_price"].to_list() == truth["bid_price"].to_list()
    assert quotes["ask_price"].to_list() == truth["ask_price"].to_list()


def test_minute_bars_are_those_of_the_session_asked_for(client: Polygon) -> None:
    minutes = client.minute_bars("BAC", date(2013, 10, 7), date(2013, 10, 7))
    session = minutes["started_at"].dt.convert_time_zone("America/New_York").dt.date()
    assert session.unique().to_list() == [date(2013, 10, 7)]
    assert minutes.filter(~pl.col("close").is_between("low", "high")).height == 0


def test_trades_recorded_without_an_exchange_have_none(client: Polygon) -> None:
    since = int(datetime(2020, 3, 17, 8, tzinfo=UTC).timestamp()) * 10**9
    trades = client.trades("VXRT", since, since + 16 * 3600 * 10**9)
    assert trades["exchange"].null_count() == trades.height > 0
