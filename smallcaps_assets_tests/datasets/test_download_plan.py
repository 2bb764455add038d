"""What a download will cost."""

from datetime import date

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.download_plan import DownloadPlan, DownloadPlanConfig, download_plan
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.tape_rows import SESSION, at, manifest

CONFIG = DownloadPlanConfig(
    trades_a_minute=1000, quotes_a_minute=4000, bytes_a_trade=10, bytes_a_quote=5, requests_per_minute=100
)
EVENTS = manifest(
    ("GEVO", "a", "10:00:00", "10:10:00"), ("GEVO", "b", "10:05:00", "10:15:00"), ("AAA", "c", "09:00:00", "09:10:00")
)


def planned(events: pl.DataFrame = EVENTS) -> list[Rows]:
    run = Run("download_plan", (Partition(SESSION), Partition(date(2024, 3, 6))))
    parts = list(download_plan(run, event_manifest=events.lazy(), config=CONFIG))
    return [part._replace(frame=contracts.conform(DownloadPlan, part.frame)) for part in parts]


def test_a_union_of_windows_costs_its_minutes_at_the_average_rates() -> None:
    rows = planned()[0].frame.rows(named=True)
    assert [(row["ticker"], row["events"]) for row in rows] == [("AAA", 1), ("GEVO", 2)]
    union = rows[1]
    # 15 minutes: 15,000 trades (1 page) and 60,000 quotes (2 pages)
    assert (union["requests"], union["rows"], union["bytes"]) == (3, 75_000, 450_000)
    assert (union["minutes"], union["rate_share"]) == (pytest.approx(0.03), pytest.approx(3 / 144_000))


def test_the_session_is_summed_in_the_metadata_and_sessions_without_events_are_empty() -> None:
    first, second = planned()
    assert "| requests | 5 |" in first.metadata["plan"].md_str
    assert second.frame.is_empty()
    assert "| windows | 0 |" in second.metadata["plan"].md_str


def test_events_that_are_not_admitted_cost_nothing() -> None:
    assert planned(manifest(("GEVO", "a", "10:00:00", "10:10:00"), admitted=False))[0].frame.is_empty()


def test_the_contract_refuses_a_window_without_length() -> None:
    frame = planned()[0].frame.with_columns(window_ends_at=pl.lit(at("08:00:00")).cast(pl.Datetime("ns", "UTC")))
    assert not contracts.verdict(DownloadPlan, frame).passed
