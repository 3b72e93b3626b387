"""The command line as a whole."""

import base64
import importlib
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.cli.conftest import TIMEOUT_SECONDS, Command, start
from tests.files.samples import MP3_BYTES
from tests.loopback import HeldReply, LoopbackService
from tests.support import CANARY
from tests.wire_driver import SERVER_COMMAND, environment
from webvoice_mcp import __version__
from webvoice_mcp.__main__ import main
from webvoice_mcp.cli.help_text import HELP_TEXT
from webvoice_mcp.cli.parser import create_parsers

HEAVY = {"mcp", "mcp_types", "pydantic", "anyio", "asyncio", "httpx2", "starlette", "uvicorn", "argparse", "logging"}
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals and pipes")

# The required arguments of each command.
REQUIRED = {"call": ["webvoice_status"], "install": ["cursor"], "uninstall": ["cursor"], "completion": ["bash"]}


def test_version_and_help_are_printed(command: Command) -> None:
    for word in ("--version", "-V"):
        assert command(word) == (0, f"webvoice-mcp {__version__}\n", "")
    for word in ("--help", "-h", "help"):
        assert command(word) == (0, f"{HELP_TEXT}\n", "")


@posix
def test_python_that_does_not_speak_utf8_is_started_anew_once(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(os, "execv", lambda *program: started.append(program))
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    monkeypatch.setattr(sys, "orig_argv", ["python", "-I", "-m", "webvoice_mcp", "--version"])
    monkeypatch.setattr(sys, "argv", ["webvoice-mcp", "--version"])
    assert main() == 0
    monkeypatch.setitem(sys._xoptions, "utf8", True)
    assert main() == 0
    words = [sys.executable, "-X", "utf8", "-I", "-m", "webvoice_mcp", "--version"]
    assert started == [(sys.executable, words)]


def test_version_and_help_load_nothing_heavy(tmp_path: Path) -> None:
    program = f"""
import sys
from webvoice_mcp.__main__ import main
codes = []
for word in ("--version", "--help"):
    sys.argv = ["webvoice-mcp", word]
    codes.append(main())
print(codes, {{name.partition(".")[0] for name in sys.modules}} & set({sorted(HEAVY)}), file=sys.stderr)
"""
    environ = {name: value for name, value in environment(tmp_path).items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=environ, timeout=TIMEOUT_SECONDS, check=False
    )
    assert done.stderr == b"[0, 0] set()\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["serve"], "webvoice-mcp: unknown command 'serve'"),
        (["--json", "tools"], "webvoice-mcp: unknown option '--json'"),
        ([""], "webvoice-mcp: unknown command ''"),
    ],
)
def test_an_unknown_command_or_option_exits_with_2_and_the_usage(
    command: Command, words: list[str], error: str
) -> None:
    assert command(*words) == (2, "", f"{error}\n{HELP_TEXT}\n")


def test_each_command_has_its_own_help(command: Command) -> None:
    for name in create_parsers():
        code, out, err = command(name, "--help")
        assert (code, err) == (0, "")
        assert out.startswith(f"usage: webvoice-mcp {name} ")


def test_an_unknown_option_of_a_command_exits_with_2_and_its_usage(command: Command) -> None:
    for name in create_parsers():
        code, out, err = command(name, *REQUIRED.get(name, []), "--loud")
        assert (code, out) == (2, "")
        assert err.startswith(f"usage: webvoice-mcp {name} ")
        assert err.endswith("error: unrecognized arguments: --loud\n")


def test_options_cannot_be_abbreviated(command: Command) -> None:
    assert command("tools", "--js").code == 2
    assert command("sandbox", "--po", "0").code == 2


def test_the_help_names_every_command_and_option(command: Command) -> None:
    lines = {line.split()[0]: line for line in HELP_TEXT.partition("commands:\n")[2].splitlines() if line.strip()}
    for name, parser in create_parsers().items():
        usage = parser.format_usage().replace("[-h]", "")
        options = {word.strip("[]") for word in usage.split() if word.startswith("[--")}
        assert {word.strip("[]") for word in lines[name].split() if word.startswith("[--")} == options


def test_an_unreadable_setting_exits_with_2_and_one_line(command: Command) -> None:
    code, out, err = command("tools", TIMEOUT="soon")
    assert (code, out) == (2, "")
    assert err.startswith("webvoice-mcp: WEBVOICE_TIMEOUT='soon' cannot be used: ")
    assert err.count("\n") == 1


def test_the_module_and_the_installed_command_do_the_same(tmp_path: Path) -> None:
    script = Path(sysconfig.get_path("scripts")) / ("webvoice-mcp.exe" if os.name == "nt" else "webvoice-mcp")
    results = []
    for program in (SERVER_COMMAND, (str(script),)):
        words = [*program, "call", "x", "y"]
        done = subprocess.run(
            words, capture_output=True, env=environment(tmp_path), timeout=TIMEOUT_SECONDS, check=False
        )
        results.append((done.returncode, done.stdout, done.stderr))
    assert results[0] == results[1]
    assert results[0][0] == 2


NO_TEXT = "caf\udce9"  # as Python reads bytes of another encoding


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([NO_TEXT], 2),
        (["call", NO_TEXT], 1),
        (["login", "--email", f"{NO_TEXT}@x.example"], 1),
        (["sandbox", "--host", NO_TEXT], 1),
        (["install", NO_TEXT], 2),
        (["uninstall", NO_TEXT], 2),
        (["doctor", f"--{NO_TEXT}"], 2),
        (["sandbox", "--port", NO_TEXT], 2),
        (["demo", "--output-dir", NO_TEXT], 1),
    ],
)
def test_bytes_that_are_no_text_end_every_command_with_a_message(command: Command, words: list[str], code: int) -> None:
    result = command(*words)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(("webvoice-mcp", "usage: "))
    assert code == 2 or result.err.startswith(f"webvoice-mcp {words[0]}: invalid_argument: ")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.slow
@pytest.mark.untraced
def test_a_folder_s_name_may_have_bytes_that_are_no_text(tmp_path: Path) -> None:
    words = ["sandbox", "--port", "0", "--state-dir", os.fsencode(tmp_path) + b"/caf\xe9"]
    with start([*SERVER_COMMAND, *words], env=environment(tmp_path)) as process:  # type: ignore[list-item]  # bytes are allowed
        assert process.stdout
        assert process.stdout.readline().startswith(b"WebVoice sandbox at ")
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_SECONDS) == 0


@posix
@pytest.mark.slow
def test_a_closed_output_exits_with_1_and_no_traceback(tmp_path: Path) -> None:
    with start([*SERVER_COMMAND, "tools"], env=environment(tmp_path)) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.wait(TIMEOUT_SECONDS) == 1
        assert process.stderr.read() == b""


@posix
@pytest.mark.parametrize(
    ("path", "words", "err"),
    [
        ("chat/completions/", ["webvoice_chat", "prompt=Hello"], b"\n"),
        (
            "tts/",
            ["webvoice_tts", "text=Hello"],
            b"Waiting for the request in progress. Press Ctrl-C again to abandon it.\n\n",
        ),
    ],
)
@pytest.mark.slow
def test_ctrl_c_ends_a_chat_and_a_second_one_ends_a_job(
    tmp_path: Path, path: str, words: list[str], err: bytes
) -> None:
    with LoopbackService({path: None}).running() as service:
        environ = environment(tmp_path, {"BASE_URL": service.base_url, "API_KEY": CANARY})
        with start([*SERVER_COMMAND, "call", *words], env=environ) as process:
            assert process.stderr
            assert process.stdout
            service.wait_for_request()
            process.send_signal(signal.SIGINT)
            output = process.stderr.readline()
            if output != b"\n":
                process.send_signal(signal.SIGINT)
            output += process.stderr.read()
            assert process.wait(TIMEOUT_SECONDS) == 130
            assert (process.stdout.read(), output) == (b"", err)
    assert not list((tmp_path / "out").rglob("*"))


@posix
@pytest.mark.slow
def test_after_one_ctrl_c_a_job_s_file_is_saved(tmp_path: Path) -> None:
    speech = HeldReply({"success": True, "audio": base64.b64encode(MP3_BYTES).decode(), "credits_used": 0.5})
    with LoopbackService({"tts/": speech}).running() as service:
        environ = environment(tmp_path, {"BASE_URL": service.base_url, "API_KEY": CANARY})
        words = ["call", "webvoice_tts", "text=Hello", "output_path=hello.mp3"]
        with start([*SERVER_COMMAND, *words], env=environ) as process:
            assert process.stderr
            service.wait_for_request()
            process.send_signal(signal.SIGINT)
            assert process.stderr.readline().startswith(b"Waiting for the request in progress.")
            time.sleep(3)  # the SDK cancels a server in its client's process after two seconds
            speech.release()
            assert process.wait(TIMEOUT_SECONDS) == 130
    assert (tmp_path / "out" / "hello.mp3").read_bytes() == MP3_BYTES


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), BaseExceptionGroup("tasks", [KeyboardInterrupt(), ValueError()])]
)
def test_ctrl_c_at_any_moment_ends_a_command_quietly(
    command: Command, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(importlib, "import_module", _raising(error))
    assert command("tools") == (130, "", "\n")


def test_other_exception_groups_are_not_taken_for_ctrl_c(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib, "import_module", _raising(ExceptionGroup("tasks", [ValueError("broken")])))
    with pytest.raises(ExceptionGroup):
        command("tools")


def _raising(error: BaseException) -> Callable[[str], ModuleType]:
    def import_module(_name: str) -> ModuleType:
        raise error

    return import_module


@pytest.mark.slow
@pytest.mark.untraced
def test_characters_that_a_terminal_cannot_show_become_question_marks(tmp_path: Path) -> None:
    with LoopbackService(
        {"translation/": {"success": True, "translated_text": "Perché no… 你好"}}
    ).running() as service:
        environ = environment(tmp_path, {"BASE_URL": service.base_url, "API_KEY": CANARY})
        done = subprocess.run(
            [*SERVER_COMMAND, "call", "webvoice_translate", "text=Hi", "target_language=it"],
            capture_output=True,
            env=environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"translated_text: Perch? no? ??\n", b"")
