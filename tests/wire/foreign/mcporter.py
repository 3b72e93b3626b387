"""Drives the command line of mcporter, which starts a server for every command."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.wire.foreign.calls import Answer, Connected, Connection, Message, OnProgress

_TIMEOUT_SECONDS = 300  # for node, mcporter and the server to start on a busy machine


def mcporter(program: Path, folder: Path) -> Connected:
    """Return the client that runs this program; its configuration is written into the folder."""
    folder.mkdir()
    config = folder / "mcporter.json"

    @asynccontextmanager
    async def connected(server: Message, on_progress: OnProgress) -> AsyncIterator[Connection]:
        def mcporter(*words: str) -> tuple[int, str]:
            config.write_text(json.dumps({"mcpServers": {"webvoice": server}, "imports": []}), encoding="utf-8")
            command = [str(program), "--config", str(config), *words]
            environ = server["env"]  # its home folder has no configuration of other clients
            done = subprocess.run(
                command, env=environ, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
            )
            assert done.stdout, done.stderr
            return done.returncode, done.stdout

        async def call(name: str, arguments: Message) -> Answer:
            words = (f"webvoice.{name}", "--args", json.dumps(arguments), "--output", "json")
            code, stdout = await asyncio.to_thread(mcporter, "call", *words)
            if code == 0:
                return Answer(failed=False, text=stdout)
            return Answer(failed=True, text=json.loads(stdout)["content"][0]["text"])

        _, stdout = await asyncio.to_thread(mcporter, "list", "webvoice", "--json", "--schema")
        yield Connection({tool["name"]: tool["inputSchema"] for tool in json.loads(stdout)["tools"]}, call)

    return connected
