"""The benchmarks stay within their goals: memory and stalls strictly, times by a wide factor."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.untraced

_BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
_RUN = _BENCHMARKS / "run.py"


_SHORTEST = ("load", "hostile")  # memory while saving has its own test, tests/wire/test_wire_memory.py


@pytest.mark.parametrize(
    "names", [pytest.param(_SHORTEST, marks=pytest.mark.wide), pytest.param((), marks=pytest.mark.soak, id="all")]
)
def test_the_short_form_of_the_benchmarks_stays_within_its_goals(
    names: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, str(_RUN), "--short", "--check", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    with capsys.disabled():
        print(f"\n{done.stdout}")
    assert done.returncode == 0, done.stderr


def test_a_benchmark_that_is_not_known_is_refused() -> None:
    done = subprocess.run([sys.executable, _RUN, "sell"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "choose from start, call, load, stream, save, send, splitter, works, hostile" in done.stderr


@pytest.mark.wide
def test_a_trace_lists_the_files_that_a_call_runs_through() -> None:
    arguments = '{"text": "Hi", "target_language": "it"}'
    command = [sys.executable, str(_BENCHMARKS / "trace.py"), "webvoice_translate", arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    tool, _, files, calls, switches, _, _, *rows = done.stdout.splitlines()
    assert tool == "webvoice_translate"
    assert int(files.removeprefix("files")) == len(rows) > 5
    assert int(calls.removeprefix("function calls")) == sum(int(row.split()[0]) for row in rows)
    assert int(switches.removeprefix("package switches")) > 5
    assert any(row.endswith("  server.py") for row in rows[:5])  # behind the extensions, in the order of the call
