"""Whatever goes wrong on the way: what the client gives is what it gives without the fault, or an error that names it.

Each fault of the emulator befalls, over real HTTP, one request at the start of a walk over pages, one in its middle,
and all from its middle on.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from smallcaps_assets.source import retries
from smallcaps_assets.source.emulator.faults import FAULTS, FLAT, OPENING, Faults
from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
from smallcaps_assets.source.polygon import Polygon, PolygonError, PolygonUnavailableError
from smallcaps_assets_tests.source.emulator.toy_service import KEY, toy_service
from smallcaps_assets_tests.source.stub import Watch

SESSION = date(2024, 7, 2)
TICKER = "BSCU"


def nanoseconds(hour: int, minute: int) -> int:
    """A New York wall-clock time of SESSION."""
    return int(datetime(2024, 7, 2, hour, minute, tzinfo=ZoneInfo("America/New_York")).timestamp()) * 10**9


OPEN, LATER = nanoseconds(9, 30), nanoseconds(10, 30)
ENDPOINTS: dict[str, tuple[str, Callable[[Polygon], pl.DataFrame]]] = {
    "trades": (
        f"trades {TICKER} [2024-07-02T13:30:00Z, 2024-07-02T14:30:00Z): ",
        lambda client: client.trades(TICKER, OPEN, LATER),
    ),
    "quotes": (
        f"quotes {TICKER} [2024-07-02T13:30:00Z, 2024-07-02T14:30:00Z): ",
        lambda client: client.quotes(TICKER, OPEN, LATER),
    ),
    "minute bars": (
        f"minute bars {TICKER} 2024-07-02..2024-07-02: ",
        lambda client: client.minute_bars(TICKER, SESSION, SESSION),
    ),
}
RECOVERS = ""
# What comes of one such reply, and of such replies for ever: nothing (RECOVERS), or an error with this text.
OUTCOMES: dict[str, tuple[str, str]] = {
    "429": (RECOVERS, "HTTP 429: You've exceeded the maximum requests per minute"),
    "429-bare": (RECOVERS, "HTTP 429: no text"),
    "500": (RECOVERS, "HTTP 500: internal error"),
    "502": (RECOVERS, "HTTP 502: <html>"),
    "503": (RECOVERS, "HTTP 503: no text"),
    "reset-before": (RECOVERS, "no whole reply: ReadError: [Errno 104] Connection reset by peer"),
    "reset-within": (RECOVERS, "no whole reply: ReadError: [Errno 104] Connection reset by peer"),
    "truncated": (RECOVERS, "no whole reply: RemoteProtocolError: peer closed connection without sending complete"),
    "chunked-cut": (RECOVERS, "(incomplete chunked read)"),
    "gzip-cut": (RECOVERS, "no whole reply: BrokenReplyError: a gzip stream that is cut off"),
    "drip": (RECOVERS, RECOVERS),
    "html": (RECOVERS, "a body of type text/html where JSON was agreed"),
    "text-type": (RECOVERS, "a body of type text/plain where JSON was agreed"),
    "mistyped": ("the reply is not what was agreed: Expected `array`, got `str`", "the reply is not what was agreed"),
    "no-results": ("rows are missing: ", "rows are missing: "),
    "empty-body": (RECOVERS, "a body of 0 bytes that is not whole JSON"),
    "skew-ahead": (RECOVERS, "HTTP 429"),
    "skew-behind": (RECOVERS, "HTTP 429"),
    "loop-self": ("leads back to a page already read", "leads back to a page already read"),
    "loop-first": ("leads back to a page already read", "leads back to a page already read"),
    "duplicate": ("repeats the rows of the page before", "repeats the rows of the page before"),
    "full-last": (RECOVERS, RECOVERS),
    "empty-page": (RECOVERS, RECOVERS),
    "cursor-refused": ("HTTP 400: 'cursor' cannot be combined", "HTTP 400: 'cursor' cannot be combined"),
}


class Emulator:
    """The emulator's address, its faults, and what the client gives when there are none, by endpoint."""

    def __init__(self, url: str, faults: Faults) -> None:
        self.url, self.faults = url, faults
        with Polygon(url, KEY, requests_per_minute=0) as client:
            self.faultless = {endpoint: ask(client) for endpoint, (_, ask) in ENDPOINTS.items()}

    def ask(self, endpoint: str, pages: int, watch: Watch) -> pl.DataFrame:
        """The endpoint's rows over so many pages, by a client that notes its pauses."""
        rows = self.faultless[endpoint].height
        with Polygon(self.url, KEY, requests_per_minute=0, page_rows=-(-rows // pages)) as client:
            watch.set(client)
            return ENDPOINTS[endpoint][1](client)


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    faults = Faults()
    market = SyntheticMarket(seed=7, tickers=5, start=date(2024, 7, 1), end=date(2024, 7, 3))
    with toy_service(market, faults=faults) as client:
        yield Emulator(str(client.base_url), faults)


@pytest.fixture
def emulator(running: Emulator) -> Emulator:
    running.faults.forget()
    return running


def proven(emulator: Emulator, fault: str, endpoint: str, expected: str) -> PolygonError | None:
    """The outcome is the expected one; the error, if it is one."""
    watch = Watch()
    pages = 1 if fault in OPENING else 3
    if expected == RECOVERS:
        assert_frame_equal(emulator.ask(endpoint, pages, watch), emulator.faultless[endpoint])
        return None
    with pytest.raises(PolygonError) as caught:
        emulator.ask(endpoint, pages, watch)
    text = str(caught.value)
    assert text.startswith(ENDPOINTS[endpoint][0])
    assert expected in text
    assert KEY not in text
    assert (caught.value.endpoint, caught.value.ticker) == (endpoint, TICKER)
    return caught.value


def test_the_matrix_holds_every_fault_of_the_service() -> None:
    assert set(OUTCOMES) == set(FAULTS) - FLAT


def test_the_faultless_walk_has_enough_rows_to_lose_some(emulator: Emulator) -> None:
    heights = {endpoint: frame.height for endpoint, frame in emulator.faultless.items()}
    assert all(height > 100 for height in heights.values()), heights


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("fault", OUTCOMES)
def test_one_faulty_reply_is_mended_or_named(emulator: Emulator, fault: str, endpoint: str) -> None:
    for after in (0, 1) if fault not in OPENING else (0,):
        emulator.faults.forget()
        emulator.faults.plan(fault, after=after)
        proven(emulator, fault, endpoint, OUTCOMES[fault][0])
        assert [befallen for befallen, _ in emulator.faults.befallen] == [fault]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("fault", OUTCOMES)
def test_a_fault_for_ever_is_borne_or_named_with_its_place(emulator: Emulator, fault: str, endpoint: str) -> None:
    emulator.faults.plan(fault, None, after=0 if fault in OPENING else 1)
    error = proven(emulator, fault, endpoint, OUTCOMES[fault][1])
    assert emulator.faults.befallen
    if error:
        assert error.asked.place is not None
        assert error.asked.place.startswith(("page 2, after cursor ", "page 3, after cursor "))
        assert f"({error.asked.place})" in str(error)
    if isinstance(error, PolygonUnavailableError):
        assert len(emulator.faults.befallen) == retries.ATTEMPTS


@pytest.mark.parametrize("fault", ["429", "skew-ahead", "skew-behind"])
def test_the_wait_that_the_service_names_is_kept_on_its_own_clock(emulator: Emulator, fault: str) -> None:
    emulator.faults.plan(fault)
    watch = Watch()
    emulator.ask("trades", 3, watch)
    assert watch.pauses[0] == 2.0


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_last_page_that_is_exactly_full_is_the_end(emulator: Emulator, endpoint: str) -> None:
    whole = emulator.faultless[endpoint]
    with Polygon(emulator.url, KEY, requests_per_minute=0, page_rows=whole.height) as client:
        assert_frame_equal(ENDPOINTS[endpoint][1](client), whole)
        assert client.requests == 1


def test_a_drip_that_outlasts_the_deadline_is_an_error_that_names_what_was_asked(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "ATTEMPTS", 2)
    emulator.faults.plan("drip", None)
    with Polygon(emulator.url, KEY, requests_per_minute=0) as client:
        client._pages.deadline, client._pages.pause = 0.05, lambda _: None
        with pytest.raises(PolygonUnavailableError, match=r"no whole reply within 0\.05 s, only \d+ bytes") as caught:
            client.trades(TICKER, OPEN, LATER)
        assert client.requests == 2
    assert str(caught.value).startswith(ENDPOINTS["trades"][0])
