"""Laws of the events that our detectors find in minutes recorded in real markets, and what they confirm of others'."""

from datetime import UTC, date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from smallcaps_assets.datasets.intraday_events import prefix_stable
from smallcaps_assets.maths.detector_rules import IntradayRules
from smallcaps_assets_tests.first_system.daily import CONFIRMED, MISSING, SPLIT, Days, days
from smallcaps_assets_tests.first_system.listed import EIGHT, listed, on_recorded_minutes, score
from smallcaps_assets_tests.first_system.replayed import mislabelled, replayed
from smallcaps_assets_tests.real_minutes import Evidence, evidence
from smallcaps_assets_tests.shared import SHARED, needs_shared

pytestmark = needs_shared
VECTORS, RECORDED = SHARED / "realdata" / "vectors", SHARED / "realdata" / "recorded"
EVERY = 10  # sessions between those of the daily lists that are tried here
MINUTE = pl.duration(minutes=1)
HALF_DAY = date(2020, 12, 24)
FINRA = 4  # the exchange id of trades that were made off exchange and reported
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def found() -> Evidence:
    return evidence(RECORDED)


@pytest.fixture(scope="module")
def first(found: Evidence) -> pl.DataFrame:
    return replayed(found)


@pytest.fixture(scope="module")
def daily() -> Days:
    return days(SHARED, EVERY)


@cache
def published() -> dict[str, dict[str, str]]:
    """By session, what the exchange's calendar says of it."""
    rows = pl.read_parquet(VECTORS / "xnys_calendar_2005_2025.parquet")
    return {str(row["session_date"]): row for row in rows.iter_rows(named=True)}


def clock_hours(day: date) -> tuple[time, time, time]:
    """Open, close and end of the after-market on a New York clock, from the exchange's published calendar."""
    row = published()[str(day)]
    opens, closes = (datetime.fromisoformat(row[name]).time() for name in ("open_et", "close_et"))
    return opens, closes, time(17) if row["is_early_close"] == "True" else time(20)


def segment_of(at: int, day: date) -> str | None:
    """PM, RTH or AH of an instant in ns, by clocks alone; None outside the session's hours."""
    local = datetime.fromtimestamp(at // 10**9, UTC).astimezone(NEW_YORK)
    opens, closes, ends = clock_hours(day)
    if local.date() != day or not time(4) <= local.time() < ends:
        return None
    return "PM" if local.time() < opens else "RTH" if local.time() < closes else "AH"


def test_the_segment_of_every_event_is_that_of_a_new_york_clock(found: Evidence) -> None:
    events = found.intraday_events
    told = events.select("session", at=pl.col("triggered_at").cast(pl.Int64)).iter_rows()
    assert [segment_of(at, day) for day, at in told] == events["segment"].to_list()
    assert events.height > 2000


def test_the_segment_of_every_minute_of_a_half_day_is_that_of_a_new_york_clock(found: Evidence) -> None:
    bars = found.minute_bars.filter(session=HALF_DAY)
    told = bars["started_at"].cast(pl.Int64).to_list()
    assert [segment_of(at, HALF_DAY) for at in told] == bars["segment"].to_list()
    assert set(bars["segment"]) == {"PM", "RTH", "AH"}


def test_no_trade_off_exchange_is_on_the_tape_before_eight_and_no_event_starts_then(found: Evidence) -> None:
    trades = pl.scan_parquet(RECORDED / "trades.parquet").filter(exchange=FINRA)
    clock = pl.col("sip_timestamp").cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(NEW_YORK.key).dt.time()
    printed = trades.select(before=(clock < time(8)).sum(), at=clock.is_between(time(8), time(8, 1), "left").sum())
    assert printed.collect().row(0) == (0, 66)
    events = found.intraday_events.select(pl.col("triggered_at").dt.convert_time_zone(NEW_YORK.key).dt.time())
    assert time(8) not in events.to_series().to_list()


def touching_a_halt(found: Evidence) -> pl.DataFrame:
    """Events whose minute and a halt have an instant in common; a halt without its end goes on."""
    halts = pl.read_parquet(RECORDED / "halts.parquet").select(
        "ticker", pl.col("halt_time", "resume_time").cast(pl.Datetime("ns", "UTC"))
    )
    pairs = found.intraday_events.join(halts, on="ticker")
    begun = (pl.col("halt_time") < pl.col("known_at")) & (
        pl.col("triggered_at") < pl.col("resume_time").fill_null(pl.col("known_at"))
    )
    return pairs.filter(begun)


def test_no_event_lies_inside_a_recorded_halt(found: Evidence) -> None:
    # the minute in which a halt begins traded before it, that in which it ends after it: their events are real
    touching = touching_a_halt(found)
    began = pl.col("halt_time") > pl.col("triggered_at")
    ended = pl.col("resume_time") < pl.col("known_at")
    assert touching.filter(~began & ~ended.fill_null(value=False)).height == 0
    assert set(touching["ticker"]) >= {"GWAV", "NXU", "SINT", "XTIA"}


def test_each_pause_that_traded_on_both_sides_of_another_price_has_its_resumption(found: Evidence) -> None:
    bars = found.minute_bars.sort("started_at")
    expected = []
    halts = found.halts.drop_nulls("resumed_at").select("ticker", "session", "halted_at", "resumed_at")
    for ticker, day, began, ended in halts.iter_rows():
        own = bars.filter(ticker=ticker, session=day)
        before = own.filter(pl.col("started_at") <= began)["close"]
        after = own.filter(pl.col("started_at") + MINUTE > ended)
        if before.len() and after.height and before[-1] != after["open"][0]:
            direction = "up" if after["open"][0] > before[-1] else "down"
            expected.append((ticker, after["started_at"][0], direction))
    resumed = found.intraday_events.filter(detector="halt_resumption")
    assert sorted(resumed.select("ticker", "triggered_at", "direction").rows()) == sorted(expected)
    assert {ticker for ticker, _, _ in expected} == {"GWAV", "NXU", "SINT", "XTIA"}


@pytest.mark.parametrize(
    ("day", "letter"),
    [(date(2021, 1, 27), "E"), (date(2024, 6, 3), "G"), (HALF_DAY, "P"), (date(2025, 5, 16), "B")],
)
def test_events_of_real_sessions_do_not_depend_on_what_comes_after(found: Evidence, day: date, letter: str) -> None:
    stored = found.intraday_events.filter(pl.col("session") == day, pl.col("ticker").str.starts_with(letter))
    inputs = {name: getattr(found, name).lazy() for name in ("minute_bars", "daily_metrics", "halts")}
    verdict = prefix_stable(stored, inputs, IntradayRules())
    assert verdict.passed, verdict.metadata
    assert verdict.metadata["events"] > 0


def test_the_first_systems_list_has_no_event_whose_minutes_were_recorded_and_two_labels_in_five_are_wrong(
    found: Evidence,
) -> None:
    events = listed(SHARED)
    assert on_recorded_minutes(events, found.minute_bars) == 0
    assert mislabelled(events) == pytest.approx(0.406, abs=0.001)
    assert set(events.filter(label="AH")["segment"]) == {"RTH"}
    assert events.select(pl.struct("ticker", pl.col("at").dt.date(), "event_type").n_unique()).item() == events.height
    exact = (score() - pl.col("score")).abs() < 2e-3
    assert events.filter(pl.col("v") > 0).select(exact.mean()).item() == 1
    fake = events.filter(event_type="vwap_break").select((pl.col("own_distance").abs() - pl.col("spike_x")).abs().max())
    assert fake.item() < 1e-4


def test_a_confirmed_event_of_the_first_systems_rules_is_ours_in_the_same_segment(first: pl.DataFrame) -> None:
    confirmed = first.filter(reason=CONFIRMED)
    assert confirmed.filter(pl.col("segment") != pl.col("our_segment")).height == 0
    assert set(confirmed.filter(detector="opening_range_break")["segment"]) == {"RTH"}
    share = (
        first.filter(pl.col("reason") != EIGHT)
        .group_by("detector")
        .agg((pl.col("reason") == CONFIRMED).mean())
        .rows_by_key("detector", unique=True)
    )
    assert share["volume_spike"][0] > 0.8
    assert share["vwap_break"][0] < 0.1


def test_every_event_of_the_first_systems_rules_is_confirmed_or_refuted_for_a_reason(first: pl.DataFrame) -> None:
    assert first.height > 300
    assert first["reason"].value_counts()["count"].max() < 0.4 * first.height  # type: ignore[operator]
    assert first.filter(pl.col("reason").str.contains("within a cooldown")).height < 0.02 * first.height


def test_most_event_days_with_bars_and_history_are_daily_events_and_the_rest_have_a_reason(daily: Days) -> None:
    reasons = daily.event_days["reason"]
    judged = reasons.filter(~reasons.str.contains("recorded daily bar|history|no usual volume"))
    assert (judged == CONFIRMED).mean() > 0.85  # type: ignore[operator]
    assert "unexplained" not in reasons.to_list()


def test_a_third_partys_gap_is_ours_unless_it_is_a_split(daily: Days) -> None:
    gaps = daily.gaps.filter(pl.col("our_gap_pct").is_not_null())
    assert set(gaps["reason"]) <= {CONFIRMED, SPLIT, MISSING, "another close before"}
    theirs, ours = gaps.filter(reason=SPLIT)["gap_pct"], gaps.filter(reason=SPLIT)["our_gap_pct"]
    assert theirs.len() > 3
    assert (ours < theirs / 2).all()
