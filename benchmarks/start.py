"""From spawning the server to the answer of tools/list, against a bare SDK server: python benchmarks/start.py [rounds]

Prints medians and their ratio, measured in turns in one run, since machines are shared and noisy.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_BARE = "from mcp.server.mcpserver import MCPServer\nMCPServer('bare').run()"
_OURS = [sys.executable, "-m", "webvoice_mcp"]
_HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "0"},
}
_MESSAGES = (
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _HELLO},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
)


def once(command: list[str], home: str) -> tuple[float, float, float]:
    """Milliseconds to the list of tools, MiB in use then, milliseconds from the end of the input to the exit."""
    started = time.perf_counter()
    environ = {**os.environ, "HOME": home, "WEBVOICE_STATE_DIR": home}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ) as process:
        assert process.stdin
        assert process.stdout
        for message in _MESSAGES:
            process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()
        while json.loads(process.stdout.readline()).get("id") != 2:
            pass
        listed = time.perf_counter()
        status = Path(f"/proc/{process.pid}/status")
        found = re.search(r"VmRSS:\s+(\d+)", status.read_text()) if status.exists() else None
        process.stdin.close()
        process.wait()
        ended = time.perf_counter()
    return (listed - started) * 1000, int(found[1]) / 1024 if found else 0.0, (ended - listed) * 1000


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    commands = {"bare SDK server": [sys.executable, "-c", _BARE], "webvoice-mcp": _OURS}
    taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as home:
        for _ in range(rounds + 1):
            for name, command in commands.items():
                taken[name].append(once(command, home))
    medians = {
        name: [statistics.median(column) for column in zip(*runs[1:], strict=True)] for name, runs in taken.items()
    }
    print(f"{'':16} {'tools/list ms':>14} {'RSS MiB':>8} {'exit ms':>8}")
    for name, (listed, memory, ended) in medians.items():
        print(f"{name:16} {listed:14.0f} {memory:8.1f} {ended:8.0f}")
    bare, ours = medians["bare SDK server"], medians["webvoice-mcp"]
    print(f"{'ratio':16} {ours[0] / bare[0]:14.2f} {ours[1] / bare[1]:8.2f} {ours[2] / bare[2]:8.2f}")


if __name__ == "__main__":
    main()
