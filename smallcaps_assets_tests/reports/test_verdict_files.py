"""Verdict files: what one must hold, which of several verdicts counts, and what is refused by name."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from smallcaps_assets.reports.verdict_files import MOST_BYTES, parsed, read

GOOD = {"event_id": "GEVO_flush_1", "verdict": "right", "note": "clean", "reviewed_at": "2024-01-16T15:00:00Z"}


def content(*verdicts: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {"format": "event_review 1", "reviewer": "Ana", "verdicts": list(verdicts or [GOOD]), **changed}


def put(folder: Path, name: str, what: object) -> None:
    (folder / name).write_text(what if isinstance(what, str) else json.dumps(what), encoding="utf-8")


def test_a_good_file_by_hand(tmp_path: Path) -> None:
    put(tmp_path, "a.json", content(GOOD, {**GOOD, "event_id": "B", "verdict": "unsure", "note": ""}))
    told = read(tmp_path)
    at = datetime(2024, 1, 16, 15, tzinfo=UTC)
    assert told.verdicts.rows() == [
        ("GEVO_flush_1", "Ana", "right", "clean", at),
        ("B", "Ana", "unsure", "", at),
    ]
    assert told[1:] == (1, [], 0)


def test_of_a_reviewers_verdicts_the_latest_counts_wherever_it_stands(tmp_path: Path) -> None:
    put(tmp_path, "a.json", content({**GOOD, "verdict": "wrong", "reviewed_at": "2024-01-16T15:00:01Z"}))
    put(tmp_path, "b.json", content(GOOD, {**GOOD, "reviewed_at": "2024-01-16T09:59:00-05:00"}))  # 14:59 UTC
    put(tmp_path, "c.json", content(GOOD, reviewer="Ben"))
    told = read(tmp_path)
    assert {row[1]: row[2] for row in told.verdicts.rows()} == {"Ana": "wrong", "Ben": "right"}
    assert (told.files, told.superseded) == (3, 2)


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        ("{", "the file: Invalid JSON"),
        ("[]", "the file: Input should be an object"),
        (content(format="event_review 2"), "format: "),
        (content(reviewer=" "), "reviewer: "),
        (content(another=1), "another: Extra inputs"),
        (content({**GOOD, "verdict": "maybe"}), "verdicts.0.verdict: "),
        (content(GOOD, {**GOOD, "event_id": ""}), "verdicts.1.event_id: "),
        (content({**GOOD, "reviewed_at": "2024-01-16T15:00:00"}), "verdicts.0.reviewed_at: "),
        (content({**GOOD, "reviewed_at": "yesterday"}), "verdicts.0.reviewed_at: "),
        (content({"event_id": "A"}), "verdicts.0.verdict: Field required"),
    ],
)
def test_a_file_that_is_not_verdicts_is_refused_whole_and_named(tmp_path: Path, what: object, fault: str) -> None:
    put(tmp_path, "bad.json", what)
    put(tmp_path, "good.json", content())
    told = read(tmp_path)
    assert told.verdicts.height == 1
    ((name, said),) = told.refused
    assert (name, said[: len(fault)]) == ("bad.json", fault)
    assert (tmp_path / "bad.json").exists()


def test_bytes_that_are_no_text_and_files_of_any_size_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    assert read(tmp_path).refused[0][0] == "bytes.json"
    with pytest.raises(ValueError, match="1,000,001 bytes, more than 1,000,000"):
        parsed(b" " * (MOST_BYTES + 1))


def test_without_an_inbox_there_are_no_verdicts(tmp_path: Path) -> None:
    told = read(tmp_path / "absent")
    assert (told.verdicts.height, told.files, told.refused, told.superseded) == (0, 0, [], 0)
