"""A server spoken to over its pipes, and what a process uses: read from /proc, None where there is none."""

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
_BETWEEN_PINGS = 0.002


class Server:
    """A running server, asked on this thread alone, so that no time is lost between threads."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], folder: Path) -> None:
        self.notifications = 0
        self._last_id = 0
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._said}
        self._process = subprocess.Popen(command, **pipes, env=environ, cwd=folder)  # type: ignore[call-overload]  # of what `pipes` holds
        self.pid: int = self._process.pid

    def start(self) -> None:
        """Say hello."""
        self.ask("initialize", _HELLO)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def close(self) -> float:
        """End its input; ms until it has ended."""
        started = time.perf_counter()
        with suppress(OSError):  # it may have ended
            self._process.stdin.close()
        self._process.wait()
        taken = (time.perf_counter() - started) * 1000
        self._process.stdout.close()
        self._said.close()
        return taken

    def call(self, tool: str, arguments: Message | None = None, **more: Any) -> Message:
        """Call a tool, which must not fail."""
        return _unfailed(self.ask("tools/call", {"name": tool, "arguments": arguments or {}, **more}))

    def ask(self, method: str, params: Message | None = None) -> Message:
        """Ask, and wait for the result."""
        asked = self._post(method, params)
        while (message := self._read()).get("id") != asked:
            pass
        result: Message = message["result"]
        return result

    def measured(self, tool: str, arguments: Message) -> tuple[Message, dict[str, float | None]]:
        """Call a tool; its result, and what the call took."""
        memory, cpu, started = Memory(self.pid), cpu_ms(self.pid), time.perf_counter()
        result = self.call(tool, arguments)
        taken = (time.perf_counter() - started) * 1000
        used = cpu_ms(self.pid)
        return result, {
            "ms": taken,
            "CPU ms": used - cpu if used is not None and cpu is not None else None,
            "peak MiB": memory.grown(),
        }

    def calls(self, tool: str, arguments: Sequence[Message], at_once: int) -> float:
        """Call a tool with each of these arguments, so many at once; seconds in all."""
        started = time.perf_counter()
        left = iter(arguments)
        under_way = 0
        while True:
            for each in left:
                self._post("tools/call", {"name": tool, "arguments": each})
                under_way += 1
                if under_way >= at_once:
                    break
            if not under_way:
                return time.perf_counter() - started
            if "id" in (message := self._read()):
                _unfailed(message["result"])
                under_way -= 1

    def pinged_calls(self, calls: Sequence[tuple[str, Message]], at_once: int) -> tuple[list[float], float]:
        """Make calls, so many at once, with a ping always under way; seconds that each ping took, and all together."""
        pings: list[float] = []
        under_way, started = 0, time.perf_counter()
        left = iter(calls)
        ping, asked = self._post("ping"), started
        while True:
            while under_way < at_once and (each := next(left, None)):
                self._post("tools/call", {"name": each[0], "arguments": each[1]})
                under_way += 1
            if not under_way:
                return pings, time.perf_counter() - started
            if "id" not in (message := self._read()):
                continue
            if message["id"] == ping:
                pings.append(time.perf_counter() - asked)
                ping, asked = self._post("ping"), time.perf_counter()
            else:
                _unfailed(message["result"])
                under_way -= 1

    def worst_ping(self, tool: str, arguments: Message) -> float:
        """The longest, in ms, that a ping takes while a tool is at work."""
        return self._pinged(self._post("tools/call", {"name": tool, "arguments": arguments}), 0)

    def worst_idle_ping(self, seconds: float) -> float:
        """The longest, in ms, that a ping takes while there is nothing else to do."""
        return self._pinged(None, seconds)

    def _pinged(self, asked: int | None, seconds: float) -> float:
        worst, end = 0.0, time.perf_counter() + seconds
        while asked is not None or time.perf_counter() < end:
            started = time.perf_counter()
            ping = self._post("ping")
            while (message := self._read()).get("id") != ping:
                if asked is not None and message.get("id") == asked:
                    _unfailed(message["result"])
                    asked = None
            worst = max(worst, time.perf_counter() - started)
            time.sleep(_BETWEEN_PINGS)
        return worst * 1000

    def _post(self, method: str, params: Message | None = None) -> int:
        self._last_id += 1
        self._send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params or {}})
        return self._last_id

    def _send(self, message: Message) -> None:
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def _read(self) -> Message:
        line = self._process.stdout.readline()
        if not line:
            self._said.seek(0)
            raise RuntimeError(f"the server has ended: {self._said.read()[-2000:].decode(errors='replace')}")
        message: Message = json.loads(line)
        self.notifications += "method" in message
        return message


def _unfailed(result: Message) -> Message:
    if result.get("isError"):
        raise RuntimeError(result["content"][0]["text"])
    return result


class Memory:
    """The peak of a process from here on, above what it uses now."""

    def __init__(self, pid: int | str) -> None:
        self._pid = pid
        self._before = resident(pid)
        if self._before is not None:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew

    def grown(self) -> float | None:
        """MiB."""
        peak = _status(self._pid, "VmHWM")
        return None if peak is None or self._before is None else peak - self._before


def resident(pid: int | str) -> float | None:
    """MiB in use."""
    return _status(pid, "VmRSS")


def entries(pid: int, kind: str) -> int | None:
    """How many there are: of "fd", files and sockets that are open, or of "task", threads."""
    folder = Path(f"/proc/{pid}/{kind}")
    return len(list(folder.iterdir())) if folder.exists() else None


def cpu_ms(pid: int) -> float | None:
    """Processor time so far, in steps of 10 ms."""
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
