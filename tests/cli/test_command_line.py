"""The command line as a whole."""

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

from tests.cli.conftest import Command
from tests.loopback import LoopbackService
from tests.support import CANARY
from tests.wire_driver import SERVER_COMMAND, TIMEOUT_SECONDS, environment
from webvoice_mcp import __version__
from webvoice_mcp.cli.usage import USAGE

HEAVY = {"mcp", "mcp_types", "pydantic", "anyio", "asyncio", "httpx2", "starlette", "uvicorn", "argparse", "logging"}
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals and pipes")


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["--version"], f"webvoice-mcp {__version__}\n"),
        (["-V"], f"webvoice-mcp {__version__}\n"),
        (["--help"], f"{USAGE}\n"),
        (["-h"], f"{USAGE}\n"),
        (["help"], f"{USAGE}\n"),
    ],
)
def test_version_and_help_are_told(command: Command, words: list[str], out: str) -> None:
    assert command(*words) == (0, out, "")


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_version_and_help_load_nothing_heavy(tmp_path: Path, word: str) -> None:
    program = f"""
import sys
from webvoice_mcp.__main__ import main
sys.argv = ["webvoice-mcp", "{word}"]
code = main()
print(*{{name.partition(".")[0] for name in sys.modules}} & set(sys.argv.pop(0) and {sorted(HEAVY)}), file=sys.stderr)
sys.exit(code)
"""
    environ = {name: value for name, value in environment(tmp_path).items() if not name.startswith("COVERAGE")}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=environ, timeout=TIMEOUT_SECONDS, check=False
    )
    assert (done.returncode, done.stderr.split()) == (0, [])
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["speak"], "webvoice-mcp: unknown command 'speak'"),
        (["--speak"], "webvoice-mcp: unknown option '--speak'"),
        (["--json", "tools"], "webvoice-mcp: unknown option '--json'"),
        (["-"], "webvoice-mcp: unknown option '-'"),
        ([""], "webvoice-mcp: unknown command ''"),
        (["_start"], "webvoice-mcp: unknown command '_start'"),
        (["serve"], "webvoice-mcp: unknown command 'serve'"),
    ],
)
def test_what_is_unknown_gives_2_and_the_usage(command: Command, words: list[str], sentence: str) -> None:
    assert command(*words) == (2, "", f"{sentence}\n{USAGE}\n")


@pytest.mark.parametrize("name", ["call", "demo", "doctor", "login", "logout", "sandbox", "status", "tools"])
def test_an_unknown_option_of_a_command_gives_2_and_its_usage(command: Command, name: str) -> None:
    tool = ["webvoice_status"] if name == "call" else []
    code, out, err = command(name, *tool, "--loud")
    assert (code, out) == (2, "")
    assert err.startswith(f"usage: webvoice-mcp {name} ")
    assert "--loud" in err


@pytest.mark.parametrize(
    "words", [["tools", "--js"], ["call", "webvoice_status", "--js"], ["demo", "--out", "x"], ["sandbox", "--po", "0"]]
)
def test_options_are_not_guessed_from_their_beginning(command: Command, words: list[str]) -> None:
    assert command(*words).code == 2


@pytest.mark.parametrize("name", ["call", "demo", "doctor", "login", "logout", "sandbox", "status", "tools"])
def test_each_command_explains_itself(command: Command, name: str) -> None:
    code, out, err = command(name, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: webvoice-mcp {name} ")


def test_a_wrong_setting_gives_2_and_one_line(command: Command) -> None:
    code, out, err = command("tools", TIMEOUT="soon")
    assert (code, out) == (2, "")
    assert err.startswith("webvoice-mcp: WEBVOICE_TIMEOUT='soon' cannot be used: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["nonsense"], ["call", "x", "y"]])
def test_the_module_is_the_command(tmp_path: Path, words: list[str]) -> None:
    script = Path(sysconfig.get_path("scripts")) / ("webvoice-mcp.exe" if os.name == "nt" else "webvoice-mcp")
    module, installed = (
        subprocess.run(
            [*start, *words], capture_output=True, env=environment(tmp_path), timeout=TIMEOUT_SECONDS, check=False
        )
        for start in (SERVER_COMMAND, (str(script),))
    )
    assert (module.returncode, module.stdout, module.stderr) == (
        installed.returncode,
        installed.stdout,
        installed.stderr,
    )


@posix
def test_a_reader_that_has_left_is_no_crash(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*SERVER_COMMAND, "tools"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path)
    ) as process:
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
        ("tts/", ["webvoice_tts", "text=Hello"], b"Waiting for what was ordered; Ctrl-C gives it up.\n\n"),
    ],
)
def test_ctrl_c_ends_a_call_and_once_more_what_was_ordered(
    tmp_path: Path, path: str, words: list[str], err: bytes
) -> None:
    with LoopbackService({path: None}).running() as service:
        environ = environment(tmp_path, {"BASE_URL": service.base_url, "API_KEY": CANARY})
        with subprocess.Popen(
            [*SERVER_COMMAND, "call", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ
        ) as process:
            assert process.stderr
            assert process.stdout
            service.wait_for_request()
            process.send_signal(signal.SIGINT)
            said = process.stderr.readline()
            if said != b"\n":
                process.send_signal(signal.SIGINT)
            said += process.stderr.read()
            assert process.wait(TIMEOUT_SECONDS) == 130
            assert (process.stdout.read(), said) == (b"", err)
    assert not list((tmp_path / "out").rglob("*"))


@pytest.mark.parametrize(
    "struck", [KeyboardInterrupt(), BaseExceptionGroup("tasks", [KeyboardInterrupt(), ValueError()])]
)
def test_ctrl_c_at_any_moment_ends_a_command_quietly(
    command: Command, monkeypatch: pytest.MonkeyPatch, struck: BaseException
) -> None:
    monkeypatch.setattr(importlib, "import_module", _raising(struck))
    assert command("tools") == (130, "", "\n")


def test_other_errors_of_several_tasks_are_not_taken_for_ctrl_c(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib, "import_module", _raising(ExceptionGroup("tasks", [ValueError("broken")])))
    with pytest.raises(ExceptionGroup):
        command("tools")


def _raising(error: BaseException) -> Callable[[str], ModuleType]:
    def load(_name: str) -> ModuleType:
        raise error

    return load


def test_characters_that_a_terminal_cannot_show_do_no_harm(tmp_path: Path) -> None:
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
