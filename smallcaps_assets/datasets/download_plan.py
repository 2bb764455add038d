"""What the ticks of a ticker's windows will cost: requests, rows, bytes and minutes, before they are asked for.

Source: `event_manifest` and measured averages (the rules below). Grain: one row per union of overlapping windows of
admitted events, which is what `event_trades` and `event_quotes` ask for at once. Known with the manifest.

What can go wrong: it is an estimate. Averages are of small caps around an event; one elephant of a ticker may have a
hundred times the rows. Compare with `window_coverage` after a download and correct the rules.
"""

from collections.abc import Iterator

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets.contract import Instant, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.event_trades import admitted
from smallcaps_assets.maths.tapes import tapes
from smallcaps_assets.partitions import Axis

PAGE_ROWS = 50_000
MINUTE_NS = 60_000_000_000
MINUTES_A_DAY = 24 * 60


class DownloadPlanConfig(dg.Config):
    """Averages to reckon with, and the limit to reckon against."""

    trades_a_minute: float = Field(default=120.0, gt=0)
    """Trades; VXRT and BCRX on their momentum days of 2020 had 124 and 114 in windows of 40 minutes."""
    quotes_a_minute: float = Field(default=500.0, gt=0)
    """Quotes; BAC, IBM and AIG had 125 to 1,223 in such windows of October 2013, 507 in the mean."""
    bytes_a_trade: float = Field(default=8.0, gt=0)
    """Bytes stored, zstd Parquet; those windows took 7.8 a trade."""
    bytes_a_quote: float = Field(default=1.0, gt=0)
    """Bytes stored for each quote that arrives, several of which make one row of a second: 0.93 there."""
    requests_per_minute: int = Field(default=500, gt=0)
    """Requests; the account's limit, as the client is set (spec/polygon.md 14)."""


class DownloadPlan(pa.DataFrameModel):
    """What the ticks of a union of windows will cost."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    window_starts_at: Instant = column("start of the union", unit="UTC ns")
    window_ends_at: Instant = column("end of the union, exclusive", unit="UTC ns")
    events: pl.Int64 = column("admitted events that share it", ge=1)
    requests: pl.Int64 = column("pages of trades and of quotes expected", ge=2)
    rows: pl.Int64 = column("trades and quotes expected", ge=0)
    bytes: pl.Int64 = column("expected on disk", unit="bytes", ge=0)
    minutes: float = column("expected at the rate limit", unit="minutes", gt=0)
    rate_share: float = column("of the requests that the limit allows in a day", unit="share", gt=0)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["session", "ticker", "window_starts_at"]

    @pa.dataframe_check
    @classmethod
    def window_ends_after_it_starts(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """A window has a length."""
        return data.lazyframe.select(pl.col("window_starts_at") < pl.col("window_ends_at"))


def plan(windows: pl.DataFrame, config: DownloadPlanConfig) -> pl.DataFrame:
    """The unions of the windows with what each is expected to cost."""
    length = (pl.col("window_ends_at") - pl.col("window_starts_at")).cast(pl.Int64) / MINUTE_NS
    trades, quotes = (length * rate for rate in (config.trades_a_minute, config.quotes_a_minute))
    requests = sum((pl.max_horizontal((rows / PAGE_ROWS).ceil(), 1) for rows in (trades, quotes)), pl.lit(0))
    stored = trades * config.bytes_a_trade + quotes * config.bytes_a_quote
    unions = tapes(windows).rename({"tape_starts_at": "window_starts_at", "tape_ends_at": "window_ends_at"})
    return unions.with_columns(
        requests=requests.cast(pl.Int64),
        rows=(trades + quotes).round().cast(pl.Int64),
        bytes=stored.round().cast(pl.Int64),
        minutes=requests / config.requests_per_minute,
        rate_share=requests / (config.requests_per_minute * MINUTES_A_DAY),
    )


def summary(rows: pl.DataFrame) -> str:
    """The session's plan as a table."""
    sums = rows.select(pl.col("events", "requests", "rows", "bytes", "minutes").sum()).row(0, named=True)
    lines = [
        f"| windows | {rows.height} |",
        f"| events | {sums['events']} |",
        f"| requests | {sums['requests']} |",
        f"| rows | {sums['rows']:,} |",
        f"| MB on disk | {sums['bytes'] / 1e6:.2f} |",
        f"| minutes at the rate limit | {sums['minutes']:.2f} |",
    ]
    return "\n".join(["| expected | |", "|---|---:|", *lines])


@dataset(DownloadPlan, Axis.SESSION)
def download_plan(run: Run, event_manifest: pl.LazyFrame, config: DownloadPlanConfig) -> Iterator[Rows]:
    """The cost of each session's windows."""
    for part in run.split(plan(admitted(run, event_manifest), config)):
        yield part._replace(metadata={"plan": dg.MetadataValue.md(summary(part.frame))})
