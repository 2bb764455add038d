"""An intraday event of the whole market, and what the universe knows of its ticker.

Source: the 26 letters of `intraday_events` and `universe`. Grain: one row per event of the session, all of them. Here
the letters come together, so that what follows can compare an event with the market's and not with its letter's alone.
Known at the event's `known_at`: membership is decided before the open.

A letter without members may be absent; a letter with members that is not materialized is an error.
"""

from collections.abc import Iterator

import polars as pl

from smallcaps_assets.contract import column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.intraday_events import IntradayEvents
from smallcaps_assets.partitions import Axis, Partition, letter_of


class EventCandidates(IntradayEvents):
    """An event and its security."""

    security_id: str = column("our identity of the security; null if the universe does not list it", nullable=True)
    member: bool = column("whether the universe of the session holds it")

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker", "triggered_at", "detector")


def refuse_absent_letters(run: Run, universe: pl.LazyFrame) -> None:
    """``FileNotFoundError`` names the first letter that has members and is not in the lake."""
    absent = run.absent.get("intraday_events", frozenset())
    if not absent:
        return
    members = (
        universe.filter("member").select("session", letter_of(pl.col("ticker")).alias("letter")).unique().collect()
    )
    if lacking := sorted(absent & {Partition(*row) for row in members.rows()}):
        raise FileNotFoundError(
            f"event_candidates needs intraday_events {lacking[0].key}, whose letter has members: materialize it first"
        )


def candidates(events: pl.LazyFrame, universe: pl.LazyFrame) -> pl.LazyFrame:
    """The events with what the universe knows of their tickers; who is not listed is no member."""
    listed = universe.select("session", "ticker", "security_id", "member")
    joined = events.join(listed, on=["session", "ticker"], how="left", validate="m:1")
    return joined.with_columns(pl.col("member").fill_null(False))


@dataset(EventCandidates, Axis.SESSION)
def event_candidates(run: Run, intraday_events: pl.LazyFrame, universe: pl.LazyFrame) -> Iterator[Rows]:
    """The session's events of all letters."""
    refuse_absent_letters(run, universe)
    for part in run.split(candidates(intraday_events, universe)):
        yield part._replace(metadata={"of_members": int(part.frame["member"].sum())})
