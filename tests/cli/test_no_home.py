"""Every command as a user without a home folder: one whom the system does not know, as in a container."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import TIMEOUT_SECONDS, Command, CommandResult
from tests.wire.setups import UNKNOWN_USER_COMMAND
from tests.wire_driver import HANDSHAKE, environment

pwd = pytest.importorskip("pwd", reason="on Windows every user has a home folder")

CLOSED = "http://127.0.0.1:9/api/v1"  # nothing listens there
BOTH = (
    "There is no home folder, so give the absolute path of a folder in WEBVOICE_OUTPUT_DIR and in WEBVOICE_STATE_DIR."
)
STATE = "There is no home folder, so give the absolute path of a folder in WEBVOICE_STATE_DIR."
_FOLDERS = ("HOME", "WEBVOICE_STATE_DIR", "WEBVOICE_OUTPUT_DIR")

Run = Callable[..., CommandResult]  # takes arguments, and variables


@pytest.fixture
def run(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command line as a user without a home folder."""

    def unknown(_user: object) -> None:
        raise KeyError("no such user")

    def run_without_home(*words: str, **variables: str) -> CommandResult:
        for name in (*_FOLDERS, "XDG_CONFIG_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr("tests.cli.conftest.environment", lambda *given: without_home(*given) | variables)
        return command(*words, BASE_URL=CLOSED)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(pwd, "getpwnam", unknown)
    monkeypatch.chdir(tmp_path)
    return run_without_home


def without_home(home: Path, variables: dict[str, str]) -> dict[str, str]:
    """Return environment variables that name no folder."""
    return {name: value for name, value in environment(home, variables).items() if name not in _FOLDERS}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["call", "webvoice_status"], BOTH),
        (["login"], STATE),
        (["logout"], STATE),
        (["status"], STATE),
        (["sandbox", "--port", "0"], STATE),
        (["install", "cursor"], "There is no home folder, so the file of Cursor is unknown: set HOME."),
        (["uninstall", "cursor"], "There is no home folder, so the file of Cursor is unknown: set HOME."),
        (["install", "codex"], "There is no home folder, so the file of Codex is unknown: set HOME."),
    ],
)
def test_a_command_without_its_folder_ends_with_one_line(run: Run, tmp_path: Path, words: list[str], line: str) -> None:
    assert run(*words) == (2, "", f"webvoice-mcp: {line}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words", [["tools"], ["completion", "fish"], ["install", "cursor", "--print"], ["install", "zed"], ["--help"]]
)
def test_a_command_that_needs_no_folder_works(run: Run, words: list[str]) -> None:
    code, _, err = run(*words)
    assert code == 0
    assert words[0] == "install" or err == ""  # it may say that the client cannot find the command


@pytest.mark.parametrize("home", ["", "relative"])
def test_a_home_folder_that_is_no_absolute_path_is_none(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    folders = {"HOME": home, "WEBVOICE_OUTPUT_DIR": "", "WEBVOICE_STATE_DIR": ""}
    monkeypatch.setattr("tests.cli.conftest.environment", lambda *given: environment(*given) | folders)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    for words, line in (
        (["status"], STATE),
        (["sandbox"], STATE),
        (["call", "webvoice_status"], BOTH),
        (["uninstall", "cursor"], "There is no home folder, so the file of Cursor is unknown: set HOME."),
    ):
        assert command(*words) == (2, "", f"webvoice-mcp: {line}\n")
    for key in ("", "wv_1234567890123456"):
        code, out, err = command("doctor", BASE_URL=CLOSED, API_KEY=key)
        assert (code, err) == (1, "")
        text = re.sub(" +", " ", out)  # the columns are as wide as their longest name
        assert "\nFAILED WEBVOICE_STATE_DIR unset, and there is no home folder\n" in text
        assert ("\nok key found wv_…3456 " in text) == bool(key)
    assert list(tmp_path.iterdir()) == []


def test_with_its_folders_set_every_command_works(run: Run, tmp_path: Path) -> None:
    folders = {"WEBVOICE_STATE_DIR": str(tmp_path / "state"), "WEBVOICE_OUTPUT_DIR": str(tmp_path / "out")}
    called = run("call", "webvoice_account_links", **folders)
    assert (called.code, called.err) == (0, "")
    saved = {"WEBVOICE_STATE_DIR": folders["WEBVOICE_STATE_DIR"]}
    assert run("logout", **saved).code == 0
    assert "webvoice-mcp login" in run("status", **saved).err


@pytest.mark.slow
@pytest.mark.untraced
def test_the_server_without_its_folders_ends_with_one_line(tmp_path: Path) -> None:
    options: Any = {"env": without_home(tmp_path, {}), "cwd": tmp_path, "input": HANDSHAKE, "timeout": TIMEOUT_SECONDS}
    done = subprocess.run([*UNKNOWN_USER_COMMAND], **options, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, b"", f"webvoice-mcp: {BOTH}\n".encode())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("home", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_the_doctor_answers_and_names_the_settings(run: Run, tmp_path: Path, home: dict[str, str]) -> None:
    code, out, err = run("doctor", "--json", **home)
    assert (code, err) == (1, "")
    checks = {check["check"]: check for check in json.loads(out)}
    for name in ("WEBVOICE_OUTPUT_DIR", "WEBVOICE_STATE_DIR"):
        assert checks[name]["detail"] == "unset, and there is no home folder"
        assert checks[name]["cure"] == f"Set {name} to a folder's absolute path."
    assert checks["output folder writable"]["detail"] == "not checked: WEBVOICE_OUTPUT_DIR is unset"
    for name in ("key folder writable", "key found"):
        assert checks[name]["detail"] == "not checked: WEBVOICE_STATE_DIR is unset"
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_finds_the_key_of_the_environment_all_the_same(run: Run) -> None:
    checks = json.loads(run("doctor", "--json", WEBVOICE_API_KEY="wv_1234567890123456").out)
    assert {check["check"]: check for check in checks}["key found"]["ok"]
