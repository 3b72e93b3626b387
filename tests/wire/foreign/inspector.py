"""Drives the command line of the MCP Inspector, which starts a server for every request."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.wire_driver import SERVER_COMMAND, Message

_TIMEOUT_SECONDS = 300  # for node, the Inspector and the server to start on a busy machine


class Inspector:
    """The Inspector, installed by npm in a folder. `environ` is the environment of the Inspector and its servers."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        program = folder / "node_modules" / ".bin" / ("mcp-inspector.cmd" if os.name == "nt" else "mcp-inspector")
        variables = [word for name, value in environ.items() for word in ("-e", f"{name}={value}")]
        patience = ["--connect-timeout", str(_TIMEOUT_SECONDS * 1000)]
        self._command = [str(program), "--cli", *SERVER_COMMAND, *variables, *patience, "--format", "json"]
        self._environ = environ

    def request(self, method: str, *options: str) -> tuple[int, Message, str]:
        """Send a request; return the Inspector's exit code, the result that it printed, and its stderr."""
        command = [*self._command, "--method", method, *options]
        done = subprocess.run(
            command, env=self._environ, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
        )
        assert done.stdout, done.stderr
        result: Message = json.loads(done.stdout)["result"]
        return done.returncode, result, done.stderr

    def call(self, tool: str, /, **arguments: Any) -> tuple[int, Message, str]:
        """Call a tool; return the same values as `request`."""
        return self.request("tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))
