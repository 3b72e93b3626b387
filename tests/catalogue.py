"""What is generated from the tools and settings: snapshots, the README's table, pages of the docs, the bundle's list.

`scripts/snapshots.py` writes it; `test_catalogue.py` fails when a file says something else.
"""

import json
import re
from pathlib import Path
from typing import Any

from mcp import Client

from tests import settings_page, tools_page
from webvoice_mcp.server import build
from webvoice_mcp.settings import Settings
from webvoice_mcp.tools.catalogue import TOOLSETS

Tool = dict[str, Any]  # as tools/list sends it

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "python3 scripts/snapshots.py"

_BEGIN = "<!-- tools: written by scripts/snapshots.py -->\n"
_END = "<!-- /tools -->"
_TABLE = re.compile(f"(?<={re.escape(_BEGIN)}).*?(?={re.escape(_END)})", re.DOTALL)


async def listed() -> list[Tool]:
    """All tools, as a client gets them."""
    async with Client(build(Settings.read({}))) as client:
        tools = (await client.list_tools()).tools
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]


def first_line(tool: Tool) -> str:
    """What the tool does and what comes back."""
    line: str = tool["description"].partition("\n")[0]
    return line


def cost(tool: Tool) -> str:
    """The sentence about the price: the first one after the first line."""
    rest = " ".join(tool["description"].split("\n")[1:]).strip()
    return re.split(r"[.;](?=\s|$)", rest, maxsplit=1)[0]


def size(value: Any) -> int:
    """Bytes of the value as compact JSON, which is how it travels."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def kept() -> list[str]:
    """The present texts of the files that are generated in part, or from: what `generated` takes after the tools."""
    return [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "mcpb/manifest.json", "server.json")]


def tokens(value: Any) -> int:
    """What the value, as compact JSON, counts as in o200k, the vocabulary of OpenAI's models; others' are near it."""
    from bpe_openai import get_encoding  # noqa: PLC0415 - reads its vocabulary when imported

    return len(get_encoding("o200k_base").encode(json.dumps(value, ensure_ascii=False, separators=(",", ":"))))


def read_by_models(tool: Tool) -> Tool:
    """What of a tool clients put before the model: they keep output schemas and hints to themselves."""
    return {name: tool[name] for name in ("name", "description", "inputSchema")}


def generated(tools: list[Tool], readme: str, manifest: str, server: str) -> dict[str, str]:
    """The text of every generated file, by its path in the project.

    Args:
        readme: its present text, of which only the table is replaced.
        manifest: the bundle's, of which only the list of tools is replaced.
        server: the entry for the registry, which has every setting.
    """
    listed = [{"name": tool["name"], "description": first_line(tool)} for tool in tools]
    files = {f"tests/snapshots/{tool['name']}.json": _json(tool) for tool in tools}
    read = {tool["name"]: tokens(read_by_models(tool)) for tool in tools}
    sizes: dict[str, Any] = {
        "tools/list": size({"tools": tools}),
        "tokens": sum(read.values()),
        "tokens of a tool": read,
    }
    return {
        **files,
        "tests/snapshots/size.json": _json(sizes),
        "README.md": _TABLE.sub(lambda _: _table(tools), readme),
        "docs/TOOLS.md": tools_page.page(tools, sizes["tokens"]),
        "docs/SETTINGS.md": settings_page.page(server),
        "mcpb/manifest.json": _json({**json.loads(manifest), "tools": listed}),
    }


def stale(wanted: dict[str, str], root: Path = ROOT) -> list[str]:
    """Generated files that are missing, say something else, or belong to a tool that is no more."""
    there = {f"tests/snapshots/{path.name}" for path in (root / "tests/snapshots").glob("*")}
    wrong = {name for name, text in wanted.items() if _read(root / name) != text}
    return sorted(wrong | (there - set(wanted)))


def renew(wanted: dict[str, str], root: Path = ROOT) -> list[str]:
    """Write what is stale; the paths of what was written or removed."""
    found = stale(wanted, root)
    for name in found:
        if name in wanted:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(wanted[name], encoding="utf-8", newline="\n")
        else:
            (root / name).unlink()
    return found


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _table(tools: list[Tool]) -> str:
    there = {tool["name"] for tool in tools}
    names: dict[str, list[str]] = {}
    for toolset in TOOLSETS:
        names.setdefault(toolset.family, []).extend(entry.name for entry in toolset.entries if entry.name in there)
    rows = (f"| {family} | {', '.join(f'`{name}`' for name in each)} |" for family, each in names.items() if each)
    return "\n".join(["| kind | tools |", "|---|---|", *rows]) + "\n"
