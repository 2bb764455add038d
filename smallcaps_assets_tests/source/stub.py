"""A small threaded HTTP server on loopback that answers with the replies a test has written down."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from smallcaps_assets.source.polygon import Polygon

KEY = "canary-KEY-0123456789"


@dataclass(frozen=True)
class Reply:
    """One answer: a dict is sent as JSON; ``cut`` sends the first half of the bytes promised, then hangs up."""

    body: Mapping[str, object] | bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Stub:
    """The server's address, its script and what it was asked (path with query; headers in lower case)."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""
        self.lock = threading.Lock()

    def plays(self, *replies: Reply | Mapping[str, object]) -> None:
        """Answer with these, in this order."""
        self.replies = [reply if isinstance(reply, Reply) else Reply(reply) for reply in replies]

    def answer(self, path: str, headers: dict[str, str]) -> Reply:
        with self.lock:
            self.paths.append(path)
            self.headers.append(headers)
            return self.replies.pop(0) if self.replies else Reply(b"the script has ended", 418)


@contextmanager
def serving() -> Iterator[Stub]:
    """A running stub."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            reply = stub.answer(self.path, {name.lower(): value for name, value in self.headers.items()})
            content = reply.content()
            self.send_response_only(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if reply.cut else content)
            self.close_connection = reply.cut

        def log_message(self, *args: object) -> None:
            """Nothing: pytest shows what failed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Watch:
    """A clock that only pausing moves: what a client waits is noted and takes no time."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.began = 1000.0

    def read(self) -> float:
        return self.began + sum(self.pauses)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def set(self, client: Polygon) -> None:
        """Let this client live by it, from now on."""
        self.began = time.monotonic()
        client._pages.clock, client._pages.pause = self.read, self.pause


@contextmanager
def asking(stub: Stub, *, in_flight: int = 12) -> Iterator[tuple[Polygon, list[float]]]:
    """A client of the stub without a rate limit, and the pauses before retries, which it notes instead of taking."""
    watch = Watch()
    with Polygon(stub.url, KEY, requests_per_minute=0, in_flight=in_flight) as client:
        watch.set(client)
        yield client, watch.pauses


def trade(sip_timestamp: int, sequence_number: int, **members: object) -> dict[str, object]:
    """A trade row as the vendor writes it: 100 shares at 2.50 on Nasdaq."""
    row: dict[str, object] = {
        "sip_timestamp": sip_timestamp,
        "participant_timestamp": sip_timestamp - 1,
        "sequence_number": sequence_number,
        "price": 2.5,
        "size": 100,
        "exchange": 12,
        "id": str(sequence_number),
        "tape": 3,
    }
    return row | members


def page(*rows: Mapping[str, object], **envelope: object) -> dict[str, object]:
    """An envelope around rows."""
    return {"status": "OK", "request_id": "0" * 32, "results": list(rows), **envelope}
