"""Start and exit: the time to tools/list and to a first call, compared with a bare SDK server; short commands.

"SDK alone" is our server without its front, which answers the first requests while the SDK is being imported.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

from _bench import BARE, OURS, SDK_ALONE, Bench, Goal, difference, measure_in_turns, print_table, ratio
from _process import Sample, Server, memory_in_use


def measure(bench: Bench) -> list[Goal]:
    """Print the tables and return the goals."""
    return [*_servers(bench), *_commands(bench)]


def _servers(bench: Bench) -> list[Goal]:
    methods = {name: partial(_time_start, bench, name) for name in (*bench.servers, SDK_ALONE)}
    measure_in_turns(methods, 1)  # compiles the modules, which is not measured
    samples = measure_in_turns(methods, bench.rounds(5, 15))
    bare = samples[BARE]
    print_table(
        "start", {name: {**row, "× bare": ratio(row["list ms"], bare["list ms"])} for name, row in samples.items()}
    )
    ours, alone = samples[OURS], samples[SDK_ALONE]
    return [
        Goal("start to tools/list", ratio(ours["list ms"], bare["list ms"]), 0.1, "× bare"),
        Goal("start to the first call", ratio(ours["call ms"], alone["call ms"]), 1.05, "× without the front"),
        Goal("memory when idle", ratio(ours["idle MiB"], bare["idle MiB"]), 1.2, "× bare", is_strict=True),
        Goal("exit at the end of the input", ours["exit ms"], 100, "ms"),
    ]


def _time_start(bench: Bench, name: str) -> Sample:
    started = time.perf_counter()
    base_url = f"{bench.http}/1/api/v1"
    server = Server(bench.command(name, base_url), bench.environment(base_url), bench.folder)
    server.initialize()
    tools = server.request("tools/list")["tools"]
    listed = (time.perf_counter() - started) * 1000
    if name == OURS:
        server.call("webvoice_account_links")  # now the SDK has been imported, which the list did not wait for
    idle = memory_in_use(server.pid)
    server.call("status" if name == BARE else "webvoice_status")
    called = (time.perf_counter() - started) * 1000
    return {"tools": len(tools), "list ms": listed, "call ms": called, "idle MiB": idle, "exit ms": server.close()}


def _commands(bench: Bench) -> list[Goal]:
    python = [sys.executable, "-c", "pass"]
    commands = {"python -c pass": python}
    commands |= {f"webvoice-mcp {option}": [*bench.command(OURS), option] for option in ("--version", "--help")}
    methods: dict[str, Callable[[], Sample]] = {
        name: partial(_run, bench, command) for name, command in commands.items()
    }
    measure_in_turns(methods, 1)  # compiles the modules, which is not measured
    samples = measure_in_turns(methods, bench.rounds(9, 25))
    base = samples["python -c pass"]["ms"]
    print_table("commands", {name: {**row, "× python": ratio(row["ms"], base)} for name, row in samples.items()})
    return [
        Goal(name, ratio(row["ms"], base), 5, "× python -c pass")
        for name, row in samples.items()
        if difference(row["ms"], base)
    ]


def _run(bench: Bench, command: list[str]) -> Sample:
    started = time.perf_counter()
    subprocess.run(command, env=bench.environment(), cwd=bench.folder, stdout=subprocess.DEVNULL, check=True)
    return {"ms": (time.perf_counter() - started) * 1000}
