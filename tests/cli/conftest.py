import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.wire_driver import environment
from webvoice_mcp.__main__ import main

TIMEOUT_SECONDS = 60.0  # for a process to end; generous, because a start can be slow


class CommandResult(NamedTuple):
    """A command's exit code and output."""

    code: int | str | None
    out: str
    err: str


_FOLDER_VARIABLES = ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "CLINE_DIR")

Command = Callable[..., CommandResult]  # takes arguments, and variables without the prefix WEBVOICE_


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs a command line in this process."""

    def run(*words: str, **variables: Any) -> CommandResult:
        for name, value in environment(tmp_path, variables).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["webvoice-mcp", *words])
        # In another thread, because on Python 3.11 the SDK's in-process client stops coverage in its thread.
        with ThreadPoolExecutor(1) as thread:
            code = thread.submit(_run_main).result()
        return CommandResult(code, *capsys.readouterr())

    return run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of `command`: clients' files have their usual paths, and the installation counts as permanent."""
    for name in (*_FOLDER_VARIABLES, "UV_CACHE_DIR", "UV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path


@contextmanager
def start(words: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process with pipes for its output; kill it at the end, so that a failed test does not wait for it."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def _run_main() -> int | str | None:
    try:
        return main()
    except SystemExit as error:
        return error.code
