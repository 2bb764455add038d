"""A sampled event and whether people say that it is right: the precision of the detectors, judged by eye.

Source: every session of `event_manifest` (dropped events too, since it is the detectors that are judged), `minute_bars`
for the pictures, and the verdict files in `inbox/event_review/*.json` of the lake. Grain: one row per sampled event:
`events` of them shared out by detector as equally as there are events, by a hash of the id, never by time or chance.
`reports/event_review.html` shows them blind, in order of `place`; its save button writes the verdict files.

Each reviewer's latest verdict counts; where reviewers disagree the event is `unsure`. Precision is right over right and
wrong; overall it is weighted by the detectors' events. Files that are not verdicts are refused whole; they, verdicts of
events that the manifest lacks and those outside the sample are counted in the metadata and count for nothing else.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.maths.precision import Precision, precision
from smallcaps_assets.maths.stratified_sample import sample
from smallcaps_assets.partitions import Axis
from smallcaps_assets.reports import event_chart, verdict_files
from smallcaps_assets.reports.candles import Candles
from smallcaps_assets.reports.folder import Reports
from smallcaps_assets.reports.review_page import Card, page
from smallcaps_assets.reports.verdict_files import Told

PAGE = "event_review.html"
RIGHT, WRONG, UNSURE = "right", "wrong", "unsure"
TOLD = [
    "session",
    "ticker",
    "event_id",
    "detector",
    "direction",
    "segment",
    "triggered_at",
    "known_at",
    "score",
    "admitted",
]


class ReviewRules(dg.Config):
    """How many events are looked at, and which."""

    events: int = Field(default=60, ge=50, le=100, description="[events] sampled, fewer if there are not as many")
    least_precision: float = Field(default=0.70, description="[share] that the whole interval must reach: the bar")
    enough_judged: int = Field(default=30, ge=1, description="[events] right or wrong; fewer warn of nothing")
    admitted_only: bool = Field(default=False, description="whether only events that the manifest admits are sampled")


class EventReview(pa.DataFrameModel):
    """A sampled event and its verdict."""

    place: pl.Int64 = column("order on the page, by hash of the id", ge=1)
    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    event_id: str = column("of the manifest", unique=True)
    detector: str = column("which pattern; the stratum")
    direction: str = column("of the move", isin=["up", "down"])
    segment: str = column("PM, RTH or AH", isin=["PM", "RTH", "AH"])
    triggered_at: Instant = column("start of the bar that completed it", unit="UTC ns")
    known_at: Instant = column("end of that bar; the blind picture ends here", unit="UTC ns")
    score: float = column("of the manifest; hidden until judged", ge=0, le=1, nullable=True)
    admitted: bool = column("whether the manifest admits it")
    stratum_events: pl.Int64 = column("of its detector", unit="events", ge=1)
    weight: float = column("events that it stands for: its detector's over those sampled of it", unit="events", ge=1)
    verdict: str = column("that all reviewers share; null: none yet", isin=[RIGHT, WRONG, UNSURE], nullable=True)
    reviewers: pl.Int64 = column("who judged it", ge=0)
    reviewer: str = column("their names", nullable=True)
    reviewed_at: Instant = column("of the latest verdict, by the reviewer's clock", unit="UTC ns", nullable=True)
    note: str = column("what they noted", nullable=True)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("place",)

    @pa.dataframe_check
    @classmethod
    def an_event_has_a_verdict_exactly_when_it_has_a_reviewer(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """And an instant."""
        judged = pl.col("verdict").is_not_null()
        alike = (judged == (pl.col("reviewers") > 0)) & (judged == pl.col("reviewed_at").is_not_null())
        return data.lazyframe.select(alike)


def agreed(told: Told) -> pl.DataFrame:
    """By event, the verdict that its reviewers share, or unsure."""
    noted = pl.col("note").filter(pl.col("note") != "")
    return (
        told.verdicts.sort("event_id", "reviewer")
        .group_by("event_id", maintain_order=True)
        .agg(
            verdict=pl.when(pl.col("verdict").n_unique() == 1)
            .then(pl.col("verdict").first())
            .otherwise(pl.lit(UNSURE)),
            reviewers=pl.len().cast(pl.Int64),
            reviewer=pl.col("reviewer").str.join(", "),
            reviewed_at=pl.col("reviewed_at").max(),
            note=pl.when(noted.len() > 0).then(noted.str.join(" | ")),
        )
    )


def reviewed(events: pl.DataFrame, told: Told, wanted: int) -> pl.DataFrame:
    """The sample of the events with their verdicts."""
    drawn = sample(events, "event_id", "detector", wanted).join(
        agreed(told), on="event_id", how="left", maintain_order="left", validate="1:1"
    )
    return drawn.select(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("place"),
        *TOLD,
        pl.col("stratum_size").alias("stratum_events"),
        (pl.col("stratum_size") / pl.col("stratum_drawn")).alias("weight"),
        "verdict",
        pl.col("reviewers").fill_null(0),
        "reviewer",
        "reviewed_at",
        "note",
    )


def precisions(rows: pl.DataFrame) -> dict[str, Precision]:
    """By detector, and ``all`` last."""
    strata = rows.group_by("detector").agg(
        pl.first("stratum_events"),
        (pl.col("verdict") == RIGHT).sum(),
        pl.col("verdict").is_in([RIGHT, WRONG]).sum().alias("n"),
    )
    by_name = {name: counts for name, *counts in strata.sort("detector").rows()}
    found = {name: precision([(size, right, judged)]) for name, (size, right, judged) in by_name.items()}
    return found | {"all": precision((size, right, judged) for size, right, judged in by_name.values())}


def standing(overall: Precision, rules: ReviewRules) -> str:
    """How the precision stands against the bar, in words."""
    if overall.low is None or overall.judged < rules.enough_judged:
        return f"not yet reviewed: {overall.judged} of at least {rules.enough_judged} events judged right or wrong"
    return f"{'reaches' if overall.low >= rules.least_precision else 'misses'} the bar of {rules.least_precision:.0%}"


def precision_reaches_the_bar(
    stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame], config: ReviewRules
) -> Verdict:
    """The lower end of the overall precision's 95 % interval is 70 % or more, once 30 events are judged."""
    overall = precisions(stored)["all"]
    shown = {"standing": standing(overall, config), "judged": overall.judged, **_interval(overall)}
    too_few = overall.judged < config.enough_judged
    return Verdict(too_few or (overall.low is not None and overall.low >= config.least_precision), shown)


def _interval(found: Precision) -> dict[str, float]:
    ends = {"precision": found.share, "low": found.low, "high": found.high}
    return {name: end for name, end in ends.items() if end is not None}


def left_out(told: Told, rows: pl.DataFrame, known: pl.Series) -> dict[str, Any]:
    """What the verdict files hold and did not count."""
    ids = told.verdicts["event_id"]
    names = [f"| {name} | {fault} |" for name, fault in told.refused]
    shown: dict[str, Any] = {
        "verdict_files": told.files,
        "files_refused": len(told.refused),
        "verdicts_of_unknown_events": int((~ids.is_in(known.implode())).sum()),
        "verdicts_outside_the_sample": int((ids.is_in(known.implode()) & ~ids.is_in(rows["event_id"].implode())).sum()),
        "verdicts_superseded": told.superseded,
    }
    if names:
        shown["refused"] = dg.MetadataValue.md("\n".join(["| file | fault |", "|---|---|", *names]))
    return shown


def shown(rows: pl.DataFrame, rules: ReviewRules) -> dict[str, Any]:
    """The precisions as a table, and how they stand."""
    lines = []
    found = precisions(rows)
    for name, one in found.items():
        of = rows if name == "all" else rows.filter(detector=name)
        share, low, high = ("–" if end is None else f"{end:.1%}" for end in one[:3])
        unsure = int((of["verdict"] == UNSURE).sum())
        lines.append(f"| {name} | {of.height} | {one.judged} | {unsure} | {share} | {low} | {high} |")
    heading = [
        "| detector | sampled | judged | unsure | precision | low | high |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    return {
        "standing": standing(found["all"], rules),
        "judged": found["all"].judged,
        "precision": dg.MetadataValue.md("\n".join([*heading, *lines])),
    }


def cards(rows: pl.DataFrame, minutes: pl.LazyFrame) -> Iterator[Card]:
    """The sample's pictures; ``ValueError`` names an event whose minutes are not there."""
    chosen = rows.select("session", "ticker").unique()
    bars = (
        minutes.filter(pl.col("session").is_in(chosen["session"].unique().implode()))
        .filter(pl.col("ticker").is_in(chosen["ticker"].unique().implode()))
        .join(chosen.lazy(), on=["session", "ticker"], how="semi")
        .sort("session", "ticker", "started_at")
        .collect(engine="streaming")
        .partition_by("session", "ticker", as_dict=True)
    )
    candles = Candles()
    for row in rows.with_columns(at=pl.col("triggered_at").cast(pl.Int64)).iter_rows(named=True):
        own = bars.get((row["session"], row["ticker"]))
        if own is None:
            raise ValueError(f"event_review: minute_bars has no minutes of {row['event_id']}'s session")
        blind, revealed = (
            picture(own, row["at"], up=row["direction"] == "up")
            for picture in (event_chart.blind, event_chart.revealed)
        )
        score = "no score" if row["score"] is None else f"score {row['score']:.2f}"
        facts = f"{row['ticker']} on {row['session']}, {row['segment']}, {score}, {row['event_id']}"
        yield Card(row["event_id"], row["detector"], row["direction"], candles.png(blind), candles.png(revealed), facts)


@dataset(EventReview, Axis.WHOLE, laws=(precision_reaches_the_bar,))
def event_review(
    run: Run,
    event_manifest: pl.LazyFrame,
    minute_bars: pl.LazyFrame,
    inbox: Path,
    reports: Reports,
    config: ReviewRules,
) -> Iterator[Rows]:
    """The sample, its page and its verdicts."""
    events = event_manifest.select(TOLD).collect()
    told = verdict_files.read(inbox / verdict_files.FOLDER)
    rows = reviewed(events.filter(pl.col("admitted") | (not config.admitted_only)), told, config.events)
    reports.write(PAGE, page(list(cards(rows, minute_bars))))
    yield from run.whole(rows, reports.shown(PAGE) | shown(rows, config) | left_out(told, rows, events["event_id"]))
