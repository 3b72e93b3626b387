"""The extra `media`: the packages that it consists of, and the command that adds it to this installation."""

import os
import sys
from importlib import metadata, util
from pathlib import Path

PACKAGES = ("av", "pillow-heif", "pillow")
"""The extra's distributions. `pyproject.toml` states their versions."""

_ON_WINDOWS = os.name == "nt"
_SPEC = "webvoice-mcp[media]"
_UVX_FOLDERS = ("archive-v", "environments-v", "builds-v")  # of uv's cache, in which uvx makes its environments


def missing_packages() -> list[str]:
    """Return the extra's distributions that are not installed."""
    return [name for name in PACKAGES if not is_installed(name)]


def is_installed(name: str) -> bool:
    """Return True if a distribution is installed."""
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def install_command(prefix: str = sys.prefix, executable: str = sys.executable) -> str:
    """Return the one command that adds the extra to the installation that runs this code.

    Args:
        prefix: the environment's folder.
        executable: the environment's Python.
    """
    if (Path(prefix) / "uv-receipt.toml").exists():
        return f"uv tool install {_quote(_SPEC)}"
    if (Path(prefix) / "pipx_metadata.json").exists():
        return f"pipx install --force {_quote(_SPEC)}"
    if any(part.startswith(_UVX_FOLDERS) for part in Path(prefix).parts):
        return f"uvx --from {_quote(_SPEC)} webvoice-mcp"
    if util.find_spec("pip") is None:  # in environments that uv made
        return f"uv pip install --python {_quote(executable)} {_quote(_SPEC)}"
    return f"{_quote(executable)} -m pip install {_quote(_SPEC)}"


def how_to_add(command: str = "") -> str:
    """Return the part of a sentence that says what to do with the command."""
    command = command or install_command()
    verb = "let the client start the server with" if command.startswith("uvx ") else "run"
    return f"{verb}: {command}"


def _quote(text: str) -> str:
    """Quote a word for the system's usual shell, if it needs that."""
    if not set(text) & set(" []()&'"):
        return text
    mark = '"' if _ON_WINDOWS or "'" in text else "'"
    return f"{mark}{text}{mark}"
