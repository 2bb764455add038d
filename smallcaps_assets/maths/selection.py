"""How many events are admitted, and which come first. Source: `spec/events.md`, Manifest.

A profile is one column of that table; the run configuration of `datasets/event_manifest.py` names it.
"""

from typing import NamedTuple

import numpy as np
import polars as pl

from smallcaps_assets.maths.arguments import Ints
from smallcaps_assets.maths.compiled import compiled

MONTH = 21  # sessions that filter 6 looks at: the event's own and the 20 before
FILTERS = ("universe", "score", "price", "liquidity", "per session", "per month", "budget")
"""What may drop an event, 1 to 7 in this order; each event keeps the first that does."""


class Liquidity(NamedTuple):
    """The least that must trade, and the widest bar."""

    bar_dollars: float
    bar_shares: float
    dollars_so_far: float
    rvol: float
    spread: float  # fraction, at most

    def share(self, part: float) -> "Liquidity":
        """The same with a part of the volumes; a spread does not scale."""
        dollars, shares, so_far, rvol = (bound * part for bound in self[:-1])
        return Liquidity(dollars, shares, so_far, rvol, self.spread)


class Profile(NamedTuple):
    """How much to admit; None: no bound."""

    least_score: float | None
    regular: Liquidity | None
    extended: Liquidity | None  # before the open and after the close
    per_session: int | None
    per_month: int | None
    budget: int | None
    minutes_before: int
    minutes_after: int
    grows_from: float | None  # times usual volume


GROWN_BEFORE, GROWN_AFTER = 10, 20  # minutes of a window around an extraordinary bar
EXTENDED = Liquidity(30e3, 3e3, 300e3, 1.0, 0.08)
PROFILES = {
    "core": Profile(0.60, Liquidity(100e3, 10e3, 500e3, 1.5, 0.05), EXTENDED, 1, 3, 14, 3, 7, 8.0),
    "plus": Profile(0.50, Liquidity(50e3, 5e3, 250e3, 1.2, 0.05), EXTENDED.share(0.5), 2, 5, 27, 5, 15, 6.0),
    "premium": Profile(0.40, Liquidity(25e3, 2.5e3, 100e3, 1.0, 0.05), EXTENDED.share(0.25), 3, 10, 67, 10, 20, 4.0),
    "full": Profile(None, None, None, None, None, None, 3, 7, None),
}


def profile_named(name: str) -> Profile:
    """The profile; ``ValueError`` lists the names there are.

    >>> profile_named("core").budget
    14
    """
    if name not in PROFILES:
        raise ValueError(f"profile is {name!r}, not one of {', '.join(PROFILES)}")
    return PROFILES[name]


def best_first(events: pl.DataFrame) -> pl.DataFrame:
    """By score, time-of-day relative volume, the bar's dollars, all descending, unknown last; then time and id."""
    return events.sort(
        "score",
        "time_of_day_rvol",
        "bar_dollar_volume",
        "known_at",
        "event_id",
        descending=[True, True, True, False, False],
        nulls_last=True,
    )


def rank_among(group: list[str]) -> pl.Expr:
    """In a frame that is best first: what still passes (``dropped_by`` null) by its place in its group; else null."""
    passes = pl.col("dropped_by").is_null()
    return pl.when(passes).then(passes.cast(pl.Int64).cum_sum().over(group))


@compiled
def rank_of_the_month(group: Ints, ordinal: Ints, sessions: int) -> Ints:
    """By event, 1 + the better events of its group in the ``sessions`` sessions that end with its own.

    Events of a group stand together, best first.

    >>> rank_of_the_month(np.array([7, 7, 7, 8]), np.array([2, 1, 9, 9]), 3).tolist()
    [1, 1, 1, 1]
    >>> rank_of_the_month(np.array([7, 7, 7]), np.array([1, 2, 3]), 3).tolist()
    [1, 2, 3]
    """
    ranks = np.ones(len(group), dtype=np.int64)
    for i in range(len(group)):
        j = i - 1
        while j >= 0 and group[j] == group[i]:
            if ordinal[i] - sessions < ordinal[j] <= ordinal[i]:
                ranks[i] += 1
            j -= 1
    return ranks
