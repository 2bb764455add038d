"""The charts of all events: bars counted by hand, and a page that shows them and the verdict."""

from pathlib import Path

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.contract import conform
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.event_manifest import EventManifest
from smallcaps_assets.datasets.events_report import EventsReport, each_chart_counts_every_event, events_report
from smallcaps_assets.datasets.manifest_verdict import ALL, ManifestVerdict
from smallcaps_assets.reports.folder import Reports
from smallcaps_assets_tests.datasets.event_rows import event_rows

EVENTS = event_rows(
    EventManifest,
    {"ticker": "AAA", "minute": -1, "score": None, "dropped_by": "score"},
    {"ticker": "AAA", "minute": 0, "score": 0.60},
    {"ticker": "AAA", "minute": 14, "score": 0.649},
    {"ticker": "BBB", "minute": 15, "score": 1.0, "detector": "flush", "dropped_by": "budget"},
)
VERDICT = pl.DataFrame(
    {
        "kind": ["go"],
        "span": [ALL],
        "number": [1],
        "check": ["a < b"],
        "figure": [None],
        "bound": ["< 1 %"],
        "judged": [None],
        "verdict": ["NO-GO"],
    },
    schema=contracts.empty(ManifestVerdict).schema,
)


def computed(folder: Path, events: pl.DataFrame) -> Rows:
    inputs = {"event_manifest": events.lazy(), "manifest_verdict": VERDICT.lazy()}
    (part,) = events_report(Run("events_report", ()), **inputs, reports=Reports(folder, "http://127.0.0.1:9"))
    rows = conform(EventsReport, part.frame)
    assert contracts.verdict(EventsReport, rows).passed
    assert each_chart_counts_every_event(rows, inputs).passed
    return part._replace(frame=rows)


def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "smallcaps_assets.datasets.events_report.png", lambda rows, columns: f"{rows} {columns}".encode()
    )


def test_bars_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    undrawn(monkeypatch)
    rows = computed(tmp_path, EVENTS).frame

    def bars(chart: str) -> list[tuple[str, int, int | None]]:
        return rows.filter(chart=chart).select("label", "events", "admitted").rows()

    assert bars("detector") == [("flush", 1, 0), ("volume_spike", 3, 2)]
    assert bars("segment") == [("PM", 1, 0), ("RTH", 3, 2)]
    assert bars("quarter hour") == [("09:15", 1, 0), ("09:30", 2, 2), ("09:45", 1, 0)]
    assert bars("month") == [("2024-01", 4, 2)]
    assert bars("score") == [("0.60", 2, 2), ("0.95", 1, 0), ("none", 1, 0)]
    assert bars("concentration")[9:11] == [("50 %", 3, 2), ("55 %", 4, 2)]  # one of two tickers, then both
    assert bars("waterfall") == [
        ("input", 4, None),
        ("universe", 4, None),
        ("score", 3, None),
        *((name, 3, None) for name in ("price", "liquidity", "per session", "per month")),
        ("budget", 2, None),
    ]


def test_the_page_shows_charts_and_verdict_with_the_same_bytes_each_time(tmp_path: Path) -> None:
    pages = []
    for name in ("one", "two"):
        part = computed(tmp_path / name, EVENTS)
        pages.append((tmp_path / name / "events_report.html").read_bytes())
        assert (tmp_path / name / "events_report.png").read_bytes().startswith(b"\x89PNG")
    assert pages[0] == pages[1]
    assert b'<td>a &lt; b</td><td>\xe2\x80\x93</td><td>&lt; 1 %</td><td class="NO-GO">NO-GO</td>' in pages[0]
    assert part.metadata["page"].value == "http://127.0.0.1:9/events_report.html"
    assert part.metadata["charts"].value == "![events_report.png](http://127.0.0.1:9/events_report.png)"


def test_no_events_make_empty_charts(tmp_path: Path) -> None:
    assert computed(tmp_path, EVENTS.clear()).frame["events"].sum() == 0


def test_the_law_finds_a_chart_that_lost_an_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    undrawn(monkeypatch)
    rows = computed(tmp_path, EVENTS).frame.filter((pl.col("chart") != "segment") | (pl.col("place") != 1))
    found = each_chart_counts_every_event(rows, {"event_manifest": EVENTS.lazy()})
    assert (found.passed, found.metadata["differ"]) == (False, "{'segment': 3}")
