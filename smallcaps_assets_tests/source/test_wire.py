"""A page becomes a frame of our columns exactly, or an error; nothing turns silently into a null."""

import json
from datetime import UTC, date, datetime

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.source import wire

TABLES = [name for name in dir(wire) if isinstance(getattr(wire, name), wire.Table)]
LONGS = st.integers(-(2**63), 2**63 - 1)
INSTANTS = st.integers(0, 2**63 - 1)
SHORTS = st.integers(-(2**15), 2**15 - 1)
BAR = '"o":1,"h":1,"l":1,"c":1'


def rows(text: str) -> bytes:
    return text.encode()


def quote(**members: object) -> bytes:
    return json.dumps([{"sip_timestamp": 1, "sequence_number": 1, **members}]).encode()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(INSTANTS, LONGS, st.lists(SHORTS, max_size=4), st.floats(allow_nan=False, allow_infinity=False)))
)
def test_numbers_survive_to_the_last_bit(values: list[tuple[int, int, list[int], float]]) -> None:
    page = [
        {"sip_timestamp": at, "sequence_number": number, "conditions": marks, "bid_price": price}
        for at, number, marks, price in values
    ]
    frame = wire.QUOTES.frame(json.dumps(page).encode())
    assert frame["sip_at"].cast(pl.Int64).to_list() == [at for at, _, _, _ in values]
    assert frame["sequence_number"].to_list() == [number for _, number, _, _ in values]
    assert frame["conditions"].to_list() == [marks for _, _, marks, _ in values]
    assert frame["bid_price"].to_list() == [price for _, _, _, price in values]


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_page_has_the_columns_of_a_full_one(name: str) -> None:
    table: wire.Table = getattr(wire, name)
    assert table.frame(b"[]").schema == table.schema == table.empty().schema


def test_members_left_out_or_null_are_null_and_unknown_ones_are_ignored() -> None:
    text = f'[{{"T":"A",{BAR},"v":5}},{{"T":"B",{BAR},"v":5,"vw":null,"n":null,"otc":true,"new":{{"x":[1]}}}}]'
    frame = wire.DAILY_BARS.frame(rows(text))
    assert frame["ticker"].to_list() == ["A", "B"]
    assert frame["vwap"].to_list() == [None, None]
    assert frame["trades"].to_list() == [None, None]


def test_volumes_and_counts_may_come_with_an_exponent_or_a_fraction() -> None:
    text = f'[{{"T":"A",{BAR},"v":1.029145e+06,"n":1.2e3}},{{"T":"B",{BAR},"v":25933.6,"n":7}}]'
    frame = wire.DAILY_BARS.frame(rows(text))
    assert frame["volume"].to_list() == [1_029_145.0, 25_933.6]
    assert frame["trades"].to_list() == [1200, 7]


def test_tickers_that_look_like_nothing_stay_tickers() -> None:
    text = ",".join(f'{{"T":"{ticker}",{BAR},"v":1}}' for ticker in ("NA", "NULL", "nan", "KIMpL", "BRK.A"))
    assert wire.DAILY_BARS.frame(rows(f"[{text}]"))["ticker"].to_list() == ["NA", "NULL", "nan", "KIMpL", "BRK.A"]


def test_an_absent_quote_side_is_zero_and_absent_marks_are_empty() -> None:
    row = wire.QUOTES.frame(quote()).row(0, named=True)
    assert (row["bid_price"], row["bid_size"], row["ask_price"], row["ask_size"]) == (0.0, 0.0, 0.0, 0.0)
    assert (row["conditions"], row["indicators"]) == ([], [])
    assert (row["bid_exchange"], row["ask_exchange"]) == (None, None)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"sip_timestamp": 1.5}, r"Expected `int`, got `float` - at `\$\[0\].sip_timestamp`"),
        ({"sip_timestamp": 2**63}, "<= 9223372036854775807"),
        ({"sip_timestamp": -1}, ">= 0"),
        ({"sip_timestamp": None}, "Expected `int`, got `null`"),
        ({"sequence_number": "7"}, "Expected `int`, got `str`"),
        ({"bid_exchange": 40_000}, r"<= 32767 - at `\$\[0\].bid_exchange`"),
        ({"conditions": [1, 40_000]}, r"<= 32767 - at `\$\[0\].conditions\[1\]`"),
        ({"conditions": [None]}, "Expected `int`, got `null`"),
        ({"bid_price": "2.5"}, "got `str` - at"),
        ({"bid_price": True}, "got `bool` - at"),
    ],
)
def test_what_does_not_fit_is_an_error_with_its_place(members: dict[str, object], says: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=says):
        wire.QUOTES.frame(quote(**members))


def test_a_fractional_count_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError, match="multiple of 1"):
        wire.DAILY_BARS.frame(rows(f'[{{"T":"A",{BAR},"v":1,"n":1.5}}]'))


@pytest.mark.parametrize("day", ["2024-02-30", "20240201", "soon", ""])
def test_a_date_that_is_none_is_an_error(day: str) -> None:
    page = json.dumps([{"ticker": "A", "execution_date": day, "split_from": 1, "split_to": 2}]).encode()
    with pytest.raises(pl.exceptions.PolarsError):
        wire.SPLITS.frame(page)


@pytest.mark.parametrize(
    ("written", "session"),
    [
        ("2017-10-05T04:00:00Z", date(2017, 10, 5)),  # midnight in New York in summer
        ("2017-12-05T05:00:00Z", date(2017, 12, 5)),  # and in winter
        ("2017-10-05T00:00:00Z", date(2017, 10, 5)),  # never midnight in New York: the date written
        (None, None),
    ],
)
def test_delisted_at_midnight_in_new_york_is_that_date(written: str | None, session: date | None) -> None:
    page = json.dumps([{"ticker": "RMG", "active": False, "delisted_utc": written}]).encode()
    assert wire.TICKERS.frame(page)["delisted_on"].to_list() == [session]


def test_milliseconds_and_written_instants_become_utc_nanoseconds() -> None:
    bars = wire.MINUTE_BARS.frame(rows(f'[{{"t":1577975400000,{BAR},"v":1}}]'))
    assert bars["started_at"].to_list() == [datetime(2020, 1, 2, 14, 30, tzinfo=UTC)]
    news = wire.NEWS.frame(rows('[{"id":"1","title":"x","published_utc":"2024-06-24T18:33:53Z"}]'))
    assert news["published_at"].to_list() == [datetime(2024, 6, 24, 18, 33, 53, tzinfo=UTC)]
    assert bars.schema["started_at"] == news.schema["published_at"] == pl.Datetime("ns", "UTC")


def test_news_keeps_publisher_tickers_and_insights_and_old_rows_have_none() -> None:
    insight = {"ticker": "ACME", "sentiment": "negative", "sentiment_reasoning": "dilution", "score": 1}
    full = {"publisher": {"name": "Wire", "homepage_url": "x"}, "tickers": ["ACME"], "insights": [insight]}
    head = {"id": "1", "title": "x", "published_utc": "2024-06-24T18:33:53Z"}
    frame = wire.NEWS.frame(json.dumps([{**head, **full}, head]).encode())
    assert frame["publisher"].to_list() == ["Wire", None]
    assert frame["tickers"].to_list() == [["ACME"], []]
    assert frame["insights"].to_list() == [
        [{"ticker": "ACME", "sentiment": "negative", "reasoning": "dilution"}],
        [],
    ]


def test_condition_rules_are_the_consolidated_ones_and_marks_without_rules_forbid_nothing() -> None:
    rules = {"updates_high_low": False, "updates_open_close": False, "updates_volume": True}
    market = {"updates_high_low": True, "updates_open_close": True, "updates_volume": True}
    head = {"name": "x", "type": "sale_condition", "data_types": ["trade"]}
    page = [
        {"id": 37, **head, "update_rules": {"consolidated": rules, "market_center": market}},
        {"id": 62, **head},
    ]
    frame = wire.CONDITIONS.frame(json.dumps(page).encode())
    assert frame["updates_high_low"].to_list() == [False, True]
    assert frame["updates_open_close"].to_list() == [False, True]
    assert frame["updates_volume"].to_list() == [True, True]


@pytest.mark.parametrize("text", ["[", '[{"T":"A"', "{}x", ""])
def test_half_a_page_is_an_error(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        wire.DAILY_BARS.frame(rows(text))
