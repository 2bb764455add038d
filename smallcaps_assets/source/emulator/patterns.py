"""The kinds of session a synthetic ticker can have, as ranges of what the session looks like from afar.

All moves are log returns against the official open, written for the upward form; a mirrored session swaps them.
"""

from enum import IntEnum
from typing import NamedTuple


class Pattern(IntEnum):
    """Kind of session; QUIET has no plan beyond its open, high, low and close."""

    QUIET = 0
    GAP_AND_GO = 1
    OPENING_RANGE_BREAK = 2
    VWAP_RECLAIM = 3
    FLUSH = 4
    CONSOLIDATION_BREAK = 5
    HIGH_OF_DAY_BREAK = 6
    FIRST_PULLBACK = 7
    PARABOLIC = 8
    VOLATILITY_HALT = 9
    PREMARKET_SPIKE = 10
    AFTER_HOURS_SPIKE = 11
    MOMENTUM = 12
    FLUSH_REVERSAL = 13
    NEWS_HALT = 14


class Profile(NamedTuple):
    """Ranges (low, high) from which a session of the pattern is drawn.

    ``close`` is where the close lies between low (0) and high (1); ``volume`` multiplies the ticker's usual volume;
    ``premarket`` and ``after_hours`` are shares of the session's volume.
    """

    weight: float
    gap: tuple[float, float]
    up: tuple[float, float]
    down: tuple[float, float]
    close: tuple[float, float]
    volume: tuple[float, float]
    premarket: float
    after_hours: float
    mirrored: float  # probability of the downward form
    weighted: tuple[float, float, float]  # weighted price in the range: 1, open's and close's place times these


PROFILES: dict[Pattern, Profile] = {
    Pattern.GAP_AND_GO: Profile(
        16, (0.13, 0.45), (0.14, 0.38), (0.010, 0.030), (0.35, 0.85), (10, 28), 0.15, 0.03, 0, (0.32, 0.6, 0.35)
    ),
    Pattern.OPENING_RANGE_BREAK: Profile(
        11, (-0.015, 0.025), (0.08, 0.18), (0.012, 0.025), (0.60, 0.92), (5, 12), 0.04, 0.02, 0.3, (0.38, 0.44, 0.33)
    ),
    Pattern.VWAP_RECLAIM: Profile(
        10, (-0.03, 0.03), (0.06, 0.11), (0.05, 0.09), (0.75, 0.95), (5, 11), 0.04, 0.02, 0.3, (0.31, 0.27, 0.23)
    ),
    Pattern.FLUSH: Profile(
        9, (0.0, 0.05), (0.03, 0.06), (0.15, 0.24), (0.10, 0.45), (6, 15), 0.05, 0.02, 0, (0.03, 0.57, 0.21)
    ),
    Pattern.CONSOLIDATION_BREAK: Profile(
        8, (-0.02, 0.02), (0.11, 0.18), (0.012, 0.025), (0.60, 0.90), (5, 10), 0.03, 0.02, 0.3, (0.41, 0.29, 0.3)
    ),
    Pattern.HIGH_OF_DAY_BREAK: Profile(
        10, (-0.03, 0.03), (0.09, 0.20), (0.012, 0.030), (0.60, 0.95), (5, 12), 0.03, 0.02, 0.3, (0.38, 0.35, 0.28)
    ),
    Pattern.FIRST_PULLBACK: Profile(
        9, (0.0, 0.05), (0.13, 0.25), (0.008, 0.020), (0.40, 0.90), (6, 15), 0.05, 0.02, 0, (0.38, 0.65, 0.29)
    ),
    Pattern.PARABOLIC: Profile(
        4, (0.0, 0.08), (0.52, 0.75), (0.010, 0.020), (0.35, 0.60), (15, 40), 0.05, 0.04, 0, (0.4, 0.0, 0.16)
    ),
    Pattern.VOLATILITY_HALT: Profile(
        6, (0.0, 0.06), (0.25, 0.45), (0.010, 0.020), (0.35, 0.80), (12, 30), 0.05, 0.03, 0.25, (0.4, 1.4, 0.18)
    ),
    Pattern.PREMARKET_SPIKE: Profile(
        8, (0.05, 0.14), (0.05, 0.12), (0.03, 0.07), (0.2, 0.8), (6, 14), 0.30, 0.02, 0, (0.11, 0.41, 0.17)
    ),
    Pattern.AFTER_HOURS_SPIKE: Profile(
        4, (-0.02, 0.02), (0.02, 0.05), (0.02, 0.04), (0.2, 0.8), (3, 6), 0.02, 0.35, 0, (0.37, 0.34, 0.42)
    ),
    Pattern.MOMENTUM: Profile(
        10, (-0.02, 0.02), (0.07, 0.14), (0.015, 0.030), (0.5, 0.9), (5, 11), 0.03, 0.02, 0.3, (0.25, 0.54, 0.26)
    ),
    Pattern.FLUSH_REVERSAL: Profile(
        2, (-0.52, -0.36), (0.10, 0.20), (0.03, 0.06), (0.6, 0.9), (12, 24), 0.10, 0.02, 0, (0.37, 0.3, 0.19)
    ),
    Pattern.NEWS_HALT: Profile(
        1, (-0.01, 0.01), (0.12, 0.25), (0.010, 0.020), (0.5, 0.9), (8, 20), 0.03, 0.03, 0, (0.25, 1.5, 0.41)
    ),
}
QUIET_WEIGHTED = (0.30, 0.22, 0.19)
QUIET_PREMARKET, QUIET_AFTER_HOURS = 0.015, 0.015
