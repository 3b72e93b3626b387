"""The lines of a narration, as a caller gives them."""

from dataclasses import replace
from typing import Any

from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.jobs.narration import Line

JsonObject = dict[str, Any]

_MAX_LINES = 10_000
_RANGES = {"speed": (0.5, 2.0), "pause": (0.0, 10.0)}
_FIELDS = ("text", "voice", "language", *_RANGES)


def read_lines(given: list[JsonObject], default: Line) -> list[Line]:
    """Return the lines, with the default's values where a line has none.

    Raises:
        InvalidArgument: a line is malformed; its number, from 1, is named.
    """
    if len(given) > _MAX_LINES:
        raise InvalidArgument(f"lines has {len(given)} entries. Give at most {_MAX_LINES}.")
    return [_read_line(line, replace(default, name=f"line {number} of lines")) for number, line in enumerate(given, 1)]


def _read_line(given: JsonObject, default: Line) -> Line:
    set_ = {name: value for name, value in given.items() if value is not None and value != ""}
    for name, value in set_.items():
        if name not in _FIELDS:
            raise InvalidArgument(f"{default.name} has the field {name[:60]!r}. A line takes {', '.join(_FIELDS)}.")
        if name in _RANGES:
            least, most = _RANGES[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
                raise InvalidArgument(f"{default.name}: {name} must be a number from {least:g} to {most:g}.")
        elif not isinstance(value, str):
            raise InvalidArgument(f"{default.name}: {name} must be a string.")
    if not str(set_.get("text", "")).strip():
        raise InvalidArgument(f"{default.name} has no text.")
    return replace(default, **set_)
