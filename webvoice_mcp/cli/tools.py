"""`webvoice-mcp tools`: what there is to call."""

import argparse
import json
from typing import Any


def run(words: list[str]) -> int:
    """Print the tools with their parameters."""
    parser = argparse.ArgumentParser(
        prog="webvoice-mcp tools", description="The tools with their parameters.", allow_abbrev=False
    )
    parser.add_argument("--json", action="store_true", help="as JSON, like MCP's tools/list")
    as_json = parser.parse_args(words).json
    from webvoice_mcp.cli import _start  # noqa: PLC0415 - after the words are known to be right

    settings = _start.settings()
    import anyio  # noqa: PLC0415 - as above

    from webvoice_mcp.server import build  # noqa: PLC0415 - as above

    listed = anyio.run(build(settings).list_tools)
    tools = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed]
    print(json.dumps(tools, indent=2) if as_json else "\n\n".join(map(_described, tools)))
    return 0


def _described(tool: dict[str, Any]) -> str:
    schema = tool["inputSchema"]
    required = schema.get("required", [])
    lines = [tool["name"], *(f"  {line}" for line in tool["description"].splitlines())]
    for name, about in schema.get("properties", {}).items():
        lines.append(f"    {name}{'' if name in required else '?'}: {_type(about)}  {about.get('description', '')}")
    return "\n".join(lines)


def _type(about: dict[str, Any]) -> str:
    if "enum" in about:
        return "|".join(map(str, about["enum"]))
    kind: str = about.get("type", "any")
    return f"{kind} = {json.dumps(about['default'])}" if about.get("default") not in (None, "") else kind
