"""An intraday event with its score: how far out of the ordinary it is, among earlier events of its kind.

Source: `intraday_events` of the session and the 60 sessions before. Grain: one row per event, all of them. The kind of
an event is its detector and segment. Each measure becomes its percentile (mid-rank) among the kind's events of the 60
sessions before, the own session excluded; the score is their weighted mean, weights renormalised over the measures that
are there. Moves and distances count by size, not sign. Known at the event's `known_at`.

What can go wrong: the population is the partition's own letter, since a look-back of this axis sees no other. Where a
letter has too few earlier events of the kind, the score is null with the reason `warming up`, and `earlier_events` says
how many there were. A mean of percentiles is not uniform: fewer than 30 % lie at 0.70 or more unless the measures go
together.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets import sessions
from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.intraday_events import KEY, IntradayEvents
from smallcaps_assets.maths.minute_table import floats, integers
from smallcaps_assets.maths.percentiles import earlier_count, trailing_percentile
from smallcaps_assets.maths.prefix import changed, drawn
from smallcaps_assets.partitions import Axis, letter_of

SESSIONS = 60
KIND = ["detector", "segment"]
SCORED, WARMING_UP = "scored", "warming up"


class ScoreRules(dg.Config):
    """How the measures weigh, and when there is enough to compare with."""

    tickers: list[str] = Field(default=[], description="only these are computed again; empty: all")
    warm_up_events: int = Field(default=200, ge=1, description="[events] of the kind before; fewer give no percentile")
    volume: float = Field(default=0.30, ge=0, description="[weight] of volume over baseline")
    move: float = Field(default=0.25, ge=0, description="[weight] of the size of the move")
    confirmation: float = Field(default=0.20, ge=0, description="[weight] of time-of-day relative volume")
    streak: float = Field(default=0.15, ge=0, description="[weight] of consecutive bars")
    distance: float = Field(default=0.10, ge=0, description="[weight] of the size of the distance from VWAP")


class ScoredEvents(IntradayEvents):
    """An intraday event with its score."""

    score: float = column("weighted mean percentile among earlier events", ge=0, le=1, nullable=True)
    earlier_events: pl.Int64 = column("of its kind and letter in the 60 sessions before", unit="events", ge=0)
    score_reason: str = column("why there is a score or none", isin=[SCORED, WARMING_UP])

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker", "triggered_at", "detector")

    @pa.dataframe_check
    @classmethod
    def a_score_is_null_exactly_when_warming_up(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """An unscored event says so."""
        return data.lazyframe.select(pl.col("score").is_null() == (pl.col("score_reason") == WARMING_UP))


def measures(rules: ScoreRules) -> dict[str, tuple[pl.Expr, float]]:
    """By name, what is ranked, and its weight."""
    return {
        "volume": (pl.col("spike"), rules.volume),
        "move": (pl.col("move_pct").abs(), rules.move),
        "confirmation": (pl.col("time_of_day_rvol"), rules.confirmation),
        "streak": (pl.col("consecutive_bars"), rules.streak),
        "distance": (pl.col("distance_to_vwap_pct").abs(), rules.distance),
    }


def percentiles(events: pl.DataFrame, rules: ScoreRules, since: int) -> pl.DataFrame:
    """Events in order of kind and session, with each measure's percentile and the number of earlier events."""
    kind, ordinal = integers(events, "kind"), integers(events, "ordinal")
    values = events.select(**{name: value for name, (value, _) in measures(rules).items()})
    ranks = {
        f"_{name}": pl.Series(trailing_percentile(floats(values, name), kind, ordinal, SESSIONS, since)).fill_nan(None)
        for name in values.columns
    }
    return events.with_columns(earlier_events=pl.Series(earlier_count(kind, ordinal, SESSIONS)), **ranks)


def weighted_mean(rules: ScoreRules) -> pl.Expr:
    """The percentiles that are there, weighted; null if there is none."""
    parts = [(pl.col(f"_{name}"), weight) for name, (_, weight) in measures(rules).items()]
    total = pl.sum_horizontal(pl.when(rank.is_not_null()).then(weight).otherwise(0.0) for rank, weight in parts)
    return pl.when(total > 0).then(pl.sum_horizontal(rank * weight for rank, weight in parts) / total)


def scored(events: pl.LazyFrame, rules: ScoreRules, wanted: list[date]) -> pl.DataFrame:
    """The wanted sessions' events with their scores; events of other sessions are only looked back upon."""
    ordinals = sessions.table().lazy().select("session").with_row_index("ordinal")
    every = events.join(ordinals, on="session", validate="m:1").sort(*KIND, "ordinal", "ticker", "triggered_at")
    rows = every.with_columns(kind=pl.struct(KIND).rle_id()).collect()
    own = rows.filter(pl.col("session").is_in(wanted))
    if own.is_empty():
        return scored_events.empty()
    ranked = percentiles(rows, rules, integers(own, "ordinal").min())
    enough = (pl.col("earlier_events") >= rules.warm_up_events) & weighted_mean(rules).is_not_null()
    return (
        ranked.filter(pl.col("session").is_in(wanted))
        .with_columns(
            score=pl.when(enough).then(weighted_mean(rules).clip(0, 1)),
            score_reason=pl.when(enough).then(pl.lit(SCORED)).otherwise(pl.lit(WARMING_UP)),
        )
        .select(scored_events.empty().columns)
    )


def prefix_stable(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Scores recomputed without the events known after a random instant are the same, for those known by then.

    As in `intraday_events`: the instant is an event's, and where the run had rules of its own, which a check does not
    see, the scores of the default ones are compared with themselves.
    """
    if stored.is_empty():
        return Verdict(True, {"events": 0})
    session, letter = stored["session"][0], stored["ticker"][0][0].upper()
    instant = stored["known_at"][drawn(f"scores {letter}|{session}", stored.height)]
    seen = pl.col("session").is_in([*sessions.before(session, SESSIONS), session])
    events = inputs["intraday_events"].filter(seen & (letter_of(pl.col("ticker")) == letter)).collect().lazy()
    known = pl.col("known_at") <= instant
    again = scored(events.filter(known), ScoreRules(), [session])
    differ = changed(stored.filter(known), again, KEY)
    if differ:
        differ = changed(scored(events, ScoreRules(), [session]).filter(known), again, KEY)
    return Verdict(not differ, {"instant": str(instant), "events": again.height, "changed": str(differ)})


@dataset(ScoredEvents, Axis.LETTER, before={"intraday_events": SESSIONS}, blocking_laws=(prefix_stable,))
def scored_events(run: Run, intraday_events: pl.LazyFrame, config: ScoreRules) -> Iterator[Rows]:
    """Percentiles among the letter's earlier events of the kind."""
    yield from run.split(scored(intraday_events, config, run.sessions))
