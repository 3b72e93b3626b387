"""Environments that contain another party's client, created on first use."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_INSTALL_TIMEOUT_SECONDS = 120


class Environments:
    """Folders inside a given folder, one for each package.

    A package whose name begins with @ is from npm. Any other one is a Python package.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._installed: dict[str, tuple[Path, str]] = {}

    def folder(self, package: str) -> Path:
        """Return the folder where a package is installed; skip the test if it cannot be installed."""
        if package not in self._installed:
            folder = self._folder / str(len(self._installed))
            install = _install_from_npm if package[0] == "@" else _install_for_python
            self._installed[package] = folder, install(package, folder)
        folder, error = self._installed[package]
        if error:
            pytest.skip(error)
        return folder

    def python(self, package: str) -> str:
        """Return the interpreter of the environment with a Python package."""
        return str(self.folder(package) / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def _install_from_npm(package: str, folder: Path) -> str:
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    options = ["--prefix", str(folder), "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    options += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]  # to fail soon without a network
    folder.mkdir()
    return _run_installer(package, npm, "install", *options, package)


def _install_for_python(package: str, folder: Path) -> str:
    uv = (sys.executable, "-m", "uv")
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    return _run_installer(package, *uv, "pip", "install", "-q", "--python", str(folder), package)


def _run_installer(package: str, *command: str) -> str:
    """Run an installer; return "", or the reason why it failed."""
    environ = os.environ | {"UV_SYSTEM_CERTS": "1"}
    try:
        subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_SECONDS, check=True
        )
    except subprocess.CalledProcessError as error:
        return f"{package} cannot be installed: {error.stderr[:200]}"
    except subprocess.TimeoutExpired:
        return f"{package} cannot be installed within {_INSTALL_TIMEOUT_SECONDS} seconds"
    return ""
