"""An intraday event of a member: a minute bar that completed one of the detectors' patterns.

Source: `minute_bars`, `daily_metrics` and `halts`. Grain: one row per ticker, bar and detector. `triggered_at` is the
start of the bar, `known_at` its end, and every value of the row depends only on bars that had ended by then. A detector
fires on a crossing and then cools down (`maths/firing.py`); what each looks for, and what its `move_pct` is, its
function says (`maths/detectors.py`). `event_id` carries the New York time at which the bar started, as people read it.

Nothing fires at 08:00, when the reporting facilities open: off-exchange trades made before are reported from then on,
most of them in that minute, so that its prices and its volume are not its own. The bar counts in every window and cools
down what would have fired.

What can go wrong: the minutes after 08:00 hold late reports too; time-of-day relative volume needs 5 of the 20 sessions
before with bars (a member's minutes only), and is null within 20 sessions of a reverse split, whose volumes before it
are on another basis; a forward split is not seen. `halt_resumption` knows the halts that began in the session and whose
resumption the exchange published.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from hashlib import blake2b

import numpy as np
import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.maths.detector_halts import with_halts
from smallcaps_assets.maths.detector_rules import IntradayRules
from smallcaps_assets.maths.detectors import DETECTORS
from smallcaps_assets.maths.event_measures import (
    USUAL_SESSIONS,
    Volumes,
    measured,
    time_of_day_rvol,
    volumes_of,
    with_premarket_rvol,
)
from smallcaps_assets.maths.event_table import DAY, ORDER, days_of, in_order, timed, with_known
from smallcaps_assets.maths.firing import Fired
from smallcaps_assets.maths.minute_table import MINUTE, Minutes, minutes
from smallcaps_assets.maths.prefix import changed, drawn
from smallcaps_assets.partitions import Axis, letter_of

KEY = ["session", "ticker", "triggered_at", "detector"]
NAMES = [detector.__name__ for detector in DETECTORS]
KNOWN = ["atr_14", "prior_close", "sessions_since_reverse_split"]  # of `daily_metrics`
TOGETHER, THREADS = 5, 2  # sessions whose bars a thread holds at once, and threads
LOOKED_BACK_TOGETHER = 40  # sessions whose volumes, and those of the 20 before, are in memory at once


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


def events(
    bars: pl.LazyFrame, metrics: pl.LazyFrame, halts: pl.LazyFrame, rules: IntradayRules, wanted: list[date]
) -> pl.DataFrame:
    """The rows of the dataset for the wanted sessions; bars of other sessions are only looked back upon."""
    hours = sessions.table().with_row_index("ordinal")
    seen = pl.col("session").is_between(earliest_seen(wanted[0]), wanted[-1])  # a scan passes over files by such bounds
    volumes = volumes_of(in_order(bars.filter(seen).select(*ORDER, "volume").collect()), hours)
    pieces = [wanted[begin : begin + TOGETHER] for begin in range(0, len(wanted), TOGETHER)]
    with ThreadPoolExecutor(THREADS) as threads:
        return pl.concat(threads.map(lambda few: found_in(bars, metrics, halts, hours, volumes, rules, few), pieces))


def found_in(
    bars: pl.LazyFrame,
    metrics: pl.LazyFrame,
    halts: pl.LazyFrame,
    hours: pl.DataFrame,
    volumes: Volumes,
    rules: IntradayRules,
    wanted: list[date],
) -> pl.DataFrame:
    """The rows of the dataset for a few sessions."""
    own = pl.col("session").is_between(wanted[0], wanted[-1]) & pl.col("session").is_in(wanted)
    rows = in_order(bars.filter(own).collect())
    if rows.is_empty():
        return intraday_events.empty()
    days = days_of(rows, hours)
    known = metrics.filter(own).select(*DAY, *KNOWN).collect()
    rows = with_premarket_rvol(with_known(timed(rows, days), days, known), volumes)
    rows = with_halts(rows, halts.filter(own).collect())
    arrays = minutes(rows)
    fired = [detector(arrays, **getattr(rules, detector.__name__).model_dump()) for detector in DETECTORS]
    found = event_rows(rows, arrays, fired).filter(clock("%H:%M") != rules.reporting_opens)
    rvol = time_of_day_rvol(volumes, found)
    return found.with_columns(time_of_day_rvol=rvol, event_id=event_ids(found)).select(intraday_events.empty().columns)


def earliest_seen(session: date) -> date:
    """The first session that a session's events look back upon."""
    return [*sessions.before(session, USUAL_SESSIONS), session][0]


def clock(shown: str) -> pl.Expr:
    """The New York time at which an event's bar started."""
    return sessions.new_york(pl.col("triggered_at")).dt.strftime(shown)


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
    names = found.select(pl.format("{}_{}_{}_", "ticker", "detector", clock("%Y%m%d_%H%M%S"))).to_series()
    keys = found.select(
        pl.concat_str("ticker", "detector", "direction", pl.col("triggered_at").cast(pl.Int64), separator="|")
    )
    hashes = [blake2b(key.encode(), digest_size=4).hexdigest() for key in keys.to_series()]
    return names + pl.Series(hashes, dtype=pl.String)


def prefix_stable(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame], config: IntradayRules) -> Verdict:
    """Events recomputed with everything after a random instant removed are the stored ones that were known by then.

    The instant is the `known_at` of an event, drawn by the partition: always the same one. The thresholds are those
    that the rows were made with; where a run was restricted to some tickers, theirs are judged.
    """
    judged = stored.filter(pl.col("ticker").is_in(config.tickers)) if config.tickers else stored
    if judged.is_empty():
        return Verdict(True, {"events": 0})
    session, letter = judged["session"][0], judged["ticker"][0][0].upper()
    instant = judged["known_at"][drawn(f"{letter}|{session}", judged.height)]
    own = letter_of(pl.col("ticker")) == letter
    if config.tickers:
        own &= pl.col("ticker").is_in(config.tickers)
    bars = inputs["minute_bars"].filter(own)
    metrics, halts = (inputs[name].filter(own & (pl.col("session") == session)) for name in ("daily_metrics", "halts"))
    ended, resumed = pl.col("started_at") + pl.duration(nanoseconds=MINUTE) <= instant, pl.col("resumed_at") <= instant
    again = events(bars.filter(ended), metrics, halts.filter(resumed), config, [session])
    if not (differ := changed(judged.filter(pl.col("known_at") <= instant), again, KEY)):
        return Verdict(True, {"instant": str(instant), "events": again.height})
    stale = changed(judged, events(bars, metrics, halts, config, [session]), KEY)
    why = "the inputs give other events now: materialize again" if stale else "what came after changes them"
    return Verdict(False, {"instant": str(instant), "events": again.height, "changed": str(differ), "why": why})


@dataset(IntradayEvents, Axis.LETTER, before={"minute_bars": USUAL_SESSIONS}, blocking_laws=(prefix_stable,))
def intraday_events(
    run: Run, minute_bars: pl.LazyFrame, daily_metrics: pl.LazyFrame, halts: pl.LazyFrame, config: IntradayRules
) -> Iterator[Rows]:
    """What the detectors find in the run's minutes."""
    wanted = run.wanted(pl.col("ticker"))
    inputs = (minute_bars.filter(wanted), daily_metrics.filter(wanted), halts.filter(wanted))
    for piece in run.in_pieces(LOOKED_BACK_TOGETHER):
        yield from piece.split(events(*inputs, config, piece.sessions))
