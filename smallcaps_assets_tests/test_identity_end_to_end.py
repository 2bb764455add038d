"""A rename and a reused ticker of the synthetic market, from the vendor's replies to the ranking."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets import sessions
from smallcaps_assets.dataset import Dataset, Run
from smallcaps_assets.datasets.daily_bars import daily_bars
from smallcaps_assets.datasets.daily_events import DailyRules, daily_events
from smallcaps_assets.datasets.daily_metrics import daily_metrics
from smallcaps_assets.datasets.event_ranking import event_ranking
from smallcaps_assets.datasets.float_shares import float_shares
from smallcaps_assets.datasets.shares_outstanding import SharesRules, shares_outstanding
from smallcaps_assets.datasets.splits import splits
from smallcaps_assets.datasets.tickers import tickers
from smallcaps_assets.datasets.universe import UniverseRules, universe
from smallcaps_assets.partitions import Partition
from smallcaps_assets.source.emulator.launch import running_emulator
from smallcaps_assets.source.polygon import Polygon
from smallcaps_assets_tests.source.stub import KEY

FIRST, LAST = date(2024, 2, 23), date(2024, 4, 23)
OLD, NEW, RENAMED = "SFGO", "BFSW", date(2024, 3, 28)
REUSED, ENDED, AGAIN = "ACRS", date(2024, 3, 7), date(2024, 4, 19)
DAYS = sessions.between(FIRST, LAST)
EVENTFUL = DailyRules(sessions_before=5, gap_play_gap=0.5, gap_play_rvol=0.5, dollar_volume=1.0)  # nearly every rise

Known = dict[str, pl.DataFrame]


def made(dataset: Dataset, days: list[date], known: Known, **more: Any) -> pl.DataFrame:
    """The dataset's rows of these sessions, which pass its contract."""
    inputs = {name: known[name].lazy() for name in dataset.inputs}
    parts = dataset(Run(dataset.name, tuple(map(Partition, days))), **inputs, **more)
    rows = pl.concat([contracts.conform(dataset.contract, part.frame) for part in parts])
    assert contracts.verdict(dataset.contract, rows).passed
    return rows


@pytest.fixture(scope="module")
def known() -> Known:
    with (
        running_emulator(key=KEY) as emulator,
        Polygon(emulator.base_url, KEY, requests_per_minute=0, in_flight=4) as client,
    ):
        lake: Known = {"float_shares": float_shares.empty()}
        for dataset in (tickers, daily_bars, splits):
            lake[dataset.name] = made(dataset, DAYS, lake, polygon=client)
        later = DAYS[5:]
        lake["daily_metrics"] = made(daily_metrics, later, lake)
        counts = made(shares_outstanding, later, lake, polygon=client, config=SharesRules())
        lake["shares_outstanding"] = counts
        lake["universe"] = made(universe, later, lake, config=UniverseRules())
        lake["daily_events"] = made(daily_events, later, lake, config=EVENTFUL)
        lake["event_ranking"] = made(event_ranking, later, lake)
    return lake


def of(rows: pl.DataFrame, ticker: str) -> pl.DataFrame:
    """The ticker's rows by session."""
    return rows.filter(pl.col("ticker") == ticker).sort("session")


def test_the_renamed_security_keeps_its_id_and_its_history(known: Known) -> None:
    ids = known["universe"].filter(pl.col("ticker").is_in([OLD, NEW]))["security_id"].unique()
    assert len(ids) == 1
    metrics = known["daily_metrics"]
    assert of(metrics, OLD)["session"].max() == sessions.before(RENAMED, 1)[0]
    new = of(metrics, NEW)
    assert new["session"].to_list() == sessions.between(RENAMED, LAST)
    assert new["sessions_before"].to_list() == [DAYS.index(day) for day in new["session"]]
    assert new["mean_volume_20"].null_count() == 0


def test_metrics_of_the_new_name_are_those_of_the_same_bars_under_one_name(known: Known) -> None:
    one = known["daily_bars"].with_columns(pl.col("ticker").replace({OLD: NEW}))
    always = known["tickers"].filter(pl.col("ticker") != OLD)
    days = [RENAMED, LAST]
    by_hand = made(daily_metrics, days, known | {"daily_bars": one, "tickers": always})
    ours = known["daily_metrics"].filter(pl.col("session").is_in(days))
    assert of(ours, NEW).equals(of(by_hand, NEW))


def test_the_count_told_under_the_old_name_gives_the_new_one_its_cap(known: Known) -> None:
    told = of(known["shares_outstanding"], OLD)["session"].max()
    first = of(known["universe"], NEW).row(0, named=True)
    assert (first["session"], first["shares_session"]) == (RENAMED, told)
    assert first["market_cap"] > 0


def test_a_reused_ticker_has_nothing_of_the_company_that_had_it_before(known: Known) -> None:
    metrics = of(known["daily_metrics"], REUSED)
    assert metrics.filter(pl.col("session") < ENDED).height == len(sessions.between(DAYS[5], ENDED)) - 1
    again = metrics.filter(pl.col("session") >= AGAIN)
    assert again.select("session", "sessions_before").rows() == [
        (day, count) for count, day in enumerate(sessions.between(AGAIN, LAST)) if count
    ]
    ids = of(known["tickers"].filter("active"), REUSED)["security_id"].unique()
    assert len(ids) == 2


def test_events_are_ranked_under_the_new_name_and_those_of_the_next_company_alone(known: Known) -> None:
    events, last = known["daily_events"], known["event_ranking"].filter(pl.col("session") == LAST)
    before = events.filter(pl.col("session") < LAST)
    ranked = dict(last.select("ticker", "events").iter_rows())
    assert of(before, OLD).height > 0
    assert ranked[NEW] == of(before, OLD).height + of(before, NEW).height
    assert OLD not in ranked
    own = of(before, REUSED).filter(pl.col("session") >= AGAIN).height
    assert of(before, REUSED).height > own
    assert ranked.get(REUSED, 0) == own
