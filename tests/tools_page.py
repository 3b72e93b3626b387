"""docs/TOOLS.md: every tool with its parameters, results and price, from the list that clients get."""

import json
from collections.abc import Iterator
from typing import Any

from webvoice_mcp.tools.catalogue import TOOLSETS

Tool = dict[str, Any]

_HEAD = """\
# Tools

Written by `scripts/snapshots.py` from the list that clients get; `webvoice-mcp tools` prints the same in the terminal.

A parameter without a default that is not required may be left out, null or empty. `files` in a result is a list of
`path`, `uri`, `mime_type` and `size_bytes`. A result has at least the fields in bold; a field that the service adds is
passed through. A failed call says what happened and what to do: see [troubleshooting](TROUBLESHOOTING.md).

What a model reads of them, names, descriptions and parameters, is {tokens} tokens (o200k) for all {count}.
`WEBVOICE_TOOLSETS` makes it less.
"""
_HINTS = {"readOnlyHint": "reads only", "destructiveHint": "cannot be undone", "openWorldHint": "asks the service"}


def page(tools: list[Tool], tokens: int) -> str:
    """The whole page; `tokens` is what a model reads of the tools."""
    head = _HEAD.format(tokens=f"{tokens:,}", count=len(tools))
    return "\n".join([head, *_sections(tools)]).rstrip() + "\n"


def _sections(tools: list[Tool]) -> Iterator[str]:
    by_name = {tool["name"]: tool for tool in tools}
    family = ""
    for toolset in TOOLSETS:
        for entry in toolset.entries:
            if entry.name not in by_name:
                continue
            if toolset.family != family:
                family = toolset.family
                yield f"## {family.capitalize()}\n"
            yield from _section(by_name[entry.name])


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
    for name, about in schema["properties"].items():
        default = "required" if name in schema.get("required", []) else _default(about.get("default", ""))
        meaning = " ".join(about["description"].split()).replace("|", r"\|")
        yield f"| `{name}` | {_type(about)} | {default} | {meaning} |"
    yield ""


def _default(value: Any) -> str:
    return "" if value in ("", [], {}, None) else f"`{json.dumps(value, ensure_ascii=False)}`"


def _type(about: dict[str, Any]) -> str:
    if "enum" in about:
        return ", ".join(f"`{each}`" for each in about["enum"] if each != "")
    kind = str(about.get("type", "any"))
    if kind == "array":
        kind = f"list of {about.get('items', {}).get('type', 'any')}"
    least, most = about.get("minimum"), about.get("maximum")
    if least is not None and most is not None:
        return f"{kind}, {least} to {most}"
    return f"{kind}, at least {least}" if least is not None else kind


def _fields(schema: dict[str, Any]) -> Iterator[str]:
    for name in schema["properties"]:
        yield f"**`{name}`**" if name in schema.get("required", []) else f"`{name}`"
