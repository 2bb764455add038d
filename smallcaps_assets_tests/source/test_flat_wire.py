"""Flat files as text: what a cell means in our columns, and what is no file at all."""

import csv
import gzip
import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from smallcaps_assets.source import flat_wire, wire
from smallcaps_assets.source.flat_wire import FileFormatError
from smallcaps_assets.source.routes import SessionFile

START = 1_735_828_200_000_000_000  # 2025-01-02 09:30 New York
DAY = b"""ticker,volume,open,close,high,low,window_start,transactions
A,1200,10,11.5,12,9.5,1735794000000000000,7
NA,0.500000,1.000000,1.000000,1.000000,1.000000,1735794000000000000,1
NULL,1.029145e+06,2,2,2,2,1735794000000000000,
"""
QUOTES = f"""ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,conditions,indicators,\
participant_timestamp,sequence_number,sip_timestamp,tape,trf_timestamp
nan,0,0,0,11,1.25,300,,"602,604",{START},9007199254740993,{START + 3},3,0
nan,12,1.35,100,11,1.25,300,1,,{START},9007199254740994,{START + 4},3,0
""".encode()


def read(tmp_path: Path, file: SessionFile, text: bytes) -> pl.DataFrame:
    target = tmp_path / "file.parquet"
    rows = flat_wire.to_parquet(io.BytesIO(gzip.compress(text)), file, target)
    frame = pl.read_parquet(target)
    assert frame.height == rows
    return frame


def test_daily_bars_have_rests_columns_and_no_vwap(tmp_path: Path) -> None:
    assert_frame_equal(
        read(tmp_path, SessionFile.DAY_AGGS, DAY),
        pl.DataFrame(
            {
                "ticker": ["A", "NA", "NULL"],
                "open": [10.0, 1.0, 2.0],
                "high": [12.0, 1.0, 2.0],
                "low": [9.5, 1.0, 2.0],
                "close": [11.5, 1.0, 2.0],
                "volume": [1200.0, 0.5, 1_029_145.0],
                "vwap": [None] * 3,
                "trades": [7, 1, None],
            },
            schema=wire.DAILY_BARS.schema,
        ),
    )


NUMBERS = st.floats(min_value=0, max_value=1e9, allow_subnormal=False)
SMALL = st.integers(1, 2**15 - 1)
PRINTS = st.fixed_dictionaries(
    {
        "ticker": st.sampled_from(["NA", "NULL", "nan", "null", "None", "BRK.A", "KIMpL", "TRUE", "1"]),
        "sip_timestamp": st.integers(1, 2**63 - 1),
        "participant_timestamp": st.integers(1, 2**63 - 1),
        "trf_timestamp": st.none() | st.integers(1, 2**63 - 1),
        "sequence_number": st.integers(0, 2**63 - 1),
        "price": NUMBERS,
        "size": NUMBERS,
        "exchange": SMALL,
        "conditions": st.lists(SMALL, max_size=4),
        "tape": st.integers(1, 3),
        "trf_id": st.none() | SMALL,
        "correction": st.integers(0, 12),
        "id": st.text('0123456789abcXYZ,"', min_size=1, max_size=9),
    }
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PRINTS, min_size=1, max_size=8), st.sampled_from([0, ""]))
def test_every_trade_comes_back_as_it_was_written_digit_by_digit(prints: list[dict[str, object]], none: object) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(prints[0]), lineterminator="\n")
    writer.writeheader()
    for row in prints:
        told = {key: none if value is None else value for key, value in row.items()}
        writer.writerow({**told, "conditions": str(row["conditions"]).strip("[]").replace(" ", "")})
    with tempfile.TemporaryDirectory() as folder:
        frame = read(Path(folder), SessionFile.TRADES, text.getvalue().encode())
    instants = pl.col("sip_at", "participant_at", "trf_at").cast(pl.Int64)
    names = {cell.column: str(cell.header) for cell in flat_wire.CELLS[SessionFile.TRADES]}
    found = frame.with_columns(instants).rename(names).to_dicts()
    assert found == [{key: row[key] for key in names.values()} for row in prints]


def test_quotes_without_a_side_have_price_and_size_zero_and_no_exchange(tmp_path: Path) -> None:
    quotes = read(tmp_path, SessionFile.QUOTES, QUOTES)
    assert quotes.drop("sip_at").row(0, named=True) == {
        "ticker": "nan",
        "sequence_number": 9_007_199_254_740_993,
        "bid_price": 1.25,
        "bid_size": 300.0,
        "bid_exchange": 11,
        "ask_price": 0.0,
        "ask_size": 0.0,
        "ask_exchange": None,
        "conditions": [],
        "indicators": [602, 604],
    }
    assert quotes["sip_at"].cast(pl.Int64).to_list() == [START + 3, START + 4]
    assert quotes["conditions"].to_list() == [[], [1]]


def test_minutes_start_at_their_nanosecond(tmp_path: Path) -> None:
    text = DAY.replace(b"1735794000000000000", str(START).encode())
    assert (
        read(tmp_path, SessionFile.MINUTE_AGGS, text)["started_at"].to_list()
        == [datetime(2025, 1, 2, 14, 30, tzinfo=UTC)] * 3
    )


@pytest.mark.parametrize("file", SessionFile)
def test_a_file_of_a_header_alone_has_no_rows_and_all_columns(tmp_path: Path, file: SessionFile) -> None:
    header = ",".join(cell.header for cell in flat_wire.CELLS[file] if cell.header)
    frame = read(tmp_path, file, f"{header}\n".encode())
    assert frame.height == 0
    assert frame.schema == flat_wire.schema(file)


@pytest.mark.parametrize(
    ("file", "over_rest", "only_there", "only_here"),
    [
        (SessionFile.DAY_AGGS, wire.DAILY_BARS, set(), set()),
        (SessionFile.MINUTE_AGGS, wire.MINUTE_BARS, set(), {"ticker"}),
        (SessionFile.TRADES, wire.TRADES, {"decimal_size"}, {"ticker"}),  # the size is exact in a file
        (SessionFile.QUOTES, wire.QUOTES, set(), {"ticker"}),
    ],
)
def test_the_columns_are_those_of_rest_in_their_order(
    file: SessionFile, over_rest: wire.Table, only_there: set[str], only_here: set[str]
) -> None:
    here = {name: kind for name, kind in flat_wire.schema(file).items() if name not in only_here}
    there = {name: kind for name, kind in over_rest.schema.items() if name not in only_there}
    assert list(here.items()) == list(there.items())


def test_columns_may_come_in_another_order_and_with_new_ones(tmp_path: Path) -> None:
    turned = b"fresh,window_start,ticker,transactions,low,high,close,open,volume\nx,1,A,7,9.5,12,11.5,10,1200\n"
    assert read(tmp_path, SessionFile.DAY_AGGS, turned).row(0) == ("A", 10.0, 12.0, 9.5, 11.5, 1200.0, None, 7)


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        (DAY.replace(b"volume", b"v"), r"lacks the columns \['volume'\]"),
        (b"", "lacks the columns"),
        (b"<html>busy</html>", "lacks the columns"),
        (DAY.replace(b"9.5", b"low"), "invalid value 'low'"),
        (DAY.replace(b"NA,", b","), "row 2 has no ticker"),
        (DAY.replace(b"11.5", b""), "row 1 has no close"),
        (DAY.replace(b",7\n", b",7.5\n"), "invalid value '7.5'"),
        (DAY + b"B,1,2\n", "Expected 8 columns, got 3"),
    ],
)
def test_a_file_that_is_not_what_was_agreed_is_an_error_that_says_where(
    tmp_path: Path, spoilt: bytes, words: str
) -> None:
    with pytest.raises(FileFormatError, match=words):
        read(tmp_path, SessionFile.DAY_AGGS, spoilt)


def test_a_list_of_words_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="abc"):
        read(tmp_path, SessionFile.QUOTES, QUOTES.replace(b"602,604", b"602,abc"))


@pytest.mark.parametrize("kept", [10, -9, -1])
def test_a_gzip_that_does_not_end_is_an_error(tmp_path: Path, kept: int) -> None:
    with pytest.raises(EOFError):
        flat_wire.to_parquet(io.BytesIO(gzip.compress(DAY)[:kept]), SessionFile.DAY_AGGS, tmp_path / "file.parquet")


def test_many_blocks_keep_the_files_order_and_small_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat_wire, "BLOCK", 1_000)
    monkeypatch.setattr(flat_wire, "GROUP_ROWS", 10)
    header, row = DAY.splitlines(keepends=True)[:2]
    text = header + b"".join(row.replace(b",7\n", b",%d\n" % number) for number in range(500))
    frame = read(tmp_path, SessionFile.DAY_AGGS, text)
    assert frame["trades"].to_list() == list(range(500))
