"""Which tool the sandbox's chat calls, and with which arguments: by words in common and by the tool's schema."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from webvoice_mcp.sandbox.engines import InvalidInput
from webvoice_mcp.sandbox.engines.arguments import Clues, fill
from webvoice_mcp.sandbox.engines.rules import COMMON_WORDS, last_question

_STEM = 5  # first letters that make two words the same: "translate", "translation"
_NAME_COUNTS = 2  # a word of the tool's name counts twice as much as one of its description


def choose(
    messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]], choice: str | Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The calls that the assistant makes now, as OpenAI's `tool_calls`; none when it is to answer in words.

    After a tool's result it always answers in words. Raises InvalidInput when `tools` or `choice` are malformed.
    """
    functions = [_function(each, index) for index, each in enumerate(tools)]
    named = _named(choice, functions)
    if choice == "none" or not functions or (messages and messages[-1].get("role") == "tool"):
        return []
    asked = last_question(messages)
    best = max(named, key=lambda each: _in_common(each, asked))
    if choice == "auto" and not _in_common(best, asked):
        return []
    arguments = json.dumps(_arguments(best, asked), ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(f"{len(messages)} {best['name']} {arguments}".encode(errors="replace")).hexdigest()
    return [
        {
            "id": f"call_{digest[:24]}",
            "type": "function",
            "function": {"name": best["name"], "arguments": arguments},
        }
    ]


def _function(tool: Any, index: int) -> Mapping[str, Any]:
    function = tool.get("function") if isinstance(tool, Mapping) and tool.get("type") == "function" else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise InvalidInput(f'tools[{index}] must be {{"type": "function", "function": {{"name": ...}}}}.')
    return function


def _named(choice: str | Mapping[str, Any], functions: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The functions that `choice` leaves to choose from."""
    if choice in ("none", "auto", "required"):
        if choice == "required" and not functions:
            raise InvalidInput("tool_choice is 'required', but there are no tools.")
        return functions
    wanted = choice.get("function") if isinstance(choice, Mapping) else None
    name = wanted.get("name") if isinstance(wanted, Mapping) else None
    named = [each for each in functions if each["name"] == name]
    if not named:
        raise InvalidInput(f"tool_choice must be none, auto, required or name one of the tools, not {choice!r}.")
    return named


def _in_common(function: Mapping[str, Any], asked: str) -> int:
    words = _stems(asked)
    named, described = _stems(function["name"]), _stems(str(function.get("description") or ""))
    return _NAME_COUNTS * len(words & named) + len(words & (described - named))


def _stems(text: str) -> set[str]:
    split = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", text).lower()
    return {word[:_STEM] for word in re.findall(r"[^\W\d_]{2,}", split) if word not in COMMON_WORDS}


def _arguments(function: Mapping[str, Any], asked: str) -> Any:
    schema = function.get("parameters")
    try:
        return fill(schema if isinstance(schema, Mapping) else {}, Clues(asked))
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # a keyword's value is of another type
        raise InvalidInput(f"The parameters of the tool {function['name']} are not a JSON Schema.") from error
