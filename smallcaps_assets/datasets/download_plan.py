"""What the ticks of a ticker's windows will cost: requests, rows, bytes and minutes, before they are asked for.

Source: `event_manifest` and measured averages (the rules below). Grain: one row per union of overlapping windows of
admitted events, which is what `event_trades` and `event_quotes` ask for at once. Known with the manifest, which is all
that it needs: materialize it over a span before anything of the span is downloaded. Each session says in the metadata
what it costs by REST and by the vendor's whole-day files; the last session of a run adds the table of all sessions of
the run with their total. The columns add up over any span: `file_minutes` is the union's equal share of its session's.

What can go wrong: it is an estimate. Averages are of small caps around an event; one elephant of a ticker may have a
hundred times the rows. `window_coverage` compares what came with what was planned here, and warns where they are far
apart: correct the rules then. Files hold the whole market, so their cost does not depend on the windows.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets.contract import Instant, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.event_trades import admitted
from smallcaps_assets.maths.tapes import tapes
from smallcaps_assets.partitions import Axis
from smallcaps_assets.source.routes import (
    MEAN_BYTES,
    MEGABITS_PER_SECOND,
    SessionFile,
    file_is_sooner,
    file_seconds,
    rest_seconds,
)

PAGE_ROWS = 50_000
MINUTE_NS = 60_000_000_000
MINUTES_A_DAY = 24 * 60
FILES = {"trade_requests": SessionFile.TRADES, "quote_requests": SessionFile.QUOTES}


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
    megabits_per_second: float = Field(default=MEGABITS_PER_SECOND, gt=0)
    """Of the line to the vendor's files. An assumption, as is the mean size of a file (`source/routes.py`)."""


class DownloadPlan(pa.DataFrameModel):
    """What the ticks of a union of windows will cost."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    window_starts_at: Instant = column("start of the union", unit="UTC ns")
    window_ends_at: Instant = column("end of the union, exclusive", unit="UTC ns")
    events: pl.Int64 = column("admitted events that share it", ge=1)
    trade_requests: pl.Int64 = column("pages of trades expected", ge=1)
    quote_requests: pl.Int64 = column("pages of quotes expected", ge=1)
    requests: pl.Int64 = column("both", ge=2)
    rows: pl.Int64 = column("trades and quotes expected", ge=0)
    bytes: pl.Int64 = column("expected on disk", unit="bytes", ge=0)
    minutes: float = column("expected by REST at the rate limit", unit="minutes", gt=0)
    rate_share: float = column("of the requests that the limit allows in a day", unit="share", gt=0)
    file_bytes: pl.Int64 = column(
        "the union's equal share of the session's files of trades and of quotes", unit="bytes", ge=0
    )
    file_minutes: float = column("its share of the time that these files take", unit="minutes", gt=0)

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
    asked = {
        name: pl.max_horizontal((rows / PAGE_ROWS).ceil(), 1).cast(pl.Int64)
        for name, rows in zip(FILES, (trades, quotes), strict=True)
    }
    requests = pl.sum_horizontal(*asked.values())
    minutes = requests * rest_seconds(1, config.requests_per_minute) / 60
    size = sum(MEAN_BYTES[file] for file in FILES.values())
    shared_by = pl.len().over("session")
    unions = tapes(windows).rename({"tape_starts_at": "window_starts_at", "tape_ends_at": "window_ends_at"})
    return unions.with_columns(
        **asked,
        requests=requests,
        rows=(trades + quotes).round().cast(pl.Int64),
        bytes=(trades * config.bytes_a_trade + quotes * config.bytes_a_quote).round().cast(pl.Int64),
        minutes=minutes,
        rate_share=minutes / MINUTES_A_DAY,
        file_bytes=(size / shared_by).round().cast(pl.Int64),
        file_minutes=file_seconds(size, config.megabits_per_second) / 60 / shared_by,
    )


def sooner(session: pl.DataFrame, config: DownloadPlanConfig) -> str:
    """What `SMALLCAPS_ROUTE=auto` chooses for the session's trades and quotes if the files have their mean size."""
    chosen = {
        name.removesuffix("_requests"): file_is_sooner(
            int(session[name].sum()), config.requests_per_minute, MEAN_BYTES[file], config.megabits_per_second
        )
        for name, file in FILES.items()
    }
    if session.is_empty():
        return "nothing to ask for"
    if len(set(chosen.values())) == 1:
        return "files" if chosen["trade"] else "REST"
    return ", ".join(f"{kind}s: {'file' if file else 'REST'}" for kind, file in chosen.items())


def totals(rows: pl.DataFrame) -> dict[str, Any]:
    """What some sessions cost together; requests an event are None where there is no event."""
    summed = ["events", "requests", "rows", "bytes", "minutes", "file_bytes", "file_minutes"]
    sums = rows.select(pl.col(summed).sum()).row(0, named=True)
    an_event = sums["requests"] / sums["events"] if sums["events"] else None
    return {"windows": rows.height, "requests_an_event": an_event, **sums}


def summary(rows: pl.DataFrame, config: DownloadPlanConfig) -> str:
    """The session's plan as a table."""
    cost = totals(rows)
    an_event = cost["requests_an_event"]
    lines = [
        f"| windows | {cost['windows']} |",
        f"| events | {cost['events']} |",
        f"| requests | {cost['requests']} |",
        f"| requests an event | {'–' if an_event is None else f'{an_event:.2f}'} |",
        f"| rows | {cost['rows']:,} |",
        f"| MB on disk | {cost['bytes'] / 1e6:.2f} |",
        f"| minutes by REST, at the rate limit | {cost['minutes']:.2f} |",
        f"| minutes by the session's files, {cost['file_bytes'] / 1e9:.1f} GB | {cost['file_minutes']:.2f} |",
        f"| sooner | {sooner(rows, config)} |",
    ]
    return "\n".join(["| expected | |", "|---|---:|", *lines])


def of_run(sessions: dict[str, pl.DataFrame], config: DownloadPlanConfig) -> str:
    """All sessions of a run, their total, and what the span takes by either route."""
    heading = "| session | windows | events | requests | an event | rows | MB | min by REST | min by files | sooner |"
    lines = [heading, "|---|" + "---:|" * 8 + "---|"]
    whole = pl.concat(list(sessions.values()))
    for name, rows in [*sessions.items(), ("total", whole)]:
        cost = totals(rows)
        an_event = "–" if cost["requests_an_event"] is None else f"{cost['requests_an_event']:.2f}"
        lines.append(
            f"| {name} | {cost['windows']} | {cost['events']} | {cost['requests']:,} | {an_event} | {cost['rows']:,} | "
            f"{cost['bytes'] / 1e6:,.2f} | {cost['minutes']:,.2f} | {cost['file_minutes']:,.2f} | "
            f"{'' if rows is whole else sooner(rows, config)} |"
        )
    verdict = "REST is sooner" if cost["minutes"] <= cost["file_minutes"] else "the files are sooner"
    lines.append(
        f"\nIn all {cost['requests']:,} requests, {cost['rows']:,} rows, {cost['bytes'] / 1e9:.2f} GB on disk: "
        f"{cost['minutes'] / 60:.2f} hours by REST; {cost['file_minutes'] / 60:.2f} hours by the sessions' files, "
        f"{cost['file_bytes'] / 1e9:,.0f} GB of download; {verdict}."
    )
    return "\n".join(lines)


@dataset(DownloadPlan, Axis.SESSION)
def download_plan(run: Run, event_manifest: pl.LazyFrame, config: DownloadPlanConfig) -> Iterator[Rows]:
    """The cost of each session's windows; the run's last session also shows the whole run's."""
    parts = list(run.split(plan(admitted(run, event_manifest), config)))
    for part in parts:
        cost = totals(part.frame)
        shown = {f"expected_{name}": number for name, number in cost.items() if number is not None}
        shown["plan"] = dg.MetadataValue.md(summary(part.frame, config))
        if part is parts[-1]:
            table = of_run({each.partition.key: each.frame for each in parts}, config)
            shown["plan_of_the_run"] = dg.MetadataValue.md(table)
        yield part._replace(metadata=shown)
