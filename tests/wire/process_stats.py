"""Reads a server's memory, processor time, threads and descriptors from /proc (Linux)."""

import os
import re
import sys
from pathlib import Path

from tests.wire_driver import ServerProcess

IS_LINUX = sys.platform.startswith("linux")


def memory_bytes(server: ServerProcess) -> int:
    """Return the memory in use."""
    return _status(server, "VmRSS") * 1024


def peak_memory_bytes(server: ServerProcess) -> int:
    """Return the maximum of the memory used since the start or the last `reset_peak_memory`."""
    return _status(server, "VmHWM") * 1024


def reset_peak_memory(server: ServerProcess) -> None:
    """Set the peak to the memory in use."""
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")


def thread_count(server: ServerProcess) -> int:
    """Return the number of threads."""
    return _status(server, "Threads")


def descriptor_count(server: ServerProcess) -> int:
    """Return the number of open file descriptors."""
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def cpu_seconds(server: ServerProcess) -> float:
    """Return the processor time used so far. Unlike elapsed time, it does not depend on other processes."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    user, system = fields[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _status(server: ServerProcess, name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+)", Path(f"/proc/{server.process.pid}/status").read_text())
    assert found
    return int(found[1])
