"""What each get method of the official clients is asked for over the toy market, and its answer worked by hand."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from smallcaps_assets.source.emulator.venues import ACRONYMS, EXCHANGES, TICKER_TYPES
from smallcaps_assets_tests.source.emulator.toy_market import FIGI, MON, TUE, WED
from smallcaps_assets_tests.source.official.clients import PACKAGES
from smallcaps_assets_tests.source.official.market import ms

FOUR_PM = ms(WED, 16)


@dataclass(frozen=True)
class Answer:
    """One call of one method, and all members of the answer that have a value."""

    method: str
    arguments: tuple[Any, ...]
    expected: Any
    filters: dict[str, Any] = field(default_factory=dict)
    packages: tuple[str, ...] = PACKAGES

    def __str__(self) -> str:
        return f"{self.method}{list(map(str, self.arguments))}{self.filters or ''}"


def bar(close: float, stamp: int, **more: Any) -> dict[str, Any]:
    """The toy market's bar in the clients' names: open, high and low are 0.1 below, 0.1 above, 0.2 below the close."""
    prices = {"open": close - 0.1, "high": close + 0.1, "low": close - 0.2, "close": close, "vwap": close}
    return {**prices, "volume": 1000.0, "transactions": 10, "timestamp": stamp, **more}


def details(ticker: str, **more: Any) -> dict[str, Any]:
    """What the details of all its tickers have in common."""
    named = {"ticker": ticker, "ticker_root": ticker, "name": f"{ticker} Inc.", "type": "CS", "cik": "0000000001"}
    return {**named, "active": True, "market": "stocks", "locale": "us", "currency_name": "usd", **more}


WEDNESDAY = {  # EEE was 0.60; ten shares became one on Thursday: 6.00 on today's basis, and a tenth of the volume
    "AAA": bar(10.5, FOUR_PM, ticker="AAA"),
    "BBB": bar(5.1, FOUR_PM, ticker="BBB"),
    "DDD": bar(2.0, FOUR_PM, ticker="DDD"),
    "EEE": {
        **{"ticker": "EEE", "open": 5.0, "high": 7.0, "low": 4.0, "close": 6.0, "vwap": 6.0, "volume": 100},
        **{"transactions": 10, "timestamp": FOUR_PM},
    },
    "QQQQ": bar(100.0, FOUR_PM, ticker="QQQQ"),
}
MONDAY = bar(12.0, ms(MON, 16), ticker="AAA")
RAW = {**WEDNESDAY, "EEE": bar(0.6, FOUR_PM, ticker="EEE")}
OPEN_CLOSE = {
    "status": "OK",
    "from_": "2024-01-03",
    "symbol": "AAA",
    "open": 10.4,
    "high": 10.6,
    "low": 10.5 - 0.2,
    "close": 10.5,
    "volume": 1000,
    "pre_market": 10.0,
    "after_hours": 21.5,
}
EVENTS = {
    "name": "CCC Inc.",
    "composite_figi": FIGI["BBB"],
    "cik": "0000000001",
    "events": [
        {"ticker_change": {"ticker": "CCC"}, "type": "ticker_change", "date": "2024-01-04"},
        {"ticker_change": {"ticker": "BBB"}, "type": "ticker_change", "date": "2019-01-02"},
    ],
}
STATUS = {
    "market": "closed",
    "early_hours": False,
    "after_hours": False,
    "server_time": "2024-01-09T00:00:00-05:00",
    "exchanges": {"nyse": "closed", "nasdaq": "closed", "otc": "closed"},
    "currencies": {"fx": "open", "crypto": "open"},
    "indicesGroups": dict.fromkeys(
        [
            "s_and_p",
            "societe_generale",
            "msci",
            "ftse_russell",
            "mstar",
            "mstarc",
            "cccy",
            "cgi",
            "nasdaq",
            "dow_jones",
        ],
        "closed",
    ),
}
HOLIDAYS = [  # of the year after 2024-01-08; an early close has its holiday's name
    ("2024-01-15", "Dr. Martin Luther King Jr. Day", None),
    ("2024-02-19", "President's Day", None),
    ("2024-03-29", "Good Friday", None),
    ("2024-05-27", "Memorial Day", None),
    ("2024-06-19", "Juneteenth", None),
    ("2024-07-03", "Independence Day", ("13:30", "17:00")),
    ("2024-07-04", "Independence Day", None),
    ("2024-09-02", "Labor Day", None),
    ("2024-11-28", "Thanksgiving", None),
    ("2024-11-29", "Thanksgiving", ("14:30", "18:00")),
    ("2024-12-24", "Christmas", ("14:30", "18:00")),
    ("2024-12-25", "Christmas", None),
    ("2025-01-01", "New Year's Day", None),
]
US = {"asset_class": "stocks", "locale": "us"}
VENUES = [
    {"id": number, "type": kind, "name": name, "mic": mic, "operating_mic": operator, "participant_id": letter, **US}
    for number, kind, name, mic, operator, letter in EXCHANGES
]


def holiday(exchange: str, on: str, name: str, hours: tuple[str, str] | None) -> dict[str, str]:
    """A holiday as the clients have it; ``hours`` (UTC) are those of an early close."""
    named = {"exchange": exchange, "date": on, "name": name, "status": "early-close" if hours else "closed"}
    return {**named, "open": f"{on}T{hours[0]}:00.000Z", "close": f"{on}T{hours[1]}:00.000Z"} if hours else named


ANSWERS = [
    Answer(
        "get_aggs",
        ("AAA", 1, "day", TUE, "2024-01-08"),
        [bar(close, ms(date(2024, 1, day))) for day, close in ((2, 10.0), (3, 10.5), (4, 11.0), (5, 11.5), (8, 12.0))],
    ),
    Answer("get_aggs", ("AAA", 1, "day", TUE, "2024-01-08"), [bar(10.0, ms(TUE)), bar(10.5, ms(WED))], {"limit": 2}),
    Answer("get_aggs", ("NOPE", 1, "day", TUE, "2024-01-08"), []),
    Answer("get_aggs", ("AAA", 1, "day", "2024-01-06", "2024-01-07"), []),
    Answer("get_grouped_daily_aggs", (WED,), WEDNESDAY),
    Answer("get_grouped_daily_aggs", ("2024-01-03",), RAW, {"adjusted": False}),
    Answer("get_grouped_daily_aggs", ("2024-01-06",), {}),
    Answer("get_daily_open_close_agg", ("AAA", WED), OPEN_CLOSE),
    Answer("get_market_holidays", (), [holiday(venue, *row) for row in HOLIDAYS for venue in ("NYSE", "NASDAQ")]),
    # One bar in a list, whatever the annotation says; the model has no count of trades.
    Answer(
        "get_previous_close_agg",
        ("AAA",),
        [{name: value for name, value in MONDAY.items() if name != "transactions"}],
        {"adjusted": True},
    ),
    Answer("get_previous_close_agg", ("NOPE",), []),
    Answer("get_ticker_events", ("CCC",), EVENTS),
    Answer("get_ticker_events", (FIGI["BBB"],), EVENTS, {"types": "ticker_change"}),
    Answer("get_market_status", (), STATUS),
    Answer(
        "get_ticker_details",
        ("AAA",),
        details(
            "AAA",
            composite_figi=FIGI["AAA"],
            primary_exchange="XNAS",
            list_date="2020-03-02",
            market_cap=12_000_000,
            share_class_shares_outstanding=1_000_000,
            weighted_shares_outstanding=1_000_000,
        ),
    ),
    Answer(
        "get_ticker_details",
        ("DDD", "2024-01-04"),  # gone the day after
        details("DDD", composite_figi=FIGI["DDD"], primary_exchange="XNYS", list_date="2021-01-04"),
    ),
    Answer(
        "get_ticker_details",
        ("AAA",),
        details(
            "AAA",
            composite_figi=FIGI["OLD"],
            name="Ancient Alloys Inc.",
            primary_exchange="XNAS",
            list_date="2010-05-03",
            share_class_shares_outstanding=1_000_000,
            weighted_shares_outstanding=1_000_000,
        ),
        {"date": "2012-02-01"},
    ),
    Answer(
        "get_exchanges",
        (),
        [
            {name: value for name, value in {**venue, "acronym": ACRONYMS.get(number)}.items() if value is not None}
            for venue in VENUES
            if isinstance(number := venue["id"], int)
        ],
        {"asset_class": "stocks", "locale": "us"},
    ),
    Answer("get_ticker_types", (), [{"code": code, "description": said, **US} for code, said in TICKER_TYPES]),
    Answer("get_ticker_types", (), [], {"asset_class": "options"}),
]
