"""Small calls: the time that the server adds to a request, the calls per second, and memory growth over many calls.

`webvoice_status` is free: it sends one GET and records nothing. `webvoice_translate` is paid: it is recorded in the
history (SQLite) before the request and after it. `webvoice_account_links` sends no request.
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

from _bench import BARE, OURS, PUBLISHED, Bench, Goal, difference, measure_in_turns, print_table, ratio
from _process import Message, Sample, Server, memory_in_use, resource_count

_DIRECT = "httpx2 GET, no server"
_FREE = "webvoice_status"
_PAID = "webvoice_translate"
_TEXT: Message = {"text": "Hello", "target_language": "it"}
_CONCURRENCY = 64
_CONNECTIONS = 16  # calls at once while growth is measured; the same number of connections stay open for later calls
# Arguments, and the allowed growth in MiB: enough for SQLite's cache, but less than a leak of 200 bytes in each call.
_MAX_GROWTH: dict[str, tuple[Message, float]] = {_FREE: ({}, 2), _PAID: (_TEXT, 8)}

Batch = Callable[[int], list[float]]


def measure(bench: Bench) -> list[Goal]:
    """Print the tables and return the goals."""
    return [*_sequential(bench), *_concurrent(bench), *_growth(bench)]


def _sequential(bench: Bench) -> list[Goal]:
    times: dict[str, list[float]] = {}
    with ExitStack() as stack:
        batches = _batches(bench, stack)
        for batch in batches.values():
            batch(50)  # connects, which is not measured
        for _ in range(bench.rounds(6, 30)):
            for name in random.sample(list(batches), len(batches)):
                times.setdefault(name, []).extend(batches[name](50))
    rows = {name: _percentiles(times[name]) for name in batches}
    direct = rows[_DIRECT]["p50 ms"]
    print_table(
        "call, one after another",
        {name: {**row, "+ ms": difference(row["p50 ms"], direct)} for name, row in rows.items()},
    )
    small = ratio(rows[f"{OURS}, {_FREE}"]["p50 ms"], rows[f"{BARE}, status"]["p50 ms"])
    return [Goal("a small call", small, 1.0, "× bare")]


def _batches(bench: Bench, stack: ExitStack) -> dict[str, Batch]:
    # A batch takes a number, makes that many calls, and returns the seconds of each.
    base_url = f"{bench.http}/1/api/v1"
    servers = {name: stack.enter_context(bench.server(name, base_url)) for name in bench.servers}
    ours = servers[OURS]
    batches: dict[str, Batch] = {
        _DIRECT: _direct(bench, base_url, stack),
        f"{BARE}, ping": _timed(lambda: servers[BARE].request("ping")),
        f"{OURS}, ping": _timed(lambda: ours.request("ping")),
        f"{OURS}, webvoice_account_links": _timed(lambda: ours.call("webvoice_account_links")),
        f"{BARE}, status": _timed(lambda: servers[BARE].call("status")),
        f"{OURS}, {_FREE}": _timed(lambda: ours.call(_FREE)),
        f"{OURS}, {_PAID} (history)": _timed(lambda: ours.call(_PAID, _TEXT)),
    }
    if PUBLISHED in servers:
        batches[f"{PUBLISHED}, {_FREE}"] = _timed(lambda: servers[PUBLISHED].call(_FREE))
    return batches


def _timed(call: Callable[[], object]) -> Batch:
    def batch(count: int) -> list[float]:
        times = []
        for _ in range(count):
            started = time.perf_counter()
            call()
            times.append(time.perf_counter() - started)
        return times

    return batch


def _direct(bench: Bench, base_url: str, stack: ExitStack) -> Batch:
    command = [sys.executable, str(Path(__file__).with_name("_transfers.py")), "direct", base_url]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=bench.environment(), text=True, bufsize=1
    )
    stack.enter_context(process)

    def batch(count: int) -> list[float]:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{count}\n")
        times: list[float] = json.loads(process.stdout.readline())
        return times

    return batch


def _percentiles(times: list[float]) -> dict[str, float | None]:
    hundredths = statistics.quantiles(times, n=100)
    return {"p50 ms": hundredths[49] * 1000, "p99 ms": hundredths[98] * 1000}


def _concurrent(bench: Bench) -> list[Goal]:
    base_url = f"{bench.http}/1/api/v1"
    with ExitStack() as stack:
        servers = {name: stack.enter_context(bench.server(name, base_url)) for name in bench.servers}
        tools: dict[str, tuple[Server, str, Message]] = {
            f"{name}, {_FREE}": (servers[name], _FREE, {}) for name in bench.servers if name != BARE
        }
        tools[f"{BARE}, status"] = servers[BARE], "status", {}
        tools[f"{OURS}, {_PAID} (history)"] = servers[OURS], _PAID, _TEXT
        count = bench.rounds(200, 500)
        methods = {name: partial(_rate, *tool, 64 if PUBLISHED in name else count) for name, tool in tools.items()}
        measure_in_turns(methods, 1)  # connects, which is not measured
        rates = measure_in_turns(methods, bench.rounds(3, 9))
    bare = rates[f"{BARE}, status"]["calls/s"]
    rows = {name: {**row, "× bare": ratio(row["calls/s"], bare)} for name, row in rates.items()}
    print_table(f"call, {_CONCURRENCY} at once", rows)
    free, paid = (rows[f"{OURS}, {tool}"]["× bare"] for tool in (_FREE, f"{_PAID} (history)"))
    return [
        Goal(f"calls a second, {_CONCURRENCY} at once", free, 1.0, "× bare", is_minimum=True),
        Goal(f"jobs a second with their history, {_CONCURRENCY} at once", paid, 0.7, "× bare", is_minimum=True),
    ]


def _rate(server: Server, tool: str, arguments: Message, count: int) -> Sample:
    return {"calls/s": count / server.run_calls(tool, [arguments] * count, _CONCURRENCY)}


def _growth(bench: Bench) -> list[Goal]:
    goals: list[Goal] = []
    rows: dict[str, Sample] = {}
    count = bench.rounds(1000, 10_000)
    for tool, (arguments, max_growth) in _MAX_GROWTH.items():
        with bench.server(OURS, f"{bench.http}/1/api/v1") as server:
            server.run_calls(tool, [arguments] * bench.rounds(500, 2000), _CONNECTIONS)
            before = _resources(server)
            server.run_calls(tool, [arguments] * count, _CONNECTIONS)
            growth = {name: difference(value, before[name]) for name, value in _resources(server).items()}
        rows[f"{count:,} × {tool}"] = growth
        goals += [
            Goal(f"memory growth after {count:,} × {tool}", growth["+ MiB"], max_growth, "MiB", is_strict=True),
            Goal(f"descriptor growth after {count:,} × {tool}", growth["+ descriptors"], _CONNECTIONS, is_strict=True),
            Goal(f"thread growth after {count:,} × {tool}", growth["+ threads"], _CONNECTIONS, is_strict=True),
        ]
    print_table("call, growth", rows)
    return goals


def _resources(server: Server) -> dict[str, float | None]:
    files, running = resource_count(server.pid, "fd"), resource_count(server.pid, "task")
    return {"+ MiB": memory_in_use(server.pid), "+ descriptors": files, "+ threads": running}
