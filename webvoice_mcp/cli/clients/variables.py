"""Reads the values of `install --env`: variables for the server's entry, checked as the server will read them."""

import os
import re
from collections.abc import Iterable, Mapping

from webvoice_mcp.cli.clients.mcp_clients import Variables
from webvoice_mcp.cli.startup import describe_unknown, exit_with
from webvoice_mcp.client.redaction import mask_keys_in
from webvoice_mcp.settings import SETTINGS, SettingsError, unknown_variables

_KEY_NAME = "WEBVOICE_API_KEY"
_NO_KEY = "A key is never written into a client's file; webvoice-mcp login saves one for all clients."
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def read_variables(words: Iterable[str], environ: Mapping[str, str] = os.environ) -> Variables:
    """Return the variables that words such as `NAME=value` set, sorted by name.

    Raises:
        SystemExit: code 2, after one line on stderr, if a variable is not one that may be written, or a setting would
            not accept its value.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not _NAME.fullmatch(name):
            exit_with(f"--env {mask_keys_in(word)!r} is not NAME=value.")
        if name in found:
            exit_with(f"--env sets {name} twice.")
        _check(name, value, environ)
        found[name] = value
    return tuple(sorted(found.items()))


def _check(name: str, value: str, environ: Mapping[str, str]) -> None:
    if name.upper() == _KEY_NAME:
        exit_with(f"--env does not take {_KEY_NAME}. {_NO_KEY}")
    if mask_keys_in(value, environ.get(_KEY_NAME, "")) != value:
        exit_with(f"The value of {name} has an API key in it. {_NO_KEY}")
    for unknown, nearest in unknown_variables({name: value}).items():
        exit_with(describe_unknown(unknown, nearest))
    if not value.isprintable():
        exit_with(f"The value of {name} has a line break or another control character in it.")
    for setting in SETTINGS:
        if setting.name == name:
            try:
                setting.read({**environ, name: value})
            except SettingsError as error:
                exit_with(str(error))
