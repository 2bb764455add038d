"""Each method asks its endpoint as the vendor wants it and gives the columns agreed; parallel work keeps its order."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import date

import polars as pl
import pytest

from smallcaps_assets.source import wire
from smallcaps_assets.source.polygon import Polygon
from smallcaps_assets_tests.shared import SHARED, needs_shared
from smallcaps_assets_tests.source.stub import Reply, Stub, asking, page, serving, trade

FIRST, LAST = date(2026, 9, 1), date(2026, 9, 30)
T = 1_790_000_000_123_456_789
TEXT, SHORT, F64, I64, DATE, AT = pl.String, pl.Int16, pl.Float64, pl.Int64, pl.Date, pl.Datetime("ns", "UTC")
BARS = {"open": F64, "high": F64, "low": F64, "close": F64, "volume": F64, "vwap": F64, "trades": I64}
LISTING = dict.fromkeys(["type", "primary_exchange", "cik", "composite_figi", "share_class_figi"], TEXT)
MOCKS = SHARED / "polygon" / "mocks"


@pytest.fixture(scope="module")
def server() -> Iterator[Stub]:
    with serving() as stub:
        yield stub


@pytest.fixture
def stub(server: Stub) -> Stub:
    server.plays()
    server.paths.clear()
    return server


@pytest.fixture
def client(stub: Stub) -> Iterator[Polygon]:
    with asking(stub, in_flight=4) as (polygon, _):
        yield polygon


ENDPOINTS: list[tuple[Callable[[Polygon], pl.DataFrame], str, dict[str, object]]] = [
    (
        lambda client: client.daily_bars(FIRST),
        "/v2/aggs/grouped/locale/us/market/stocks/2026-09-01?adjusted=false&include_otc=false",
        {"ticker": TEXT, **BARS},
    ),
    (
        lambda client: client.minute_bars("BRK.A", FIRST, LAST),
        "/v2/aggs/ticker/BRK.A/range/1/minute/2026-09-01/2026-09-30?adjusted=false&sort=asc&limit=50000",
        {"ticker": TEXT, "started_at": AT, **BARS},
    ),
    (
        lambda client: client.trades("KIMpL", T, T + 1),
        f"/v3/trades/KIMpL?timestamp.gte={T}&timestamp.lt={T + 1}&order=asc&sort=timestamp&limit=50000",
        {
            **{"ticker": TEXT, "sip_at": AT, "participant_at": AT, "trf_at": AT, "sequence_number": I64, "price": F64},
            **{"size": F64, "exchange": SHORT, "conditions": pl.List(SHORT), "tape": pl.Int8, "trf_id": SHORT},
            **{"correction": SHORT, "trade_id": TEXT},
        },
    ),
    (
        lambda client: client.quotes("A/B", T, T + 1),
        f"/v3/quotes/A%2FB?timestamp.gte={T}&timestamp.lt={T + 1}&order=asc&sort=timestamp&limit=50000",
        {
            **{"ticker": TEXT, "sip_at": AT, "sequence_number": I64, "bid_price": F64, "bid_size": F64},
            **{"bid_exchange": SHORT, "ask_price": F64, "ask_size": F64, "ask_exchange": SHORT},
            **{"conditions": pl.List(SHORT), "indicators": pl.List(SHORT)},
        },
    ),
    (
        lambda client: client.tickers(FIRST, active=False),
        "/v3/reference/tickers?market=stocks&date=2026-09-01&active=false&limit=1000&sort=ticker&order=asc",
        {"ticker": TEXT, "name": TEXT, **LISTING, "active": pl.Boolean, "delisted_on": DATE},
    ),
    (
        lambda client: client.splits(FIRST, LAST),
        "/v3/reference/splits?execution_date.gte=2026-09-01&execution_date.lte=2026-09-30"
        "&sort=execution_date&order=asc&limit=1000",
        {"vendor_id": TEXT, "ticker": TEXT, "executed_on": DATE, "split_from": F64, "split_to": F64},
    ),
    (
        lambda client: client.dividends(FIRST, LAST),
        "/v3/reference/dividends?ex_dividend_date.gte=2026-09-01&ex_dividend_date.lte=2026-09-30"
        "&sort=ex_dividend_date&order=asc&limit=1000",
        {
            **{"vendor_id": TEXT, "ticker": TEXT, "ex_on": DATE, "cash_amount": F64, "currency": TEXT},
            **{"declared_on": DATE, "record_on": DATE, "paid_on": DATE, "frequency": I64, "kind": TEXT},
        },
    ),
    (
        lambda client: client.short_interest(FIRST, LAST),
        "/stocks/v1/short-interest?settlement_date.gte=2026-09-01&settlement_date.lte=2026-09-30"
        "&sort=settlement_date.asc&limit=50000",
        {
            **{"ticker": TEXT, "settled_on": DATE, "short_interest": F64, "average_daily_volume": F64},
            "days_to_cover": F64,
        },
    ),
    (
        lambda client: client.short_volume(FIRST, LAST),
        "/stocks/v1/short-volume?date.gte=2026-09-01&date.lte=2026-09-30&sort=date.asc&limit=50000",
        {
            **{"ticker": TEXT, "traded_on": DATE, "short_volume": F64, "total_volume": F64},
            "short_volume_ratio": F64,
        },
    ),
    (
        lambda client: client.float_shares(),
        "/stocks/vX/float?limit=5000&sort=ticker.asc",
        {"ticker": TEXT, "effective_on": DATE, "free_float": F64, "free_float_percent": F64},
    ),
    (
        lambda client: client.news(1_790_000_000 * 10**9, T),
        "/v2/reference/news?published_utc.gte=2026-09-21T14%3A13%3A20Z"
        "&published_utc.lt=2026-09-21T14%3A13%3A20.123456789Z&order=asc&sort=published_utc&limit=1000",
        {
            **{"article_id": TEXT, "published_at": AT, "title": TEXT, "publisher": TEXT, "url": TEXT},
            **{"tickers": pl.List(TEXT), "keywords": pl.List(TEXT), "insights": pl.List(wire.INSIGHT)},
        },
    ),
    (
        lambda client: client.conditions(),
        "/v3/reference/conditions?asset_class=stocks&limit=1000",
        {
            **{"condition": SHORT, "name": TEXT, "kind": TEXT},
            **dict.fromkeys(["updates_high_low", "updates_open_close", "updates_volume"], pl.Boolean),
        },
    ),
]


@pytest.mark.parametrize(("ask", "path", "schema"), ENDPOINTS, ids=[path.split("?")[0] for _, path, _ in ENDPOINTS])
def test_an_endpoint_is_asked_as_agreed_and_empty_is_typed(
    client: Polygon,
    stub: Stub,
    ask: Callable[[Polygon], pl.DataFrame],
    path: str,
    schema: dict[str, pl.DataType],
) -> None:
    stub.plays(page())
    frame = ask(client)
    assert stub.paths == [path]
    assert frame.height == 0
    assert frame.schema == pl.Schema(schema)


def test_details_are_one_row(client: Polygon, stub: Stub) -> None:
    details = {"ticker": "ACME", "list_date": "2021-03-04", "market_cap": 1.5e8, "weighted_shares_outstanding": 3e7}
    stub.plays({"status": "OK", "results": {**details, "address": {"city": "X"}}})
    row = client.ticker_details("ACME", FIRST)
    assert row is not None
    assert stub.paths == ["/v3/reference/tickers/ACME?date=2026-09-01"]
    assert row.select("ticker", "listed_on", "market_cap", "weighted_shares", "round_lot").rows() == [
        ("ACME", date(2021, 3, 4), 1.5e8, 3e7, None)
    ]


def test_trade_sizes_take_the_fraction_where_the_vendor_gives_one(client: Polygon, stub: Stub) -> None:
    stub.plays(page(trade(T, 1, size=0, decimal_size="0.25"), trade(T, 2, conditions=[37], correction=12)))
    frame = client.trades("ACME", T, T + 1)
    assert frame.select("ticker", "size", "conditions", "correction").rows() == [
        ("ACME", 0.25, [], 0),
        ("ACME", 100.0, [37], 12),
    ]


def test_daily_bars_are_sorted_however_they_come(client: Polygon, stub: Stub) -> None:
    bar = {"o": 1, "h": 2, "l": 1, "c": 2, "v": 10}
    stub.plays(page({"T": "ZZ", **bar}, {"T": "AA", **bar}, {"T": "KIMpL", **bar}, resultsCount=3))
    assert client.daily_bars(FIRST)["ticker"].to_list() == ["AA", "KIMpL", "ZZ"]


def test_quote_conditions_that_reuse_a_number_are_left_out(client: Polygon, stub: Stub) -> None:
    kinds = {"type": "x", "asset_class": "stocks"}
    stub.plays(
        page(
            {"id": 1, "name": "Acquisition", "data_types": ["trade"], **kinds},
            {"id": 1, "name": "Regular Two-Sided Open", "data_types": ["nbbo"], **kinds},
        )
    )
    assert client.conditions()["name"].to_list() == ["Acquisition"]


@needs_shared
def test_replies_recorded_from_the_vendor_are_read(client: Polygon, stub: Stub) -> None:
    def recorded(name: str) -> Reply:
        reply = json.loads((MOCKS / name).read_text())
        reply.pop("next_url", None)
        return Reply(reply)

    stub.plays(
        recorded("v3_trades_AAPL_limit_2.json"),
        recorded("v3_quotes_AAPL.json"),
        recorded("v3_reference_tickers_AAPL_date_2020-10-01.json"),
        recorded("live_v3_reference_conditions_stocks_2026-07-09.json"),
        recorded("v3_reference_splits.json"),
    )
    assert client.trades("AAPL", 0, T)["sip_at"].cast(pl.Int64).to_list() == [1_651_181_822_461_979_400] * 2
    assert client.quotes("AAPL", 0, T)["sip_at"].cast(pl.Int64).to_list()[-1] == 1_652_191_872_800_638_700
    details = client.ticker_details("AAPL", date(2020, 10, 1))
    assert details is not None
    assert details["market_cap"].item() == 1_916_103_105_630.0
    assert client.conditions().height == 55
    assert client.splits(date(1900, 1, 1), date(2099, 1, 1)).height == 10


def test_results_come_in_the_order_of_the_items(client: Polygon) -> None:
    late = threading.Event()

    def double(item: int) -> int:
        if item == 0:
            assert late.wait(5)  # the first is done last
        if item == 3:
            late.set()
        return 2 * item

    assert list(client.in_parallel(double, range(20))) == [2 * item for item in range(20)]


def test_items_are_taken_only_as_results_are_read(client: Polygon) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(1000):
            taken.append(item)
            yield item

    results = client.in_parallel(str, items())
    assert taken == []
    assert next(results) == "0"
    assert len(taken) == 8  # twice as many as are in flight
    assert next(results) == "1"
    assert len(taken) == 9
    results.close()  # type: ignore[attr-defined]
    assert len(taken) == 9


def test_never_more_than_in_flight_run_at_once(client: Polygon) -> None:
    running = most = 0
    lock = threading.Lock()
    full = threading.Barrier(4)

    def work(item: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        full.wait(5)
        with lock:
            running -= 1
        return item

    assert len(list(client.in_parallel(work, range(40)))) == 40
    assert most == 4


def test_the_first_exception_cancels_what_has_not_begun(client: Polygon) -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 2:
            raise ValueError("item 2 is bad")
        return item

    results = client.in_parallel(work, range(1000))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="item 2 is bad"):
        next(results)
    assert len(begun) <= 11
