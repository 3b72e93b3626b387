"""Chooses the tool that the sandbox's chat calls, by common words, and its arguments, by its JSON Schema."""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from webvoice_mcp.sandbox.engines import InvalidInput

_STEM_LETTERS = 5  # words with the same first letters count as the same: "translate", "translation"
_MAX_DEPTH = 8  # levels of a schema; a deeper value becomes null, which also ends recursive schemas
_MAX_ITEMS = 20
_COMMON_WORDS = re.compile(
    r"\b(?:about|and|any|are|can|current|does|for|from|get|give|have|how|its|list|not|one|our|please|returns?|show|some|tell|"
    r"that|the|their|this|use|user|want|was|what|when|where|which|who|will|with|would|you|your)\b"
)
_WHOLE_TEXT = {"query", "q", "text", "message", "prompt", "question", "input", "content", "body", "expression"}
_NEGATIVE = re.compile(r"\b(?:no|not|don't|without|off|disable|never|false)\b", re.IGNORECASE)
_CLUES = {
    "mail": re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+"),
    "ur[il]": re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)]"),
    "date": re.compile(r"\b\d{4}-\d\d-\d\d\b"),
    "quote": re.compile(r"(?<!\w)[\"“'](.+?)[\"”'](?!\w)"),
    "number": re.compile(r"(?<![\w./-])-?\d{1,15}(?:\.\d+)?(?![\w-])"),
    "name": re.compile(r"(?<=[\w,;:(] )(?!I['\u2019])[A-ZÀ-Þ][\w'\u2019-]+(?: [A-ZÀ-Þ][\w'\u2019-]+)*"),
}
_EXAMPLES = {"mail": "user@example.com", "ur[il]": "https://example.com/", "date": "2025-01-01"}


def choose(question: str, tools: Sequence[Mapping[str, Any]], choice: Any, turn: int) -> list[dict[str, Any]]:
    """Return the call to make in the format of OpenAI's `tool_calls`, or an empty list to answer with text.

    Args:
        choice: OpenAI's `tool_choice`. With "auto", only a tool that shares a word with the question is called.
        turn: the number of the turn, which makes the ids of equal calls in one conversation different.

    Raises:
        InvalidInput: the tool's parameters are not a JSON Schema.
    """
    named = choice["function"]["name"] if isinstance(choice, Mapping) else ""
    functions = [tool["function"] for tool in tools if named in {"", tool["function"]["name"]}]
    best = max(functions, key=lambda function: _count_common(function, question), default=None)
    if best is None or choice == "none" or (choice == "auto" and not _count_common(best, question)):
        return []
    clues = {kind: pattern.findall(question) for kind, pattern in _CLUES.items()} | {"text": [question]}
    try:
        schema = best.get("parameters") or {}
        filled = _fill("", schema, clues, schema)
        arguments = json.dumps(filled, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:  # a keyword of another type
        problem = f"The parameters of the tool {best['name']} are not a JSON Schema. Correct them."
        raise InvalidInput(problem) from error
    function = {"name": best["name"], "arguments": arguments}
    digest = hashlib.sha256(f"{turn} {function}".encode(errors="replace")).hexdigest()
    return [{"id": f"call_{digest[:24]}", "type": "function", "function": function}]


def _count_common(function: Mapping[str, Any], question: str) -> int:
    """Count the words that the question shares with the tool. Words of the tool's name count twice."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", function["name"])
    return sum(len(_stems(question) & _stems(text)) for text in (name, f"{name} {function.get('description') or ''}"))


def _stems(text: str) -> set[str]:
    return {word[:_STEM_LETTERS] for word in re.findall(r"[^\W\d_]{3,}", _COMMON_WORDS.sub(" ", text.lower()))}


def _fill(name: str, schema: Any, clues: dict[str, list[str]], root: Any, depth: int = 0) -> Any:
    """Return a value for a parameter. An object has its required members, and optional ones that the text names."""
    schema = _resolve(schema, root)
    kinds = schema.get("type", "object" if "properties" in schema or not schema else "string")
    kind = next((kind for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind != "null"), "null")
    if depth > _MAX_DEPTH or kind == "null":
        return None
    if choices := [schema["const"]] if "const" in schema else schema.get("enum"):
        return next((choice for choice in choices if _is_named(choice, clues)), choices[0])
    if kind == "object":
        parts = {part: _resolve(inner, root) for part, inner in (schema.get("properties") or {}).items()}
        named = {part for part in parts if any(_is_named(choice, clues) for choice in parts[part].get("enum") or ())}
        wanted = [part for part in parts if part in named or part in schema.get("required", parts)]
        return {part: _fill(part, parts[part], clues, root, depth + 1) for part in wanted}
    if kind == "array":
        items = _resolve(schema.get("items", {"type": "string"}), root)
        offered = {"string": clues["quote"] or clues["name"], "integer": clues["number"], "number": clues["number"]}
        count = max(len(offered.get(items.get("type"), ())), schema.get("minItems", 1))
        count = min(count, schema.get("maxItems", count), _MAX_ITEMS)
        return [_fill(name, items, clues, root, depth + 1) for _ in range(count)]
    if kind == "boolean":
        return not _NEGATIVE.search(clues["text"][0])
    if kind in {"integer", "number"}:
        number = float(_take(clues["number"]) or schema.get("default", schema.get("minimum", 1)))
        number = min(max(number, schema.get("minimum", number)), schema.get("maximum", math.inf))
        return int(number) if kind == "integer" or number.is_integer() else number
    return _string(f"{schema.get('format', '')} {name}".lower(), schema, clues)[: schema.get("maxLength")]


def _string(name: str, schema: Mapping[str, Any], clues: dict[str, list[str]]) -> str:
    for kind, example in _EXAMPLES.items():
        if re.search(kind, name):
            return (_take(clues[kind]) or example) + ("T00:00:00Z" if "date-time" in name else "")
    if isinstance(schema.get("default"), str):
        return str(schema["default"])
    name_in_text = _take(clues["name"]) if _WHOLE_TEXT.isdisjoint(name.split()) else ""
    return _take(clues["quote"]) or name_in_text or clues["text"][0]


def _resolve(schema: Any, root: Any) -> Any:
    """Follow references inside the document and take the first of several alternatives; return the schema found."""
    for _ in range(_MAX_DEPTH):
        if not isinstance(schema, Mapping):
            break
        options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if reference := schema.get("$ref"):
            schema = root
            for part in reference.split("/")[1:]:
                schema = schema[part]
        elif options:
            schema = next((option for option in options if option != {"type": "null"}), {})
        else:
            return schema
    return {}


def _is_named(choice: Any, clues: dict[str, list[str]]) -> bool:
    return re.search(rf"(?<!\w){re.escape(str(choice))}(?!\w)", clues["text"][0], re.IGNORECASE) is not None


def _take(offered: list[str]) -> str:
    """Remove and return the first item; the last one is not removed, because more may be needed than there are."""
    return offered.pop(0) if len(offered) > 1 else "".join(offered)
