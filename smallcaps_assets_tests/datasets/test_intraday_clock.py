"""The same New York clock gives the same events, on both sides of daylight saving and on days that close early."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from smallcaps_assets import sessions
from smallcaps_assets.contract import empty
from smallcaps_assets.datasets.halts import Halts
from smallcaps_assets.datasets.intraday_events import events
from smallcaps_assets.maths.detector_rules import IntradayRules
from smallcaps_assets.maths.minute_table import MINUTE
from smallcaps_assets_tests.datasets.event_rows import metric_rows
from smallcaps_assets_tests.maths.detector_scenes import DOWN_ONLY, SCENES, breaking
from smallcaps_assets_tests.maths.drawn_minutes import Bar, flat

INSTANT = pl.Datetime("ns", "UTC")
AT = 100  # minutes from 09:30: 11:10
CLOCKS = {  # 11:10 New York
    date(2024, 3, 8): datetime(2024, 3, 8, 16, 10, tzinfo=UTC),
    date(2024, 3, 11): datetime(2024, 3, 11, 15, 10, tzinfo=UTC),  # summer time since the 10th
    date(2024, 11, 1): datetime(2024, 11, 1, 15, 10, tzinfo=UTC),
    date(2024, 11, 4): datetime(2024, 11, 4, 16, 10, tzinfo=UTC),  # until the 3rd
    date(2024, 11, 29): datetime(2024, 11, 29, 16, 10, tzinfo=UTC),  # these two close at 13:00
    date(2024, 12, 24): datetime(2024, 12, 24, 16, 10, tzinfo=UTC),
}
EARLY, FULL = date(2024, 11, 29), date(2024, 12, 2)


def bar_rows(session: date, ticker: str, bars: list[Bar]) -> pl.DataFrame:
    """Rows of `minute_bars`, with the session's own segments."""
    hours = sessions.hours(session)
    frame = pl.DataFrame(bars, schema=list(Bar._fields), orient="row", infer_schema_length=None).with_columns(
        pl.col("open", "high", "low", "close", "volume").cast(pl.Float64),
        session=pl.lit(session),
        ticker=pl.lit(ticker),
        started_at=(hours.opens_at + pl.col("minute") * MINUTE).cast(INSTANT),
        vwap=pl.lit(None, pl.Float64),
    )
    timed = sessions.with_hours(frame.lazy()).with_columns(segment=sessions.segment(pl.col("started_at")))
    names = ["session", "ticker", "started_at", "open", "high", "low", "close", "volume", "vwap", "trades", "segment"]
    return timed.select(names).collect()


def found(bars: pl.DataFrame, wanted: list[date], halts: pl.DataFrame | None = None) -> pl.DataFrame:
    told = empty(Halts) if halts is None else halts
    rows = events(bars.lazy(), metric_rows(bars).lazy(), told.lazy(), IntradayRules(), wanted)
    return rows.sort("session", "ticker", "triggered_at", "detector")


def halt(session: date, ticker: str) -> pl.DataFrame:
    """From half a minute into 11:03, the last minute that trades, until 11:10:20."""
    opens_at = sessions.hours(session).opens_at
    halted, resumed = (pl.lit(opens_at + m * MINUTE + s * 10**9).cast(INSTANT) for m, s in ((AT - 7, 30), (AT, 20)))
    named = pl.DataFrame({"session": [session], "ticker": [ticker]})
    return named.with_columns(halted_at=halted, resumed_at=resumed)


@pytest.fixture(scope="module")
def scenes() -> pl.DataFrame:
    """The events of a ticker for each detector, named like it, in each of the sessions."""
    parts, halts = [], []
    for session in CLOCKS:
        for name, scene in SCENES.items():
            parts.append(bar_rows(session, name, scene(AT, name not in DOWN_ONLY)))
        halts.append(halt(session, "halt_resumption"))
        usual = flat(-30, -29, 10.0, 5_000.0)  # 10,000 shares before the open; the scene has 100,000
        parts += [
            bar_rows(earlier, "gap_and_go", usual) for earlier in sessions.before(session, 6) if earlier not in CLOCKS
        ]
    bars = pl.concat(parts).unique(["session", "ticker", "started_at"])
    rows = found(bars, list(CLOCKS), pl.concat(halts))
    return rows.filter(pl.col("detector") == pl.col("ticker"))


def test_each_detector_fires_at_the_same_clock_whatever_its_hour_in_utc(scenes: pl.DataFrame) -> None:
    for session, at in CLOCKS.items():
        mine = scenes.filter(session=session)
        assert mine["detector"].to_list() == sorted(SCENES)
        assert set(mine["triggered_at"]) == {at}
        assert set(mine["known_at"]) == {at + timedelta(minutes=1)}
        assert set(mine["segment"]) == {"RTH"}
        clock = f"{session:%Y%m%d}_111000"
        assert mine["event_id"].str.contains(clock).all()


def test_the_values_of_an_event_do_not_depend_on_the_side_of_the_clock_change(scenes: pl.DataFrame) -> None:
    dated = {"session", "event_id", "triggered_at", "known_at", "time_of_day_rvol"}
    first, *others = (scenes.filter(session=session).drop(dated) for session in CLOCKS)
    assert all(other.equals(first) for other in others)


@pytest.mark.parametrize(
    ("detector", "volume", "at_12_59", "at_13_00", "at_13_00_of_a_full_day"),
    [
        ("opening_range_break", 40_000.0, "RTH", None, "RTH"),
        ("volume_spike", 14_000.0, "RTH", None, "RTH"),  # 7 times 2,000
        ("volume_spike", 16_000.0, "RTH", "AH", "RTH"),  # 8 times
        ("high_of_day_break", 4_000.0, "RTH", "AH", "RTH"),
    ],
)
def test_an_early_close_ends_regular_hours(
    detector: str, volume: float, at_12_59: str | None, at_13_00: str | None, at_13_00_of_a_full_day: str | None
) -> None:
    for session, minute, segment in (
        (EARLY, 209, at_12_59),
        (EARLY, 210, at_13_00),
        (FULL, 210, at_13_00_of_a_full_day),
    ):
        bars = [*flat(0, 14), *breaking(10.2, 9.8, volume)(minute, True)]
        rows = found(bar_rows(session, "GEVO", bars), [session]).filter(detector=detector)
        assert rows["segment"].to_list() == ([segment] if segment else [])


def test_a_gap_does_not_go_after_an_early_close() -> None:
    for session, expected in ((EARLY, []), (FULL, ["RTH"])):
        usual = [bar_rows(earlier, "GEVO", flat(-30, -29, 10.0, 5_000.0)) for earlier in sessions.before(session, 6)]
        bars = pl.concat([*usual, bar_rows(session, "GEVO", SCENES["gap_and_go"](210, True))])
        assert found(bars, [session]).filter(detector="gap_and_go")["segment"].to_list() == expected


def test_the_vwap_after_an_early_close_is_that_since_four() -> None:
    # 100,000 shares at 12.00 before the open: since 04:00 the VWAP stays far above closes around 10.00
    early = [*flat(-60, -60, 12.0, 100_000.0)]
    for minute, expected in ((180, [180]), (230, [])):
        bars = bar_rows(EARLY, "GEVO", [*early, *SCENES["vwap_break"](minute, True)])
        rows = found(bars, [EARLY]).filter(detector="vwap_break")
        assert [
            (at - 14 * 60 - 30)
            for at in (rows["triggered_at"].dt.hour().cast(pl.Int64) * 60 + rows["triggered_at"].dt.minute())
        ] == expected
