"""Small calls: what the server adds to the request itself, how many a second, and whether anything grows.

`webvoice_status` is free: one GET, nothing written down. `webvoice_translate` is paid: its order is written to the
history (SQLite) before the request and after it. `webvoice_account_links` asks nobody.
"""

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from _bench import BARE, OURS, PUBLISHED, Bench, Goal, above, in_turns, ratio, table
from _process import Message, Sample, Server, entries, resident

_DIRECT = "httpx2 GET, no server"
_FREE = "webvoice_status"
_PAID = "webvoice_translate"
_TEXT: Message = {"text": "Hello", "target_language": "it"}
_AT_ONCE = 64
_CONNECTIONS = 16  # that stay open for the next calls, as many as there are calls at once
# Arguments, and MiB that may stay: 10,000 calls that leave 200 bytes each would show. SQLite fills its cache at first.
_MOST_GROWN: dict[str, tuple[Message, float]] = {_FREE: ({}, 2), _PAID: (_TEXT, 8)}

Batch = Callable[[int], list[float]]


def measure(bench: Bench) -> list[Goal]:
    """Print the tables; the goals."""
    return [*_one_by_one(bench), *_many(bench), *_growth(bench)]


def _one_by_one(bench: Bench) -> list[Goal]:
    taken: dict[str, list[float]] = {}
    with ExitStack() as stack:
        batches = _batches(bench, stack)
        for batch in batches.values():
            batch(50)  # connects
        for _ in range(bench.rounds(6, 30)):
            for name in random.sample(list(batches), len(batches)):
                taken.setdefault(name, []).extend(batches[name](50))
    rows = {name: _spread(taken[name]) for name in batches}
    direct = rows[_DIRECT]["p50 ms"]
    table("call, one by one", {name: {**row, "+ ms": above(row["p50 ms"], direct)} for name, row in rows.items()})
    added = above(rows[f"{OURS}, {_FREE}"]["p50 ms"], direct)
    return [Goal("what a small call adds to its request", added, 0.8, "ms")]


def _batches(bench: Bench, stack: ExitStack) -> dict[str, Batch]:
    # Each makes so many calls and tells how long each took, in seconds.
    base_url = f"{bench.http}/1/api/v1"
    servers = {name: stack.enter_context(bench.server(name, base_url)) for name in bench.servers}
    ours = servers[OURS]
    batches: dict[str, Batch] = {
        _DIRECT: _direct(bench, base_url, stack),
        f"{BARE}, ping": _timed(lambda: servers[BARE].ask("ping")),
        f"{OURS}, ping": _timed(lambda: ours.ask("ping")),
        f"{OURS}, webvoice_account_links": _timed(lambda: ours.call("webvoice_account_links")),
        f"{BARE}, status": _timed(lambda: servers[BARE].call("status")),
        f"{OURS}, {_FREE}": _timed(lambda: ours.call(_FREE)),
        f"{OURS}, {_PAID} (history)": _timed(lambda: ours.call(_PAID, _TEXT)),
    }
    if PUBLISHED in servers:
        batches[f"{PUBLISHED}, {_FREE}"] = _timed(lambda: servers[PUBLISHED].call(_FREE))
    return batches


def _timed(ask: Callable[[], object]) -> Batch:
    def batch(count: int) -> list[float]:
        taken = []
        for _ in range(count):
            started = time.perf_counter()
            ask()
            taken.append(time.perf_counter() - started)
        return taken

    return batch


def _direct(bench: Bench, base_url: str, stack: ExitStack) -> Batch:
    command = [sys.executable, str(Path(__file__).with_name("_ways.py")), "direct", base_url]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=bench.environment(), text=True, bufsize=1
    )
    stack.enter_context(process)

    def batch(count: int) -> list[float]:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{count}\n")
        taken: list[float] = json.loads(process.stdout.readline())
        return taken

    return batch


def _spread(taken: list[float]) -> dict[str, float | None]:
    hundredths = statistics.quantiles(taken, n=100)
    return {"p50 ms": hundredths[49] * 1000, "p99 ms": hundredths[98] * 1000}


def _many(bench: Bench) -> list[Goal]:
    base_url = f"{bench.http}/1/api/v1"
    with ExitStack() as stack:
        servers = {name: stack.enter_context(bench.server(name, base_url)) for name in bench.servers}
        tools: dict[str, tuple[Server, str, Message]] = {
            f"{name}, {_FREE}": (servers[name], _FREE, {}) for name in bench.servers if name != BARE
        }
        tools[f"{BARE}, status"] = servers[BARE], "status", {}
        tools[f"{OURS}, {_PAID} (history)"] = servers[OURS], _PAID, _TEXT
        count = bench.rounds(200, 500)
        ways = {name: partial(_rate, *way, 64 if PUBLISHED in name else count) for name, way in tools.items()}
        in_turns(ways, 1)  # connects
        rates = in_turns(ways, bench.rounds(3, 9))
    bare = rates[f"{BARE}, status"]["calls/s"]
    rows = {name: {**row, "× bare": ratio(row["calls/s"], bare)} for name, row in rates.items()}
    table(f"call, {_AT_ONCE} at once", rows)
    return [Goal(f"calls at {_AT_ONCE} at once", rates[f"{OURS}, {_FREE}"]["calls/s"], 600, "calls/s", least=True)]


def _rate(server: Server, tool: str, arguments: Message, count: int) -> Sample:
    return {"calls/s": count / server.calls(tool, [arguments] * count, _AT_ONCE)}


def _growth(bench: Bench) -> list[Goal]:
    goals: list[Goal] = []
    rows: dict[str, Sample] = {}
    count = bench.rounds(1000, 10_000)
    for tool, (arguments, most) in _MOST_GROWN.items():
        with bench.server(OURS, f"{bench.http}/1/api/v1") as server:
            server.calls(tool, [arguments] * bench.rounds(500, 2000), _CONNECTIONS)
            before = _in_use(server)
            server.calls(tool, [arguments] * count, _CONNECTIONS)
            grown = {name: above(value, before[name]) for name, value in _in_use(server).items()}
        rows[f"{count:,} × {tool}"] = grown
        goals += [
            Goal(f"memory that {count:,} × {tool} leave", grown["+ MiB"], most, "MiB", firm=True),
            Goal(f"descriptors that {count:,} × {tool} leave", grown["+ descriptors"], _CONNECTIONS, firm=True),
            Goal(f"threads that {count:,} × {tool} leave", grown["+ threads"], _CONNECTIONS, firm=True),
        ]
    table("call, what stays", rows)
    return goals


def _in_use(server: Server) -> dict[str, float | None]:
    files, running = entries(server.pid, "fd"), entries(server.pid, "task")
    return {"+ MiB": resident(server.pid), "+ descriptors": files, "+ threads": running}
