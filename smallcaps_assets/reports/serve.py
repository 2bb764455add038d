"""Shows the lake's pages on loopback and takes the verdicts that the review page saves.

``python -m smallcaps_assets.reports.serve LAKE --port 3001``; ``make ui`` starts it beside Dagster. It gives out the
HTML and PNG files of ``LAKE/reports`` and nothing else, and writes verdict files into ``LAKE/inbox/event_review``. It
binds 127.0.0.1 only and answers only what calls it by that name; a page of another site cannot post to it.
"""

import argparse
import logging
import sys
from hashlib import blake2b
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from smallcaps_assets.reports import verdict_files
from smallcaps_assets.reports.folder import FOLDER, Reports

LOOPBACK, PORT = "127.0.0.1", 3001
SHOWN = {".html": "text/html; charset=utf-8", ".png": "image/png"}
POSTED_TO = f"/inbox/{verdict_files.FOLDER}"
LOG = logging.getLogger(__name__)


class Server(ThreadingHTTPServer):
    """A server of one lake's pages; port 0 takes any that is free."""

    daemon_threads = True

    def __init__(self, lake: Path, port: int) -> None:
        self.reports, self.inbox = lake / FOLDER, lake / "inbox" / verdict_files.FOLDER
        super().__init__((LOOPBACK, port), Handler)

    @property
    def address(self) -> str:
        """Where it is reached."""
        return f"http://{LOOPBACK}:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    server_version, sys_version = "reports", ""

    def do_GET(self) -> None:
        """A page or picture of the folder by its name; the list of pages at the root."""
        name = self.path.partition("?")[0].removeprefix("/")
        pages = {file.name: file for file in self.server.reports.glob("*") if file.suffix in SHOWN}
        if not self._called_by_name():
            self._say(HTTPStatus.FORBIDDEN, f"this server is {self.server.address}")
        elif not name:
            links = "".join(f'<li><a href="{page}">{page}</a></li>' for page in sorted(pages) if page.endswith(".html"))
            self._give(SHOWN[".html"], f"<!doctype html><title>Reports</title><ul>{links}</ul>".encode())
        elif name in pages:
            self._give(SHOWN[pages[name].suffix], pages[name].read_bytes())
        else:
            self._say(HTTPStatus.NOT_FOUND, "there is no such page: materialize its asset first")

    def do_POST(self) -> None:
        """A file of verdicts, kept under the hash of its bytes if it is one."""
        length = int(self.headers.get("Content-Length") or 0)
        if not self._called_by_name() or self.headers.get("Origin") not in self._names("http://"):
            self._say(HTTPStatus.FORBIDDEN, "only the review page of this server may save")
        elif self.path != POSTED_TO:
            self._say(HTTPStatus.NOT_FOUND, f"verdicts go to {POSTED_TO}")
        elif not 0 < length <= verdict_files.MOST_BYTES:
            self._say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"1 to {verdict_files.MOST_BYTES:,} bytes are taken")
        else:
            self._keep(self.rfile.read(length))

    def _keep(self, content: bytes) -> None:
        try:
            verdict_files.parsed(content)
        except ValueError as error:
            self._say(HTTPStatus.BAD_REQUEST, str(error))
            return
        name = f"page_{blake2b(content, digest_size=8).hexdigest()}.json"
        Reports(self.server.inbox).write(name, content)
        self._say(HTTPStatus.CREATED, name)

    def _names(self, scheme: str = "") -> set[str]:
        return {f"{scheme}{host}:{self.server.server_port}" for host in (LOOPBACK, "localhost")}

    def _called_by_name(self) -> bool:
        """Whether the request names this server, as one that was led here by a foreign name does not."""
        return self.headers.get("Host") in self._names()

    def _say(self, status: HTTPStatus, text: str) -> None:
        self._give("text/plain; charset=utf-8", text.encode(), status)
        self.close_connection = True  # a body that was not read is not the next request

    def _give(self, kind: str, content: bytes, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (http.server's name)
        """Requests are not worth a line on the terminal that Dagster writes to."""
        LOG.debug(format, *args)


def main() -> int:
    """Serve until interrupted; 1 if the port is taken."""
    asked = argparse.ArgumentParser(prog="python -m smallcaps_assets.reports.serve", description=__doc__)
    asked.add_argument("lake", type=Path)
    asked.add_argument("--port", type=int, default=PORT)
    given = asked.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        server = Server(given.lake, given.port)
    except OSError as error:
        LOG.error("reports: port %s of %s cannot be had: %s", given.port, LOOPBACK, error.strerror)
        return 1
    with server:
        LOG.info("reports: %s", server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            LOG.info("reports: stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
