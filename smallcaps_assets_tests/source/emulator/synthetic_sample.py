"""The synthetic market that several test files look at, and ticker-sessions of every kind in it."""

from datetime import date
from functools import cache

from smallcaps_assets.source.emulator.synthetic import SyntheticMarket

EARLY_CLOSES = (date(2024, 7, 3), date(2024, 11, 29))
AFTER_SPRING, AFTER_AUTUMN = date(2024, 3, 11), date(2024, 11, 4)
TickerSession = tuple[str, date]


@cache
def market() -> SyntheticMarket:
    """The default market up to a fixed end."""
    return SyntheticMarket(end=date(2026, 3, 31))


@cache
def patterned(each: int = 2) -> list[tuple[str, TickerSession]]:
    """The first ``each`` ticker-sessions of every pattern from ordinal 60 on."""
    found: dict[str, list[TickerSession]] = {}
    for session in market().sessions()[60:300]:
        for row in market().planted(session).iter_rows(named=True):
            places = found.setdefault(row["pattern"], [])
            if len(places) < each and (row["ticker"], session) not in places:
                places.append((row["ticker"], session))
    return [(pattern, place) for pattern, places in sorted(found.items()) for place in places]


@cache
def sample() -> list[TickerSession]:
    """Patterned and quiet, thin and busy, early closes and both sides of daylight saving."""
    days = [*EARLY_CLOSES, AFTER_SPRING, AFTER_AUTUMN, date(2025, 11, 3)]
    everyone = [(ticker, session) for session in days for ticker in market().daily(session)["T"]]
    return [place for _, place in patterned()] + everyone
