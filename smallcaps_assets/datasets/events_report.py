"""A bar of a chart of all events: how many there are of a detector, segment, quarter hour, month or score, and so on.

Source: every session of `event_manifest`, and `manifest_verdict` for the table. Grain: one row per chart and bar;
`reports/events_report.html` shows the charts and the verdict, `reports/events_report.png` the charts alone. Charts:
`detector`, `segment`, `quarter hour` (New York), `month`, `score` (bins of 0.05 by their lower end; `none` while
warming up), `concentration` (events of the busiest 5 %, 10 %, … of the tickers) and `waterfall` (events left after each
of the manifest's filters). Known at the end of the last session.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.event_manifest import waterfall
from smallcaps_assets.partitions import Axis
from smallcaps_assets.reports.events_page import page
from smallcaps_assets.reports.events_plots import CHARTS, CONCENTRATION, WATERFALL, png
from smallcaps_assets.reports.folder import Reports

PAGE, PICTURE = "events_report.html", "events_report.png"
STEPS = 20  # of the concentration curve: 5 % of the tickers each
BIN = 20  # score bins: 0.05 each
NEEDED = ["session", "ticker", "detector", "segment", "triggered_at", "score", "dropped_by", "admitted"]


class EventsReport(pa.DataFrameModel):
    """A bar of a chart."""

    chart: str = column("what is counted by", isin=CHARTS)
    place: pl.Int64 = column("order of the bar within its chart", ge=1)
    label: str = column("what the bar stands for")
    events: pl.Int64 = column("in all; concentration: up to here; waterfall: left", unit="events", ge=0)
    admitted: pl.Int64 = column("of these, admitted; null in the waterfall", unit="events", ge=0, nullable=True)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("chart", "place")

    @pa.dataframe_check
    @classmethod
    def no_more_events_are_admitted_than_there_are(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Of each bar."""
        return data.lazyframe.select((pl.col("admitted") <= pl.col("events")).fill_null(True))


def labels() -> dict[str, pl.Expr]:
    """By chart that counts events, the bar to which an event belongs."""
    at = sessions.new_york(pl.col("triggered_at"))
    score = (pl.col("score") * BIN + 1e-9).floor().clip(0, BIN - 1) / BIN
    return {
        "detector": pl.col("detector"),
        "segment": pl.col("segment"),
        "quarter hour": at.dt.truncate("15m").dt.strftime("%H:%M"),
        "month": pl.col("session").dt.strftime("%Y-%m"),
        "score": pl.when(pl.col("score").is_null())
        .then(pl.lit("none"))
        .otherwise(pl.lit("0.") + (score * 100).round().cast(pl.Int64).cast(pl.String).str.zfill(2)),
    }


def counted(events: pl.DataFrame, chart: str, label: pl.Expr) -> pl.DataFrame:
    """Bars of one chart in order of their labels."""
    return (
        events.group_by(label.alias("label"))
        .agg(pl.len().alias("events"), pl.col("admitted").sum())
        .sort("label")
        .select(
            pl.lit(chart).alias("chart"), pl.int_range(1, pl.len() + 1).alias("place"), "label", "events", "admitted"
        )
    )


def concentration(events: pl.DataFrame) -> pl.DataFrame:
    """Events of the busiest tickers, in steps of 5 % of the tickers; a step holds whole tickers, rounded up."""
    by_ticker = events.group_by("ticker").agg(pl.len().alias("events"), pl.col("admitted").sum())
    ranked = by_ticker.sort("events", "ticker", descending=[True, False])
    rows = []
    for step in range(1, STEPS + 1):
        top = ranked.head(-(-ranked.height * step // STEPS))
        rows.append((CONCENTRATION, step, f"{100 * step // STEPS} %", top["events"].sum(), top["admitted"].sum()))
    return pl.DataFrame(rows, schema=["chart", "place", "label", "events", "admitted"], orient="row")


def report(events: pl.DataFrame) -> pl.DataFrame:
    """All bars of all charts."""
    left = [("input", events.height), *((name, still) for name, _, still in waterfall(events))]
    steps = [(WATERFALL, place, name, still, None) for place, (name, still) in enumerate(left, 1)]
    types = dict(events_report.empty().schema)
    frames = [
        *(counted(events, chart, label) for chart, label in labels().items()),
        concentration(events),
        pl.DataFrame(steps, schema=types, orient="row"),
    ]
    return pl.concat([frame.cast(types) for frame in frames])  # type: ignore[arg-type]


def each_chart_counts_every_event(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """The bars of each chart add up to all events; the curve's last point and the waterfall's first too."""
    there = int(inputs["event_manifest"].select(pl.len()).collect().item())
    single = {CONCENTRATION: stored["place"] == STEPS, WATERFALL: stored["place"] == 1}
    told = {}
    for chart in CHARTS:
        own = stored.filter((stored["chart"] == chart) & single.get(chart, True))
        told[chart] = int(own["events"].sum())
    wrong = {chart: count for chart, count in told.items() if count != there}
    return Verdict(not wrong, {"events": there, "differ": str(wrong)})


@dataset(EventsReport, Axis.WHOLE, laws=(each_chart_counts_every_event,))
def events_report(
    run: Run, event_manifest: pl.LazyFrame, manifest_verdict: pl.LazyFrame, reports: Reports
) -> Iterator[Rows]:
    """The bars, their picture and the page."""
    rows = report(event_manifest.select(NEEDED).collect())
    reports.write(PICTURE, png(rows, columns=1))
    verdict = manifest_verdict.sort("kind", "span", "number").collect()
    reports.write(PAGE, page(png(rows, columns=2), verdict))
    shown: dict[str, Any] = {**reports.shown(PAGE), "charts": reports.picture(PICTURE)}
    yield from run.whole(rows, shown)
