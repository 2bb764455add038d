"""A run that the source fails: it says so, commits nothing partial, and run again gives what it would have given.

Three tickers of one session are three partitions (letters A, B, C). The first is committed already, of the second there
is an older version, the third was never there; then the source fails for ever for the second one's ticker.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets import materialize
from smallcaps_assets.datasets.event_manifest import EventManifest
from smallcaps_assets.definitions import DATASETS
from smallcaps_assets.partitions import Axes
from smallcaps_assets.source.emulator.faults import Faults
from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
from smallcaps_assets.source.polygon import Polygon
from smallcaps_assets.store.lake import Lake
from smallcaps_assets_tests.datasets.event_rows import event_rows
from smallcaps_assets_tests.source.emulator.toy_service import KEY, toy_service
from smallcaps_assets_tests.source.stub import Watch
from smallcaps_assets_tests.tiny_flow import failure

SESSION = date(2024, 7, 2)
TICKERS = ("AGKF", "BSCU", "CDVJ")
A, B, C = ("A/2024-07-02", "B/2024-07-02", "C/2024-07-02")
ASKED = {  # the request that fails: its path, and how the error begins
    "event_trades": ("/v3/trades/BSCU", "trades BSCU [2024-07-02T13:58:00Z, 2024-07-02T14:08:00Z): "),
    "event_quotes": ("/v3/quotes/BSCU", "quotes BSCU [2024-07-02T13:58:00Z, 2024-07-02T14:08:00Z): "),
    "minute_bars": ("/v2/aggs/ticker/BSCU/", "minute bars BSCU 2024-07-02..2024-07-02: "),
}
FAULTS = {  # faults for ever, and what the error says of them
    "503": "HTTP 503: no text",
    "gzip-cut": "no whole reply: BrokenReplyError: a gzip stream that is cut off",
    "duplicate": "page 2 repeats the rows of the page before",
    "no-results": "rows are missing: ",
}


class Platform:
    """All assets on a lake of their own, with a client of the emulator that takes no time to wait."""

    def __init__(self, folder: Path, client: Polygon) -> None:
        self.lake = Lake(folder)
        axes = Axes(date(2024, 7, 1))
        resources = {
            "lake": materialize.io_manager(self.lake, DATASETS),
            "polygon": dg.ResourceDefinition.hardcoded_resource(SimpleNamespace(client=client)),
        }
        given = {name for dataset in ASKED for name in DATASETS[dataset].inputs} - ASKED.keys()
        self.job = dg.Definitions(
            assets=[
                *(materialize.asset(DATASETS[name], DATASETS, axes, self.lake, "tested") for name in ASKED),
                *(dg.AssetSpec(name, partitions_def=axes.definition(DATASETS[name].axis)) for name in sorted(given)),
            ],
            resources=resources,
            executor=dg.in_process_executor,
        ).resolve_implicit_global_asset_job_def()
        self.instance = dg.DagsterInstance.ephemeral(tempdir=str(folder.parent))

    def run(self, dataset: str, first: str = "A", last: str = "C") -> dg.ExecuteInProcessResult:
        """Materialize the dataset's letters from first to last."""
        tags = {
            "dagster/asset_partition_range_start": f"{first}|{SESSION}",
            "dagster/asset_partition_range_end": f"{last}|{SESSION}",
        }
        keys = [dg.AssetKey(dataset)]
        return self.job.execute_in_process(
            instance=self.instance, tags=tags, asset_selection=keys, raise_on_error=False
        )

    def bytes(self, dataset: str) -> dict[str, bytes]:
        """The dataset's committed partitions."""
        return {name: self.lake.path(dataset, name).read_bytes() for name in self.lake.partitions(dataset)}

    def files(self) -> set[str]:
        """Every file of the lake, hidden ones too."""
        return {path.relative_to(self.lake.root).as_posix() for path in self.lake.root.rglob("*") if path.is_file()}


def inputs(lake: Lake, client: Polygon) -> None:
    """What the three datasets read: members, daily bars, and one event a ticker with its window."""
    universe = DATASETS["universe"].empty()
    members = pl.DataFrame({"session": [SESSION] * 3, "ticker": TICKERS, "member": [True] * 3})
    rows = pl.concat([universe, members.cast({"session": pl.Date})], how="diagonal")
    bars = client.daily_bars(SESSION).with_columns(session=pl.lit(SESSION))
    events = event_rows(EventManifest, *({"session": SESSION, "ticker": ticker, "minute": 30} for ticker in TICKERS))
    for name, frame in (("universe", rows), ("daily_bars", bars), ("event_manifest", events)):
        ready = contracts.conform(DATASETS[name].contract, frame)
        lake.commit(name, str(SESSION), ready, passed=True, group_rows=100_000)


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[str, Faults]]:
    faults = Faults()
    market = SyntheticMarket(seed=7, tickers=5, start=date(2024, 7, 1), end=date(2024, 7, 3))
    with toy_service(market, faults=faults) as client:
        yield str(client.base_url), faults


@contextmanager
def platform(folder: Path, url: str) -> Iterator[Platform]:
    with Polygon(url, KEY, requests_per_minute=0, in_flight=2) as client:
        Watch().set(client)
        made = Platform(folder, client)
        inputs(made.lake, client)
        yield made


@pytest.fixture(scope="module")
def faultless(service: tuple[str, Faults], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform after runs without a fault."""
    with platform(tmp_path_factory.mktemp("faultless") / "lake", service[0]) as made:
        for dataset in ("minute_bars", "event_trades", "event_quotes"):
            result = made.run(dataset)
            assert result.success, failure(result)
        yield made


def test_the_faultless_runs_have_rows_in_every_partition(faultless: Platform) -> None:
    heights = [faultless.lake.read(dataset, name).height for dataset in ASKED for name in (A, B, C)]
    assert min(heights) > 0
    assert not any(Path(name).name.startswith(".") for name in faultless.files())


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("dataset", ASKED)
def test_a_run_that_the_source_fails_commits_nothing_partial_and_can_be_run_again(
    service: tuple[str, Faults],
    faultless: Platform,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dataset: str,
    fault: str,
) -> None:
    monkeypatch.setattr("smallcaps_assets.step.CHECKED_TOGETHER", 1)  # commit each partition as it comes
    url, faults = service
    path, asked = ASKED[dataset]
    wanted = faultless.bytes(dataset)
    with platform(tmp_path / "lake", url) as tested:
        if dataset == "event_trades":  # reads them
            for name, content in faultless.bytes("minute_bars").items():
                target = tested.lake.path("minute_bars", name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        older = faultless.lake.read(dataset, B).head(1)
        tested.lake.commit(dataset, B, older, passed=True, group_rows=10_000)
        assert tested.run(dataset, "A", "A").success
        before = tested.bytes(dataset)
        files = tested.files()
        assert (before[A], set(before)) == (wanted[A], {A, B})

        faults.forget()
        faults.plan(fault, None, path=path)
        result = tested.run(dataset)
        faults.forget()

        assert not result.success
        told = failure(result)
        assert asked + FAULTS[fault] in told
        assert KEY not in told
        assert tested.bytes(dataset) == before
        assert tested.files() == files
        assert set(tested.instance.get_materialized_partitions(dg.AssetKey(dataset))) == {f"A|{SESSION}"}

        again = tested.run(dataset)
        assert again.success, failure(again)
        assert tested.bytes(dataset) == wanted
