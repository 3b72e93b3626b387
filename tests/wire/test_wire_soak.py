"""Calls of all kinds, many at once, for as long as is asked, with a service that fails now and then: nothing grows.

Ten minutes of it on request: `SOAK_SECONDS=600 python -m pytest -m soak -s`. The `wide` test does the same for seconds.
Memory in use is allowed to settle: the C library keeps heaps for each worker thread, and these fill slowly.
"""

import json
import os
import random
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.world import PAID, put_inputs
from tests.support import CANARY
from tests.wire_driver import Message, Wire, environment, serving

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts are read from /proc")

AT_ONCE = 16
ROUND = 200  # calls between two looks at the counts
MOST_GROWN = 6.0  # MiB of memory in use in the last third
MOST_THREADS = 24  # of anyio, which keeps some for the next piece of work
CODES = {"server_error", "bad_request", "invalid_response", "network_error", "invalid_argument", "file_exists"}

STATUS = {"success": True, "user": "ann", "credits": 100.0, "api_key": {"name": "k", "usage_count": 42}}
ANSWERS: dict[str, Any] = {"status/": STATUS, "voices/": {"voices": {"en": [{"id": "af_sarah", "name": "Sarah"}]}}}
ANSWERS |= {paid.path: paid.answer for paid in PAID}
STREAM = (
    b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Good "}}]}\n\n'
    b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"day"},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)

FREE: list[tuple[str, Message]] = [
    ("webvoice_status", {}),
    ("webvoice_list_voices", {}),
    ("webvoice_account_links", {}),
    ("webvoice_usage", {}),
    ("webvoice_jobs", {}),
    ("webvoice_estimate_credits", {"tool": "webvoice_tts", "arguments": {"text": "Hi"}}),
    ("webvoice_tts", {"text": ""}),
    ("webvoice_chat", {"prompt": "Hi", "stream": True}),
]
CALLS = FREE + [(each.tool, {**each.arguments, "output_path": ""} if each.file else each.arguments) for each in PAID]


class Moody(BaseHTTPRequestHandler):
    """Answers as a service on a bad day: one in ten answers is a failure of some kind."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or self._chunks())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the standard library
        """Nothing."""

    def _chunks(self) -> bytes:
        body = b""
        while self.headers.get("Transfer-Encoding") and (size := int(self.rfile.readline(), 16)):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body

    def _answer(self, asked: bytes) -> None:
        path = self.path.partition("?")[0].removeprefix("/api/v1/")
        mood = random.random()
        if b'"stream":true' in asked:
            return self._send(200, STREAM, "text/event-stream", cut=mood < 0.05)
        answer = json.dumps(ANSWERS[path]).encode()
        if mood < 0.04:
            return self._send(500, b'{"error": "A bad day"}')
        if mood < 0.06:
            return self._send(200, b"<html>A bad day</html>", "text/html")
        return self._send(200, answer, cut=mood < 0.1)

    def _send(self, status: int, body: bytes, kind: str = "application/json", *, cut: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = cut


@contextmanager
def moody() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Moody) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/api/v1"
        server.shutdown()
        thread.join()


def counts(wire: Wire) -> dict[str, float]:
    """Memory in MiB, descriptors and threads of the server."""
    process = Path(f"/proc/{wire.process.pid}")
    text = (process / "status").read_text()
    memory, threads = (re.search(rf"{name}:\s+(\d+)", text) for name in ("VmRSS", "Threads"))
    assert memory
    assert threads
    return {
        "MiB": int(memory[1]) / 1024,
        "descriptors": len(list((process / "fd").iterdir())),
        "threads": int(threads[1]),
    }


def one_round(wire: Wire, told: Counter[str]) -> None:
    """Calls, so many at once, and a ping among them: each is answered, the calls by a result."""
    for _ in range(ROUND // AT_ONCE):
        posted = [
            wire.post("tools/call", {"name": name, "arguments": arguments})
            for name, arguments in random.choices(CALLS, k=AT_ONCE)
        ]
        *answers, pong = wire.answers_to([*posted, wire.post("ping")])
        assert pong["result"] == {}
        for result in (answer["result"] for answer in answers):
            told[result["_meta"]["webvoice/error"]["code"] if result["isError"] else "done"] += 1
    wire.notifications.clear()
    wire.lines.clear()


def soak(tmp_path: Path, seconds: float) -> tuple[list[dict[str, float]], Counter[str]]:
    """What was counted along the way, and what calls came to."""
    put_inputs(tmp_path / "out")
    told: Counter[str] = Counter()
    looks: list[dict[str, float]] = []
    with moody() as base_url, serving(environment(tmp_path, {"BASE_URL": base_url, "API_KEY": CANARY})) as wire:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends or len(looks) < 6:
            one_round(wire, told)
            looks.append(counts(wire))
            for made in (tmp_path / "out").iterdir():
                if made.name not in {"talk.wav", "photo.png"}:
                    assert not made.name.endswith(".part")
                    made.unlink()
        ended = wire.eof()
    assert (ended.code, ended.stderr) == (0, "")
    return looks, told


def steady(looks: list[dict[str, float]], told: Counter[str]) -> None:
    """Nothing grew in the last third."""
    begun, settled, last = looks[0], looks[len(looks) * 2 // 3], looks[-1]
    print(f"\n{sum(told.values())} calls: {dict(told)}\nat first {begun}\nsettled {settled}\nat last {last}")
    assert set(told) <= CODES | {"done"}
    assert told["done"] > 0.5 * sum(told.values())
    assert last["MiB"] - settled["MiB"] < MOST_GROWN
    assert last["descriptors"] < begun["descriptors"] + AT_ONCE  # connections that stay open for the next calls
    assert last["threads"] <= MOST_THREADS


@pytest.mark.wide
def test_for_twenty_seconds_nothing_grows(tmp_path: Path) -> None:
    steady(*soak(tmp_path, 20))


@pytest.mark.soak
def test_for_as_long_as_is_asked_nothing_grows(tmp_path: Path) -> None:
    steady(*soak(tmp_path, float(os.environ.get("SOAK_SECONDS", "600"))))
