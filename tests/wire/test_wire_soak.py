"""Many calls of all kinds for a long time, with a service that sometimes fails: memory use must not grow.

`SOAK_SECONDS=600 python -m pytest -m soak -s` runs it for ten minutes; the `wide` test takes twenty seconds. Growth is
measured in the last third of the time, because the C library has a heap for each worker thread, and they fill slowly.
"""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.support import CANARY
from tests.wire.calls import CALLS, FILES, REPLIES, write_files
from tests.wire.process_stats import IS_LINUX, descriptor_count, memory_bytes, thread_count
from tests.wire_driver import Message, ServerProcess, environment, running_server

pytestmark = pytest.mark.skipif(not IS_LINUX, reason="counts are read from /proc")

CONCURRENT_CALLS = 16
CALLS_PER_ROUND = 200
MAX_GROWTH_MIB = 6.0  # of the memory in use, in the last third
MAX_THREADS = 24  # anyio keeps idle worker threads for further work
CODES = {"server_error", "bad_request", "invalid_response", "network_error", "invalid_argument", "file_exists"}

STREAM = (
    b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Good "}}]}\n\n'
    b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"day"},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)
# Registration is left out: it would change the key.
SOAK_CALLS: list[tuple[str, Message]] = [
    *((tool, arguments) for tool, arguments in CALLS.items() if "register" not in tool and "api_key" not in tool),
    ("webvoice_tts", {"text": ""}),
    ("webvoice_chat", {"prompt": "Hi", "stream": True}),
]


class UnreliableHandler(BaseHTTPRequestHandler):
    """Replies as documented, except that one response in ten is a failure of some kind."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        self._reply(b"")

    def do_POST(self) -> None:
        self._reply(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or self._read_chunks())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the standard library
        """Log nothing."""

    def _read_chunks(self) -> bytes:
        body = b""
        while self.headers.get("Transfer-Encoding") and (size := int(self.rfile.readline(), 16)):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body

    def _reply(self, body: bytes) -> None:
        path = self.path.partition("?")[0].removeprefix("/api/v1/")
        chance = random.random()
        if b'"stream":true' in body:
            return self._send(200, STREAM, "text/event-stream", cut=chance < 0.05)
        if chance < 0.04:
            return self._send(500, b'{"error": "Unavailable"}')
        if chance < 0.06:
            return self._send(200, b"<html>Unavailable</html>", "text/html")
        return self._send(200, json.dumps(REPLIES[path]).encode(), cut=chance < 0.1)

    def _send(self, status: int, body: bytes, kind: str = "application/json", *, cut: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = cut


@contextmanager
def unreliable_service() -> Iterator[str]:
    """Run a service that sometimes fails; yield its base URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), UnreliableHandler) as service:
        service.daemon_threads = True
        thread = Thread(target=service.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{service.server_address[1]}/api/v1"
        service.shutdown()
        thread.join()


def usage(server: ServerProcess) -> dict[str, float]:
    return {
        "MiB": memory_bytes(server) / 1024 / 1024,
        "descriptors": descriptor_count(server),
        "threads": thread_count(server),
    }


def run_round(server: ServerProcess, outcomes: Counter[str]) -> None:
    """Make calls, many at once and always with a ping; every call must get a result."""
    for _ in range(CALLS_PER_ROUND // CONCURRENT_CALLS):
        request_ids = [server.send_call(*call) for call in random.choices(SOAK_CALLS, k=CONCURRENT_CALLS)]
        *responses, pong = server.responses_to([*request_ids, server.send_request("ping")])
        assert pong["result"] == {}
        for result in (response["result"] for response in responses):
            outcomes[result["_meta"]["webvoice/error"]["code"] if result["isError"] else "done"] += 1
    server.notifications.clear()
    server.stdout_lines.clear()


def soak(tmp_path: Path, seconds: float) -> None:
    """Make calls for this many seconds, and check that nothing grew in the last third."""
    out = tmp_path / "out"
    write_files(out)
    outcomes: Counter[str] = Counter()
    samples: list[dict[str, float]] = []
    with (
        unreliable_service() as base_url,
        running_server(environment(tmp_path, {"BASE_URL": base_url, "API_KEY": CANARY})) as server,
    ):
        end = time.monotonic() + seconds
        while time.monotonic() < end or len(samples) < 6:
            run_round(server, outcomes)
            samples.append(usage(server))
            for path in out.iterdir():
                assert not path.name.endswith(".part")
                if path.name not in FILES:
                    path.unlink()
        ended = server.close_stdin_and_wait()
    assert (ended.code, ended.stderr) == (0, "")
    first, settled, last = samples[0], samples[len(samples) * 2 // 3], samples[-1]
    print(f"\n{outcomes.total()} calls: {dict(outcomes)}\nfirst {first}\nsettled {settled}\nlast {last}")
    assert set(outcomes) <= CODES | {"done"}
    assert outcomes["done"] > 0.5 * outcomes.total()
    assert last["MiB"] - settled["MiB"] < MAX_GROWTH_MIB
    assert last["descriptors"] < first["descriptors"] + CONCURRENT_CALLS  # idle connections stay open for later calls
    assert last["threads"] <= MAX_THREADS


@pytest.mark.wide
def test_nothing_grows_in_twenty_seconds(tmp_path: Path) -> None:
    soak(tmp_path, 20)


@pytest.mark.soak
def test_nothing_grows_in_minutes(tmp_path: Path) -> None:
    soak(tmp_path, float(os.environ.get("SOAK_SECONDS", "600")))
