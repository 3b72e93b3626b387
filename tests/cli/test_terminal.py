"""The server, started by a person in a terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.wire_driver import TIMEOUT_SECONDS, environment
from webvoice_mcp import __version__

if sys.platform == "win32":  # pragma: no cover - Windows has no pseudo-terminals
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

import pty

# Makes the terminal its own first, so that keys become signals.
_PROGRAM = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "webvoice_mcp"])
"""


@pytest.mark.parametrize("key", [b"\x04", b"\x03"], ids=["Ctrl-D", "Ctrl-C"])
def test_a_person_is_told_what_this_is_and_how_to_configure_a_client(tmp_path: Path, key: bytes) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path),
        start_new_session=True,
    ) as process:
        os.close(theirs)
        assert process.stderr
        assert process.stdout
        greeting = b""
        while not greeting.endswith(b"Ctrl-C ends it.\n"):
            greeting += process.stderr.readline()
        os.write(ours, key)
        assert process.wait(TIMEOUT_SECONDS) == 0
        rest = process.stderr.read()
        assert process.stdout.read() == b""
    os.close(ours)
    assert greeting.startswith(f"This is webvoice-mcp {__version__}, an MCP server.".encode())
    assert b'{"mcpServers": {"webvoice": {"command": "webvoice-mcp"}}}' in greeting
    assert rest.strip() == b""
