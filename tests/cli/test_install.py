"""`webvoice-mcp install` and `uninstall`, for clients whose file is edited or whose text is printed."""

import json
import os
import stat
import sys
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.cli.client_files import CURSOR, IN_USE, LAUNCHER, PLACES, on_path
from tests.cli.conftest import Command
from tests.wire_driver import environment, running_server
from webvoice_mcp.cli import install, uninstall
from webvoice_mcp.cli._machine import Machine
from webvoice_mcp.cli._snippets import by_hand, by_hand_away, command_line, snippet
from webvoice_mcp.cli.clients import CLIENTS, INSTALLABLE, UVX, Launch, Way

EDITED = tuple(PLACES)
ENTRY = {"command": LAUNCHER, "args": []}
OTHER_ENTRY = b'{"command": "/opt/old/webvoice-mcp", "args": [], "env": {"WEBVOICE_API_KEY": "wv_1"}}'

posix = pytest.mark.skipif(os.name == "nt", reason="the places are those of Linux, as are modes and links")
linux = pytest.mark.skipif(sys.platform != "linux", reason="the places are those of Linux")
pytestmark = linux


def file_of(client: str, home: Path, data: bytes | None = None) -> Path:
    """The client's file, with this in it."""
    path = home / PLACES[client]
    if data is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return path


def backups(path: Path) -> list[bytes]:
    return [each.read_bytes() for each in path.parent.glob(f"{path.name}.bak-*")]


def added_bytes(before: bytes, after: bytes) -> bytes:
    """What was put in, at one place, with nothing else changed."""
    same = next((at for at, byte in enumerate(before) if after[at] != byte), len(before))
    end = len(after) - (len(before) - same)
    assert after[end:] == before[same:]
    return after[same:end]


@pytest.mark.parametrize("client", [name for name in EDITED if name != "lm-studio"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_only_our_entry_is_added_and_taken_out_again(
    command: Command, home: Path, client: str, ends: bytes, mark: bytes
) -> None:
    before = mark + IN_USE[client].replace(b"\n", ends)
    path = file_of(client, home, before)
    path.chmod(0o640)
    code, out, err = command("install", client)
    assert (code, err) == (0, "")
    assert str(path) in out
    after = path.read_bytes()
    ours = added_bytes(before, after)
    assert ours.count(b"\n") == ours.count(ends)
    assert json.loads(b"{" + ours.strip(b", \t\r\n") + b"}") == {"webvoice": ENTRY}
    expected = json.loads(before.decode("utf-8-sig"))
    expected["mcpServers"]["webvoice"] = ENTRY
    assert json.loads(after.decode("utf-8-sig")) == expected
    assert (backups(path), stat.S_IMODE(path.stat().st_mode)) == ([before], 0o640)

    code, out, err = command("uninstall", client)
    assert (code, err) == (0, "")
    assert path.read_bytes() == before
    assert sorted(backups(path)) == sorted([before, after])
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_the_result_looks_as_if_written_by_hand(command: Command, home: Path) -> None:
    path = file_of("cursor", home, CURSOR)
    command("install", "cursor")
    tail = b'    "linear": { "url": "https://mcp.linear.app/mcp" }'
    entry = f',\n    "webvoice": {{\n      "command": "{LAUNCHER}",\n      "args": []\n    }}'.encode()
    assert path.read_bytes() == CURSOR.replace(tail, tail + entry)


@pytest.mark.parametrize("client", EDITED)
@pytest.mark.parametrize("before", [None, b"", b"\n", b"{}", IN_USE["lm-studio"]])
def test_a_client_without_servers_gets_its_first(
    command: Command, home: Path, client: str, before: bytes | None
) -> None:
    path = file_of(client, home, before)
    assert command("install", client).code == 0
    assert json.loads(path.read_bytes()) == {"mcpServers": {"webvoice": ENTRY}}
    assert backups(path) == ([] if before is None else [before])
    if before is None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("client", EDITED)
def test_twice_changes_nothing(command: Command, home: Path, client: str) -> None:
    path = file_of(client, home, IN_USE[client])
    command("install", client)
    once = path.read_bytes(), path.stat().st_ino, len(backups(path))
    code, out, err = command("install", client)
    assert (code, err) == (0, "")
    assert out.startswith("WebVoice is in ")
    assert (path.read_bytes(), path.stat().st_ino, len(backups(path))) == once
    command("uninstall", client)
    once = path.read_bytes(), path.stat().st_ino, len(backups(path))
    code, out, err = command("uninstall", client)
    assert (code, err) == (0, "")
    assert out.startswith("WebVoice is not in ")
    assert (path.read_bytes(), path.stat().st_ino, len(backups(path))) == once


def test_uninstalling_from_a_client_that_is_not_there_makes_nothing(command: Command, home: Path) -> None:
    assert command("uninstall", "cursor").code == 0
    assert not (home / ".cursor").exists()


def with_ours(entry: bytes) -> bytes:
    return CURSOR.replace(b'"mcpServers": {', b'"mcpServers": {\n    "webvoice": ' + entry + b",")


def test_another_entry_of_our_name_is_replaced_only_by_force(command: Command, home: Path) -> None:
    before = with_ours(OTHER_ENTRY)
    path = file_of("cursor", home, before)
    code, out, err = command("install", "cursor")
    assert (code, path.read_bytes(), backups(path)) == (1, before, [])
    assert err == (
        f'webvoice-mcp: {path} was left as it is: it has another entry named "webvoice"; --force replaces it.\n'
    )
    assert LAUNCHER in out
    assert command("install", "cursor", "--force").code == 0
    entry = f'{{\n      "command": "{LAUNCHER}",\n      "args": []\n    }}'.encode()
    assert (path.read_bytes(), backups(path)) == (with_ours(entry), [before])
    assert command("install", "cursor", "--force").code == 0
    assert len(backups(path)) == 1


@pytest.mark.parametrize("more", [{}, {"env": {"WEBVOICE_API_KEY": "wv_1"}, "disabled": True}])
def test_what_a_person_added_to_our_entry_stays(command: Command, home: Path, more: dict[str, Any]) -> None:
    before = with_ours(json.dumps({"command": LAUNCHER, **more}).encode())
    path = file_of("cursor", home, before)
    for words in (["cursor"], ["cursor", "--force"]):
        assert command("install", *words).code == 0
        assert (path.read_bytes(), backups(path)) == (before, [])


@pytest.mark.parametrize("entry", [b"null", b"[]", b'"x"', b'{"url": "https://x.example/mcp"}', b'{"args": []}'])
def test_an_odd_entry_is_another_one(command: Command, home: Path, entry: bytes) -> None:
    path = file_of("cursor", home, with_ours(entry))
    assert command("install", "cursor").code == 1
    assert command("uninstall", "cursor").code == 0
    assert path.read_bytes() == CURSOR.replace(b'"mcpServers": {', b'"mcpServers": {\n   ', 1).replace(
        b'{\n   \n    "github"', b'{\n    "github"'
    )


BROKEN = {
    "a line comment": CURSOR.replace(b'"linear"', b'// tickets\n    "linear"'),
    "a block comment": CURSOR.replace(b'"linear"', b'/* tickets */ "linear"'),
    "a comma too many": CURSOR.replace(b'mcp.linear.app/mcp" }', b'mcp.linear.app/mcp" },'),
    "a missing brace": CURSOR.rstrip()[:-1],
    "one name twice": CURSOR.replace(b'"linear"', b'"github"'),
    "a list": b"[]\n",
    "servers that are a list": b'{"mcpServers": []}\n',
    "another encoding": CURSOR.decode().encode("utf-16"),
    "something else": b"\x00\x01\x02",
}


@pytest.mark.parametrize("verb", ["install", "uninstall"])
@pytest.mark.parametrize("what", BROKEN)
def test_a_file_that_cannot_be_edited_safely_is_left_alone(command: Command, home: Path, what: str, verb: str) -> None:
    path = file_of("cursor", home, BROKEN[what])
    code, out, err = command(verb, "cursor")
    assert code == 1
    assert err.startswith(f"webvoice-mcp: {path} was left as it is: it ") or '"mcpServers" in it' in err
    assert (path.read_bytes(), backups(path), len(list(path.parent.iterdir()))) == (BROKEN[what], [], 1)
    if verb == "install":
        assert json.dumps({"mcpServers": {"webvoice": ENTRY}}, indent=2) in out
        assert INSTALLABLE["cursor"].install_link(Launch(LAUNCHER)) in out
    else:
        assert f'remove "webvoice" under "mcpServers" in {path}' in err


@pytest.mark.parametrize("where", ["file", "folder"])
def test_what_is_read_only_is_left_alone(command: Command, home: Path, where: str) -> None:
    path = file_of("cursor", home, CURSOR)
    (path if where == "file" else path.parent).chmod(0o500)
    code, out, err = command("install", "cursor")
    assert (code, path.read_bytes(), backups(path)) == (1, CURSOR, [])
    assert "is read-only" in err
    assert '"webvoice"' in out


def test_a_link_stays_a_link(command: Command, home: Path) -> None:
    real = home / "dots" / "cursor.json"
    real.parent.mkdir()
    real.write_bytes(CURSOR)
    path = file_of("cursor", home)
    path.parent.mkdir()
    path.symlink_to("../dots/cursor.json")
    assert command("install", "cursor").code == 0
    assert path.readlink() == Path("../dots/cursor.json")
    assert json.loads(real.read_bytes())["mcpServers"]["webvoice"] == ENTRY
    assert (backups(real), backups(path)) == ([CURSOR], [])


def test_two_at_once_lose_nothing(command: Command, home: Path) -> None:
    path = file_of("cursor", home, CURSOR)
    command("install", "zed")  # sets the environment
    start = threading.Barrier(6)

    def work(number: int) -> None:
        start.wait()
        (install if number % 2 else uninstall).run(["cursor"])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    there = json.loads(path.read_bytes())["mcpServers"]
    assert there.pop("webvoice", ENTRY) == ENTRY
    assert there == json.loads(CURSOR)["mcpServers"]
    command("uninstall", "cursor")
    assert path.read_bytes() == CURSOR


def test_what_is_told_to_be_taken_out_is_what_was_there_at_that_moment(command: Command, home: Path) -> None:
    path = file_of("cursor", home, CURSOR)
    command("install", "cursor")
    turn = path.with_name(f".{path.name}.webvoice-lock")
    turn.touch()  # somebody else is at work on the file

    def replace_the_entry() -> None:
        document = json.loads(path.read_bytes())
        document["mcpServers"]["webvoice"] = {"command": "/opt/new/webvoice-mcp"}
        path.write_text(json.dumps(document), "utf-8")
        turn.unlink()

    threading.Timer(0.3, replace_the_entry).start()
    assert 'it was: {"command": "/opt/new/webvoice-mcp"}' in command("uninstall", "cursor").out


def test_an_installation_that_passes_is_started_by_uvx(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(Path(LAUNCHER).parent))
    uvx = home / "bin" / "uvx"
    uvx.parent.mkdir()
    uvx.touch(0o755)
    on_path(monkeypatch, uvx.parent)
    for client in EDITED:
        assert command("install", client).code == 0
        entry = json.loads(file_of(client, home).read_bytes())["mcpServers"]["webvoice"]
        name = str(uvx) if client == "claude-desktop" else "uvx"
        assert entry == {"command": name, "args": ["webvoice-mcp"]}


def test_the_entry_starts_the_server_on_a_bare_path(command: Command, home: Path) -> None:
    command("install", "claude-desktop")
    entry = json.loads(file_of("claude-desktop", home).read_bytes())["mcpServers"]["webvoice"]
    environ = {**environment(home), "PATH": "/usr/bin:/bin"}
    with running_server(environ, [entry["command"], *entry["args"]]) as wire:
        assert "webvoice_tts" in {tool["name"] for tool in wire.result("tools/list")["tools"]}


@pytest.mark.parametrize("client", INSTALLABLE)
def test_printing_changes_nothing(command: Command, home: Path, client: str) -> None:
    code, out, err = command("install", client, "--print", API_KEY="wv_secret_1234567890")
    assert (code, err) == (0, "")
    assert "webvoice" in out
    assert LAUNCHER in out
    assert "wv_" not in out
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("verb", ["install", "uninstall"])
@pytest.mark.parametrize("client", [name for name, each in INSTALLABLE.items() if each.way is Way.PRINTED])
def test_for_some_clients_the_text_is_printed(command: Command, home: Path, client: str, verb: str) -> None:
    code, out, err = command(verb, client)
    assert (code, err) == (0, "")
    assert INSTALLABLE[client].title in out
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("verb", ["install", "uninstall"])
@pytest.mark.parametrize("client", ["emacs", "", "Cursor", "kiro"])
def test_an_unknown_client_gives_2_and_the_list(command: Command, home: Path, client: str, verb: str) -> None:
    code, out, err = command(verb, client)
    assert (code, out) == (2, "")
    assert err.endswith(f"error: unknown client {client!r}; the clients are: {', '.join(INSTALLABLE)}\n")


@pytest.mark.parametrize("words", [[], ["cursor", "zed"], ["cursor", "--loud"], ["cursor", "--fo"]])
@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_other_words_give_2_and_the_usage(command: Command, verb: str, words: list[str]) -> None:
    code, out, err = command(verb, *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"usage: webvoice-mcp {verb} ")


def test_the_key_in_the_environment_goes_into_no_file(command: Command, home: Path) -> None:
    for client in EDITED:
        command("install", client, API_KEY="wv_secret_1234567890")
        assert b"wv_" not in file_of(client, home).read_bytes()


# What is shown to be written by hand.

AWKWARD = Launch('/opt/Bücher "x" \\ y/webvoice-mcp', ("-m", "it's"))


@pytest.mark.parametrize("launch", [UVX, AWKWARD])
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_snippet_holds_the_whole_entry(client: Any, launch: Launch) -> None:
    text = snippet(client, launch)
    if client.name == "codex":
        assert tomllib.loads(text) == {"mcp_servers": {"webvoice": launch.fields}}
    elif client.name in ("goose", "continue"):
        lines = dict(line.strip(" -").split(": ", 1) for line in text.splitlines() if ": " in line)
        assert json.loads(lines["cmd" if client.name == "goose" else "command"]) == launch.command
        assert json.loads(lines["args"]) == list(launch.args)
    else:
        section = {"vscode": "servers", "zed": "context_servers"}.get(client.name, "mcpServers")
        first = {"vscode": {"type": "stdio"}, "claude-code": {"type": "stdio"}, "zed": {"source": "custom"}}
        assert json.loads(text) == {section: {"webvoice": {**first.get(client.name, {}), **launch.fields}}}


def test_yaml_is_as_its_readers_want_it() -> None:
    assert snippet(INSTALLABLE["goose"], UVX) == (
        "extensions:\n  webvoice:\n    name: WebVoice\n    type: stdio\n    enabled: true\n"
        '    cmd: "uvx"\n    args: ["webvoice-mcp"]\n    envs: {}\n    env_keys: []\n    timeout: 300\n'
    )
    assert snippet(INSTALLABLE["continue"], UVX) == (
        'mcpServers:\n  - name: webvoice\n    command: "uvx"\n    args: ["webvoice-mcp"]\n'
    )


def test_a_command_line_is_quoted_for_the_shell_of_the_system() -> None:
    words = INSTALLABLE["vscode"].add_words(UVX)
    definition = '{"name": "webvoice", "command": "uvx", "args": ["webvoice-mcp"]}'
    assert command_line(words, Machine("linux", "~", {})) == f"code --add-mcp '{definition}'"
    quoted = definition.replace('"', '\\"')
    assert command_line(words, Machine("win32", "~", {})) == f'code --add-mcp "{quoted}"'


def test_what_to_do_by_hand_is_told_in_full() -> None:
    path, machine = Path("mcp.json"), Machine("linux", "~", {})
    assert by_hand(INSTALLABLE["zed"], UVX, path, machine) == (
        f"For Zed, put this into mcp.json:\n\n{snippet(INSTALLABLE['zed'], UVX)}\nMore: https://zed.dev/docs/ai/mcp"
    )
    told = by_hand(INSTALLABLE["vscode"], UVX, path, machine)
    assert told.startswith("For VS Code, run:\n\n  code --add-mcp '")
    assert "\n\nor put this into mcp.json:\n\n{" in told
    assert f"\n\nor open {INSTALLABLE['vscode'].install_link()}\n\nMore: " in told
    assert by_hand_away(INSTALLABLE["codex"], path, machine) == (
        'For Codex, run:\n\n  codex mcp remove webvoice\n\nor remove "webvoice" under "mcp_servers" in mcp.json.'
    )
    windows = by_hand(INSTALLABLE["vscode"], UVX, path, Machine("win32", "~", {}))
    assert windows.startswith('For VS Code, run in the Command Prompt:\n\n  code --add-mcp "{')
    assert by_hand_away(INSTALLABLE["vscode"], path, machine) == (
        'For VS Code, remove "webvoice" under "servers" in mcp.json.'
    )


def test_a_command_that_is_nowhere_is_written_with_a_warning(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "launch", lambda *_, **__: UVX)
    on_path(monkeypatch, home)
    code, _, err = command("install", "cursor")
    assert code == 0
    assert err.startswith("webvoice-mcp: uvx is not on this computer, so the client cannot start it yet: install it ")
    assert json.loads(file_of("cursor", home).read_text())["mcpServers"]["webvoice"]["command"] == "uvx"


def test_what_is_taken_out_is_told_without_values_of_its_variables(command: Command, home: Path) -> None:
    path = file_of("cursor", home, b'{"mcpServers": {"webvoice": ' + OTHER_ENTRY + b"}}")
    out = command("uninstall", "cursor").out
    assert 'it was: {"command": "/opt/old/webvoice-mcp", "args": [], "env": {"WEBVOICE_API_KEY": "…"}}' in out.replace(
        "\\u2026", "…"
    )
    assert json.loads(path.read_text()) == {"mcpServers": {}}
    command("install", "cursor")
    assert "it was: {" in command("uninstall", "cursor").out
