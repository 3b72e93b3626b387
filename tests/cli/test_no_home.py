"""Every command as a user without a home folder, in a real process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import TIMEOUT_SECONDS, Command
from tests.wire_driver import HANDSHAKE, environment

pytestmark = pytest.mark.skipif(os.name == "nt", reason="on Windows every user has a home folder")

# The system does not know the user, as in a container that was started with the number of a user.
PROGRAM = """
import pwd, sys

def unknown(_user):
    raise KeyError("no such user")

pwd.getpwuid = pwd.getpwnam = unknown
from webvoice_mcp.__main__ import main
sys.exit(main())
"""
CLOSED = "http://127.0.0.1:9/api/v1"  # nothing listens there
BOTH = (
    "There is no home folder, so give the absolute path of a folder in WEBVOICE_OUTPUT_DIR and in WEBVOICE_STATE_DIR."
)
STATE = "There is no home folder, so give the absolute path of a folder in WEBVOICE_STATE_DIR."

Run = Callable[..., "subprocess.CompletedProcess[str]"]  # takes arguments, and variables


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs a command line as a user without a home folder."""

    def run_without_home(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        environ = environment(tmp_path, {"BASE_URL": CLOSED})
        for name in ("HOME", "WEBVOICE_STATE_DIR", "WEBVOICE_OUTPUT_DIR"):
            del environ[name]
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, *words],
            env=environ | variables,
            cwd=tmp_path,
            input=HANDSHAKE.decode(),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )

    return run_without_home


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], BOTH),
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
@pytest.mark.slow
def test_a_command_without_its_folder_ends_with_one_line(run: Run, tmp_path: Path, words: list[str], line: str) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"webvoice-mcp: {line}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [["tools"], ["completion", "fish"], ["install", "cursor", "--print"], ["install", "zed"], ["--help"]]
)
def test_a_command_that_needs_no_folder_works(run: Run, words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 0
    assert words[0] == "install" or done.stderr == ""  # it may say that the client cannot find the command


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
        assert "\nFAILED  WEBVOICE_STATE_DIR       unset, and there is no home folder\n" in out
        assert ("\nok      key found                wv_…3456 " in out) == bool(key)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_with_its_folders_set_every_command_works(run: Run, tmp_path: Path) -> None:
    folders = {"WEBVOICE_STATE_DIR": str(tmp_path / "state"), "WEBVOICE_OUTPUT_DIR": str(tmp_path / "out")}
    served = run(**folders)
    assert (served.returncode, served.stderr) == (0, "")
    assert "serverInfo" in json.loads(served.stdout)["result"]
    called = run("call", "webvoice_account_links", **folders)
    assert (called.returncode, called.stderr) == (0, "")
    saved = {"WEBVOICE_STATE_DIR": folders["WEBVOICE_STATE_DIR"]}
    assert run("logout", **saved).returncode == 0
    assert "webvoice-mcp login" in run("status", **saved).stderr


@pytest.mark.slow
@pytest.mark.parametrize("home", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_the_doctor_answers_and_names_the_settings(run: Run, tmp_path: Path, home: dict[str, str]) -> None:
    done = run("doctor", "--json", **home)
    assert (done.returncode, done.stderr) == (1, "")
    checks = {check["check"]: check for check in json.loads(done.stdout)}
    for name in ("WEBVOICE_OUTPUT_DIR", "WEBVOICE_STATE_DIR"):
        assert checks[name]["detail"] == "unset, and there is no home folder"
        assert checks[name]["cure"] == f"Set {name} to a folder's absolute path."
    assert checks["output folder writable"]["detail"] == "not checked: WEBVOICE_OUTPUT_DIR is unset"
    for name in ("key folder writable", "key found"):
        assert checks[name]["detail"] == "not checked: WEBVOICE_STATE_DIR is unset"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_doctor_finds_the_key_of_the_environment_all_the_same(run: Run) -> None:
    checks = json.loads(run("doctor", "--json", WEBVOICE_API_KEY="wv_1234567890123456").stdout)
    assert {check["check"]: check for check in checks}["key found"]["ok"]
