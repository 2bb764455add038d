"""What each list method of the official clients is asked for, and what the market holds of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from smallcaps_assets.source.emulator.conditions import reference
from smallcaps_assets_tests.source.official import market as held
from smallcaps_assets_tests.source.official.market import FIRST, LAST, RENAMED, SPLIT, SPLIT_ON, THIN, WARRANT, Row

BEFORE, AFTER = date(2025, 7, 28), date(2025, 8, 1)
WED, THU, FRI = date(2026, 2, 25), date(2026, 2, 26), date(2026, 2, 27)
SPRING = (date(2025, 10, 31), date(2025, 11, 3))  # the Friday and the Monday around the end of summer time


@dataclass(frozen=True)
class Listing:
    """A walk through one list: the rows, each with only the members that have a value, in the order of ``key``."""

    method: str
    rows: Callable[[], list[Row]]
    key: tuple[str, ...]
    limit: int
    arguments: tuple[Any, ...] = ()
    filters: dict[str, Any] = field(default_factory=dict)
    descending: bool = False
    counts_rows: bool = True  # whether the limit is the number of rows a page has
    shape: Callable[[Row], Row] = lambda row: row  # what is compared of a row their client finds

    def __str__(self) -> str:
        asked = " ".join(f"{name}={value}" for name, value in self.filters.items())
        return f"{self.method}{list(map(str, self.arguments))} {asked}"


def ns(day: date, hour: int, minute: int) -> int:
    """Nanoseconds of a New York wall-clock minute."""
    return (held.ms(day, hour) + minute * 60_000) * 1_000_000


def of(rows: Callable[[], list[Row]], **members: Any) -> Callable[[], list[Row]]:
    """Those of the rows that have all the members."""
    return lambda: [row for row in rows() if all(row.get(name) == value for name, value in members.items())]


def since(rows: Callable[[], list[Row]], name: str, first: Any, end: Any) -> Callable[[], list[Row]]:
    """Those of the rows whose member lies in [first, end)."""
    return lambda: [row for row in rows() if first <= row[name] < end]


def facts(frame: str) -> Callable[[], list[Row]]:
    """Rows of one of the market's frames."""
    return lambda: held.rows(getattr(held.market(), frame)())


def short_volume() -> list[Row]:
    """Short volume of two sessions."""
    return [row for session in (THU, FRI) for row in held.rows(held.market().short_volume(session))]


def conditions() -> list[Row]:
    """Conditions as the clients' models have them: they drop the codes of FINRA's tape."""
    found = [held.written(row) for row in reference()]
    for row in found:
        if "sip_mapping" in row:
            row["sip_mapping"] = {sip: code for sip, code in row["sip_mapping"].items() if sip != "FINRA_TDDS"}
    return found


STAMP, TICK = ("timestamp",), ("sip_timestamp", "sequence_number")
AGGS = [
    Listing("list_aggs", lambda: held.minutes(THIN, WED, FRI), STAMP, 7, (THIN, 1, "minute", WED, FRI)),
    Listing(
        "list_aggs",
        lambda: held.minutes(THIN, WED, FRI),
        STAMP,
        7,
        (THIN, 1, "minute", "2026-02-25", "2026-02-27"),
        {"sort": "desc"},
        descending=True,
    ),
    Listing(
        "list_aggs",
        since(lambda: held.minutes(SPLIT, THU, THU), "timestamp", held.ms(THU, 10), held.ms(THU, 12)),
        STAMP,
        50,
        (SPLIT, 1, "minute", datetime(2026, 2, 26, 15, tzinfo=UTC), datetime(2026, 2, 26, 16, 59, tzinfo=UTC)),
    ),
    Listing("list_aggs", lambda: held.days(SPLIT), STAMP, 20, (SPLIT, 1, "day", FIRST, LAST), {"adjusted": False}),
    Listing("list_aggs", lambda: held.days(SPLIT, adjusted=True), STAMP, 20, (SPLIT, 1, "day", FIRST, LAST)),
    Listing(
        "list_aggs",
        lambda: held.days(SPLIT, adjusted=True),
        STAMP,
        20,
        (SPLIT, 1, "day", FIRST, LAST),
        {"adjusted": True, "sort": "desc"},
        descending=True,
    ),
    Listing("list_aggs", lambda: held.days(WARRANT), STAMP, 50, (WARRANT, 1, "day", FIRST, LAST)),
    Listing("list_aggs", lambda: held.days(RENAMED), STAMP, 50, (RENAMED, 1, "day", FIRST, LAST)),
    *(
        Listing(
            "list_aggs",
            lambda: held.hours(SPLIT, *SPRING),
            STAMP,
            150,
            (SPLIT, 1, "hour", *SPRING),
            {"sort": sort},
            descending=sort == "desc",
            counts_rows=False,
        )
        for sort in ("asc", "desc")
    ),
]
TICKS = [
    Listing(
        f"list_{kind}",
        span,
        TICK,
        limit,
        (ticker,),
        {"order": order, **bounds},
        descending=order == "desc",
    )
    for kind, ticks in (("trades", held.trades), ("quotes", held.quotes))
    for ticker, order, limit, bounds, span in (
        (THIN, "asc", 25, {"timestamp_gte": "2026-02-25"}, partial(ticks, THIN, WED, FRI)),
        (THIN, "desc", 10, {"timestamp": FRI}, partial(ticks, THIN, FRI, FRI)),
        (WARRANT, "asc", 60, {"timestamp_gt": THU}, partial(ticks, WARRANT, FRI, FRI)),
        (
            SPLIT,
            "asc",
            60,
            {"timestamp_gte": ns(THU, 9, 45), "timestamp_lt": ns(THU, 10, 0)},
            since(partial(ticks, SPLIT, THU, THU), "sip_timestamp", ns(THU, 9, 45), ns(THU, 10, 0)),
        ),
        (
            SPLIT,
            "desc",
            45,
            {
                "timestamp_gt": datetime(2026, 2, 26, 14, 45, tzinfo=UTC),
                "timestamp_lte": datetime(2026, 2, 26, 15, tzinfo=UTC),
            },
            since(partial(ticks, SPLIT, THU, THU), "sip_timestamp", ns(THU, 9, 45) + 1, ns(THU, 10, 0) + 1),
        ),
    )
]
TICKERS = [
    Listing("list_tickers", held.tickers, ("ticker",), 4),
    Listing("list_tickers", held.tickers, ("ticker",), 4, (), {"order": "desc"}, descending=True),
    Listing("list_tickers", held.tickers, ("name",), 4, (), {"sort": "name"}),
    Listing("list_tickers", held.tickers, (), 9, (), {"sort": "base_currency_symbol"}),
    Listing("list_tickers", lambda: held.tickers(active=False), ("ticker",), 1, (), {"active": False}),
    Listing("list_tickers", lambda: held.tickers(AFTER), ("ticker",), 7, (), {"date": "2025-08-01", "active": True}),
    Listing("list_tickers", of(held.tickers, type="CS"), ("ticker",), 7, (), {"type": "CS", "market": "stocks"}),
    Listing("list_tickers", of(held.tickers, primary_exchange="XNYS"), ("ticker",), 2, (), {"exchange": "XNYS"}),
    Listing(
        "list_tickers",
        since(held.tickers, "ticker", "B", "N"),
        ("ticker",),
        3,
        (),
        {"ticker_gte": "B", "ticker_lt": "N"},
    ),
    Listing(
        "list_tickers",
        lambda: [row for row in held.tickers() if "foods" in row["name"].lower()],
        ("ticker",),
        1,
        (),
        {"search": "Foods"},
    ),
]
ACTIONS = [
    Listing("list_splits", facts("splits"), ("execution_date",), 2, descending=True),
    Listing(
        "list_splits",
        lambda: [row for row in facts("splits")() if row["split_from"] > row["split_to"]],
        ("ticker",),
        2,
        (),
        {"reverse_split": True, "sort": "ticker", "order": "asc"},
    ),
    Listing(
        "list_splits",
        since(facts("splits"), "execution_date", "2025-07-30", "2025-11-20"),
        ("execution_date",),
        1,
        (),
        {"execution_date_gte": SPLIT_ON, "execution_date_lt": date(2025, 11, 20), "order": "asc"},
    ),
    Listing("list_dividends", facts("dividends"), ("ex_dividend_date",), 2, descending=True),
    Listing(
        "list_dividends",
        of(facts("dividends"), ticker="AYZF"),
        ("cash_amount", "ex_dividend_date"),
        1,
        (),
        {"ticker": "AYZF", "sort": "ex_dividend_date", "order": "asc", "frequency": 4, "dividend_type": "CD"},
    ),
    Listing("list_stocks_splits", held.splits, ("execution_date",), 2, descending=True),
    Listing(
        "list_stocks_splits",
        of(held.splits, adjustment_type="reverse_split"),
        ("ticker",),
        1,
        (),
        {"adjustment_type": "reverse_split", "sort": "ticker.asc"},
    ),
    Listing("list_stocks_dividends", held.dividends, ("ticker",), 2),
    Listing(
        "list_stocks_dividends",
        of(held.dividends, ticker="AYZF"),
        ("ex_dividend_date",),
        1,
        (),
        {"ticker": "AYZF", "sort": "ex_dividend_date.desc"},
        descending=True,
    ),
]
OTHERS = [
    Listing("list_conditions", conditions, ("asset_class",), 10, (), {"asset_class": "stocks"}),
    Listing(
        "list_conditions",
        lambda: [row for row in conditions() if "nbbo" in row["data_types"] and "UTP" in row["sip_mapping"]],
        ("data_types",),
        8,
        (),
        {"data_type": "nbbo", "sip": "UTP", "sort": "data_types"},
    ),
    Listing("list_conditions", conditions, ("id",), 25, (), {"sort": "id", "order": "desc"}, descending=True),
    Listing("list_ticker_news", held.news, ("published_utc",), 200, descending=True),
    Listing("list_ticker_news", lambda: held.news(SPLIT), ("published_utc",), 5, (), {"ticker": SPLIT, "order": "asc"}),
    Listing(
        "list_ticker_news",
        since(held.news, "published_utc", "2026-02-01", "2026-02-10"),
        ("published_utc",),
        9,
        (),
        {"published_utc_gte": "2026-02-01T00:00:00Z", "published_utc_lt": "2026-02-10T00:00:00Z", "order": "asc"},
    ),
    Listing("list_short_interest", facts("short_interest"), ("ticker",), 100),
    Listing(
        "list_short_interest",
        of(facts("short_interest"), ticker=SPLIT),
        ("settlement_date",),
        3,
        (),
        {"ticker": SPLIT, "sort": "settlement_date", "order": "desc"},
        descending=True,
    ),
    Listing("list_short_volume", short_volume, ("ticker",), 20, (), {"date_gte": "2026-02-26"}),
    Listing(
        "list_short_volume",
        of(short_volume, ticker=SPLIT),
        ("date",),
        1,
        (),
        {"ticker": SPLIT, "date_gte": THU, "sort": "date.asc"},
    ),
    Listing("list_stocks_floats", facts("float_shares"), ("ticker",), 9),
]
LISTINGS = [*AGGS, *TICKS, *TICKERS, *ACTIONS, *OTHERS]
