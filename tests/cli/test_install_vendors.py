"""`webvoice-mcp install` and `uninstall` for clients that have their own command line."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.client_files import LAUNCHER, on_path
from tests.cli.conftest import Command
from webvoice_mcp.cli.clients import vendor_command
from webvoice_mcp.cli.clients.mcp_clients import INSTALLABLE
from webvoice_mcp.cli.clients.platforms import Platform

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the paths are those of Linux, the programs scripts")

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
# Each client's file with our entry, to which the user may have added a variable, and with a different entry.
OURS = {
    "claude-code": f'{{"mcpServers": {{"webvoice": {{"command": "{LAUNCHER}", "args": [], "env": {{"A": "b"}}}}}}}}',
    "codex": f'# mine\n[mcp_servers."webvoice"]\ncommand = "{LAUNCHER}"\n\n[mcp_servers.webvoice.env]\nA = "b"\n',
    "gemini": f'{{\n  // mine\n  "mcpServers": {{"webvoice": {{"command": "{LAUNCHER}", "args": [],}},}},\n}}\n',
    "vscode": f'{{"servers": {{/* "x" */ "webvoice": {{"type": "stdio", "command": "{LAUNCHER}"}}}}, "inputs": []}}',
}
DIFFERENT = {name: text.replace(LAUNCHER, "https://x.example//webvoice-mcp") for name, text in OURS.items()}
UNREADABLE = ["", "{", "[]", '{"mcpServers": [], "servers": 3}', "mcp_servers = 3", "\x00", "[" * 200_000]

FAKE_PROGRAM = """#!PYTHON
import json, os, sys
with open(sys.argv[0] + ".log", "a") as log:
    print(json.dumps(sys.argv[1:]), file=log)
print("output of the client")
if os.path.exists(os.path.join(os.path.dirname(sys.argv[0]), "failing")):
    if "remove" not in sys.argv:
        sys.exit("it is not possible")
    if os.environ.get("FILE_TO_EMPTY"):
        open(os.environ["FILE_TO_EMPTY"], "w").close()
        sys.exit(0)
    sys.exit("it is not possible")
"""


class FakePrograms:
    """Programs that replace the clients' own and only log their arguments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name, *_ in ADD.values():
            create_program(folder / name, FAKE_PROGRAM.replace("PYTHON", sys.executable))

    @property
    def calls(self) -> list[list[str]]:
        """The command lines; in the order of the calls if only one program was called."""
        logs = [(path.stem, path.read_text().splitlines()) for path in self.folder.glob("*.log")]
        return [[name, *json.loads(line)] for name, lines in logs for line in lines]

    def fail(self) -> None:
        """Make all further calls fail."""
        (self.folder / "failing").touch()


def create_program(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def programs(home: Path, monkeypatch: pytest.MonkeyPatch) -> FakePrograms:
    programs = FakePrograms(home / "bin")
    on_path(monkeypatch, programs.folder)
    return programs


def config_file(client: str, home: Path, text: str) -> Path:
    """Write the client's file and return its path."""
    path = home / FILES[client]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("client", ADD)
def test_the_client_s_own_command_adds_the_entry(command: Command, programs: FakePrograms, client: str) -> None:
    code, out, err = command("install", client)
    assert (code, err, programs.calls) == (0, "", [ADD[client]])
    assert "output of the client" not in out


@pytest.mark.parametrize("client", ["codex", "gemini"])
def test_an_unreadable_file_is_left_to_the_client(
    command: Command, programs: FakePrograms, home: Path, client: str
) -> None:
    for number, text in enumerate(UNREADABLE, 1):
        path = config_file(client, home, text)
        assert command("install", client).code == 0
        assert (programs.calls, path.read_text()) == ([ADD[client]] * number, text)


@pytest.mark.parametrize("client", ADD)
def test_our_entry_is_kept_and_a_different_one_replaced_with_force(
    command: Command, programs: FakePrograms, home: Path, client: str
) -> None:
    config_file(client, home, OURS[client])
    for words in ([client], [client, "--force"]):
        code, out, err = command("install", *words)
        assert (code, err, programs.calls) == (0, "", [])
        assert "already" in out

    path = config_file(client, home, DIFFERENT[client])
    code, out, err = command("install", client)
    assert (code, programs.calls, path.read_text()) == (1, [], DIFFERENT[client])
    assert err == (
        f'webvoice-mcp: {path} was not changed: it has a different entry named "webvoice"; --force replaces it.\n'
    )
    assert LAUNCHER in out
    code, _, err = command("install", client, "--force")
    remove = [REMOVE[client]] if client in REMOVE else []
    assert (code, err, programs.calls) == (0, "", [*remove, ADD[client]])


def test_a_different_entry_is_not_lost_if_ours_cannot_be_added(
    command: Command, programs: FakePrograms, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config_file("codex", home, DIFFERENT["codex"])
    monkeypatch.setenv("FILE_TO_EMPTY", str(path))
    programs.fail()
    code, _, err = command("install", "codex", "--force")
    assert (code, path.read_text()) == (1, DIFFERENT["codex"])
    assert "it is not possible" in err
    assert programs.calls == [REMOVE["codex"], ADD["codex"]]


def test_if_the_client_s_command_is_missing_instructions_are_printed(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path(monkeypatch, home)
    for client, argv in ADD.items():
        for verb, words in (("install", argv), ("uninstall", REMOVE.get(client, []))):
            code, out, err = command(verb, client)
            assert (code, err) == (0, "")
            assert str(home / FILES[client]) in out
            assert not words or f"\n\n  {' '.join(words[:3])}" in out.replace("'", "")
    assert list(home.iterdir()) == []


def test_printing_runs_no_client(command: Command, programs: FakePrograms) -> None:
    for client in ADD:
        assert command("install", client, "--print").code == 0
    assert programs.calls == []


def test_a_failed_command_s_output_is_shown_with_instructions(command: Command, programs: FakePrograms) -> None:
    programs.fail()
    code, out, err = command("install", "claude-code")
    reason = "Claude Code could not be configured: claude exited with code 1: it is not possible"
    assert (code, err) == (1, f"webvoice-mcp: {reason}\n")
    assert LAUNCHER in out


@pytest.mark.parametrize("client", REMOVE)
def test_the_client_s_own_command_removes_the_entry(command: Command, programs: FakePrograms, client: str) -> None:
    code, _, err = command("uninstall", client)
    assert (code, err, programs.calls) == (0, "", [REMOVE[client]])


def test_removing_a_missing_entry_succeeds(command: Command, programs: FakePrograms) -> None:
    programs.fail()
    code, out, err = command("uninstall", "codex")
    assert (code, err) == (0, "")
    assert out.endswith("; nothing was changed.\n")


def test_a_failed_removal_is_shown_with_instructions(command: Command, programs: FakePrograms, home: Path) -> None:
    path = config_file("codex", home, OURS["codex"])
    programs.fail()
    code, out, err = command("uninstall", "codex")
    assert (code, out) == (1, "")
    assert err.startswith(f"webvoice-mcp: {path} was not changed: codex exited with code 1: it is not possible")
    assert f'remove "webvoice" under "{INSTALLABLE["codex"].section}" in {path}' in err


@pytest.mark.parametrize("client", REMOVE)
def test_another_server_of_our_name_is_not_removed(
    command: Command, programs: FakePrograms, home: Path, client: str
) -> None:
    text = OURS[client].replace(LAUNCHER, "/opt/player")
    path = config_file(client, home, text)
    code, out, err = command("uninstall", client)
    assert (code, out, programs.calls, path.read_text()) == (1, "", [], text)
    assert "does not run webvoice-mcp. If you do not need it, remove it by hand.\n" in err
    assert " ".join(REMOVE[client]) in err


def test_a_key_in_a_client_s_output_is_not_shown(command: Command, programs: FakePrograms) -> None:
    create_program(programs.folder / "claude", "#!/bin/sh\necho it has wv_secret1234567890 >&2\nexit 1\n")
    assert "it has wv_…7890" in command("install", "claude-code").err


def test_vs_code_has_no_command_that_removes_an_entry(command: Command, programs: FakePrograms, home: Path) -> None:
    code, out, err = command("uninstall", "vscode")
    path = home / FILES["vscode"]
    assert (code, err, programs.calls) == (0, "", [])
    assert out == f'For VS Code, remove "webvoice" under "servers" in {path}.\n'


def test_a_command_that_does_not_end_is_a_failure(
    command: Command, programs: FakePrograms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor_command, "_TIMEOUT_SECONDS", 0.2)
    create_program(programs.folder / "claude", "#!/bin/sh\nwhile :; do :; done\n")
    assert "claude did not finish within 0.2 seconds\n" in command("install", "claude-code").err


def test_a_command_that_cannot_be_run_is_a_failure(command: Command, programs: FakePrograms) -> None:
    create_program(programs.folder / "claude", "\x7fELF")
    assert "could not be configured: claude cannot be run: " in command("install", "claude-code").err


@pytest.mark.parametrize(
    ("word", "is_safe"), [(r"C:\Users\Ann (x86)\webvoice-mcp.exe", True), (r"C:\A&B\x.exe", False)]
)
def test_arguments_that_the_command_prompt_interprets_are_refused(home: Path, word: str, is_safe: bool) -> None:
    script = create_program(home / "code.cmd", "")
    platform = Platform("win32", "~", {"PATH": str(home)})
    assert vendor_command.find_program(["code.cmd", word], platform) == (script if is_safe else None)
