import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.wire_driver import environment
from webvoice_mcp.__main__ import main


class Done(NamedTuple):
    """How a command ended and what it printed."""

    code: int | str | None
    out: str
    err: str


_MOVED = ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "CLINE_DIR")

Command = Callable[..., Done]  # takes the words, and variables without their WEBVOICE_


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command line in this process."""

    def run(*words: str, **variables: Any) -> Done:
        for name, value in environment(tmp_path, variables).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["webvoice-mcp", *words])
        # On a thread of its own: on Python 3.11 the SDK's client in a process throws coverage off its track there.
        with ThreadPoolExecutor(1) as thread:
            code = thread.submit(_ended).result()
        return Done(code, *capsys.readouterr())

    return run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder that `command` sees, with clients' files in their usual places and an installation that lasts."""
    for name in (*_MOVED, "UV_CACHE_DIR", "UV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "passing"))
    return tmp_path


def _ended() -> int | str | None:
    try:
        return main()
    except SystemExit as ended:
        return ended.code
