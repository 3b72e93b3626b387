"""No test may leave a key where none belongs: looked for after each, in what it printed and in the files it left."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import CANARY

_LARGEST = 1 << 20  # bytes of a file that is looked through; what is larger is media
_STORE = "credentials.json"  # and what is put aside of it


def leaks(item: pytest.Item, report: pytest.TestReport) -> list[str]:
    """Where the key of the tests shows up: a captured stream or log, or a file that is not the key store."""
    found = [title for title, text in report.sections if CANARY in text]
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    return found + [str(path) for path in _holding(folder)] if isinstance(folder, Path) else found


def _holding(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root) / name
            if not name.startswith(_STORE) and not path.is_symlink() and path.is_file() and _holds(path):
                yield path


def _holds(path: Path) -> bool:
    try:
        return path.stat().st_size <= _LARGEST and CANARY.encode() in path.read_bytes()
    except OSError:
        return False  # closed to us, or gone
