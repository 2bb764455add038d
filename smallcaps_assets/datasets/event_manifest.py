"""An event whose trades and quotes are wanted, or not and why: the manifest of a session's downloads.

Source: `scored_events` of the session and the 20 before. Grain: one row per event, admitted or not; `dropped_by` is the
first of the seven filters of `spec/events.md` that dropped it, and `missed`, `missed_value` and `missed_bound` say by
what; the view `event_why` says it in a sentence. Filter 6 ranks an event among its security's events that passed
filters 1 to 5 in the 21 sessions ending with its own, all under this run's rules, so that no manifest depends on
another; 5 and 6 count by `security_id`, which a rename keeps and a reused ticker does not. Filter 7 is the session's
budget. The window is `[window_starts_at, window_ends_at)` around `known_at`; it grows when the event's volume is
extraordinary. The last session of a run also shows the whole run's waterfall.

What can go wrong: it is known at the end of the session. "One a ticker and session" picks the best, which a trader at
the time could not: the manifest is for downloading, not for deciding. While scores warm up and relative volumes are
unknown, the rules below say whether such events pass; the metadata count those that did.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets import sessions
from smallcaps_assets.charts import chart, table
from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.scored_events import ScoredEvents
from smallcaps_assets.maths.minute_table import integers
from smallcaps_assets.maths.selection import (
    FILTERS,
    GROWN_AFTER,
    GROWN_BEFORE,
    MONTH,
    PROFILES,
    Liquidity,
    Profile,
    best_first,
    profile_named,
    rank_among,
    rank_of_the_month,
)
from smallcaps_assets.partitions import Axis

LIQUIDITY: Mapping[str, str] = dict(
    zip(
        ("bar_dollar_volume", "volume", "dollar_volume_so_far", "time_of_day_rvol", "spread_proxy"),
        Liquidity._fields,
        strict=True,
    )
)
MISSED = ("member", "score", "close", *LIQUIDITY, "rank in its session", "rank in 21 sessions", "rank in the budget")

EVENT_WHY = f"""
    SELECT session, ticker, event_id, detector, triggered_at, profile, admitted,
        list_position({list(FILTERS)}, dropped_by) AS filter, dropped_by AS filter_name,
        missed, missed_value AS value, missed_bound AS bound,
        CASE
            WHEN admitted THEN format('admitted: it passes every filter of the profile {{}}', profile)
            WHEN missed_bound IS NULL THEN format('filter {{}}, {{}}: {{}} is no member of the universe on {{}}',
                filter, dropped_by, ticker, session::VARCHAR)
            WHEN missed_value IS NULL THEN format('filter {{}}, {{}}: {{}} is unknown, its bound is {{:.10g}}',
                filter, dropped_by, missed, missed_bound)
            ELSE format('filter {{}}, {{}}: {{}} is {{:.10g}}, must be at {{}} {{:.10g}}', filter, dropped_by, missed,
                missed_value, if(missed_value > missed_bound, 'most', 'least'), missed_bound)
        END AS why
    FROM event_manifest
"""  # noqa: S608  (the names are our own)
"""The view `event_why`: of each event, the number and name of the filter that dropped it, and why in a sentence."""


class ManifestRules(dg.Config):
    """Which profile, and what may pass unknown."""

    profile: str = Field(default="core", description="core, plus, premium or full: bounds of `maths/selection.py`")
    min_price: float = Field(default=0.50, description="[USD] the event bar's close, included; as the universe's")
    max_price: float = Field(default=20.00, description="[USD] the event bar's close, included; as the universe's")
    unscored_pass: bool = Field(
        default=True,
        description="whether an event whose score is warming up passes filter 2; a young history has no other",
    )
    unknown_rvol_passes: bool = Field(
        default=True, description="whether a null time-of-day relative volume passes filter 4"
    )


class EventManifest(ScoredEvents):
    """An event, admitted or not."""

    profile: str = column("whose bounds it was held against", isin=list(PROFILES))
    dropped_by: str = column("first filter that drops it; null: it is admitted", isin=FILTERS, nullable=True)
    missed: str = column("what fell short in that filter", isin=MISSED, nullable=True)
    missed_value: float = column("what it was; null if it is unknown, or a yes or no", nullable=True)
    missed_bound: float = column("what it had to reach, or not to exceed; null for a yes or no", nullable=True)
    admitted: bool = column("whether its trades and quotes are wanted")
    window_starts_at: Instant = column("start of its window", unit="UTC ns")
    window_ends_at: Instant = column("end of its window, exclusive", unit="UTC ns")

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker", "triggered_at", "detector")

    @pa.dataframe_check
    @classmethod
    def an_event_is_admitted_exactly_when_nothing_drops_it(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Every other event has its reason, and what it missed."""
        dropped = pl.col("dropped_by").is_not_null()
        return data.lazyframe.select((pl.col("admitted") != dropped) & (dropped == pl.col("missed").is_not_null()))

    @pa.dataframe_check
    @classmethod
    def only_members_pass_the_universe(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """A non-member is dropped by the first filter, and nothing else is."""
        return data.lazyframe.select((pl.col("dropped_by") == "universe").fill_null(False) == ~pl.col("member"))

    @pa.dataframe_check
    @classmethod
    def a_window_holds_the_moment_when_its_event_is_known(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """From before the bar to after its end."""
        known = pl.col("known_at")
        return data.lazyframe.select((pl.col("window_starts_at") < known) & (known < pl.col("window_ends_at")))


class Miss(NamedTuple):
    """One way to be dropped by a filter."""

    dropped_by: str
    missed: str
    holds: pl.Expr
    missed_value: pl.Expr
    missed_bound: pl.Expr


def miss(name: str, measure: str, bound: float | pl.Expr, unknown_passes: bool, *, at_most: bool = False) -> Miss:
    """A measure below its bound, or above it (``at_most``)."""
    value, limit = pl.col(measure), bound if isinstance(bound, pl.Expr) else pl.lit(bound)
    holds = value > limit if at_most else value < limit
    return Miss(name, measure, holds.fill_null(not unknown_passes), value, limit)


def own_misses(rules: ManifestRules) -> list[Miss]:
    """Filters 1 to 4, which look at nothing but the event, in their order."""
    profile = profile_named(rules.profile)
    unknown = pl.lit(None, pl.Float64)
    ways = [Miss("universe", "member", ~pl.col("member"), unknown, unknown)]
    if profile.least_score is not None:
        ways.append(miss("score", "score", profile.least_score, rules.unscored_pass))
    ways.append(miss("price", "close", rules.min_price, False))
    ways.append(miss("price", "close", rules.max_price, False, at_most=True))
    if profile.regular is not None and profile.extended is not None:
        for measure, name in LIQUIDITY.items():
            in_hours, outside = getattr(profile.regular, name), getattr(profile.extended, name)
            bound = pl.when(pl.col("segment") == "RTH").then(in_hours).otherwise(outside)
            passes = measure == "time_of_day_rvol" and rules.unknown_rvol_passes
            ways.append(miss("liquidity", measure, bound, passes, at_most=measure == "spread_proxy"))
    return ways


def filtered(events: pl.DataFrame, rules: ManifestRules) -> pl.DataFrame:
    """The events with the first of filters 1 to 4 that drops each, and what it missed."""
    ways = own_misses(rules)
    first = pl.coalesce(*(pl.when(way.holds).then(number) for number, way in enumerate(ways)))
    columns: dict[str, pl.Expr] = {}
    for name in ("dropped_by", "missed", "missed_value", "missed_bound"):
        kind = pl.String if name in ("dropped_by", "missed") else pl.Float64
        chosen = [getattr(way, name) for way in ways]
        values = [pl.lit(value) if isinstance(value, str) else value for value in chosen]
        columns[name] = pl.coalesce(*(pl.when(first == i).then(v.cast(kind)) for i, v in enumerate(values)))
    return events.with_columns(profile=pl.lit(rules.profile), **columns)


def within(events: pl.DataFrame, most: int | None, name: str, missed: str, rank: pl.Expr) -> pl.DataFrame:
    """Of what still passes, the first ``most`` by rank go on; None lets all of them."""
    if most is None:
        return events
    beyond = (rank > most).fill_null(False)
    said = {"dropped_by": pl.lit(name), "missed": pl.lit(missed), "missed_value": rank.cast(pl.Float64)}
    said["missed_bound"] = pl.lit(float(most))
    return events.with_columns(
        pl.when(beyond).then(value).otherwise(column).alias(column) for column, value in said.items()
    )


def month_ranks(events: pl.DataFrame) -> pl.DataFrame:
    """Events, best first, with ``month_rank``: the place among their security's that still pass in 21 sessions."""
    ordinals = sessions.table().select("session").with_row_index("ordinal")
    passed = events.filter(pl.col("dropped_by").is_null()).join(ordinals, on="session", maintain_order="left")
    together = passed.sort("security_id", maintain_order=True).with_columns(group=pl.col("security_id").rle_id())
    ranks = rank_of_the_month(integers(together, "group"), integers(together, "ordinal"), MONTH)
    ranked = together.select("event_id", month_rank=pl.Series(ranks))
    return events.join(ranked, on="event_id", how="left", maintain_order="left", validate="1:1")


def windowed(events: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    """The events with their windows, longer around an extraordinary volume."""
    grows = (pl.col("spike") >= profile.grows_from).fill_null(False) if profile.grows_from else pl.lit(False)
    before = pl.when(grows).then(max(GROWN_BEFORE, profile.minutes_before)).otherwise(profile.minutes_before)
    after = pl.when(grows).then(max(GROWN_AFTER, profile.minutes_after)).otherwise(profile.minutes_after)
    return events.with_columns(
        window_starts_at=pl.col("known_at") - pl.duration(minutes=before, time_unit="ns"),
        window_ends_at=pl.col("known_at") + pl.duration(minutes=after, time_unit="ns"),
    )


def manifest(events: pl.DataFrame, wanted: list[date], rules: ManifestRules) -> pl.DataFrame:
    """The wanted sessions' events through the seven filters; events of other sessions are only looked back upon."""
    profile = profile_named(rules.profile)
    best = best_first(filtered(events, rules))
    in_session = rank_among(["session", "security_id"])
    ranked = month_ranks(within(best, profile.per_session, "per session", "rank in its session", in_session))
    of_month = within(ranked, profile.per_month, "per month", "rank in 21 sessions", pl.col("month_rank"))
    own = of_month.filter(pl.col("session").is_in(wanted))
    chosen = within(own, profile.budget, "budget", "rank in the budget", rank_among(["session"]))
    rows = windowed(chosen, profile).with_columns(admitted=pl.col("dropped_by").is_null())
    return rows.select(event_manifest.empty().columns)


def waterfall(rows: pl.DataFrame) -> list[tuple[str, int, int]]:
    """By filter, in order: how many it dropped, and how many were left."""
    dropped = dict(rows["dropped_by"].drop_nulls().value_counts().rows())
    steps = []
    left = rows.height
    for name in FILTERS:
        left -= dropped.get(name, 0)
        steps.append((name, dropped.get(name, 0), left))
    return steps


def falling(rows: pl.DataFrame) -> str:
    """The waterfall as a table, with bars of what is left."""
    steps = [("input", None, rows.height), *waterfall(rows)]
    return chart("filter | dropped | left", pl.DataFrame(steps, ["filter", "dropped", "left"], orient="row"), "left")


def of_run(parts: list[Rows]) -> str:
    """The waterfalls of a run's sessions, a line each, and their sum as a chart."""
    whole = pl.concat([part.frame for part in parts])
    lines = [
        (name, rows.height, *(dropped for _, dropped, _ in waterfall(rows)), int(rows["admitted"].sum()))
        for name, rows in [*((part.partition.key, part.frame) for part in parts), ("all", whole)]
    ]
    names = ["session", "input", *FILTERS, "admitted"]
    by_session = table(" | ".join(names), pl.DataFrame(lines, names, orient="row"))
    return f"{falling(whole)}\n\nDropped by each filter:\n\n{by_session}"


def shown(rows: pl.DataFrame) -> dict[str, Any]:
    """How many are admitted, how many of those for want of knowledge, and the waterfall."""
    admitted = rows.filter("admitted")
    unknown = {f"admitted_without_{name}": admitted[name].null_count() for name in ("score", "time_of_day_rvol")}
    return {"admitted": admitted.height, **unknown, "waterfall": dg.MetadataValue.md(falling(rows))}


def the_waterfall_adds_up(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Every scored event of the session is in the manifest once, admitted or dropped by one filter."""
    if stored.is_empty():
        return Verdict(True, {"events": 0})
    own = inputs["scored_events"].filter(pl.col("session") == stored["session"][0])
    scored = own.select(pl.len()).collect().item()
    left, admitted = waterfall(stored)[-1][-1], int(stored["admitted"].sum())
    counted = {"scored": scored, "events": stored.height, "left": left, "admitted": admitted}
    return Verdict(scored == stored.height and left == admitted, counted)


@dataset(EventManifest, Axis.SESSION, before={"scored_events": MONTH - 1}, laws=(the_waterfall_adds_up,))
def event_manifest(run: Run, scored_events: pl.LazyFrame, config: ManifestRules) -> Iterator[Rows]:
    """The session's events through the seven filters; the run's last session also shows the whole run's waterfall."""
    parts = list(run.split(manifest(scored_events.collect(), run.sessions, config)))
    for part in parts:
        of_all = {"waterfall_of_the_run": dg.MetadataValue.md(of_run(parts))} if part is parts[-1] else {}
        yield part._replace(metadata=shown(part.frame) | of_all)
