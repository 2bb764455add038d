"""Flat files: columns and numbers as the vendor writes them, the rows of the REST replies, the same bytes anywhere."""

import gzip
import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache

import polars as pl
import pytest

from smallcaps_assets.source.emulator.flat_csv import COLUMNS, lines
from smallcaps_assets.source.emulator.flat_files import FlatStore, key_of
from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
from smallcaps_assets_tests.source.emulator.toy_market import OPEN, SESSIONS, TUE, WED, ToyMarket

MIDNIGHT = OPEN[TUE] - (9 * 60 + 30) * 60 * 10**9
SMALL = (date(2026, 2, 20), date(2026, 2, 23))  # the last session of short numbers, the first of six decimals


@pytest.fixture
def store() -> Iterator[FlatStore]:
    made = FlatStore(ToyMarket(), threading.Lock())
    yield made
    made.close()


@cache
def small() -> SyntheticMarket:
    """Two sessions of six companies."""
    return SyntheticMarket(tickers=6, start=SMALL[0], end=SMALL[1])


def text(store: FlatStore, kind: str, session: date) -> str:
    _, source = store.opened(key_of(kind, session))
    with source:
        return gzip.decompress(source.read()).decode()


def test_there_is_a_file_of_each_kind_and_session(store: FlatStore) -> None:
    keys = store.listed()
    assert keys == sorted(keys)
    assert len(keys) == 4 * len(SESSIONS)
    assert keys[0] == "us_stocks_sip/day_aggs_v1/2024/01/2024-01-02.csv.gz"
    assert keys[-1] == "us_stocks_sip/trades_v1/2024/01/2024-01-08.csv.gz"


def test_daily_bars_are_unadjusted_from_midnight_of_new_york_without_vwap(store: FlatStore) -> None:
    assert text(store, "day_aggs_v1", TUE).splitlines() == [
        "ticker,volume,open,close,high,low,window_start,transactions",
        f"AAA,1000,9.9,10.0,10.1,9.8,{MIDNIGHT},10",
        f"BBB,1000,4.9,5.0,5.1,4.8,{MIDNIGHT},10",
        f"DDD,1000,2.9,3.0,3.1,2.8,{MIDNIGHT},10",
        f"EEE,1000,0.4,0.5,0.6,0.3,{MIDNIGHT},10",
        f"QQQQ,1000,99.9,100.0,100.1,99.8,{MIDNIGHT},10",
    ]


def test_minute_bars_are_sorted_by_ticker_then_window(store: FlatStore) -> None:
    rows = text(store, "minute_aggs_v1", WED).splitlines()[1:]
    assert rows[0] == f"AAA,1,10.0,10.5,11.0,9.0,{OPEN[WED] - 1800 * 10**9},1"
    assert rows[1] == f"AAA,2,11.0,11.5,12.0,10.0,{OPEN[WED]},2"
    assert [row[:3] for row in rows] == ["AAA"] * 12 + ["EEE"] * 12


def test_absent_members_of_trades_are_zeros_and_lists_one_cell(store: FlatStore) -> None:
    at = OPEN[TUE]
    rows = text(store, "trades_v1", TUE).splitlines()
    assert rows[0].startswith("ticker,conditions,correction,exchange,id,participant_timestamp,price,sequence_number,")
    assert rows[0].endswith(",sip_timestamp,size,tape,trf_id,trf_timestamp")
    assert rows[1] == f'AAA,"14,41",0,11,0,{at - 123},10.0,1,{at + 7},100,3,0,0'
    assert rows[2] == f"AAA,,0,4,1,{at - 123},11.0,2,{at + 7},100,3,202,{at}"
    assert rows[3] == f"AAA,,0,11,2,{at + 10**9 - 123},12.0,5,{at + 10**9 + 7},100,3,0,0"
    assert rows[5] == f"AAA,,1,11,4,{at + 10**9 - 123},14.0,7,{at + 10**9 + 7},100,3,0,0"
    assert len(rows) == 1 + 7


def test_a_side_nobody_quotes_is_zeros(store: FlatStore) -> None:
    at = OPEN[TUE]
    assert text(store, "quotes_v1", TUE).splitlines() == [
        "ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,"
        "conditions,indicators,participant_timestamp,sequence_number,sip_timestamp,tape,trf_timestamp",
        f"AAA,12,10.1,2,0,0.0,0,1,,{at},1,{at},3,0",
        f"AAA,12,11.1,2,11,11.0,3,1,,{at + 1},2,{at + 1},3,0",
        f"AAA,12,12.1,2,11,12.0,3,1,,{at + 2},3,{at + 2},3,0",
    ]


def test_numbers_have_six_decimals_since_fractions_trade_but_not_those_of_quotes() -> None:
    bars = pl.DataFrame({"ticker": ["NA"], "v": [28038.875816], "o": 1.5, "c": 2.0, "h": 2.25, "l": 0.0001, "n": [7]})
    before, after = (lines("day_aggs_v1", session, bars).decode() for session in SMALL)
    assert before == "NA,28038.875816,1.5,2.0,2.25,0.0001,1771563600000000000,7\n"
    assert after == "NA,28038.875816,1.500000,2.000000,2.250000,0.000100,1771822800000000000,7\n"
    quote = ToyMarket().quotes("AAA", TUE).head(1).with_columns(pl.lit("nan").alias("ticker"))
    assert lines("quotes_v1", SMALL[1], quote).decode().startswith("nan,12,10.1,2,0,0.0,0,1,,")


def test_a_member_the_market_does_not_know_is_an_empty_cell() -> None:
    bars = pl.DataFrame({"ticker": ["AAA"], "v": [5.0], "o": 1.5, "c": 1.5, "h": 1.5, "l": 1.5, "n": [None]})
    assert lines("day_aggs_v1", TUE, bars).decode() == f"AAA,5,1.5,1.5,1.5,1.5,{MIDNIGHT},\n"


def test_the_etag_is_the_md5_of_the_bytes_and_the_listing_agrees(store: FlatStore) -> None:
    file = store.described(key_of("trades_v1", TUE))
    again, source = store.opened(file.key)
    with source:
        content = source.read()
    assert again == file
    assert file.etag == hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert file.size == len(content)
    assert content[4:8] == bytes(4)  # gzip's time
    assert file.modified == datetime(2024, 1, 3, 16, tzinfo=UTC)  # 11:00 New York on the day after


def test_another_process_makes_the_same_bytes() -> None:
    store = FlatStore(small(), threading.Lock())
    script = f"""
import threading
from datetime import date
from smallcaps_assets.source.emulator.flat_files import FlatStore, key_of
from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
market = SyntheticMarket(tickers=6, start=date({SMALL[0]:%Y, %-m, %-d}), end=date({SMALL[1]:%Y, %-m, %-d}))
store = FlatStore(market, threading.Lock())
for kind in {sorted(COLUMNS)[::-1]}:
    print(store.described(key_of(kind, date({SMALL[1]:%Y, %-m, %-d}))).etag)
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    here = [store.described(key_of(kind, SMALL[1])).etag for kind in sorted(COLUMNS)]
    assert said.stdout.split() == here[::-1]
    store.close()


def test_a_file_that_did_not_fit_on_disk_is_made_again_the_same() -> None:
    store = FlatStore(ToyMarket(), threading.Lock(), held=1)
    first = store.described(key_of("trades_v1", TUE))
    _, kept = store.opened(first.key)
    store.described(key_of("trades_v1", WED))
    assert len(list(store._folder.iterdir())) == 1
    again, source = store.opened(first.key)
    with kept, source:
        assert kept.read() == source.read()  # one was opened before it was dropped
    assert again == first
    store.close()
    assert not store._folder.exists()


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("day_aggs_v1", "AAA,1000,", "AAA,1100,"),
        ("minute_aggs_v1", "AAA,1,10.0,", "AAA,101,10.0,"),
        ("trades_v1", f",{OPEN[TUE] + 7},100,3,0,0", f",{OPEN[TUE] + 7},200,3,0,0"),
        ("quotes_v1", "AAA,12,10.1,2,0,", "AAA,12,10.1,3,0,"),
    ],
)
def test_a_republished_file_has_one_row_corrected(store: FlatStore, kind: str, before: str, after: str) -> None:
    file, once, wednesday = store.described(key_of(kind, TUE)), text(store, kind, TUE), text(store, kind, WED)
    store.republish(kind, TUE)
    later, twice = store.described(file.key), text(store, kind, TUE)
    changed = [pair for pair in zip(once.splitlines(), twice.splitlines(), strict=True) if pair[0] != pair[1]]
    assert [(before in old, after in new) for old, new in changed] == [(True, True)]
    assert changed[0][1] == twice.splitlines()[1]
    assert later.etag != file.etag
    assert later.modified == datetime(2024, 1, 4, 16, tzinfo=UTC)
    assert text(store, kind, WED) == wednesday


def test_what_is_no_file_cannot_be_published_again(store: FlatStore) -> None:
    with pytest.raises(KeyError, match="trades_v1/2024/01/2024-01-06"):
        store.republish("trades_v1", date(2024, 1, 6))
    with pytest.raises(KeyError, match="nbbo_v1"):
        store.republish("nbbo_v1", TUE)
