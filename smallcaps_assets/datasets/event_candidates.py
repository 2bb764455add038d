"""A scored event of the whole market, and the first of the manifest's filters 1 to 5 that drops it.

Source: the 26 letters of `scored_events` and `universe`. Grain: one row per event of the session, dropped or not. The
filters look at the event and its own session only; 6 and 7, which look at other sessions and events, are the
manifest's. Known at the end of the session: "one a ticker and session" picks the best, which a trader at the time could
not (it is for downloading, not for deciding).

A letter without members may be absent; a letter with members that is not materialized is an error. While scores warm up
and relative volumes are unknown, the rules below say whether such events pass; the metadata count those that did.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets.contract import column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.scored_events import ScoredEvents
from smallcaps_assets.maths.selection import FILTERS, PROFILES, Liquidity, best_first, beyond, profile_named
from smallcaps_assets.partitions import Axis, Partition, letter_of

OWN_FILTERS = FILTERS[:6]  # "per session" is the last


class CandidateRules(dg.Config):
    """Which profile, and what may pass unknown."""

    profile: str = Field(default="core", description="core, plus, premium or full: bounds of `maths/selection.py`")
    min_price: float = Field(default=0.50, description="[USD] the event bar's close, included; as the universe's")
    max_price: float = Field(default=20.00, description="[USD] the event bar's close, included; as the universe's")
    unscored_pass: bool = Field(
        default=True,
        description="whether an event whose score is warming up passes filter 2; a young history has no other",
    )
    unknown_rvol_passes: bool = Field(
        default=True, description="whether a null time-of-day relative volume passes filter 4; else a reason of its own"
    )


class EventCandidates(ScoredEvents):
    """An event and the first filter that drops it."""

    security_id: str = column("our identity of the security; null if the universe does not list it", nullable=True)
    member: bool = column("whether the universe of the session holds it")
    profile: str = column("whose bounds it was held against", isin=list(PROFILES))
    dropped_by: str = column("first filter that drops it; null: it passes 1 to 5", isin=OWN_FILTERS, nullable=True)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker", "triggered_at", "detector")

    @pa.dataframe_check
    @classmethod
    def only_members_pass_the_universe(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """A non-member is dropped by the first filter, and nothing else is."""
        return data.lazyframe.select((pl.col("dropped_by") == "universe").fill_null(False) == ~pl.col("member"))


def refuse_absent_letters(run: Run, universe: pl.LazyFrame) -> None:
    """``FileNotFoundError`` names the first letter that has members and is not in the lake."""
    absent = run.absent.get("scored_events", frozenset())
    if not absent:
        return
    members = (
        universe.filter("member").select("session", letter_of(pl.col("ticker")).alias("letter")).unique().collect()
    )
    if lacking := sorted(absent & {Partition(*row) for row in members.rows()}):
        raise FileNotFoundError(
            f"event_candidates needs scored_events {lacking[0].key}, whose letter has members: materialize it first"
        )


def illiquid(bounds: Liquidity) -> pl.Expr:
    """Whether a known measure misses its bound; an unknown spread does, an unknown relative volume does not."""
    enough = (
        (pl.col("bar_dollar_volume") >= bounds.bar_dollars)
        & (pl.col("volume") >= bounds.bar_shares)
        & (pl.col("dollar_volume_so_far") >= bounds.dollars_so_far)
        & (pl.col("spread_proxy") <= bounds.spread).fill_null(False)
    )
    return ~enough | (pl.col("time_of_day_rvol") < bounds.rvol).fill_null(False)


def first_filter(rules: CandidateRules) -> pl.Expr:
    """The first of filters 1 to 4 that drops the event; null if none does."""
    profile = profile_named(rules.profile)
    drops = {"universe": ~pl.col("member")}
    if profile.least_score is not None:
        drops["score"] = (pl.col("score") < profile.least_score).fill_null(not rules.unscored_pass)
    drops["price"] = ~pl.col("close").is_between(rules.min_price, rules.max_price)
    if profile.regular is not None and profile.extended is not None:
        in_hours = pl.col("segment") == "RTH"
        drops["liquidity"] = pl.when(in_hours).then(illiquid(profile.regular)).otherwise(illiquid(profile.extended))
        drops["rvol unknown"] = pl.col("time_of_day_rvol").is_null() & pl.lit(not rules.unknown_rvol_passes)
    return pl.coalesce(*(pl.when(holds).then(pl.lit(name)) for name, holds in drops.items()))


def candidates(events: pl.LazyFrame, universe: pl.LazyFrame, rules: CandidateRules) -> pl.DataFrame:
    """The events with what the universe knows of them and the first of filters 1 to 5 that drops each."""
    listed = universe.select("session", "ticker", "security_id", "member")
    joined = events.join(listed, on=["session", "ticker"], how="left", validate="m:1").with_columns(
        pl.col("member").fill_null(False), profile=pl.lit(rules.profile)
    )
    rows = best_first(joined.with_columns(dropped_by=first_filter(rules)).collect())
    surplus = beyond(profile_named(rules.profile).per_session, ["session", "ticker"])
    return rows.with_columns(dropped_by=pl.when(surplus).then(pl.lit("per session")).otherwise("dropped_by"))


def shown(rows: pl.DataFrame) -> dict[str, Any]:
    """How many pass, and how many of those for want of knowledge."""
    passed = rows.filter(pl.col("dropped_by").is_null())
    unknown = {f"passed_without_{name}": passed[name].null_count() for name in ("score", "time_of_day_rvol")}
    return {"passed": passed.height, **unknown}


@dataset(EventCandidates, Axis.SESSION)
def event_candidates(
    run: Run, scored_events: pl.LazyFrame, universe: pl.LazyFrame, config: CandidateRules
) -> Iterator[Rows]:
    """The session's events of all letters, through the filters that need no other session."""
    refuse_absent_letters(run, universe)
    for part in run.split(candidates(scored_events, universe, config)):
        yield part._replace(metadata=shown(part.frame))
