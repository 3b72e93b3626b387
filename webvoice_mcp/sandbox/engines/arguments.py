"""Arguments for a tool, filled in from its JSON Schema and from what the user wrote."""

import re
from collections.abc import Mapping
from typing import Any

_DEEPEST = 8  # levels of a schema; deeper, or in a circle, gets null
_MOST_ITEMS = 20

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+")
_URL = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)]")
_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|(?<!\w)'([^']+)'(?!\w)")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])")
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_PROPER = r"[A-ZÀ-ÖØ-Þ][\w'\u2019-]+"
_NAME = re.compile(r"(?:(?<=[\w,;:] )|(?<=[(\"'“]))(?!I['\u2019])" + _PROPER + r"(?: " + _PROPER + r")*")
_OBJECT = re.compile(r"\b(?:in|for|at|of|to|from|about|named|called) ([^\W\d_][\w'\u2019-]*)")
_NEGATIVE = re.compile(r"\b(?:no|not|don't|without|off|disable|never|false)\b", re.IGNORECASE)

# Parameters of these names want all that was written, not a name out of it.
_WHOLE = {"query", "q", "text", "message", "prompt", "question", "input", "content", "body", "expression", "search"}


class Clues:
    """What a text offers: numbers, names and the like, each handed out once, in their order."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.emails = _EMAIL.findall(text)
        self.urls = _URL.findall(text)
        self.dates = _DATE.findall(text)
        rest = _DATE.sub(" ", _URL.sub(" ", _EMAIL.sub(" ", text)))
        self.quotes = ["".join(found) for found in _QUOTED.findall(rest)]
        self.numbers = _NUMBER.findall(rest)
        self.names = _NAME.findall(rest) or _OBJECT.findall(rest)


def fill(schema: Mapping[str, Any], clues: Clues) -> Any:
    """A value for the schema: its required parts, and optional ones whose choice the text names."""
    return _fill("", schema, clues, schema, 0)


def _fill(name: str, schema: Any, clues: Clues, root: Mapping[str, Any], depth: int) -> Any:
    schema = _resolved(schema, root)
    if depth > _DEEPEST:
        return None
    if "const" in schema:
        return schema["const"]
    if choices := schema.get("enum"):
        return _mentioned(choices, clues.text, choices[0])
    kind = _kind(schema)
    if kind == "object":
        return _object(schema, clues, root, depth)
    if kind == "array":
        return _array(name, schema, clues, root, depth)
    if kind == "boolean":
        return not _NEGATIVE.search(clues.text)
    if kind in {"integer", "number"}:
        return _number(schema, clues, whole=kind == "integer")
    return None if kind == "null" else _string(name, schema, clues)


def _resolved(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema itself, behind references inside the document and lists of alternatives."""
    for _ in range(_DEEPEST):
        if not isinstance(schema, Mapping):
            return {}
        options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if reference := schema.get("$ref"):
            schema = root
            for part in str(reference).split("/")[1:]:
                schema = schema.get(part) if isinstance(schema, Mapping) else None
        elif options:
            schema = next((each for each in options if each != {"type": "null"}), None)
        else:
            return schema
    return {}


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    return str(kind or ("object" if "properties" in schema or schema == {} else "string"))


def _object(schema: Mapping[str, Any], clues: Clues, root: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    required = schema.get("required", list(properties))
    return {
        name: _fill(name, each, clues, root, depth + 1)
        for name, each in properties.items()
        if name in required or _mentioned(_resolved(each, root).get("enum") or (), clues.text) is not None
    }


def _array(name: str, schema: Mapping[str, Any], clues: Clues, root: Mapping[str, Any], depth: int) -> list[Any]:
    """One item, or one for each name or number that the text offers."""
    items = schema.get("items", {"type": "string"})
    kind = _kind(_resolved(items, root))
    offered = clues.numbers if kind in {"integer", "number"} else clues.quotes or clues.names
    count = len(offered) if kind in {"integer", "number", "string"} else 1
    count = min(max(count, schema.get("minItems", 1)), schema.get("maxItems", _MOST_ITEMS), _MOST_ITEMS)
    return [_fill(name, items, clues, root, depth + 1) for _ in range(count)]


def _mentioned(choices: Any, text: str, otherwise: Any = None) -> Any:
    for choice in choices:
        if re.search(rf"(?<!\w){re.escape(str(choice))}(?!\w)", text, re.IGNORECASE):
            return choice
    return otherwise


def _number(schema: Mapping[str, Any], clues: Clues, *, whole: bool) -> float:
    low, high = schema.get("minimum"), schema.get("maximum")
    default = next((each for each in (schema.get("default"), low) if isinstance(each, int | float)), 1)
    value = float(_take(clues.numbers, str(default)))
    value = value if low is None else max(value, low)
    value = value if high is None else min(value, high)
    return int(value) if whole or value.is_integer() else value


def _string(name: str, schema: Mapping[str, Any], clues: Clues) -> str:
    kind, called = schema.get("format", ""), name.lower()
    if kind == "email" or "mail" in called or (called in {"to", "recipient"} and clues.emails):
        return _take(clues.emails, "user@example.com")
    if kind in {"uri", "url"} or "url" in called or "uri" in called:
        return _take(clues.urls, "https://example.com/")
    if kind == "date" or called == "date":
        return _take(clues.dates, "2025-01-01")
    if kind == "date-time":
        return _take(clues.dates, "2025-01-01") + "T00:00:00Z"
    if isinstance(schema.get("default"), str):
        return str(schema["default"])
    if called in _WHOLE:
        value = _take(clues.quotes, clues.text)
    else:
        value = _take(clues.quotes, "") or _take(clues.names, clues.text)
    return value[: schema.get("maxLength", len(value))]


def _take(offered: list[str], otherwise: str) -> str:
    """The next one on offer; the last stays, for tools that ask for more than there is."""
    if not offered:
        return otherwise
    return offered.pop(0) if len(offered) > 1 else offered[0]
