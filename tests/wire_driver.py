"""Drives the server as a real process, with raw JSON-RPC lines on its pipes and without the MCP SDK."""

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

SERVER_COMMAND = (sys.executable, "-m", "webvoice_mcp")
_WITHOUT_FRONT = "import sys; from webvoice_mcp.cli import serve; sys.exit(serve.run(has_front=False))"
SDK_ALONE = (sys.executable, "-c", _WITHOUT_FRONT)
"""Starts a server that answers nothing before the SDK is imported."""
HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS_VERSION = "2026-07-28"
VERSIONS = (*HANDSHAKE_VERSIONS, STATELESS_VERSION)
TIMEOUT_SECONDS = 120.0  # a test fails if a response or an exit takes longer; a start can take a minute

# The messages of the handshake, for tests that write to the server's stdin themselves.
HANDSHAKE = b"""\
{"jsonrpc": "2.0", "id": 0, "method": "initialize", "params":\
 {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "wire", "version": "0"}}}
{"jsonrpc": "2.0", "method": "notifications/initialized"}
"""

_META_PREFIX = "io.modelcontextprotocol/"
_CLIENT_INFO = {"name": "wire", "version": "0"}
# The only variables that servers inherit: those that they need to run, and to measure coverage.
_PASSED_ON = ("PATH", "SYSTEMROOT", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "COVERAGE_FILE")

Message = dict[str, Any]


def environment(home: Path, variables: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return environment variables with this home folder; `variables` have no prefix WEBVOICE_.

    Without `WORKER` there is no worker process: it takes time to start, and would outlive a server that a test ends.
    """
    environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environ |= {"HOME": str(home), "USERPROFILE": str(home), "WEBVOICE_WORKER": "0"}
    environ |= {"WEBVOICE_STATE_DIR": str(home / "state"), "WEBVOICE_OUTPUT_DIR": str(home / "out")}
    return environ | {f"WEBVOICE_{name}": str(value) for name, value in (variables or {}).items()}


@dataclass(frozen=True, slots=True)
class Exit:
    """The end of a process: its exit code, the seconds until it exited, and everything that it wrote to stderr."""

    code: int
    seconds: float
    stderr: str


class ServerProcess:
    """A running server.

    Attributes:
        version: the protocol revision of the requests.
        stdout_lines: all lines received on stdout.
        notifications: all messages received that were not responses to a request that a test waited for.
    """

    def __init__(self, environ: Mapping[str, str], command: Sequence[str] = (), version: str = "2025-11-25") -> None:
        self.version = version
        self.stdout_lines: list[bytes] = []
        self.notifications: list[Message] = []
        self._stderr = bytearray()
        self._stderr_grew = threading.Condition()
        self._incoming: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._last_id = 0
        self.process = subprocess.Popen(
            command or SERVER_COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ,
            bufsize=0,
        )
        readers = (self._read_stdout, self._read_stderr)
        self._threads = [threading.Thread(target=reader, daemon=True) for reader in readers]
        for thread in self._threads:
            thread.start()

    def initialize(self) -> Message:
        """Initialize the session as this protocol revision requires; return the server's description of itself."""
        if self.version == STATELESS_VERSION:
            return self.result("server/discover")
        hello = {"protocolVersion": self.version, "capabilities": {}, "clientInfo": _CLIENT_INFO}
        described = self.result("initialize", hello)
        self.send_message({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return described

    def result(self, method: str, params: Message | None = None) -> Message:
        """Send a request, wait for its response, and return the result."""
        response = self.request(method, params)
        assert "result" in response, response
        result: Message = response["result"]
        return result

    def call(self, tool: str, arguments: Any = None, **params: Any) -> Message:
        """Call a tool and return its result; a failed call also has a result."""
        return self.result("tools/call", {"name": tool, "arguments": arguments or {}, **params})

    def request(self, method: str, params: Message | None = None) -> Message:
        """Send a request and wait for its response."""
        return self.response_to(self.send_request(method, params))

    def send_request(self, method: str, params: Message | None = None) -> int:
        """Send a request and return its id at once."""
        self._last_id += 1
        params = dict(params or {})
        if self.version == STATELESS_VERSION:
            meta = {"protocolVersion": self.version, "clientInfo": _CLIENT_INFO, "clientCapabilities": {}}
            params["_meta"] = {f"{_META_PREFIX}{name}": value for name, value in meta.items()} | params.get("_meta", {})
        self.send_message({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        return self._last_id

    def send_call(self, tool: str, arguments: Message) -> int:
        """Send a tool call and return the request's id at once."""
        return self.send_request("tools/call", {"name": tool, "arguments": arguments})

    def response_to(self, request_id: int | str) -> Message:
        """Wait for the response to a request."""
        return self.responses_to([request_id])[0]

    def responses_to(self, request_ids: Sequence[int | str]) -> list[Message]:
        """Wait for the responses to several requests; other messages go to `notifications`."""
        responses: dict[int | str, Message] = {}
        while len(responses) < len(request_ids):
            line = self._incoming.get(timeout=TIMEOUT_SECONDS)
            assert line is not None, f"the server has ended: {self.stderr}"
            message: Message = json.loads(line)
            if message.get("id") in request_ids:
                responses[message["id"]] = message
            else:
                self.notifications.append(message)
        return [responses[request_id] for request_id in request_ids]

    def send_message(self, message: Message) -> None:
        """Send one message."""
        self.send_bytes(json.dumps(message).encode() + b"\n")

    def send_bytes(self, data: bytes) -> None:
        """Write bytes to the server's stdin as they are."""
        assert self.process.stdin
        rest = memoryview(data)
        while rest:
            rest = rest[self.process.stdin.write(rest) :]

    def close_stdin(self) -> None:
        """Close the server's stdin, which tells it to exit."""
        assert self.process.stdin
        self.process.stdin.close()

    def close_stdin_and_wait(self) -> Exit:
        """Close the server's stdin and wait for its exit."""
        started = time.perf_counter()
        self.close_stdin()
        return self.wait_for_exit(started)

    def signal_and_wait(self, *signals: int) -> Exit:
        """Send signals and wait for the exit."""
        started = time.perf_counter()
        for number in signals:
            self.process.send_signal(number)
        return self.wait_for_exit(started)

    def wait_for_exit(self, started: float) -> Exit:
        """Wait for the exit; `started` is the value of `time.perf_counter()` when the server was told to exit."""
        code = self.process.wait(TIMEOUT_SECONDS)
        seconds = time.perf_counter() - started
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS)
        return Exit(code, seconds, self.stderr)

    @property
    def stderr(self) -> str:
        """Everything received on stderr so far."""
        return self._stderr.decode(errors="replace")

    def wait_for_stderr(self, text: str) -> None:
        """Wait until this text has been received on stderr."""
        with self._stderr_grew:
            assert self._stderr_grew.wait_for(lambda: text in self.stderr, TIMEOUT_SECONDS), self.stderr

    def close(self) -> None:
        """End the process if it is still running. It is killed only if it must be: a kill would lose coverage data."""
        assert self.process.stdin
        with suppress(OSError, ValueError):
            self.process.stdin.close()
        try:
            self.process.wait(TIMEOUT_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream
            stream.close()
        assert not [line for line in (*self.stdout_lines, bytes(self._stderr)) if CANARY.encode() in line]

    def _read_stdout(self) -> None:
        assert self.process.stdout
        rest = b""
        while block := self.process.stdout.read(1 << 20):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                self.stdout_lines.append(line)
                self._incoming.put(line)
        self.stdout_lines += [rest] if rest else []
        self._incoming.put(None)

    def _read_stderr(self) -> None:
        assert self.process.stderr
        while block := self.process.stderr.read(1 << 16):
            with self._stderr_grew:
                self._stderr += block
                self._stderr_grew.notify_all()


@contextmanager
def running_server(
    environ: Mapping[str, str], command: Sequence[str] = (), version: str = "2025-11-25"
) -> Iterator[ServerProcess]:
    """Run a server and initialize a session."""
    server = ServerProcess(environ, command, version)
    try:
        server.initialize()
        yield server
    finally:
        server.close()
