"""Daily lists of others against `daily_metrics` and `daily_events`, on the daily bars that were recorded.

`polygon_e0_event_days_2004_2025` are the first system's "info-rich" days: volume over its mean of 30 days (the day
included) at least 2, last price of the day at least 15 % from that of the day before, 5 million USD, 0.20 to 20 USD.
`gaps_third_party_2023_2025` are opens at least 50 % over the close before, as traded: a reverse split is one of them.
"""

from pathlib import Path
from typing import NamedTuple

import polars as pl

from smallcaps_assets.datasets.daily_events import DailyRules, fired, measured
from smallcaps_assets.datasets.daily_events import events as daily_events
from smallcaps_assets.datasets.daily_metrics import JUMP
from smallcaps_assets.source.emulator.recorded import RecordedMarket
from smallcaps_assets_tests.real_minutes import LONG_NAMES, accepted_splits, metrics_of

KEY = ["session", "ticker"]
NO_UNIVERSE = pl.LazyFrame(
    schema={"session": pl.Date, "ticker": pl.String, "security_id": pl.String, "member": pl.Boolean}
)
SAME_GAP = 0.01  # of the gap's ratio: theirs is rounded to a cent of a percent, and its close to a cent
CONFIRMED, SPLIT = "confirmed", "the open of a reverse split"
MISSING = "jumps like a split that the record lacks: our check of daily_metrics names it"


class Days(NamedTuple):
    """Listed ticker-days with what ours say of them; ``reason`` is ``confirmed`` or why not."""

    event_days: pl.DataFrame
    gaps: pl.DataFrame


def listed(shared: Path, name: str, day: str) -> pl.DataFrame:
    """One of the lists, its day called ``session``."""
    return pl.read_parquet(shared / "realdata" / "vectors" / f"{name}.parquet").rename({day: "session"})


def days(shared: Path, every: int = 1) -> Days:
    """Both lists, on every n-th of the sessions of which daily bars of the small caps were recorded."""
    recorded = shared / "realdata" / "recorded"
    bars = pl.read_parquet(recorded / "daily_bars.parquet").rename({"date": "session", **LONG_NAMES})
    bars = bars.filter(pl.col("session") >= bars.filter(origin="alpaca_raw")["session"].min())
    chosen = bars["session"].unique().sort().gather_every(every).to_list()
    lists = [
        listed(shared, name, day).filter(pl.col("session").is_in(chosen))
        for name, day in (("polygon_e0_event_days_2004_2025", "trading_day"), ("gaps_third_party_2023_2025", "date"))
    ]
    wanted = pl.concat([rows.select(KEY) for rows in lists]).unique().join(bars.select(KEY), on=KEY, how="semi")
    bars = bars.filter(pl.col("ticker").is_in(wanted["ticker"].unique().to_list())).sort("ticker", "session")
    splits = accepted_splits(RecordedMarket(recorded), bars)
    ours = said(bars, metrics_of(bars, splits, wanted), splits)
    events, gaps = (rows.join(ours, on=KEY, how="left", validate="1:1") for rows in lists)
    return Days(events.with_columns(reason=event_reason()), gaps.with_columns(reason=gap_reason()))


def said(bars: pl.DataFrame, metrics: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """By ticker-day with a bar: the measures, the branches that hold, whether it is a daily event, and any split."""
    own = bars.lazy().join(metrics.lazy().select(KEY), on=KEY, how="semi")
    found = daily_events(own, metrics.lazy(), NO_UNIVERSE, DailyRules()).select(*KEY, event=pl.lit(True))
    branches = measured(own, metrics.lazy()).with_columns(
        pl.any_horizontal(fired(DailyRules()).values()).alias("branch")
    )
    measures = branches.select(
        *KEY, "branch", "rvol", "dollar_volume", "sessions_before", pl.col("gap_pct").alias("our_gap_pct")
    )
    effective = splits.lazy().filter("accepted").select(*KEY, split=pl.col("split_from") / pl.col("split_to"))
    rows = bars.lazy().select(*KEY, has_bar=pl.lit(True), day_move=move_of_the_day())
    for more in (measures, found, effective):
        rows = rows.join(more, on=KEY, how="left", validate="1:1")
    return rows.collect()


def move_of_the_day() -> pl.Expr:
    """The official close over the one of the ticker's bar before, as traded, less one. Rows by ticker and session."""
    return pl.col("close") / pl.col("close").shift(1).over("ticker") - 1


def jumps() -> pl.Expr:
    """What `no_open_jumps_like_a_missing_split` accuses."""
    ratio = 1 + pl.col("our_gap_pct") / 100
    return pl.max_horizontal(ratio, 1 / ratio) >= JUMP


def event_reason() -> pl.Expr:
    """Why a day of the first list is no daily event of ours, the first that applies."""
    rules = DailyRules()
    return first_of(
        (pl.col("has_bar").is_null(), "ticker or day without a recorded daily bar"),
        (pl.col("event").is_not_null(), CONFIRMED),
        (pl.col("rvol").is_null(), "no usual volume: fewer than 5 sessions in the 20 before"),
        (pl.col("sessions_before") < rules.sessions_before, "fewer than 120 sessions of history"),
        (pl.col("dollar_volume") < rules.dollar_volume, "dollar volume on the official close too small"),
        (pl.col("split").is_not_null(), "split of the day: its move is not on one basis"),
        (jumps(), MISSING),
        (pl.col("rvol") < rules.atr_breakout_rvol, "volume not unusual over the 20 sessions before"),
        (pl.col("day_move").abs() < pl.col("pctchg_d").abs() / 2, "move made after hours, or on other prices"),
        (~pl.col("branch"), "slide or climb without a gap, a range of 30 % or an unusual true range"),
        otherwise="unexplained",
    )


def gap_reason() -> pl.Expr:
    """Whether our gap is theirs, and if not, why."""
    ratio = (1 + pl.col("our_gap_pct") / 100) / (1 + pl.col("gap_pct") / 100)
    rounded = (ratio - 1).abs() <= SAME_GAP + 0.005 / pl.col("prev_close")
    return first_of(
        (pl.col("has_bar").is_null(), "ticker or day without a recorded daily bar"),
        (pl.col("our_gap_pct").is_null(), "no bar in the 20 sessions before"),
        (pl.col("split").is_not_null(), SPLIT),
        (~rounded, "another close before"),
        (jumps(), MISSING),
        otherwise=CONFIRMED,
    )


def first_of(*cases: tuple[pl.Expr, str], otherwise: str) -> pl.Expr:
    """The text of the first case that holds."""
    return pl.coalesce(*(pl.when(holds).then(pl.lit(text)) for holds, text in cases), pl.lit(otherwise))
