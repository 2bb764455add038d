"""The composition root: every dataset in the order data flow, what they run on, and when.

This is the only file that reads the environment.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg

from smallcaps_assets import flat_assets, materialize
from smallcaps_assets.automation import jobs, schedules, sensors
from smallcaps_assets.dataset import Dataset
from smallcaps_assets.datasets.api_usage import api_usage
from smallcaps_assets.datasets.barrier_labels import barrier_labels
from smallcaps_assets.datasets.carried_over import carried_over
from smallcaps_assets.datasets.daily_bars import daily_bars
from smallcaps_assets.datasets.daily_events import daily_events
from smallcaps_assets.datasets.daily_metrics import daily_metrics
from smallcaps_assets.datasets.dividends import dividends
from smallcaps_assets.datasets.download_plan import download_plan
from smallcaps_assets.datasets.event_candidates import event_candidates
from smallcaps_assets.datasets.event_manifest import EVENT_WHY, event_manifest
from smallcaps_assets.datasets.event_quotes import event_quotes
from smallcaps_assets.datasets.event_ranking import event_ranking
from smallcaps_assets.datasets.event_review import event_review
from smallcaps_assets.datasets.event_trades import event_trades
from smallcaps_assets.datasets.events_report import events_report
from smallcaps_assets.datasets.experiment_runs import experiment_runs
from smallcaps_assets.datasets.feature_dictionary import feature_dictionary
from smallcaps_assets.datasets.feature_importance import feature_importance
from smallcaps_assets.datasets.float_shares import float_shares
from smallcaps_assets.datasets.halts import halts
from smallcaps_assets.datasets.hourly_bars import hourly_bars
from smallcaps_assets.datasets.imbalance_bars import imbalance_bars
from smallcaps_assets.datasets.intraday_events import intraday_events
from smallcaps_assets.datasets.manifest_verdict import manifest_verdict
from smallcaps_assets.datasets.market_states import market_states
from smallcaps_assets.datasets.minute_bars import minute_bars
from smallcaps_assets.datasets.ml_splits import ml_splits
from smallcaps_assets.datasets.model_metrics import model_metrics
from smallcaps_assets.datasets.models import models
from smallcaps_assets.datasets.news import news
from smallcaps_assets.datasets.predictions import predictions
from smallcaps_assets.datasets.research_report import research_report
from smallcaps_assets.datasets.sample_weights import sample_weights
from smallcaps_assets.datasets.scored_events import scored_events
from smallcaps_assets.datasets.shares_outstanding import shares_outstanding
from smallcaps_assets.datasets.short_interest import short_interest
from smallcaps_assets.datasets.short_volume import short_volume
from smallcaps_assets.datasets.splits import splits
from smallcaps_assets.datasets.tickers import tickers
from smallcaps_assets.datasets.training_rows import training_rows
from smallcaps_assets.datasets.universe import universe
from smallcaps_assets.datasets.window_coverage import window_coverage
from smallcaps_assets.partitions import Axes
from smallcaps_assets.reports.folder import ADDRESS
from smallcaps_assets.source import ledger
from smallcaps_assets.source.resource import PolygonResource
from smallcaps_assets.source.routes import MEGABITS_PER_SECOND, Route
from smallcaps_assets.store import catalogue, universe_why
from smallcaps_assets.store.lake import Lake

FLOW: Mapping[str, tuple[Dataset, ...]] = {
    "reference": (
        tickers,
        splits,
        dividends,
        shares_outstanding,
        float_shares,
        short_interest,
        short_volume,
        news,
        halts,
    ),
    "market": (daily_bars, daily_metrics, universe, minute_bars, hourly_bars, carried_over, market_states),
    "events": (
        daily_events,
        event_ranking,
        intraday_events,
        event_candidates,
        scored_events,
        event_manifest,
        download_plan,
        manifest_verdict,
        events_report,
        event_review,
        event_trades,
        event_quotes,
        window_coverage,
    ),
    "labels": (imbalance_bars, barrier_labels, sample_weights),
    "research": (
        training_rows,
        feature_dictionary,
        ml_splits,
        models,
        predictions,
        model_metrics,
        feature_importance,
        experiment_runs,
        research_report,
    ),
    "source": (api_usage,),
}
DATASETS: Mapping[str, Dataset] = {dataset.name: dataset for stage in FLOW.values() for dataset in stage}

REAL_SERVICE = "https://api.massive.com"
REAL_FILES = "https://files.massive.com"
KEY = "POLYGON_API_KEY"
FLAT_FILES = "flat_files"  # in the lake
S3_ACCESS_KEY, S3_SECRET = "POLYGON_S3_ACCESS_KEY_ID", "POLYGON_S3_SECRET_ACCESS_KEY"


@dataclass(frozen=True)
class Settings:
    """What the environment may set."""

    lake: Path = Path("data")
    first_session: date = date(2024, 1, 2)
    base_url: str = REAL_SERVICE
    requests_per_minute: int = 500
    in_flight: int = 12
    recorded: str = ""
    emulated_tickers: int = 60
    has_key: bool = False
    route: Route = Route.REST
    s3_endpoint: str = REAL_FILES
    has_s3_keys: bool = False
    flat_files_gigabytes: int = 200
    megabits_per_second: float = MEGABITS_PER_SECOND
    reports_at: str = ADDRESS
    mlflow: bool = True

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """From ``SMALLCAPS_…`` and ``POLYGON_…`` variables; ``ValueError`` where one is malformed."""
        default = cls()
        return cls(
            lake=Path(environment.get("SMALLCAPS_LAKE", default.lake)),
            first_session=date.fromisoformat(environment.get("SMALLCAPS_FIRST_SESSION", str(default.first_session))),
            base_url=environment.get("POLYGON_BASE_URL", default.base_url),
            requests_per_minute=int(environment.get("POLYGON_REQUESTS_PER_MINUTE", default.requests_per_minute)),
            in_flight=int(environment.get("POLYGON_IN_FLIGHT", default.in_flight)),
            recorded=environment.get("SMALLCAPS_RECORDED", default.recorded),
            emulated_tickers=int(environment.get("SMALLCAPS_EMULATED_TICKERS", default.emulated_tickers)),
            has_key=bool(environment.get(KEY)),
            route=Route(environment.get("SMALLCAPS_ROUTE", default.route)),
            s3_endpoint=environment.get("POLYGON_S3_ENDPOINT", default.s3_endpoint),
            has_s3_keys=bool(environment.get(S3_ACCESS_KEY) and environment.get(S3_SECRET)),
            flat_files_gigabytes=int(environment.get("SMALLCAPS_FLAT_FILES_GB", default.flat_files_gigabytes)),
            megabits_per_second=float(environment.get("SMALLCAPS_MEGABITS_PER_SECOND", default.megabits_per_second)),
            reports_at=environment.get("SMALLCAPS_REPORTS_AT", default.reports_at).rstrip("/"),
            mlflow=_switch("SMALLCAPS_MLFLOW", environment.get("SMALLCAPS_MLFLOW", "on")),
        )


def _switch(name: str, value: str) -> bool:
    if value not in ("on", "off"):
        raise ValueError(f"{name} is {value!r}, neither on nor off")
    return value == "on"


def definitions(settings: Settings) -> dg.Definitions:
    """Everything Dagster shows and runs, for these settings."""
    lake, axes = Lake(settings.lake.resolve()), Axes(settings.first_session)
    views = {name: dataset.empty() for name, dataset in DATASETS.items()}
    questions = {"universe_why": universe_why.query(), "event_why": EVENT_WHY}
    catalogue.write(lake, views | {ledger.FOLDER: ledger.empty()}, questions)
    polygon = PolygonResource(
        base_url=settings.base_url,
        # a name, not a value: what is resolved when a run begins never shows in the UI
        api_key=dg.EnvVar(KEY) if settings.has_key else "",
        requests_per_minute=settings.requests_per_minute,
        in_flight=settings.in_flight,
        recorded=settings.recorded,
        emulated_tickers=settings.emulated_tickers,
        ledger=str(lake.root / ledger.FOLDER),
        route=settings.route,
        s3_endpoint=settings.s3_endpoint,
        s3_access_key=dg.EnvVar(S3_ACCESS_KEY) if settings.has_s3_keys else "",
        s3_secret=dg.EnvVar(S3_SECRET) if settings.has_s3_keys else "",
        flat_files=str(lake.root / FLAT_FILES),
        flat_files_gigabytes=settings.flat_files_gigabytes,
        megabits_per_second=settings.megabits_per_second,
    )
    by_schedule, files = schedules.from_source(FLOW), flat_assets.selection(settings.route)
    return dg.Definitions(
        assets=[
            *flat_assets.assets(settings.route, axes),
            *(
                materialize.asset(
                    dataset,
                    DATASETS,
                    axes,
                    lake,
                    stage,
                    due=None if dataset.name in by_schedule else sensors.follows(dataset, files),
                    route=settings.route,
                    reports_at=settings.reports_at,
                    mlflow=settings.mlflow,
                )
                for stage, datasets in FLOW.items()
                for dataset in datasets
            ),
        ],
        resources={"lake": materialize.io_manager(lake, DATASETS), "polygon": polygon},
        jobs=jobs.by_stage(FLOW),
        schedules=[
            schedules.nightly(FLOW, axes, settings.route),
            schedules.weekly(FLOW),
            *flat_assets.schedule(settings.route),
        ],
        sensors=[sensors.automation(FLOW), sensors.halt_files(lake, axes), sensors.review_files(lake)],
        executor=dg.in_process_executor,
    )


os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # MLflow looks when it is imported, which is later
defs = definitions(Settings.of(os.environ))
