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
    trades_a_minute=1000,
    quotes_a_minute=4000,
    bytes_a_trade=10,
    bytes_a_quote=5,
    requests_per_minute=100,
    megabits_per_second=1000,
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
    assert (union["trade_requests"], union["quote_requests"], union["requests"]) == (1, 2, 3)
    assert (union["rows"], union["bytes"]) == (75_000, 450_000)
    assert (union["minutes"], union["rate_share"]) == (pytest.approx(0.03), pytest.approx(3 / 144_000))


def test_the_sessions_files_are_shared_equally_among_its_unions() -> None:
    frame = planned()[0].frame
    assert frame["file_bytes"].to_list() == [3_700_000_000, 3_700_000_000]  # 1.4 GB of trades and 6 GB of quotes
    assert frame["file_minutes"].sum() == pytest.approx(59.2 / 60)  # 59.2 Gbit at 1 Gbit/s


def test_the_run_is_summed_with_its_last_session() -> None:
    first, second = planned()
    assert "plan_of_the_run" not in first.metadata
    assert second.metadata["plan_of_the_run"].md_str.splitlines()[2:] == [
        "| 2024-03-05 | 2 | 3 | 5 | 1.67 | 125,000 | 0.75 | 0.05 | 0.99 | REST |",
        "| 2024-03-06 | 0 | 0 | 0 | – | 0 | 0.00 | 0.00 | 0.00 | nothing to ask for |",
        "| total | 2 | 3 | 5 | 1.67 | 125,000 | 0.75 | 0.05 | 0.99 |  |",
        "",
        "In all 5 requests, 125,000 rows, 0.00 GB on disk: 0.00 hours by REST; 0.02 hours by the sessions' files, "
        "7 GB of download; REST is sooner.",
    ]


@pytest.mark.parametrize(
    ("windows", "sooner"),
    [
        (1, "REST"),
        (20, "trades: file, quotes: REST"),  # 2 s a request: 40 s; the file of trades takes 11.2 s, that of quotes 48 s
        (100, "files"),
    ],
)
def test_files_are_sooner_from_as_many_requests_as_their_bytes_take(windows: int, sooner: str) -> None:
    minutes = [f"{4 + number // 6:02d}:{number % 6}0" for number in range(windows)]
    events = manifest(*((f"T{n:03d}", str(n), f"{at}:00", f"{at}:30") for n, at in enumerate(minutes)))
    slow = CONFIG.model_copy(update={"requests_per_minute": 30})
    run = Run("download_plan", (Partition(SESSION),))
    (part,) = download_plan(run, event_manifest=events.lazy(), config=slow)
    assert f"| sooner | {sooner} |" in part.metadata["plan"].md_str


def test_windows_of_ten_minutes_take_two_requests_an_event_at_most() -> None:
    (part, _) = planned(manifest(*((f"T{n}", str(n), "10:00:00", "10:10:00") for n in range(40))))
    assert part.metadata["expected_requests_an_event"] == 2.0
    assert "| requests an event | 2.00 |" in part.metadata["plan"].md_str


def test_the_session_is_summed_in_the_metadata_and_sessions_without_events_are_empty() -> None:
    first, second = planned()
    assert "| requests | 5 |" in first.metadata["plan"].md_str
    assert second.frame.is_empty()
    assert "| windows | 0 |" in second.metadata["plan"].md_str


def test_the_plan_needs_the_manifest_alone() -> None:
    assert (download_plan.inputs, download_plan.reads_source) == (["event_manifest"], False)


def test_events_that_are_not_admitted_cost_nothing() -> None:
    assert planned(manifest(("GEVO", "a", "10:00:00", "10:10:00"), admitted=False))[0].frame.is_empty()


def test_the_contract_refuses_a_window_without_length() -> None:
    frame = planned()[0].frame.with_columns(window_ends_at=pl.lit(at("08:00:00")).cast(pl.Datetime("ns", "UTC")))
    assert not contracts.verdict(DownloadPlan, frame).passed
