"""A second of an admitted event's window in which a quote arrived: its last valid NBBO, and how the spread stood.

Source: the vendor's quotes endpoint, one request for each union of overlapping windows of a ticker. Grain: one row per
event and second with a quote; a second without a row is one in which the quote before it stood on. Known at the end of
the second, `second_at` + 1 s: a reader in mid-second must not use the row.

What can go wrong: one-sided quotes (zero bid or ask) and unflagged crossed quotes are not valid, and a second that has
no other keeps its row with null prices; vendor sizes are round lots before 2025-11-03 and are in shares here on both
sides; locked and crossed time is counted whether the tape flagged it or not. Halves of the quotes' history are missing
for some plans: such windows have trades and no quotes, which `window_coverage` tells.
"""

from collections.abc import Iterator
from itertools import islice

import pandera.polars as pa
import polars as pl

from smallcaps_assets.contract import Instant, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.event_trades import admitted, requests, requests_saved
from smallcaps_assets.maths.nbbo import in_shares, seconds
from smallcaps_assets.maths.tapes import windows_holding
from smallcaps_assets.partitions import Axis
from smallcaps_assets.source.polygon import Polygon
from smallcaps_assets.source.routes import SessionFile

SECOND_NS = 1_000_000_000


class EventQuotes(pa.DataFrameModel):
    """A second of an event's window in which a quote arrived."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    event_id: str = column("the admitted event whose window holds the second")
    second_at: Instant = column("start of the second; the row is known a second later", unit="UTC ns")
    bid_price: float = column("last valid bid of the second; null if it had none", unit="USD", gt=0, nullable=True)
    bid_size: float = column("size at the bid", unit="shares", ge=0, nullable=True)
    ask_price: float = column("last valid ask of the second; null if it had none", unit="USD", gt=0, nullable=True)
    ask_size: float = column("size at the ask", unit="shares", ge=0, nullable=True)
    quotes: pl.Int64 = column("quotes that arrived in the second, valid or not", ge=1)
    spread_twa: float = column(
        "time-weighted mean spread over the second, the quote carried into it included", unit="USD", ge=0, nullable=True
    )
    spread_min: float = column("smallest spread that was quoted or carried in", unit="USD", ge=0, nullable=True)
    spread_max: float = column("largest spread that was quoted or carried in", unit="USD", ge=0, nullable=True)
    locked_ns: pl.Int64 = column("time at which bid and ask were equal", unit="ns", ge=0, le=SECOND_NS)
    crossed_ns: pl.Int64 = column("time at which the bid was above the ask", unit="ns", ge=0, le=SECOND_NS)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["session", "ticker", "event_id", "second_at"]

    @pa.dataframe_check
    @classmethod
    def mean_spread_lies_between_least_and_greatest(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Least ≤ time-weighted mean ≤ greatest."""
        between = pl.col("spread_twa").is_between("spread_min", "spread_max")
        return data.lazyframe.select(between.fill_null(True))

    @pa.dataframe_check
    @classmethod
    def locked_and_crossed_time_fit_in_the_second(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """A market is locked or crossed, not both."""
        return data.lazyframe.select(pl.col("locked_ns") + pl.col("crossed_ns") <= SECOND_NS)

    @pa.dataframe_check
    @classmethod
    def both_sides_are_quoted_or_neither(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """A valid quote has two sides."""
        absent = [pl.col(name).is_null() for name in ("bid_price", "bid_size", "ask_price", "ask_size")]
        return data.lazyframe.select(pl.all_horizontal(absent) | ~pl.any_horizontal(absent))


def of_events(quotes: pl.DataFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """The seconds of each event, from a session's quotes as the vendor sends them."""
    session = windows["session"][0]
    sized = quotes.lazy().with_columns(
        session=pl.lit(session),
        bid_size=in_shares(pl.col("bid_size"), pl.lit(session)),
        ask_size=in_shares(pl.col("ask_size"), pl.lit(session)),
    )
    return seconds(windows_holding(sized, windows, "sip_at").collect())


def partitions(run: Run, windows: pl.DataFrame, polygon: Polygon) -> Iterator[Rows]:
    """Each partition's seconds, requested ahead across partitions and handed over one partition at a time."""
    asked = requests(run, windows)
    answers = polygon.in_parallel(
        lambda tape: polygon.quotes(tape.ticker, tape.starts_at, tape.ends_at),
        (tape for partition in run.partitions for tape in asked[partition]),
    )
    empty = event_quotes.empty()
    for partition, tapes_of in asked.items():
        if not tapes_of:
            yield Rows(partition, empty, {"requests": 0})
            continue
        quotes = pl.concat(list(islice(answers, len(tapes_of))))
        rows = of_events(quotes, windows.filter(session=partition.session))
        unquoted = int(rows["bid_price"].is_null().sum())
        shown = {"requests": len(tapes_of), "quotes_received": quotes.height, "seconds_without_valid_quote": unquoted}
        yield Rows(partition, rows, shown)


@dataset(EventQuotes, Axis.LETTER, ticks=True, file=SessionFile.QUOTES)
def event_quotes(run: Run, event_manifest: pl.LazyFrame, polygon: Polygon) -> Iterator[Rows]:
    """One request for each union of overlapping windows."""
    polygon.expect(SessionFile.QUOTES, requests_saved(run, event_manifest))
    yield from partitions(run, admitted(run, event_manifest), polygon)
