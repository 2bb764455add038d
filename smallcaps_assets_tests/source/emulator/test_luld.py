"""Price bands: the vectors of the plan, and when the reference price moves."""

from datetime import date

import polars as pl
import pytest

from smallcaps_assets.source.emulator.calendar import MINUTE, SECOND, hours, instant
from smallcaps_assets.source.emulator.luld import Band, band, bands
from smallcaps_assets.source.emulator.market import TRADES

NOW, BEFORE = date(2026, 3, 2), date(2019, 3, 4)


@pytest.mark.parametrize(
    ("session", "clock", "previous", "reference", "low", "high"),
    [
        (NOW, (10, 0), 2.00, 2.00, 1.60, 2.40),
        (NOW, (10, 0), 3.00, 3.00, 2.40, 3.60),
        (NOW, (10, 0), 3.01, 3.01, 2.71, 3.31),
        (NOW, (10, 0), 0.75, 1.00, 0.80, 1.20),
        (NOW, (10, 0), 0.50, 0.50, 0.35, 0.65),
        (NOW, (10, 0), 0.10, 0.12, 0.03, 0.21),  # 75 % is less than 15 cents
        (NOW, (15, 34), 2.00, 2.00, 1.60, 2.40),
        (NOW, (15, 35), 2.00, 2.00, 1.20, 2.80),
        (NOW, (15, 40), 0.50, 0.50, 0.35, 0.80),  # upward only
        (NOW, (15, 40), 5.00, 5.00, 4.50, 5.50),
        (BEFORE, (15, 40), 5.00, 5.00, 4.00, 6.00),
        (BEFORE, (9, 35), 5.00, 5.00, 4.00, 6.00),
        (BEFORE, (9, 45), 5.00, 5.00, 4.50, 5.50),
        (NOW, (9, 35), 5.00, 5.00, 4.50, 5.50),
    ],
)
def test_bands_are_those_of_the_plan(
    session: date, clock: tuple[int, int], previous: float, reference: float, low: float, high: float
) -> None:
    assert band(reference, previous, instant(session, *clock), session, hours(session)) == (low, high)


def tape(*prints: tuple[int, float]) -> pl.DataFrame:
    """Trades of 100 shares: (seconds after the open, price)."""
    rows = [
        {"price": price, "size": 100.0, "sip_timestamp": hours(NOW).open + second * SECOND, "sequence_number": place}
        for place, (second, price) in enumerate(prints)
    ]
    return pl.DataFrame(
        rows, schema={name: TRADES[name] for name in ("price", "size", "sip_timestamp", "sequence_number")}
    ).select(
        pl.col(name)
        if name in ("price", "size", "sip_timestamp", "sequence_number")
        else pl.lit(None, kind).alias(name)
        for name, kind in TRADES.items()
    )


def at(seconds: int) -> int:
    return hours(NOW).open + seconds * SECOND


def test_the_reference_moves_when_the_mean_of_five_minutes_is_a_hundredth_away() -> None:
    found = bands(tape((1, 10.0), (40, 10.18), (65, 10.3)), [], 10.0, NOW, hours(NOW))
    # at 60 s the mean is 10.09, 0.9 % away; at 90 s it is 10.16, at 330 s of the last two 10.24: 0.8 %;
    # at 360 s, with the last print alone, 10.3: 1.4 %
    assert found == [
        Band(at(1), 9.0, 11.0, []),
        Band(at(90), 9.14, 11.18, []),
        Band(at(360), 9.27, 11.33, []),
    ]


def test_a_halt_is_marked_and_the_first_trade_after_it_is_the_new_reference() -> None:
    halts = [(at(600), at(900))]
    found = bands(tape((0, 2.0), (599, 2.4), (901, 3.0)), halts, 2.5, NOW, hours(NOW))
    assert found == [
        Band(at(0), 1.6, 2.4, []),
        Band(at(600), 1.6, 2.4, [17]),
        Band(at(900), 1.6, 2.4, [18]),
        Band(at(901), 2.4, 3.6, []),
        Band(hours(NOW).close - 25 * MINUTE, 1.8, 4.2, []),  # 20 % doubled
    ]


def test_a_halt_without_end_is_the_last_word() -> None:
    found = bands(tape((0, 5.0), (700, 9.0)), [(at(600), None)], None, NOW, hours(NOW))
    assert [(this.at, this.indicators) for this in found] == [(at(0), []), (at(600), [17])]


def test_a_session_without_trades_has_no_bands() -> None:
    assert bands(tape(), [(at(1), at(2))], 5.0, NOW, hours(NOW)) == []
