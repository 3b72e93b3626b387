"""A client's file on this computer: where it is, and what it says about us. Read here, never written."""

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from webvoice_mcp.cli._jsontext import MISSING
from webvoice_mcp.cli._machine import Machine
from webvoice_mcp.cli.clients import NAME, Client, Form

_STRING = r'"(?:[^"\\]|\\.)*"'
_COMMENTS = re.compile(rf"({_STRING})|//[^\n]*|/\*.*?\*/", re.DOTALL)
_LAST_COMMAS = re.compile(rf"({_STRING})|,(?=\s*[\]}}])", re.DOTALL)


def candidates(client: Client, machine: Machine) -> tuple[str, ...]:
    """Where the client's file may be, as text in which a `*` may stand; the last is where it is made."""
    places = (machine.is_windows and client.windows) or client.places
    return tuple(machine.path(place) for place in places)


def config_file(client: Client, machine: Machine) -> Path:
    """The client's file: the first that exists, else the first whose folder does, else the last."""
    paths = [path for each in candidates(client, machine) for path in _matching(each)]
    there = [path for path in paths if os.path.lexists(path)] or [path for path in paths if os.path.isdir(path.parent)]  # noqa: PTH112 - never raises
    return (there or paths[-1:])[0]


def present(client: Client, path: Path) -> Any:
    """Our entry in a file that belongs to a client's own command line, `MISSING` where none is seen.

    A file that cannot be read counts as having none: that command line will say what is wrong with it.
    """
    try:
        text = path.read_text("utf-8-sig")
        document = tomllib.loads(text) if client.form is Form.TOML else json.loads(_without_comments(text))
        return document[client.key].get(NAME, MISSING)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return MISSING


def _matching(text: str) -> list[Path]:
    """The path; with a `*` in it, one for each folder that the `*` stands for."""
    path = Path(text)
    star = next((each for each in (path, *path.parents) if "*" in each.name), None)
    if star is None:
        return [path]
    return [each / path.relative_to(star) for each in sorted(star.parent.glob(star.name))]


def _without_comments(text: str) -> str:
    for pattern in (_COMMENTS, _LAST_COMMAS):
        text = pattern.sub(lambda found: found[1] or "", text)
    return text
