"""What a UTC day asked of an endpoint of the vendor: requests, errors, rows, bytes, and the share of the rate limit.

Source: the ledger, in which the client enters each attempt (`data/api_ledger`, view `api_ledger`). Grain: one row per
UTC day, service and endpoint; the emulator is a service of its own. The limit is the account's, so whatever is said of
it is said of all endpoints of the service together and repeated on each of their rows: `busiest_minute` is the
endpoint's, `service_busiest_minute` the account's. Known when it is made: it holds what had been entered by then.

What can go wrong: the ledger knows this lake's requests; what another machine asks with the same key counts against the
limit and is not seen. Minutes are those of the clock; the service may count otherwise. Two lakes never hold the same
rows here, so the hash over the lake's bytes leaves this dataset out.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets.charts import chart, table
from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.partitions import Axis

JUDGED_DAYS = 7  # the newest: what spans all sessions is made once a week
ERRORS = ("errors_429", "errors_4xx", "errors_5xx", "no_reply", "broken_replies")
OF_SERVICE = ["day", "service"]


class ApiUsageConfig(dg.Config):
    """When to warn, and how much to show."""

    warn_share: float = Field(
        default=0.8, gt=0, description="[share] of the limit in a minute; above it a check warns: little room is left"
    )
    shown_days: int = Field(default=14, ge=1, description="[days] in the tables, the newest")


class ApiUsage(pa.DataFrameModel):
    """A day's requests of an endpoint."""

    day: pl.Date = column("UTC day on which the requests were sent")
    service: str = column("the host asked; emulator for one on this machine")
    endpoint: str = column("what was asked for, as in the client's errors")
    requests: pl.Int64 = column("requests sent, retries included", ge=1)
    errors_429: pl.Int64 = column("refused: too many requests", ge=0)
    errors_4xx: pl.Int64 = column("refused otherwise; unknown tickers (404) are among them", ge=0)
    errors_5xx: pl.Int64 = column("the service failed", ge=0)
    no_reply: pl.Int64 = column("the connection broke, or the reply was not whole", ge=0)
    broken_replies: pl.Int64 = column("replies without an HTTP error that are not what was agreed", ge=0)
    retries: pl.Int64 = column("requests that repeat a failed one", ge=0)
    rows: pl.Int64 = column("rows received", ge=0)
    bytes: pl.Int64 = column("received, compressed", unit="bytes", ge=0)
    mean_ms: float = column("mean time from sending to the last byte", unit="ms", ge=0)
    p95_ms: float = column("of 95 in 100 requests the time is at most this", unit="ms", ge=0)
    busiest_minute: pl.Int64 = column("requests of the endpoint in its busiest minute", ge=1)
    service_busiest_minute: pl.Int64 = column("requests of all endpoints in the service's busiest minute", ge=1)
    limit_per_minute: pl.Int64 = column(
        "requests a minute that the client was set to, the lowest of the day; null: no limit", ge=1, nullable=True
    )
    busiest_minute_share: float = column(
        "the largest share of the limit used in a minute, all endpoints", unit="share", ge=0, nullable=True
    )
    active_minutes_share: float = column(
        "share of the limit used over the minutes with requests, all endpoints", unit="share", ge=0, nullable=True
    )
    warn_share: float = column("share above which the check warns", unit="share", gt=0)
    month_requests: pl.Int64 = column("of the service from the month's first day to this one", ge=1)
    month_bytes: pl.Int64 = column("of the service from the month's first day to this one", unit="bytes", ge=0)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["day", "service", "endpoint"]

    @pa.dataframe_check
    @classmethod
    def errors_and_retries_are_requests(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """No more went wrong, or was repeated, than was asked."""
        errors = pl.sum_horizontal(*ERRORS)
        return data.lazyframe.select((errors <= pl.col("requests")) & (pl.col("retries") <= pl.col("requests")))


def by_endpoint(requests: pl.LazyFrame) -> pl.LazyFrame:
    """Counts, sums and times of each day, service and endpoint."""
    status, wrong = pl.col("status"), pl.col("fault").is_not_null()
    classes = (
        status == 429,
        status.is_between(400, 499) & (status != 429),
        status >= 500,
        status.is_null(),
        (status < 400) & wrong,
    )
    return requests.group_by(*OF_SERVICE, "endpoint").agg(
        pl.len().cast(pl.Int64).alias("requests"),
        *(found.sum().cast(pl.Int64).alias(name) for name, found in zip(ERRORS, classes, strict=True)),
        pl.col("rows", "bytes").sum(),
        retries=(pl.col("attempt") > 1).sum().cast(pl.Int64),
        mean_ms=pl.col("milliseconds").mean(),
        p95_ms=pl.col("milliseconds").quantile(0.95, "higher"),
        busiest_minute=pl.col("minute").unique_counts().max().cast(pl.Int64),
    )


def by_service(requests: pl.LazyFrame) -> pl.LazyFrame:
    """What all endpoints of a service took of its limit each day, and from the month's first day on.

    A minute's requests that no limit holds for (files, the emulator) take no share of it.
    """
    limit = pl.when(pl.col("requests_per_minute") > 0).then("requests_per_minute")
    minutes = requests.group_by(*OF_SERVICE, "minute").agg(
        sent=pl.len().cast(pl.Int64), limited=limit.count(), limit=limit.min(), received=pl.col("bytes").sum()
    )
    allowed = pl.col("limit").sum()
    days = minutes.group_by(OF_SERVICE).agg(
        pl.col("sent").sum(),
        pl.col("received").sum(),
        service_busiest_minute=pl.col("sent").max(),
        limit_per_minute=pl.col("limit").min(),
        busiest_minute_share=(pl.col("limited") / pl.col("limit")).max(),
        active_minutes_share=pl.when(allowed > 0).then(pl.col("limited").sum() / allowed),
    )
    month = ["service", pl.col("day").dt.truncate("1mo")]
    so_far = pl.col("sent", "received").cum_sum().over(month, order_by="day")
    return days.with_columns(so_far).rename({"sent": "month_requests", "received": "month_bytes"})


def usage(ledger: pl.LazyFrame, warn_share: float) -> pl.DataFrame:
    """The ledger's requests by day, service and endpoint, newest last."""
    instant = pl.col("requested_at")
    requests = ledger.with_columns(day=instant.dt.date(), minute=instant.dt.truncate("1m"))
    rows = by_endpoint(requests).join(by_service(requests), on=OF_SERVICE, how="inner", validate="m:1")
    return (
        rows.with_columns(warn_share=pl.lit(warn_share))
        .select(ApiUsage.to_schema().columns.keys())
        .sort("day", "service", "endpoint")
        .collect()
    )


def shown(rows: pl.DataFrame, days: int) -> dict[str, Any]:
    """The newest days by endpoint, their requests as bars, and the totals of each month."""
    if rows.is_empty():
        return {"requests": 0}
    newest = rows.filter(pl.col("day") > pl.col("day").max() - timedelta(days=days))
    percent = (pl.col("busiest_minute_share", "active_minutes_share") * 100).round(1)
    of_endpoints = newest.select(
        *("day", "service", "endpoint", "requests", pl.sum_horizontal(*ERRORS).alias("errors"), "errors_429"),
        *("retries", "rows", (pl.col("bytes") / 1e6).round(2), pl.col("mean_ms", "p95_ms").round(1)),
    )
    of_days = newest.group_by(OF_SERVICE, maintain_order=True).agg(
        pl.col("requests").sum(), pl.col("limit_per_minute", "busiest_minute_share", "active_minutes_share").first()
    )
    months = rows.group_by("service", pl.col("day").dt.strftime("%Y-%m").alias("month"), maintain_order=True).agg(
        pl.col("month_requests", "month_bytes").last()
    )
    of_months = months.select("month", "service", "month_requests", (pl.col("month_bytes") / 1e6).round(1)).tail(24)
    by_day = "day | service | requests | limit a minute | % of it, busiest minute | % of it, active minutes"
    by_name = "day | service | endpoint | requests | errors | of which 429 | retries | rows | MB | mean ms | p95 ms"
    return {
        "requests": int(rows["requests"].sum()),
        "month_requests": int(months.filter(pl.col("month") == pl.col("month").max())["month_requests"].sum()),
        "months": dg.MetadataValue.md(table("month | service | requests | MB", of_months)),
        "by_day": dg.MetadataValue.md(chart(by_day, of_days.with_columns(percent), "requests")),
        "by_endpoint": dg.MetadataValue.md(table(by_name, of_endpoints)),
    }


def usage_stays_below_the_share_of_the_limit(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """In no minute of the newest seven days did the requests reach beyond the configured share of the rate limit."""
    recent = stored.filter(pl.col("day") > pl.col("day").max() - timedelta(days=JUDGED_DAYS))
    beyond = recent.filter(pl.col("busiest_minute_share") > pl.col("warn_share")).sort("busiest_minute_share")
    days = beyond.select(OF_SERVICE).unique().height
    facts: dict[str, Any] = {"days_beyond": days, "days": recent["day"].n_unique()}
    if days:
        worst = beyond.row(-1, named=True)
        facts |= {
            "worst": f"{worst['service']} on {worst['day']}: {worst['service_busiest_minute']} requests in a minute, "
            f"{worst['busiest_minute_share']:.0%} of the limit of {worst['limit_per_minute']}",
            "warns_above": worst["warn_share"],
        }
    return Verdict(days == 0, facts)


@dataset(ApiUsage, Axis.WHOLE, laws=(usage_stays_below_the_share_of_the_limit,))
def api_usage(run: Run, ledger: pl.LazyFrame, config: ApiUsageConfig) -> Iterator[Rows]:
    """All days of the ledger."""
    rows = usage(ledger, config.warn_share)
    yield from run.whole(rows, shown(rows, config.shown_days))
