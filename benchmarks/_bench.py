"""Shared by all benchmarks: the service, the servers to compare, measuring in turns, tables, goals."""

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from _process import Message, Sample, Server
from _service import CERTIFICATE

OURS, BARE, PUBLISHED = "webvoice-mcp", "bare SDK server", "webvoice-mcp 0.2.1"
SDK_ALONE = "webvoice-mcp, SDK alone"

_HERE = Path(__file__).resolve().parent
_PASSED_ON = ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP")
_TIME_TOLERANCE = 3  # --check allows times to miss their goals by this factor: machines differ and may be busy


@dataclass(frozen=True, slots=True)
class Goal:
    """A measured value and its limit.

    Attributes:
        value: None if it cannot be measured on this system.
        limit: the maximum, or the minimum if `is_minimum`.
        is_strict: True if --check allows no tolerance. It is for memory; times may miss their goals by a factor.
    """

    name: str
    value: float | None
    limit: float
    unit: str = ""
    is_minimum: bool = False
    is_strict: bool = False

    @property
    def is_met(self) -> bool:
        """True if the value is within its limit."""
        return self._within(1)

    @property
    def is_tolerable(self) -> bool:
        """True if the value passes --check."""
        return self._within(1 if self.is_strict else _TIME_TOLERANCE)

    def __str__(self) -> str:
        bound = "at least" if self.is_minimum else "at most"
        state = "not measured here" if self.value is None else "met" if self.is_met else "MISSED"
        return f"  {self.name}: {format_number(self.value)} {self.unit} ({bound} {self.limit:g}): {state}"

    def _within(self, tolerance: float) -> bool:
        if self.value is None:
            return True
        return self.value >= self.limit / tolerance if self.is_minimum else self.value <= self.limit * tolerance


class Bench:
    """The environment of a run: a folder, the service in a process of its own, and the servers to compare.

    Attributes:
        is_short: True for fewer rounds and smaller files.
        folder: a temporary folder.
        curl: the path of curl, or None.
        http, https: the service's addresses, without a path.
    """

    def __init__(self, folder: Path, *, is_short: bool) -> None:
        self.is_short = is_short
        self.folder = folder
        self.curl = shutil.which("curl")
        self._published: str | None = None
        self._service = subprocess.Popen(
            [sys.executable, _HERE / "_service.py", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self.environment(),
        )
        assert self._service.stdout
        ports = json.loads(self._service.stdout.readline())
        self.http, self.https = (f"{name}://127.0.0.1:{ports[name]}" for name in ("http", "https"))

    def close(self) -> None:
        """End the service."""
        assert self._service.stdin
        self._service.stdin.close()
        self._service.wait()

    def environment(self, base_url: str = "", **variables: object) -> dict[str, str]:
        """Return the environment variables of a measured process; `variables` have no prefix WEBVOICE_."""
        own = {"HOME": self.folder, "USERPROFILE": self.folder, "PYTHONPYCACHEPREFIX": self.folder / "compiled"}
        variables = {"STATE_DIR": self.folder / "state", "OUTPUT_DIR": self.folder, "INLINE_WAIT": 0, **variables}
        variables.setdefault("WORKER", 0)  # one process is measured
        variables |= {"BASE_URL": base_url or "http://127.0.0.1:9/api/v1", "API_KEY": "wv_benchmark_0123456789"}
        named = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        if base_url.startswith("https:"):
            own["SSL_CERT_FILE"] = self.folder / CERTIFICATE
        named |= {name: str(value) for name, value in own.items()}
        return named | {f"WEBVOICE_{name}": str(value) for name, value in variables.items()}

    def rounds(self, short: int, full: int) -> int:
        """Return the first number in a short run, the second in a full run."""
        return short if self.is_short else full

    @property
    def servers(self) -> list[str]:
        """The names of the servers that can be compared."""
        return [OURS, BARE] if self.published is None else [OURS, BARE, PUBLISHED]

    @property
    def published(self) -> str | None:
        """The Python of an environment with the published version, created on first use, or None if that failed."""
        if self._published is None:
            self._published = "" if self.is_short else _install_published(self.folder / "published")
        return self._published or None

    @contextmanager
    def server(
        self, name: str, base_url: str = "", capabilities: Message | None = None, **variables: object
    ) -> Iterator[Server]:
        """Run one of the servers in a new process and initialize it, as a client with these capabilities."""
        environ = self.environment(base_url, **variables)
        server = Server(self.command(name, environ["WEBVOICE_BASE_URL"]), environ, self.folder)
        try:
            server.initialize(capabilities)
            yield server
        finally:
            server.close()

    def command(self, name: str, base_url: str = "") -> list[str]:
        """Return the command that starts a server."""
        if name == BARE:
            return [sys.executable, str(_HERE / "_bare_server.py"), base_url]
        if name == SDK_ALONE:
            return [sys.executable, "-c", "from webvoice_mcp.cli import serve; serve.run(has_front=False)"]
        return [self.published or "" if name == PUBLISHED else sys.executable, "-m", "webvoice_mcp"]

    def transfer(self, method: str, base_url: str, path: Path, **variables: object) -> Sample:
        """Run a method of `_transfers.py` in a new process."""
        command = [sys.executable, str(_HERE / "_transfers.py"), method, base_url, str(path)]
        done = subprocess.run(command, env=self.environment(base_url, **variables), stdout=subprocess.PIPE, check=True)
        sample: Sample = json.loads(done.stdout)
        return sample

    def run_curl(self, output: str | Path, *options: str | Path) -> Sample:
        """Run curl and return the time that it reports."""
        command = [str(self.curl), "-sSf", "-o", str(output), "-w", "%{time_total}", *map(str, options)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        return {"ms": float(done.stdout) * 1000}


@contextmanager
def open_bench(*, is_short: bool) -> Iterator[Bench]:
    """Open the environment of a run."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))).resolve()
        bench = Bench(folder, is_short=is_short)
        stack.callback(bench.close)
        yield bench


def warm(server: Server, name: str) -> None:
    """Make a first call, which connects and imports modules for later calls."""
    if name == OURS:  # a paid call also opens the history
        server.call("webvoice_translate", {"text": "Hello", "target_language": "it"})
    else:
        server.call("status" if name == BARE else "webvoice_status")


def measure_in_turns(methods: Mapping[str, Callable[[], Sample]], rounds: int) -> dict[str, dict[str, float | None]]:
    """Run all methods once in each round, in random order, and return the medians of each method's samples."""
    samples: dict[str, list[Sample]] = {name: [] for name in methods}
    for _ in range(rounds):
        for name in random.sample(list(methods), len(methods)):
            samples[name].append(methods[name]())
    return {name: {key: _median([run[key] for run in runs]) for key in runs[0]} for name, runs in samples.items()}


def ratio(value: float | None, base: float | None) -> float | None:
    """Return the ratio of two values, or None if one is missing."""
    return value / base if value is not None and base else None


def difference(value: float | None, base: float | None) -> float | None:
    """Return the difference of two values, or None if one is missing."""
    return value - base if value is not None and base is not None else None


def print_table(title: str, rows: Mapping[str, Mapping[str, float | None]]) -> None:
    """Print a table whose rows start with their names."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    width = max(map(len, [title, *rows])) + 1
    print(f"\n{title:{width}}" + "".join(f"{column:>{_width(column)}}" for column in columns))
    for name, row in rows.items():
        print(
            f"{name:{width}}" + "".join(f"{format_number(row.get(column)):>{_width(column)}}" for column in columns),
            flush=True,
        )


def format_number(value: float | None) -> str:
    """Return a number with three significant digits, a dash for None."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"


def _width(column: str) -> int:
    return max(len(column), 7) + 2


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _install_published(environment: Path) -> str:
    # Returns the Python of the environment, or "".
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv = [sys.executable, "-m", "uv"]
    try:
        subprocess.run([*uv, "venv", "-q", "--python", sys.executable, environment], check=True)
        subprocess.run([*uv, "pip", "install", "-q", "--python", python, "webvoice-mcp==0.2.1", "mcp<2"], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{PUBLISHED} is left out, because it cannot be installed ({error}).")
        return ""
    return str(python)
