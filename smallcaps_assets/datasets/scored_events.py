"""An intraday event with its score: how far out of the ordinary it is, among the market's earlier events of its kind.

Source: `event_candidates` of the session and the 60 sessions before. Grain: one row per event, all of them. The kind of
an event is its detector and segment. Each measure becomes its percentile (mid-rank) among the kind's events of the 60
sessions before, of all tickers, the own session excluded; `mean_percentile` is their weighted mean, weights
renormalised over the measures that are there. Moves and distances count by size, not sign. Known at `known_at`.

A mean of percentiles crowds around one half, so that a bar on it says little: independent measures would have 7 % of it
at 0.70 or more. So the score is the percentile of that mean among the means of the same earlier events, each ranked
among them by the same rule: 0.70 or more means "in the upper 30 % of its kind of late", for every detector alike.

What can go wrong: with fewer than 200 earlier events of the kind the score is null with the reason `warming up`, and
`earlier_events` says how many there were. A market that grows livelier scores above its past until the past has caught
up; the shares of scores by session, in the metadata, show it.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import dagster as dg
import numpy as np
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets import sessions
from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.event_candidates import EventCandidates
from smallcaps_assets.datasets.intraday_events import KEY
from smallcaps_assets.event_charts import by_tenths
from smallcaps_assets.maths.minute_table import floats, integers
from smallcaps_assets.maths.percentiles import earlier_count, trailing_scores
from smallcaps_assets.maths.prefix import changed, drawn
from smallcaps_assets.partitions import Axis

SESSIONS = 60
KIND = ["detector", "segment"]
SCORED, WARMING_UP = "scored", "warming up"


class ScoreRules(dg.Config):
    """How the measures weigh, and when there is enough to compare with."""

    warm_up_events: int = Field(default=200, ge=1, description="[events] of the kind before; fewer give no percentile")
    volume: float = Field(default=0.30, ge=0, description="[weight] of volume over baseline")
    move: float = Field(default=0.25, ge=0, description="[weight] of the size of the move")
    confirmation: float = Field(default=0.20, ge=0, description="[weight] of time-of-day relative volume")
    streak: float = Field(default=0.15, ge=0, description="[weight] of consecutive bars")
    distance: float = Field(default=0.10, ge=0, description="[weight] of the size of the distance from VWAP")


class ScoredEvents(EventCandidates):
    """An intraday event with its score."""

    mean_percentile: float = column("weighted mean of its measures' percentiles", ge=0, le=1, nullable=True)
    score: float = column("percentile of that mean among the earlier events of its kind", ge=0, le=1, nullable=True)
    earlier_events: pl.Int64 = column("of its kind in the 60 sessions before, all tickers", unit="events", ge=0)
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


def ranked(events: pl.DataFrame, rules: ScoreRules, since: int) -> pl.DataFrame:
    """Events in order of kind and session, with mean, score and the number of earlier events."""
    kind, ordinal = integers(events, "kind"), integers(events, "ordinal")
    values = events.select(**{name: value for name, (value, _) in measures(rules).items()})
    weights = np.array([weight for _, weight in measures(rules).values()])
    rows = np.stack([floats(values, name) for name in values.columns])
    means, scores = trailing_scores(rows, weights, kind, ordinal, SESSIONS, since)
    return events.with_columns(
        earlier_events=pl.Series(earlier_count(kind, ordinal, SESSIONS)),
        mean_percentile=pl.Series(means).fill_nan(None).clip(0, 1),
        score=pl.Series(scores).fill_nan(None),
    )


def scored(events: pl.LazyFrame, rules: ScoreRules, wanted: list[date]) -> pl.DataFrame:
    """The wanted sessions' events with their scores; events of other sessions are only looked back upon."""
    ordinals = sessions.table().lazy().select("session").with_row_index("ordinal")
    every = events.join(ordinals, on="session", validate="m:1").sort(*KIND, "ordinal", "ticker", "triggered_at")
    rows = every.with_columns(kind=pl.struct(KIND).rle_id()).collect()
    own = rows.filter(pl.col("session").is_in(wanted))
    if own.is_empty():
        return scored_events.empty()
    found = ranked(rows, rules, integers(own, "ordinal").min()).filter(pl.col("session").is_in(wanted))
    enough = (pl.col("earlier_events") >= rules.warm_up_events) & pl.col("score").is_not_null()
    return found.with_columns(
        pl.when(enough).then("mean_percentile").alias("mean_percentile"),
        pl.when(enough).then("score").alias("score"),
        score_reason=pl.when(enough).then(pl.lit(SCORED)).otherwise(pl.lit(WARMING_UP)),
    ).select(scored_events.empty().columns)


def prefix_stable(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame], config: ScoreRules) -> Verdict:
    """Scores recomputed without the events known after a random instant are the same, for those known by then.

    The instant is the `known_at` of an event, drawn by the session: always the same one.
    """
    if stored.is_empty():
        return Verdict(True, {"events": 0})
    session = stored["session"][0]
    instant = stored["known_at"][drawn(f"scores {session}", stored.height)]
    seen = pl.col("session").is_in([*sessions.before(session, SESSIONS), session])
    known = pl.col("known_at") <= instant
    again = scored(inputs["event_candidates"].filter(seen & known), config, [session])
    differ = changed(stored.filter(known), again, KEY)
    return Verdict(not differ, {"instant": str(instant), "events": again.height, "changed": str(differ)})


def shown(rows: pl.DataFrame) -> dict[str, Any]:
    """How many have a score, and the scores by tenths."""
    return {"scored": rows["score"].count(), "scores": dg.MetadataValue.md(by_tenths(rows))}


@dataset(ScoredEvents, Axis.SESSION, before={"event_candidates": SESSIONS}, blocking_laws=(prefix_stable,))
def scored_events(run: Run, event_candidates: pl.LazyFrame, config: ScoreRules) -> Iterator[Rows]:
    """Percentiles among the market's earlier events of the kind."""
    for part in run.split(scored(event_candidates, config, run.sessions)):
        yield part._replace(metadata=shown(part.frame))
