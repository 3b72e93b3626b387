"""Finds the tests' API key where it must not be: in the output of a test and in the files that it left."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import CANARY

_MAX_BYTES = 1 << 20  # larger files are media and are not searched
_KEY_FILE = "credentials.json"  # names of damaged key files that were set aside begin with this as well


def find_leaks(item: pytest.Item, report: pytest.TestReport) -> list[str]:
    """Return the names of captured streams and the paths of files that contain the tests' key."""
    leaks = [title for title, text in report.sections if CANARY in text]
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    return leaks + [str(path) for path in _leaking_files(folder)] if isinstance(folder, Path) else leaks


def _leaking_files(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root) / name
            if not name.startswith(_KEY_FILE) and not path.is_symlink() and path.is_file() and _has_key(path):
                yield path


def _has_key(path: Path) -> bool:
    try:
        return path.stat().st_size <= _MAX_BYTES and CANARY.encode() in path.read_bytes()
    except OSError:
        return False  # unreadable, or gone
