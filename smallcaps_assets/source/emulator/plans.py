"""What a subscription opens: the service's four plans for stocks, from the cheapest to the dearest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType

FLAT = {"day_aggs_v1", "minute_aggs_v1", "trades_v1", "quotes_v1"}
FIRST_DATE, LAST_DATE = date(1800, 1, 1), date(2499, 12, 31)  # before and after all data


class Feature(StrEnum):
    """What not every plan opens. Daily and minute bars, reference data and corporate actions are in all of them."""

    SNAPSHOTS = "snapshots"
    SECOND_BARS = "second bars"
    WEBSOCKET = "websocket"
    FLAT_FILES = "flat files"
    TRADES = "trades"
    QUOTES = "quotes"
    FINANCIALS = "financials"


@dataclass(frozen=True)
class Plan:
    """One plan: its features, years of history (None: all), calls a minute (0: no limit), and how late its data are."""

    opens: frozenset[Feature]
    years: int | None
    per_minute: int = 0
    delayed: bool = False  # by 15 minutes
    end_of_day: bool = False  # the last session is not served on its own day

    @property
    def status(self) -> str:
        """What replies with bars and snapshots bear."""
        return "DELAYED" if self.delayed else "OK"

    @property
    def timeframe(self) -> str:
        """What universal snapshots say of their trades and quotes."""
        return "DELAYED" if self.delayed else "REAL-TIME"

    def first(self, today: date) -> date:
        """The first date of its history."""
        return FIRST_DATE if self.years is None else today - timedelta(days=round(365.25 * self.years))

    def last(self, today: date) -> date:
        """The last date that it serves bars of."""
        return today - timedelta(days=1) if self.end_of_day else today

    def opens_file(self, key: str, first: date) -> bool:
        """Whether a flat file's key is open, with ``first`` of its history; "" asks for the listing.

        Files follow the entitlement to their rows.
        """
        if Feature.FLAT_FILES not in self.opens:
            return False
        kind, _, rest = key.removeprefix("us_stocks_sip/").partition("/")
        needed = {"trades_v1": Feature.TRADES, "quotes_v1": Feature.QUOTES}.get(kind)
        if needed is not None and needed not in self.opens:
            return False
        session = rest.rpartition("/")[2].removesuffix(".csv.gz")
        return kind not in FLAT or session >= first.isoformat()


_STARTER = frozenset({Feature.SNAPSHOTS, Feature.SECOND_BARS, Feature.WEBSOCKET, Feature.FLAT_FILES})
_DEVELOPER = _STARTER | {Feature.TRADES}
_ADVANCED = _DEVELOPER | {Feature.QUOTES, Feature.FINANCIALS}
PLANS: Mapping[str, Plan] = MappingProxyType(
    {
        "basic": Plan(frozenset(), years=2, per_minute=5, end_of_day=True),
        "starter": Plan(_STARTER, years=5, delayed=True),
        "developer": Plan(_DEVELOPER, years=10, delayed=True),
        "advanced": Plan(_ADVANCED, years=None),
    }
)
