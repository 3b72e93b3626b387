"""`webvoice-mcp install --env` and `--media`: variables and the extra in the entry of every client."""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.cli.client_files import LAUNCHER, PATHS, on_path
from tests.cli.conftest import Command
from tests.cli.test_install import insert_entry
from tests.cli.test_install_vendors import ADD, FILES, OURS, REMOVE, FakePrograms, config_file
from webvoice_mcp.cli.clients import server_command
from webvoice_mcp.cli.clients.mcp_clients import INSTALLABLE, MCP_CLIENTS, UVX, UVX_WITH_MEDIA, ServerCommand
from webvoice_mcp.cli.clients.platforms import Platform
from webvoice_mcp.cli.clients.server_command import describe_media
from webvoice_mcp.cli.clients.snippets import config_snippet, explain_install
from webvoice_mcp.settings import SETTINGS
from webvoice_mcp.studio import extra

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the paths are those of Linux")

WORDS = ["--env", "WEBVOICE_MAX_CREDITS=5", "--env", "HTTPS_PROXY=http://proxy.example:8080"]
VARIABLES = {"HTTPS_PROXY": "http://proxy.example:8080", "WEBVOICE_MAX_CREDITS": "5"}
PAIRS = [f"{name}={value}" for name, value in VARIABLES.items()]
ENTRY = {"command": LAUNCHER, "args": [], "env": VARIABLES}
CURSOR_FILE = ".cursor/mcp.json"
KEY = "wv_secret_1234567890"


@pytest.fixture
def programs(home: Path, monkeypatch: pytest.MonkeyPatch) -> FakePrograms:
    programs = FakePrograms(home / "bin")
    on_path(monkeypatch, programs.folder)
    return programs


def write_cursor(home: Path, entry: dict[str, Any]) -> Path:
    """Write Cursor's file with an entry of ours."""
    path = home / CURSOR_FILE
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(insert_entry(json.dumps(entry).encode()))
    return path


def read_entry(path: Path) -> Any:
    return json.loads(path.read_bytes())["mcpServers"]["webvoice"]


# Where the variables go


@pytest.mark.parametrize("client", PATHS)
def test_variables_are_written_and_written_only_once(command: Command, home: Path, client: str) -> None:
    path = home / PATHS[client]
    assert command("install", client, *WORDS).code == 0
    assert read_entry(path) == ENTRY
    before = path.read_bytes()
    code, out, _ = command("install", client, *WORDS)
    assert (code, path.read_bytes()) == (0, before)
    assert "already" in out
    assert command("install", client).code == 0
    assert path.read_bytes() == before


def test_a_client_s_own_command_gets_the_variables(command: Command, programs: FakePrograms) -> None:
    options = {"claude-code": "-e", "codex": "--env", "gemini": "-e"}
    for client, argv in ADD.items():
        assert command("install", client, *WORDS).code == 0
        (call,) = [call for call in programs.calls if call[0] == argv[0]]
        if client == "vscode":
            assert json.loads(call[-1]) == {"name": "webvoice", **ENTRY}
            continue
        given = [word for pair in PAIRS for word in (options[client], pair)]
        assert [word for word in call if word not in given] == argv
        start = call.index(given[0])
        assert call[start : start + len(given)] == given


def test_every_snippet_and_link_has_the_variables() -> None:
    server = ServerCommand("/x/webvoice-mcp", env=tuple(VARIABLES.items()))
    for client in MCP_CLIENTS:
        text = config_snippet(client, server)
        if client.name == "codex":
            assert tomllib.loads(text)["mcp_servers"]["webvoice"]["env"] == VARIABLES
        elif client.name in ("goose", "continue"):
            name = {"goose": "envs", "continue": "env"}[client.name]
            (line,) = re.findall(rf"^    {name}: (.*)$", text, re.MULTILINE)
            assert json.loads(line) == VARIABLES
        else:
            assert json.loads(text)[client.section]["webvoice"]["env"] == VARIABLES
        instructions = explain_install(client, server, Path("file"), Platform("linux", "~", {}))
        # In Goose's link a variable has a description where others have a value.
        assert ("or open " in instructions) is (bool(client.link_template) and client.name != "goose")


def test_printing_shows_the_variables_for_every_client(command: Command, home: Path) -> None:
    for client in INSTALLABLE:
        code, out, err = command("install", client, "--print", *WORDS)
        assert (code, err) == (0, "")
        assert all(name in out and value in out for name, value in VARIABLES.items())
    assert list(home.iterdir()) == []


# An entry that is there already


def test_a_variable_is_added_and_the_rest_of_our_entry_stays(command: Command, home: Path) -> None:
    entry = {"disabled": True, "command": LAUNCHER, "env": {"WEBVOICE_API_KEY": KEY}}
    path = write_cursor(home, entry)
    code, out, err = command("install", "cursor", *WORDS)
    assert (code, err) == (0, "")
    assert "wv_" not in out
    expected = {**entry, "env": {"WEBVOICE_API_KEY": KEY, **VARIABLES}}
    assert list(read_entry(path).items()) == list(expected.items())


@pytest.mark.parametrize("env", [{"WEBVOICE_MAX_CREDITS": "7", "A": "b"}, "text"])
def test_another_value_is_replaced_only_with_force(command: Command, home: Path, env: Any) -> None:
    path = write_cursor(home, {"command": LAUNCHER, "env": env})
    before = path.read_bytes()
    code, _, err = command("install", "cursor", *WORDS)
    assert (code, path.read_bytes()) == (1, before)
    assert err.endswith('its entry named "webvoice" has other variables; --force replaces them.\n')
    assert command("install", "cursor", *WORDS, "--force").code == 0
    kept = {"A": "b"} if isinstance(env, dict) else {}
    assert read_entry(path)["env"] == VARIABLES | kept


@pytest.mark.parametrize("client", ADD)
def test_a_client_s_own_command_replaces_variables_only_with_force(
    command: Command, programs: FakePrograms, home: Path, client: str
) -> None:
    config_file(client, home, OURS[client])
    code, _, err = command("install", client, *WORDS)
    assert (code, programs.calls) == (1, [])
    assert f"{home / FILES[client]} was not changed: its entry named" in err
    assert command("install", client, *WORDS, "--force").code == 0
    assert [call[:3] for call in programs.calls] == [
        words[:3] if client != "vscode" else [*words[:2], programs.calls[-1][2]]
        for words in ([REMOVE[client]] if client in REMOVE else []) + [ADD[client]]
    ]


# What is refused


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([f"WEBVOICE_API_KEY={KEY}"], "--env does not take WEBVOICE_API_KEY. A key is never written into a client's"),
        (["webvoice_api_key=x"], "--env does not take WEBVOICE_API_KEY. "),
        ([f"WEBVOICE_OUTPUT_DIR=/x/{KEY}"], "The value of WEBVOICE_OUTPUT_DIR has an API key in it. A key is never"),
        ([f"OTHER=Bearer {KEY}"], "The value of OTHER has an API key in it. A key is never written into a client's"),
        (["OTHER=odd-key-in-use-12345"], "The value of OTHER has an API key in it. "),
        (
            ["WEBVOICE_MAX_CREDIT=5"],
            "WEBVOICE_MAX_CREDIT is not a setting and has no effect. Did you mean WEBVOICE_MAX_CR",
        ),
        (["WEBVOICE_TIMEOUT=soon"], "WEBVOICE_TIMEOUT='soon' cannot be used: it must be "),
        (["WEBVOICE_OUTPUT_DIR=here"], "WEBVOICE_OUTPUT_DIR='here' cannot be used: "),
        (["WEBVOICE_MAX_CREDITS=${LIMIT}"], "WEBVOICE_MAX_CREDITS='${LIMIT}' cannot be used: a placeholder was left"),
        (["WEBVOICE_MAX_CREDITS"], "--env 'WEBVOICE_MAX_CREDITS' is not NAME=value."),
        ([KEY], "--env 'wv_…7890' is not NAME=value."),
        (["=5"], "--env '=5' is not NAME=value."),
        (["A B=5"], "--env 'A B=5' is not NAME=value."),
        (["A=1", "A=1"], "--env sets A twice."),
        (["A=1\n2"], "The value of A has a line break or another control character in it."),
    ],
)
def test_a_variable_that_may_not_be_written_ends_with_one_line(
    command: Command, home: Path, words: list[str], line: str
) -> None:
    options = [option for word in words for option in ("--env", word)]
    for client in ("cursor", "claude-code", "zed"):
        code, out, err = command("install", client, *options, API_KEY="odd-key-in-use-12345")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"webvoice-mcp: {line}")
        assert KEY not in err
    assert list(home.iterdir()) == []


def test_every_setting_but_the_key_can_be_written(command: Command, home: Path) -> None:
    for setting in SETTINGS:
        value = setting.default or {"filepath": str(home), "string": str(home)}.get(setting.kind.format, "1")
        done = command("install", "zed", "--env", f"{setting.name}={value}")
        assert (done.code, setting.name in done.out) == ((2, False) if setting.is_secret else (0, True))


# The extra


def test_uvx_is_told_to_install_the_extra(command: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_command, "is_permanent", lambda *_: False)
    (home / "bin").mkdir()
    (home / "bin" / "uvx").write_text("")
    (home / "bin" / "uvx").chmod(0o755)
    on_path(monkeypatch, home / "bin")
    args = ["--from", "webvoice-mcp[media]", "webvoice-mcp"]
    for client, program in (("cursor", "uvx"), ("claude-desktop", str(home / "bin" / "uvx"))):
        code, out, err = command("install", client, "--media")
        assert (code, err) == (0, "")
        assert out.endswith("The extra media is downloaded when the client starts the server for the first time.\n")
        assert read_entry(home / PATHS[client]) == {"command": program, "args": args}
    for client in INSTALLABLE:
        assert "webvoice-mcp[media]" in command("install", client, "--print", "--media").out
        assert "[media]" not in command("install", client, "--print").out
    assert command("uninstall", "cursor").code == 0


def test_the_extra_of_an_installed_launcher_is_looked_at(command: Command, home: Path) -> None:
    code, out, err = command("install", "cursor", "--media")
    assert (code, err) == (0, "")
    assert read_entry(home / CURSOR_FILE) == {"command": LAUNCHER, "args": []}
    missing = extra.missing_packages()
    sentence = f"is not installed ({', '.join(missing)} missing). Run: " if missing else "is installed.\n"
    assert f"\nThe extra media {sentence}" in out


def test_a_missing_extra_comes_with_the_command_that_adds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "is_installed", lambda name: name == "av")
    assert describe_media(ServerCommand("/x/webvoice-mcp")) == (
        f"The extra media is not installed (pillow-heif, pillow missing). Run: {extra.install_command()}"
    )
    monkeypatch.setattr(extra, "is_installed", lambda name: True)
    assert describe_media(UVX) == "The extra media is installed."
    assert describe_media(UVX_WITH_MEDIA).startswith("The extra media is downloaded ")


def test_a_failed_installation_says_nothing_of_the_extra(command: Command, home: Path) -> None:
    write_cursor(home, {"command": "/opt/other"})
    code, out, _ = command("install", "cursor", "--media")
    assert (code, "The extra" in out) == (1, False)
