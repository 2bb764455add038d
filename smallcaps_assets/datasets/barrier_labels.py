"""What a bar's close led to: which of profit, loss and horizon the path after it met first.

Source: the bars' own tape (`event_trades`), the spread that stood at the entry (`event_quotes`), and for the plain set
the minute bars after the tape. Grain: one row per bar and barrier set. An outcome: it is known at `label_ends_at`, long
after the bar it labels, and may never be a feature.

Two sets. `volatility`: barriers at multiples of the tape's own volatility, over minutes, on the tape alone. `plain`:
the first system's fixed percentages over a quarter of an hour; where the tape ends first, minute bars carry it on, and
a minute that touches both barriers is the loss (`ambiguous`).

What can go wrong: a path that the data end before its horizon is censored; its label is null, never 0. A tape is known
to its window's end, also where its last trade is earlier. A bar has no volatility before the third of its tape and no
row in that set; the metadata count them. Without a quote before the entry the cost is an assumption of the rules.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.event_trades import admitted, windows_by_partition
from smallcaps_assets.datasets.imbalance_bars import TICK, tape_ticks
from smallcaps_assets.maths.barrier_rows import Barriers, Path, continued_labels, tape_labels
from smallcaps_assets.maths.tapes import TAPE, owned
from smallcaps_assets.maths.triple_barrier import volatility_target
from smallcaps_assets.partitions import Axis

MINUTE_NS = 60_000_000_000
SETS = ("volatility", "plain")


class BarrierLabelsConfig(dg.Config):
    """Where the barriers stand, and what a round trip costs."""

    tickers: list[str] = []
    """Only these tickers are computed again; the partition's other rows stay as they are. Empty: all."""
    profit: float = 3.0
    """Volatility targets; 3:2 is wide enough that costs are small beside it (spec/algorithms.md)."""
    loss: float = 2.0
    """Volatility targets."""
    horizon_minutes: float = 5.0
    """Minutes; the core window holds seven after the event."""
    span: float = Field(default=50.0, ge=1)
    """Bars; memory of the volatility, about a tape's length, so that it follows the event."""
    plain_profit: float = 0.15
    """Simple return; the first system's."""
    plain_loss: float = 0.10
    """Simple return; the first system's."""
    plain_horizon_minutes: float = 15.0
    """Minutes; the first system's."""
    fee_a_share: float = Field(default=0.005, gt=0)
    """USD a share and side: a retail broker's list price; above 0, so that no target is 0."""
    half_spread_unquoted: float = Field(default=0.0025, ge=0)
    """Simple return, where no quote stood before the entry: a penny's spread at 2 USD."""


class BarrierLabels(pa.DataFrameModel):
    """What a bar's close led to, under one set of barriers."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    tape_starts_at: Instant = column("names the tape", unit="UTC ns")
    bar: pl.Int64 = column("place in the tape, from 0", ge=0)
    barriers: str = column("which set of barriers", isin=SETS)
    entered_at: Instant = column("close of the bar: the path begins after it", unit="UTC ns")
    label: pl.Int8 = column("1 profit first, -1 loss first, 0 horizon; null: censored", isin=(-1, 0, 1), nullable=True)
    label_ends_at: Instant = column("touch, or horizon; null: censored", unit="UTC ns", nullable=True)
    ret_gross: float = column("return from entry to the label's end", unit="simple return", gt=-1, nullable=True)
    ret_net: float = column("the same less the cost of the round trip", unit="simple return", nullable=True)
    target: float = column(
        "unit of the barriers: volatility of the tape's bars, at least the cost; 1 for plain",
        unit="simple return",
        gt=0,
    )
    upper: float = column("profit barrier", unit="simple return", gt=0)
    lower: float = column("loss barrier", unit="simple return", lt=0)
    cost: float = column("half spread paid twice and fees", unit="simple return", gt=0)
    censored: bool = column("the data end before the horizon, no barrier touched")
    ambiguous: bool = column("one minute bar touched both barriers and was taken as the loss")

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["session", "ticker", "tape_starts_at", "bar", "barriers"]

    @pa.dataframe_check
    @classmethod
    def censored_rows_have_no_outcome_and_others_have_one(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Label, end and returns are null exactly where censored."""
        absent = [pl.col(name).is_null() for name in ("label", "label_ends_at", "ret_gross", "ret_net")]
        none, all_there = pl.all_horizontal(absent), ~pl.any_horizontal(absent)
        return data.lazyframe.select(pl.when("censored").then(none).otherwise(all_there))

    @pa.dataframe_check
    @classmethod
    def label_ends_at_or_after_its_entry(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """A label lives forward in time."""
        return data.lazyframe.select((pl.col("label_ends_at") >= pl.col("entered_at")).fill_null(True))

    @pa.dataframe_check
    @classmethod
    def return_is_beyond_the_barrier_it_touched(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """1: at or above the upper; -1: at or below the lower; 0: between them."""
        ret, slack = pl.col("ret_gross"), 1e-9
        up, down = ret >= pl.col("upper") - slack, ret <= pl.col("lower") + slack
        between = (ret <= pl.col("upper") + slack) & (ret >= pl.col("lower") - slack)
        held = pl.when(pl.col("label") == 1).then(up).when(pl.col("label") == -1).then(down).otherwise(between)
        return data.lazyframe.select(held.fill_null(True))


def with_cost(bars: pl.DataFrame, quotes: pl.DataFrame, config: BarrierLabelsConfig) -> pl.DataFrame:
    """The bars with ``cost``: the spread of the last whole second with a valid quote before the close, and fees.

    ``quotes``: seconds of the bars' tapes. A crossed quote costs nothing but the fees.
    """
    middle = (pl.col("bid_price") + pl.col("ask_price")) / 2
    known = quotes.filter(pl.col("bid_price").is_not_null()).select(
        *TAPE,
        known_at=pl.col("second_at") + pl.duration(seconds=1, time_unit="ns"),
        _spread=((pl.col("ask_price") - pl.col("bid_price")) / middle).clip(0.0),
    )
    quoted = bars.sort("closed_at").join_asof(
        known.sort("known_at"),
        left_on="closed_at",
        right_on="known_at",
        by=TAPE,
        strategy="backward",
        check_sortedness=False,
    )
    fees = 2 * config.fee_a_share / pl.col("close")
    spread = pl.col("_spread").fill_null(2 * config.half_spread_unquoted)
    return quoted.with_columns(cost=spread + fees, quoted=pl.col("_spread").is_not_null()).sort(*TAPE, "bar")


def of_tape(
    bars: pl.DataFrame, ticks: pl.DataFrame, minutes: pl.DataFrame, config: BarrierLabelsConfig
) -> list[pl.DataFrame]:
    """Both sets' rows of one tape. ``bars`` with ``cost``; ``minutes`` of the ticker, of the whole session."""
    closes_at = sessions.hours(bars["session"][0]).postmarket_closes_at
    path = Path(bars, ticks, minutes, closes_at)
    own = pl.Series(volatility_target(bars["close"].to_numpy(), span=config.span)).fill_nan(None)
    floored = bars.with_columns(target=pl.max_horizontal(own, "cost"), _known=own.is_not_null())
    volatility = Barriers("volatility", config.profit, config.loss, round(config.horizon_minutes * MINUTE_NS))
    plain = Barriers("plain", config.plain_profit, config.plain_loss, round(config.plain_horizon_minutes * MINUTE_NS))
    return [
        tape_labels(path, floored.filter("_known"), volatility),
        continued_labels(path, bars.with_columns(target=pl.lit(1.0)), plain),
    ]


def of_windows(
    windows: pl.DataFrame,
    bars: pl.DataFrame,
    event_trades: pl.LazyFrame,
    event_quotes: pl.LazyFrame,
    minute_bars: pl.LazyFrame,
    config: BarrierLabelsConfig,
) -> pl.DataFrame:
    """The rows of a partition that has bars."""
    here = (pl.col("session") == bars["session"][0]) & pl.col("ticker").is_in(bars["ticker"].unique().to_list())
    quotes = owned(event_quotes.filter(here), windows, "second_at").collect()
    minutes = minute_bars.filter(here).sort("ticker", "started_at").collect()
    costed = with_cost(bars, quotes, config)
    ticks = tape_ticks(event_trades, windows, TICK).partition_by(TAPE, as_dict=True, maintain_order=True)
    labelled: list[pl.DataFrame] = []
    for names, of_one in costed.partition_by(TAPE, as_dict=True, maintain_order=True).items():
        if names not in ticks:
            raise ValueError(
                f"event_trades have no trade of the tape of imbalance_bars {names}: materialize them again"
            )
        labelled += of_tape(of_one, ticks[names], minutes.filter(ticker=of_one["ticker"][0]), config)
    return pl.concat([barrier_labels.empty(), *labelled])


def shown(labels: pl.DataFrame, bars: int) -> dict[str, Any]:
    """Share of censored labels and of each outcome, by set."""
    found: dict[str, Any] = {"bars": bars}
    for name in SETS:
        ours = labels.filter(barriers=name)
        if ours.height:
            counts = {str(label): ours["label"].eq(label).sum() for label in (1, 0, -1)}
            found[f"{name}_labels"] = ", ".join(f"{label}: {count}" for label, count in counts.items())
            found[f"{name}_censored_share"] = ours["censored"].sum() / ours.height
    return found | {"bars_without_target": bars - labels.filter(barriers="volatility").height}


@dataset(BarrierLabels, Axis.LETTER)
def barrier_labels(
    run: Run,
    event_manifest: pl.LazyFrame,
    imbalance_bars: pl.LazyFrame,
    event_trades: pl.LazyFrame,
    event_quotes: pl.LazyFrame,
    minute_bars: pl.LazyFrame,
    config: BarrierLabelsConfig,
) -> Iterator[Rows]:
    """The labels of all bars, one partition after another."""
    windows = windows_by_partition(run, admitted(run, event_manifest))
    for part in run.split(imbalance_bars.filter(run.wanted(pl.col("ticker")))):
        rows = barrier_labels.empty()
        if part.frame.height:
            ticks = (event_trades, event_quotes, minute_bars)
            rows = of_windows(windows[part.partition], part.frame, *ticks, config)
        yield Rows(part.partition, rows, shown(rows, part.frame.height))
