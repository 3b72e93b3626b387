"""Normalizes arguments as clients send them, and says in one sentence what is wrong with them."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from webvoice_mcp.errors import InvalidArgument

Schema = Mapping[str, Any]

_PREFIX = "webvoice_"  # of every tool's name
_NUMBERS = ("number", "integer")
# JSON's names for the types that pydantic's errors are about
_TYPES = {
    "list_type": "a list",
    "dict_type": "an object",
    "string_type": "a string",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
}
# Arguments whose surrounding spaces may matter; even a file's name may begin or end with one.
_NOT_STRIPPED = frozenset(
    {"text", "prompt", "system", "body", "negative_prompt", "title", "subject", "audio_path", "output_path"}
)
_FROM_HOSTS = frozenset({"sessionId", "action", "chatInput", "toolCallId", "task_progress"})  # added by n8n and Cline
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_QUOTED_CHARACTERS = 60
_MAX_DEPTH = 200  # as pydantic's JSON parser, which reads the protocol's messages


def normalize(name: str, arguments: Mapping[str, Any], schemas: Mapping[str, Schema]) -> dict[str, Any]:
    """Return the arguments without those that are null or blank, which count as left out.

    Codes, names and links lose surrounding spaces.

    Raises:
        InvalidArgument: the tool or an argument is unknown, or a required argument is missing or blank.
    """
    if name not in schemas:
        raise InvalidArgument(describe_unknown_tool(name, schemas))
    known: Mapping[str, Any] = schemas[name].get("properties", {})
    required: list[str] = schemas[name].get("required", [])
    arguments = {
        argument: _decoded(argument, value, known.get(argument, {}))
        for argument, value in arguments.items()
        if argument in known or argument not in _FROM_HOSTS
    }
    if unknown := [argument for argument in arguments if argument not in known]:
        takes = ", ".join(known) or "no arguments"
        raise InvalidArgument(f"{name} does not know the argument {_quoted(unknown[0])}. It takes: {takes}.")
    missing = [argument for argument in required if _is_left_out(arguments.get(argument))]
    if missing:
        how = "is blank" if isinstance(arguments.get(missing[0]), str) else "is missing"
        raise InvalidArgument(f"{missing[0]} {how}: {known[missing[0]].get('description', 'it is required.')}")
    for argument, value in arguments.items():
        # pydantic accepts true as the number 1.
        if isinstance(value, bool) and known[argument].get("type") in _NUMBERS:
            raise InvalidArgument(f"{argument} must be {_number(known[argument])}{_description(known[argument])}")
        _check_json(argument, value)
    return {
        argument: value if argument in _NOT_STRIPPED else _stripped(value)
        for argument, value in arguments.items()
        if not _is_left_out(value)
    }


def describe_unknown_tool(name: str, names: Iterable[str], list_of_tools: str = "tools/list") -> str:
    """Return the sentences about a name that is no tool's, with the nearest names.

    Args:
        list_of_tools: the place where all tools are listed, named if no name is near.
    """
    import difflib  # noqa: PLC0415 - only needed for a wrong name

    full_names = {full.removeprefix(_PREFIX): full for full in names}
    close = difflib.get_close_matches(name, list(full_names.values()), n=3)
    if not close:  # a short name is unlike every name with the prefix
        bare = difflib.get_close_matches(name.lower().replace("-", "_").removeprefix(_PREFIX), full_names, n=3)
        close = [full_names[match] for match in bare]
    nearest = f"Did you mean {' or '.join(close)}?" if close else f"{list_of_tools} names all tools."
    return f"There is no tool {_quoted(name)}. {nearest}"


def explain(error: ValidationError, schema: Schema) -> InvalidArgument:
    """Turn pydantic's error into one sentence that names the argument and what it accepts."""
    first = error.errors(include_url=False, include_input=False)[0]
    argument, *inside = first["loc"]
    location = "".join([str(argument), *(f"[{part}]" if isinstance(part, int) else f".{part}" for part in inside)])
    about = schema.get("properties", {}).get(str(argument), {})
    expected = _TYPES.get(first["type"])
    if about.get("type") in _NUMBERS:
        problem = f"must be {_number(about)}"
    elif expected:
        problem = f"must be {expected}"
    else:
        problem = re.sub(r"^\w+ (?=should )", "", first["msg"])[:300].rstrip(".")
    return InvalidArgument(f"{location} {problem}{_description(about)}")


def _number(about: Schema) -> str:
    """Return the numbers that an argument accepts, such as "a whole number from 1 to 8000"."""
    kind = "a whole number" if about["type"] == "integer" else "a number"
    least, most = about.get("minimum"), about.get("maximum")
    if least is not None and most is not None:
        return f"{kind} from {least:g} to {most:g}"
    return kind if least is None else f"{kind}, {least:g} or more"


def _description(about: Schema) -> str:
    """Return an argument's description as the next sentence."""
    return f". {about.get('description', '')}".rstrip()


def _stripped(value: Any) -> Any:
    if isinstance(value, list):
        return [_stripped(item) for item in value]
    return value.strip() if isinstance(value, str) else value


def _decoded(argument: str, value: Any, schema: Schema) -> Any:
    """Return a list or an object that a client wrote as JSON text; any other value as it is."""
    if not isinstance(value, str) or schema.get("type") in ("string", *_NUMBERS, "boolean"):
        return value
    try:
        decoded = json.loads(value)
    except json.JSONDecodeError:
        return value  # its type will be refused
    except (ValueError, RecursionError):
        raise InvalidArgument(f"{argument} is nested too deeply or has a number that is too long.") from None
    return decoded if isinstance(decoded, list | dict) else value


def _check_json(argument: str, value: Any, depth: int = 0) -> None:
    """Refuse what JSON in UTF-8 cannot carry, and values that are nested deeper than parsers accept."""
    if depth > _MAX_DEPTH:
        raise InvalidArgument(f"{argument} is nested deeper than {_MAX_DEPTH} levels.")
    if isinstance(value, dict | list):
        for item in (*value, *value.values()) if isinstance(value, dict) else value:
            _check_json(argument, item, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidArgument(f"{argument} holds NaN or infinity, which JSON cannot carry. Give a finite number.")
    elif isinstance(value, str) and _SURROGATE.search(value):
        raise InvalidArgument(f"{argument} holds half of a character (a lone surrogate). Give whole characters.")


def _is_left_out(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _quoted(name: str) -> str:
    return repr(name if len(name) <= _MAX_QUOTED_CHARACTERS else f"{name[:_MAX_QUOTED_CHARACTERS]}…")
