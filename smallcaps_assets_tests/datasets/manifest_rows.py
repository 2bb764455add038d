"""Manifests drawn by hand, and what `manifest_verdict` says of them."""

from typing import Any

import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import conform, verdict
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.event_manifest import EventManifest
from smallcaps_assets.datasets.manifest_verdict import ALL, ManifestVerdict, VerdictRules, manifest_verdict
from smallcaps_assets_tests.datasets.event_rows import SESSION, event_rows

DETECTORS = ("volume_spike", "vwap_break")
SPAN = [*sessions.before(SESSION, 19), SESSION]  # 20 sessions of December 2023 and January 2024
MINUTES = {"PM": -30, "RTH": 30, "AH": 400}
MEGABYTE, MINUTE = 1_000_000, 0.008  # what each event of these tests costs by the plan


def good_events() -> list[dict[str, Any]]:
    """20 sessions with 15 admitted events each, of 100 tickers: 2 PM, 12 RTH, 1 AH, and 15 dropped ones."""
    events = []
    for i in range(600):
        place = i // 2 % 15
        segment = "PM" if place < 2 else "RTH" if place < 14 else "AH"
        events.append(
            {
                "session": SPAN[i // 30],
                "ticker": f"G{i // 2 % 100:02d}",
                "detector": DETECTORS[i // 2 % 2],
                "minute": MINUTES[segment] + i % 2,
                "score": 0.8 if i % 2 == 0 and i % 3 else 0.7 if i % 2 == 0 else 0.3,
                "dropped_by": "score" if i % 2 else None,
            }
        )
    return events


def universe_of(events: pl.DataFrame) -> pl.DataFrame:
    """The events' tickers as members, and as many that are none, in every session."""
    tickers = events["ticker"].unique().to_list()
    listed = [(ticker, True) for ticker in tickers] + [(f"X{ticker}", False) for ticker in tickers]
    spanned = pl.DataFrame({"session": events["session"].unique()})
    return spanned.join(pl.DataFrame(listed, ["ticker", "member"], orient="row"), how="cross")


def plan_of(events: pl.DataFrame) -> pl.DataFrame:
    """What the admitted events cost, a row each."""
    return events.filter("admitted").select("session", bytes=pl.lit(MEGABYTE, pl.Int64), minutes=pl.lit(MINUTE))


def reported(events: list[dict[str, Any]], plan: pl.DataFrame | None = None, **rules: Any) -> tuple[pl.DataFrame, Any]:
    """The rows and the metadata."""
    rows = event_rows(EventManifest, *events)
    (part,) = manifest_verdict(
        Run("manifest_verdict", ()),
        event_manifest=rows.lazy(),
        universe=universe_of(rows).lazy()
        if events
        else pl.LazyFrame(schema={"session": pl.Date, "ticker": pl.String, "member": pl.Boolean}),
        download_plan=(plan_of(rows) if plan is None else plan).lazy(),
        config=VerdictRules(**rules),
    )
    frame = conform(ManifestVerdict, part.frame)
    assert verdict(ManifestVerdict, frame).passed
    return frame, part.metadata


Found = dict[tuple[str, str], tuple[float | None, str, str]]


def judged(events: list[dict[str, Any]], span: str = ALL, **rules: Any) -> Found:
    """By kind and check: figure, bound, verdict."""
    frame = reported(events, **rules)[0].filter(pl.col("span") == span)
    columns = frame.select("kind", "check", "figure", "bound", "verdict").rows()
    return {(kind, check): (figure, bound, word) for kind, check, figure, bound, word in columns}


def words(events: list[dict[str, Any]], kind: str) -> dict[str, str]:
    return {check: word for (of, check), (_, _, word) in judged(events).items() if of == kind}


def unlike(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events with ids of their own, however alike they are."""
    return [{**event, "event_id": f"event {i}"} for i, event in enumerate(events)]
