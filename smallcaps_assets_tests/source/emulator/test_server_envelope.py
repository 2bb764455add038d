"""Rows as JSON: what a plain encoder would write, without the members that have no value."""

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.source.emulator.envelope import RefusedError, encoded, in_bulk, one_by_one, rows

SCHEMA = pl.Schema(
    {
        "stamp": pl.Int64(),
        "price": pl.Float64(),
        "name": pl.String(),
        "flag": pl.Boolean(),
        "conditions": pl.List(pl.Int64()),
    }
)
ROW = st.fixed_dictionaries(
    {
        "stamp": st.none() | st.integers(-(2**63), 2**63 - 1),
        "price": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "name": st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        "flag": st.none() | st.booleans(),
        "conditions": st.none() | st.lists(st.integers(0, 99), max_size=3),
    }
)


def written(frame: pl.DataFrame) -> Any:
    few, many = (b"[" + b",".join(lines(frame)) + b"]" for lines in (one_by_one, in_bulk))
    assert msgspec.json.decode(few) == msgspec.json.decode(many)
    assert msgspec.json.encode(rows(frame)) == few
    return msgspec.json.decode(few)


@given(st.lists(ROW, max_size=20))
@settings(max_examples=150, deadline=None)
def test_rows_are_all_there_without_members_that_have_no_value(made: list[dict[str, Any]]) -> None:
    expected = [{k: v for k, v in row.items() if v is not None and v != []} for row in made]
    assert written(pl.DataFrame(made, schema=SCHEMA)) == expected


def test_nanoseconds_keep_all_their_digits() -> None:
    assert b"1651181822461636601" in msgspec.json.encode(rows(pl.DataFrame({"stamp": [1651181822461636601]})))


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (pl.DataFrame({"size": [100.0, 0.0]}), b'[{"size":100},{"size":0}]'),
        (pl.DataFrame({"price": [10.0, 10.5], "size": [1.0, None]}), b'[{"price":10,"size":1},{"price":10.5}]'),
        (
            pl.DataFrame({"p": [1.0, 2.5], "t": ['a":1.0,', "b 1.0}"]}),
            b'[{"p":1,"t":"a\\":1.0,"},{"p":2.5,"t":"b 1.0}"}]',
        ),
        (pl.DataFrame({"s": [{"p": 1.0, "t": "2.0,"}]}), b'[{"s":{"p":1,"t":"2.0,"}}]'),
    ],
)
def test_whole_numbers_have_no_fraction_but_texts_keep_theirs(frame: pl.DataFrame, text: bytes) -> None:
    assert b"[" + b",".join(one_by_one(frame)) + b"]" == text
    assert b"[" + b",".join(in_bulk(frame)) + b"]" == text


@pytest.mark.parametrize(("lines", "text"), [(one_by_one, b'{"v":1e300}'), (in_bulk, b'{"v":1e+300}')])
def test_a_number_beyond_the_exact_ones_is_not_written_out(
    lines: Callable[[pl.DataFrame], list[bytes]], text: bytes
) -> None:
    assert lines(pl.DataFrame({"v": [1e300, 10.0]})) == [text, b'{"v":10}']


def test_whole_numbers_of_a_payload_have_no_fraction_either() -> None:
    assert encoded({"open": 10.0, "results": {"shares": 1e6, "of": [2.0, 2.5]}}) == (
        b'{"open":10,"results":{"shares":1000000,"of":[2,2.5]}}'
    )


def test_dates_are_iso() -> None:
    assert written(pl.DataFrame({"on": [date(2024, 1, 2), None]})) == [{"on": "2024-01-02"}, {}]


def test_null_members_inside_members_are_left_out_too() -> None:
    frame = pl.DataFrame({"publisher": [{"name": "Wire", "logo": None}], "insights": [[{"a": None, "b": 1}]]})
    assert written(frame) == [{"publisher": {"name": "Wire"}, "insights": [{"b": 1}]}]


def test_a_text_that_looks_like_a_null_member_stays() -> None:
    frame = pl.DataFrame({"s": [{"t": 'x","logo":null,"y', "logo": None}]})
    assert written(frame) == [{"s": {"t": 'x","logo":null,"y'}}]


def test_a_frame_without_columns_or_rows_is_an_empty_array() -> None:
    assert written(pl.DataFrame()) == []
    assert written(pl.DataFrame(schema=SCHEMA)) == []


def test_an_envelope_leaves_out_members_without_a_value() -> None:
    assert encoded({"status": "OK", "next_url": None}) == b'{"status":"OK"}'


def test_a_refusal_says_its_text_in_the_member_of_its_kind() -> None:
    assert msgspec.json.decode(RefusedError(404, "Ticker not found.").body("r")) == {
        "status": "NOT_FOUND",
        "request_id": "r",
        "message": "Ticker not found.",
    }
    assert msgspec.json.decode(RefusedError(400, "no").body("r"))["error"] == "no"
