"""A bar of an event's tape: it closes when the signed flow of trades exceeds what noise would reach.

Source: `event_trades`. A tape is the union of a ticker's overlapping windows; each trade is in it once. Grain: one row
per tape and bar. Known at `closed_at`, the instant of the bar's last trade.

Only trades that update the price take part in prices and signs. A trade that counts in volume only (an odd lot, an
average price, a late report) is in the bar in which it falls at the price before it: it adds its size, under the sign
in force, and changes neither a price nor a sign; so `dollars` and `vwap` are at prices that stood on the tape.

What can go wrong: expectations warm up on the tape's own first ticks, and a tape with fewer ticks than that has no
bars; the trades after the last close are in none. Both are counted in the metadata. Algorithms: `maths/bars.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import dagster as dg
import pandera.polars as pa
import polars as pl

from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.event_trades import admitted, windows_by_partition
from smallcaps_assets.maths import bars as kinds
from smallcaps_assets.maths.arguments import Floats, Ints
from smallcaps_assets.maths.tapes import TAPE, TICKER_SESSION, WINDOW, owned, tapes, ticks
from smallcaps_assets.partitions import Axis, letter_of

SHARES_OFF = 1e-6  # of the volume; sums of floats in another order
ROUNDING = 1e-9  # of a price
TICK = [*TAPE, "tape_ends_at", "sip_at", "price", "size"]  # what bars and labels need of a tick


class ImbalanceBarsConfig(dg.Config):
    """When a bar closes."""

    tickers: list[str] = []
    """Only these tickers are computed again; the partition's other rows stay as they are. Empty: all."""
    kind: Literal["imbalance", "fixed", "threshold"] = "imbalance"
    """imbalance: flow beyond noise; fixed: |flow| reaches `threshold`; threshold: the unsigned sum reaches it."""
    measure: Literal["dollar", "volume", "tick"] = "dollar"
    """What flows: dollars (comparable across prices), shares, or trades."""
    expected_ticks: float = 100.0
    """Ticks; E[T] of the imbalance kind: on real tapes it gives 30 to 40 ticks a bar (spec/algorithms.md)."""
    span: float = 1000.0
    """Ticks; memory of the expected flow: some minutes of a tape that is busy."""
    warmup: int = 100
    """Ticks before the first close may come; they lie before the event, as windows begin minutes earlier."""
    noise_floor: float = 1.0
    """Standard deviations of a random walk of E[T] flows that the imbalance must reach."""
    max_ticks: int = 1000
    """Ticks at which a bar closes anyway, so that one block cannot freeze a tape."""
    threshold: float = 50_000.0
    """Dollars, shares or trades (by `measure`) of the kinds fixed and threshold; unused by imbalance."""


class ImbalanceBars(pa.DataFrameModel):
    """A bar of an event's tape."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    tape_starts_at: Instant = column("start of the union of overlapping windows: names the tape", unit="UTC ns")
    bar: pl.Int64 = column("place in the tape, from 0", ge=0)
    opened_at: Instant = column("first trade of the bar", unit="UTC ns")
    closed_at: Instant = column("last trade of the bar: the row is known then", unit="UTC ns")
    open: float = column("first price", unit="USD", gt=0)
    high: float = column("highest price", unit="USD", gt=0)
    low: float = column("lowest price", unit="USD", gt=0)
    close: float = column("last price", unit="USD", gt=0)
    volume: float = column("all trades that count in volume", unit="shares", ge=0)
    buy_volume: float = column("of it after an up-tick (tick rule)", unit="shares", ge=0)
    sell_volume: float = column("of it after a down-tick", unit="shares", ge=0)
    dollars: float = column("price in force times size", unit="USD", ge=0)
    vwap: float = column("dollars over volume; null without volume", unit="USD", gt=0, nullable=True)
    ticks: pl.Int64 = column("trades", ge=1)
    imbalance: float = column("dollars bought less dollars sold", unit="USD")

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["session", "ticker", "tape_starts_at", "bar"]

    @pa.dataframe_check
    @classmethod
    def high_and_low_bound_all_prices(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Low ≤ open, close, vwap ≤ high."""
        inner, outer = pl.min_horizontal("open", "close", "vwap"), pl.max_horizontal("open", "close", "vwap")
        slack = pl.col("high") * ROUNDING
        return data.lazyframe.select((pl.col("low") <= inner + slack) & (outer <= pl.col("high") + slack))

    @pa.dataframe_check
    @classmethod
    def flow_is_part_of_the_volume(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Buys and sells are at most the volume, the imbalance at most the dollars."""
        sides = pl.col("buy_volume") + pl.col("sell_volume") <= pl.col("volume") * (1 + SHARES_OFF)
        return data.lazyframe.select(sides & (pl.col("imbalance").abs() <= pl.col("dollars") * (1 + SHARES_OFF)))

    @pa.dataframe_check
    @classmethod
    def bars_of_a_tape_follow_each_other(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Each bar opens at or after the tape's start and the close of the bar before, and closes after it opens."""
        before = pl.col("closed_at").shift(1).over(TAPE, order_by="bar").fill_null(pl.col("tape_starts_at"))
        return data.lazyframe.select((before <= pl.col("opened_at")) & (pl.col("opened_at") <= pl.col("closed_at")))


def tape_ticks(event_trades: pl.LazyFrame, windows: pl.DataFrame, columns: Sequence[str] = ()) -> pl.DataFrame:
    """The ticks of the windows' tapes, each trade once, in the order of the tapes; ``columns`` of them, or all."""
    tickers = windows["ticker"].unique().sort()
    here = pl.col("session").is_in(windows["session"].unique().to_list()) & pl.col("ticker").is_in(tickers.to_list())
    every = ticks(owned(event_trades.filter(here), windows, "sip_at"))
    return (every.select(columns) if columns else every).collect()


def closes(price: Floats, size: Floats, config: ImbalanceBarsConfig) -> Ints:
    """Index of each bar's last tick, by the configured kind."""
    if config.kind == "fixed":
        return kinds.fixed_imbalance_bars(price, size, measure=config.measure, threshold=config.threshold)
    if config.kind == "threshold":
        return kinds.threshold_bars(price, size, measure=config.measure, threshold=config.threshold)
    return kinds.imbalance_bars(
        price,
        size,
        measure=config.measure,
        expected_ticks=config.expected_ticks,
        span=config.span,
        warmup=config.warmup,
        noise_floor=config.noise_floor,
        max_ticks=config.max_ticks,
    )


def of_tape(tape: pl.DataFrame, config: ImbalanceBarsConfig) -> pl.DataFrame:
    """The bars of one tape's ticks, numbered from 0."""
    at, price, size = (tape[name].to_physical().to_numpy() for name in ("sip_at", "price", "size"))
    table = kinds.bar_table(at, price, size, closes(price, size, config))
    named = [pl.lit(tape[name][0], dtype=tape.schema[name]).alias(name) for name in TAPE]
    return table.with_row_index("bar").select(*named, pl.col("bar").cast(pl.Int64), *table.columns)


def of_windows(event_trades: pl.LazyFrame, windows: pl.DataFrame, config: ImbalanceBarsConfig) -> pl.DataFrame:
    """The bars of the windows' tapes."""
    every_tick = tape_ticks(event_trades, windows, TICK)
    tables = [of_tape(tape, config) for tape in every_tick.partition_by(TAPE, maintain_order=True)]
    return pl.concat([imbalance_bars.empty(), *tables])


def shown(bars: pl.DataFrame, windows: pl.DataFrame) -> dict[str, Any]:
    """How many tapes there are, and which have no bars."""
    whole = tapes(windows)
    without = whole.join(bars, on=TAPE, how="anti", maintain_order="left")
    return {
        "tapes": whole.height,
        "tapes_without_bars": without.height,
        "without_bars": without["ticker"].to_list()[:20],
    }


def partitions(
    run: Run, windows: pl.DataFrame, event_trades: pl.LazyFrame, config: ImbalanceBarsConfig
) -> Iterator[Rows]:
    """One partition after another, so that the memory needed is that of one."""
    for partition, here in windows_by_partition(run, windows).items():
        rows = of_windows(event_trades, here, config) if here.height else imbalance_bars.empty()
        yield Rows(partition, rows, shown(rows, here) if here.height else {"tapes": 0})


def bars_conserve_the_tape(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """The shares of a tape's bars are, together, those of its ticks up to the last close; no tick is in two bars."""
    if stored.is_empty():
        return Verdict(True, {"tapes": 0})
    here = (pl.col("session") == stored["session"][0]) & (letter_of(pl.col("ticker")) == stored["ticker"][0][0].upper())
    windows = inputs["event_manifest"].filter(here, "admitted").select(WINDOW).collect()
    bars = stored.group_by(TAPE, maintain_order=True).agg(pl.col("ticks").sum(), barred=pl.col("volume").sum())
    numbered = tape_ticks(inputs["event_trades"], windows, [*TAPE, "size"]).with_columns(
        _place=pl.int_range(pl.len()).over(TAPE)
    )
    traded = bars.join(numbered, on=TAPE, how="left", maintain_order="left").group_by(TAPE, maintain_order=True)
    sums = traded.agg(
        pl.col("ticks", "barred").first(),
        on_tape=pl.col("_place").count(),
        traded=pl.col("size").filter(pl.col("_place") < pl.col("ticks")).sum(),
    )
    off = (pl.col("traded") - pl.col("barred")).abs() > SHARES_OFF * pl.col("barred").clip(1.0)
    wrong = sums.filter(off | (pl.col("on_tape") < pl.col("ticks")))
    named = wrong.select(*TICKER_SESSION, "barred", "traded").head(1)
    return Verdict(wrong.is_empty(), {"tapes": bars.height, "first_wrong": str(named.rows())})


@dataset(ImbalanceBars, Axis.LETTER, laws=(bars_conserve_the_tape,))
def imbalance_bars(
    run: Run, event_manifest: pl.LazyFrame, event_trades: pl.LazyFrame, config: ImbalanceBarsConfig
) -> Iterator[Rows]:
    """Bars of the tapes of admitted events."""
    yield from partitions(run, admitted(run, event_manifest), event_trades, config)
