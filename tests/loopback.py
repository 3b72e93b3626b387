"""An HTTP service on a loopback port that gives prepared replies and records the requests."""

import json
import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

TIMEOUT_SECONDS = 120.0  # a test that waits longer for a request fails
_API_PATH = "/api/v1/"


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request; `path` is relative to the base URL and has no query."""

    method: str
    path: str
    key: str
    body: bytes


class HeldReply:
    """A reply that is not sent until `release` is called."""

    def __init__(self, reply: Any) -> None:
        self.reply = reply
        self._released = threading.Event()

    def release(self) -> None:
        """Let the reply be sent."""
        self._released.set()

    def wait(self) -> Any:
        """Wait for `release` and return the reply."""
        assert self._released.wait(TIMEOUT_SECONDS)
        return self.reply


class LoopbackService:
    """A service with a JSON reply for each path.

    A path whose reply is None is never answered; a path without a reply gets status 404.

    Attributes:
        replies: the replies by path.
        requests: the requests received.
    """

    def __init__(self, replies: Mapping[str, Any]) -> None:
        self.replies = dict(replies)
        self.requests: list[ReceivedRequest] = []
        self._arrivals: queue.SimpleQueue[ReceivedRequest] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def base_url(self) -> str:
        """The API's base URL at this service."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/v1"

    def wait_for_request(self) -> ReceivedRequest:
        """Wait for the next request, and return it."""
        return self._arrivals.get(timeout=TIMEOUT_SECONDS)

    def reply_to(self, request: ReceivedRequest) -> Any:
        """Record a request and return its reply: None to close the connection, `...` for status 404."""
        self.requests.append(request)
        self._arrivals.put(request)
        reply = self.replies.get(request.path, ...)
        if reply is None:
            self._closing.wait()
        return reply.wait() if isinstance(reply, HeldReply) else reply

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Serve in a thread while the context is open."""
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

    def __init__(self, address: tuple[str, int], service: LoopbackService) -> None:
        super().__init__(address, _Handler)
        self.service = service


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the standard library
        """Log nothing: a test's output is for failures."""

    def _reply(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0].removeprefix(_API_PATH)
        request = ReceivedRequest(self.command, path, self.headers.get("X-API-Key", ""), body)
        reply = self.server.service.reply_to(request)
        if reply is None:
            self.close_connection = True
            return
        content = json.dumps({"error": "Not found"} if reply is ... else reply).encode()
        self.send_response(404 if reply is ... else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
