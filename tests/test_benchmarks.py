"""The benchmarks stay within their goals: exactly for memory and stalls, by a wide margin for times."""

import subprocess
import sys
from pathlib import Path

import pytest

_RUN = Path(__file__).resolve().parent.parent / "benchmarks" / "run.py"


@pytest.mark.wide
def test_the_short_benchmarks_stay_within_their_goals(capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run([sys.executable, _RUN, "--short", "--check"], capture_output=True, text=True, check=False)
    with capsys.disabled():
        print(f"\n{done.stdout}")
    assert done.returncode == 0, done.stderr


def test_an_unknown_benchmark_is_refused_with_the_known_names() -> None:
    done = subprocess.run([sys.executable, _RUN, "sell"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there are start, call, load, stream, save, send, splitter" in done.stderr
