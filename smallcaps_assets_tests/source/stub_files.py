"""A bucket on loopback that holds what a test puts into it, and fails as a test says."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROOT = "/flatfiles/us_stocks_sip/"


class Bucket:
    """Objects by ``kind/YYYY/MM/date.csv.gz``; ``cuts`` and ``spoils`` are how often a GET breaks off, or is wrong."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.etags: dict[str, str] = {}
        self.refused: dict[str, int] = {}
        self.cuts = 0
        self.spoils = 0
        self.asked: list[str] = []
        self.url = ""

    def etag(self, name: str) -> str:
        """The MD5, unless the test gave another."""
        return self.etags.get(name) or hashlib.md5(self.objects[name], usedforsecurity=False).hexdigest()

    def gets(self) -> list[str]:
        """The GET requests, as ``name`` or ``name from byte``."""
        return [line.removeprefix("GET ") for line in self.asked if line.startswith("GET ")]


@contextmanager
def serving() -> Iterator[Bucket]:
    """The bucket, as long as the block runs."""
    bucket = Bucket()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def answer(self) -> None:
            name = self.path.removeprefix(ROOT)
            offset = int(self.headers.get("Range", "bytes=0-")[6:].partition("-")[0])
            bucket.asked.append(f"{self.command} {name}" + (f" from {offset}" if offset else ""))
            status = bucket.refused.get(name, 200 if name in bucket.objects else 404)
            if status != 200:
                self.plain(status, b"")
                return
            if self.headers.get("If-Match", bucket.etag(name)).strip('"') != bucket.etag(name):
                self.plain(412, b"")
                return
            body = bucket.objects[name]
            self.send_response(206 if offset else 200)
            if offset:
                self.send_header("Content-Range", f"bytes {offset}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - offset))
            self.send_header("ETag", f'"{bucket.etag(name)}"')
            self.send_header("Last-Modified", "Fri, 03 Jan 2025 16:00:00 GMT")
            self.end_headers()
            if self.command == "HEAD":
                return
            sent = body[offset:]
            if bucket.spoils:
                bucket.spoils -= 1
                sent = bytes(len(sent))
            if bucket.cuts:
                bucket.cuts -= 1
                sent, self.close_connection = sent[: len(sent) // 2], True
            self.wfile.write(sent)

        def plain(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    bucket.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
