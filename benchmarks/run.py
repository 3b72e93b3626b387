"""Compare the server's time, memory and throughput with simple alternatives, in one run.

Usage: python benchmarks/run.py [--short] [--check] [NAME ...]

Names: start, call, load, stream, save, send, splitter, works, hostile; without a name, all of them. In each round, the
alternatives run in random order. Medians and goals are printed. Ratios mean more than times, because machines differ.

--short takes some minutes; it leaves out the published version, which would have to be installed.
--check ends with code 1 if memory or a stall misses its goal, or if a time misses its goal by a factor of 3.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

import call
import hostile
import load
import save
import send
import splitter
import start
import stream
import works
from _bench import Bench, Goal, open_bench

BENCHMARKS: dict[str, Callable[[Bench], list[Goal]]] = {
    module.__name__: module.measure for module in (start, call, load, stream, save, send, splitter, works, hostile)
}


def main() -> int:
    """Run the benchmarks and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a benchmark")
    parser.add_argument("--short", action="store_true", help="fewer rounds and smaller files")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    options = parser.parse_args()
    if unknown := set(options.names) - BENCHMARKS.keys():
        parser.error(f"unknown benchmark {', '.join(unknown)}; choose from {', '.join(BENCHMARKS)}")
    started = time.perf_counter()
    print(_machine())
    goals: list[Goal] = []
    with open_bench(is_short=options.short) as bench:
        for name in options.names or BENCHMARKS:
            goals += BENCHMARKS[name](bench)
    print("\nGoals", *goals, sep="\n")
    print(f"\n{time.perf_counter() - started:.0f} s; {_load()}")
    missed = [goal for goal in goals if not goal.is_tolerable]
    if options.check and missed:
        print("\nMissed by more than --check allows:", *missed, sep="\n", file=sys.stderr)
        return 1
    return 0


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("webvoice-mcp", "mcp", "httpx2", "pybase64"))
    return (
        f"{time.strftime('%Y-%m-%d %H:%M')}, Python {platform.python_version()}, {platform.platform()}, "
        f"{os.cpu_count()} processors; {_load()}\n{packages}"
    )


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"


if __name__ == "__main__":
    sys.exit(main())
