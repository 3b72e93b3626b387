"""The server, started by a user in a terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import TIMEOUT_SECONDS
from tests.wire_driver import environment
from webvoice_mcp import __version__

if sys.platform == "win32":  # pragma: no cover - Windows has no pseudo-terminals
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

import pty

# A server whose controlling terminal is the pseudo-terminal, so that keys become signals.
_PROGRAM = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "webvoice_mcp"])
"""


@pytest.mark.parametrize("key", [b"\x04", b"\x03"], ids=["Ctrl-D", "Ctrl-C"])
@pytest.mark.slow
def test_in_a_terminal_the_server_explains_how_to_configure_a_client(tmp_path: Path, key: bytes) -> None:
    terminal, process_side = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdin=process_side,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path),
        start_new_session=True,
    ) as process:
        os.close(process_side)
        assert process.stderr
        assert process.stdout
        greeting = b""
        while not greeting.endswith(b"Press Ctrl-C to quit.\n"):
            greeting += process.stderr.readline()
        os.write(terminal, key)
        assert process.wait(TIMEOUT_SECONDS) == 0
        rest = process.stderr.read()
        assert process.stdout.read() == b""
    os.close(terminal)
    assert greeting.startswith(f"This is webvoice-mcp {__version__}, an MCP server.".encode())
    assert b'{"mcpServers": {"webvoice": {"command": "webvoice-mcp"}}}' in greeting
    assert rest.strip() == b""
