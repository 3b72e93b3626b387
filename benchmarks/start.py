"""Starting and ending: to the list of tools against a bare SDK server, short answers against Python alone."""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

from _bench import BARE, OURS, Bench, Goal, above, in_turns, ratio, table
from _process import Sample, Server, resident


def measure(bench: Bench) -> list[Goal]:
    """Print the tables; the goals."""
    return [*_servers(bench), *_commands(bench)]


def _servers(bench: Bench) -> list[Goal]:
    ways = {name: partial(_served, bench, name) for name in bench.servers}
    in_turns(ways, 1)  # compiles
    taken = in_turns(ways, bench.rounds(5, 15))
    bare = taken[BARE]
    table("start", {name: {**row, "× bare": ratio(row["list ms"], bare["list ms"])} for name, row in taken.items()})
    ours = taken[OURS]
    return [
        Goal("start to tools/list", ratio(ours["list ms"], bare["list ms"]), 1.15, "× bare"),
        Goal("memory when idle", ratio(ours["idle MiB"], bare["idle MiB"]), 1.1, "× bare", firm=True),
        Goal("exit at the end of the input", ours["exit ms"], 100, "ms"),
    ]


def _served(bench: Bench, name: str) -> Sample:
    started = time.perf_counter()
    server = Server(bench.command(name, "http://127.0.0.1:9"), bench.environment(), bench.folder)
    server.start()
    tools = server.ask("tools/list")["tools"]
    listed = (time.perf_counter() - started) * 1000
    memory = resident(server.pid)
    return {"tools": len(tools), "list ms": listed, "idle MiB": memory, "exit ms": server.close()}


def _commands(bench: Bench) -> list[Goal]:
    python = [sys.executable, "-c", "pass"]
    commands = {"python -c pass": python}
    commands |= {f"webvoice-mcp {word}": [*bench.command(OURS), word] for word in ("--version", "--help")}
    ways: dict[str, Callable[[], Sample]] = {name: partial(_run, bench, words) for name, words in commands.items()}
    in_turns(ways, 1)  # compiles
    taken = in_turns(ways, bench.rounds(9, 25))
    base = taken["python -c pass"]["ms"]
    table("commands", {name: {**row, "× python": ratio(row["ms"], base)} for name, row in taken.items()})
    return [
        Goal(name, ratio(row["ms"], base), 5, "× python -c pass")
        for name, row in taken.items()
        if above(row["ms"], base)
    ]


def _run(bench: Bench, command: list[str]) -> Sample:
    started = time.perf_counter()
    subprocess.run(command, env=bench.environment(), cwd=bench.folder, stdout=subprocess.DEVNULL, check=True)
    return {"ms": (time.perf_counter() - started) * 1000}
