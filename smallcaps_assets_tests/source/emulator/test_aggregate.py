"""Bars from trades: each update rule on a handful of trades whose bar is worked by hand."""

from datetime import date

import polars as pl
import pytest

from smallcaps_assets.source.emulator.aggregate import daily_bar, minute_bars
from smallcaps_assets.source.emulator.calendar import MINUTE, SECOND, hours
from smallcaps_assets.source.emulator.market import BAR, MINUTES, TRADES

HOURS = hours(date(2024, 3, 12))
OPEN, CLOSE = HOURS.open, HOURS.close


def trades(*rows: tuple[int, float, float, list[int] | None, int | None]) -> pl.DataFrame:
    """A tape of (instant, price, size, conditions, correction)."""
    return pl.DataFrame(
        [
            {
                "conditions": conditions,
                "correction": correction,
                "exchange": 12,
                "id": str(number),
                "participant_timestamp": at,
                "price": price,
                "sequence_number": number,
                "sip_timestamp": at,
                "size": size,
                "tape": 3,
                "trf_id": None,
                "trf_timestamp": None,
            }
            for number, (at, price, size, conditions, correction) in enumerate(rows)
        ],
        schema=TRADES,
    )


def test_a_minute_bar_takes_first_last_highest_and_lowest_price_and_all_volume() -> None:
    tape = trades(
        (OPEN, 10.0, 100, None, None),
        (OPEN + 20 * SECOND, 10.5, 200, [14], None),
        (OPEN + 40 * SECOND, 9.5, 300, [], None),
        (OPEN + 59 * SECOND, 10.2, 400, [14, 41], 0),
    )
    bar = minute_bars(tape, HOURS).row(0, named=True)
    # 100*10.0 + 200*10.5 + 300*9.5 + 400*10.2 = 10030 over 1000 shares
    expected = {"v": 1000.0, "vw": 10.03, "o": 10.0, "c": 10.2, "h": 10.5, "l": 9.5, "n": 4}
    assert bar == {"t": OPEN // 1_000_000, **expected}


def test_a_trade_on_the_minute_belongs_to_the_minute_that_starts() -> None:
    tape = trades((OPEN + MINUTE - 1, 1.0, 100, None, None), (OPEN + MINUTE, 2.0, 100, None, None))
    assert minute_bars(tape, HOURS)["t"].to_list() == [OPEN // 1_000_000, OPEN // 1_000_000 + 60_000]


@pytest.mark.parametrize("condition", [2, 7, 13, 20, 21, 29, 37, 52, 53, 999])
def test_volume_only_conditions_count_for_volume_and_set_no_price(condition: int) -> None:
    tape = trades((OPEN, 10.0, 100, None, None), (OPEN + 1, 99.0, 50, [condition], None))
    bar = minute_bars(tape, HOURS).row(0, named=True)
    assert (bar["o"], bar["c"], bar["h"], bar["l"], bar["v"], bar["n"]) == (10.0, 10.0, 10.0, 10.0, 150.0, 2)


@pytest.mark.parametrize("condition", [5, 10, 22, 32, 33])
def test_out_of_sequence_conditions_set_high_and_low_but_not_the_close(condition: int) -> None:
    tape = trades((OPEN, 10.0, 100, None, None), (OPEN + 1, 11.0, 100, [condition], None))
    bar = minute_bars(tape, HOURS).row(0, named=True)
    assert (bar["h"], bar["c"]) == (11.0, 10.0)


@pytest.mark.parametrize("condition", [15, 16])
def test_official_prices_update_nothing(condition: int) -> None:
    tape = trades((OPEN, 10.0, 100, None, None), (OPEN + 1, 12.0, 5000, [condition], None))
    bar = minute_bars(tape, HOURS).row(0, named=True)
    assert (bar["h"], bar["v"], bar["n"], bar["vw"]) == (10.0, 100.0, 1, 10.0)


def test_form_t_sets_minute_prices_outside_regular_hours_only() -> None:
    tape = trades(
        (HOURS.pre_open, 9.0, 100, [12], None),
        (OPEN, 10.0, 100, None, None),
        (OPEN + 1, 20.0, 100, [12], None),
        (CLOSE, 11.0, 100, [12], None),
    )
    assert minute_bars(tape, HOURS).select("o", "h", "v").rows() == [
        (9.0, 9.0, 100.0),
        (10.0, 10.0, 200.0),
        (11.0, 11.0, 100.0),
    ]


def test_form_t_sets_no_daily_price_but_counts_for_volume() -> None:
    tape = trades(
        (HOURS.pre_open, 9.0, 100, [12], None),
        (OPEN, 10.0, 100, [25], None),
        (CLOSE + SECOND, 10.4, 300, [8], None),
        (CLOSE + 2 * SECOND, 11.0, 100, [12], None),
    )
    bar = daily_bar(tape, HOURS).row(0, named=True)
    # 900 + 1000 + 3120 + 1100 = 6120 over 600 shares
    assert bar == {"v": 600.0, "vw": 10.2, "o": 10.0, "c": 10.4, "h": 10.4, "l": 10.0, "n": 4}


def test_an_odd_lot_before_the_open_sets_no_price_even_with_form_t() -> None:
    assert minute_bars(trades((HOURS.pre_open, 9.0, 10, [12, 37], None)), HOURS).is_empty()


def test_originals_of_corrections_count_and_their_records_do_not() -> None:
    tape = trades(
        (OPEN, 10.0, 100, None, 1),
        (OPEN + 1, 11.0, 100, None, 8),
        (OPEN + 2, 50.0, 100, None, 12),
        (OPEN + 3, 60.0, 100, None, 10),
        (OPEN + 4, 70.0, 100, None, 11),
    )
    bar = daily_bar(tape, HOURS).row(0, named=True)
    assert (bar["h"], bar["c"], bar["v"], bar["n"]) == (11.0, 11.0, 200.0, 2)


def test_a_fraction_of_a_share_sets_no_price() -> None:
    tape = trades((OPEN, 10.0, 100, None, None), (OPEN + 1, 30.0, 0.5, None, None))
    bar = daily_bar(tape, HOURS).row(0, named=True)
    assert (bar["h"], bar["v"]) == (10.0, 100.5)


def test_minutes_with_volume_only_prints_have_no_bar_though_the_day_counts_them() -> None:
    tape = trades((OPEN, 10.0, 100, None, None), (OPEN + 2 * MINUTE, 10.0, 40, [37], None))
    assert minute_bars(tape, HOURS).height == 1
    assert daily_bar(tape, HOURS)["v"].to_list() == [140.0]


def test_trades_outside_the_session_are_ignored() -> None:
    tape = trades((HOURS.pre_open - 1, 5.0, 100, None, None), (HOURS.post_close, 6.0, 100, None, None))
    assert minute_bars(tape, HOURS).is_empty()


def test_no_trades_give_typed_empty_frames() -> None:
    assert minute_bars(trades(), HOURS).schema == MINUTES
    assert daily_bar(trades(), HOURS).schema == pl.Schema(BAR)
