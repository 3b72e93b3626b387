"""Servers and services that tests share, because a start takes longer than all calls of a test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import wire_driver
from tests.loopback import LoopbackService
from tests.support import CANARY
from tests.wire.calls import REPLIES, write_files
from tests.wire.sandbox_service import SandboxService, running_sandbox
from tests.wire_driver import Message, ServerProcess, environment, running_server

StartServer = Callable[..., ServerProcess]  # takes environment variables without the prefix WEBVOICE_


@dataclass(frozen=True, slots=True)
class ConnectedServer:
    """A server and the service that it calls.

    Attributes:
        out: the server's output folder, which contains the user's files.
        schemas: the input schema of each tool.
    """

    server: ServerProcess
    service: LoopbackService
    out: Path
    schemas: dict[str, Message]


@pytest.fixture(params=["front", pytest.param("SDK alone", marks=pytest.mark.wide)])
def with_and_without_front(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with servers as usual, and in the wide step also with servers where the SDK answers everything."""
    if request.param == "SDK alone":
        monkeypatch.setattr(wire_driver, "SERVER_COMMAND", wire_driver.SDK_ALONE)


@pytest.fixture(scope="session")
def replying_service() -> Iterator[LoopbackService]:
    """A service that replies as documented."""
    with LoopbackService(REPLIES).running() as service:
        yield service


@pytest.fixture(scope="session")
def connected(replying_service: LoopbackService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectedServer]:
    """A server with a key, which may read and write files in its home folder."""
    yield from _connected(replying_service, tmp_path_factory.mktemp("home"), API_KEY=CANARY)


@pytest.fixture(scope="session")
def keyless(replying_service: LoopbackService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectedServer]:
    """A server without a key."""
    yield from _connected(replying_service, tmp_path_factory.mktemp("home"))


def _connected(service: LoopbackService, home: Path, **variables: str) -> Iterator[ConnectedServer]:
    write_files(home / "out")
    variables |= {"BASE_URL": service.base_url, "ALLOWED_DIRS": str(home)}
    with running_server(environment(home, variables)) as server:
        schemas = {tool["name"]: tool["inputSchema"] for tool in server.result("tools/list")["tools"]}
        yield ConnectedServer(server, service, home / "out", schemas)
        assert "Traceback" not in server.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder of the servers that `start_server` starts."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def start_server(home: Path) -> Iterator[StartServer]:
    """Return a function that starts a server, which runs until the module's last test."""
    with ExitStack() as running:
        yield lambda **variables: running.enter_context(running_server(environment(home, variables)))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxService]:
    """A sandbox on a loopback port."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as service:
        yield service
