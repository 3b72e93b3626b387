"""`webvoice-mcp install` and `uninstall`, for clients that have a command line of their own."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.client_files import LAUNCHER, on_path
from tests.cli.conftest import Command
from webvoice_mcp.cli import _vendor
from webvoice_mcp.cli._machine import Machine
from webvoice_mcp.cli.clients import INSTALLABLE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the places are those of Linux, the programs scripts")

DEFINITION = json.dumps({"name": "webvoice", "command": LAUNCHER, "args": []})

ADD = {
    "claude-code": ["claude", "mcp", "add", "webvoice", "-s", "user", "--", LAUNCHER],
    "codex": ["codex", "mcp", "add", "webvoice", "--", LAUNCHER],
    "gemini": ["gemini", "mcp", "add", "-s", "user", "webvoice", LAUNCHER],
    "vscode": ["code", "--add-mcp", DEFINITION],
}
REMOVE = {
    "claude-code": ["claude", "mcp", "remove", "webvoice", "-s", "user"],
    "codex": ["codex", "mcp", "remove", "webvoice"],
    "gemini": ["gemini", "mcp", "remove", "-s", "user", "webvoice"],
}
FILES = {
    "claude-code": ".claude.json",
    "codex": ".codex/config.toml",
    "gemini": ".gemini/settings.json",
    "vscode": ".config/Code/User/mcp.json",
}
# As it stands in each client's file: ours, with a variable that the person added; and somebody else's.
OURS = {
    "claude-code": f'{{"mcpServers": {{"webvoice": {{"command": "{LAUNCHER}", "args": [], "env": {{"A": "b"}}}}}}}}',
    "codex": f'# mine\n[mcp_servers."webvoice"]\ncommand = "{LAUNCHER}"\n\n[mcp_servers.webvoice.env]\nA = "b"\n',
    "gemini": f'{{\n  // mine\n  "mcpServers": {{"webvoice": {{"command": "{LAUNCHER}", "args": [],}},}},\n}}\n',
    "vscode": f'{{"servers": {{/* "x" */ "webvoice": {{"type": "stdio", "command": "{LAUNCHER}"}}}}, "inputs": []}}',
}
OTHERS = {name: text.replace(LAUNCHER, "https://x.example//webvoice-mcp") for name, text in OURS.items()}
UNREADABLE = ["", "{", "[]", '{"mcpServers": [], "servers": 3}', "mcp_servers = 3", "\x00", "[" * 200_000]

FAKE = """#!PYTHON
import json, os, sys
with open(sys.argv[0] + ".log", "a") as log:
    print(json.dumps(sys.argv[1:]), file=log)
print("said on stdout")
if os.path.exists(os.path.join(os.path.dirname(sys.argv[0]), "failing")):
    if "remove" not in sys.argv:
        sys.exit("it is not possible")
    if os.environ.get("FAKE_EMPTIES"):
        open(os.environ["FAKE_EMPTIES"], "w").close()
        sys.exit(0)
    sys.exit("it is not possible")
"""


class Fakes:
    """The clients' programs, which do nothing but write down how they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name, *_ in ADD.values():
            program(folder / name, FAKE.replace("PYTHON", sys.executable))

    @property
    def calls(self) -> list[list[str]]:
        """What was called, with its words; in order, for the one program that was."""
        logs = [(path.stem, path.read_text().splitlines()) for path in self.folder.glob("*.log")]
        return [[name, *json.loads(line)] for name, lines in logs for line in lines]

    def fail(self) -> None:
        (self.folder / "failing").touch()


def program(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def fakes(home: Path, monkeypatch: pytest.MonkeyPatch) -> Fakes:
    made = Fakes(home / "bin")
    on_path(monkeypatch, made.folder)
    return made


def file_of(client: str, home: Path, text: str) -> Path:
    path = home / FILES[client]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("client", ADD)
def test_the_client_s_own_command_adds_the_entry(command: Command, fakes: Fakes, client: str) -> None:
    code, out, err = command("install", client)
    assert (code, err, fakes.calls) == (0, "", [ADD[client]])
    assert "said on stdout" not in out


@pytest.mark.parametrize("text", UNREADABLE)
@pytest.mark.parametrize("client", ADD)
def test_a_file_that_cannot_be_read_is_the_client_s_own_affair(
    command: Command, fakes: Fakes, home: Path, client: str, text: str
) -> None:
    path = file_of(client, home, text)
    assert command("install", client).code == 0
    assert (fakes.calls, path.read_text()) == ([ADD[client]], text)


@pytest.mark.parametrize("client", ADD)
def test_an_entry_that_is_there_is_not_added_again(command: Command, fakes: Fakes, home: Path, client: str) -> None:
    file_of(client, home, OURS[client])
    for words in ([client], [client, "--force"]):
        code, out, err = command("install", *words)
        assert (code, err, fakes.calls) == (0, "", [])
        assert "already" in out


@pytest.mark.parametrize("client", ADD)
def test_another_entry_is_replaced_only_by_force(command: Command, fakes: Fakes, home: Path, client: str) -> None:
    path = file_of(client, home, OTHERS[client])
    code, out, err = command("install", client)
    assert (code, fakes.calls, path.read_text()) == (1, [], OTHERS[client])
    assert err == (
        f'webvoice-mcp: {path} was left as it is: it has another entry named "webvoice"; --force replaces it.\n'
    )
    assert LAUNCHER in out
    code, _, err = command("install", client, "--force")
    remove = [REMOVE[client]] if client in REMOVE else []
    assert (code, err, fakes.calls) == (0, "", [*remove, ADD[client]])


@pytest.mark.parametrize("client", REMOVE)
def test_another_entry_is_not_lost_where_ours_cannot_take_its_place(
    command: Command, fakes: Fakes, home: Path, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file_of(client, home, OTHERS[client])
    monkeypatch.setenv("FAKE_EMPTIES", str(path))
    fakes.fail()
    code, _, err = command("install", client, "--force")
    assert (code, path.read_text()) == (1, OTHERS[client])
    assert "it is not possible" in err
    assert fakes.calls == [REMOVE[client], ADD[client]]


@pytest.mark.parametrize("client", ADD)
def test_without_that_command_it_is_printed(
    command: Command, home: Path, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path(monkeypatch, home)
    for words in (["install", client], ["uninstall", client]):
        code, out, err = command(*words)
        assert (code, err) == (0, "")
        assert str(home / FILES[client]) in out
        if words[0] == "install" or client in REMOVE:
            shown = ADD[client] if words[0] == "install" else REMOVE[client]
            assert f"\n\n  {' '.join(shown[:3])}" in out.replace("'", "")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("client", ADD)
def test_printing_asks_no_client(command: Command, fakes: Fakes, client: str) -> None:
    assert command("install", client, "--print").code == 0
    assert fakes.calls == []


@pytest.mark.parametrize("client", ADD)
def test_what_the_command_refuses_is_told_and_can_be_done_by_hand(command: Command, fakes: Fakes, client: str) -> None:
    fakes.fail()
    code, out, err = command("install", client)
    name = ADD[client][0]
    reason = f"{INSTALLABLE[client].title} could not be set up: {name} ended with code 1: it is not possible"
    assert (code, err) == (1, f"webvoice-mcp: {reason}\n")
    assert LAUNCHER in out


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("client", REMOVE)
def test_the_client_s_own_command_removes_the_entry(
    command: Command, fakes: Fakes, home: Path, client: str, there: bool
) -> None:
    file_of(client, home, OURS[client] if there else "")
    code, _, err = command("uninstall", client)
    assert (code, err, fakes.calls) == (0, "", [REMOVE[client]])


@pytest.mark.parametrize("client", REMOVE)
def test_an_entry_that_is_not_there_need_not_be_removed(
    command: Command, fakes: Fakes, home: Path, client: str
) -> None:
    fakes.fail()
    code, out, err = command("uninstall", client)
    assert (code, err) == (0, "")
    assert out.endswith("; nothing was changed.\n")


@pytest.mark.parametrize("client", REMOVE)
def test_an_entry_that_cannot_be_removed_is_told(command: Command, fakes: Fakes, home: Path, client: str) -> None:
    path = file_of(client, home, OURS[client])
    fakes.fail()
    code, out, err = command("uninstall", client)
    assert (code, out) == (1, "")
    assert err.startswith(f"webvoice-mcp: {path} was left as it is: {REMOVE[client][0]} ended with code 1: it is not")
    assert f'remove "webvoice" under "{INSTALLABLE[client].key}" in {path}' in err


def test_vs_code_has_no_command_to_remove_it(command: Command, fakes: Fakes, home: Path) -> None:
    code, out, err = command("uninstall", "vscode")
    path = home / FILES["vscode"]
    assert (code, err, fakes.calls) == (0, "", [])
    assert out == f'For VS Code, remove "webvoice" under "servers" in {path}.\n'


def test_a_command_that_never_ends_is_not_waited_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_vendor, "_PATIENCE", 0.2)
    endless = program(home / "claude", "#!/bin/sh\nexec tail -f /dev/null\n")
    with pytest.raises(_vendor.CommandFailed, match=r"^claude did not end within 0\.2 seconds$"):
        _vendor.run(endless, ["claude", "mcp"])


def test_a_command_that_cannot_be_run_says_so(home: Path) -> None:
    broken = program(home / "claude", "\x7fELF")
    with pytest.raises(_vendor.CommandFailed, match=r"^claude cannot be run: "):
        _vendor.run(broken, ["claude", "mcp"])


@pytest.mark.parametrize(("word", "found"), [(r"C:\Users\Ann (x86)\webvoice-mcp.exe", True), (r"C:\A&B\x.exe", False)])
def test_windows_scripts_get_no_words_that_the_command_prompt_reads_more_into(
    home: Path, word: str, found: bool
) -> None:
    script = program(home / "code.cmd", "")
    machine = Machine("win32", "~", {"PATH": str(home)})
    assert _vendor.find(["code.cmd", word], machine) == (script if found else None)
