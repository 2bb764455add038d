"""An event whose trades and quotes are wanted, or not and why: the manifest of a session's downloads.

Source: `event_candidates` of the session and the 20 before. Grain: one row per event, admitted or not; `dropped_by` is
the first filter of `spec/events.md` that dropped it. Filter 6 ranks an event among its ticker's events that passed
filters 1 to 5 in the 21 sessions ending with its own, so that no manifest depends on another manifest; filter 7 is the
session's budget. The window is `[window_starts_at, window_ends_at)` around `known_at`; it grows when the event's volume
is extraordinary. Known at the end of the session. Profile and filters 1 to 5 come with the candidates.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import dagster as dg
import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.event_candidates import EventCandidates
from smallcaps_assets.maths.minute_table import integers
from smallcaps_assets.maths.selection import (
    FILTERS,
    GROWN_AFTER,
    GROWN_BEFORE,
    MONTH,
    Profile,
    best_first,
    beyond,
    profile_named,
    rank_of_the_month,
)
from smallcaps_assets.partitions import Axis


class EventManifest(EventCandidates):
    """An event, admitted or not."""

    dropped_by: str = column("first filter that drops it; null: it is admitted", isin=FILTERS, nullable=True)
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
        """Every other event has its reason."""
        return data.lazyframe.select(pl.col("admitted") == pl.col("dropped_by").is_null())

    @pa.dataframe_check
    @classmethod
    def a_window_holds_the_moment_when_its_event_is_known(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """From before the bar to after its end."""
        known = pl.col("known_at")
        return data.lazyframe.select((pl.col("window_starts_at") < known) & (known < pl.col("window_ends_at")))


def one_profile(candidates: pl.DataFrame) -> Profile:
    """The profile of the candidates; ``ValueError`` if the 21 sessions were filtered by different ones."""
    by_profile = candidates.group_by("profile").agg(pl.col("session").min()).sort("session")
    if by_profile.height > 1:
        first = ", ".join(f"{name} from {session}" for name, session in by_profile.rows())
        raise ValueError(f"event_manifest ranks events of 21 sessions, whose candidates have several profiles: {first}")
    return profile_named(by_profile["profile"][0])


def beyond_the_month(candidates: pl.DataFrame, most: int | None) -> pl.DataFrame:
    """Candidates, best first, with filter 6."""
    if most is None:
        return candidates
    ordinals = sessions.table().select("session").with_row_index("ordinal")
    passed = candidates.filter(pl.col("dropped_by").is_null()).join(ordinals, on="session", maintain_order="left")
    by_ticker = passed.sort("ticker", maintain_order=True).with_columns(group=pl.col("ticker").rle_id())
    ranks = rank_of_the_month(integers(by_ticker, "group"), integers(by_ticker, "ordinal"), MONTH)
    surplus = by_ticker.filter(pl.Series(ranks) > most)["event_id"]
    reason = pl.when(pl.col("event_id").is_in(surplus.implode())).then(pl.lit("per month")).otherwise("dropped_by")
    return candidates.with_columns(dropped_by=reason)


def windowed(events: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    """The events with their windows, longer around an extraordinary volume."""
    grows = (pl.col("spike") >= profile.grows_from).fill_null(False) if profile.grows_from else pl.lit(False)
    before = pl.when(grows).then(max(GROWN_BEFORE, profile.minutes_before)).otherwise(profile.minutes_before)
    after = pl.when(grows).then(max(GROWN_AFTER, profile.minutes_after)).otherwise(profile.minutes_after)
    return events.with_columns(
        window_starts_at=pl.col("known_at") - pl.duration(minutes=before, time_unit="ns"),
        window_ends_at=pl.col("known_at") + pl.duration(minutes=after, time_unit="ns"),
    )


def manifest(candidates: pl.DataFrame, wanted: list[date]) -> pl.DataFrame:
    """The wanted sessions' events with filters 6 and 7; candidates of other sessions are only looked back upon."""
    if not candidates["session"].is_in(wanted).any():
        return event_manifest.empty()
    profile = one_profile(candidates)
    ranked = beyond_the_month(best_first(candidates), profile.per_month).filter(pl.col("session").is_in(wanted))
    over_budget = beyond(profile.budget, ["session"])
    chosen = ranked.with_columns(dropped_by=pl.when(over_budget).then(pl.lit("budget")).otherwise("dropped_by"))
    return windowed(chosen, profile).with_columns(admitted=pl.col("dropped_by").is_null())


def waterfall(rows: pl.DataFrame) -> list[tuple[str, int, int]]:
    """By filter, in order: how many it dropped, and how many were left."""
    dropped = dict(rows["dropped_by"].drop_nulls().value_counts().rows())
    steps = []
    left = rows.height
    for name in FILTERS:
        left -= dropped.get(name, 0)
        steps.append((name, dropped.get(name, 0), left))
    return steps


def shown(rows: pl.DataFrame) -> dict[str, Any]:
    """The waterfall as a table."""
    lines = [f"| input | | {rows.height} |", *(f"| {name} | {out} | {left} |" for name, out, left in waterfall(rows))]
    table = "\n".join(["| filter | dropped | left |", "|---|---:|---:|", *lines])
    return {"admitted": int(rows["admitted"].sum()), "waterfall": dg.MetadataValue.md(table)}


def the_waterfall_adds_up(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Every candidate of the session is in the manifest once, admitted or dropped by one filter."""
    if stored.is_empty():
        return Verdict(True, {"events": 0})
    own = inputs["event_candidates"].filter(pl.col("session") == stored["session"][0])
    candidates = own.select(pl.len()).collect().item()
    left = waterfall(stored)[-1][-1]
    admitted = int(stored["admitted"].sum())
    counted = {"candidates": candidates, "events": stored.height, "left": left, "admitted": admitted}
    return Verdict(candidates == stored.height and left == admitted, counted)


@dataset(EventManifest, Axis.SESSION, before={"event_candidates": MONTH - 1}, laws=(the_waterfall_adds_up,))
def event_manifest(run: Run, event_candidates: pl.LazyFrame) -> Iterator[Rows]:
    """The session's candidates through the filters that look at other events and sessions."""
    for part in run.split(manifest(event_candidates.collect(), run.sessions)):
        yield part._replace(metadata=shown(part.frame))
