"""Thresholds of the intraday detectors, each with its unit and its reason. Source: `spec/events.md`."""

import dagster as dg
from pydantic import Field


class VolumeSpike(dg.Config):
    """Volume over the median of the prior 20."""

    rth_times: float = Field(default=6.0, description="[times] regular hours")
    rth_shares: float = Field(default=10_000.0, description="[shares] less cannot be traded")
    rth_dollars: float = Field(default=50_000.0, description="[USD] less cannot be traded")
    extended_times: float = Field(default=8.0, description="[times] before and after: quiet baselines spike easily")
    extended_shares: float = Field(default=15_000.0, description="[shares] before and after")
    extended_dollars: float = Field(default=75_000.0, description="[USD] before and after")
    range_pct: float = Field(default=1.5, description="[%] (high − low)/open: a block print moves nothing")
    cooldown: int = Field(default=5, description="[min]")
    most: int = Field(default=10, description="[events of a ticker-session] beyond it the whole day is the event")


class VwapBreak(dg.Config):
    """A close that changes sides of the anchored VWAP."""

    bars_before: int = Field(default=5, description="[bars] closed on the other side: a side, not a wobble")
    up_closes: int = Field(default=2, description="[bars] closed above: the second confirms")
    up_distance_pct: float = Field(default=0.6, description="[%] of the last close above")
    up_times: float = Field(default=2.0, description="[times] the crossing bar's volume over its prior 20")
    down_closes: int = Field(default=3, description="[bars] closed below: rejections are slower")
    down_distance_pct: float = Field(default=0.8, description="[%] of the last close below")
    down_times: float = Field(default=2.5, description="[times] the crossing bar's volume over its prior 20")
    cooldown: int = Field(default=10, description="[min]")


class OpeningRangeBreak(dg.Config):
    """A close beyond the range of the first regular minutes."""

    range_minutes: int = Field(default=15, description="[min] from the open")
    distance_pct: float = Field(default=0.5, description="[%] beyond the range")
    times: float = Field(default=1.8, description="[times] volume over the mean of the prior 20")
    cooldown: int = Field(default=30, description="[min]")


class PriceMomentum(dg.Config):
    """A fast move to a new extreme."""

    window_minutes: int = Field(default=5, description="[min] of the move")
    up_pct: float = Field(default=3.0, description="[%] up")
    down_pct: float = Field(default=3.5, description="[%] down: falls are faster, so the bar is higher")
    times: float = Field(default=1.8, description="[times] volume over the mean of the prior 20")
    cooldown: int = Field(default=15, description="[min]")


class ConsolidationBreak(dg.Config):
    """A close out of a narrow base."""

    base_minutes: int = Field(default=30, description="[min] of the base, before the bar")
    fewest_bars: int = Field(default=15, description="[bars] traded in it: a silent stock is not consolidating")
    most_of_atr: float = Field(default=0.5, description="[of ATR14 of the sessions before] the base's range at most")
    distance_pct: float = Field(default=1.0, description="[%] beyond the base")
    times: float = Field(default=2.0, description="[times] volume over the mean of the base")
    cooldown: int = Field(default=20, description="[min]")


class Flush(dg.Config):
    """A fast fall on volume."""

    window_minutes: int = Field(default=15, description="[min] in which the high was, the bar's own minute included")
    drop_pct: float = Field(default=8.0, description="[%] of the close below that high")
    red_bars: int = Field(default=3, description="[bars] red in a row")
    times: float = Field(default=4.0, description="[times] volume over the mean of the prior 20")
    cooldown: int = Field(default=20, description="[min]")


class TapeSpeed(dg.Config):
    """A minute with many trades."""

    trades: float = Field(default=50.0, description="[trades] in the minute")
    times: float = Field(default=3.0, description="[times] trades over the mean of the prior 20")
    cooldown: int = Field(default=5, description="[min]")


class HighOfDayBreak(dg.Config):
    """A close beyond a session high or low that has stood for a while."""

    oldest_minutes: int = Field(default=15, description="[min] since it was set: a level that traders saw")
    times: float = Field(default=2.0, description="[times] volume over the mean of the prior 20")
    cooldown: int = Field(default=15, description="[min]")


class GapAndGo(dg.Config):
    """A gap that goes on after the open."""

    gap_pct: float = Field(default=10.0, description="[%] last pre-market price over the prior official close")
    premarket_shares: float = Field(default=100_000.0, description="[shares] of the pre-market")
    premarket_rvol: float = Field(default=2.0, description="[times] pre-market volume over that of the sessions before")


class FirstPullback(dg.Config):
    """The first small fall after a strong rise that is bought."""

    green_bars: int = Field(default=3, description="[bars] green in a row, at least")
    gain_pct: float = Field(default=5.0, description="[%] from the first one's open to the last one's close")
    red_bars: int = Field(default=3, description="[bars] red after them, at most")
    give_back_pct: float = Field(default=50.0, description="[% of the gain] given back at most, by their closes")


class ParabolicExhaustion(dg.Config):
    """A steepening rise that ends in one bar."""

    above_open_pct: float = Field(default=50.0, description="[%] of the last green close above the regular open")
    green_bars: int = Field(default=5, description="[bars] green in a row, gaining faster and faster")
    wick_pct: float = Field(default=50.0, description="[% of the bar's range] the upper wick: who bought there lost")
    cooldown: int = Field(default=30, description="[min]")


class HaltResumption(dg.Config):
    """The first trade after a halt, above or below the last before it."""

    distance_pct: float = Field(default=0.0, ge=0, description="[%] between the two at least; 0: any difference")


class IntradayRules(dg.Config):
    """Thresholds of the detectors; each part is named like its function."""

    tickers: list[str] = Field(default=[], description="only these are computed again; empty: all")
    reporting_opens: str = Field(
        default="08:00",
        description="[New York] no event at that bar, which holds off-exchange trades since 04:00; empty: as any other",
    )
    volume_spike: VolumeSpike = VolumeSpike()
    vwap_break: VwapBreak = VwapBreak()
    opening_range_break: OpeningRangeBreak = OpeningRangeBreak()
    price_momentum: PriceMomentum = PriceMomentum()
    consolidation_break: ConsolidationBreak = ConsolidationBreak()
    flush: Flush = Flush()
    tape_speed: TapeSpeed = TapeSpeed()
    high_of_day_break: HighOfDayBreak = HighOfDayBreak()
    gap_and_go: GapAndGo = GapAndGo()
    first_pullback: FirstPullback = FirstPullback()
    parabolic_exhaustion: ParabolicExhaustion = ParabolicExhaustion()
    halt_resumption: HaltResumption = HaltResumption()
