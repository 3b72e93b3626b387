"""Helpers for tests of storage and keystore."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def mode(path: Path) -> int:
    """Return the permission bits of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def umask(value: int) -> Iterator[None]:
    """Set the process's umask for the block."""
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def other_process(program: str, *arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python program until the end of the block, which begins after the program has printed a line."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()
