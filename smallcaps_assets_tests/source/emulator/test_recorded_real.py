"""The real record over HTTP: sessions, tickers, bars and ticks are those of the files."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import polars as pl
import pytest

from smallcaps_assets.source.emulator.launch import running_emulator
from smallcaps_assets_tests.shared import SHARED, needs_shared
from smallcaps_assets_tests.source.emulator.toy_service import body, walked

pytestmark = needs_shared
RECORDED = SHARED / "realdata" / "recorded"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with (
        running_emulator(recorded=RECORDED) as emulator,
        httpx.Client(base_url=emulator.base_url, headers={"Authorization": f"Bearer {emulator.key}"}) as client,
    ):
        yield client


def grouped(client: httpx.Client, session: str) -> dict[str, Any]:
    rows = body(client, f"/v2/aggs/grouped/locale/us/market/stocks/{session}", adjusted="false").get("results", [])
    return {row["T"]: row for row in rows}


@pytest.mark.parametrize(
    ("session", "tickers"),
    [
        ("2013-10-07", {"BAC", "IBM", "AIG", "SPY"}),
        ("2020-03-17", {"VXRT"}),
        ("2020-12-24", {"PLTR", "TSLA", "FCEL", "PLUG"}),
        ("2021-01-27", {"AMC", "BB", "EXPR"}),
        ("2025-05-13", {"AMC", "BTBT", "BAER"}),
    ],
)
def test_grouped_daily_has_recorded_and_built_bars(client: httpx.Client, session: str, tickers: set[str]) -> None:
    assert set(grouped(client, session)) == tickers


def test_a_session_of_small_caps_has_all_its_recorded_bars(client: httpx.Client) -> None:
    bars = pl.scan_parquet(RECORDED / "daily_bars.parquet").filter(pl.col("date") == date(2024, 6, 3)).collect()
    found = grouped(client, "2024-06-03")
    assert {ticker: (row["o"], row["c"], row["v"]) for ticker, row in found.items()} == {
        ticker: (o, c, v) for ticker, o, c, v in bars.select("ticker", "o", "c", "v").iter_rows()
    }


def test_volume_of_built_minutes_is_the_tapes_to_the_share(client: httpx.Client) -> None:
    # All trades but official open and close prints; a minute without a price-setting trade has no bar.
    address = "/v2/aggs/ticker/BAC/range/1/minute/2013-10-07/2013-10-07"
    minutes = {row["t"]: row["v"] for row in body(client, address, limit=50_000)["results"]}
    official = pl.col("conditions").list.contains(15) | pl.col("conditions").list.contains(16)
    tape = (
        pl.scan_parquet(RECORDED / "trades.parquet")
        .filter(pl.col("ticker") == "BAC", ~official.fill_null(value=False))
        .group_by(pl.col("sip_timestamp") // 60_000_000_000 * 60_000)
        .agg(pl.col("size").sum())
        .collect()
    )
    volumes = dict(tape.iter_rows())
    assert len(minutes) > 500
    assert minutes == {t: volumes[t] for t in minutes}


def test_the_half_day_ends_at_one(client: httpx.Client) -> None:
    reply = body(client, "/v1/open-close/PLUG/2020-12-24")
    rows = body(client, "/v2/aggs/ticker/PLUG/range/1/minute/2020-12-24/2020-12-24", limit=50_000)["results"]
    after = [row for row in rows if row["t"] >= 1608832800000]  # 13:00 New York
    assert reply["close"] == [row for row in rows if row["t"] < 1608832800000][-1]["c"]
    assert reply["afterHours"] == after[-1]["c"]


def test_trades_of_a_session_arrive_whole_in_both_orders(client: httpx.Client) -> None:
    truth = pl.read_parquet(RECORDED / "trades.parquet").filter(pl.col("ticker") == "BCRX")["sip_timestamp"].to_list()
    upward, pages = walked(client, "/v3/trades/BCRX", order="asc", limit=10_000)
    assert ([row["sip_timestamp"] for row in upward], pages) == (truth, 3)
    downward, _ = walked(client, "/v3/trades/BCRX", limit=9_000, timestamp="2020-04-15")
    assert downward == upward[::-1]


def test_the_ticker_list_is_complete_over_pages(client: httpx.Client) -> None:
    names = pl.read_parquet(RECORDED / "tickers.parquet")["ticker"]
    active, _ = walked(client, "/v3/reference/tickers", limit=1000)
    gone, _ = walked(client, "/v3/reference/tickers", limit=1000, active="false")
    found = {row["ticker"] for row in active + gone}
    later = set(
        pl.read_parquet(RECORDED / "tickers.parquet").filter(pl.col("first_seen") > date(2025, 5, 30))["ticker"]
    )
    assert found == (set(names) | {"BCRX", "SPY"}) - later
    assert {row["ticker"]: row.get("type") for row in active}["SPY"] == "ETF"


def test_a_large_company_at_a_small_price_has_its_large_cap(client: httpx.Client) -> None:
    found = body(client, "/v3/reference/tickers/BAC", date="2013-10-08")["results"]
    assert (found["primary_exchange"], found["share_class_shares_outstanding"]) == ("XNYS", 10_680_000_000)
    assert client.get("/v3/reference/tickers/EXPR?date=2025-01-03").status_code == 404
