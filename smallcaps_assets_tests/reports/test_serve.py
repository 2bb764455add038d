"""The little server over real HTTP: pages of its folder, verdicts from its own page, and nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import httpx
import pytest

from smallcaps_assets.reports.folder import Reports
from smallcaps_assets.reports.serve import Server
from smallcaps_assets.reports.verdict_files import MOST_BYTES, read
from smallcaps_assets_tests.reports.test_verdict_files import content

SAVE = "/inbox/event_review"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    Reports(tmp_path / "reports").write("event_review.html", b"<p>page</p>")
    (tmp_path / "reports" / "notes.txt").write_text("private")
    (tmp_path / "secret.html").write_text("private")
    with Server(tmp_path, 0) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with httpx.Client(base_url=server.address, trust_env=False, headers={"Origin": server.address}) as client:
            yield client
        server.shutdown()


def test_it_gives_out_pages_and_lists_them(client: httpx.Client) -> None:
    page = client.get("/event_review.html?again=1")
    assert (page.status_code, page.text, page.headers["content-type"]) == (
        200,
        "<p>page</p>",
        "text/html; charset=utf-8",
    )
    assert '<a href="event_review.html">' in client.get("/").text


@pytest.mark.parametrize("path", ["/notes.txt", "/../secret.html", "/%2e%2e/secret.html", "/reports/", "/absent.html"])
def test_it_gives_out_nothing_else(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_call_by_another_name_is_refused(client: httpx.Client) -> None:
    foreign = {"Host": "evil.example:80"}
    assert client.get("/event_review.html", headers=foreign).status_code == 403
    assert client.post(SAVE, json=content(), headers=foreign).status_code == 403


def test_verdicts_are_kept_once_however_often_they_are_saved(client: httpx.Client, tmp_path: Path) -> None:
    first, again = client.post(SAVE, json=content()), client.post(SAVE, json=content())
    assert (first.status_code, again.status_code, first.text) == (201, 201, again.text)
    told = read(tmp_path / "inbox" / "event_review")
    assert (told.files, told.verdicts["event_id"].to_list(), told.refused) == (1, ["GEVO_flush_1"], [])


@pytest.mark.parametrize(
    ("path", "body", "origin", "status"),
    [
        (SAVE, json.dumps(content()), "http://evil.example", 403),
        (SAVE, json.dumps(content()), "null", 403),
        ("/inbox/halts", json.dumps(content()), None, 404),
        (SAVE, "{}", None, 400),
        (SAVE, "", None, 413),
        (SAVE, " " * (MOST_BYTES + 1), None, 413),
    ],
)
def test_what_is_not_verdicts_of_its_own_page_leaves_no_file(
    client: httpx.Client, tmp_path: Path, path: str, body: str, origin: str | None, status: int
) -> None:
    reply = client.post(path, content=body, headers={"Origin": origin} if origin else {})
    assert reply.status_code == status
    assert not (tmp_path / "inbox").exists()
