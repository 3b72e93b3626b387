"""Build the package and use it as a user does: python3 scripts/check_wheel.py [folder of the built files]

Files that are already in the folder are checked as they are; a missing folder is made and filled.

This checks that wheel and sdist contain exactly the files that git tracks, and that the server starts, lists its tools
and answers calls when it is installed outside of the project, with the newest versions of its dependencies and with the
oldest that it declares.
"""

import email
import email.message
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Set as AbstractSet
from pathlib import Path

import _driver
import _env

PROJECT = tomllib.loads((_env.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSION = PROJECT["version"]
MARKER = "\n<!-- mcp-name: io.github.easytaskflow/webvoice-mcp -->\n"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
ENGINES = {"av", "faster-whisper", "hibari-tts", "numpy", "onnxruntime", "pillow", "resvg-py"}

_NOT_IN_SDIST = {".gitignore"}
_MADE_FOR_SDIST = {"PKG-INFO", "pyproject.toml.orig"}  # the second is made only by newer versions of uv_build
_METADATA = {f"webvoice_mcp-{VERSION}.dist-info/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt")}
_LICENCE = f"webvoice_mcp-{VERSION}.dist-info/licenses/LICENSE"


def main() -> int:
    """Run all checks. If one fails, exit with a message."""
    _env.prepare(".venv", "dev.txt", "-e", ".")
    uv = _env.command(_env.ROOT / ".venv", "uv")
    with tempfile.TemporaryDirectory(prefix="webvoice-wheel-") as name:
        folder = Path(name)
        built = Path(sys.argv[1]) if len(sys.argv) > 1 else folder / "dist"
        if not built.exists():
            _run(uv, "build", "-q", "--out-dir", built, _env.ROOT)
        wheel, sdist = (
            _one(built, f"webvoice_mcp-{VERSION}-py3-none-any.whl"),
            _one(built, f"webvoice_mcp-{VERSION}.tar.gz"),
        )
        check_contents(wheel, sdist)
        for version in PYTHONS:
            python = find(version)
            if python is None:
                print(f"Python {version}: skipped, because it is not on this machine")
                continue
            use(uv, python, wheel, folder / version, f"Python {version}, newest versions")
        # The dependencies are named here as well, because uv uses the lowest versions only of packages that are named.
        lowest = ("--resolution", "lowest-direct", *PROJECT["dependencies"])
        installed = use(uv, Path(sys.executable), wheel, folder / "lowest", "oldest declared versions", *lowest)
        _check_lowest(installed)
    return 0


def check_contents(wheel: Path, sdist: Path) -> None:
    """Check the lists of files and the metadata."""
    tracked = set(_run("git", "ls-files", cwd=_env.ROOT).splitlines())
    with zipfile.ZipFile(wheel) as archive:
        package = {name for name in tracked if name.startswith("webvoice_mcp/")}
        _same(
            "wheel", {name for name in archive.namelist() if not name.endswith("/")}, package | _METADATA | {_LICENCE}
        )
        _check_metadata(email.message_from_bytes(archive.read(f"webvoice_mcp-{VERSION}.dist-info/METADATA")))
        unpacked = sum(member.file_size for member in archive.infolist())
    with tarfile.open(sdist) as tar:
        names = {member.name.partition("/")[2] for member in tar.getmembers() if member.isfile()}
        _same("sdist", names - _MADE_FOR_SDIST, tracked - _NOT_IN_SDIST)
    print(f"wheel: {wheel.stat().st_size} bytes, unpacked {unpacked}")
    print(f"sdist: {sdist.stat().st_size} bytes, {len(names)} files")


def _check_metadata(metadata: email.message.Message) -> None:
    wanted = {
        "Name": "webvoice-mcp",
        "Version": VERSION,
        "License-Expression": "MIT",
        "License-File": "LICENSE",
        "Requires-Python": PROJECT["requires-python"],
    }
    _same("metadata", {(name, metadata[name]) for name in wanted}, set(wanted.items()))
    needed = {text for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text}
    _same("dependencies", {text.replace(" ", "") for text in needed}, set(PROJECT["dependencies"]))
    if MARKER not in str(metadata.get_payload()):
        sys.exit(f"The description in the metadata does not contain {MARKER.strip()!r}.")


def use(uv: Path, python: Path, wheel: Path, folder: Path, what: str, *options: str) -> dict[str, str]:
    """Install the wheel in a new environment, use the server from another folder, and return the installed versions."""
    started = time.perf_counter()
    environment, elsewhere = folder / "venv", folder / "elsewhere"
    elsewhere.mkdir(parents=True)
    _run(uv, "venv", "-q", "--python", python, environment)
    interpreter = _env.command(environment, "python")
    _run(uv, "pip", "install", "-q", "--python", interpreter, *options, wheel)
    frozen = _run(uv, "pip", "freeze", "--python", interpreter)
    versions = {name: version for name, _, version in (line.partition("==") for line in frozen.splitlines())}
    if engines := ENGINES & set(versions):
        sys.exit(f"{what}: the installation contains engines of the sandbox: {', '.join(sorted(engines))}")
    printed = _run(interpreter, "-m", "webvoice_mcp", "--version", cwd=elsewhere)
    _same("--version", {printed}, {f"webvoice-mcp {VERSION}\n"})
    tools = {path.stem for path in (_env.ROOT / "tests/snapshots").glob("webvoice_*.json")}
    problem = _driver.find_problem(_env.command(environment, "webvoice-mcp"), elsewhere, VERSION, tools)
    if problem:
        sys.exit(f"{what}: {problem}\n{frozen}")
    size = sum(path.lstat().st_size for path in environment.rglob("*"))
    direct = " ".join(f"{name} {versions[name]}" for name in _bounds())
    print(
        f"{what}: works ({len(versions)} packages, {size >> 20} MiB, {time.perf_counter() - started:.1f} s): {direct}"
    )
    return versions


def _check_lowest(installed: dict[str, str]) -> None:
    """Exit if a declared lower bound was not installed, because then it was not tested either."""
    for name, bound in _bounds().items():
        if not f"{installed[name]}.".startswith(f"{bound}."):
            oldest = installed[name]
            sys.exit(f"{name}>={bound} is declared, but the oldest version that installs is {oldest}. Raise the bound.")


def _bounds() -> dict[str, str]:
    """Return the lowest declared version of each dependency. The declarations have the form name>=lowest,<next."""
    parts = (dependency.partition(">=") for dependency in PROJECT["dependencies"])
    return {name: versions.partition(",")[0] for name, _, versions in parts}


def find(version: str) -> Path | None:
    """Return a Python of this version: the running one, one on the PATH, or one that pyenv installed."""
    pyenv = sorted((Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python"), reverse=True)
    for candidate in (sys.executable, shutil.which(f"python{version}"), *pyenv):
        if candidate and _version_of(Path(candidate)) == version:
            return Path(candidate)
    return None


def _version_of(python: Path) -> str:
    ask = "import sys; print(*sys.version_info[:2], sep='.')"
    # A version manager can put commands on the PATH that do not work.
    return subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False).stdout.strip()


def _one(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        sys.exit(f"{name} was not built. Built files: {', '.join(path.name for path in folder.iterdir())}")
    return folder / name


def _same(what: str, found: AbstractSet[object], wanted: AbstractSet[object]) -> None:
    if found != wanted:
        sys.exit(f"{what}: missing {sorted(map(str, wanted - found))}, unexpected {sorted(map(str, found - wanted))}")


def _run(*words: str | Path, cwd: Path | None = None) -> str:
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("WEBVOICE_", "PYTHON", "VIRTUAL_ENV"))
    }
    done = subprocess.run(words, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"failed with code {done.returncode}: {' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
