"""Whether the whole manifest is fit to be downloaded: one check a row, its figure, its bound, GO or NO-GO.

Source: every session of `event_manifest`. Grain: one row per check. Three kinds: the 13 `go` checks look at the
admitted events; the six `quality` checks look at all events, as the first system's did, with the counts that theirs
lacked; the `power` checks ask of each filter whether it lets between 1 % and 99 % pass, because a gate that passes all
or nothing decides nothing. Counts of a full history (754 sessions) are scaled to the sessions there are. A figure that
cannot be given is null, and NO-GO.

What can go wrong: storage and time rest on the averages in the rules; compare with `download_plan` and
`window_coverage`. While scores warm up, the checks on scores say NO-GO, which is the truth.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets import sessions
from smallcaps_assets.contract import column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.event_manifest import one_profile, waterfall
from smallcaps_assets.maths.selection import PROFILES, Profile
from smallcaps_assets.partitions import Axis

GO, NO_GO = "GO", "NO-GO"
KINDS = ("go", "quality", "power")
TOP = 20  # busiest tickers
MINUTES_A_DAY = 24 * 60
NEEDED = [
    "session", "ticker", "event_id", "detector", "direction", "segment", "triggered_at", "known_at", "close", "volume",
    "bar_dollar_volume", "score", "profile", "dropped_by", "admitted", "window_starts_at", "window_ends_at",
]  # fmt: skip
MAY_BE_NULL = ("score", "dropped_by")


class VerdictRules(dg.Config):
    """Bounds of the 13 checks that are counts, and what an event costs."""

    full_sessions: int = Field(
        default=754, description="[sessions] of the history that the counts are meant for: 3 years"
    )
    least_events: float = Field(default=8_000, description="[events] of core at full history; other profiles by budget")
    most_events: float = Field(default=12_000, description="[events] of core at full history; other profiles by budget")
    least_tickers: float = Field(default=400, description="[tickers] at full history")
    least_months: float = Field(default=30 / 36, description="[share] of the months that have an admitted event")
    megabytes_an_event: float = Field(
        default=11.7, description="[MB] trades 8.5 and quotes 3.2: first system's medians"
    )
    requests_an_event: float = Field(default=4, description="[requests] two pages each of trades and quotes")
    requests_per_minute: float = Field(default=500, gt=0, description="[1/min] the configured rate")
    most_gigabytes: float = Field(default=250, description="[GB] projected to full history")
    most_download_days: float = Field(default=3, description="[days] projected to full history")


class ManifestVerdict(pa.DataFrameModel):
    """A check of the whole manifest."""

    kind: str = column("go, quality or power", isin=KINDS)
    number: pl.Int64 = column("order within its kind", ge=1)
    check: str = column("what is checked")
    figure: float = column("what was found; unit as in the bound", nullable=True)
    bound: str = column("what it must be")
    verdict: str = column("whether it is", isin=[GO, NO_GO])

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("kind", "number")


class Check(NamedTuple):
    """One check before it is numbered."""

    kind: str
    check: str
    figure: float | None
    bound: str
    holds: bool


def within(
    kind: str, check: str, figure: float | None, least: float | None, most: float | None, unit: str = ""
) -> Check:
    """Least ≤ figure ≤ most, each if given; an unknown figure does not hold."""
    bounds = [f"≥ {least:g}{unit}" if least is not None else "", f"≤ {most:g}{unit}" if most is not None else ""]
    holds = figure is not None and (least is None or figure >= least) and (most is None or figure <= most)
    return Check(kind, check, figure, ", ".join(filter(None, bounds)) or "none", holds)


def under(kind: str, check: str, figure: float | None, most: float, unit: str = "") -> Check:
    """Figure < most; an unknown figure does not hold."""
    return Check(kind, check, figure, f"< {most:g}{unit}", figure is not None and figure < most)


def shares(events: pl.DataFrame, name: str) -> dict[str, float]:
    """By value of a column, its percentage of the events, the greatest first."""
    counts = events[name].value_counts().sort("count", name, descending=[True, False])
    return {value: 100.0 * count / events.height for value, count in counts.rows()}


def share_of(events: pl.DataFrame, *segments: str) -> float | None:
    """Percentage of the events in the segments."""
    return sum(shares(events, "segment").get(name, 0.0) for name in segments) if events.height else None


def greatest(events: pl.DataFrame, name: str, count: int = 1) -> float | None:
    """Percentage of the events that have one of the ``count`` most frequent values of a column."""
    return sum(list(shares(events, name).values())[:count]) if events.height else None


def wrong_segments(events: pl.DataFrame) -> int:
    """Events whose segment is not that of New York's clock."""
    at = sessions.with_hours(events.lazy().select("session", "triggered_at", "segment"))
    return int(
        at.select((sessions.segment(pl.col("triggered_at")).ne_missing(pl.col("segment"))).sum()).collect().item()
    )


def months(events: pl.DataFrame) -> set[tuple[int, int]]:
    """The calendar months of the sessions."""
    return {(session.year, session.month) for session in events["session"].unique()}


def go_checks(events: pl.DataFrame, profile: Profile, rules: VerdictRules) -> list[Check]:
    """The 13 checks of the admitted events."""
    admitted = events.filter("admitted")
    span = sessions.between(events["session"].min(), events["session"].max())  # type: ignore[arg-type]
    part = len(span) / rules.full_sessions
    budget, core = profile.budget, PROFILES["core"].budget or 1
    by_profile = part * budget / core if budget else None
    least, most = (bound * by_profile if by_profile else None for bound in (rules.least_events, rules.most_events))
    projected = admitted.height / part
    spanned = {(session.year, session.month) for session in span}
    median = admitted["score"].median()
    nulls = sum(admitted[name].null_count() for name in NEEDED if name not in MAY_BE_NULL)
    days = projected * rules.requests_an_event / rules.requests_per_minute / MINUTES_A_DAY
    return [
        within("go", "events", admitted.height, least, most),
        within("go", "tickers", admitted["ticker"].n_unique(), rules.least_tickers * part, None),
        within("go", "PM share", share_of(admitted, "PM"), 10, 20, " %"),
        within("go", "RTH share", share_of(admitted, "RTH"), 75, 85, " %"),
        within("go", "AH share", share_of(admitted, "AH"), 3, 10, " %"),
        within("go", "median score", float(median) if isinstance(median, float) else None, 0.70, None),
        under("go", "20 busiest tickers", greatest(admitted, "ticker", TOP), 25, " %"),
        within("go", "nulls in mandatory columns", nulls, None, 0),
        under("go", "projected storage", projected * rules.megabytes_an_event / 1_000, rules.most_gigabytes, " GB"),
        under("go", "projected download", days, rules.most_download_days, " days"),
        under("go", "largest detector", greatest(admitted, "detector"), 60, " %"),
        within("go", "months covered", len(months(admitted)) / len(spanned), rules.least_months, None),
        within("go", "segments that disagree with New York", wrong_segments(admitted), None, 0),
    ]


def quality_checks(events: pl.DataFrame) -> list[Check]:
    """The six checks of all events; the second has two figures and counts as two rows."""
    scores = events["score"].drop_nulls()
    high = 100.0 * scores.filter(scores >= 0.70).len() / len(scores) if len(scores) else None
    a_ticker = events.group_by("ticker").len()["len"].median()
    return [
        within("quality", "largest detector", greatest(events, "detector"), None, 60, " %"),
        within("quality", "RTH share", share_of(events, "RTH"), 60, 90, " %"),
        within("quality", "PM + AH share", share_of(events, "PM", "AH"), 10, None, " %"),
        under("quality", "20 busiest tickers", greatest(events, "ticker", TOP), 40, " %"),
        within(
            "quality", "median events of a ticker", float(a_ticker) if isinstance(a_ticker, float) else None, 1, None
        ),
        within("quality", "busiest session", greatest(events, "session"), None, 5, " %"),
        within("quality", "share with a score of 0.70 or more", high, 20, 40, " %"),
    ]


def power_checks(events: pl.DataFrame, profile: Profile) -> list[Check]:
    """By filter that the profile has: the percentage of its input that passes."""
    has = {
        "universe": True,
        "score": profile.least_score is not None,
        "price": True,
        "liquidity": profile.regular is not None,
        "per session": profile.per_session is not None,
        "per month": profile.per_month is not None,
        "budget": profile.budget is not None,
    }
    steps = [step for step in waterfall(events) if has.get(step[0])]
    passing = [(name, 100.0 * left / (left + out) if left + out else None) for name, out, left in steps]
    return [within("power", f"{name} passes", figure, 1, 99, " %") for name, figure in passing]


def report(events: pl.DataFrame, rules: VerdictRules) -> pl.DataFrame:
    """All checks; of a manifest without events, one that says so."""
    checks = [within("go", "events", 0, 1, None)]
    if events.height:
        profile = one_profile(events)
        checks = [*go_checks(events, profile, rules), *quality_checks(events), *power_checks(events, profile)]
    rows = pl.DataFrame(checks, schema=[*Check._fields], orient="row", infer_schema_length=None)
    return rows.with_columns(
        pl.col("figure").cast(pl.Float64),
        number=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("kind"),
        verdict=pl.when("holds").then(pl.lit(GO)).otherwise(pl.lit(NO_GO)),
    ).drop("holds")


def shown(rows: pl.DataFrame) -> dict[str, Any]:
    """The report as a table."""
    lines = [
        f"| {kind} | {check} | {'–' if figure is None else f'{figure:,.2f}'} | {bound} | {verdict} |"
        for kind, check, figure, bound, verdict in rows.select("kind", "check", "figure", "bound", "verdict").rows()
    ]
    go = rows.filter(pl.col("kind") == "go")["verdict"]
    table = "\n".join(["| kind | check | figure | bound | verdict |", "|---|---|---:|---|---|", *lines])
    return {"verdict": GO if (go == GO).all() else NO_GO, "report": dg.MetadataValue.md(table)}


@dataset(ManifestVerdict, Axis.WHOLE)
def manifest_verdict(run: Run, event_manifest: pl.LazyFrame, config: VerdictRules) -> Iterator[Rows]:
    """The report over every session."""
    rows = report(event_manifest.select(NEEDED).collect(), config)
    yield from run.whole(rows, shown(rows))
