"""Finds and reads clients' configuration files; changes nothing."""

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from webvoice_mcp.cli.clients.json_text import MISSING
from webvoice_mcp.cli.clients.mcp_clients import ENTRY_NAME, ConfigFormat, McpClient
from webvoice_mcp.cli.clients.platforms import Platform
from webvoice_mcp.cli.startup import exit_with

_STRING = r'"(?:[^"\\]|\\.)*"'
_COMMENT = re.compile(rf"({_STRING})|//[^\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA = re.compile(rf"({_STRING})|,(?=\s*[\]}}])", re.DOTALL)


def candidate_paths(client: McpClient, platform: Platform) -> tuple[str, ...]:
    """Return the paths where the client's file can be; a path may contain a `*`. A new file is created at the last."""
    templates = (platform.is_windows and client.windows_paths) or client.paths
    return tuple(platform.expand(template) for template in templates)


def require_config_file(client: McpClient, platform: Platform) -> Path:
    """Return the path of the file for a command that changes it.

    Raises:
        SystemExit: code 2, after one line on stderr, if there is no home folder.
    """
    path = find_config_file(client, platform)
    if not path.is_absolute():
        home = "USERPROFILE" if platform.is_windows else "HOME"
        exit_with(f"There is no home folder, so the file of {client.title} is unknown: set {home}.")
    return path


def find_config_file(client: McpClient, platform: Platform) -> Path:
    """Return the first candidate that exists, else the first whose folder exists, else the last."""
    paths = [path for pattern in candidate_paths(client, platform) for path in _glob(pattern)]
    # Not Path's methods, which raise inside a folder that the user may not search.
    existing = [path for path in paths if os.path.lexists(path)]
    possible = existing or [path for path in paths if os.path.isdir(path.parent)]  # noqa: PTH112 - Path.is_dir raises
    return (possible or paths[-1:])[0]


def read_entry(client: McpClient, path: Path) -> Any:
    """Return the server's entry in the file of a client that has its own command line, or `MISSING`.

    An unreadable file counts as a file without an entry: the client's command line will say what is wrong with it.
    """
    try:
        text = path.read_text("utf-8-sig")
        document = tomllib.loads(text) if client.format is ConfigFormat.TOML else json.loads(_strip_comments(text))
        return document[client.section].get(ENTRY_NAME, MISSING)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return MISSING


def _glob(pattern: str) -> list[Path]:
    """Return the path itself, or one path for each folder that a `*` in it stands for."""
    path = Path(pattern)
    wildcard = next((part for part in (path, *path.parents) if "*" in part.name), None)
    if wildcard is None:
        return [path]
    return [folder / path.relative_to(wildcard) for folder in sorted(wildcard.parent.glob(wildcard.name))]


def _strip_comments(text: str) -> str:
    for pattern in (_COMMENT, _TRAILING_COMMA):
        text = pattern.sub(lambda match: match[1] or "", text)
    return text
