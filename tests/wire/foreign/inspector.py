"""The Inspector's command line, which starts a server for each thing that it is asked."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.wire_driver import SERVER, Message


class Inspector:
    """The program in a folder of npm's, and the environment of it and of its servers."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        program = folder / "node_modules" / ".bin" / ("mcp-inspector.cmd" if os.name == "nt" else "mcp-inspector")
        variables = [word for name, value in environ.items() for word in ("-e", f"{name}={value}")]
        self._words = [str(program), "--cli", *SERVER, *variables, "--format", "json"]
        self._environ = environ

    def ask(self, method: str, *words: str) -> tuple[int, Message, str]:
        """Its exit code, the result that it prints, and what else it says."""
        command = [*self._words, "--method", method, *words]
        done = subprocess.run(command, env=self._environ, capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout, done.stderr
        result: Message = json.loads(done.stdout)["result"]
        return done.returncode, result, done.stderr

    def call(self, tool: str, /, **arguments: Any) -> tuple[int, Message, str]:
        """The same, of a call."""
        return self.ask("tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))
