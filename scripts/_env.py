"""Makes an environment beside the project with what a lock file pins: by uv where it is there, else by venv and pip."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_BIN = "Scripts" if os.name == "nt" else "bin"


def ready(name: str, lock: str, *project: str) -> Path:
    """The Python of the environment `name`, made or brought up to date from `requirements/<lock>`."""
    python = ROOT / name / _BIN / ("python.exe" if os.name == "nt" else "python")
    pins = str(ROOT / "requirements" / lock)
    uv = shutil.which("uv")
    if not python.exists():
        make = [uv, "venv", "-q", "--python", sys.executable] if uv else [sys.executable, "-m", "venv", "--without-pip"]
        _run(*make, str(ROOT / name))
    pip = [uv, "pip", "install", "-q", "--python"] if uv else [sys.executable, "-m", "pip", "-q", "--python"]
    install = [*pip, str(python)] if uv else [*pip, str(python), "install"]
    _run(*install, "--require-hashes", "-r", pins)
    _run(*install, "--no-deps", *project)
    return python


def run(*command: str | Path) -> int:
    """Run a command in the project's folder; its exit code."""
    return subprocess.run([str(word) for word in command], cwd=ROOT, check=False).returncode


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True)
