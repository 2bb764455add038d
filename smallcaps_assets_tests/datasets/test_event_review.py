"""The review: who is sampled, what the page hides, how verdicts count, and how precision stands against the bar."""

import json
import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.contract import Verdict
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.event_manifest import EventManifest
from smallcaps_assets.datasets.event_review import (
    EventReview,
    ReviewRules,
    event_review,
    precision_reaches_the_bar,
    precisions,
)
from smallcaps_assets.datasets.intraday_events import NAMES
from smallcaps_assets.reports import event_chart
from smallcaps_assets.reports.folder import Reports
from smallcaps_assets.reports.review_page import CLAIMS
from smallcaps_assets_tests.datasets.event_rows import SESSION, event_rows, minute_rows

AT = "2024-01-17T12:00:00Z"
EVENTS = event_rows(
    EventManifest,
    {"detector": "flush", "minute": 40, "direction": "down", "score": 0.91},
    {"detector": "flush", "minute": 45, "direction": "down", "dropped_by": "price", "score": None},
    *({"detector": "volume_spike", "minute": minute} for minute in range(5, 65)),
)
BARS = minute_rows(SESSION, "GEVO", [(minute, 10.0 + 0.01 * (minute % 7), 1_000.0) for minute in range(-5, 90)])


def save(inbox: Path, name: str, *verdicts: tuple[str, str], reviewer: str = "Ana", at: str = AT) -> None:
    folder = inbox / "event_review"
    folder.mkdir(parents=True, exist_ok=True)
    told = [{"event_id": event, "verdict": word, "note": f"{word}!", "reviewed_at": at} for event, word in verdicts]
    content = {"format": "event_review 1", "reviewer": reviewer, "verdicts": told}
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


def computed(folder: Path, rows: pl.DataFrame = EVENTS, **rules: Any) -> Rows:
    inputs = {"event_manifest": rows.lazy(), "minute_bars": BARS.lazy()}
    folders = {"inbox": folder / "inbox", "reports": Reports(folder / "reports")}
    (part,) = event_review(Run("event_review", ()), **inputs, **folders, config=ReviewRules(**rules))
    found = contracts.conform(EventReview, part.frame)
    assert contracts.verdict(EventReview, found).passed
    return part._replace(frame=found)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a picture shows stands for its PNG; drawing is tested with the drawing."""
    monkeypatch.setattr("smallcaps_assets.reports.candles.Candles.png", lambda _self, picture: str(picture).encode())


def test_the_sample_is_by_detector_and_says_how_many_each_event_stands_for(tmp_path: Path) -> None:
    rows = computed(tmp_path, events=50).frame
    assert dict(rows["detector"].value_counts().rows()) == {"flush": 2, "volume_spike": 48}
    assert dict(rows.select("detector", "weight").unique().rows()) == {"flush": 1.0, "volume_spike": 60 / 48}
    assert rows["place"].to_list() == list(range(1, 51))
    assert rows["verdict"].null_count() == 50
    assert not rows["triggered_at"].is_sorted()


def test_only_admitted_events_are_sampled_where_that_is_asked_for(tmp_path: Path) -> None:
    assert computed(tmp_path).frame["admitted"].sum() == 59
    assert computed(tmp_path, admitted_only=True).frame["admitted"].all()


def test_the_page_has_the_same_bytes_and_asks_nothing_of_the_network(tmp_path: Path) -> None:
    pages = []
    for name in ("one", "two"):
        part = computed(tmp_path / name)
        assert part.metadata["page"].value == "http://127.0.0.1:3001/event_review.html"
        pages.append((tmp_path / name / "reports" / "event_review.html").read_bytes())
    assert pages[0] == pages[1]
    text = pages[0].decode()
    assert text.count('<section class="card"') == 60
    assert "default-src 'none'" in text
    assert not re.search(r"https?://|{{|/tmp/", text)
    assert [file.name for file in (tmp_path / "one" / "reports").iterdir()] == ["event_review.html"]


def test_score_ticker_and_what_followed_are_hidden_until_the_verdict(tmp_path: Path) -> None:
    computed(tmp_path)
    text = (tmp_path / "reports" / "event_review.html").read_text(encoding="utf-8")
    card = next(part for part in text.split("<section")[1:] if "GEVO_flush_20240116_40" in part)
    shown, hidden = card.split('<div class="answer" hidden>')
    at = int(EVENTS["triggered_at"].cast(pl.Int64)[0])
    blind, revealed = (
        b64encode(str(picture(BARS, at, up=False)).encode()).decode()
        for picture in (event_chart.blind, event_chart.revealed)
    )
    assert (blind in shown, revealed in shown) == (True, False)
    assert revealed in hidden
    visible = re.sub(r"<[^>]*>", " ", f"<section{shown}")
    assert not re.search(r"GEVO|2024|0\.91|score", visible)
    assert "flush" in visible
    assert "GEVO on 2024-01-16, RTH, score 0.91" in hidden


def test_every_detector_has_its_claim() -> None:
    assert set(NAMES) <= set(CLAIMS)


def test_verdicts_are_joined_and_what_does_not_count_is_counted(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    first, second, third = EVENTS["event_id"][:3]
    outside = sorted(set(EVENTS["event_id"]) - set(computed(tmp_path, events=50).frame["event_id"]))[0]
    save(inbox, "a.json", (first, "right"), (second, "wrong"), (outside, "right"), ("XXXX_flush_1", "right"))
    save(inbox, "b.json", (second, "right"), at="2024-01-17T12:00:01Z")
    save(inbox, "c.json", (first, "wrong"), reviewer="Ben")
    (inbox / "event_review" / "d.json").write_text("{")
    part = computed(tmp_path, events=50)
    rows = {row["event_id"]: row for row in part.frame.iter_rows(named=True)}
    told = ["verdict", "reviewers", "reviewer", "note"]
    assert [rows[first][name] for name in told] == ["unsure", 2, "Ana, Ben", "right! | wrong!"]
    assert [rows[second][name] for name in told] == ["right", 1, "Ana", "right!"]
    if third in rows:
        assert rows[third]["verdict"] is None
    counts = ["verdict_files", "files_refused", "verdicts_of_unknown_events", "verdicts_outside_the_sample"]
    assert [part.metadata[name] for name in counts] == [4, 1, 1, 1]
    assert part.metadata["verdicts_superseded"] == 1
    assert "| d.json | the file: Invalid JSON" in part.metadata["refused"].value
    assert part.metadata["standing"] == "not yet reviewed: 1 of at least 30 events judged right or wrong"
    assert "| flush | 2 | 1 | 1 | 100.0% |" in part.metadata["precision"].value


def judged(tmp_path: Path, right: int, wrong: int) -> Verdict:
    ids = EVENTS["event_id"][2:].to_list()
    words = ["right"] * right + ["wrong"] * wrong
    save(tmp_path / "inbox", "a.json", *zip(ids, words, strict=False))
    return precision_reaches_the_bar(computed(tmp_path, events=100).frame, {}, ReviewRules())


@pytest.mark.parametrize(
    ("right", "wrong", "passed", "standing"),
    [
        (0, 29, True, "not yet reviewed: 29 of at least 30 events judged right or wrong"),
        (0, 30, False, "misses the bar of 70%"),
        (26, 4, True, "reaches the bar of 70%"),  # 0.8667: low (0.9307 − 1.96 × √0.0049189)/1.1280 = 0.7032
        (25, 5, False, "misses the bar of 70%"),  # 0.8333: low (0.8974 − 1.96 × √0.0056967)/1.1280 = 0.6644
    ],
)
def test_the_law_warns_when_enough_are_judged_and_the_interval_reaches_below_the_bar(
    tmp_path: Path, right: int, wrong: int, passed: bool, standing: str
) -> None:
    found = judged(tmp_path, right, wrong)
    assert (found.passed, found.metadata["standing"]) == (passed, standing)


def test_overall_precision_is_weighted_by_the_detectors_events(tmp_path: Path) -> None:
    ids = EVENTS["event_id"]
    save(tmp_path / "inbox", "a.json", (ids[0], "right"), (ids[2], "right"), (ids[3], "wrong"), (ids[1], "unsure"))
    found = precisions(computed(tmp_path, events=100).frame)
    assert found["flush"][::3] == (1.0, 1)
    assert found["volume_spike"][::3] == (0.5, 2)
    assert found["all"].share == pytest.approx((2 * 1.0 + 60 * 0.5) / 62)


def test_without_events_there_is_an_empty_page(tmp_path: Path) -> None:
    part = computed(tmp_path, EVENTS.clear())
    assert (part.frame.height, part.metadata["judged"]) == (0, 0)
    assert b'max="0"' in (tmp_path / "reports" / "event_review.html").read_bytes()
    assert precision_reaches_the_bar(part.frame, {}, ReviewRules()).passed


def test_an_event_whose_minutes_are_gone_is_named(tmp_path: Path) -> None:
    lost = event_rows(EventManifest, {"ticker": "LOST"})
    with pytest.raises(ValueError, match="no minutes of LOST_volume_spike"):
        computed(tmp_path, lost)
