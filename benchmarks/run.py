"""Measure what the server costs, beside the plainest other ways, in one run.

Usage: python benchmarks/run.py [--short] [--check] [NAME ...]

Names: start, call, load, stream, save, send, splitter; without one, all of them. Ways take turns, in another order each
round; medians are printed, and the goals. Ratios mean more than times: machines differ.

--short takes about a minute; it leaves out the published version, which is fetched from the package index.
--check ends with code 1 where memory or a stall misses its goal, or a time misses it by a factor of 3.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

import call
import load
import save
import send
import splitter
import start
import stream
from _bench import Bench, Goal, opened

SUBJECTS: dict[str, Callable[[Bench], list[Goal]]] = {
    module.__name__: module.measure for module in (start, call, load, stream, save, send, splitter)
}


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure")
    parser.add_argument("--short", action="store_true", help="about a minute")
    parser.add_argument("--check", action="store_true", help="exit 1 where a goal is missed")
    asked = parser.parse_args()
    if unknown := set(asked.names) - SUBJECTS.keys():
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(SUBJECTS)}")
    began = time.perf_counter()
    print(_machine())
    goals: list[Goal] = []
    with opened(short=asked.short) as bench:
        for name in asked.names or SUBJECTS:
            goals += SUBJECTS[name](bench)
    print("\nGoals", *goals, sep="\n")
    print(f"\n{time.perf_counter() - began:.0f} s; {_load()}")
    missed = [each for each in goals if not each.tolerable]
    if asked.check and missed:
        print("\nMissed by more than --check lets pass:", *missed, sep="\n", file=sys.stderr)
        return 1
    return 0


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("webvoice-mcp", "mcp", "httpx2", "pybase64"))
    return (
        f"{time.strftime('%Y-%m-%d %H:%M')}, Python {platform.python_version()}, {platform.platform()}, "
        f"{os.cpu_count()} processors; {_load()}\n{packages}"
    )


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load not known"


if __name__ == "__main__":
    sys.exit(main())
