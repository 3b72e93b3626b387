"""`webvoice-mcp install` and `uninstall` for clients whose file is edited, and for those with printed instructions."""

import json
import stat
import sys
import threading
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.client_files import CURSOR, EXAMPLES, LAUNCHER, PATHS, on_path
from tests.cli.conftest import Command
from tests.wire_driver import environment, running_server
from webvoice_mcp.cli.clients import install
from webvoice_mcp.cli.clients.mcp_clients import INSTALLABLE, MCP_CLIENTS, UVX, InstallMethod, ServerCommand
from webvoice_mcp.cli.clients.platforms import Platform
from webvoice_mcp.cli.clients.snippets import config_snippet, explain_install, explain_uninstall, quote_command

EDITED = tuple(PATHS)
ENTRY = {"command": LAUNCHER, "args": []}
OTHER_ENTRY = b'{"command": "/opt/old/webvoice-mcp", "args": [], "env": {"WEBVOICE_API_KEY": "wv_1"}}'

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the paths are those of Linux")


def config_file(client: str, home: Path, data: bytes | None = None) -> Path:
    """Return the path of the client's file, after writing it if there is data."""
    path = home / PATHS[client]
    if data is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return path


def read_backups(path: Path) -> list[bytes]:
    return [backup.read_bytes() for backup in path.parent.glob(f"{path.name}.bak-*")]


def inserted_bytes(before: bytes, after: bytes) -> bytes:
    """Return the bytes that were inserted in one place, after checking that all other bytes are the same."""
    start = next((offset for offset, byte in enumerate(before) if after[offset] != byte), len(before))
    end = len(after) - (len(before) - start)
    assert after[end:] == before[start:]
    return after[start:end]


@pytest.mark.parametrize(
    ("client", "newline", "mark"),
    [
        ("cursor", b"\n", b""),
        ("claude-desktop", b"\r\n", b""),
        ("windsurf", b"\n", b"\xef\xbb\xbf"),
        ("cline", b"\r\n", b"\xef\xbb\xbf"),
    ],
)
def test_only_our_entry_is_added_and_removed_again(
    command: Command, home: Path, client: str, newline: bytes, mark: bytes
) -> None:
    before = mark + EXAMPLES[client].replace(b"\n", newline)
    path = config_file(client, home, before)
    path.chmod(0o640)
    code, out, err = command("install", client)
    assert (code, err) == (0, "")
    assert str(path) in out
    after = path.read_bytes()
    inserted = inserted_bytes(before, after)
    assert inserted.count(b"\n") == inserted.count(newline)
    assert json.loads(b"{" + inserted.strip(b", \t\r\n") + b"}") == {"webvoice": ENTRY}
    expected = json.loads(before.decode("utf-8-sig"))
    expected["mcpServers"]["webvoice"] = ENTRY
    assert json.loads(after.decode("utf-8-sig")) == expected
    assert (read_backups(path), stat.S_IMODE(path.stat().st_mode)) == ([before], 0o640)

    code, out, err = command("uninstall", client)
    assert (code, err) == (0, "")
    assert path.read_bytes() == before
    assert read_backups(path) == [after]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_the_new_entry_follows_the_layout_of_the_file(command: Command, home: Path) -> None:
    path = config_file("cursor", home, CURSOR)
    command("install", "cursor")
    tail = b'    "linear": { "url": "https://mcp.linear.app/mcp" }'
    entry = f',\n    "webvoice": {{\n      "command": "{LAUNCHER}",\n      "args": []\n    }}'.encode()
    assert path.read_bytes() == CURSOR.replace(tail, tail + entry)


@pytest.mark.parametrize("before", [None, EXAMPLES["lm-studio"]], ids=["no file", "no servers"])
def test_a_client_without_servers_gets_our_entry(command: Command, home: Path, before: bytes | None) -> None:
    for client in EDITED:
        path = config_file(client, home, before)
        assert command("install", client).code == 0
        assert json.loads(path.read_bytes()) == {"mcpServers": {"webvoice": ENTRY}}
        assert read_backups(path) == ([] if before is None else [before])
        if before is None:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_second_run_changes_nothing(command: Command, home: Path) -> None:
    path = config_file("cursor", home, CURSOR)
    for verb, sentence in (("install", "WebVoice is already in "), ("uninstall", "WebVoice is not in ")):
        command(verb, "cursor")
        state = path.read_bytes(), path.stat().st_ino, len(read_backups(path))
        code, out, err = command(verb, "cursor")
        assert (code, err) == (0, "")
        assert out.startswith(sentence)
        assert (path.read_bytes(), path.stat().st_ino, len(read_backups(path))) == state


def test_uninstalling_without_a_file_creates_none(command: Command, home: Path) -> None:
    assert command("uninstall", "cursor").code == 0
    assert not (home / ".cursor").exists()


def insert_entry(entry: bytes) -> bytes:
    return CURSOR.replace(b'"mcpServers": {', b'"mcpServers": {\n    "webvoice": ' + entry + b",")


def test_a_different_entry_is_replaced_only_with_force(command: Command, home: Path) -> None:
    before = insert_entry(OTHER_ENTRY)
    path = config_file("cursor", home, before)
    code, out, err = command("install", "cursor")
    assert (code, path.read_bytes(), read_backups(path)) == (1, before, [])
    assert err == (
        f'webvoice-mcp: {path} was not changed: it has a different entry named "webvoice"; --force replaces it.\n'
    )
    assert LAUNCHER in out
    assert command("install", "cursor", "--force").code == 0
    entry = f'{{\n      "command": "{LAUNCHER}",\n      "args": []\n    }}'.encode()
    assert (path.read_bytes(), read_backups(path)) == (insert_entry(entry), [before])
    assert command("install", "cursor", "--force").code == 0
    assert len(read_backups(path)) == 1


def test_fields_that_a_user_added_to_our_entry_stay(command: Command, home: Path) -> None:
    before = insert_entry(
        json.dumps({"command": LAUNCHER, "env": {"WEBVOICE_API_KEY": "wv_1"}, "disabled": True}).encode()
    )
    path = config_file("cursor", home, before)
    for words in (["cursor"], ["cursor", "--force"]):
        assert command("install", *words).code == 0
        assert (path.read_bytes(), read_backups(path)) == (before, [])


@pytest.mark.parametrize("entry", [b"null", b'{"args": []}'])
def test_an_unusual_entry_counts_as_a_different_one(command: Command, home: Path, entry: bytes) -> None:
    path = config_file("cursor", home, insert_entry(entry))
    assert command("install", "cursor").code == 1
    assert command("uninstall", "cursor").code == 1
    assert path.read_bytes() == insert_entry(entry)


@pytest.mark.parametrize(
    "entry", [b'{"command": "npx", "args": ["-y", "webvoice-player"]}', b'{"url": "https://x.example"}']
)
def test_another_server_of_our_name_is_not_removed(command: Command, home: Path, entry: bytes) -> None:
    path = config_file("cursor", home, insert_entry(entry))
    code, out, err = command("uninstall", "cursor")
    assert (code, out, path.read_bytes(), read_backups(path)) == (1, "", insert_entry(entry), [])
    assert err == (
        f'webvoice-mcp: {path} was not changed: its entry "webvoice" does not run webvoice-mcp. If you do not need it,'
        f' remove it by hand.\nFor Cursor, remove "webvoice" under "mcpServers" in {path}.\n'
    )


@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_a_file_with_comments_is_not_changed(command: Command, home: Path, verb: str) -> None:
    before = CURSOR.replace(b'"linear"', b'// tickets\n    "linear"')
    path = config_file("cursor", home, before)
    code, out, err = command(verb, "cursor")
    assert code == 1
    assert err.startswith(f"webvoice-mcp: {path} was not changed: it has comments or is not valid JSON (line 8, ")
    assert (path.read_bytes(), [file.name for file in path.parent.iterdir()]) == (before, [path.name])
    if verb == "install":
        assert json.dumps({"mcpServers": {"webvoice": ENTRY}}, indent=2) in out
        assert INSTALLABLE["cursor"].install_link(ServerCommand(LAUNCHER)) in out
    else:
        assert f'remove "webvoice" under "mcpServers" in {path}' in err


def test_the_entry_shown_after_removal_is_the_one_removed(command: Command, home: Path) -> None:
    path = config_file("cursor", home, CURSOR)
    command("install", "cursor")
    lock_file = path.with_name(f".{path.name}.webvoice-lock")
    lock_file.touch()  # another process is editing the file

    def replace_entry() -> None:
        document = json.loads(path.read_bytes())
        document["mcpServers"]["webvoice"] = {"command": "/opt/new/webvoice-mcp"}
        path.write_text(json.dumps(document), "utf-8")
        lock_file.unlink()

    threading.Timer(0.3, replace_entry).start()
    assert 'The entry was: {"command": "/opt/new/webvoice-mcp"}' in command("uninstall", "cursor").out


def test_the_removed_entry_is_shown_without_its_variables_values(command: Command, home: Path) -> None:
    path = config_file("cursor", home, b'{"mcpServers": {"webvoice": ' + OTHER_ENTRY + b"}}")
    out = command("uninstall", "cursor").out
    assert 'was: {"command": "/opt/old/webvoice-mcp", "args": [], "env": {"WEBVOICE_API_KEY": "…"}}' in out
    assert json.loads(path.read_text()) == {"mcpServers": {}}


def test_a_temporary_installation_is_started_with_uvx(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(Path(LAUNCHER).parent))
    uvx = home / "bin" / "uvx"
    uvx.parent.mkdir()
    uvx.touch(0o755)
    on_path(monkeypatch, uvx.parent)
    for client in EDITED:
        assert command("install", client).code == 0
        entry = json.loads(config_file(client, home).read_bytes())["mcpServers"]["webvoice"]
        name = str(uvx) if client == "claude-desktop" else "uvx"
        assert entry == {"command": name, "args": ["webvoice-mcp"]}


def test_a_missing_uvx_is_written_with_a_warning(command: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "choose_server_command", lambda *_, **__: UVX)
    on_path(monkeypatch, home)
    code, _, err = command("install", "cursor")
    assert code == 0
    assert err.startswith("webvoice-mcp: uvx is not on this computer, so the client cannot start the server yet: ")
    entry = json.loads(config_file("cursor", home).read_bytes())["mcpServers"]["webvoice"]
    assert entry["command"] == "uvx"


@pytest.mark.slow
@pytest.mark.untraced
def test_the_entry_starts_the_server_with_a_short_path(command: Command, home: Path) -> None:
    command("install", "claude-desktop")
    entry = json.loads(config_file("claude-desktop", home).read_bytes())["mcpServers"]["webvoice"]
    environ = {**environment(home), "PATH": "/usr/bin:/bin"}
    with running_server(environ, [entry["command"], *entry["args"]]) as wire:
        assert "webvoice_tts" in {tool["name"] for tool in wire.result("tools/list")["tools"]}


def test_printing_changes_nothing_and_shows_no_key(command: Command, home: Path) -> None:
    for client in INSTALLABLE:
        code, out, err = command("install", client, "--print", API_KEY="wv_secret_1234567890")
        assert (code, err) == (0, "")
        assert "webvoice" in out
        assert LAUNCHER in out
        assert "wv_" not in out
    assert list(home.iterdir()) == []


def test_for_some_clients_the_text_is_only_printed(command: Command, home: Path) -> None:
    for client in (client for client in INSTALLABLE.values() if client.method is InstallMethod.PRINT):
        for verb in ("install", "uninstall"):
            code, out, err = command(verb, client.name)
            assert (code, err) == (0, "")
            assert out.startswith(f"For {client.title}, ")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_an_unknown_client_exits_with_2_and_the_list(command: Command, home: Path, verb: str) -> None:
    code, out, err = command(verb, "kiro")
    assert (code, out) == (2, "")
    assert err.startswith(f"usage: webvoice-mcp {verb} ")
    assert "argument CLIENT: invalid choice: 'kiro'" in err
    assert all(name in err for name in INSTALLABLE)


def test_the_key_in_the_environment_is_written_to_no_file(command: Command, home: Path) -> None:
    for client in EDITED:
        command("install", client, API_KEY="wv_secret_1234567890")
        assert b"wv_" not in config_file(client, home).read_bytes()


# Instructions for the user

_words = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=20)


@given(st.builds(ServerCommand, _words, st.lists(_words, max_size=3).map(tuple)))
def test_a_snippet_contains_the_whole_entry(server: ServerCommand) -> None:
    for client in MCP_CLIENTS:
        text = config_snippet(client, server)
        if client.name == "codex":
            assert tomllib.loads(text) == {"mcp_servers": {"webvoice": server.fields}}
        elif client.name in ("goose", "continue"):
            lines = dict(line.strip(" -").split(": ", 1) for line in text.split("\n") if ": " in line)
            assert json.loads(lines["cmd" if client.name == "goose" else "command"]) == server.command
            assert json.loads(lines["args"]) == list(server.args)
        else:
            section = {"vscode": "servers", "zed": "context_servers"}.get(client.name, "mcpServers")
            extra = {"vscode": {"type": "stdio"}, "claude-code": {"type": "stdio"}, "zed": {"source": "custom"}}
            assert json.loads(text) == {section: {"webvoice": {**extra.get(client.name, {}), **server.fields}}}


def test_yaml_has_the_fields_that_its_readers_require() -> None:
    assert config_snippet(INSTALLABLE["goose"], UVX) == (
        "extensions:\n  webvoice:\n    name: WebVoice\n    type: stdio\n    enabled: true\n"
        '    cmd: "uvx"\n    args: ["webvoice-mcp"]\n    envs: {}\n    env_keys: []\n    timeout: 300\n'
    )
    assert config_snippet(INSTALLABLE["continue"], UVX) == (
        'mcpServers:\n  - name: webvoice\n    command: "uvx"\n    args: ["webvoice-mcp"]\n'
    )


def test_a_command_line_is_quoted_for_the_system_s_shell() -> None:
    argv = INSTALLABLE["vscode"].create_add_argv(UVX)
    definition = '{"name": "webvoice", "command": "uvx", "args": ["webvoice-mcp"]}'
    assert quote_command(argv, Platform("linux", "~", {})) == f"code --add-mcp '{definition}'"
    quoted = definition.replace('"', '\\"')
    assert quote_command(argv, Platform("win32", "~", {})) == f'code --add-mcp "{quoted}"'


def test_the_instructions_name_file_command_and_link() -> None:
    path, linux = Path("mcp.json"), Platform("linux", "~", {})
    zed, vscode, codex = (INSTALLABLE[name] for name in ("zed", "vscode", "codex"))
    assert explain_install(zed, UVX, path, linux) == (
        f"For Zed, write this to mcp.json:\n\n{config_snippet(zed, UVX)}\nMore: https://zed.dev/docs/ai/mcp"
    )
    text = explain_install(vscode, UVX, path, linux)
    assert text.startswith("For VS Code, run:\n\n  code --add-mcp '")
    assert "\n\nor write this to mcp.json:\n\n{" in text
    assert f"\n\nor open {vscode.install_link()}\n\nMore: " in text
    assert explain_uninstall(codex, path, linux) == (
        'For Codex, run:\n\n  codex mcp remove webvoice\n\nor remove "webvoice" under "mcp_servers" in mcp.json.'
    )
    on_windows = explain_install(vscode, UVX, path, Platform("win32", "~", {}))
    assert on_windows.startswith('For VS Code, run in the Command Prompt:\n\n  code --add-mcp "{')
    assert explain_uninstall(vscode, path, linux) == 'For VS Code, remove "webvoice" under "servers" in mcp.json.'
