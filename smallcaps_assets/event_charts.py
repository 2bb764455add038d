"""Events as charts in the UI: what kinds, when, how well they score, and how much a few tickers have of them.

Each is a markdown table of some lines, however many events there are. Where the events carry ``admitted``, a column
counts those that are.
"""

from collections.abc import Mapping

import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.charts import chart

TENTHS = 10
BUSIEST = 20  # tickers that the checks look at
PARTS = (0.01, 0.05, 0.10, 0.20, 0.50, 1.00)  # of the tickers, the busiest first


def percent(part: pl.Expr) -> pl.Expr:
    """Of the column's sum, to a tenth of a percent."""
    return (100.0 * part / part.sum()).fill_nan(0.0).round(1)


def counted(events: pl.DataFrame, heading: str, value: pl.Expr, order: str | None = None) -> str:
    """Events by a value, in its order or the most frequent first (``order="events"``), with shares and bars."""
    admitted = {"admitted": pl.col("admitted").sum()} if "admitted" in events.columns else {}
    rows = (
        events.group_by(value.alias(heading))
        .agg(pl.len().cast(pl.Int64).alias("events"), **admitted)
        .sort(*([order] if order else []), heading, descending=[True, False] if order else False)
        .with_columns(percent(pl.col("events")).alias("%"))
    )
    return chart(" | ".join(rows.columns), rows, "events")


def by_tenths(events: pl.DataFrame) -> str:
    """Scores by tenths of their range, about as many in each if the past tells anything; and how many have none."""
    low = (events["score"].drop_nulls() * TENTHS).floor().clip(0, TENTHS - 1).cast(pl.Int64)
    counts = [low.eq(tenth).sum() for tenth in range(TENTHS)]
    labels = [f"{tenth / TENTHS:.1f} to {(tenth + 1) / TENTHS:.1f}" for tenth in range(TENTHS)]
    rows = pl.DataFrame({"score": labels, "events": counts}).with_columns(percent(pl.col("events")).alias("%"))
    return f"{chart(' | '.join(rows.columns), rows, 'events')}\n\n{events['score'].null_count()} events have no score."


def by_half_hour(events: pl.DataFrame) -> str:
    """Events by half hour of the New York day in which their bar started."""
    return counted(
        events, "New York time", sessions.new_york(pl.col("triggered_at")).dt.truncate("30m").dt.strftime("%H:%M")
    )


def concentration(events: pl.DataFrame) -> str:
    """What share of the events the busiest tickers have: a Lorenz curve as a table."""
    counts = events.group_by("ticker").len("events").sort("events", "ticker", descending=[True, False])["events"]
    if counts.is_empty():
        return "no events"
    shown = {min(BUSIEST, len(counts)), *(max(1, round(part * len(counts))) for part in PARTS)}
    held = [(tickers, int(counts.head(tickers).sum())) for tickers in sorted(shown)]
    rows = pl.DataFrame(
        [(n, round(100 * n / len(counts), 1), k, round(100 * k / counts.sum(), 1)) for n, k in held],
        ["busiest tickers", "% of the tickers", "events", "% of the events"],
        orient="row",
    )
    return chart(" | ".join(rows.columns), rows, "events")


def charts(events: pl.DataFrame) -> Mapping[str, str]:
    """By name, the charts of events with session, ticker, detector, segment, triggered_at and score."""
    return {
        "by_detector": counted(events, "detector", pl.col("detector"), "events"),
        "by_segment": counted(events, "segment", pl.col("segment"), "events"),
        "by_half_hour": by_half_hour(events),
        "by_month": counted(events, "month", pl.col("session").dt.strftime("%Y-%m")),
        "by_score": by_tenths(events),
        "concentration": concentration(events),
    }
