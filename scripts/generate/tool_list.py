"""Lists the tools as clients get them, counts their tokens, and generates the snapshots in tests/snapshots/."""

import json
import re
from typing import Any

from mcp import Client

from webvoice_mcp.server import create_server
from webvoice_mcp.settings import TOOLSETS, Settings

Tool = dict[str, Any]
"""A tool as tools/list sends it."""


async def list_tools(toolsets: str = "all") -> list[Tool]:
    """Return the tools of these toolsets (the value of WEBVOICE_TOOLSETS), in the order in which clients get them."""
    async with Client(create_server(Settings.read({"WEBVOICE_TOOLSETS": toolsets}))) as client:
        tools = (await client.list_tools()).tools
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]


async def list_families() -> dict[str, list[Tool]]:
    """Return all tools by family, in the order in which clients get them."""
    names = {family: {tool["name"] for tool in await list_tools(family)} for family in TOOLSETS}
    family_of = {name: family for family in TOOLSETS - {"account"} for name in names[family] - names["account"]}
    families: dict[str, list[Tool]] = {}
    for tool in await list_tools():
        families.setdefault(family_of.get(tool["name"], "account"), []).append(tool)
    return families


def first_line(tool: Tool) -> str:
    """Return the first line of the description, which says what the tool does and returns."""
    line: str = tool["description"].partition("\n")[0]
    return line


def price_sentence(tool: Tool) -> str:
    """Return the sentence about the price: the first sentence after the first line of the description."""
    rest = " ".join(tool["description"].split("\n")[1:]).strip()
    return re.split(r"[.;](?=\s|$)", rest, maxsplit=1)[0]


def shown_to_models(tool: Tool) -> Tool:
    """Return the parts of a tool that clients show to the model. Output schemas and hints are not shown."""
    return {name: tool[name] for name in ("name", "description", "inputSchema")}


def count_bytes(value: Any) -> int:
    """Return the length of the value as it is sent: as compact JSON in UTF-8."""
    return len(_compact(value).encode())


def count_tokens(value: Any) -> int:
    """Return the number of tokens in the value's JSON, with OpenAI's vocabulary o200k. Others give similar numbers."""
    from bpe_openai import get_encoding  # noqa: PLC0415 - reads its vocabulary when imported

    return len(get_encoding("o200k_base").encode(_compact(value)))


def snapshots(tools: list[Tool]) -> dict[str, str]:
    """Return the snapshots by their paths: a file for each tool, and a file with their sizes."""
    tokens = {tool["name"]: count_tokens(shown_to_models(tool)) for tool in tools}
    sizes = {"tools/list": count_bytes({"tools": tools}), "tokens": sum(tokens.values()), "tokens of a tool": tokens}
    records = {f"tests/snapshots/{tool['name']}.json": indented(tool) for tool in tools}
    return {**records, "tests/snapshots/size.json": indented(sizes)}


def indented(value: Any) -> str:
    """Return the value as indented JSON."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
