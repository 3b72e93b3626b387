"""Creates environments inside the project's folder from a lock file, with uv if it is installed, else venv and pip."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_BIN, _EXE = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")

if sys.version_info < (3, 11):
    sys.exit(f"This is Python {sys.version.split()[0]}. Use Python 3.11 or newer.")


def prepare(name: str, lock: str, *project: str) -> Path:
    """Create or update an environment from a lock file, and return the path of its Python.

    Args:
        name: the name of the environment's folder.
        lock: the name of the lock file in `requirements/`.
        project: the arguments of pip that install the project itself: `.`, or `-e .`
    """
    python = command(ROOT / name, "python")
    if uv := _find_working_uv():
        make = [uv, "venv", "-q", "--allow-existing", "--python", sys.executable]
        install = [uv, "pip", "install", "-q", "--python", str(python)]
    elif importlib.util.find_spec("pip"):
        make = [sys.executable, "-m", "venv", "--without-pip"]
        install = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "--python", str(python), "install"]
    else:
        install_pip = "python3 -m ensurepip, or the system's package python3-pip"
        sys.exit(f"{sys.executable} has no pip. Install pip ({install_pip}), or install uv.")
    if not python.exists():
        _run_or_exit(*make, str(ROOT / name))
    lock_file, installed = ROOT / "requirements" / lock, ROOT / name / "installed.txt"
    texts = [path.read_text(encoding="utf-8") for path in (lock_file, ROOT / "pyproject.toml")]
    wanted = "\n".join([sys.version, *project, *texts])
    is_current = installed.exists() and installed.read_text(encoding="utf-8") == wanted
    if not is_current:  # checking takes pip half a minute
        # Only wheels are accepted, because installing a wheel does not run its code.
        _run_or_exit(*install, "--only-binary", ":all:", "--require-hashes", "-r", str(lock_file))
    if not is_current or "-e" not in project:
        _run_or_exit(*install, "--no-deps", *project)
    installed.write_text(wanted, encoding="utf-8")
    return python


def command(environment: Path, name: str) -> Path:
    """Return the path of a command in an environment."""
    return environment / _BIN / f"{name}{_EXE}"


def run(*words: str | Path) -> int:
    """Run a command in the project's folder and return its exit code."""
    return subprocess.run([str(word) for word in words], cwd=ROOT, check=False).returncode


def _find_working_uv() -> str | None:
    # Version managers put a `uv` on the PATH that may not work with the Python in use.
    uv = shutil.which("uv")
    works = uv is not None and subprocess.run([uv, "--version"], capture_output=True, check=False).returncode == 0
    return uv if works else None


def _run_or_exit(*words: str) -> None:
    done = subprocess.run(words, cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(f"failed with code {done.returncode}: {' '.join(words)}")
