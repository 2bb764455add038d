"""first_pullback, parabolic_exhaustion and halt_resumption at their boundaries."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from smallcaps_assets.maths.detector_halts import halt_resumption, with_halts
from smallcaps_assets.maths.detector_rules import FirstPullback, HaltResumption, ParabolicExhaustion
from smallcaps_assets.maths.detector_runs import first_pullback, parabolic_exhaustion
from smallcaps_assets_tests.maths.drawn_minutes import Bar, drawn, flat


def path(first: int, *closes: float, start: float = 10.0, volumes: tuple[float, ...] = ()) -> list[Bar]:
    """Bars without wicks through these closes, each opening at the close before."""
    bars = []
    for at, close in enumerate(closes):
        volume = volumes[at] if volumes else 1_000.0
        bars.append(Bar(first + at, start, max(start, close), min(start, close), close, volume))
        start = close
    return bars


def pulled(*bars: Bar) -> list[tuple[int, float]]:
    found = first_pullback(drawn(*bars), **FirstPullback().model_dump())
    assert found.up.all()
    return list(zip(found.rows.tolist(), found.move_pct.round(6).tolist(), strict=True))


RISE = (10.2, 10.4, 10.5)  # three green bars from 10.00: 5.0 %; half of the gain is 0.25


@pytest.mark.parametrize(
    ("closes", "fires"),
    [
        ((*RISE, 10.4, 10.51), [4]),  # one red bar from 10.50 to 10.40, then a close above its high of 10.50
        ((*RISE, 10.4, 10.5), []),  # at its high is not above
        ((10.2, 10.4, 10.499, 10.4, 10.6), []),  # 4.99 %
        ((10.3, 10.5, 10.4, 10.6), []),  # two green bars
        ((*RISE, 10.25, 10.6), [4]),  # gives back 0.25 of 0.50
        ((*RISE, 10.249, 10.6), []),
        ((*RISE, 10.4, 10.35, 10.3, 10.36), [6]),  # three red bars; the last one's high is 10.35
        ((*RISE, 10.45, 10.4, 10.35, 10.3, 10.36), []),  # four
        ((*RISE, 10.6, 10.7), []),  # no red bar
        ((*RISE, 10.4, 10.4, 10.6), []),  # a bar without direction is not red
    ],
)
def test_a_pullback_is_small_and_bought(closes: tuple[float, ...], fires: list[int]) -> None:
    quieter, volumes = 1_000.0, []
    for start, close in zip((10.0, *closes), closes, strict=False):
        quieter = quieter - 100.0 if close < start else 1_000.0
        volumes.append(quieter)
    assert [row for row, _ in pulled(*path(0, *closes, volumes=tuple(volumes)))] == fires


@pytest.mark.parametrize(
    ("volumes", "fires"),
    [
        ((1_000, 1_000, 1_000, 999, 998, 5_000), True),
        ((1_000, 1_000, 1_000, 1_000, 900, 5_000), False),  # the first red bar is no quieter than the last green one
        ((1_000, 1_000, 1_000, 900, 900, 5_000), False),
    ],
)
def test_a_pullback_is_on_falling_volume(volumes: tuple[float, ...], fires: bool) -> None:
    assert pulled(*path(0, *RISE, 10.45, 10.4, 10.46, volumes=volumes)) == ([(5, 5.0)] if fires else [])


def test_only_the_first_pullback_of_a_session_counts_in_whatever_segment() -> None:
    quieter = (1_000.0, 1_000.0, 1_000.0, 900.0, 1_000.0)
    one, other = path(-60, *RISE, 10.4, 10.6, volumes=quieter), path(30, *RISE, 10.4, 10.6, volumes=quieter)
    assert [row for row, _ in pulled(*one, *other)] == [4]
    assert [row for row, _ in pulled(*other, *(bar._replace(day=1) for bar in other))] == [4, 9]
    assert [row for row, _ in pulled(*path(400, *RISE, 10.4, 10.6, volumes=quieter))] == [4]


def blow_off(
    top: float = 16.0,
    close: float = 15.5,
    last: float = 15.0,
    third: float = 13.5,
    volume: float = 5_000.0,
    at: int = 60,
    start: float = 12.9,
) -> list[Bar]:
    """The open at 10.00, five green bars to ``last``, and a bar from there to ``top`` that closes at ``close``."""
    run = path(at, 13.0, 13.2, third, 14.0, last, start=start)
    return [*flat(0, 20), *run, Bar(at + 5, last, top, last, close, volume)]


def exhausted(*bars: Bar) -> list[tuple[int, bool, float, float]]:
    found = parabolic_exhaustion(drawn(*bars), **ParabolicExhaustion().model_dump())
    values = zip(found.rows.tolist(), found.up.tolist(), found.spike.tolist(), found.move_pct.tolist(), strict=True)
    return [(row, up, round(spike, 6), round(move, 6)) for row, up, spike, move in values]


def test_a_parabola_is_exhausted_by_a_loud_bar_with_a_long_wick() -> None:
    # 15.00 is 50 % above 10.00; the wick 16.0 − 15.5 is half of 16.0 − 15.0; 5,000 over 1,000
    assert exhausted(*blow_off()) == [(26, False, 5.0, 50.0)]


@pytest.mark.parametrize(
    "change",
    [
        {"last": 14.99, "close": 15.4},  # 49.9 % above the open
        {"close": 15.501},  # the wick is 49.9 % of the range
        {"volume": 1_000.0},  # as loud as others is not loudest
        {"third": 13.2},  # a bar without direction
        {"start": 13.0},  # four green bars
        {"at": 360 + 30},  # after the close it may fire
    ],
)
def test_a_parabola_needs_its_height_its_wick_its_volume_and_five_green_bars(change: dict[str, Any]) -> None:
    assert len(exhausted(*blow_off(**change))) == (1 if "at" in change else 0)


def test_a_slowing_rise_is_no_parabola() -> None:
    # gains of 7.8, 3.6, 2.8, 2.0, 1.4 %: the line through them falls
    run = path(60, 13.9, 14.4, 14.8, 15.1, 15.31, start=12.9)
    assert exhausted(*flat(0, 20), *run, Bar(65, 15.31, 16.31, 15.31, 15.5, 5_000)) == []


def test_one_slower_bar_does_not_hide_that_the_slope_rises() -> None:
    # gains of 1.0, 2.0, 1.9, 3.0, 6.0 %: −2 × 1.0 − 2.0 + 3.0 + 2 × 6.0 = 11 > 0
    run = path(60, 13.029, 13.290, 13.542, 13.948, 15.0, start=12.9)
    assert len(exhausted(*flat(0, 20), *run, Bar(65, 15.0, 16.0, 15.0, 15.5, 5_000))) == 1


def test_there_is_no_parabola_before_the_open_and_none_within_30_minutes_of_another() -> None:
    early = [bar._replace(minute=bar.minute - 100) for bar in blow_off()]
    assert exhausted(*early) == []
    for minute, count in ((29, 1), (30, 2)):
        again = blow_off(volume=9_000.0, at=60 + minute)[21:]
        assert len(exhausted(*blow_off(), *again)) == count


@pytest.mark.parametrize(
    ("start", "expected"), [(10.001, [(True, 0.01)]), (10.0, []), (9.999, [(False, -0.01)])], ids=["up", "same", "down"]
)
@pytest.mark.parametrize("minute", [-40, 60, 420])
def test_the_first_trade_after_a_halt_is_above_or_below_the_last_before(
    start: float, expected: list[tuple[bool, float]], minute: int
) -> None:
    bar = Bar(minute, start, 10.5, 9.5, 10.2, before_halt=10.0)
    found = halt_resumption(drawn(*flat(minute - 20, minute - 6), bar), **HaltResumption().model_dump())
    assert list(zip(found.up.tolist(), found.move_pct.round(6).tolist(), strict=True)) == expected
    assert found.rows.tolist() == [15] * len(expected)


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2024, 1, 16, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("halts", "marked"),
    [
        ([(at(15, 0, 30), at(15, 5, 40))], {at(15, 5): 10.0}),
        ([(at(15, 0, 30), at(15, 4, 59))], {at(15, 5): 10.0}),  # nobody traded in the minute of the resumption
        ([(at(15, 0, 30), None)], {}),
        ([(at(15, 0, 30), at(15, 0, 50))], {}),  # within a minute
        ([(at(14, 59), at(15, 0))], {}),  # no trade before it
        ([(at(15, 6, 10), at(15, 30))], {}),  # no trade after it
        ([(at(15, 0, 30), at(15, 3)), (at(15, 3), at(15, 5))], {at(15, 5): 10.0}),  # extended
        ([(at(15, 0), at(15, 5)), (at(15, 5, 30), at(15, 10))], {at(15, 5): 10.0}),
    ],
)
def test_a_halt_marks_the_first_bar_after_it(
    halts: list[tuple[datetime, datetime | None]], marked: dict[datetime, float]
) -> None:
    day = date(2024, 1, 16)
    instant = pl.Datetime("ns", "UTC")
    bars = pl.DataFrame(
        {"session": day, "ticker": "GEVO", "started_at": [at(15, 0), at(15, 5), at(15, 6)], "close": [10.0, 11.0, 12.0]}
    ).with_columns(pl.col("started_at").cast(instant))
    rows = [(day, ticker, *halt) for ticker in ("GEVO", "GE") for halt in halts]
    table = pl.DataFrame(rows, schema=["session", "ticker", "halted_at", "resumed_at"], orient="row")
    told = with_halts(bars, table.with_columns(pl.col("halted_at", "resumed_at").cast(instant)))
    assert told.drop("before_halt").equals(bars)
    assert dict(told.drop_nulls().select("started_at", "before_halt").rows()) == marked
