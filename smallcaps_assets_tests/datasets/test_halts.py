"""Halts: the exchange's files on a New York clock; what cannot be read is named."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.halts import Halts, halts, volatility_pauses_end
from smallcaps_assets.partitions import Partition

FRIDAY, TUESDAY = date(2024, 1, 12), date(2024, 1, 16)  # Monday was a holiday
HEADER = (
    "Halt Date,Halt Time,Issue Symbol,Issue Name,Market,Reason Codes,Pause Threshold Price,"
    "Resumption Date,Resumption Quote Time,Resumption Trade Time"
)
PAUSE = '01/12/2024,09:35:12,GME,"GameStop, Inc.",NYSE,LUDP,,01/12/2024,09:35:12,09:40:12'


def write(inbox: Path, name: str, *rows: str) -> None:
    """A file of halts in the inbox."""
    folder = inbox / "halts"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")


def computed(inbox: Path, *days: date) -> list[Rows]:
    """The partitions of Friday and Tuesday, which pass their contract."""
    run = Run("halts", tuple(map(Partition, days or (FRIDAY, TUESDAY))))
    parts = list(halts(run, inbox=inbox))
    for part in parts:
        assert contracts.verdict(Halts, contracts.conform(Halts, part.frame)).passed
    return parts


def test_a_halt_by_hand(tmp_path: Path) -> None:
    write(tmp_path, "trade_halts_2024-01-12.csv", PAUSE)
    friday, tuesday = computed(tmp_path)
    assert friday.frame.row(0, named=True) == {
        "session": FRIDAY,
        "ticker": "GME",
        "reason_code": "LUDP",
        "halted_at": datetime(2024, 1, 12, 14, 35, 12, tzinfo=UTC),
        "quotes_resumed_at": datetime(2024, 1, 12, 14, 35, 12, tzinfo=UTC),
        "resumed_at": datetime(2024, 1, 12, 14, 40, 12, tzinfo=UTC),
        "threshold_price": None,
        "market": "NYSE",
        "name": "GameStop, Inc.",
        "source": "official",
        "known_at": datetime(2024, 1, 12, 14, 35, 12, tzinfo=UTC),
    }
    assert friday.metadata == {"files": 1, "repeated": 0}
    assert (tuesday.frame.height, tuesday.metadata) == (0, {"files": 0, "repeated": 0})


def test_a_file_without_halts_is_a_file_and_without_an_inbox_there_is_none(tmp_path: Path) -> None:
    (friday, _) = computed(tmp_path)
    assert friday.metadata["files"] == 0
    write(tmp_path, "trade_halts_2024-01-12.csv")
    (friday, tuesday) = computed(tmp_path)
    assert (friday.frame.height, friday.metadata["files"], tuesday.metadata["files"]) == (0, 1, 0)


def test_clocks_are_those_of_new_york_in_summer_too_and_may_have_fractions(tmp_path: Path) -> None:
    write(tmp_path, "any.csv", "07/01/2024,09:35:12.250,AMC,AMC,NYSE,T1,5.25,,,")
    (part,) = computed(tmp_path, date(2024, 7, 1))
    row = part.frame.row(0, named=True)
    assert row["halted_at"] == datetime(2024, 7, 1, 13, 35, 12, 250_000, tzinfo=UTC)
    assert (row["resumed_at"], row["threshold_price"]) == (None, 5.25)
    assert part.metadata["files"] == 1


@pytest.mark.parametrize(
    ("on", "clock", "session"),
    [
        ("01/12/2024", "00:05:00", FRIDAY),
        ("01/12/2024", "19:59:59", FRIDAY),
        ("01/12/2024", "20:00:00", TUESDAY),
        ("01/14/2024", "12:00:00", TUESDAY),
    ],
)
def test_after_the_after_market_close_a_halt_belongs_to_the_next_session(
    tmp_path: Path, on: str, clock: str, session: date
) -> None:
    write(tmp_path, "any.csv", f"{on},{clock},GME,GameStop,NYSE,T1,,,,")
    assert [part.partition.session for part in computed(tmp_path) if part.frame.height] == [session]


def test_a_halt_told_again_is_the_row_of_the_last_file(tmp_path: Path) -> None:
    write(tmp_path, "trade_halts_2024-01-16.csv", "01/12/2024,15:00:00,GME,G,NYSE,T1,,01/16/2024,08:55:00,09:00:00")
    write(tmp_path, "trade_halts_2024-01-12.csv", "01/12/2024,15:00:00,GME,G,NYSE,T1,,,,")
    friday, tuesday = computed(tmp_path)
    assert friday.frame["resumed_at"].to_list() == [datetime(2024, 1, 16, 14, 0, tzinfo=UTC)]
    assert friday.metadata == {"files": 2, "repeated": 1}
    assert tuesday.metadata["files"] == 1


def test_tickers_and_reasons_are_texts_whatever_they_look_like(tmp_path: Path) -> None:
    missing, true = "01/12/2024,09:40:00, NA ,Nano Labs,NASDAQ,,,,,", "01/12/2024,09:40:00,TRUE,T,NYSE,1,,,,"
    write(tmp_path, "any.csv", missing, true)
    friday, _ = computed(tmp_path)
    assert friday.frame.select("ticker", "reason_code").rows() == [("NA", None), ("TRUE", "1")]


@pytest.mark.parametrize(
    "row",
    [
        "2024-01-12,09:35:12,GME,G,NYSE,T1,,,,",
        "01/12/2024,9.35,GME,G,NYSE,T1,,,,",
        "01/12/2024,,GME,G,NYSE,T1,,,,",
        "01/12/2024,09:35:12,,G,NYSE,T1,,,,",
        "01/12/2024,09:35:12,GME,G,NYSE,T1,abc,,,",
        "01/12/2024,09:35:12,GME,G,NYSE,T1,,01/12/2024,,later",
        "01/12/2024,09:35:12,GME,G,NYSE,T1,,,09:40:00,",
        "01/12/2024,09:35:12,GME,G,NYSE,T1,,01/12/2024,,09:35:11",
    ],
)
def test_a_row_that_cannot_be_read_is_named_by_file_and_line(tmp_path: Path, row: str) -> None:
    write(tmp_path, "bad.csv", PAUSE, row)
    with pytest.raises(ValueError, match=r"bad\.csv line 3 cannot be read"):
        computed(tmp_path)


@pytest.mark.parametrize("text", ["", "Halt Date,Halt Time\n01/12/2024,09:35:12\n", f"{HEADER}\n{PAUSE},one,more\n"])
def test_a_file_that_is_no_list_of_halts_is_named(tmp_path: Path, text: str) -> None:
    write(tmp_path, "bad.csv")
    (tmp_path / "halts" / "bad.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.csv is not a list of halts"):
        computed(tmp_path)


def test_a_session_alone_equals_its_part_of_a_run(tmp_path: Path) -> None:
    write(tmp_path, "any.csv", PAUSE, "01/13/2024,09:35:12,AMC,A,NYSE,T1,,,,", PAUSE.replace("GME", "AMC"))
    for part in computed(tmp_path):
        (alone,) = computed(tmp_path, part.partition.session or FRIDAY)
        assert alone.frame.equals(part.frame)


def test_the_contract_refuses_a_halt_that_ends_before_it_begins(tmp_path: Path) -> None:
    write(tmp_path, "any.csv", PAUSE)
    rows = contracts.conform(Halts, computed(tmp_path)[0].frame)
    assert not contracts.verdict(Halts, rows.with_columns(pl.col("resumed_at").dt.offset_by("-1h"))).passed


def test_one_pause_without_an_end_is_usual_and_two_of_three_are_not(tmp_path: Path) -> None:
    def pause(ticker: str, resumed: str) -> str:
        return f"01/12/2024,09:35:12,{ticker},X,NYSE,LUDP,,{resumed and '01/12/2024'},,{resumed}"

    write(tmp_path, "any.csv", pause("A", ""), pause("B", "09:40:12"), pause("C", "09:40:12"))
    assert volatility_pauses_end(computed(tmp_path)[0].frame, {}).passed
    write(tmp_path, "any.csv", pause("A", ""), pause("B", ""), pause("C", "09:40:12"))
    assert not volatility_pauses_end(computed(tmp_path)[0].frame, {}).passed
