"""Arguments as clients send them, made ready for a tool; what is wrong with them, in a sentence."""

import math
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from webvoice_mcp.errors import InvalidArgument

Schema = Mapping[str, Any]

_NUMBERS = ("number", "integer")
# In which blanks around the text may be meant; a file's name may begin or end with one.
_AS_GIVEN = frozenset(
    {"text", "prompt", "system", "body", "negative_prompt", "title", "subject", "audio_path", "output_path"}
)
_QUOTED = 60  # characters of a name that nobody knows, in a message about it


def given(name: str, arguments: Mapping[str, Any], schemas: Mapping[str, Schema]) -> dict[str, Any]:
    """The arguments that were really given: optional ones that are null or blank count as left out.

    Codes, names and links lose the blanks around them.

    Raises:
        InvalidArgument: there is no such tool, an argument is unknown, missing, or blank where it is required.
    """
    if name not in schemas:
        raise InvalidArgument(f"There is no tool {_quoted(name)}. {_meant(name, list(schemas))}")
    known: Mapping[str, Any] = schemas[name].get("properties", {})
    required: list[str] = schemas[name].get("required", [])
    if unknown := [each for each in arguments if each not in known]:
        takes = ", ".join(known) or "no arguments"
        raise InvalidArgument(f"{name} does not know the argument {_quoted(unknown[0])}. It takes: {takes}.")
    missing = [each for each in required if _left_out(arguments.get(each))]
    if missing:
        how = "is blank" if isinstance(arguments.get(missing[0]), str) else "is missing"
        raise InvalidArgument(f"{missing[0]} {how}: {known[missing[0]].get('description', 'it is required.')}")
    for each, value in arguments.items():
        # pydantic would take true for 1.
        if isinstance(value, bool) and known[each].get("type") in _NUMBERS:
            raise InvalidArgument(f"{each} should be a number{_accepted(known[each])}")
        if not _is_finite(value):
            raise InvalidArgument(f"{each} has a number without end, which no request can carry. Give a finite one.")
    return {
        each: value if each in _AS_GIVEN else _stripped(value)
        for each, value in arguments.items()
        if not _left_out(value)
    }


def readable(error: ValidationError, schema: Schema) -> InvalidArgument:
    """pydantic's complaint as one sentence that names the argument and what it accepts."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(each) for each in first["loc"])
    said = re.sub(r"^\w+ (?=should )", "", first["msg"])
    about = schema.get("properties", {}).get(str(first["loc"][0]), {})
    return InvalidArgument(f"{where} {said[:300].rstrip('.')}{_accepted(about)}")


def _accepted(about: Schema) -> str:
    """How a sentence about this argument goes on: the numbers that it takes, and what it is."""
    numbers = ""
    if about.get("type") in _NUMBERS:
        kind = "a whole number" if about["type"] == "integer" else "a number"
        least, most = about.get("minimum"), about.get("maximum")
        limits = f" from {least:g} to {most:g}" if least is not None and most is not None else ""
        numbers = f": {kind}{limits or ('' if least is None else f', {least:g} or more')}"
    return f"{numbers}. {about.get('description', '')}".strip()


def _stripped(value: Any) -> Any:
    if isinstance(value, list):
        return [_stripped(each) for each in value]
    return value.strip() if isinstance(value, str) else value


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(_is_finite(each) for each in (value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)


def _left_out(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _quoted(name: str) -> str:
    return repr(name if len(name) <= _QUOTED else f"{name[:_QUOTED]}…")


def _meant(name: str, names: list[str]) -> str:
    import difflib  # noqa: PLC0415 - for a mistaken name alone

    close = difflib.get_close_matches(name, names, n=3)
    return f"Did you mean {' or '.join(close)}?" if close else "tools/list names those that there are."
