"""Entries of a client's configuration: which ones run this server, and their text without what may be secret."""

import re
from typing import Any
from urllib.parse import urlsplit

HIDDEN = "…"

_OURS = re.compile(r"webvoice[-_]mcp(?![\w-])", re.IGNORECASE)  # at the start of a path's last part
_MODULE_FILE = ["webvoice_mcp", "__main__.py"]  # the last parts of a path
_LAUNCHER = re.compile(r"[\w./\\:-]*webvoice[-_]mcp(\[[\w,]+\])?([=@]=?[\w.]+)?(\.exe)?", re.IGNORECASE)
_ASSIGNED = re.compile(r"(?<!\S)((?:--)?[A-Za-z_][\w-]*=)\S+")  # NAME=value or --name=value inside a command
_OPTION = re.compile(r"(--[\w-]+(?==)|-[A-Za-z](?=.))")  # an option with its value in the same argument
_NAME_OF_OPTION = re.compile(r"--[\w-]+|-[A-Za-z]")
_PLAIN_FIELDS = ("type", "source", "transport")  # words of the client, not of the user


def runs_this_server(entry: object) -> bool:
    """Return True if an entry's command or one of its arguments is this package's."""
    if not isinstance(entry, dict):
        return False
    args = entry.get("args")
    words = [entry.get("command"), *(args if isinstance(args, list) else [])]
    return any(_is_ours(part) for word in words if isinstance(word, str) for part in word.split())


def hide_values(entry: Any) -> Any:
    """Return an entry with the values that may be secret replaced by `…`; commands and names stay readable."""
    if not isinstance(entry, dict):
        return _hidden(entry)
    return {name: _shown(name, value) for name, value in entry.items()}


def _shown(name: str, value: Any) -> Any:
    if name == "args" and isinstance(value, list):
        return [_shown_argument(argument) for argument in value]
    if isinstance(value, str):
        if name == "command":
            return _ASSIGNED.sub(rf"\1{HIDDEN}", value)
        if name in _PLAIN_FIELDS:
            return value
        return _shown_url(value)
    return _hidden(value)


def _shown_argument(argument: object) -> str:
    """Return an argument's name, and what runs this server; a value becomes `…`."""
    if not isinstance(argument, str):
        return HIDDEN
    if _NAME_OF_OPTION.fullmatch(argument) or _LAUNCHER.fullmatch(argument):
        return argument
    option = _OPTION.match(argument)
    return f"{option[0]}{'=' if argument.startswith('--') else ''}{HIDDEN}" if option else HIDDEN


def _shown_url(text: str) -> str:
    """Return the scheme and host of a URL: its user, path and query may hold a key. Another text is hidden."""
    try:
        url = urlsplit(text)
        host = url.hostname or ""
    except ValueError:
        return HIDDEN
    return f"{url.scheme}://{host}/{HIDDEN}" if url.scheme and host else HIDDEN


def _hidden(value: Any) -> Any:
    """Return the value with every text in it hidden. Names, numbers, true, false and null stay."""
    if isinstance(value, dict):
        return {name: _hidden(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return HIDDEN if isinstance(value, str) else value


def _is_ours(word: str) -> bool:
    parts = re.split(r"[/\\]", word)
    return _OURS.match(parts[-1]) is not None or parts[-2:] == _MODULE_FILE
