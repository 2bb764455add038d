"""Whether the manifest is fit to be downloaded, and its events, scores and filters fit to be trusted: a check a row.

Source: every session of `event_manifest`, `universe` and `download_plan`. Grain: one row per kind, span and check. The
13 `go` checks look at the admitted events of all sessions; counts that are meant for a full history (754 sessions) are
scaled to the sessions there are, and what a download takes is the plan's, scaled to a full history. The six `quality`
checks look at all events, admitted or not. The `power` checks ask of each filter, and of each profile's score bar,
whether it lets between 1 % and 99 % of its input pass, because a gate that passes all or nothing decides nothing.

Quality and power are judged twice: over all sessions, and over the newest 21, which is what filter 6 sees. One quiet
session proves nothing, and three years hide what broke last month. What has fewer than 300 events to look at is not
judged: if a filter drops none of 300, the share that it drops is under 1 % with 95 % confidence (3/300), with fewer it
might well be more. Nor is what looks at fewer than 100 tickers, where the events of one go together: prices, ranks,
concentration. A figure that cannot be given is null, and NO-GO.

What can go wrong: the universe does its work before there are events, since minutes are kept of members only; so its
power is that over the listed tickers. A score bar is judged on scored events: those that warm up pass by the rules.
Each kind has an asset check but `go`, which is a decision and not a fault.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets import sessions
from smallcaps_assets.charts import bars, table
from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.event_charts import charts
from smallcaps_assets.maths.selection import FILTERS, MONTH, PROFILES, Profile, profile_named
from smallcaps_assets.partitions import Axis
from smallcaps_assets.verdicts import GO, NO_GO, NOT_JUDGED, Check, greatest, median, share_of, within

KINDS = ("go", "quality", "power")
ALL, NEWEST = "all sessions", f"newest {MONTH} sessions"
TOP = 20  # busiest tickers
MINUTES_A_DAY = 24 * 60
NEEDED = [
    "session", "ticker", "event_id", "detector", "direction", "segment", "triggered_at", "known_at", "close", "volume",
    "bar_dollar_volume", "member", "score", "profile", "dropped_by", "admitted", "window_starts_at", "window_ends_at",
]  # fmt: skip
MAY_BE_NULL = ("score", "dropped_by")


class VerdictRules(dg.Config):
    """Bounds of the checks that are counts, and how much it takes to judge."""

    full_sessions: int = Field(
        default=754, description="[sessions] of the history that the counts are meant for: 3 years"
    )
    least_events: float = Field(default=8_000, description="[events] of core at full history; other profiles by budget")
    most_events: float = Field(default=12_000, description="[events] of core at full history; other profiles by budget")
    least_tickers: float = Field(default=400, description="[tickers] at full history")
    least_months: float = Field(default=30 / 36, description="[share] of the months that have an admitted event")
    most_gigabytes: float = Field(default=250, description="[GB] projected to full history")
    most_download_days: float = Field(default=3, description="[days] projected to full history")
    judged_from: int = Field(default=300, ge=1, description="[events] fewer are not judged: see above")
    tickers_from: int = Field(
        default=100, ge=1, description="[tickers] fewer are not judged where the events of a ticker go together"
    )


class ManifestVerdict(pa.DataFrameModel):
    """A check of the whole manifest."""

    kind: str = column("go, quality or power", isin=KINDS)
    span: str = column("of which sessions", isin=[ALL, NEWEST])
    number: pl.Int64 = column("order within its kind and span", ge=1)
    check: str = column("what is checked")
    figure: float = column("what was found; unit as in the bound", nullable=True)
    bound: str = column("what it must be")
    judged: pl.Int64 = column("how many things the figure is of, where that matters", ge=0, nullable=True)
    verdict: str = column("whether it is", isin=[GO, NO_GO, NOT_JUDGED])

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("kind", "span", "number")


def wrong_segments(events: pl.DataFrame) -> int:
    """Events whose segment is not that of New York's clock."""
    at = sessions.with_hours(events.lazy().select("session", "triggered_at", "segment"))
    return int(
        at.select((sessions.segment(pl.col("triggered_at")).ne_missing(pl.col("segment"))).sum()).collect().item()
    )


def months(of: list[date]) -> set[tuple[int, int]]:
    """The calendar months of sessions."""
    return {(session.year, session.month) for session in of}


def planned(admitted: pl.DataFrame, plan: pl.DataFrame, name: str) -> float | None:
    """A cost of the plan's sessions together; None if it lacks a session that has an admitted event."""
    lacking = set(admitted["session"]) - set(plan["session"])
    return None if lacking else float(plan[name].sum())


def go_checks(events: pl.DataFrame, plan: pl.DataFrame, rules: VerdictRules) -> list[Check]:
    """The 13 checks of the admitted events."""
    admitted, profile = events.filter("admitted"), newest_profile(events)
    span = sessions.between(events["session"].min(), events["session"].max())  # type: ignore[arg-type]
    part = len(span) / rules.full_sessions
    budget, core = profile.budget, PROFILES["core"].budget or 1
    by_profile = part * budget / core if budget else None
    least, most = (bound * by_profile if by_profile else None for bound in (rules.least_events, rules.most_events))
    nulls = sum(admitted[name].null_count() for name in NEEDED if name not in MAY_BE_NULL)
    stored, minutes = (planned(admitted, plan, name) for name in ("bytes", "minutes"))
    gigabytes = None if stored is None else stored / part / 1e9
    days = None if minutes is None else minutes / part / MINUTES_A_DAY
    covered = len(months(admitted["session"].to_list())) / len(months(span))
    return [
        within("events", admitted.height, least, most),
        within("tickers", admitted["ticker"].n_unique(), rules.least_tickers * part, None),
        within("PM share", share_of(admitted, "segment", "PM"), 10, 20, " %"),
        within("RTH share", share_of(admitted, "segment", "RTH"), 75, 85, " %"),
        within("AH share", share_of(admitted, "segment", "AH"), 3, 10, " %"),
        within("median score", median(admitted["score"]), 0.70, None),
        within("20 busiest tickers", greatest(admitted, "ticker", TOP), None, 25, " %", below=True),
        within("nulls in mandatory columns", nulls, None, 0),
        within("projected storage", gigabytes, None, rules.most_gigabytes, " GB", below=True),
        within("projected download", days, None, rules.most_download_days, " days", below=True),
        within("largest detector", greatest(admitted, "detector"), None, 60, " %", below=True),
        within("months covered", covered, rules.least_months, None),
        within("segments that disagree with New York", wrong_segments(admitted), None, 0),
    ]


def quality_checks(events: pl.DataFrame, members: pl.DataFrame, rules: VerdictRules) -> list[Check]:
    """The six checks of all events; the second has two figures and takes two rows.

    The median is that of the tickers that were members: of those with events it could not be below one. No session
    may have more than 5 %, or three times its equal share where there are fewer than 60 sessions.
    """
    tickers = events["ticker"].n_unique()
    of: dict[str, Any] = {"of": events.height, "enough": events.height >= rules.judged_from}
    scores = events["score"].drop_nulls()
    high = 100.0 * scores.filter(scores >= 0.70).len() / len(scores) if len(scores) else None
    counts = members.select("ticker").unique().join(events.group_by("ticker").len(), on="ticker", how="left")
    busiest = max(5.0, 300 / max(1, members["session"].n_unique()))
    return [
        within("largest detector", greatest(events, "detector"), None, 60, " %", **of),
        within("RTH share", share_of(events, "segment", "RTH"), 60, 90, " %", **of),
        within("PM + AH share", share_of(events, "segment", "PM", "AH"), 10, None, " %", **of),
        within(
            "20 busiest tickers",
            greatest(events, "ticker", TOP),
            None,
            40,
            " %",
            below=True,
            of=tickers,
            enough=tickers >= rules.tickers_from,
        ),
        within("median events of a member", median(counts["len"].fill_null(0)), 1, None, **of),
        within("busiest session", greatest(events, "session"), None, busiest, " %", **of),
        within("score of 0.70 or more", high, 20, 40, " %", of=len(scores), enough=len(scores) >= rules.judged_from),
    ]


def passes(name: str, entering: pl.DataFrame, passing: pl.Expr, rules: VerdictRules) -> Check:
    """A gate's power: of what enters, 1 % to 99 % pass."""
    count, tickers = entering.height, entering["ticker"].n_unique()
    figure = 100.0 * entering.filter(passing).height / count if count else None
    enough = count >= rules.judged_from and tickers >= rules.tickers_from
    return within(f"{name} passes", figure, 1, 99, " %", of=count, enough=enough)


def power_checks(events: pl.DataFrame, universe: pl.DataFrame, rules: VerdictRules) -> list[Check]:
    """By filter that the profile has, and by score bar of any profile, the percentage of its input that passes."""
    profile = newest_profile(events)
    has = {
        "price": True,
        "liquidity": profile.regular is not None,
        "per session": profile.per_session is not None,
        "per month": profile.per_month is not None,
        "budget": profile.budget is not None,
    }
    scored = events.filter(pl.col("member") & pl.col("score").is_not_null())
    cuts = sorted({p.least_score for p in PROFILES.values() if p.least_score is not None}, reverse=True)
    place = pl.col("dropped_by").replace_strict(
        FILTERS, range(len(FILTERS)), default=len(FILTERS), return_dtype=pl.Int64
    )
    reached = events.with_columns(place=place)
    return [
        passes("universe", universe, pl.col("member"), rules),
        *(passes(f"score ≥ {cut:.2f}", scored, pl.col("score") >= cut, rules) for cut in cuts),
        *(
            passes(
                name,
                reached.filter(pl.col("place") >= FILTERS.index(name)),
                pl.col("dropped_by").ne_missing(name),
                rules,
            )
            for name in FILTERS
            if has.get(name)
        ),
    ]


def newest_profile(events: pl.DataFrame) -> Profile:
    """The profile of the newest session; ``ValueError`` if others have another: a sum of two manifests is none."""
    by_profile = events.group_by("profile").agg(pl.col("session").min()).sort("session")
    if by_profile.height > 1:
        first = ", ".join(f"{name} from {session}" for name, session in by_profile.rows())
        raise ValueError(f"manifest_verdict judges one manifest, and event_manifest has several profiles: {first}")
    return profile_named(by_profile["profile"][0])


def report(events: pl.DataFrame, universe: pl.DataFrame, plan: pl.DataFrame, rules: VerdictRules) -> pl.DataFrame:
    """All checks; of a manifest without events, one that says so."""
    checks = {("go", ALL): [within("events", 0, 1, None)]}
    if events.height:
        checks = {("go", ALL): go_checks(events, plan, rules)}
        every = sessions.between(events["session"].min(), events["session"].max())  # type: ignore[arg-type]
        spans = {ALL: every} | ({NEWEST: every[-MONTH:]} if len(every) > MONTH else {})
        for span, seen in spans.items():
            part, listed = (frame.filter(pl.col("session").is_in(seen)) for frame in (events, universe))
            checks["quality", span] = quality_checks(part, listed.filter("member"), rules)
            checks["power", span] = power_checks(part, listed, rules)
    rows = [(*of, number, *check) for of, found in checks.items() for number, check in enumerate(found, 1)]
    return pl.DataFrame(rows, schema=manifest_verdict.empty().schema, orient="row")


def sentence(rows: pl.DataFrame) -> str:
    """The decision, and which checks stand against it."""
    go = rows.filter(pl.col("kind") == "go")
    against = go.filter(pl.col("verdict") != GO).select("check", "figure", "bound").rows()
    reasons = "; ".join(
        f"{check} {'unknown' if n is None else f'{n:,.4g}'}, must be {bound}" for check, n, bound in against
    )
    return f"{NO_GO}, {len(against)} of {go.height} checks: {reasons}" if against else f"{GO} in all {go.height} checks"


def shown(rows: pl.DataFrame, events: pl.DataFrame) -> dict[str, Any]:
    """The decision in a sentence, a table a kind with bars of percentages, and the events in charts."""
    percent = pl.when(pl.col("bound").str.contains("%")).then("figure")
    tables = {}
    for kind in KINDS:
        of = rows.filter(pl.col("kind") == kind).drop("kind", "number")
        drawn = of.with_columns(pl.col("figure").round(2), bar=bars(percent, full=100.0))
        tables[kind] = dg.MetadataValue.md(table(" | ".join(drawn.columns), drawn))
    pictures = {name: dg.MetadataValue.md(text) for name, text in charts(events).items()} if events.height else {}
    return {"decision": sentence(rows), **tables, **pictures}


def without_fault(stored: pl.DataFrame, kind: str) -> Verdict:
    """No check of the kind says NO-GO; its figures by span and check."""
    of = stored.filter(pl.col("kind") == kind)
    figures = {
        f"{check}, {span}": f"{'unknown' if figure is None else f'{figure:,.4g}'}, must be {bound}: {word}"
        for span, check, figure, bound, word in of.select("span", "check", "figure", "bound", "verdict").rows()
    }
    return Verdict(NO_GO not in of["verdict"], figures)


def the_events_are_of_sound_quality(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Detectors, segments, tickers, sessions and scores are spread as six quality checks want it."""
    return without_fault(stored, "quality")


def each_filter_decides_something(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """No filter and no score bar passes more than 99 % or less than 1 % of its input."""
    return without_fault(stored, "power")


@dataset(ManifestVerdict, Axis.WHOLE, laws=(the_events_are_of_sound_quality, each_filter_decides_something))
def manifest_verdict(
    run: Run,
    event_manifest: pl.LazyFrame,
    universe: pl.LazyFrame,
    download_plan: pl.LazyFrame,
    config: VerdictRules,
) -> Iterator[Rows]:
    """The report over every session."""
    events = event_manifest.select(NEEDED).collect()
    listed = universe.select("session", "ticker", "member").collect()
    plan = download_plan.select("session", "bytes", "minutes").collect()
    rows = report(events, listed, plan, config)
    yield from run.whole(rows, shown(rows, events))
