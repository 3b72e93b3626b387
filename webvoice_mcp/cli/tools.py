"""`webvoice-mcp tools`: the tools and their parameters."""

import argparse
import json
from typing import Any

import anyio

from webvoice_mcp.cli.startup import load_settings
from webvoice_mcp.server import create_server


def run(options: argparse.Namespace) -> int:
    """Print the tools with their parameters."""
    listed = anyio.run(create_server(load_settings()).list_tools)
    tools = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed]
    print(json.dumps(tools, indent=2) if options.json else "\n\n".join(map(_describe, tools)))
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
