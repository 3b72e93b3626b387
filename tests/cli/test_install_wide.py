"""What the clients' own programs, installed by npm, make of what `install` and `uninstall` do."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.client_files import LAUNCHER, on_path
from tests.cli.conftest import Command
from tests.cli.test_install_vendors import ADD, FILES
from webvoice_mcp.cli.clients import INSTALLABLE

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(sys.platform != "linux", reason="the places are those of Linux"),
]

PACKAGES = {"claude-code": "@anthropic-ai/claude-code", "codex": "@openai/codex", "gemini": "@google/gemini-cli"}


@pytest.fixture(scope="module", params=PACKAGES)
def vendor(  # pragma: no cover - wide
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """A client and the folder of its program, installed by npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm here")
    folder = tmp_path_factory.mktemp("vendor")
    words = [npm, "install", "--prefix", str(folder), "--no-save", "--no-audit", "--no-fund", PACKAGES[request.param]]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot install {PACKAGES[request.param]}: {done.stderr[-200:]}")
    yield request.param, folder / "node_modules" / ".bin"
    shutil.rmtree(folder)  # some hundreds of megabytes


class Vendor:  # pragma: no cover - wide
    """A client's own program."""

    def __init__(self, client: str, folder: Path, home: Path) -> None:
        self._client = client
        self._program = folder / ADD[client][0]
        self._home = home

    def ask(self, *words: str) -> str:
        """What it says to its command `mcp`."""
        command = [str(self._program), "mcp", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=self._home)
        assert done.returncode == 0, done
        return done.stdout + done.stderr * (self._client == "gemini")

    def add(self, name: str) -> None:
        """Somebody else's entry."""
        scope = {"codex": ["--"], "gemini": ["-s", "user"]}.get(self._client, ["-s", "user", "--"])
        self.ask("add", name, *scope, "/bin/true")

    def servers(self) -> dict[str, Any]:
        """What is in its file now."""
        text = (self._home / FILES[self._client]).read_text()
        document = tomllib.loads(text) if self._client == "codex" else json.loads(text)
        found: dict[str, Any] = document[INSTALLABLE[self._client].key]
        return found

    def knows(self, command: str) -> bool:
        """Whether it understands our entry; Claude Code also starts the server and speaks with it."""
        if self._client == "codex":
            told = json.loads(self.ask("get", "webvoice", "--json"))["transport"]
            return (told["type"], told["command"], told["args"]) == ("stdio", command, [])
        if self._client == "gemini":
            return f"webvoice: {command}" in self.ask("list")
        said = self.ask("get", "webvoice")
        return f"Command: {command}" in said and "Connected" in said


def test_the_client_itself_reads_our_entry_back(  # pragma: no cover - wide
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch, vendor: tuple[str, Path]
) -> None:
    client, folder = vendor
    on_path(monkeypatch, folder, os.environ["PATH"])
    command("install", "zed")  # sets the environment
    itself = Vendor(client, folder, home)
    itself.add("first")
    itself.add("last")
    before = itself.servers()
    code, out, err = command("install", client)
    assert (code, err) == (0, ""), out
    entry = itself.servers().pop("webvoice")
    assert entry["command"] == LAUNCHER
    assert itself.servers() == {**before, "webvoice": entry}
    assert itself.knows(LAUNCHER)
    assert "already" in command("install", client).out
    code, out, err = command("uninstall", client)
    assert (code, err) == (0, ""), out
    assert itself.servers() == before
    assert command("uninstall", client).code == 0
