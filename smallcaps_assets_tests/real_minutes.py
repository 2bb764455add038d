"""Every recorded minute of a real market through the flow's own functions, the small-cap gate left open.

Most tickers whose minutes were recorded were members of nothing on those days, for want of a count or of a history.
The evidence is about detectors: each ticker and session with minutes counts as a member, and nothing else is relaxed.
"""

import tempfile
from datetime import date
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import polars as pl

from smallcaps_assets import contract as contracts
from smallcaps_assets import sessions
from smallcaps_assets.dataset import Dataset, Run
from smallcaps_assets.datasets.daily_metrics import daily_metrics
from smallcaps_assets.datasets.halts import FOLDER, halts
from smallcaps_assets.datasets.intraday_events import intraday_events
from smallcaps_assets.datasets.minute_bars import in_segments, minute_bars
from smallcaps_assets.datasets.splits import judged, price_ratios
from smallcaps_assets.datasets.tickers import tickers
from smallcaps_assets.maths.session_dates import with_session
from smallcaps_assets.partitions import Partition, letter_of
from smallcaps_assets.source.emulator.halt_file import write_halt_files
from smallcaps_assets.source.emulator.recorded import RecordedMarket

LONG_NAMES = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "vw": "vwap", "n": "trades"}
INSTANT = pl.Datetime("ns", "UTC")


class Evidence(NamedTuple):
    """What the flow makes of the recorded minutes, each in its dataset's contract."""

    minute_bars: pl.DataFrame
    daily_metrics: pl.DataFrame
    halts: pl.DataFrame
    intraday_events: pl.DataFrame


def evidence(recorded: Path) -> Evidence:
    """The events of every ticker and session in the folder that has minutes, recorded or built from trades."""
    market = RecordedMarket(recorded)
    bars = minutes(market, recorded)
    wanted = bars.select("session", "ticker").unique()
    daily = daily_bars(market, wanted["ticker"].unique().sort().to_list())
    metrics = metrics_of(daily, accepted_splits(market, daily), wanted)
    days = bars["session"].unique().sort().to_list()
    inputs = {"minute_bars": bars, "daily_metrics": metrics, "halts": halts_of(market, days)}
    return Evidence(**inputs, intraday_events=conformed(intraday_events, events_of(inputs)))


def events_of(inputs: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """`intraday_events` of all minutes by the default thresholds; it takes of the inputs what it declares."""
    cells = inputs["minute_bars"].select("session", letter_of(pl.col("ticker")).alias("letter")).unique()
    run = Run(intraday_events.name, tuple(Partition(*cell) for cell in cells.sort("session", "letter").iter_rows()))
    rules = intraday_events.own_config or dg.Config
    wanted = {name: inputs[name].lazy() for name in intraday_events.inputs}
    return pl.concat([part.frame for part in intraday_events(run, **wanted, config=rules())])


def minutes(market: RecordedMarket, recorded: Path) -> pl.DataFrame:
    """`minute_bars` of the folder: what was recorded in minutes, and of other sessions what the trades give."""
    instants = [
        pl.scan_parquet(recorded / "minute_bars.parquet").select("ticker", at=pl.col("t") * 1_000_000),
        pl.scan_parquet(recorded / "trades.parquet").select("ticker", at="sip_timestamp"),
    ]
    session = sessions.session_of(pl.col("at").cast(INSTANT)).alias("session")
    wanted = pl.concat(instants).select(session, "ticker").unique().collect().sort("session", "ticker")
    parts = [
        market.minutes(ticker, day).with_columns(pl.lit(ticker).alias("ticker")) for day, ticker in wanted.iter_rows()
    ]
    bars = pl.concat(parts).with_columns(started_at=(pl.col("t") * 1_000_000).cast(INSTANT)).rename(LONG_NAMES)
    return conformed(minute_bars, in_segments(bars.drop("t"), wanted).drop_nulls("segment"))


def daily_bars(market: RecordedMarket, tickers: list[str]) -> pl.DataFrame:
    """All recorded daily bars of some tickers, in the names of `daily_bars`."""
    parts = [
        market.daily_of(ticker, sessions.FIRST, sessions.LAST).with_columns(pl.lit(ticker).alias("ticker"))
        for ticker in tickers
    ]
    return pl.concat(parts).rename({"t": "session", **LONG_NAMES})


def accepted_splits(market: RecordedMarket, bars: pl.DataFrame) -> pl.DataFrame:
    """`splits` of the tickers of some daily bars, judged by their prices."""
    sent = market.splits().filter(pl.col("ticker").is_in(bars["ticker"].unique().to_list()))
    sent = sent.select("ticker", "split_from", "split_to", vendor_id="id", executed_on="execution_date")
    dated = with_session(sent, "executed_on", sessions.table(), "session")
    seen = dated.lazy().join(price_ratios(bars.lazy()), on=["session", "ticker"], how="left", validate="m:1")
    return judged(seen.collect())


def metrics_of(bars: pl.DataFrame, splits: pl.DataFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    """`daily_metrics` of (``session``, ``ticker``), from the daily bars before and the splits."""
    days = wanted["session"].unique().sort().to_list()
    run = Run(daily_metrics.name, tuple(Partition(day) for day in days))
    unnamed = tickers.empty().lazy()  # no identifier was recorded of any: a history is its ticker's
    made = daily_metrics(run, daily_bars=bars.lazy(), splits=splits.lazy(), tickers=unnamed)
    rows = pl.concat([contracts.conform(daily_metrics.contract, part.frame) for part in made])
    return rows.join(wanted, on=["session", "ticker"], how="semi")


def halts_of(market: RecordedMarket, days: list[date]) -> pl.DataFrame:
    """`halts` of the sessions, through the files that an exchange would publish."""
    run = Run(halts.name, tuple(Partition(day) for day in days))
    with tempfile.TemporaryDirectory() as inbox:
        write_halt_files(market, Path(inbox) / FOLDER, days)
        return pl.concat([contracts.conform(halts.contract, part.frame) for part in halts(run, inbox=Path(inbox))])


def conformed(made: Dataset, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame in the dataset's contract, every law of which must hold; ``ValueError`` says which does not."""
    rows = contracts.conform(made.contract, frame)
    verdict = contracts.verdict(made.contract, rows)
    if not verdict.passed:
        raise ValueError(f"{made.name} of the recorded minutes: {verdict.metadata}")
    return rows
