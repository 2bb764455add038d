"""How long ago the tape's latest event was known. Known at the bar's close; null before the tape's first event is."""

import polars as pl

from smallcaps_assets.maths.tapes import TAPE, with_tapes


def event_features(rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """The rows (``known_at``) with the tape's latest event known by then: ``event_known_at``, ``detector``, its age.

    Of events known at the same instant, the last by ``event_id``. ``events``: windows with both columns.

    ``f_seconds_since_event``: (bar's close − instant at which the tape's latest event was known) in seconds.
    """
    latest = with_tapes(events).sort("event_known_at", "event_id").select(*TAPE, "event_known_at", "detector")
    joined = rows.sort("known_at").join_asof(
        latest, left_on="known_at", right_on="event_known_at", by=TAPE, strategy="backward", check_sortedness=False
    )
    since = (pl.col("known_at") - pl.col("event_known_at")).cast(pl.Int64) / 1e9
    return joined.with_columns(f_seconds_since_event=since)
