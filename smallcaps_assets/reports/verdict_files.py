"""The files in which people say whether events are right: what one must hold, and what a folder of them says.

``inbox/event_review/*.json`` of the lake, written by the page's save button:
``{"format": "event_review 1", "reviewer": "Ana", "verdicts": [{"event_id": "…", "verdict": "right", "note": "",
"reviewed_at": "2024-01-16T15:00:00Z"}]}``. A file that is not that is refused whole, named with its first fault and
left where it lies. A reviewer's latest verdict of an event is the one that counts.
"""

from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

FOLDER = "event_review"
MOST_BYTES = 1_000_000  # 100 verdicts with long notes are 50 kB: more is something else
Word = Literal["right", "wrong", "unsure"]
SCHEMA = pl.Schema(
    {
        "event_id": pl.String(),
        "reviewer": pl.String(),
        "verdict": pl.String(),
        "note": pl.String(),
        "reviewed_at": pl.Datetime("ns", "UTC"),
    }
)


class GivenVerdict(BaseModel):
    """What a reviewer says of one event."""

    model_config = ConfigDict(extra="forbid", strict=True)
    event_id: str = Field(min_length=1, max_length=200)
    verdict: Word
    note: str = Field(default="", max_length=2_000)
    reviewed_at: AwareDatetime


class VerdictFile(BaseModel):
    """What one save holds."""

    model_config = ConfigDict(extra="forbid", strict=True)
    format: Literal["event_review 1"]
    reviewer: str = Field(min_length=1, max_length=80, pattern=r"\S")
    verdicts: list[GivenVerdict] = Field(max_length=10_000)


class Told(NamedTuple):
    """What a folder says: a row for each event and reviewer, and what was left out."""

    verdicts: pl.DataFrame  # columns of SCHEMA
    files: int
    refused: list[tuple[str, str]]  # file and its first fault
    superseded: int  # verdicts of which the same reviewer gave a later one


def parsed(content: bytes) -> VerdictFile:
    """A file's content; ``ValueError`` says what is wrong with it first."""
    if len(content) > MOST_BYTES:
        raise ValueError(f"{len(content):,} bytes, more than {MOST_BYTES:,}")
    try:
        return VerdictFile.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise ValueError(f"{place}: {first['msg']}") from error


def read(folder: Path) -> Told:
    """Every file of the folder; of those with the same instant, the last by name counts."""
    rows: list[tuple[object, ...]] = []
    refused: list[tuple[str, str]] = []
    files = sorted(folder.glob("*.json"))
    for file in files:
        try:
            told = parsed(file.read_bytes())
        except ValueError as error:
            refused.append((file.name, str(error)))
            continue
        who = told.reviewer.strip()
        rows.extend((one.event_id, who, one.verdict, one.note.strip(), one.reviewed_at) for one in told.verdicts)
    given = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    latest = given.sort("reviewed_at", maintain_order=True).unique(
        ["event_id", "reviewer"], keep="last", maintain_order=True
    )
    return Told(latest, len(files), refused, given.height - latest.height)
