"""A trade inside an admitted event's window, as the consolidated tape printed it.

Source: the vendor's trades endpoint, one request for each union of overlapping windows of a ticker. Grain: one row per
event and trade; a trade in the windows of two events is there under both. Known at `sip_at`, when the tape sent it.

What can go wrong: correction records that follow an original (10 cancel, 11 error, 12 corrected) would count a trade
twice and are dropped (counted in the metadata); the flags 1, 7 and 8 on originals were set afterwards, so they are kept
but never to be filtered by. Trades are not adjusted for splits. `updates_price` and `updates_volume` say by the tape's
update rules what a trade may do; odd lots, average prices and late reports count in volume only.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Annotated, NamedTuple

import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.maths.conditions import high_low_updates, price_updates, volume_updates
from smallcaps_assets.maths.tapes import WINDOW, owned, tapes, windows_holding
from smallcaps_assets.partitions import Axis, Partition, letter_of
from smallcaps_assets.source.polygon import Polygon
from smallcaps_assets.source.routes import SessionFile

FOLLOW_ONS = (10, 11, 12)  # cancel, error and corrected records: they repeat an original
WHOLE_SHARE = 1.0  # a trade of less than a share sets no price (the vendor's bars do the same)
MINUTE = 60_000_000_000
VOLUME_TOLERANCE = 0.005  # of a minute's volume; late prints re-issue some of the vendor's bars
PRICE_TOLERANCE = 0.0001  # USD, the vendor's rounding
DISAGREEMENT = ["ticker", pl.col("started_at").cast(pl.String), "^(volume|high|low)(_bar)?$"]
AGREEING_SHARE = 0.95  # of minutes; on real tapes 98.8 % agreed in volume (realdata README), on small samples less


class EventTrades(pa.DataFrameModel):
    """A trade inside an event's window."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    event_id: str = column("the admitted event whose window holds the trade")
    sip_at: Instant = column("when the tape sent it", unit="UTC ns")
    sequence_number: pl.Int64 = column("order on the tape among trades of one instant")
    price: float = column("as traded", unit="USD", gt=0)
    size: float = column("may be a fraction of a share", unit="shares", ge=0)
    exchange: pl.Int16 = column(
        "the vendor's exchange id; 4 is off-exchange (FINRA); null on tapes recorded without", ge=0, nullable=True
    )
    conditions: Annotated[pl.List, pl.Int16()] = column("sale conditions, the vendor's ids; empty for a regular trade")
    tape: pl.Int8 = column("1 NYSE, 2 NYSE Arca and American, 3 Nasdaq", nullable=True)
    trf_id: pl.Int16 = column("the trade reporting facility of an off-exchange trade", nullable=True)
    correction: pl.Int16 = column(
        "0 regular; 1, 7, 8: later corrected, in error, cancelled: known only later", isin=(0, 1, 7, 8)
    )
    updates_price: bool = column("may set a price, a sign, a barrier; Form T does so outside regular hours only")
    updates_volume: bool = column("counts in volume")

    class Config:
        """Key: sequence numbers are the tape's, so the reporting place is part of it."""

        strict = True
        ordered = True
        unique = ["session", "ticker", "event_id", "sip_at", "sequence_number", "exchange", "trf_id"]

    @pa.dataframe_check
    @classmethod
    def less_than_a_share_sets_no_price(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """A fraction of a share counts in volume only."""
        return data.lazyframe.select((pl.col("size") >= WHOLE_SHARE) | ~pl.col("updates_price"))


class Tape(NamedTuple):
    """What is asked for at once: a union of overlapping windows, half-open, UTC nanoseconds."""

    session: date
    ticker: str
    starts_at: int
    ends_at: int


def admitted(run: Run, manifest: pl.LazyFrame) -> pl.DataFrame:
    """The run's admitted events with their windows."""
    return manifest.filter(pl.col("admitted") & run.wanted(pl.col("ticker"))).select(WINDOW).collect()


def requests_saved(run: Run, manifest: pl.LazyFrame) -> dict[date, float]:
    """Requests that a session's file would save: all letters', whose runs share it; those of tickers if it names some.

    One a tape: small caps seldom have more than a page of ticks around an event.
    """
    named = pl.col("ticker").is_in(sorted(run.tickers)) if run.tickers else pl.lit(True)
    whole = tapes(manifest.filter(pl.col("admitted") & named).select(WINDOW).collect())
    counted = whole.group_by("session").agg(requests=pl.len().cast(pl.Float64))
    return dict(counted.select("session", "requests").iter_rows())


def requests(run: Run, windows: pl.DataFrame) -> dict[Partition, list[Tape]]:
    """The tapes of each partition, in the order of the run."""
    instants = pl.col("tape_starts_at", "tape_ends_at").cast(pl.Int64)
    whole = tapes(windows).select("session", "ticker", instants, letter_of(pl.col("ticker")).alias("_letter"))
    asked: dict[Partition, list[Tape]] = {partition: [] for partition in run.partitions}
    for session, ticker, starts_at, ends_at, letter in whole.iter_rows():
        if (partition := Partition(session, letter)) in asked:
            asked[partition].append(Tape(session, ticker, starts_at, ends_at))
    return asked


def windows_by_partition(run: Run, windows: pl.DataFrame) -> dict[Partition, pl.DataFrame]:
    """Each partition's windows, in the order of the run; none for most."""
    lettered = windows.with_columns(letter_of(pl.col("ticker")).alias("_letter"))
    parts = lettered.partition_by("session", "_letter", as_dict=True)
    empty = windows.clear()
    found = {Partition(*names): part.drop("_letter") for names, part in parts.items()}
    return {partition: found.get(partition, empty) for partition in run.partitions}


def regular(session: date) -> pl.Expr:
    """Whether a trade was in the session's regular hours."""
    hours = sessions.hours(session)
    return pl.col("sip_at").cast(pl.Int64).is_between(hours.opens_at, hours.closes_at, closed="left")


def of_events(trades: pl.DataFrame, windows: pl.DataFrame, session: date) -> pl.DataFrame:
    """The originals of a session's trades under each event whose window holds them, with what they update."""
    originals = (
        trades.lazy()
        .filter(~pl.col("correction").is_in(FOLLOW_ONS))
        .with_columns(
            session=pl.lit(session),
            updates_price=price_updates(pl.col("conditions"), regular(session)) & (pl.col("size") >= WHOLE_SHARE),
            updates_volume=volume_updates(pl.col("conditions")),
        )
    )
    held = windows_holding(originals, windows.filter(session=session), "sip_at")
    return held.select(EventTrades.to_schema().columns.keys()).collect()


def partitions(run: Run, windows: pl.DataFrame, polygon: Polygon) -> Iterator[Rows]:
    """Each partition's trades, requested ahead across partitions and handed over one partition at a time."""
    asked = requests(run, windows)
    answers = polygon.in_parallel(
        lambda tape: polygon.trades(tape.ticker, tape.starts_at, tape.ends_at),
        (tape for partition in run.partitions for tape in asked[partition]),
    )
    empty = event_trades.empty()
    for partition, tapes_of in asked.items():
        if not tapes_of or partition.session is None:
            yield Rows(partition, empty, {"requests": 0})
            continue
        trades = pl.concat(list(islice(answers, len(tapes_of))))
        follow_ons = trades.filter(pl.col("correction").is_in(FOLLOW_ONS)).height
        shown = {"requests": len(tapes_of), "trades_received": trades.height, "follow_ons_dropped": follow_ons}
        yield Rows(partition, of_events(trades, windows, partition.session), shown)


def rebuilt_minutes(stored: pl.DataFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """Minutes that lie whole inside a tape, rebuilt from its trades: session, ticker, started_at, volume, high, low."""
    session = stored["session"][0]
    started_at = pl.col("sip_at").dt.truncate("1m")
    wide = high_low_updates(pl.col("conditions"), regular(session)) & (pl.col("size") >= WHOLE_SHARE)
    minutes = (
        owned(stored.lazy(), windows, "sip_at")
        .with_columns(started_at=started_at)
        .filter(
            pl.col("started_at") >= pl.col("tape_starts_at"),
            pl.col("started_at") + pl.duration(minutes=1, time_unit="ns") <= pl.col("tape_ends_at"),
        )
    )
    return (
        minutes.sort("ticker", "sip_at", "sequence_number", maintain_order=True)
        .group_by("session", "ticker", "started_at", maintain_order=True)
        .agg(
            volume=pl.col("size").filter("updates_volume").sum(),
            high=pl.col("price").filter(wide).max(),
            low=pl.col("price").filter(wide).min(),
            priced=pl.col("updates_price").any(),
        )
        .collect()
    )


def rebuilt_bars_agree(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Volume, high and low of minutes rebuilt from the trades are those of the minute bars, in 95 % of the minutes.

    Tapes for which the service has no trade at all are not judged here: `window_coverage` names them.
    """
    if stored.is_empty():
        return Verdict(True, {"minutes": 0})
    session, letter = stored["session"][0], stored["ticker"][0][0].upper()
    here = (pl.col("session") == session) & (letter_of(pl.col("ticker")) == letter)
    windows = inputs["event_manifest"].filter(here, "admitted").select(WINDOW).collect()
    rebuilt = rebuilt_minutes(stored, windows)
    traded = owned(stored.lazy(), windows, "sip_at").select(
        pl.col("ticker").alias("_ticker"),
        "tape_starts_at",
        _last=pl.col("tape_ends_at") - pl.duration(minutes=1, time_unit="ns"),
    )
    bars = (
        inputs["minute_bars"]
        .filter(here)
        .join_where(
            traded.unique(),
            pl.col("ticker") == pl.col("_ticker"),
            pl.col("started_at") >= pl.col("tape_starts_at"),
            pl.col("started_at") <= pl.col("_last"),
        )
        .select("ticker", "started_at", "volume", "high", "low")
        .collect()
    )
    both = rebuilt.join(bars, on=["ticker", "started_at"], how="full", coalesce=True, validate="1:1", suffix="_bar")
    return _agreement(both.filter(pl.col("priced").fill_null(True) | pl.col("volume_bar").is_not_null()))


def _agreement(both: pl.DataFrame) -> Verdict:
    off = (pl.col("volume") - pl.col("volume_bar")).abs() / pl.col("volume_bar").clip(1.0)
    prices = [(pl.col(name) - pl.col(f"{name}_bar")).abs() <= PRICE_TOLERANCE for name in ("high", "low")]
    judged = both.with_columns(
        _off=off, _agrees=((off <= VOLUME_TOLERANCE) & pl.all_horizontal(prices)).fill_null(False)
    )
    minutes, agreeing = judged.height, int(judged["_agrees"].sum())
    largest = judged["_off"].max()
    shown = {
        "minutes": minutes,
        "agreeing_minutes": agreeing,
        "largest_volume_difference": float(str(largest)) if largest is not None else 0.0,
        "first_disagreement": str(judged.filter(~pl.col("_agrees")).select(DISAGREEMENT).head(1).to_dicts()),
    }
    return Verdict(agreeing >= AGREEING_SHARE * minutes, shown)


@dataset(EventTrades, Axis.LETTER, laws=(rebuilt_bars_agree,), ticks=True, file=SessionFile.TRADES)
def event_trades(
    run: Run,
    event_manifest: pl.LazyFrame,
    minute_bars: pl.LazyFrame,  # noqa: ARG001 - read by the law
    polygon: Polygon,
) -> Iterator[Rows]:
    """One request for each union of overlapping windows; ``minute_bars`` are what the trades are compared with."""
    polygon.expect(SessionFile.TRADES, requests_saved(run, event_manifest))
    yield from partitions(run, admitted(run, event_manifest), polygon)
