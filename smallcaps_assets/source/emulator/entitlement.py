"""Whether a plan covers a request: the service's 403s for endpoints, for history, and for today on its own day."""

from datetime import date

from smallcaps_assets.source.emulator.envelope import Call, RefusedError
from smallcaps_assets.source.emulator.instants import MILLISECOND, bounds, midnight, new_york_date, parsed_date
from smallcaps_assets.source.emulator.plans import Feature
from smallcaps_assets.source.emulator.windows import parsed_bound

NOT_ENTITLED = "You are not entitled to this data. Please upgrade your plan at https://massive.com/pricing"
TIMEFRAME = "Your plan doesn't include this data timeframe. Please upgrade your plan at https://polygon.io/pricing"
BEFORE_END_OF_DAY = (
    "Attempted to request today's data before end of day. Please upgrade your plan at https://polygon.io/pricing"
)
BARS = "/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}"
GROUPED = "/v2/aggs/grouped/locale/us/market/stocks/{date}"
OPEN_CLOSE = "/v1/open-close/{ticker}/{date}"
DATED = ("/v3/reference/tickers", "/v3/reference/tickers/{ticker}")
TICKS = {"/v3/trades/{ticker}": Feature.TRADES, "/v3/quotes/{ticker}": Feature.QUOTES}
CLOSED = {  # routes that need a feature; the others are open to all
    **TICKS,
    "/v2/last/trade/{ticker}": Feature.TRADES,
    "/v2/last/nbbo/{ticker}": Feature.QUOTES,
    "/v2/snapshot/locale/us/markets/stocks/tickers": Feature.SNAPSHOTS,
    "/v2/snapshot/locale/us/markets/stocks/tickers/{ticker}": Feature.SNAPSHOTS,
    "/v2/snapshot/locale/us/markets/stocks/{direction}": Feature.SNAPSHOTS,
    "/v3/snapshot": Feature.SNAPSHOTS,
    "/stocks/financials/v1/balance-sheets": Feature.FINANCIALS,
    "/stocks/financials/v1/income-statements": Feature.FINANCIALS,
    "/stocks/financials/v1/cash-flow-statements": Feature.FINANCIALS,
    "/stocks/financials/v1/ratios": Feature.FINANCIALS,
    "/vX/reference/financials": Feature.FINANCIALS,
}


def admit(call: Call, route: str, first: date, last: date) -> None:
    """RefusedError 403 when the call's plan, which serves ``first`` to ``last``, does not cover it; 400 for bad dates.

    A cursor is good for the request that it continues, which was admitted.
    """
    needed = CLOSED.get(route)
    if route == BARS and call.path["timespan"] == "second":
        needed = Feature.SECOND_BARS
    if needed is not None and needed not in call.plan.opens:
        raise RefusedError(403, NOT_ENTITLED)
    if "cursor" in call.query:
        return
    if route in TICKS:
        low, high = bounds(call.query, "timestamp")
        # Without a lower bound the history's start bounds what is found.
        if 0 < low < midnight(first) or 0 < high <= midnight(first):
            raise RefusedError(403, TIMEFRAME)
    elif (day := _day(call, route)) is not None:
        if day < first:
            raise RefusedError(403, TIMEFRAME)
        if call.plan.end_of_day and day > last and route not in DATED:
            raise RefusedError(403, BEFORE_END_OF_DAY)


def _day(call: Call, route: str) -> date | None:
    """The earliest date that the call asks for; None when it names none."""
    if route == BARS:
        return new_york_date(parsed_bound(call.path["from"], "from", end=False) * MILLISECOND)
    if route in (GROUPED, OPEN_CLOSE):
        return parsed_date(call.path["date"], "date")
    if route in DATED and "date" in call.query:
        return parsed_date(call.query["date"], "date")
    return None
