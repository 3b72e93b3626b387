"""The table of MCP clients: paths on each system, install links, and the pages generated from it."""

import base64
import json
import re
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import client_pages
from webvoice_mcp.cli.clients.config_files import candidate_paths, find_config_file
from webvoice_mcp.cli.clients.mcp_clients import (
    ENTRY_NAME,
    INSTALLABLE,
    MCP_CLIENTS,
    UVX,
    InstallMethod,
    McpClient,
    ServerCommand,
)
from webvoice_mcp.cli.clients.platforms import Platform

EDITED = ("cursor", "claude-desktop", "windsurf", "lm-studio", "cline")
WITH_COMMAND = ("claude-code", "codex", "gemini", "vscode")
PRINTED = ("zed", "goose", "continue")
LINKED = ("cursor", "lm-studio", "vscode", "goose", "kiro")

LINUX = Platform("linux", "/ann", {})
MACOS = Platform("darwin", "/Users/Ann", {"XDG_CONFIG_HOME": "/nowhere"})
WINDOWS = Platform(
    "win32",
    r"C:\Users\Ann",
    {"APPDATA": r"C:\Users\Ann\AppData\Roaming", "LOCALAPPDATA": r"C:\Users\Ann\AppData\Local"},
)

# The path, relative to the home folder, where each client's file is created on Linux, macOS and Windows.
PATHS = {
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


def find_client(name: str) -> McpClient:
    (found,) = (client for client in MCP_CLIENTS if client.name == name)
    return found


def test_each_client_is_configured_by_its_method() -> None:
    names = {
        method: tuple(client.name for client in MCP_CLIENTS if client.method is method) for method in InstallMethod
    }
    assert names == {
        InstallMethod.EDIT_FILE: EDITED,
        InstallMethod.RUN_COMMAND: WITH_COMMAND,
        InstallMethod.PRINT: PRINTED,
        InstallMethod.LINK_ONLY: ("kiro",),
    }
    assert tuple(INSTALLABLE) == (*EDITED, *WITH_COMMAND, *PRINTED)


def test_each_file_is_created_where_its_client_reads_it() -> None:
    for client in MCP_CLIENTS:
        linux, macos, windows = (candidate_paths(client, platform)[-1] for platform in (LINUX, MACOS, WINDOWS))
        expected = PATHS[client.name]
        assert PurePosixPath(linux) == PurePosixPath("/ann", expected[0])
        assert PurePosixPath(macos) == PurePosixPath("/Users/Ann", expected[1])
        assert PureWindowsPath(windows) == PureWindowsPath(r"C:\Users\Ann", expected[2])


@pytest.mark.parametrize(
    ("name", "variable", "system", "expected"),
    [
        ("zed", "XDG_CONFIG_HOME", "linux", "/x/zed/settings.json"),
        ("claude-desktop", "APPDATA", "win32", "/x/Claude/claude_desktop_config.json"),
        ("claude-code", "CLAUDE_CONFIG_DIR", "linux", "/x/.claude.json"),
        ("codex", "CODEX_HOME", "darwin", "/x/config.toml"),
        ("gemini", "GEMINI_CLI_HOME", "win32", "/x/.gemini/settings.json"),
    ],
)
def test_a_variable_moves_a_client_s_folder(name: str, variable: str, system: str, expected: str) -> None:
    client = find_client(name)
    assert candidate_paths(client, Platform(system, "/ann", {variable: "/x"}))[-1] == expected
    assert candidate_paths(client, Platform(system, "/ann", {variable: ""}))[-1] != expected


def test_an_existing_file_is_preferred_to_an_existing_folder(tmp_path: Path) -> None:
    platform = Platform("linux", str(tmp_path), {})
    windsurf = find_client("windsurf")
    old, new = tmp_path / ".codeium/windsurf/mcp_config.json", tmp_path / ".config/devin/mcp_config.json"
    assert find_config_file(windsurf, platform) == old
    new.parent.mkdir(parents=True)
    assert find_config_file(windsurf, platform) == new
    old.parent.mkdir(parents=True)
    old.touch()
    assert find_config_file(windsurf, platform) == old
    new.touch()
    assert find_config_file(windsurf, platform) == new


def test_claude_desktop_as_a_windows_package_has_a_private_folder(tmp_path: Path) -> None:
    platform = Platform("win32", str(tmp_path), {})
    usual = tmp_path / "AppData/Roaming/Claude/claude_desktop_config.json"
    private = (
        tmp_path / "AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude/claude_desktop_config.json"
    )
    assert find_config_file(find_client("claude-desktop"), platform) == usual
    private.parent.mkdir(parents=True)
    assert find_config_file(find_client("claude-desktop"), platform) == private


def decode_link(name: str, link: str) -> tuple[str, Any]:
    """Return the entry's name and fields from a link, decoded as the client does."""
    query = parse_qs(urlsplit(link).query, strict_parsing=True)
    if name == "goose":
        assert query["id"] == [ENTRY_NAME]
        assert query["description"]
        return ENTRY_NAME, {"command": query["cmd"][0], "args": query.get("arg", [])}
    (config,) = query["config"]
    text = base64.b64decode(config, validate=True).decode() if name in ("cursor", "lm-studio") else config
    return query["name"][0], json.loads(text)


def test_a_link_contains_the_entry_and_no_secret() -> None:
    for server in (UVX, ServerCommand("/opt/Bücher & más/webvoice-mcp"), ServerCommand(r"C:\a b\x.exe", ("-m", "+/?"))):
        for name in LINKED:
            link = find_client(name).install_link(server)
            assert urlsplit(link).scheme == "https"
            assert re.fullmatch(r"[!-~]+", link)
            assert not set(link) & set("()<>\"'` ")
            entry = {**find_client(name).extra_fields, "command": server.command, "args": list(server.args)}
            assert decode_link(name, link) == (ENTRY_NAME, entry)
            assert "key" not in link.lower()


def test_other_clients_have_no_link() -> None:
    assert [client.name for client in MCP_CLIENTS if client.install_link()] == [
        name for name in PATHS if name in LINKED
    ]


def test_the_links_in_the_readme_are_those_of_the_table() -> None:
    line = client_pages.install_links((client_pages.ROOT / "README.md").read_text(encoding="utf-8"))
    links = dict(re.findall(r"\[([^]]+)\]\(([^)]+)\)", line))
    assert links == {find_client(name).title: find_client(name).install_link() for name in LINKED}
    assert find_client("vscode").extra_fields == {"type": "stdio"}  # its documentation requires this field


def test_the_pages_are_up_to_date() -> None:
    assert client_pages.outdated() == [], f"run: {client_pages.COMMAND}"


def test_outdated_pages_are_renewed(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    readme = (client_pages.ROOT / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(readme.replace(client_pages.install_links(readme), "old\n"), encoding="utf-8")
    assert client_pages.renew(tmp_path) == ["README.md", "docs/CLIENTS.md"]
    assert client_pages.renew(tmp_path) == []
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == readme
