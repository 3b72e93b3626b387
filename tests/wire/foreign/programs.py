"""The frameworks and gateways that are tried, and how each is run."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.wire.foreign.calls import Connected, Message, Report, make_calls
from tests.wire.foreign.environments import Environments
from tests.wire.foreign.gateways import behind, mcp_proxy, supergateway
from tests.wire.foreign.mcporter import mcporter
from tests.wire_driver import environment

_TIMEOUT_SECONDS = 300  # for a program to make all calls on a busy machine
_HERE = Path(__file__).parent
_ROOT = _HERE.parents[2]

Run = Callable[[Environments, tuple[str, ...], Message, dict[str, Message], Path], Report]


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is a client of the server, or stands between the two.

    Attributes:
        packages: the packages to install. Ranges, so that new releases are met; a failed test names the version.
        run: makes the calls.
        settings: the server's settings that users of this program need.
        shows_progress: the program hands progress to its user.
        shows_pictures: the program hands pictures to the model.
    """

    packages: tuple[str, ...]
    run: Run
    settings: Message = field(default_factory=dict)
    shows_progress: bool = True
    shows_pictures: bool = True


def _with_python(module: str) -> Run:
    def run(
        environments: Environments, packages: tuple[str, ...], server: Message, calls: dict[str, Message], folder: Path
    ) -> Report:
        command = [environments.python(*packages), "-m", f"tests.wire.foreign.{module}"]
        return _report(command, server, calls, folder)

    return run


def _with_node(source: str) -> Run:
    def run(
        environments: Environments, packages: tuple[str, ...], server: Message, calls: dict[str, Message], folder: Path
    ) -> Report:
        # node finds packages only beside the program
        program = shutil.copy(_HERE / source, environments.folder(*packages))
        return _report(["node", str(program)], server, calls, folder)

    return run


def _report(command: list[str], server: Message, calls: dict[str, Message], folder: Path) -> Report:
    given = json.dumps({"server": server, "calls": calls})
    options: Message = {"input": given, "env": environment(folder), "cwd": _ROOT, "timeout": _TIMEOUT_SECONDS}
    done = subprocess.run(command, **options, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Report.read(done.stdout)


def _here(command: str, connected: Callable[[Path, Path], Connected]) -> Run:
    """Run a command of the packages; its client runs in this process."""

    def run(
        environments: Environments, packages: tuple[str, ...], server: Message, calls: dict[str, Message], folder: Path
    ) -> Report:
        program = environments.command(command, *packages)
        return asyncio.run(make_calls(connected(program, folder), server, calls))

    return run


PROGRAMS = {
    "openai-agents": Program(("openai-agents>=0.24,<1",), _with_python("openai_agents_client"), shows_progress=False),
    "langchain": Program(
        ("langchain-mcp-adapters>=0.3,<1", "langchain-openai>=1,<2"),
        _with_python("langchain_client"),
        settings={"RESOURCE_LINKS": 0},
    ),
    "pydantic-ai": Program(("pydantic-ai-slim[mcp]>=2,<3",), _with_python("pydantic_ai_client")),
    "@ai-sdk/mcp": Program(("npm:@ai-sdk/mcp@2",), _with_node("ai_sdk_client.mjs"), shows_progress=False),
    "mcp-proxy": Program(
        ("mcp-proxy>=0.13,<1",), _here("mcp-proxy", lambda program, folder: behind(mcp_proxy, "/sse", program))
    ),
    "supergateway": Program(
        ("npm:supergateway@4",), _here("supergateway", lambda program, folder: behind(supergateway, "/mcp", program))
    ),
    "mcporter": Program(
        ("npm:mcporter@>=0.12 <1",), _here("mcporter", mcporter), shows_progress=False, shows_pictures=False
    ),
}
