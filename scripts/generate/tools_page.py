"""Generates docs/TOOLS.md, with each tool's parameters, result and price, and the README's table of tools."""

import json
from collections.abc import Iterator
from typing import Any

from tool_list import Tool, count_tokens, shown_to_models

_HEAD = """\
# Tools

Written by `scripts/snapshots.py` from the list that clients get; `webvoice-mcp tools` prints this list in the terminal.

A parameter that is not required may be left out, null or empty. `files` in a result is a list of `path`, `uri`,
`mime_type` and `size_bytes`. A result has at least the fields in bold; fields that the service adds are passed on. A
failed call says what happened and what to do: see [troubleshooting](TROUBLESHOOTING.md).

A model reads {tokens:,} tokens (o200k) of names, descriptions and parameters for all {count} tools. `WEBVOICE_TOOLSETS`
reduces them.
"""
_HINTS = {"readOnlyHint": "reads only", "destructiveHint": "cannot be undone", "openWorldHint": "asks the service"}


def page(families: dict[str, list[Tool]]) -> str:
    """Return docs/TOOLS.md."""
    tools = [tool for family in families.values() for tool in family]
    head = _HEAD.format(tokens=sum(count_tokens(shown_to_models(tool)) for tool in tools), count=len(tools))
    return "\n".join([head, *_sections(families)]).rstrip() + "\n"


def table(families: dict[str, list[Tool]]) -> str:
    """Return the README's table, with a row for each family."""
    names = {family: ", ".join(f"`{tool['name']}`" for tool in tools) for family, tools in families.items()}
    rows = [f"| {family} | {cell} |" for family, cell in names.items()]
    return "\n".join(["| kind | tools |", "|---|---|", *rows]) + "\n"


def _sections(families: dict[str, list[Tool]]) -> Iterator[str]:
    for family, tools in families.items():
        yield f"## {family.capitalize()}\n"
        for tool in tools:
            yield from _section(tool)


def _section(tool: Tool) -> Iterator[str]:
    hints = [text for hint, text in _HINTS.items() if tool["annotations"][hint]] or ["stays on this computer"]
    yield f"### `{tool['name']}`: {tool['title']}\n"
    yield f"{tool['description']}\n"
    yield f"Hints: {', '.join(hints)}.\n"
    yield from _parameters(tool["inputSchema"])
    yield f"Result: {', '.join(_fields(tool['outputSchema']))}.\n"


def _parameters(schema: dict[str, Any]) -> Iterator[str]:
    if not schema["properties"]:
        yield "No parameters.\n"
        return
    yield "| parameter | type | default | meaning |\n|---|---|---|---|"
    for name, parameter in schema["properties"].items():
        default = "required" if name in schema.get("required", []) else _default(parameter.get("default", ""))
        meaning = " ".join(parameter["description"].split()).replace("|", r"\|")
        yield f"| `{name}` | {_type(parameter)} | {default} | {meaning} |"
    yield ""


def _default(value: Any) -> str:
    return "" if value in ("", [], {}, None) else f"`{json.dumps(value, ensure_ascii=False)}`"


def _type(parameter: dict[str, Any]) -> str:
    if "enum" in parameter:
        return ", ".join(f"`{choice}`" for choice in parameter["enum"] if choice != "")
    kind = str(parameter.get("type", "any"))
    if kind == "array":
        kind = f"list of {parameter.get('items', {}).get('type', 'any')}"
    least, most = parameter.get("minimum"), parameter.get("maximum")
    if least is not None and most is not None:
        return f"{kind}, {least} to {most}"
    return f"{kind}, at least {least}" if least is not None else kind


def _fields(schema: dict[str, Any]) -> Iterator[str]:
    for name in schema["properties"]:
        yield f"**`{name}`**" if name in schema.get("required", []) else f"`{name}`"
