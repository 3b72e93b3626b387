"""The table of clients: paths on each system, links, and the pages made from it."""

import base64
import json
import re
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests import client_pages
from webvoice_mcp.cli._config import candidates, config_file
from webvoice_mcp.cli._machine import Machine
from webvoice_mcp.cli.clients import CLIENTS, INSTALLABLE, NAME, UVX, Client, Launch, Way

EDITED = ("cursor", "claude-desktop", "windsurf", "lm-studio", "cline")
COMMANDED = ("claude-code", "codex", "gemini", "vscode")
PRINTED = ("zed", "goose", "continue")
LINKED = ("cursor", "lm-studio", "vscode", "goose", "kiro")

LINUX = Machine("linux", "/ann", {})
MAC = Machine("darwin", "/Users/Ann", {"XDG_CONFIG_HOME": "/nowhere"})
WINDOWS = Machine(
    "win32",
    r"C:\Users\Ann",
    {"APPDATA": r"C:\Users\Ann\AppData\Roaming", "LOCALAPPDATA": r"C:\Users\Ann\AppData\Local"},
)

# The places where each is made: on Linux and macOS under the home folder, and on Windows under the person's.
PLACES = {
    "cursor": (".cursor/mcp.json", ".cursor/mcp.json", r".cursor\mcp.json"),
    "claude-desktop": (
        ".config/Claude/claude_desktop_config.json",
        "Library/Application Support/Claude/claude_desktop_config.json",
        r"AppData\Roaming\Claude\claude_desktop_config.json",
    ),
    "windsurf": (
        ".codeium/windsurf/mcp_config.json",
        ".codeium/windsurf/mcp_config.json",
        r".codeium\windsurf\mcp_config.json",
    ),
    "lm-studio": (".lmstudio/mcp.json", ".lmstudio/mcp.json", r".lmstudio\mcp.json"),
    "cline": (
        ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
        "Library/Application Support/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
        r"AppData\Roaming\Code\User\globalStorage\saoudrizwan.claude-dev\settings\cline_mcp_settings.json",
    ),
    "claude-code": (".claude.json", ".claude.json", ".claude.json"),
    "codex": (".codex/config.toml", ".codex/config.toml", r".codex\config.toml"),
    "gemini": (".gemini/settings.json", ".gemini/settings.json", r".gemini\settings.json"),
    "vscode": (
        ".config/Code/User/mcp.json",
        "Library/Application Support/Code/User/mcp.json",
        r"AppData\Roaming\Code\User\mcp.json",
    ),
    "zed": (".config/zed/settings.json", ".config/zed/settings.json", r"AppData\Roaming\Zed\settings.json"),
    "goose": (
        ".config/goose/config.yaml",
        ".config/goose/config.yaml",
        r"AppData\Roaming\Block\goose\config\config.yaml",
    ),
    "continue": (".continue/config.yaml", ".continue/config.yaml", r".continue\config.yaml"),
    "kiro": (".kiro/settings/mcp.json", ".kiro/settings/mcp.json", r".kiro\settings\mcp.json"),
}


def client(name: str) -> Client:
    (found,) = (each for each in CLIENTS if each.name == name)
    return found


def test_the_clients_are_those_of_the_commands_and_configured_as_they_should_be() -> None:
    ways = {way: tuple(each.name for each in CLIENTS if each.way is way) for way in Way}
    assert ways == {Way.EDITED: EDITED, Way.COMMAND: COMMANDED, Way.PRINTED: PRINTED, Way.LINKED: ("kiro",)}
    assert tuple(INSTALLABLE) == (*EDITED, *COMMANDED, *PRINTED)


@pytest.mark.parametrize("name", PLACES)
def test_each_file_is_made_where_its_client_looks_for_it(name: str) -> None:
    linux, mac, windows = (candidates(client(name), each)[-1] for each in (LINUX, MAC, WINDOWS))
    assert PurePosixPath(linux) == PurePosixPath("/ann", PLACES[name][0])
    assert PurePosixPath(mac) == PurePosixPath("/Users/Ann", PLACES[name][1])
    assert PureWindowsPath(windows) == PureWindowsPath(r"C:\Users\Ann", PLACES[name][2])


@pytest.mark.parametrize(
    ("name", "variable", "system", "expected"),
    [
        ("claude-desktop", "XDG_CONFIG_HOME", "linux", "/x/Claude/claude_desktop_config.json"),
        ("zed", "XDG_CONFIG_HOME", "linux", "/x/zed/settings.json"),
        ("claude-desktop", "APPDATA", "win32", "/x/Claude/claude_desktop_config.json"),
        ("claude-code", "CLAUDE_CONFIG_DIR", "linux", "/x/.claude.json"),
        ("codex", "CODEX_HOME", "darwin", "/x/config.toml"),
        ("gemini", "GEMINI_CLI_HOME", "win32", "/x/.gemini/settings.json"),
    ],
)
def test_variables_that_move_a_client_s_folder_are_heeded(name: str, variable: str, system: str, expected: str) -> None:
    assert candidates(client(name), Machine(system, "/ann", {variable: "/x"}))[-1] == expected
    assert candidates(client(name), Machine(system, "/ann", {variable: ""}))[-1] != expected


def made(*parts: str | Path) -> Path:
    path = Path(*parts)
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def test_a_file_that_exists_goes_before_a_folder_and_a_folder_before_nothing(tmp_path: Path) -> None:
    machine = Machine("linux", str(tmp_path), {})
    windsurf = client("windsurf")
    assert config_file(windsurf, machine) == tmp_path / ".codeium/windsurf/mcp_config.json"
    (tmp_path / ".config/devin").mkdir(parents=True)
    assert config_file(windsurf, machine) == tmp_path / ".config/devin/mcp_config.json"
    old = made(tmp_path, ".codeium/windsurf/mcp_config.json")
    assert config_file(windsurf, machine) == old
    (tmp_path / ".config/devin/mcp_config.json").touch()
    assert config_file(windsurf, machine) == tmp_path / ".config/devin/mcp_config.json"


def test_claude_desktop_as_a_windows_package_has_a_folder_of_its_own(tmp_path: Path) -> None:
    machine = Machine("win32", str(tmp_path), {})
    usual = tmp_path / "AppData/Roaming/Claude/claude_desktop_config.json"
    own = tmp_path / "AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude/claude_desktop_config.json"
    assert config_file(client("claude-desktop"), machine) == usual
    own.parent.mkdir(parents=True)
    assert config_file(client("claude-desktop"), machine) == own


def decoded(name: str, link: str) -> tuple[str, Any]:
    """The name and the launched command that a link carries, taken apart as its client does."""
    query = parse_qs(urlsplit(link).query, strict_parsing=True)
    if name == "goose":
        assert query["id"] == [NAME]
        assert query["description"]
        return NAME, {"command": query["cmd"][0], "args": query.get("arg", [])}
    (config,) = query["config"]
    text = base64.b64decode(config, validate=True).decode() if name in ("cursor", "lm-studio") else config
    return query["name"][0], json.loads(text)


@pytest.mark.parametrize(
    "launch", [UVX, Launch("/opt/Bücher & más/webvoice-mcp"), Launch(r"C:\a b\x.exe", ("-m", "+/?"))]
)
@pytest.mark.parametrize("name", LINKED)
def test_a_link_carries_the_entry_and_nothing_secret(name: str, launch: Launch) -> None:
    link = client(name).install_link(launch)
    assert urlsplit(link).scheme == "https"
    assert re.fullmatch(r"[!-~]+", link)
    assert not set(link) & set("()<>\"'` ")
    assert decoded(name, link) == (NAME, {**client(name).first, "command": launch.command, "args": list(launch.args)})
    assert "key" not in link.lower()


def test_the_others_have_no_link() -> None:
    assert [each.name for each in CLIENTS if each.install_link()] == [name for name in PLACES if name in LINKED]


def test_the_links_in_the_readme_are_those_of_the_table() -> None:
    line = client_pages.buttons((client_pages.ROOT / "README.md").read_text(encoding="utf-8"))
    links = dict(re.findall(r"\[([^]]+)\]\(([^)]+)\)", line))
    assert links == {client(name).title: client(name).install_link() for name in LINKED}
    for name in LINKED:
        entry = {**client(name).first, "command": "uvx", "args": ["webvoice-mcp"]}
        assert decoded(name, links[client(name).title]) == (NAME, entry)
    assert client("vscode").first == {"type": "stdio"}  # which its documentation requires


def test_the_pages_are_those_of_the_table() -> None:
    assert client_pages.stale() == [], f"run: {client_pages.COMMAND}"


def test_stale_pages_are_written_anew(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    readme = (client_pages.ROOT / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(readme.replace(client_pages.buttons(readme), "old\n"), encoding="utf-8")
    assert client_pages.renew(tmp_path) == ["README.md", "docs/CLIENTS.md"]
    assert client_pages.renew(tmp_path) == []
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == readme
