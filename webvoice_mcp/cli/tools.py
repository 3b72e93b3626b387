"""`webvoice-mcp tools`: the tools and their parameters."""

import argparse
import json
from typing import Any

import anyio

from webvoice_mcp.cli.startup import load_settings
from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.server import create_server
from webvoice_mcp.tools.arguments import describe_unknown_tool
from webvoice_mcp.tools.catalogue import check_offered

_HINTS = {
    "readOnlyHint": "changes nothing",
    "destructiveHint": "cannot be undone",
    "openWorldHint": "asks the service",
}


def run(options: argparse.Namespace) -> int:
    """Print the tools with their parameters, or one tool whole.

    Raises:
        InvalidArgument: there is no such tool, or it is switched off.
    """
    settings = load_settings()
    listed = anyio.run(create_server(settings).list_tools)
    tools = {tool.name: tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed}
    if not options.tool:
        print(
            json.dumps(list(tools.values()), indent=2) if options.json else "\n\n".join(map(_describe, tools.values()))
        )
        return 0
    check_offered(options.tool, settings.toolsets)
    if options.tool not in tools:
        raise InvalidArgument(describe_unknown_tool(options.tool, tools, "webvoice-mcp tools"))
    tool = tools[options.tool]
    print(json.dumps(tool, indent=2) if options.json else _describe_whole(tool))
    return 0


def _describe(tool: dict[str, Any]) -> str:
    schema = tool["inputSchema"]
    required = schema.get("required", [])
    lines = [tool["name"], *(f"  {line}" for line in tool["description"].splitlines())]
    for name, parameter in schema.get("properties", {}).items():
        optional = "" if name in required else "?"
        lines.append(f"    {name}{optional}: {_describe_type(parameter)}  {parameter.get('description', '')}")
    return "\n".join(lines)


def _describe_type(parameter: dict[str, Any]) -> str:
    if "enum" in parameter:
        return "|".join(map(str, parameter["enum"]))
    name: str = parameter.get("type", "any")
    return f"{name} = {json.dumps(parameter['default'])}" if parameter.get("default") not in (None, "") else name


def _describe_whole(tool: dict[str, Any]) -> str:
    """Return the usage, title, description, parameters with their limits, result and hints of a tool."""
    schema, output = tool["inputSchema"], tool["outputSchema"]
    required = schema.get("required", [])
    words = [f"{name}=…" if name in required else f"[{name}=…]" for name in schema["properties"]]
    lines = [f"usage: webvoice-mcp call {' '.join([tool['name'], *words])}", "", tool["title"], ""]
    lines += [tool["description"], "", "parameters:" if words else "no parameters"]
    for name, parameter in schema["properties"].items():
        kind = f"{_describe_type(parameter)}{_describe_limits(parameter)}"
        lines += [f"  {name}{'' if name in required else '?'}: {kind}", f"      {parameter.get('description', '')}"]
    fields = [name if name in output.get("required", []) else f"{name}?" for name in output["properties"]]
    hints = [text for hint, text in _HINTS.items() if tool["annotations"][hint]] or ["stays on this computer"]
    return "\n".join([*lines, "", f"result: {', '.join(fields)}", f"hints: {', '.join(hints)}"])


def _describe_limits(parameter: dict[str, Any]) -> str:
    least, most = parameter.get("minimum"), parameter.get("maximum")
    if least is not None and most is not None:
        return f", {least:g} to {most:g}"
    return "" if least is None else f", {least:g} or more"
