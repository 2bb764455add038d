"""An admitted event's window: what was asked for it, what came, and whether that is all.

Source: `event_manifest`, `event_trades`, `event_quotes`, and `download_plan` to compare with. Grain: one row per
admitted event. Known once its ticks are
stored. The client refuses an answer that it has not read to its last page, so a committed partition holds every row
that the service has; a window without trades is complete with zero rows, and the reason says so.

What can go wrong: the manifest may be made again after the ticks were stored. Then the partition holds events that are
not admitted any more, and an admitted event without rows may never have been asked for: it is incomplete until its
ticks are materialized again. `requests` and `pages` are of the window alone (overlapping windows share theirs); pages
are derived from the rows at 50,000 a page, dropped corrections left out.
"""

from collections.abc import Iterator, Mapping

import pandera.polars as pa
import polars as pl

from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.event_trades import admitted
from smallcaps_assets.maths.tapes import TAPE, with_tapes
from smallcaps_assets.partitions import Axis, letter_of

PAGE_ROWS = 50_000  # the vendor's largest page (spec/polygon.md 5)
EVENT = ["session", "ticker", "event_id"]
OFF_IN_REQUESTS = 2.0  # times the plan, either way: requests are what the rate limit is spent on
OFF_IN_ROWS = 10.0  # times the plan; fewer rows cost nothing, and a quiet name has a hundredth of a lively one's


class WindowCoverage(pa.DataFrameModel):
    """What came of an admitted event's window."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    event_id: str = column("the admitted event")
    window_starts_at: Instant = column("start of the window", unit="UTC ns")
    window_ends_at: Instant = column("end of the window, exclusive", unit="UTC ns")
    requests: pl.Int64 = column("one for trades and one for quotes", ge=1)
    pages: pl.Int64 = column("pages that the rows fill, one at least for each request", ge=1)
    trade_rows: pl.Int64 = column("trades stored under the event", ge=0)
    quote_rows: pl.Int64 = column("quotes that arrived in the window", ge=0)
    complete: bool = column("all that the service has of the window is stored")
    reason: str = column("complete, or what is missing, or what the service does not have")

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["session", "ticker", "event_id"]

    @pa.dataframe_check
    @classmethod
    def pages_hold_the_rows(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """At least one page a request, and room for every row."""
        room = pl.col("pages") * PAGE_ROWS >= pl.col("trade_rows") + pl.col("quote_rows")
        return data.lazyframe.select(room & (pl.col("pages") >= pl.col("requests")))


def pages(rows: pl.Expr) -> pl.Expr:
    """Pages that many rows fill; an answer without rows is a page too."""
    return pl.max_horizontal(1, (rows + PAGE_ROWS - 1) // PAGE_ROWS)


def coverage(windows: pl.DataFrame, trades: pl.DataFrame, quotes: pl.DataFrame) -> pl.DataFrame:
    """``trades`` and ``quotes``: per stored event ``trade_rows`` and ``quote_rows``, also of events not admitted."""
    letter = ["session", letter_of(pl.col("ticker")).alias("_letter")]
    counted = (
        windows.with_columns(letter[1:])
        .join(trades, on=EVENT, how="left", validate="1:1", maintain_order="left")
        .join(quotes, on=EVENT, how="left", validate="1:1", maintain_order="left")
        .with_columns(pl.col("trade_rows", "quote_rows").fill_null(0))
    )
    for kind, stored in (("trade", trades), ("quote", quotes)):
        others = stored.join(windows, on=EVENT, how="anti").with_columns(letter[1:])
        stale = others.select("session", "_letter").unique().with_columns(pl.lit(True).alias(f"_stale_{kind}"))
        counted = counted.join(stale, on=["session", "_letter"], how="left", validate="m:1", maintain_order="left")
    lacks = {
        kind: (pl.col(f"{kind}_rows") == 0) & pl.col(f"_stale_{kind}").fill_null(False) for kind in ("trade", "quote")
    }
    reason = (
        pl.when(lacks["trade"] & lacks["quote"])
        .then(pl.lit("stored for another manifest: materialize event_trades and event_quotes again"))
        .when(lacks["trade"])
        .then(pl.lit("trades stored for another manifest: materialize event_trades again"))
        .when(lacks["quote"])
        .then(pl.lit("quotes stored for another manifest: materialize event_quotes again"))
        .when((pl.col("trade_rows") == 0) & (pl.col("quote_rows") == 0))
        .then(pl.lit("complete: the service has neither trades nor quotes in the window"))
        .when(pl.col("trade_rows") == 0)
        .then(pl.lit("complete: the service has no trades in the window"))
        .when(pl.col("quote_rows") == 0)
        .then(pl.lit("complete: the service has no quotes in the window"))
        .otherwise(pl.lit("complete"))
    )
    return counted.with_columns(
        requests=pl.lit(2, dtype=pl.Int64),
        pages=(pages(pl.col("trade_rows")) + pages(pl.col("quote_rows"))).cast(pl.Int64),
        complete=~(lacks["trade"] | lacks["quote"]),
        reason=reason,
    ).select(window_coverage.empty().columns)


def every_admitted_event_is_complete(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """No admitted event's ticks are missing; events without any trade are counted."""
    lacking = stored.filter(~pl.col("complete"))
    shown = {
        "events": stored.height,
        "without_trades": stored.filter(pl.col("trade_rows") == 0).height,
        "without_quotes": stored.filter(pl.col("quote_rows") == 0).height,
        "incomplete": lacking.height,
        "first_reason": lacking["reason"][0] if lacking.height else "",
        "inputs": len(inputs),
    }
    return Verdict(lacking.is_empty(), shown)


def of_tapes(stored: pl.DataFrame) -> pl.DataFrame:
    """Rows of each union of windows, and the requests they need: pages of trades and of quotes.

    Exact where windows do not overlap; where they do, the sum of their rows times the union's share of their lengths.
    """
    length = pl.col("window_ends_at") - pl.col("window_starts_at")
    counted = (
        with_tapes(stored)
        .group_by(*TAPE, "tape_ends_at", maintain_order=True)
        .agg(pl.col("trade_rows", "quote_rows").sum(), _length=length.sum())
    )
    share = (pl.col("tape_ends_at") - pl.col("tape_starts_at")) / pl.col("_length")
    rows = (pl.col("trade_rows", "quote_rows") * share).round().cast(pl.Int64)
    requests = pages(pl.col("trade_rows")) + pages(pl.col("quote_rows"))
    return counted.with_columns(rows).with_columns(requests=requests).drop("_length")


def what_came_is_near_the_plan(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """The requests that the rows need are half to twice `download_plan`'s, and the rows at most ten times as many."""
    if stored.is_empty():
        return Verdict(True, {"windows": 0})
    session, letter = stored["session"][0], stored["ticker"][0][0].upper()
    here = (pl.col("session") == session) & (letter_of(pl.col("ticker")) == letter)
    planned = inputs["download_plan"].filter(here).select("requests", "rows").collect()
    came = of_tapes(stored)
    requests, expected_requests = int(came["requests"].sum()), int(planned["requests"].sum())
    rows, expected_rows = int((came["trade_rows"] + came["quote_rows"]).sum()), int(planned["rows"].sum())
    near = expected_requests <= OFF_IN_REQUESTS * requests and requests <= OFF_IN_REQUESTS * expected_requests
    shown = {
        "windows": came.height,
        "windows_planned": planned.height,
        "requests": requests,
        "requests_planned": expected_requests,
        "rows": rows,
        "rows_planned": expected_rows,
    }
    return Verdict(near and rows <= OFF_IN_ROWS * expected_rows, shown)


@dataset(WindowCoverage, Axis.LETTER, laws=(every_admitted_event_is_complete, what_came_is_near_the_plan))
def window_coverage(
    run: Run,
    event_manifest: pl.LazyFrame,
    event_trades: pl.LazyFrame,
    event_quotes: pl.LazyFrame,
    download_plan: pl.LazyFrame,  # noqa: ARG001 - read by the law
) -> Iterator[Rows]:
    """One row for each admitted event of the run; ``download_plan`` is what came is compared with."""
    wanted = run.wanted(pl.col("ticker"))
    trades = event_trades.filter(wanted).group_by(EVENT).agg(trade_rows=pl.len().cast(pl.Int64))
    quotes = event_quotes.filter(wanted).group_by(EVENT).agg(quote_rows=pl.col("quotes").sum().cast(pl.Int64))
    yield from run.split(coverage(admitted(run, event_manifest), trades.collect(), quotes.collect()))
