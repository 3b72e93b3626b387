"""JSON Schemas made plain, since several clients refuse or misread what pydantic writes by default."""

from typing import Any

Schema = dict[str, Any]

_AS_IT_IS = frozenset({"default", "enum", "required", "examples"})


def plain(schema: Schema) -> Schema:
    """The same schema without automatic titles, null arms, references, constants, and what says nothing.

    Cursor and Gemini refuse parameters with `anyOf` or null types at their top; every dropped word is one that no
    model has to read: a default of null or of no text, and that more properties are allowed, as they are anyway.
    Recursive models cannot be made plain.
    """
    made: Schema = _plain(schema, schema.get("$defs", {}))
    return made


def closed(schema: Schema) -> Schema:
    """A plain schema of arguments: unknown ones are refused, and it says so."""
    return {**plain(schema), "additionalProperties": False}


def answer(schema: Schema) -> Schema:
    """A plain schema of a result, without the description of the whole: the tool has one."""
    return _without(plain(schema), "description")


def _plain(node: Any, definitions: Schema) -> Any:
    if isinstance(node, list):
        return [_plain(each, definitions) for each in node]
    if not isinstance(node, dict):
        return node
    if reference := node.get("$ref"):
        node = {**definitions[reference.rpartition("/")[2]], **_without(node, "$ref")}
    plain_node: Schema = {}
    for word, value in node.items():
        if word == "properties":
            plain_node[word] = {name: _plain(each, definitions) for name, each in value.items()}
            for name in node.get("required", ()):  # always there, so null says something
                if {"type": "null"} in value[name].get("anyOf", ()):
                    plain_node[word][name]["type"] = [plain_node[word][name]["type"], "null"]
        elif word not in {"title", "$defs"}:
            plain_node[word] = value if word in _AS_IT_IS else _plain(value, definitions)
    return _bare(plain_node)


def _bare(node: Schema) -> Schema:
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if node.get("default", ...) in (None, ""):
        del node["default"]
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
