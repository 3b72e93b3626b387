"""The server as a real process, spoken to in raw JSON lines, with no SDK on this side."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import CANARY

SERVER = (sys.executable, "-m", "webvoice_mcp")
HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS_VERSION = "2026-07-28"
VERSIONS = (*HANDSHAKE_VERSIONS, STATELESS_VERSION)
PATIENCE = 60.0  # seconds that a test waits for an answer before it fails

_META = "io.modelcontextprotocol/"
_CLIENT = {"name": "wire", "version": "0"}
# What a process needs to run at all, and to measure coverage; nothing else of this process's environment gets through.
_PASSED_ON = ("PATH", "SYSTEMROOT", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "COVERAGE_FILE")

Message = dict[str, Any]


def environment(home: Path, variables: Mapping[str, Any] | None = None) -> dict[str, str]:
    """An environment with a home of its own; a variable is given without its WEBVOICE_."""
    environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environ |= {"HOME": str(home), "USERPROFILE": str(home)}
    environ |= {"WEBVOICE_STATE_DIR": str(home / "state"), "WEBVOICE_OUTPUT_DIR": str(home / "out")}
    return environ | {f"WEBVOICE_{name}": str(value) for name, value in (variables or {}).items()}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended, and how many seconds after it was asked to."""

    code: int
    seconds: float
    stderr: str


class Wire:
    """A running server."""

    def __init__(
        self, environ: Mapping[str, str], command: Sequence[str] = SERVER, version: str = "2025-11-25"
    ) -> None:
        self.version = version
        self.lines: list[bytes] = []  # all that came on stdout
        self.notifications: list[Message] = []
        self._stderr = bytearray()
        self._incoming: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._last_id = 0
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ, bufsize=0
        )
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._read_stdout, self._read_stderr)]
        for thread in self._threads:
            thread.start()

    def start(self) -> Message:
        """Say hello as this revision does; what the server says of itself."""
        if self.version == STATELESS_VERSION:
            return self.result("server/discover")
        hello = {"protocolVersion": self.version, "capabilities": {}, "clientInfo": _CLIENT}
        told = self.result("initialize", hello)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return told

    def result(self, method: str, params: Message | None = None) -> Message:
        """Ask, and take the answer's result."""
        answer = self.ask(method, params)
        assert "result" in answer, answer
        result: Message = answer["result"]
        return result

    def call(self, tool: str, arguments: Any = None, **more: Any) -> Message:
        """Call a tool."""
        return self.result("tools/call", {"name": tool, "arguments": arguments or {}, **more})

    def ask(self, method: str, params: Message | None = None) -> Message:
        """Ask, and wait for the answer."""
        return self.answer_to(self.post(method, params))

    def post(self, method: str, params: Message | None = None) -> int:
        """Ask without waiting; the request's id."""
        self._last_id += 1
        params = dict(params or {})
        if self.version == STATELESS_VERSION:
            own = {"protocolVersion": self.version, "clientInfo": _CLIENT, "clientCapabilities": {}}
            params["_meta"] = {f"{_META}{name}": value for name, value in own.items()} | params.get("_meta", {})
        self.send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        return self._last_id

    def answer_to(self, request_id: int | str) -> Message:
        """Wait for the answer to a request."""
        return self.answers_to([request_id])[0]

    def answers_to(self, request_ids: Sequence[int | str]) -> list[Message]:
        """Wait for the answers to several requests; notifications that come meanwhile are kept."""
        answers: dict[int | str, Message] = {}
        while len(answers) < len(request_ids):
            line = self._incoming.get(timeout=PATIENCE)
            assert line is not None, f"the server has ended: {self.stderr}"
            message: Message = json.loads(line)
            if message.get("id") in request_ids:
                answers[message["id"]] = message
            else:
                self.notifications.append(message)
        return [answers[each] for each in request_ids]

    def send(self, message: Message) -> None:
        """Send one message."""
        self.raw(json.dumps(message).encode() + b"\n")

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self.process.stdin
        rest = memoryview(data)
        while rest:
            rest = rest[self.process.stdin.write(rest) :]

    def eof(self) -> Ending:
        """End the server's input and see it end."""
        started = time.perf_counter()
        self.hang_up()
        return self.ending(started)

    def hang_up(self) -> None:
        """End the server's input."""
        assert self.process.stdin
        self.process.stdin.close()

    def signalled(self, *signals: int) -> Ending:
        """Send signals and see it end."""
        started = time.perf_counter()
        for each in signals:
            self.process.send_signal(each)
        return self.ending(started)

    def ending(self, started: float) -> Ending:
        """Wait for the end."""
        code = self.process.wait(PATIENCE)
        seconds = time.perf_counter() - started
        for thread in self._threads:
            thread.join(PATIENCE)
        return Ending(code, seconds, self.stderr)

    @property
    def stderr(self) -> str:
        """What came on stderr so far."""
        return self._stderr.decode(errors="replace")

    def close(self) -> None:
        """Leave nothing running; one that is still there is asked to go first, so that it can say what was covered."""
        assert self.process.stdin
        with suppress(OSError, ValueError):
            self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
        for thread in self._threads:
            thread.join(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream
            stream.close()
        assert not [line for line in (*self.lines, bytes(self._stderr)) if CANARY.encode() in line]

    def _read_stdout(self) -> None:
        assert self.process.stdout
        rest = b""
        while block := self.process.stdout.read(1 << 20):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                self.lines.append(line)
                self._incoming.put(line)
        self.lines += [rest] if rest else []
        self._incoming.put(None)

    def _read_stderr(self) -> None:
        assert self.process.stderr
        while block := self.process.stderr.read(1 << 16):
            self._stderr += block


@contextmanager
def serving(environ: Mapping[str, str], command: Sequence[str] = SERVER, version: str = "2025-11-25") -> Iterator[Wire]:
    """A server that has been greeted."""
    wire = Wire(environ, command, version)
    try:
        wire.start()
        yield wire
    finally:
        wire.close()
