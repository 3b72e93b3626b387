"""What a client should run to start this server: the command that is installed, if it will still be there."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from webvoice_mcp.cli._machine import Machine
from webvoice_mcp.cli.clients import PACKAGE, UVX, Launch

# Environments that come and go: uvx and `uv run --with` make theirs within uv's cache, `pipx run` within its own.
_PASSING = re.compile(r"\.?caches?|(archive|builds|environments)-v\d+", re.IGNORECASE)
LASTING = "install it where it lasts (uv tool install webvoice-mcp, or pipx install webvoice-mcp), or install uv"
_LAUNCHERS = {PACKAGE, f"{PACKAGE}.exe"}


def launch(machine: Machine, *, full_path: bool = False) -> Launch:
    """The installed command where the installation lasts, else `uvx webvoice-mcp`.

    Args:
        full_path: `uvx`, too, with its path, where it can be found.
    """
    for path in _installed(machine):
        if lasts(path, machine):
            return Launch(str(path))
    uvx = _uvx(machine) if full_path else None
    return Launch(uvx, UVX.args) if uvx else UVX


def trouble(launch: Launch, machine: Machine) -> str:
    """Why a client will not be able to run this, "" where it will."""
    if os.path.isabs(launch.command) or _uvx(machine):  # noqa: PTH117 - a text
        return ""
    return f"{launch.command} is not on this computer, so the client cannot start it yet: {LASTING}."


def lasts(path: Path, machine: Machine) -> bool:
    """Whether a command will be there tomorrow, in no cache and no temporary folder, and its path can be written."""
    passing = [os.path.realpath(tempfile.gettempdir())]
    if cache := machine.environ.get("UV_CACHE_DIR"):
        passing.append(os.path.realpath(cache))
    real = Path(os.path.realpath(path))
    return (
        str(path).isprintable()
        and not any(real.is_relative_to(folder) for folder in passing)
        and not any(_PASSING.fullmatch(part) for part in (*path.parts, *real.parts))
    )


def _installed(machine: Machine) -> Iterator[Path]:
    """Paths of the command that this installation came with, that on the PATH first: it outlives a reinstallation."""
    found = shutil.which(PACKAGE, path=machine.environ.get("PATH", ""))
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    recorded = [Path(os.path.abspath(each.locate())) for each in files if each.name in _LAUNCHERS]  # noqa: PTH100 - links stay
    for path in recorded:
        if found and path.exists() and os.path.samefile(found, path):  # noqa: PTH121 - either may be a link
            yield Path(os.path.abspath(found))  # noqa: PTH100 - links stay
        if path.exists():
            yield path


def _uvx(machine: Machine) -> str | None:
    """The full path of uvx: on the PATH, or beside the uv that started us."""
    folders = (machine.environ.get("PATH"), os.path.dirname(machine.environ.get("UV", "")))  # noqa: PTH120 - "" stays ""
    found = shutil.which("uvx", path=os.pathsep.join(filter(None, folders)))
    return found and os.path.abspath(found)  # noqa: PTH100 - links stay
