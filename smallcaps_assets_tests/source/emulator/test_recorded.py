"""A recorded market made by hand: what is given is replayed, what can be built is built, what is absent is absent."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from smallcaps_assets.source.emulator.calendar import hours
from smallcaps_assets.source.emulator.market import DAILY, MINUTES, QUOTES, TRADES
from smallcaps_assets.source.emulator.recorded import RecordedMarket

WED, THU, FRI, SAT = (date(2024, 1, day) for day in (3, 4, 5, 6))
OPEN, CLOSE, PRE = hours(WED).open, hours(WED).close, hours(WED).pre_open
SECOND, MINUTE = 10**9, 60_000


def write(folder: Path, name: str, rows: list[dict[str, Any]], **dtypes: Any) -> None:
    pl.DataFrame(rows, schema_overrides=dtypes).write_parquet(folder / f"{name}.parquet")


def trade(ticker: str, at: int, price: float, size: float, sequence: int, **more: Any) -> dict[str, Any]:
    row = {"ticker": ticker, "sip_timestamp": at, "price": price, "size": size, "sequence_number": sequence}
    return {**row, "exchange": None, "conditions": None, **more}


def minute(ticker: str, session: date, after_open: int, price: float, volume: float, **more: Any) -> dict[str, Any]:
    t = hours(session).open // 10**6 + after_open * MINUTE
    row = {"ticker": ticker, "t": t, "o": price, "h": price + 1, "l": price - 1, "c": price + 0.5, "v": volume}
    return {**row, "vw": None, "n": None, **more}


def day(ticker: str, session: date, close: float) -> dict[str, Any]:
    prices = {"o": close, "h": close, "l": close, "c": close}
    return {"ticker": ticker, "date": session, **prices, "v": 100.0, "vw": None, "n": None}


@pytest.fixture
def market(tmp_path: Path) -> RecordedMarket:
    numbers = {"exchange": pl.Int64, "conditions": pl.List(pl.Int64)}
    trades = [
        trade("TAPE", OPEN + 2 * SECOND, 12.0, 50.0, 3),
        trade("TAPE", PRE, 9.0, 10.0, 1),
        trade("TAPE", OPEN, 10.0, 100.0, 2),
        trade("TAPE", CLOSE, 20.0, 5.0, 4),
        trade("TAPE", OPEN + 3 * 86_400 * SECOND, 1.0, 1.0, 5),  # a Saturday
        trade("DAYS", OPEN, 7.0, 100.0, 1, exchange=10, conditions=[14]),
    ]
    write(tmp_path, "trades", trades, **numbers)
    quote = {"ticker": "DAYS", "bid_price": 6.9, "ask_price": 7.1, "ask_size": 500.0}
    write(
        tmp_path,
        "quotes",
        [
            {**quote, "sip_timestamp": OPEN, "bid_size": 300.0, "sequence_number": 1},
            {**quote, "sip_timestamp": hours(date(2025, 11, 3)).open, "bid_size": 300.0, "sequence_number": 1},
        ],
    )
    minutes = [
        minute("BARS", THU, 0, 5.0, 100.0, vw=5.0, n=3),
        minute("BARS", THU, -10, 9.0, 50.0, vw=9.0, n=1),
        minute("BARS", THU, 389, 6.0, 100.0, vw=6.0, n=2),
        minute("BARS", THU, 390, 2.0, 50.0, vw=2.0, n=1),
        minute("BARS", FRI, -10, 9.0, 50.0, vw=9.0, n=1),
        minute("DAYS", THU, 0, 7.0, 10.0),
        minute("THIN", THU, 0, 7.0, 10.0),
    ]
    write(tmp_path, "minute_bars", minutes, vw=pl.Float64, n=pl.Int64)
    daily = [day("DAYS", WED, 7.0), day("DAYS", THU, 8.0), day("DAYS", SAT, 8.0), day("CBO", WED, 1.0)]
    write(tmp_path, "daily_bars", daily, vw=pl.Float64, n=pl.Int64)
    shares = [
        ("DAYS", date(2023, 12, 29), "XNYS", 1000.0),
        ("DAYS", date(2024, 1, 31), "XNYS", None),
        ("BARS", date(2024, 1, 31), "XNAS", 5.0),
    ]
    names = ["ticker", "as_of_date", "primary_exchange", "shares_outstanding"]
    pl.DataFrame(shares, schema=names, orient="row").write_parquet(tmp_path / "shares.parquet")
    seen = [
        ("DAYS", "Days plc American Depositary Shares", date(2023, 1, 31), date(2023, 12, 29), False),
        ("BARS", "Bars Inc. Common Stock", date(2024, 1, 31), date(2026, 8, 21), True),
        ("GONE", "Gone Inc. Common Stock", date(2023, 1, 31), date(2023, 11, 30), False),
    ]
    names = ["ticker", "name", "first_seen", "last_seen", "active"]
    pl.DataFrame(seen, schema=names, orient="row").write_parquet(tmp_path / "tickers.parquet")
    write(tmp_path, "splits", [{"ticker": "DAYS", "execution_date": THU, "split_from": 10.0, "split_to": 1.0}])
    halt = {"ticker": "BARS", "reason_code": "LUDP", "reason": "", "name": "Bars Inc."}
    halted = datetime(2024, 1, 4, 0, 30, tzinfo=UTC)  # 19:30 New York of the day before
    write(tmp_path, "halts", [{**halt, "halt_time": halted, "resume_time": None, "listing_exchange": "Nasdaq"}])
    return RecordedMarket(tmp_path)


def test_trades_come_in_tape_order_with_nothing_invented(market: RecordedMarket) -> None:
    trades = market.trades("TAPE", WED)
    assert trades.schema == TRADES
    assert trades["sequence_number"].to_list() == [1, 2, 3, 4]
    assert (
        trades.select("exchange", "conditions", "id", "participant_timestamp", "tape").null_count().row(0) == (4,) * 5
    )


def test_the_tape_is_that_of_the_listing_exchange(market: RecordedMarket) -> None:
    assert market.trades("DAYS", WED).select("exchange", "conditions", "tape").row(0) == (10, [14], 1)


def test_columns_that_a_record_has_are_replayed(tmp_path: Path) -> None:
    row = trade("TAPE", OPEN, 10.0, 100.0, 2, id="77", correction=1, trf_id=202, tape=2)
    write(tmp_path, "trades", [row], exchange=pl.Int64, conditions=pl.List(pl.Int64))
    found = RecordedMarket(tmp_path).trades("TAPE", WED)
    assert found.select("id", "correction", "trf_id", "tape").row(0) == ("77", 1, 202, 2)


def test_quote_sizes_are_lots_before_november_2025_and_shares_since(market: RecordedMarket) -> None:
    before, since = (market.quotes("DAYS", session) for session in (WED, date(2025, 11, 3)))
    assert before.schema == QUOTES
    assert before.select("bid_size", "ask_size").row(0) == (3.0, 5.0)
    assert since.select("bid_size", "ask_size").row(0) == (300.0, 500.0)


def test_minutes_are_built_from_trades(market: RecordedMarket) -> None:
    found = market.minutes("TAPE", WED)
    assert found.schema == MINUTES
    assert found.select("t", "o", "c", "v", "n").rows() == [
        (PRE // 10**6, 9.0, 9.0, 10.0, 1),
        (OPEN // 10**6, 10.0, 12.0, 150.0, 2),
        (CLOSE // 10**6, 20.0, 20.0, 5.0, 1),
    ]


def test_recorded_minutes_come_before_built_ones(market: RecordedMarket) -> None:
    assert market.minutes("BARS", THU)["v"].to_list() == [50.0, 100.0, 100.0, 50.0]
    assert market.minutes("BARS", THU)["t"].is_sorted()


def test_a_daily_bar_from_minutes_takes_prices_of_regular_hours_and_all_volume(market: RecordedMarket) -> None:
    # o h l c of 09:30 and 15:59; v = 100 + 50 + 100 + 50; vw = (500 + 450 + 600 + 100) / 300
    (bar,) = market.daily_of("BARS", THU, THU).rows(named=True)
    assert bar == {"t": THU, "v": 300.0, "vw": 5.5, "o": 5.0, "c": 6.5, "h": 7.0, "l": 4.0, "n": 7}


def test_a_session_without_a_regular_minute_has_no_daily_bar(market: RecordedMarket) -> None:
    assert market.daily_of("BARS", FRI, FRI).height == 0
    assert FRI in market.sessions()


def test_unknown_weights_and_counts_stay_unknown(market: RecordedMarket) -> None:
    assert market.daily_of("THIN", THU, THU).select("v", "vw", "n").row(0) == (10.0, None, None)


def test_a_daily_bar_from_trades_takes_those_outside_regular_hours_for_form_t(market: RecordedMarket) -> None:
    (bar,) = market.daily_of("TAPE", WED, WED).rows(named=True)
    # The dollars are 90 before, 1000 and 600 during, 100 after regular hours: 1790 / 165 shares.
    assert bar == {"t": WED, "v": 165.0, "vw": 10.8485, "o": 10.0, "c": 12.0, "h": 12.0, "l": 10.0, "n": 4}


def test_a_recorded_daily_bar_is_not_built_again(market: RecordedMarket) -> None:
    assert market.daily_of("DAYS", WED, FRI)["c"].to_list() == [7.0, 8.0]
    found = market.daily(WED)
    assert found.schema == DAILY
    assert sorted(found["T"]) == ["CBO", "DAYS", "TAPE"]


def test_only_sessions_of_the_exchange_exist(market: RecordedMarket) -> None:
    assert market.sessions() == [WED, THU, FRI]
    assert market.daily(SAT).height == market.trades("TAPE", SAT).height == 0


def test_listings_follow_the_record(market: RecordedMarket) -> None:
    rows = {row["ticker"]: row for row in market.listings().rows(named=True)}
    assert sorted(rows) == ["BARS", "DAYS", "GONE", "TAPE", "THIN"]
    # first bar before first month end seen; last bar after last month end seen; neither seen nor gone
    assert (rows["BARS"]["listed"], rows["BARS"]["delisted"]) == (THU, None)
    assert (rows["DAYS"]["listed"], rows["DAYS"]["delisted"]) == (date(2023, 1, 31), FRI)
    assert rows["GONE"]["delisted"] == date(2023, 12, 1)
    assert (rows["TAPE"]["listed"], rows["TAPE"]["delisted"]) == (WED, None)
    assert [rows[name]["type"] for name in ("BARS", "DAYS", "TAPE")] == ["CS", "ADRC", "CS"]
    assert [rows[name]["primary_exchange"] for name in ("BARS", "DAYS", "TAPE")] == ["XNAS", "XNYS", None]
    assert {rows[name]["composite_figi"] for name in rows} == {None}


def test_shares_are_those_of_the_month_end_before(market: RecordedMarket) -> None:
    assert market.shares("DAYS", date(2023, 12, 28)) is None
    assert market.shares("DAYS", WED) == 1000.0
    assert market.shares("DAYS", date(2024, 1, 31)) is None  # recorded as unknown
    assert market.shares("NOPE", WED) is None


def test_splits_have_stable_ids(market: RecordedMarket) -> None:
    (split,) = market.splits().rows(named=True)
    assert (split["ticker"], split["execution_date"], split["split_from"]) == ("DAYS", THU, 10.0)
    assert len(split["id"]) == 65


def test_halts_belong_to_their_new_york_session(market: RecordedMarket) -> None:
    (halt,) = market.halts(WED).rows(named=True)
    assert (halt["ticker"], halt["market"], halt["resumed_at"]) == ("BARS", "NASDAQ", None)
    assert halt["halted_at"] == int(datetime(2024, 1, 4, 0, 30, tzinfo=UTC).timestamp()) * SECOND
    assert market.halts(THU).height == 0


def test_what_was_not_recorded_is_empty_but_typed(market: RecordedMarket) -> None:
    for frame in (market.news(), market.dividends(), market.short_interest(), market.short_volume(WED)):
        assert (frame.height, frame.width > 3) == (0, True)
    assert market.float_shares().height == market.renames().height == market.quotes("NOPE", WED).height == 0


def test_a_folder_without_a_market_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        RecordedMarket(tmp_path)


def test_a_file_without_a_needed_column_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "splits", [{"ticker": "DAYS", "split_from": 10.0}])
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="execution_date"):
        RecordedMarket(tmp_path).splits()
