"""An intraday event of a member: a minute bar that completed one of the detectors' patterns.

Source: `minute_bars` and `daily_metrics`. Grain: one row per ticker, bar and detector. `triggered_at` is the start of
the bar, `known_at` its end, and every value of the row depends only on bars that had ended by then. A detector fires on
a crossing and then cools down (`maths/firing.py`); what each looks for, and what its `move_pct` is, its function says
(`maths/detectors.py`). `event_id` carries the New York time at which the bar started, as people read it.

What can go wrong: time-of-day relative volume needs 5 of the 20 sessions before with bars (a member's minutes only),
and is null within 20 sessions of a reverse split, whose volumes before it are on another basis; a forward split is not
seen.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from hashlib import blake2b

import dagster as dg
import numpy as np
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.maths.detectors import DETECTORS
from smallcaps_assets.maths.event_measures import (
    USUAL_SESSIONS,
    measured,
    time_of_day_rvol,
    with_premarket_rvol,
)
from smallcaps_assets.maths.event_table import timed, with_known
from smallcaps_assets.maths.firing import Fired
from smallcaps_assets.maths.minute_table import MINUTE, Minutes, minutes
from smallcaps_assets.maths.prefix import changed, drawn
from smallcaps_assets.partitions import Axis, letter_of

KEY = ["session", "ticker", "triggered_at", "detector"]
NAMES = [detector.__name__ for detector in DETECTORS]
TOGETHER = 10  # sessions that are in memory at once, besides the volumes of the 20 before


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


class IntradayRules(dg.Config):
    """Thresholds of the detectors; each part is named like its function."""

    tickers: list[str] = Field(default=[], description="only these are computed again; empty: all")
    volume_spike: VolumeSpike = VolumeSpike()
    vwap_break: VwapBreak = VwapBreak()
    opening_range_break: OpeningRangeBreak = OpeningRangeBreak()
    price_momentum: PriceMomentum = PriceMomentum()
    consolidation_break: ConsolidationBreak = ConsolidationBreak()
    flush: Flush = Flush()
    tape_speed: TapeSpeed = TapeSpeed()
    high_of_day_break: HighOfDayBreak = HighOfDayBreak()
    gap_and_go: GapAndGo = GapAndGo()


class IntradayEvents(pa.DataFrameModel):
    """A bar that completed a detector's pattern."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    event_id: str = column(
        "TICKER_detector_YYYYMMDD_HHMMSS_ (New York) and 8 hex digits of its key's hash", unique=True
    )
    detector: str = column("which pattern", isin=NAMES)
    direction: str = column("of the move", isin=["up", "down"])
    segment: str = column("PM, RTH or AH", isin=["PM", "RTH", "AH"])
    triggered_at: Instant = column("start of the bar that completed it", unit="UTC ns")
    known_at: Instant = column("end of that bar", unit="UTC ns")
    spike: float = column("volume over the detector's baseline", unit="times", ge=0, nullable=True)
    move_pct: float = column("the move that the detector is about, signed", unit="%", nullable=True)
    range_pct: float = column("(high − low)/open of the bar", unit="%", ge=0)
    distance_to_vwap_pct: float = column("close over the anchored VWAP, less one", unit="%", nullable=True)
    consecutive_bars: pl.Int64 = column("bars in a row of the direction's colour, this one the last", unit="bars", ge=0)
    dollar_volume_so_far: float = column("since 04:00, to the end of the bar", unit="USD", ge=0)
    time_of_day_rvol: float = column("volume since 04:00 over its mean in 20 sessions before", ge=0, nullable=True)
    spread_proxy: float = column("(high − low)/price of the bar", unit="fraction", ge=0, nullable=True)
    bar_dollar_volume: float = column("the bar's volume at its own price", unit="USD", ge=0)
    open: float = column("of the bar", unit="USD", gt=0)
    high: float = column("of the bar", unit="USD", gt=0)
    low: float = column("of the bar", unit="USD", gt=0)
    close: float = column("of the bar", unit="USD", gt=0)
    volume: float = column("of the bar", unit="shares", ge=0)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker", "triggered_at", "detector")

    @pa.dataframe_check
    @classmethod
    def an_event_is_known_when_its_bar_ends(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """60 s after it starts."""
        return data.lazyframe.select(pl.col("known_at") - pl.col("triggered_at") == pl.duration(minutes=1))

    @pa.dataframe_check
    @classmethod
    def segments_agree_with_new_york(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """The first system's did not for 39 % of its events."""
        hours = sessions.with_hours(data.lazyframe.select("session", "triggered_at", "segment"))
        return hours.select((sessions.segment(pl.col("triggered_at")) == pl.col("segment")).fill_null(False))


def events(bars: pl.LazyFrame, metrics: pl.LazyFrame, rules: IntradayRules, wanted: list[date]) -> pl.DataFrame:
    """The rows of the dataset for the wanted sessions; bars of other sessions are only looked back upon."""
    own_bars = bars.filter(pl.col("session").is_in(wanted)).collect()
    if own_bars.is_empty():
        return intraday_events.empty()
    hours = sessions.table().with_row_index("ordinal")
    known = metrics.filter(pl.col("session").is_in(wanted)).select(
        "session", "ticker", "atr_14", "prior_close", "sessions_since_reverse_split"
    )
    volumes = timed(bars.select("session", "ticker", "started_at", "volume").collect(), hours)
    own = with_premarket_rvol(volumes, with_known(timed(own_bars, hours), known.collect()))
    arrays = minutes(own)
    fired = [detector(arrays, **getattr(rules, detector.__name__).model_dump()) for detector in DETECTORS]
    found = event_rows(own, arrays, fired)
    return found.with_columns(time_of_day_rvol=time_of_day_rvol(volumes, found), event_id=event_ids(found)).select(
        intraday_events.empty().columns
    )


def event_rows(own: pl.DataFrame, bars: Minutes, fired: list[Fired]) -> pl.DataFrame:
    """The bars at which the detectors fired, with their measures and what each detector says of them."""
    rows, up, spike, move_pct = (np.concatenate(parts) for parts in zip(*fired, strict=True))
    names = np.repeat(NAMES, [len(one.rows) for one in fired])
    return measured(own, bars, rows).with_columns(
        detector=pl.Series(names, dtype=pl.String),
        direction=pl.Series(np.where(up, "up", "down"), dtype=pl.String),
        consecutive_bars=pl.when(pl.Series(up)).then("green_streak").otherwise("red_streak"),
        spike=pl.Series(spike).fill_nan(None),
        move_pct=pl.Series(move_pct).fill_nan(None),
    )


def event_ids(found: pl.DataFrame) -> pl.Series:
    """Who, what and when on a New York clock, and a hash that tells apart what those leave alike."""
    clock = sessions.new_york(pl.col("triggered_at")).dt.strftime("%Y%m%d_%H%M%S")
    names = found.select(pl.format("{}_{}_{}_", "ticker", "detector", clock)).to_series()
    keys = found.select(
        pl.concat_str("ticker", "detector", "direction", pl.col("triggered_at").cast(pl.Int64), separator="|")
    )
    hashes = [blake2b(key.encode(), digest_size=4).hexdigest() for key in keys.to_series()]
    return names + pl.Series(hashes, dtype=pl.String)


def prefix_stable(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Events recomputed with everything after a random instant removed are the same, for those known by then.

    The instant is the `known_at` of an event, drawn by the partition: always the same one. Where the run had thresholds
    of its own, which a check does not see, the events of the default ones are compared with themselves.
    """
    if stored.is_empty():
        return Verdict(True, {"events": 0})
    session, letter = stored["session"][0], stored["ticker"][0][0].upper()
    instant = stored["known_at"][drawn(f"{letter}|{session}", stored.height)]
    seen = pl.col("session").is_in([*sessions.before(session, USUAL_SESSIONS), session])
    bars = inputs["minute_bars"].filter(seen & (letter_of(pl.col("ticker")) == letter))
    metrics = inputs["daily_metrics"].filter(pl.col("session") == session)
    ended = pl.col("started_at") + pl.duration(nanoseconds=MINUTE) <= instant
    again = events(bars.filter(ended), metrics, IntradayRules(), [session])
    known = pl.col("known_at") <= instant
    differ = changed(stored.filter(known), again, KEY)
    if differ and (everything := events(bars, metrics, IntradayRules(), [session])).height:
        differ = changed(everything.filter(known), again, KEY)
    return Verdict(not differ, {"instant": str(instant), "events": again.height, "changed": str(differ)})


@dataset(IntradayEvents, Axis.LETTER, before={"minute_bars": USUAL_SESSIONS}, blocking_laws=(prefix_stable,))
def intraday_events(
    run: Run, minute_bars: pl.LazyFrame, daily_metrics: pl.LazyFrame, config: IntradayRules
) -> Iterator[Rows]:
    """What the detectors find in the run's minutes."""
    wanted = run.wanted(pl.col("ticker"))
    for piece in run.in_pieces(TOGETHER):
        earliest = sessions.before(piece.sessions[0], USUAL_SESSIONS)
        seen = wanted & pl.col("session").is_between((earliest or piece.sessions)[0], piece.sessions[-1])
        found = events(minute_bars.filter(seen), daily_metrics.filter(wanted), config, piece.sessions)
        yield from piece.split(found)
