"""Chooses the command that a client should run: the installed one if it is permanent, else uvx with the package."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from webvoice_mcp.cli.clients.mcp_clients import MEDIA_PACKAGE, PACKAGE, UVX, UVX_WITH_MEDIA, ServerCommand, Variables
from webvoice_mcp.cli.clients.platforms import Platform
from webvoice_mcp.studio import extra

INSTALL_ADVICE = (
    "install the server permanently (uv tool install webvoice-mcp, or pipx install webvoice-mcp), or install uv"
)

# Temporary environments: uvx and `uv run --with` create them inside uv's cache, `pipx run` inside pipx's cache.
_TEMPORARY_FOLDER = re.compile(r"\.?caches?|(archive|builds|environments)-v\d+", re.IGNORECASE)
_LAUNCHERS = {PACKAGE, f"{PACKAGE}.exe"}


def choose_server_command(
    platform: Platform, *, full_path: bool = False, media: bool = False, env: Variables = ()
) -> ServerCommand:
    """Return the installed command if the installation is permanent, else `uvx webvoice-mcp`.

    Args:
        full_path: return uvx with its full path if it can be found.
        media: let uvx install the extra `media` as well.
        env: variables that the client sets for the server.
    """
    for path in _find_installed(platform):
        if is_permanent(path, platform):
            return ServerCommand(str(path), env=env)
    chosen = UVX_WITH_MEDIA if media else UVX
    uvx = _find_uvx(platform) if full_path else None
    return replace(chosen, command=uvx or chosen.command, env=env)


def describe_media(server: ServerCommand) -> str:
    """Return the sentence for the user about the extra `media` of the command that was chosen."""
    if MEDIA_PACKAGE in server.args:
        return "The extra media is downloaded when the client starts the server for the first time."
    if missing := extra.missing_packages():
        return f"The extra media is not installed ({', '.join(missing)} missing). Run: {extra.install_command()}"
    return "The extra media is installed."


def describe_missing_command(server: ServerCommand, platform: Platform) -> str:
    """Return the reason why a client cannot run this command, "" if it can."""
    if os.path.isabs(server.command) or _find_uvx(platform):  # noqa: PTH117 - a string
        return ""
    return f"{server.command} is not on this computer, so the client cannot start the server yet: {INSTALL_ADVICE}."


def is_permanent(path: Path, platform: Platform) -> bool:
    """True if a command is in no cache and no temporary folder, and its path is printable."""
    temporary = [os.path.realpath(tempfile.gettempdir())]
    if cache := platform.environ.get("UV_CACHE_DIR"):
        temporary.append(os.path.realpath(cache))
    real = Path(os.path.realpath(path))
    return (
        str(path).isprintable()
        and not any(real.is_relative_to(folder) for folder in temporary)
        and not any(_TEMPORARY_FOLDER.fullmatch(part) for part in (*path.parts, *real.parts))
    )


def _find_installed(platform: Platform) -> Iterator[Path]:
    """Yield the paths of this installation's command; first the one on the PATH, which survives a reinstallation."""
    on_path = shutil.which(PACKAGE, path=platform.environ.get("PATH", ""))
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    recorded = [Path(os.path.abspath(file.locate())) for file in files if file.name in _LAUNCHERS]  # noqa: PTH100 - keeps links
    for path in recorded:
        if on_path and path.exists() and os.path.samefile(on_path, path):  # noqa: PTH121 - either can be a link
            yield Path(os.path.abspath(on_path))  # noqa: PTH100 - keeps links
        if path.exists():
            yield path


def _find_uvx(platform: Platform) -> str | None:
    """Return the full path of uvx, from the PATH or beside the uv that started this process."""
    folders = (platform.environ.get("PATH"), os.path.dirname(platform.environ.get("UV", "")))  # noqa: PTH120 - "" stays ""
    found = shutil.which("uvx", path=os.pathsep.join(filter(None, folders)))
    return found and os.path.abspath(found)  # noqa: PTH100 - keeps links
