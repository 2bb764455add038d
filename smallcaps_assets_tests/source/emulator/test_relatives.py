"""Which tickers moved alike: correlations of five sessions' log returns, worked by hand."""

from datetime import date

import polars as pl
import pytest

from smallcaps_assets.source.emulator.market import DAILY
from smallcaps_assets.source.emulator.relatives import Relatives
from smallcaps_assets_tests.source.emulator.toy_market import SESSIONS, THU, ToyMarket

CLOSES: dict[str, tuple[float | None, ...]] = {
    "LEADER": (1.0, 2.0, 1.0, 2.0, 4.0),  # log2 returns 1, -1, 1, 1
    "TWICE": (1.0, 4.0, 1.0, 4.0, 16.0),  # 2, -2, 2, 2: moves alike whatever the size
    "NEARLY": (1.0, 2.0, 1.0, 2.0, 2.0),  # 1, -1, 1, 0
    "CONTRARY": (4.0, 2.0, 4.0, 2.0, 1.0),
    "FLAT": (3.0, 3.0, 3.0, 3.0, 3.0),
    "SELDOM": (1.0, 2.0, 1.0, None, None),  # two returns say nothing
    "UNLISTED": (1.0, 2.0, 1.0, 2.0, 4.0),
}
LISTED = [ticker for ticker in CLOSES if ticker != "UNLISTED"]


class Alike(ToyMarket):
    """Daily bars of the closes above."""

    def daily(self, session: date) -> pl.DataFrame:
        place = SESSIONS.index(session)
        rows = [{"T": ticker, "c": closes[place]} for ticker, closes in CLOSES.items() if closes[place] is not None]
        return pl.DataFrame(rows, schema=DAILY)


@pytest.fixture(scope="module")
def relatives() -> Relatives:
    return Relatives(Alike(), SESSIONS, LISTED, lambda _session: {})


@pytest.mark.parametrize(
    ("ticker", "found"),
    [
        ("LEADER", ["TWICE", "NEARLY"]),
        ("NEARLY", ["LEADER", "TWICE"]),  # equally alike: in the order of the alphabet
        ("CONTRARY", []),
        ("FLAT", []),
        ("SELDOM", []),
        ("UNLISTED", []),
        ("NOPE", []),
    ],
)
def test_relatives_rise_and_fall_together_closest_first(relatives: Relatives, ticker: str, found: list[str]) -> None:
    assert relatives.of(ticker) == found


def test_a_split_is_no_move() -> None:
    # A reverse split 1:10 on Thursday: raw closes rise where the price fell.
    class Split(ToyMarket):
        def daily(self, session: date) -> pl.DataFrame:
            close = CLOSES["LEADER"][SESSIONS.index(session)] or 0.0
            rows = [{"T": "LEADER", "c": close}, {"T": "SPLIT", "c": close if session < THU else 10 * close}]
            return pl.DataFrame(rows, schema=DAILY)

    def restated(session: date) -> dict[str, float]:
        return {"SPLIT": 10.0} if session < THU else {}

    tickers = ["LEADER", "SPLIT"]
    assert Relatives(Split(), SESSIONS, tickers, restated).of("LEADER") == ["SPLIT"]
    assert Relatives(Split(), SESSIONS, tickers, lambda _session: {}).of("LEADER") == []


def test_relatives_are_ten_at_most() -> None:
    class Many(ToyMarket):
        def daily(self, session: date) -> pl.DataFrame:
            close = CLOSES["LEADER"][SESSIONS.index(session)]
            return pl.DataFrame([{"T": f"T{number:02d}", "c": close} for number in range(12)], schema=DAILY)

    tickers = [f"T{number:02d}" for number in range(12)]
    assert (
        Relatives(Many(), SESSIONS, tickers, lambda _session: {}).of("T03")
        == [ticker for ticker in tickers if ticker != "T03"][:10]
    )
