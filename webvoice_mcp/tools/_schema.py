"""Simplifies JSON Schemas: several clients refuse or misread what pydantic writes by default."""

from typing import Any

Schema = dict[str, Any]

_UNCHANGED = frozenset({"default", "enum", "required", "examples"})
# llama.cpp turns schemas into grammars, and refuses the whole request if a text may have so many characters or more.
_LONGEST_SHOWN = 2000


def plain(schema: Schema) -> Schema:
    """Return the schema without automatic titles, null alternatives, references, constants and redundant words.

    Limits of long texts are left out, too: the description names them, and pydantic checks them all the same.

    Cursor and Gemini refuse parameters with `anyOf` or null types at their top. Every word that is dropped saves the
    model from reading it: a default of null or "", and the permission of more properties, which holds anyway.
    Recursive models are not supported.
    """
    simplified: Schema = _plain(schema, schema.get("$defs", {}))
    return simplified


def closed(schema: Schema) -> Schema:
    """Return the plain schema of arguments, which says that unknown ones are refused."""
    return {**plain(schema), "additionalProperties": False}


def answer(schema: Schema) -> Schema:
    """Return the plain schema of a result, without a description of the whole: the tool has one."""
    return _without(plain(schema), "description")


def _plain(node: Any, definitions: Schema) -> Any:
    if isinstance(node, list):
        return [_plain(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if reference := node.get("$ref"):
        # A definition's description is its class's docstring, which Python may be told to leave out.
        definition = _without(definitions[reference.rpartition("/")[2]], "description")
        node = {**definition, **_without(node, "$ref")}
    plain_node: Schema = {}
    for word, value in node.items():
        if word == "properties":
            plain_node[word] = {name: _plain(item, definitions) for name, item in value.items()}
        elif word not in {"title", "$defs"}:
            plain_node[word] = value if word in _UNCHANGED else _plain(value, definitions)
    return _without_redundancy(plain_node)


def _without_redundancy(node: Schema) -> Schema:
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if node.get("default", ...) in (None, ""):
        del node["default"]
    if node.get("maxLength", 0) >= _LONGEST_SHOWN:
        del node["maxLength"]
    if node.get("additionalProperties") is True:
        del node["additionalProperties"]
    arms = [arm for arm in node.get("anyOf", ()) if arm != {"type": "null"}]
    if len(arms) == 1:
        return {**arms[0], **_without(node, "anyOf")}
    if arms:
        node["anyOf"] = arms
    return node


def _without(node: Schema, word: str) -> Schema:
    return {name: value for name, value in node.items() if name != word}
