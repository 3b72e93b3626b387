"""`install` and `uninstall` with the clients' own programs, installed by npm."""

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
from tests.cli.conftest import TIMEOUT_SECONDS, Command
from tests.cli.test_install_vendors import ADD, FILES
from webvoice_mcp.cli.clients.mcp_clients import INSTALLABLE

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(sys.platform != "linux", reason="the paths are those of Linux"),
]

ROOT = Path(__file__).resolve().parents[2]
PLUGIN_FILES = (".agents", ".claude-plugin", ".codex-plugin", "assets", "gemini-extension.json")
PACKAGES = {"claude-code": "@anthropic-ai/claude-code", "codex": "@openai/codex", "gemini": "@google/gemini-cli"}


@pytest.fixture(scope="module", params=PACKAGES)
def vendor(  # pragma: no cover - wide
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """A client, and the folder of its program, which npm has installed."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm here")
    folder = tmp_path_factory.mktemp("vendor")
    words = [npm, "install", "--prefix", str(folder), "--no-save", "--no-audit", "--no-fund", PACKAGES[request.param]]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
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

    def run(self, *words: str) -> str:
        """Run its command `mcp` and return the output."""
        command = [str(self._program), "mcp", *words]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False, cwd=self._home
        )
        assert done.returncode == 0, done
        return done.stdout + done.stderr * (self._client == "gemini")

    def add(self, name: str) -> None:
        """Add an entry for another server."""
        scope = {"codex": ["--"], "gemini": ["-s", "user"]}.get(self._client, ["-s", "user", "--"])
        self.run("add", name, *scope, "/bin/true")

    def servers(self) -> dict[str, Any]:
        """Return the servers in the client's file."""
        text = (self._home / FILES[self._client]).read_text()
        document = tomllib.loads(text) if self._client == "codex" else json.loads(text)
        found: dict[str, Any] = document[INSTALLABLE[self._client].section]
        return found

    def knows(self, command: str) -> bool:
        """True if the client understands our entry. Claude Code also starts the server and connects to it."""
        if self._client == "codex":
            transport = json.loads(self.run("get", "webvoice", "--json"))["transport"]
            return (transport["type"], transport["command"], transport["args"]) == ("stdio", command, [])
        if self._client == "gemini":
            return f"webvoice: {command}" in self.run("list")
        output = self.run("get", "webvoice")
        return f"Command: {command}" in output and "Connected" in output


# How each client's program validates the plugin in the project's folder, installs it, and lists its servers.
INSTALL_PLUGIN = {
    "claude-code": [
        "plugin validate {root}",
        "plugin validate {root}/.claude-plugin/plugin.json",
        "plugin marketplace add {root}",
        "plugin install webvoice-mcp@webvoice",
        "plugin list",
    ],
    "codex": ["plugin marketplace add {root}", "plugin add webvoice-mcp@webvoice", "mcp get webvoice"],
    "gemini": ["extensions validate {root}", "extensions link {root} --consent", "extensions list"],
}
SHOWN = {"claude-code": ["webvoice-mcp@webvoice", "enabled"], "codex": ["uvx"], "gemini": ["MCP servers:", "webvoice"]}


def test_the_client_s_own_program_installs_our_plugin(  # pragma: no cover - wide
    command: Command, home: Path, vendor: tuple[str, Path]
) -> None:
    client, folder = vendor
    command("install", "zed")  # sets the environment
    plugin = home / "plugin"
    for name in PLUGIN_FILES:
        (plugin / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(ROOT / name, plugin / name) if (ROOT / name).is_dir() else shutil.copy(ROOT / name, plugin)
    output = ""
    for words in INSTALL_PLUGIN[client]:
        argv = [str(folder / ADD[client][0]), *words.format(root=plugin).split()]
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False, cwd=home, input="y\ny\ny\n"
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
    assert [text for text in SHOWN[client] if text not in output] == [], output


def test_the_client_s_own_program_reads_our_entry(  # pragma: no cover - wide
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch, vendor: tuple[str, Path]
) -> None:
    client, folder = vendor
    on_path(monkeypatch, folder, os.environ["PATH"])
    command("install", "zed")  # sets the environment
    program = Vendor(client, folder, home)
    program.add("first")
    program.add("last")
    before = program.servers()
    variables = ["--env", "WEBVOICE_MAX_CREDITS=5", "--env", "WEBVOICE_OUTPUT_DIR=~/My files"]
    code, out, err = command("install", client, *variables)
    assert (code, err) == (0, ""), out
    entry = program.servers().pop("webvoice")
    assert entry["command"] == LAUNCHER
    assert entry["env"] == {"WEBVOICE_MAX_CREDITS": "5", "WEBVOICE_OUTPUT_DIR": "~/My files"}
    assert program.servers() == {**before, "webvoice": entry}
    assert program.knows(LAUNCHER)
    assert "already" in command("install", client, *variables).out
    code, out, err = command("uninstall", client)
    assert (code, err) == (0, ""), out
    assert program.servers() == before
    assert command("uninstall", client).code == 0
