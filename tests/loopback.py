"""A service on a loopback port that says what it is told to, and what it was asked."""

import json
import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE = 60.0  # seconds that a test waits for a request before it fails
_API = "/api/v1/"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; `path` as under the base URL, without a query."""

    method: str
    path: str
    key: str
    body: bytes


class Held:
    """A reply that waits for its release."""

    def __init__(self, reply: Any) -> None:
        self.reply = reply
        self._released = threading.Event()

    def release(self) -> None:
        """Answer now."""
        self._released.set()

    def wait(self) -> Any:
        """The reply, once it is released."""
        assert self._released.wait(PATIENCE)
        return self.reply


class Loopback:
    """Answers as in `replies` (by path), 404 elsewhere; a path without a reply there is never answered."""

    def __init__(self, replies: Mapping[str, Any]) -> None:
        self.replies = dict(replies)
        self.asked: list[Asked] = []
        self._arrivals: queue.SimpleQueue[Asked] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/v1"

    def wait(self) -> Asked:
        """The next request, once it is here."""
        return self._arrivals.get(timeout=PATIENCE)

    def take(self, asked: Asked) -> Any:
        """Note a request; what to answer. Blocks where nothing is to be answered."""
        self.asked.append(asked)
        self._arrivals.put(asked)
        reply = self.replies.get(asked.path, ...)
        if reply is None:
            self._closing.wait()
        return reply.wait() if isinstance(reply, Held) else reply

    @contextmanager
    def running(self) -> Iterator["Loopback"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._closing.set()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], loopback: Loopback) -> None:
        super().__init__(address, _Handler)
        self.loopback = loopback


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the standard library
        """Nothing: a test's output is for what goes wrong."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0].removeprefix(_API)
        reply = self.server.loopback.take(Asked(self.command, path, self.headers.get("X-API-Key", ""), body))
        if reply is None:
            self.close_connection = True
            return
        answer = json.dumps({"error": "Not found"} if reply is ... else reply).encode()
        self.send_response(404 if reply is ... else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
