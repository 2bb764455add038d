"""The gate on real days: a bank at 14 USD is out by its cap, Palantir of 2020 by its price, and neither by luck."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets import sessions
from smallcaps_assets.dataset import Dataset, Run
from smallcaps_assets.datasets.daily_bars import daily_bars
from smallcaps_assets.datasets.daily_metrics import daily_metrics
from smallcaps_assets.datasets.float_shares import float_shares
from smallcaps_assets.datasets.shares_outstanding import SharesRules, first_of_month, shares_outstanding
from smallcaps_assets.datasets.splits import splits
from smallcaps_assets.datasets.tickers import tickers
from smallcaps_assets.datasets.universe import UniverseRules, universe
from smallcaps_assets.partitions import Partition
from smallcaps_assets.source.emulator.launch import running_emulator
from smallcaps_assets.source.polygon import Polygon
from smallcaps_assets_tests.shared import SHARED, needs_shared
from smallcaps_assets_tests.source.stub import KEY

pytestmark = needs_shared
HISTORY = 25  # sessions of bars: a month, and what the month before its first session needs to be asked about


@pytest.fixture(scope="module")
def client() -> Iterator[Polygon]:
    with (
        running_emulator(key=KEY, recorded=SHARED / "realdata" / "recorded") as emulator,
        Polygon(emulator.base_url, KEY, requests_per_minute=0, in_flight=4) as polygon,
    ):
        yield polygon


def made(dataset: Dataset, days: list[date], **inputs: Any) -> pl.DataFrame:
    """The dataset's rows of these sessions, which pass its contract."""
    run = Run(dataset.name, tuple(map(Partition, days)))
    rows = pl.concat([contracts.conform(dataset.contract, part.frame) for part in dataset(run, **inputs)])
    verdict = contracts.verdict(dataset.contract, rows)
    assert verdict.passed, verdict.metadata
    return rows


def inputs_of(client: Polygon, session: date) -> dict[str, pl.LazyFrame]:
    """What the universe of a session reads, asked of the recorded market."""
    month = next(day for day in reversed([*sessions.before(session, 30), session]) if first_of_month(day))
    asked = sorted({month, session})
    known = {"tickers": made(tickers, asked, polygon=client).lazy()}
    bars = made(daily_bars, [*sessions.before(month, HISTORY), *sessions.between(month, session)], polygon=client)
    known["splits"] = made(splits, asked, daily_bars=bars.lazy(), polygon=client).lazy()
    known["daily_metrics"] = made(daily_metrics, asked, daily_bars=bars.lazy(), **known).lazy()
    listed = {name: known[name] for name in ("tickers", "daily_metrics")}
    counts = made(shares_outstanding, asked, polygon=client, config=SharesRules(), **listed)
    return known | {"shares_outstanding": counts.lazy(), "float_shares": float_shares.empty().lazy()}


def judged(inputs: dict[str, pl.LazyFrame], session: date, ticker: str, **rules: Any) -> dict[str, Any]:
    """The ticker's row under these rules."""
    rows = made(universe, [session], config=UniverseRules(**rules), **inputs)
    return rows.row(by_predicate=pl.col("ticker") == ticker, named=True)


def test_bank_of_america_is_let_in_by_its_price_and_kept_out_by_its_cap_alone(client: Polygon) -> None:
    session = date(2013, 10, 7)
    inputs = inputs_of(client, session)
    found = judged(inputs, session, "BAC")
    assert 0.5 <= found["price"] <= 20
    assert found["market_cap"] > 100e9
    assert (found["reason"], found["failed"], found["cap_class"]) == ("market cap", ["market cap"], "large")
    assert judged(inputs, session, "BAC", max_price=1e4)["failed"] == ["market cap"]
    assert judged(inputs, session, "BAC", max_market_cap=1e13)["member"]


@pytest.mark.parametrize("session", [date(2020, 12, 16), date(2020, 12, 24)])
def test_palantir_of_2020_is_out_by_its_price_and_then_by_a_count_that_nobody_knew(
    client: Polygon, session: date
) -> None:
    inputs = inputs_of(client, session)
    found = judged(inputs, session, "PLTR")
    assert found["price"] > 20
    assert found["reason"] == "price"
    cheap = judged(inputs, session, "PLTR", max_price=1e4)
    assert (cheap["shares"], cheap["reason"]) == (None, "market cap unknown")
