"""Drives a server over its pipes, and reads the resources that a process uses (None on systems without /proc)."""

import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

Sample = Mapping[str, float | None]
Message = dict[str, Any]

_HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "benchmark", "version": "0"}}
_PING_INTERVAL_SECONDS = 0.002


class Server:
    """A running server. A single thread writes and reads, so that switching threads costs no time.

    Attributes:
        notifications: the number of notifications received.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], folder: Path) -> None:
        self.notifications = 0
        self._last_id = 0
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._stderr}
        self._process = subprocess.Popen(command, **pipes, env=environ, cwd=folder)  # type: ignore[call-overload]  # the values of `pipes` have no common type
        self.pid: int = self._process.pid

    def initialize(self, capabilities: Message | None = None) -> None:
        """Initialize the session, as a client with these capabilities."""
        self.request("initialize", _HELLO | {"capabilities": capabilities or {}})
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def close(self) -> float:
        """Close the server's stdin, and return the milliseconds until the process has ended."""
        started = time.perf_counter()
        with suppress(OSError):  # it may have ended already
            self._process.stdin.close()
        self._process.wait()
        elapsed = (time.perf_counter() - started) * 1000
        self._process.stdout.close()
        self._stderr.close()
        return elapsed

    def call(self, tool: str, arguments: Message | None = None, **params: Any) -> Message:
        """Call a tool and return its result; raise `RuntimeError` if it failed."""
        return _checked(self.request("tools/call", {"name": tool, "arguments": arguments or {}, **params}))

    def request(self, method: str, params: Message | None = None) -> Message:
        """Send a request and wait for its result."""
        request_id = self._send_request(method, params)
        while (message := self._read()).get("id") != request_id:
            pass
        result: Message = message["result"]
        return result

    def measure_call(self, tool: str, arguments: Message) -> tuple[Message, dict[str, float | None]]:
        """Call a tool; return its result, and the time, processor time and peak memory of the call."""
        memory, cpu, started = Memory(self.pid), cpu_ms(self.pid), time.perf_counter()
        result = self.call(tool, arguments)
        elapsed = (time.perf_counter() - started) * 1000
        used = cpu_ms(self.pid)
        return result, {
            "ms": elapsed,
            "CPU ms": used - cpu if used is not None and cpu is not None else None,
            "peak MiB": memory.growth(),
        }

    def run_calls(self, tool: str, arguments: Sequence[Message], concurrency: int) -> float:
        """Call a tool with each of these arguments, `concurrency` calls at once; return the total seconds."""
        started = time.perf_counter()
        remaining = iter(arguments)
        in_progress = 0
        while True:
            for call_arguments in remaining:
                self._send_request("tools/call", {"name": tool, "arguments": call_arguments})
                in_progress += 1
                if in_progress >= concurrency:
                    break
            if not in_progress:
                return time.perf_counter() - started
            if "id" in (message := self._read()):
                _checked(message["result"])
                in_progress -= 1

    def run_calls_with_pings(self, calls: Sequence[tuple[str, Message]], concurrency: int) -> tuple[list[float], float]:
        """Make calls, `concurrency` at once, while pinging; return the seconds of each ping and the total seconds."""
        pings: list[float] = []
        in_progress, started = 0, time.perf_counter()
        remaining = iter(calls)
        ping, sent = self._send_request("ping"), started
        while True:
            while in_progress < concurrency and (call := next(remaining, None)):
                self._send_request("tools/call", {"name": call[0], "arguments": call[1]})
                in_progress += 1
            if not in_progress:
                return pings, time.perf_counter() - started
            if "id" not in (message := self._read()):
                continue
            if message["id"] == ping:
                pings.append(time.perf_counter() - sent)
                ping, sent = self._send_request("ping"), time.perf_counter()
            else:
                _checked(message["result"])
                in_progress -= 1

    def longest_ping(self, tool: str, arguments: Message, *, may_fail: bool = False) -> float:
        """Call a tool, ping until the result arrives, and return the milliseconds of the longest ping."""
        call_id = self._send_request("tools/call", {"name": tool, "arguments": arguments})
        return self._longest_ping(call_id, 0, may_fail=may_fail)

    def longest_idle_ping(self, seconds: float) -> float:
        """Ping for this many seconds without a call, and return the milliseconds of the longest ping."""
        return self._longest_ping(None, seconds)

    def _longest_ping(self, call_id: int | None, seconds: float, *, may_fail: bool = False) -> float:
        longest, end = 0.0, time.perf_counter() + seconds
        while call_id is not None or time.perf_counter() < end:
            started = time.perf_counter()
            ping = self._send_request("ping")
            while (message := self._read()).get("id") != ping:
                if call_id is not None and message.get("id") == call_id:
                    if not may_fail:
                        _checked(message["result"])
                    call_id = None
            longest = max(longest, time.perf_counter() - started)
            time.sleep(_PING_INTERVAL_SECONDS)
        return longest * 1000

    def _send_request(self, method: str, params: Message | None = None) -> int:
        self._last_id += 1
        self._send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params or {}})
        return self._last_id

    def _send(self, message: Message) -> None:
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def _read(self) -> Message:
        line = self._process.stdout.readline()
        if not line:
            self._stderr.seek(0)
            raise RuntimeError(f"the server has ended: {self._stderr.read()[-2000:].decode(errors='replace')}")
        message: Message = json.loads(line)
        self.notifications += "method" in message
        return message


def _checked(result: Message) -> Message:
    if result.get("isError"):
        raise RuntimeError(result["content"][0]["text"])
    return result


class Memory:
    """Measures the growth of a process's peak memory since the creation of this object."""

    def __init__(self, pid: int | str) -> None:
        self._pid = pid
        self._before = memory_in_use(pid)
        if self._before is not None:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # sets the peak to the memory in use

    def growth(self) -> float | None:
        """Return the growth in MiB."""
        peak = _status(self._pid, "VmHWM")
        return None if peak is None or self._before is None else peak - self._before


def memory_in_use(pid: int | str) -> float | None:
    """Return the memory in use in MiB."""
    return _status(pid, "VmRSS")


def find_process(last_word: str, environ_part: str) -> int | None:
    """Return a process whose command ends with a word and whose environment has a text, None if none is found."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            words = (folder / "cmdline").read_text(errors="replace").split("\0")[:-1]
            if words[-1:] == [last_word] and environ_part in (folder / "environ").read_text(errors="replace"):
                return int(folder.name)
    return None


def resource_count(pid: int, kind: str) -> int | None:
    """Return the number of open files and sockets (kind "fd") or of threads ("task")."""
    folder = Path(f"/proc/{pid}/{kind}")
    return len(list(folder.iterdir())) if folder.exists() else None


def cpu_ms(pid: int) -> float | None:
    """Return the processor time used so far in milliseconds; the resolution is 10 ms."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return None
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK") * 1000


def _status(pid: int | str, name: str) -> float | None:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return None
    found = re.search(rf"{name}:\s+(\d+) kB", status.read_text())
    return int(found[1]) / 1024 if found else None
