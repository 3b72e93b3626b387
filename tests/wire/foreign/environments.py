"""Environments that contain another party's client, created on first use."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import distributions
from pathlib import Path

import pytest

_NPM = "npm:"
_PARALLEL_INSTALLERS = 3  # they mostly wait for the network
_INSTALL_TIMEOUT_SECONDS = 120


class Environments:
    """Folders inside a given folder, one for each package with the packages that it is used with.

    A package whose name begins with npm: is from npm. Any other one is a Python package.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._installed: dict[tuple[str, ...], Future[tuple[Path, str]]] = {}
        self._installers = ThreadPoolExecutor(_PARALLEL_INSTALLERS)

    def install(self, *packages: str) -> Future[tuple[Path, str]]:
        """Begin to install packages, unless that was done; return their folder and the reason of a failure, or ""."""
        if packages not in self._installed:
            folder = self._folder / str(len(self._installed))
            install = _install_from_npm if packages[0].startswith(_NPM) else _install_for_python
            self._installed[packages] = self._installers.submit(lambda: (folder, install(packages, folder)))
        return self._installed[packages]

    def folder(self, *packages: str) -> Path:
        """Return the folder where packages are installed; skip the test if they cannot be installed."""
        folder, error = self.install(*packages).result()
        if error:
            pytest.skip(error)
        return folder

    def python(self, *packages: str) -> str:
        """Return the interpreter of the environment with Python packages."""
        return str(self.command("python", *packages))

    def command(self, name: str, *packages: str) -> Path:
        """Return the path of a command that packages contain."""
        folder = self.folder(*packages)
        if packages[0].startswith(_NPM):
            return folder / "node_modules" / ".bin" / (f"{name}.cmd" if os.name == "nt" else name)
        return folder / (f"Scripts/{name}.exe" if os.name == "nt" else f"bin/{name}")

    def version(self, *packages: str) -> str:
        """Return the installed version of the first package."""
        folder, package = self.folder(*packages), packages[0].removeprefix(_NPM)
        name = re.split(r"(?<!^)@|[\[=<>]", package)[0]
        if packages[0].startswith(_NPM):
            manifest = folder / "node_modules" / name / "package.json"
            version: str = json.loads(manifest.read_text(encoding="utf-8"))["version"]
            return version
        site_packages = sysconfig.get_path("purelib", "venv", {"base": str(folder)})
        (distribution,) = distributions(name=name, path=[site_packages])
        return distribution.version


def _install_from_npm(packages: tuple[str, ...], folder: Path) -> str:
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    options = ["--prefix", str(folder), "--no-save", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"]
    # No package's own code runs, and optional packages, which are compiled programs for one system, are left out.
    options += ["--ignore-scripts", "--omit=optional"]
    options += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]  # to fail soon without a network
    folder.mkdir()
    return _run_installer(packages, npm, "install", *options, *(package.removeprefix(_NPM) for package in packages))


def _install_for_python(packages: tuple[str, ...], folder: Path) -> str:
    uv = (sys.executable, "-m", "uv")
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    return _run_installer(packages, *uv, "pip", "install", "-q", "--python", str(folder), *packages)


def _run_installer(packages: tuple[str, ...], *command: str) -> str:
    """Run an installer; return "", or the reason why it failed."""
    environ = os.environ | {"UV_SYSTEM_CERTS": "1"}
    names = " and ".join(packages)
    try:
        subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_SECONDS, check=True
        )
    except subprocess.CalledProcessError as error:
        return f"{names} cannot be installed: {error.stderr[:200]}"
    except subprocess.TimeoutExpired:
        return f"{names} cannot be installed within {_INSTALL_TIMEOUT_SECONDS} seconds"
    return ""
