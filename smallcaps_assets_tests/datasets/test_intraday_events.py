"""From minutes to events: ids, segments, measures, look-backs, and stability under what comes later."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets import sessions
from smallcaps_assets.contract import conform, empty, verdict
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets import intraday_events as module
from smallcaps_assets.datasets.halts import Halts
from smallcaps_assets.datasets.intraday_events import IntradayEvents, prefix_stable
from smallcaps_assets.maths.arguments import Floats
from smallcaps_assets.maths.detector_rules import Flush, IntradayRules, VolumeSpike
from smallcaps_assets.maths.detector_volume import volume_spike as honest_spike
from smallcaps_assets.maths.event_measures import Volumes
from smallcaps_assets.maths.firing import Fired
from smallcaps_assets.maths.minute_table import Minutes
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.event_rows import SESSION, metric_rows, minute_rows, walk

NO_HALTS = empty(Halts)
BEFORE = sessions.before(SESSION, 6)


def spike(minute: int, volume: float = 40_000.0) -> list[tuple[int, float, float]]:
    """Twenty quiet minutes and a bar of 3 % on 20 times their volume, and a quiet one."""
    quiet = [(m, 10.0, 2_000.0) for m in range(minute - 20, minute)]
    return [*quiet, (minute, 10.3, volume), (minute + 1, 10.3, 2_000.0)]


def found(
    bars: pl.DataFrame,
    *wanted: date,
    metrics: pl.DataFrame | None = None,
    halts: pl.DataFrame = NO_HALTS,
    **rules: Any,
) -> pl.DataFrame:
    run = Run("intraday_events", tuple(Partition(session, "G") for session in wanted))
    parts = module.intraday_events(
        run,
        minute_bars=bars.lazy(),
        daily_metrics=(metric_rows(bars) if metrics is None else metrics).lazy(),
        halts=halts.lazy(),
        config=IntradayRules(**rules),
    )
    rows = pl.concat([conform(IntradayEvents, part.frame) for part in parts])
    assert verdict(IntradayEvents, rows).passed
    return rows


def inputs_of(bars: pl.DataFrame) -> dict[str, pl.LazyFrame]:
    return {"minute_bars": bars.lazy(), "daily_metrics": metric_rows(bars).lazy(), "halts": NO_HALTS.lazy()}


def spikes(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("detector") == "volume_spike")


@pytest.mark.parametrize("session", [SESSION, date(2024, 7, 16)])  # winter and summer
def test_nothing_fires_in_the_minute_in_which_the_trades_off_exchange_are_reported(session: date) -> None:
    at_eight = minute_rows(session, "GEVO", spike(-90))
    assert found(at_eight, session).height == 0
    assert spikes(found(at_eight, session, reporting_opens="")).height == 1
    assert spikes(found(minute_rows(session, "GEVO", spike(-89)), session)).height == 1


@pytest.mark.parametrize(
    ("session", "minute", "segment", "at", "clock"),
    [
        (date(2024, 3, 8), 30, "RTH", datetime(2024, 3, 8, 15, 0, tzinfo=UTC), "20240308_100000"),
        (date(2024, 3, 11), 30, "RTH", datetime(2024, 3, 11, 14, 0, tzinfo=UTC), "20240311_100000"),  # summer time
        (date(2024, 3, 11), -60, "PM", datetime(2024, 3, 11, 12, 30, tzinfo=UTC), "20240311_083000"),
        (date(2024, 7, 3), 209, "RTH", datetime(2024, 7, 3, 16, 59, tzinfo=UTC), "20240703_125900"),
        (date(2024, 7, 3), 210, "AH", datetime(2024, 7, 3, 17, 0, tzinfo=UTC), "20240703_130000"),  # early close
        (date(2024, 1, 16), 420, "AH", datetime(2024, 1, 16, 21, 30, tzinfo=UTC), "20240116_163000"),
    ],
)
def test_an_event_has_the_segment_and_clock_of_new_york(
    session: date, minute: int, segment: str, at: datetime, clock: str
) -> None:
    rows = spikes(found(minute_rows(session, "GEVO", spike(minute)), session))
    assert rows.select("segment", "triggered_at").rows() == [(segment, at)]
    assert rows["event_id"].str.starts_with(f"GEVO_volume_spike_{clock}_").to_list() == [True]
    assert rows["event_id"].str.tail(8).str.contains("^[0-9a-f]{8}$").to_list() == [True]


def test_an_event_stores_its_measures() -> None:
    (row,) = spikes(found(minute_rows(SESSION, "GEVO", spike(30)), SESSION)).to_dicts()
    # price of the bar (10.3 + 10.0 + 10.3)/3 = 10.2; regular VWAP (20 × 2,000 × 10 + 40,000 × 10.2)/80,000 = 10.1
    assert row["known_at"] == datetime(2024, 1, 16, 15, 1, tzinfo=UTC)
    assert (row["spike"], row["direction"], row["consecutive_bars"]) == (20.0, "up", 1)
    assert row["move_pct"] == pytest.approx(3.0)
    assert row["range_pct"] == pytest.approx(3.0)
    assert row["distance_to_vwap_pct"] == pytest.approx((10.3 / 10.1 - 1) * 100)
    assert row["bar_dollar_volume"] == pytest.approx(408_000.0)
    assert row["dollar_volume_so_far"] == pytest.approx(808_000.0)
    assert row["spread_proxy"] == pytest.approx(0.3 / 10.2)
    assert row["time_of_day_rvol"] is None
    assert (row["open"], row["high"], row["low"], row["close"], row["volume"]) == (10.0, 10.3, 10.0, 10.3, 40_000.0)


def rvol_after(count: int, **known: Any) -> float | None:
    """Of a session with 80,000 shares by minute 30, after ``count`` sessions that had 20,000 by then."""
    earlier = [minute_rows(s, "GEVO", [(0, 10.0, 20_000.0), (31, 10.0, 9e6)]) for s in BEFORE[6 - count :]]
    bars = pl.concat([*earlier, minute_rows(SESSION, "GEVO", spike(30))])
    rvol: float | None = spikes(found(bars, SESSION, metrics=metric_rows(bars, **known)))["time_of_day_rvol"].item()
    return rvol


def test_relative_volume_needs_five_sessions_before() -> None:
    assert rvol_after(5) == 4.0
    assert rvol_after(4) is None


def test_relative_volume_is_unknown_within_20_sessions_of_a_reverse_split() -> None:
    assert rvol_after(5, sessions_since_reverse_split=19) is None
    assert rvol_after(5, sessions_since_reverse_split=20) == 4.0


def test_an_early_close_does_not_count_for_minutes_after_its_hours() -> None:
    early = date(2024, 11, 29)
    wanted = sessions.between(date(2024, 12, 2), date(2024, 12, 9))[-1]
    before = sessions.before(wanted, 6)
    assert before[0] == early
    bars = pl.concat(
        [*(minute_rows(s, "GEVO", [(0, 10.0, 20_000.0)]) for s in before[:5]), minute_rows(wanted, "GEVO", spike(460))]
    )
    # its hours end at 17:00, minute 450: only four sessions reach minute 460
    assert spikes(found(bars, wanted))["time_of_day_rvol"].to_list() == [None]
    bars = pl.concat([bars.filter(pl.col("session") != wanted), minute_rows(wanted, "GEVO", spike(440))])
    assert spikes(found(bars, wanted))["time_of_day_rvol"].to_list() == [4.0]


def test_a_gap_goes_on_the_relative_volume_of_the_whole_premarket() -> None:
    earlier = [minute_rows(s, "GEVO", [(-5, 10.0, 50_000.0)]) for s in BEFORE[1:]]
    gapping = [(-30, 11.5, 60_000.0), (-10, 11.4, 60_000.0), (0, 11.5, 5_000.0), (1, 11.6, 5_000.0), (2, 11.7, 5_000.0)]
    bars = pl.concat([*earlier, minute_rows(SESSION, "GEVO", gapping)])
    rows = found(bars, SESSION).filter(pl.col("detector") == "gap_and_go")
    # 120,000 over 50,000 is 2.4; the last pre-market price 11.40 is 14 % above 10.00; 11.60 is the first above 11.50
    assert rows.select("triggered_at", "move_pct", "spike").rows() == [
        (datetime(2024, 1, 16, 14, 31, tzinfo=UTC), pytest.approx(14.0), None)
    ]


def test_one_run_over_sessions_gives_what_single_runs_give() -> None:
    every = [*sessions.before(SESSION, 8), *sessions.between(SESSION, date(2024, 1, 19))]
    bars = pl.concat([walk(session, ticker) for session in every for ticker in ("GA", "GB")])
    wanted = every[-4:]
    together = found(bars, *wanted)
    assert together.height > 20
    single = [found(bars.filter(pl.col("session") <= session), session) for session in wanted]
    assert together.equals(pl.concat(single))


def test_without_bars_or_without_metrics_nothing_breaks() -> None:
    bars = minute_rows(SESSION, "GEVO", spike(30))
    assert found(bars.clear(), SESSION, metrics=metric_rows(bars)).is_empty()
    assert spikes(found(bars, SESSION, metrics=metric_rows(bars).clear())).height == 1


def test_thresholds_come_from_the_run_configuration() -> None:
    bars = minute_rows(SESSION, "GEVO", spike(30))
    assert spikes(found(bars, SESSION, volume_spike={"rth_times": 20.1})).is_empty()


def test_only_the_tickers_of_the_letter_are_computed() -> None:
    bars = pl.concat([minute_rows(SESSION, ticker, spike(30)) for ticker in ("AMC", "GEVO")])
    assert found(bars, SESSION)["ticker"].unique().to_list() == ["GEVO"]


def asks_the_next_bar(bars: Minutes, **rules: Any) -> Fired:
    """A spike counts only if the next bar closes higher: the confirmation that the first system asked of the future."""
    fired = honest_spike(bars, **rules)
    later = [row + 1 < len(bars.at) and bars.close[row + 1] >= bars.close[row] for row in fired.rows]
    return Fired(fired.rows[later], fired.up[later], fired.spike[later], fired.move_pct[later])


def centred_baseline(bars: Minutes, **rules: Any) -> Fired:
    """Volume over the mean of the 20 bars around it."""
    return honest_spike(bars, **rules)._replace(spike=over_mean(bars, lambda row: (max(row - 10, 0), row + 10), rules))


def whole_session_baseline(bars: Minutes, **rules: Any) -> Fired:
    """Volume over the mean of the session, which nobody knows before its end."""
    return honest_spike(bars, **rules)._replace(spike=over_mean(bars, lambda _: (0, len(bars.at)), rules))


def over_mean(bars: Minutes, window: Callable[[int], tuple[int, int]], rules: dict[str, Any]) -> Floats:
    rows = honest_spike(bars, **rules).rows.tolist()
    return np.array([bars.volume[row] / bars.volume[slice(*window(row))].mean() for row in rows])


@pytest.mark.parametrize(
    ("detector", "changed"),
    [
        (honest_spike, None),
        (asks_the_next_bar, "{'rows gone': 1}"),
        (centred_baseline, "{'spike': 1}"),
        (whole_session_baseline, "{'spike': 1}"),
    ],
)
def test_a_detector_that_looks_ahead_fails_the_check(
    detector: Callable[..., Fired], changed: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def volume_spike(bars: Minutes, **rules: Any) -> Fired:
        return detector(bars, **rules)

    monkeypatch.setattr(module, "DETECTORS", (volume_spike,))
    monkeypatch.setattr(module, "NAMES", ["volume_spike"])
    bars = pl.concat([minute_rows(SESSION, "GEVO", spike(30)), walk(SESSION, "AMC")])
    result = prefix_stable(found(bars, SESSION), inputs_of(bars), IntradayRules())
    assert result.passed is (changed is None)
    if changed:
        assert result.metadata["changed"] == changed
        assert result.metadata["why"] == "what came after changes them"


def test_a_measure_that_looks_ahead_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def share_of_the_day(volumes: Volumes, asked: pl.DataFrame) -> pl.Series:
        return asked.select(pl.col("volume_so_far") / volumes.volume.sum()).to_series()  # its only ticker-session

    monkeypatch.setattr(module, "time_of_day_rvol", share_of_the_day)
    bars = minute_rows(SESSION, "GEVO", spike(30))
    rows = found(bars, SESSION)
    result = prefix_stable(rows, inputs_of(bars), IntradayRules())
    assert not result.passed
    assert result.metadata["changed"].startswith("{'time_of_day_rvol': ")


def test_the_events_of_a_run_are_judged_by_its_own_thresholds() -> None:
    bars = walk(SESSION, "GEVO")
    rules = IntradayRules(volume_spike=VolumeSpike(rth_times=2.0), flush=Flush(drop_pct=3.0))
    rows = found(bars, SESSION, **rules.model_dump())
    inputs = inputs_of(bars)
    assert rows.height > found(bars, SESSION).height
    assert prefix_stable(rows, inputs, rules).passed
    result = prefix_stable(rows, inputs, IntradayRules())
    assert not result.passed
    assert result.metadata["why"] == "the inputs give other events now: materialize again"


def test_where_some_tickers_were_made_again_theirs_are_judged() -> None:
    bars = pl.concat([walk(SESSION, ticker) for ticker in ("GA", "GB")])
    inputs = inputs_of(bars)
    rules = IntradayRules(tickers=["GB"], flush=Flush(drop_pct=3.0))
    one, other = (
        found(bars.filter(ticker=name), SESSION, **made) for name, made in (("GA", {}), ("GB", rules.model_dump()))
    )
    assert prefix_stable(pl.concat([one, other]), inputs, rules).passed
    assert not prefix_stable(pl.concat([one, other.with_columns(spike=1.0)]), inputs, rules).passed
    assert prefix_stable(one, inputs, rules).metadata == {"events": 0}


def test_a_partition_without_events_is_stable() -> None:
    assert prefix_stable(found(walk(SESSION, "AMC"), SESSION), {}, IntradayRules()).passed


@settings(max_examples=10, deadline=None)
@given(cut=st.integers(1, 149), ticker=st.sampled_from(["GA", "GB", "GC"]))
def test_events_known_by_an_instant_do_not_depend_on_what_comes_after(cut: int, ticker: str) -> None:
    earlier = [walk(session, ticker) for session in BEFORE]
    own = walk(SESSION, ticker)
    instant = own["started_at"][cut]
    whole = found(pl.concat([*earlier, own]), SESSION).filter(pl.col("known_at") <= instant)
    assert found(pl.concat([*earlier, own.head(cut)]), SESSION).equals(whole)


def test_a_wrong_segment_or_instant_breaks_the_contract() -> None:
    rows = found(minute_rows(SESSION, "GEVO", spike(30)), SESSION)
    assert not verdict(IntradayEvents, rows.with_columns(segment=pl.lit("AH"))).passed
    assert not verdict(IntradayEvents, rows.with_columns(known_at=pl.col("triggered_at"))).passed


def test_a_run_holds_a_few_sessions_at_once_and_answers_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOGETHER", 2)
    monkeypatch.setattr(module, "LOOKED_BACK_TOGETHER", 4)
    wanted = sessions.between(SESSION, date(2024, 1, 22))
    held: list[list[date]] = []
    computed = module.found_in

    def counted(*arguments: Any) -> pl.DataFrame:
        held.append(arguments[-1])
        return computed(*arguments)

    monkeypatch.setattr(module, "found_in", counted)
    bars = pl.concat([walk(session, "GA") for session in [*BEFORE, *wanted]])
    rows = found(bars, *wanted)
    assert sorted(held) == [wanted[:2], wanted[2:4], wanted[4:]]
    assert rows["session"].unique(maintain_order=True).to_list() == wanted
