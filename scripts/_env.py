"""Makes an environment beside the project with what a lock file pins: by uv where it is there, else by venv and pip."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_BIN, _EXE = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")

if sys.version_info < (3, 11):
    sys.exit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")


def ready(name: str, lock: str, *project: str) -> Path:
    """The Python of the environment `name`, made or brought up to date from `requirements/<lock>`."""
    python = command(ROOT / name, "python")
    if uv := _working_uv():
        make = [uv, "venv", "-q", "--allow-existing", "--python", sys.executable]
        install = [uv, "pip", "install", "-q", "--python", str(python)]
    elif importlib.util.find_spec("pip"):
        make = [sys.executable, "-m", "venv", "--without-pip"]
        install = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "--python", str(python), "install"]
    else:
        sys.exit(f"{sys.executable} has no pip. Install it (python3 -m ensurepip, or the system's python3-pip), or uv.")
    if not python.exists():
        _run(*make, str(ROOT / name))
    # Wheels alone: nothing of what is installed runs code while it is.
    _run(*install, "--only-binary", ":all:", "--require-hashes", "-r", str(ROOT / "requirements" / lock))
    _run(*install, "--no-deps", *project)
    return python


def command(environment: Path, name: str) -> Path:
    """Where an environment has a command."""
    return environment / _BIN / f"{name}{_EXE}"


def run(*words: str | Path) -> int:
    """Run a command in the project's folder; its exit code."""
    return subprocess.run([str(word) for word in words], cwd=ROOT, check=False).returncode


def _working_uv() -> str | None:
    # A version manager leaves a `uv` on the PATH that works only with some of its Pythons.
    uv = shutil.which("uv")
    works = uv is not None and subprocess.run([uv, "--version"], capture_output=True, check=False).returncode == 0
    return uv if works else None


def _run(*words: str) -> None:
    done = subprocess.run(words, cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(f"failed, with code {done.returncode}: {' '.join(words)}")
