"""A labelled bar, ready to train on: features known at its close, and apart from them what came of it.

Source: `imbalance_bars` with `barrier_labels` and `sample_weights`; features from the tape's ticks and quotes, the
minute bars that had ended, the session's `daily_metrics` and `universe`, the market states and `news` so far, and what
is `carried_over`. Grain: one row per bar with a label of the configured set that is not censored. Features `f_…` are
known at `known_at`, the bar's close; `label`, `weight` and the outcomes `o_…` at `label_ends_at`, and may never be
features.

What can go wrong: a tape is there because of an event inside it, so a bar before the first event was chosen with
hindsight: `event_known_at` is null for it, and a rule that trades events must leave it out. A missing value stays null,
never 0. `weight` is not decayed by age: `ml_splits` does that fold by fold. Formulas: `maths/features_*.py`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, Verdict, column, feature, feature_names, outcome
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.event_trades import windows_by_partition
from smallcaps_assets.datasets.imbalance_bars import tape_ticks
from smallcaps_assets.maths.features import features
from smallcaps_assets.maths.features_events import event_features
from smallcaps_assets.maths.features_known import known_features
from smallcaps_assets.maths.prefix import changed, instants
from smallcaps_assets.maths.tapes import TAPE, WINDOW, owned
from smallcaps_assets.partitions import Axis

KEY = [*TAPE, "bar"]
ROUNDING = 1e-12  # relative: polars divides a frame of one row by way of the reciprocal, one of many rows directly
CANCELLED = 1e-15  # absolute: what that leaves of a ratio less one
QUOTES, MINUTES = "the last whole second of quotes", "the last whole minute"
DAILY = "before the session"
STATES = "the last change of the market state"


class TrainingRowsConfig(dg.Config):
    """Which labels to train on."""

    tickers: list[str] = []
    """Only these tickers are computed again; the partition's other rows stay as they are. Empty: all."""
    barriers: Literal["volatility", "plain"] = "volatility"
    """The set of barriers; those in units of the tape's own volatility are comparable across tickers."""
    prefix_instants: int = Field(default=3, ge=1)
    """Instants a ticker at which the prefix law cuts; each costs about what the features themselves do."""


class TrainingRows(pa.DataFrameModel):
    """A labelled bar with features."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    tape_starts_at: Instant = column("names the tape", unit="UTC ns")
    bar: pl.Int64 = column("place in the tape, from 0", ge=0)
    security_id: str = column("of `tickers`; null if unknown", nullable=True)
    event_known_at: Instant = column(
        "the tape's latest event known by the bar's close; null: none yet, the row is hindsight",
        unit="UTC ns",
        nullable=True,
    )
    detector: str = column("of that event", nullable=True)
    known_at: Instant = column("close of the bar: when the features are known", unit="UTC ns")
    label_ends_at: Instant = outcome("when the label is known", unit="UTC ns")
    label: pl.Int8 = outcome("1 profit first, -1 loss first, 0 horizon", isin=(-1, 0, 1))
    weight: float = outcome("within the ticker-session, before decay", unit="share", ge=0, le=1)
    f_log_return_1: float = feature("return of the bar", "log return")
    f_range_over_close: float = feature("range of the bar", "share")
    f_return_ema_10: float = feature("drift of some 10 bars", "log return")
    f_return_ema_30: float = feature("drift of some 30 bars", "log return")
    f_range_ema_20: float = feature("usual range of a bar", "share")
    f_volume_ema_20: float = feature("usual volume of a bar", "shares")
    f_dollars_ema_20: float = feature("usual dollars of a bar", "USD")
    f_imbalance_ema_20: float = feature("side that has been pressing", "USD")
    f_volume_z_20: float = feature("how unusual the bar's volume is", "deviations")
    f_dollars_z_20: float = feature("how unusual its dollars are", "deviations")
    f_signed_volume: float = feature("bought less sold", "shares")
    f_delta_ratio: float = feature("one-sidedness of the bar", "share")
    f_large_prints: float = feature("far larger trades than the tape has had", "ticks")
    f_trades_a_second: float = feature("pace of the bar", "ticks a second")
    f_odd_lot_share: float = feature("trades under a round lot: retail", "share")
    f_off_exchange_share: float = feature("volume reported by FINRA's facilities", "share")
    f_vpin_20: float = feature("one-sidedness of 20 bars", "share")
    f_relative_spread: float = feature("quoted spread", "share", known=QUOTES)
    f_spread_over_mean: float = feature("spread against its 20 seconds", "ratio", known=QUOTES)
    f_size_imbalance: float = feature("side on which more is bid", "share", known=QUOTES)
    f_microprice_minus_middle: float = feature("where the sizes lean", "share", known=QUOTES)
    f_quote_rate: float = feature("pace of quotes, 20 seconds", "quotes a second", known=QUOTES)
    f_roll_spread: float = feature("spread that bounces betray, 20 bars", "share")
    f_corwin_schultz_spread: float = feature("spread that ranges betray, 20 pairs", "share")
    f_amihud: float = feature("move for the money, 20 bars", "log return a million USD")
    f_kyle_lambda: float = feature("price change a share bought, 20 bars", "USD a share²")
    f_hasbrouck_lambda: float = feature("return for each √USD bought, 20 bars", "log return a √USD")
    f_distance_to_vwap: float = feature("above or below the session's average", "share", known=MINUTES)
    f_distance_to_high: float = feature("below the session's high so far", "share", known=MINUTES)
    f_distance_to_low: float = feature("above the session's low so far", "share", known=MINUTES)
    f_parabolic_slope_15: float = feature(
        "whether the move steepens, 15 minutes", "log return a minute²", known=MINUTES
    )
    f_volume_gini: float = feature("concentration of volume over minutes", "share", known=MINUTES)
    f_rvol_minute: float = feature("volume against the 20 minutes before", "ratio", known=MINUTES)
    f_rvol_daily: float = feature("volume so far against a usual session's", "ratio", known=MINUTES)
    f_gap: float = feature("gap at the open", "share", known=MINUTES)
    f_move_from_prior_close: float = feature("move of the session so far", "share")
    f_atr_14_share: float = feature("usual range of a session", "share", known=DAILY)
    f_distance_to_high_252: float = feature("above or below the year's high", "share")
    f_distance_to_low_252: float = feature("above or below the year's low", "share")
    f_float_turnover: float = feature("times the float has changed hands", "ratio", known=MINUTES)
    f_cap_class: float = feature("size of the company", "class", known=DAILY)
    f_minutes_since_open: float = feature("time of the session", "minutes")
    f_sessions_since_reverse_split: float = feature("age of the latest reverse split", "sessions", known=DAILY)
    f_halted: float = feature("whether trading is halted: 1 or 0", "flag", known=STATES)
    f_halts_so_far: float = feature("halts of the market day", "halts", known=STATES)
    f_limit_side: float = feature("price band at which trading stands", "side", known=STATES)
    f_distance_to_luld_upper: float = feature("room up to the price band", "share", known=STATES)
    f_distance_to_luld_lower: float = feature("room down to the price band", "share", known=STATES)
    f_short_sale_restricted: float = feature("whether Rule 201 is in force: 1 or 0", "flag", known=STATES)
    f_news_count: float = feature("news since the prior session's close", "articles", known="published by the close")
    f_news_sentiment: float = feature("how good those news are", "score", known="published by the close")
    f_short_interest_ratio: float = feature("how crowded short sellers are", "days", known=DAILY)
    f_seconds_since_event: float = feature("age of `event_known_at`", "seconds")
    o_ret_gross: float = outcome("return to the label's end", unit="simple return", gt=-1)
    o_ret_net: float = outcome("the same less costs", unit="simple return")
    o_uniqueness: float = outcome("share of the label that is its own", unit="share", gt=0, le=1)
    o_target: float = outcome("unit of the label's barriers", unit="simple return", gt=0)
    o_upper: float = outcome("profit barrier of the label", unit="simple return", gt=0)
    o_lower: float = outcome("loss barrier of the label", unit="simple return", lt=0)
    o_cost: float = outcome("of the round trip", unit="simple return", gt=0)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["session", "ticker", "tape_starts_at", "bar"]

    @pa.dataframe_check
    @classmethod
    def features_are_known_before_the_label(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """The event, the bar's close, the label's end: in this order."""
        event = (pl.col("event_known_at") <= pl.col("known_at")).fill_null(True)
        return data.lazyframe.select(event & (pl.col("known_at") <= pl.col("label_ends_at")))

    @pa.dataframe_check
    @classmethod
    def features_are_finite_or_null(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """No feature is infinite or not a number."""
        return data.lazyframe.select(pl.all_horizontal(pl.col("^f_.*$").is_finite().fill_null(True)))

    @pa.dataframe_check
    @classmethod
    def a_known_event_has_its_detector(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Both are there or neither."""
        return data.lazyframe.select(pl.col("detector").is_null() == pl.col("event_known_at").is_null())


def labelled(labels: pl.LazyFrame, weights: pl.LazyFrame, barriers: str) -> pl.DataFrame:
    """The set's labels that are not censored, with their weights."""
    ours = labels.filter(~pl.col("censored"), barriers=pl.lit(barriers))
    weighed = weights.filter(barriers=pl.lit(barriers)).select(*KEY, "weight", o_uniqueness="uniqueness")
    outcomes = {f"o_{name}": pl.col(name) for name in ("ret_gross", "ret_net", "target", "upper", "lower", "cost")}
    chosen = ours.select(*KEY, "label", "label_ends_at", **outcomes)
    rows = chosen.join(weighed, on=KEY, how="left", validate="1:1").collect()
    if lacking := rows.filter(pl.col("weight").is_null()).height:
        raise ValueError(f"{lacking} labels have no weight: materialize sample_weights again")
    return rows


def known_events(manifest: pl.LazyFrame) -> pl.DataFrame:
    """Admitted events with their windows and when they were known."""
    return manifest.filter("admitted").select(*WINDOW, "detector", event_known_at="known_at").collect()


class Sources(NamedTuple):
    """What features are made of, beside the bars."""

    event_trades: pl.LazyFrame
    event_quotes: pl.LazyFrame
    minute_bars: pl.LazyFrame
    daily_metrics: pl.LazyFrame
    universe: pl.LazyFrame
    market_states: pl.LazyFrame
    carried_over: pl.LazyFrame
    news: pl.LazyFrame

    def until(self, cuts: pl.DataFrame, mark: str) -> "Sources":
        """What was known of each ticker by its instant ``until``; of the daily facts, the sessions up to its own.

        Tickers come with the ``mark`` behind them, in the articles as well.
        """
        second, minute = pl.duration(seconds=1, time_unit="ns"), pl.duration(minutes=1, time_unit="ns")
        until, session = (
            pl.col("ticker").replace_strict(cuts["ticker"], cuts[of], default=None) for of in ("until", "session")
        )
        marked = pl.col("ticker") + mark
        articles = self.news.with_columns(ticker="tickers").explode("ticker").filter(pl.col("published_at") <= until)
        insights = pl.col("insight_tickers").list.eval(pl.element() + mark)
        return Sources(
            event_trades=self.event_trades.filter(pl.col("sip_at") <= until).with_columns(marked),
            event_quotes=self.event_quotes.filter(pl.col("second_at") + second <= until).with_columns(marked),
            minute_bars=self.minute_bars.filter(pl.col("started_at") + minute <= until).with_columns(marked),
            daily_metrics=self.daily_metrics.filter(pl.col("session") <= session).with_columns(marked),
            universe=self.universe.filter(pl.col("session") <= session).with_columns(marked),
            market_states=self.market_states.filter(pl.col("known_at") <= until).with_columns(marked),
            carried_over=self.carried_over.filter(pl.col("session") <= session).with_columns(marked),
            news=articles.with_columns(tickers=pl.concat_list(marked), insight_tickers=insights).drop("ticker"),
        )


def known(bars: pl.DataFrame, events: pl.DataFrame, sources: Sources) -> pl.DataFrame:
    """The features of a partition's bars, those of the event included."""
    session = bars["session"][0]
    here = (pl.col("session") == session) & pl.col("ticker").is_in(bars["ticker"].unique().to_list())
    ticks = tape_ticks(sources.event_trades, events)
    seconds = owned(sources.event_quotes.filter(here), events, "second_at").collect()
    minutes, metrics, listed, states, carried = (frame.filter(here).collect() for frame in sources[2:-1])
    articles = sources.news.filter(pl.col("session") == session).collect()
    priced = features(bars, ticks, seconds, minutes, metrics, listed, sessions.hours(session).opens_at)
    told = known_features(bars.select(*KEY, "closed_at", "close"), states, articles, carried)
    return event_features(priced.join(told.drop("closed_at", "close"), on=KEY, how="left", validate="1:1"), events)


def prefix_stable(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame], config: TrainingRowsConfig) -> Verdict:
    """Features recomputed with everything after a random instant removed are the same, for the rows known by then.

    The instants are closes of rows, `prefix_instants` of each ticker; a row's own tape is recomputed up to it. They are
    drawn by the ticker's first row: always the same ones. One pass recomputes all: in each draw a ticker is one of its
    own, since no feature looks at another ticker's rows.
    """
    if stored.is_empty():
        return Verdict(True, {"instants": 0, "rows": 0, "changed": "{}"})
    names = feature_names(TrainingRows)
    here = pl.col("session").is_in(stored["session"].unique()) & pl.col("ticker").is_in(stored["ticker"].unique())
    bars = inputs["imbalance_bars"].filter(here).collect()
    events = known_events(inputs["event_manifest"].filter(here))
    sources = Sources(*(inputs[name] for name in Sources._fields))
    draws = {f" {place}": cuts for place, cuts in enumerate(instants(stored, TAPE, "known_at", config.prefix_instants))}
    before = pl.concat(left(stored, "known_at", cuts, mark) for mark, cuts in draws.items())
    bars = pl.concat(left(bars, "closed_at", cuts, mark) for mark, cuts in draws.items())
    events = pl.concat(events.with_columns(pl.col("ticker") + mark) for mark in draws)
    cut = Sources(*map(pl.concat, zip(*(sources.until(cuts, mark) for mark, cuts in draws.items()), strict=True)))
    again = known(bars, events, cut).join(before, on=KEY, how="semi")
    then, now = (rows.select(*KEY, *names) for rows in (before, again))
    differ = changed(then, now, KEY, relative=ROUNDING, absolute=CANCELLED)
    found = {"instants": sum(cuts.height for cuts in draws.values()), "rows": before.height}
    return Verdict(not differ, found | {"changed": str(differ)})


def left(rows: pl.DataFrame, at: str, cuts: pl.DataFrame, mark: str) -> pl.DataFrame:
    """Of each cut's tape the rows whose instant ``at`` is not after it; tickers with the ``mark`` behind them."""
    ours = rows.join(cuts, on=TAPE, how="inner", validate="m:1").filter(pl.col(at) <= pl.col("until"))
    return ours.drop("until").with_columns(pl.col("ticker") + mark)


def shown(rows: pl.DataFrame, bars: int) -> dict[str, Any]:
    """Rows before their event, and the most absent features."""
    absent = rows.select(pl.col("^f_.*$").null_count()).transpose(include_header=True, column_names=["rows"])
    most = absent.filter(pl.col("rows") > 0).sort("rows", "column", descending=[True, False]).head(5)
    hindsight = rows["event_known_at"].null_count()
    nulls = ", ".join(f"{name} {count}" for name, count in most.iter_rows())
    return {"bars": bars, "rows_before_their_event": hindsight, "most_absent_features": nulls}


@dataset(TrainingRows, Axis.LETTER, blocking_laws=(prefix_stable,))
def training_rows(
    run: Run,
    event_manifest: pl.LazyFrame,
    imbalance_bars: pl.LazyFrame,
    barrier_labels: pl.LazyFrame,
    sample_weights: pl.LazyFrame,
    event_trades: pl.LazyFrame,
    event_quotes: pl.LazyFrame,
    minute_bars: pl.LazyFrame,
    daily_metrics: pl.LazyFrame,
    universe: pl.LazyFrame,
    market_states: pl.LazyFrame,
    carried_over: pl.LazyFrame,
    news: pl.LazyFrame,
    config: TrainingRowsConfig,
) -> Iterator[Rows]:
    """Features and outcomes of the labelled bars, one partition after another."""
    wanted = run.wanted(pl.col("ticker"))
    outcomes = labelled(barrier_labels.filter(wanted), sample_weights.filter(wanted), config.barriers)
    events = windows_by_partition(run, known_events(event_manifest.filter(wanted)))
    facts = (daily_metrics, universe, market_states, carried_over, news)
    sources = Sources(event_trades, event_quotes, minute_bars, *facts)
    for part in run.split(imbalance_bars.filter(wanted)):
        rows = training_rows.empty()
        if part.frame.height:
            every = known(part.frame, events[part.partition], sources)
            rows = every.join(outcomes, on=KEY, how="inner", validate="1:1").select(rows.columns)
        yield Rows(part.partition, rows, shown(rows, part.frame.height))
