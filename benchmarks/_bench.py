"""What the benchmarks share: where they take place, ways measured in turns, tables, goals."""

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

from _peer import CERTIFICATE
from _process import Sample, Server

OURS, BARE, PUBLISHED = "webvoice-mcp", "bare SDK server", "webvoice-mcp 0.2.1"

_HERE = Path(__file__).resolve().parent
_PASSED_ON = ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP")
_LEEWAY = 3  # by which --check lets times miss their goals: machines differ, and others are at work on them


@dataclass(frozen=True, slots=True)
class Goal:
    """What was measured beside what it should be.

    Attributes:
        value: None where it cannot be measured here.
        limit: the most that it should be.
        least: the limit is the least instead.
        firm: whether --check holds it as it stands; a time may miss its goal by a factor.
    """

    what: str
    value: float | None
    limit: float
    unit: str = ""
    least: bool = False
    firm: bool = False

    @property
    def met(self) -> bool:
        """Whether it is as it should be."""
        return self._within(1)

    @property
    def tolerable(self) -> bool:
        """Whether it passes --check."""
        return self._within(1 if self.firm else _LEEWAY)

    def __str__(self) -> str:
        bound = "at least" if self.least else "at most"
        told = "not measured here" if self.value is None else "met" if self.met else "MISSED"
        return f"  {self.what}: {shown(self.value)} {self.unit} ({bound} {self.limit:g}): {told}"

    def _within(self, leeway: float) -> bool:
        if self.value is None:
            return True
        return self.value >= self.limit / leeway if self.least else self.value <= self.limit * leeway


class Bench:
    """Where it takes place: a folder, a service in a process of its own, the servers to compare.

    Attributes:
        short: whether little time is to be spent.
        folder: for files; gone at the end.
        curl: the command, None where there is none.
        http, https: where the service is, without a path.
    """

    def __init__(self, folder: Path, *, short: bool) -> None:
        self.short = short
        self.folder = folder
        self.curl = shutil.which("curl")
        self._published: str | None = None
        self._peer = subprocess.Popen(
            [sys.executable, _HERE / "_peer.py", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self.environment(),
        )
        assert self._peer.stdout
        ports = json.loads(self._peer.stdout.readline())
        self.http, self.https = (f"{name}://127.0.0.1:{ports[name]}" for name in ("http", "https"))

    def close(self) -> None:
        """End the service."""
        assert self._peer.stdin
        self._peer.stdin.close()
        self._peer.wait()

    def environment(self, base_url: str = "", **variables: object) -> dict[str, str]:
        """For a process of any of the ways, so that all have the same; variables without their WEBVOICE_."""
        own = {"HOME": self.folder, "USERPROFILE": self.folder, "PYTHONPYCACHEPREFIX": self.folder / "compiled"}
        variables = {"STATE_DIR": self.folder / "state", "OUTPUT_DIR": self.folder, "INLINE_WAIT": 0, **variables}
        variables |= {"BASE_URL": base_url or "http://127.0.0.1:9/api/v1", "API_KEY": "wv_benchmark_0123456789"}
        named = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        if base_url.startswith("https:"):
            own["SSL_CERT_FILE"] = self.folder / CERTIFICATE
        named |= {name: str(value) for name, value in own.items()}
        return named | {f"WEBVOICE_{name}": str(value) for name, value in variables.items()}

    def rounds(self, short: int, full: int) -> int:
        """How often to go round."""
        return short if self.short else full

    @property
    def servers(self) -> list[str]:
        """Those that can be compared."""
        return [OURS, BARE] if self.published is None else [OURS, BARE, PUBLISHED]

    @property
    def published(self) -> str | None:
        """The Python of an environment with the published version, which is made when first asked for."""
        if self._published is None:
            self._published = "" if self.short else _fetched(self.folder / "published")
        return self._published or None

    @contextmanager
    def server(self, name: str, base_url: str = "", **variables: object) -> Iterator[Server]:
        """One of the servers, in a fresh process and greeted."""
        environ = self.environment(base_url, **variables)
        server = Server(self.command(name, environ["WEBVOICE_BASE_URL"]), environ, self.folder)
        try:
            server.start()
            yield server
        finally:
            server.close()

    def command(self, name: str, base_url: str = "") -> list[str]:
        """How a server is started."""
        if name == BARE:
            return [sys.executable, str(_HERE / "_bare.py"), base_url]
        return [self.published or "" if name == PUBLISHED else sys.executable, "-m", "webvoice_mcp"]

    def way(self, name: str, base_url: str, path: Path, **variables: object) -> Sample:
        """One of `_ways.py`, in a fresh process."""
        command = [sys.executable, str(_HERE / "_ways.py"), name, base_url, str(path)]
        done = subprocess.run(command, env=self.environment(base_url, **variables), stdout=subprocess.PIPE, check=True)
        sample: Sample = json.loads(done.stdout)
        return sample

    def curled(self, output: str | Path, *words: str | Path) -> Sample:
        """What curl says that a transfer took."""
        command = [str(self.curl), "-sSf", "-o", str(output), "-w", "%{time_total}", *map(str, words)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        return {"ms": float(done.stdout) * 1000}


@contextmanager
def opened(*, short: bool) -> Iterator[Bench]:
    """A place for benchmarks."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))).resolve()
        bench = Bench(folder, short=short)
        stack.callback(bench.close)
        yield bench


def warm(server: Server, name: str) -> None:
    """Have it connect, and load what the first call needs."""
    if name == OURS:  # a paid call, which opens the history
        server.call("webvoice_translate", {"text": "Hello", "target_language": "it"})
    else:
        server.call("status" if name == BARE else "webvoice_status")


def in_turns(ways: Mapping[str, Callable[[], Sample]], rounds: int) -> dict[str, dict[str, float | None]]:
    """Medians of what each way gives, all of them gone in each round, in another order each time."""
    taken: dict[str, list[Sample]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name in random.sample(list(ways), len(ways)):
            taken[name].append(ways[name]())
    return {name: {each: _median([run[each] for run in runs]) for each in runs[0]} for name, runs in taken.items()}


def ratio(value: float | None, base: float | None) -> float | None:
    """One by the other, where there are both."""
    return value / base if value is not None and base else None


def above(value: float | None, base: float | None) -> float | None:
    """The difference, where there are both."""
    return value - base if value is not None and base is not None else None


def table(title: str, rows: Mapping[str, Mapping[str, float | None]]) -> None:
    """Print a table: a name and a row each."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    width = max(map(len, [title, *rows])) + 1
    print(f"\n{title:{width}}" + "".join(f"{each:>{_width(each)}}" for each in columns))
    for name, row in rows.items():
        print(f"{name:{width}}" + "".join(f"{shown(row.get(each)):>{_width(each)}}" for each in columns), flush=True)


def shown(value: float | None) -> str:
    """A number with three digits that mean something."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"


def _width(column: str) -> int:
    return max(len(column), 7) + 2


def _median(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return statistics.median(known) if known else None


def _fetched(environment: Path) -> str:
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv = [sys.executable, "-m", "uv"]
    try:
        subprocess.run([*uv, "venv", "-q", "--python", sys.executable, environment], check=True)
        subprocess.run([*uv, "pip", "install", "-q", "--python", python, "webvoice-mcp==0.2.1", "mcp<2"], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{PUBLISHED} is left out: it cannot be fetched ({error}).")
        return ""
    return str(python)
