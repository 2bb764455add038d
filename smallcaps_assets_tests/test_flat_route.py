"""Runs that read flat files: the lake is that of REST, and a session published again is stale until it is remade."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from smallcaps_assets import contract as contracts
from smallcaps_assets import flat_assets, materialize
from smallcaps_assets.automation import schedules, sensors
from smallcaps_assets.data_versions import file_asset, observation
from smallcaps_assets.datasets.event_manifest import EventManifest
from smallcaps_assets.definitions import DATASETS, Settings, definitions
from smallcaps_assets.partitions import Axes
from smallcaps_assets.sessions import NEW_YORK
from smallcaps_assets.source.emulator.routes_flat import ACCESS_KEY
from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
from smallcaps_assets.source.resource import PolygonResource
from smallcaps_assets.source.routes import Route, SessionFile
from smallcaps_assets.store.lake import Lake
from smallcaps_assets_tests.datasets.event_rows import event_rows
from smallcaps_assets_tests.source.emulator.toy_service import KEY, toy_service
from smallcaps_assets_tests.test_data_versions import stale
from smallcaps_assets_tests.tiny_flow import failure

SESSIONS = [date(2024, 7, day) for day in (1, 2, 3)]
BEFORE, DAY, AFTER = (str(session) for session in SESSIONS)
TICKERS = ("AGKF", "BSCU", "CDVJ")
MADE = ("daily_bars", "minute_bars", "event_trades", "event_quotes", "imbalance_bars")
BY_LETTER = MADE[1:]


class Platform:
    """The datasets that have flat files, and one that follows, on a lake of their own."""

    def __init__(self, folder: Path, url: str, route: Route) -> None:
        self.lake, self.route = Lake(folder), route
        self.instance = dg.DagsterInstance.ephemeral(tempdir=str(folder.parent))
        self.defs = self.asking(url)

    def asking(self, url: str) -> dg.Definitions:
        """The assets with the vendor at that address."""
        axes, route = Axes(SESSIONS[0]), self.route
        polygon = PolygonResource(
            base_url=url,
            api_key=KEY,
            requests_per_minute=0,
            in_flight=2,
            route=route,
            s3_endpoint=url,
            s3_access_key=ACCESS_KEY,
            s3_secret=KEY,
            flat_files=str(self.lake.root / "flat_files"),
        )
        given = {name for dataset in MADE for name in DATASETS[dataset].inputs} - set(MADE)
        return dg.Definitions(
            assets=[
                *flat_assets.assets(route, axes),
                *(self.asset(name, axes) for name in MADE),
                *(dg.AssetSpec(name, partitions_def=axes.definition(DATASETS[name].axis)) for name in sorted(given)),
            ],
            resources={"lake": materialize.io_manager(self.lake, DATASETS), "polygon": polygon},
            executor=dg.in_process_executor,
        )

    def asset(self, name: str, axes: Axes) -> dg.AssetsDefinition:
        """Dagster's asset of a dataset, due as the platform has it."""
        due = sensors.follows(DATASETS[name], flat_assets.selection(self.route))
        return materialize.asset(DATASETS[name], DATASETS, axes, self.lake, "tested", due, self.route)

    def run(self, dataset: str, first: str = BEFORE, last: str = AFTER, letters: str = "ABC") -> None:
        """Materialize sessions of the dataset, and the letters if it has them; it must go well."""
        ends = (f"{letters[0]}|{first}", f"{letters[-1]}|{last}") if dataset in BY_LETTER else (first, last)
        self._execute(schedules.range_tags(*ends), dg.AssetKey(dataset))

    def observe(self) -> None:
        """What the schedule and the button do."""
        self._execute({}, *map(file_asset, flat_assets.kinds(self.route)))

    def _execute(self, tags: dict[str, str], *keys: dg.AssetKey) -> None:
        job = self.defs.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(
            instance=self.instance, tags=tags, asset_selection=list(keys), raise_on_error=False
        )
        assert result.success, failure(result)

    def stale(self) -> dict[str, list[str]]:
        """The stale partitions of each dataset that has some."""
        found = {}
        for name in MADE:
            keys = [f"{letter}|{s}" for letter in "ABC" for s in SESSIONS] if name in BY_LETTER else map(str, SESSIONS)
            found[name] = stale(self.defs, self.instance, name, keys)
        return {name: keys for name, keys in found.items() if keys}

    def metadata(self, dataset: str, partition: str) -> dict[str, Any]:
        """What the newest materialization of the partition shows."""
        records = dg.AssetRecordsFilter(dg.AssetKey(dataset), asset_partitions=[partition])
        event = self.instance.fetch_materializations(records, limit=1).records[0].asset_materialization
        return {label: value.value for label, value in event.metadata.items()} if event else {}


def prepared(folder: Path, url: str, route: Route) -> Platform:
    """A platform with members and one event a session and ticker, on which all runs are through."""
    made = Platform(folder, url, route)
    for session in SESSIONS:
        members = pl.DataFrame({"session": [session] * 3, "ticker": TICKERS, "member": [True] * 3})
        rows = pl.concat([DATASETS["universe"].empty(), members.cast({"session": pl.Date})], how="diagonal")
        events = event_rows(EventManifest, *({"session": session, "ticker": name, "minute": 30} for name in TICKERS))
        for name, frame in (("universe", rows), ("event_manifest", events)):
            ready = contracts.conform(DATASETS[name].contract, frame)
            made.lake.commit(name, str(session), ready, passed=True, group_rows=100_000)
    for name in MADE:
        made.run(name)
    return made


@pytest.fixture(scope="module")
def market() -> SyntheticMarket:
    return SyntheticMarket(seed=7, tickers=5, start=SESSIONS[0], end=SESSIONS[-1])


@pytest.fixture(scope="module")
def service(market: SyntheticMarket) -> Iterator[str]:
    with toy_service(market) as client:
        yield str(client.base_url)


@pytest.fixture(scope="module")
def rest(service: str, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    return prepared(tmp_path_factory.mktemp("rest") / "lake", service, Route.REST)


@pytest.fixture(scope="module")
def flat(service: str, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    return prepared(tmp_path_factory.mktemp("flat") / "lake", service, Route.FLAT)


@pytest.mark.parametrize("dataset", ["event_trades", "event_quotes", "imbalance_bars"])
def test_ticks_and_what_follows_are_the_same_bytes_on_both_routes(rest: Platform, flat: Platform, dataset: str) -> None:
    names = flat.lake.partitions(dataset)
    assert len(names) == 9
    assert [flat.lake.digest(dataset, name) for name in names] == [rest.lake.digest(dataset, name) for name in names]
    assert sum(flat.lake.read(dataset, name).height for name in names) > 0


@pytest.mark.parametrize("dataset", ["daily_bars", "minute_bars"])
def test_bars_are_the_same_but_for_vwap(rest: Platform, flat: Platform, dataset: str) -> None:
    for name in rest.lake.partitions(dataset):
        over_rest, from_file = rest.lake.read(dataset, name), flat.lake.read(dataset, name)
        assert from_file["vwap"].null_count() == from_file.height > 0
        assert_frame_equal(from_file.drop("vwap"), over_rest.drop("vwap"), check_exact=True)


def test_a_partition_shows_its_route_and_the_files_tag(rest: Platform, flat: Platform) -> None:
    assert rest.metadata("event_trades", f"A|{DAY}")["route"] == "rest"
    assert "etag" not in rest.metadata("event_trades", f"A|{DAY}")
    shown = flat.metadata("event_trades", f"A|{DAY}")
    assert shown["route"] == "flat"
    (kept,) = (flat.lake.root / "flat_files" / SessionFile.TRADES).glob(f"{DAY}.*.parquet")
    assert kept.name == f"{DAY}.{shown['etag']}.parquet"


def test_a_session_published_again_is_stale_until_it_is_made_again(
    flat: Platform, market: SyntheticMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat.observe()
    assert flat.stale() == {}
    again = [(SessionFile.DAY_AGGS, SESSIONS[1]), (SessionFile.TRADES, SESSIONS[1])]
    with toy_service(market, republished=again) as later:
        monkeypatch.setattr(flat, "defs", flat.asking(str(later.base_url)))
        first_tag = flat.metadata("daily_bars", DAY)["etag"]
        assert flat.stale() == {}  # nobody has looked

        flat.observe()
        letters = [f"{letter}|{DAY}" for letter in "ABC"]
        assert flat.stale() == {"daily_bars": [DAY], "event_trades": letters}

        flat.run("daily_bars")  # all three sessions in one run: two are as they were
        assert flat.metadata("daily_bars", DAY)["etag"] != first_tag
        assert flat.stale() == {"minute_bars": letters, "event_trades": letters}

        flat.run("minute_bars", DAY, DAY)  # the same bytes: the correction is in the daily bars
        assert flat.stale() == {"event_trades": letters}

        flat.run("event_trades", DAY, DAY)  # the correction is outside the windows
        assert flat.stale() == {}
        flat.observe()
        assert flat.stale() == {}


def test_reading_a_new_edition_is_observing_it(
    flat: Platform, market: SyntheticMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with toy_service(market, republished=[(SessionFile.QUOTES, SESSIONS[2])]) as later:
        monkeypatch.setattr(flat, "defs", flat.asking(str(later.base_url)))
        flat.run("event_quotes", AFTER, AFTER)  # nobody has looked before
        assert flat.stale().get("event_quotes", []) == []


@pytest.mark.parametrize(
    ("route", "files"),
    [
        ("rest", set()),
        ("auto", {"flat_trades_v1", "flat_quotes_v1"}),
        ("flat", {"flat_day_aggs_v1", "flat_minute_aggs_v1", "flat_trades_v1", "flat_quotes_v1"}),
    ],
)
def test_the_graph_has_the_files_that_the_route_may_read(tmp_path: Path, route: str, files: set[str]) -> None:
    defs = definitions(Settings.of({"SMALLCAPS_ROUTE": route, "SMALLCAPS_LAKE": str(tmp_path)}))
    graph = defs.resolve_asset_graph()
    assert {key.path[-1] for key in graph.get_all_asset_keys() if key.path[-1].startswith("flat_")} == files
    parents = {name: {key.path[-1] for key in graph.get(dg.AssetKey(name)).parent_keys} for name in MADE}
    assert ("flat_trades_v1" in parents["event_trades"]) is (route != "rest")
    assert ("flat_day_aggs_v1" in parents["daily_bars"]) is (route == "flat")
    timed = {schedule.name: schedule for schedule in defs.get_repository_def().schedule_defs}
    assert ("flat_files" in timed) is (route != "rest")
    assert timed["nightly"].cron_schedule == ("30 11 * * 2-6" if route == "flat" else "30 0 * * 2-6")


def test_the_keys_of_the_files_are_names_in_the_definitions(tmp_path: Path) -> None:
    set_by = {"POLYGON_S3_ACCESS_KEY_ID": "CANARY1", "POLYGON_S3_SECRET_ACCESS_KEY": "CANARY2"}
    settings = Settings.of({"SMALLCAPS_ROUTE": "flat", "SMALLCAPS_LAKE": str(tmp_path), **set_by})
    polygon = (definitions(settings).resources or {})["polygon"]
    assert polygon.s3_endpoint == "https://files.massive.com"
    assert (polygon.s3_access_key, polygon.s3_secret) == tuple(map(dg.EnvVar, set_by))
    assert "CANARY" not in repr(settings) + repr(polygon)


def test_another_route_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'fast' is not a valid Route"):
        Settings.of({"SMALLCAPS_ROUTE": "fast"})


def test_an_observed_file_makes_nothing_due_new_minutes_do(flat: Platform) -> None:
    def due(cursor: Any = None) -> tuple[Any, set[str]]:
        noon = datetime(2024, 7, 4, 12, tzinfo=NEW_YORK)
        found = dg.evaluate_automation_conditions(flat.defs, flat.instance, cursor=cursor, evaluation_time=noon)
        return found.cursor, {str(key) for key in found.get_requested_partitions(dg.AssetKey("event_trades"))}

    flat.instance.report_runless_asset_event(dg.AssetMaterialization("event_manifest", partition=AFTER))
    begun, _ = due()
    flat.instance.report_runless_asset_event(observation(SessionFile.TRADES, SESSIONS[2], "another"))
    observed, asked_for = due(begun)
    assert asked_for == set()
    flat.run("minute_bars", AFTER, AFTER)
    assert due(observed)[1] == {f"{letter}|{AFTER}" for letter in "ABC"}


def test_a_partition_without_rows_of_a_file_does_not_depend_on_it(flat: Platform) -> None:
    flat.instance.report_runless_asset_event(observation(SessionFile.TRADES, SESSIONS[0], "first"))
    flat.run("minute_bars", letters="D")
    flat.run("event_trades", letters="D")
    for session in SESSIONS:
        flat.instance.report_runless_asset_event(observation(SessionFile.TRADES, session, "second"))
    both = [f"A|{BEFORE}", *(f"D|{session}" for session in SESSIONS)]
    assert stale(flat.defs, flat.instance, "event_trades", both) == [f"A|{BEFORE}"]


def test_the_secret_is_written_nowhere(flat: Platform) -> None:
    kept = [path for path in flat.lake.root.rglob("*") if path.is_file()]
    assert any(path.name.endswith(".parquet") for path in kept)
    assert [path for path in kept if KEY.encode() in path.read_bytes()] == []
    shown = flat.instance.fetch_materializations(dg.AssetKey("event_trades"), limit=100).records
    assert len(shown) >= 9
    assert not any(KEY in str(record) for record in shown)
