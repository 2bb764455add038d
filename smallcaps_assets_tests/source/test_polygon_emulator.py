"""The client against the emulator, two processes over real HTTP."""

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from smallcaps_assets.source.emulator.launch import running_emulator
from smallcaps_assets.source.polygon import Polygon, PolygonError
from smallcaps_assets_tests.source.stub import KEY

FIRST, LAST = date(2024, 7, 1), date(2024, 7, 31)
SESSION = date(2024, 7, 16)


def nanoseconds(hour: int, minute: int) -> int:
    """A New York wall-clock time of SESSION."""
    instant = datetime(2024, 7, 16, hour, minute, tzinfo=ZoneInfo("America/New_York"))
    return int(instant.timestamp()) * 10**9


OPEN, NOON, CLOSE = nanoseconds(4, 0), nanoseconds(12, 0), nanoseconds(20, 0)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running_emulator(key=KEY, tickers=30, start=date(2024, 6, 3), end=date(2024, 8, 30)) as emulator:
        yield emulator.base_url


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[Polygon]:
    with Polygon(address, KEY, requests_per_minute=0, in_flight=4) as polygon:
        yield polygon


@pytest.fixture(scope="module")
def busiest(client: Polygon) -> str:
    """The ticker with the most trades of the session."""
    return str(client.daily_bars(SESSION).sort("trades", "ticker")["ticker"][-1])


def test_daily_bars_are_whole(client: Polygon) -> None:
    bars = client.daily_bars(SESSION)
    assert bars.height >= 20
    assert bars["ticker"].is_sorted()
    assert bars["ticker"].is_unique().all()
    assert bars.filter(~pl.col("close").is_between("low", "high")).height == 0


def test_no_session_no_bars(client: Polygon) -> None:
    assert client.daily_bars(date(2024, 7, 4)).height == 0


def test_half_windows_of_ticks_add_up_to_the_whole(client: Polygon, busiest: str) -> None:
    for ask in (client.trades, client.quotes):
        whole = ask(busiest, OPEN, CLOSE)
        assert whole.height > 100
        middle = int(
            whole["sip_at"].cast(pl.Int64)[whole.height // 2]
        )  # the cut lies on a row: it belongs to the right
        assert_frame_equal(pl.concat([ask(busiest, OPEN, middle), ask(busiest, middle, CLOSE)]), whole)


def test_minutes_of_a_month_are_those_of_its_sessions(client: Polygon, busiest: str) -> None:
    month = client.minute_bars(busiest, FIRST, LAST)
    sessions = [date(2024, 7, day) for day in range(1, 32)]
    parts = client.in_parallel(lambda session: client.minute_bars(busiest, session, session), sessions)
    assert_frame_equal(pl.concat(parts), month)
    assert month.height > 22 * 100


def test_volume_of_trades_is_the_volume_of_the_daily_bar(client: Polygon, busiest: str) -> None:
    rules = client.conditions()
    silent = rules.filter(~pl.col("updates_volume"))["condition"].to_list()
    counted = client.trades(busiest, OPEN, CLOSE).filter(
        ~pl.col("correction").is_in([10, 11, 12]),
        pl.col("conditions").list.set_intersection(silent).list.len() == 0,
    )
    bar = client.daily_bars(SESSION).row(by_predicate=pl.col("ticker") == busiest, named=True)
    assert counted["size"].sum() == bar["volume"]
    assert counted.height == bar["trades"]


def test_conditions_are_the_trade_conditions(client: Polygon) -> None:
    conditions = client.conditions()
    assert conditions["condition"].is_unique().all()
    rules = dict(zip(conditions["condition"], conditions["updates_high_low"], strict=True))
    assert (rules[37], rules[14], rules[12]) == (False, True, False)


def test_tickers_and_details_are_those_of_the_date(client: Polygon) -> None:
    active, inactive = client.tickers(SESSION, active=True), client.tickers(SESSION, active=False)
    assert active["active"].all()
    assert active["delisted_on"].null_count() == active.height
    assert not inactive["active"].any()
    assert inactive.filter(pl.col("delisted_on").is_null() | (pl.col("delisted_on") > SESSION)).height == 0
    details = client.ticker_details(str(active["ticker"][0]), SESSION)
    assert details is not None
    assert details["ticker"].item() == active["ticker"][0]
    assert client.ticker_details("NOSUCH", SESSION) is None


def test_reference_lists_are_inside_their_window(client: Polygon) -> None:
    everything = (date(2000, 1, 1), date(2030, 1, 1))
    splits, dividends = client.splits(*everything), client.dividends(*everything)
    assert (splits["split_from"] > 0).all()
    assert (dividends["cash_amount"] > 0).all()
    assert client.short_interest(FIRST, LAST)["settled_on"].n_unique() == 2
    assert client.short_volume(SESSION, SESSION).height >= 20
    assert client.float_shares()["ticker"].is_unique().all()
    news = client.news(nanoseconds(0, 0) - 30 * 86_400 * 10**9, nanoseconds(0, 0))
    assert news["article_id"].is_unique().all()


def test_an_unknown_ticker_has_no_ticks_and_no_minutes(client: Polygon) -> None:
    assert client.trades("NOSUCH", OPEN, CLOSE).height == 0
    assert client.quotes("NOSUCH", OPEN, CLOSE).height == 0
    assert client.minute_bars("NOSUCH", SESSION, SESSION).height == 0


def test_a_wrong_key_is_refused(address: str) -> None:
    with Polygon(address, "wrong") as client, pytest.raises(PolygonError, match="HTTP 401") as caught:
        client.daily_bars(SESSION)
    assert caught.value.status == 401
