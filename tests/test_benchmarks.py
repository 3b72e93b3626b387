"""What the benchmarks measure stays within its goals: memory and stalls as they are, times by a wide factor."""

import subprocess
import sys
from pathlib import Path

import pytest

_RUN = Path(__file__).resolve().parent.parent / "benchmarks" / "run.py"


@pytest.mark.wide
def test_the_short_form_of_the_benchmarks_stays_within_its_goals(capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run([sys.executable, _RUN, "--short", "--check"], capture_output=True, text=True, check=False)
    with capsys.disabled():
        print(f"\n{done.stdout}")
    assert done.returncode == 0, done.stderr


def test_a_benchmark_that_is_not_known_is_refused() -> None:
    done = subprocess.run([sys.executable, _RUN, "sell"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there are start, call, load, stream, save, send, splitter" in done.stderr
