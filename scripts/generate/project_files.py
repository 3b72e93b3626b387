"""Generates all files of the project that are not written by hand; scripts/snapshots.py writes them."""

import json
import re
from pathlib import Path

import app_pages
import directories
import file_map
import settings_files
import tool_list
import tools_page
from tool_list import Tool, indented

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "python3 scripts/snapshots.py"

_BEGIN = "<!-- tools: written by scripts/snapshots.py -->\n"
_END = "<!-- /tools -->"
_TABLE = re.compile(f"(?<={re.escape(_BEGIN)}).*?(?={re.escape(_END)})", re.DOTALL)


def generate(families: dict[str, list[Tool]], root: Path = ROOT) -> dict[str, str]:
    """Return the text of every generated file by its path in the project.

    Only parts of README.md, server.json and mcpb/manifest.json are generated; the rest comes from the files in `root`.
    """
    tools = [tool for family in families.values() for tool in family]
    project = directories.read_project(ROOT)
    return {
        **directories.manifests(project),
        **tool_list.snapshots(tools),
        **app_pages.pages(ROOT),
        "README.md": _TABLE.sub(lambda _: tools_page.table(families), _text(root / "README.md")),
        "docs/TOOLS.md": tools_page.page(families),
        "docs/SETTINGS.md": settings_files.page(),
        "docs/ARCHITECTURE.md": file_map.page(_text(ROOT / "docs/ARCHITECTURE.md"), ROOT / "webvoice_mcp"),
        "server.json": _server(_text(root / "server.json"), project),
        "mcpb/manifest.json": _manifest(_text(root / "mcpb/manifest.json"), tools, project),
    }


def find_stale(wanted: dict[str, str], root: Path = ROOT) -> list[str]:
    """Return the generated files that are missing or out of date, and the snapshots of tools that no longer exist."""
    existing = {f"tests/snapshots/{path.name}" for path in (root / "tests/snapshots").glob("*")}
    outdated = {name for name, text in wanted.items() if not (root / name).exists() or _text(root / name) != text}
    return sorted(outdated | (existing - set(wanted)))


def renew(wanted: dict[str, str], root: Path = ROOT) -> list[str]:
    """Write or delete the stale files, and return their paths."""
    stale = find_stale(wanted, root)
    for name in stale:
        if name in wanted:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(wanted[name], encoding="utf-8", newline="\n")
        else:
            (root / name).unlink()
    return stale


def _server(text: str, project: directories.Project) -> str:
    server = json.loads(text)
    server |= directories.server_fields(project)
    (package,) = server["packages"]
    package["environmentVariables"] = settings_files.registry_variables()
    return indented(server)


def _manifest(text: str, tools: list[Tool], project: directories.Project) -> str:
    manifest = json.loads(text)
    manifest |= directories.bundle_fields(project)
    manifest["server"]["mcp_config"]["env"] = settings_files.bundle_environment()
    manifest["tools"] = [{"name": tool["name"], "description": tool_list.first_line(tool)} for tool in tools]
    manifest["user_config"] = settings_files.bundle_form()
    return indented(manifest)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
