import sys
from collections.abc import Callable
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


Command = Callable[..., Done]  # takes the words, and variables without their WEBVOICE_


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command line in this process."""

    def run(*words: str, **variables: Any) -> Done:
        for name, value in environment(tmp_path, variables).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["webvoice-mcp", *words])
        code: int | str | None
        try:
            code = main()
        except SystemExit as ended:
            code = ended.code
        return Done(code, *capsys.readouterr())

    return run
