"""Clients of the SDKs that close in the middle of a film lose nothing."""

import base64
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from mcp import Client, StdioServerParameters

from tests.jobs.world import MP4_BYTES
from tests.loopback import HeldReply, LoopbackService
from tests.wire.foreign.environments import Environments
from tests.wire_driver import SERVER_COMMAND, TIMEOUT_SECONDS
from tests.worker.test_processes import FILM, World, check_film, until

pytestmark = pytest.mark.wide

PROGRAM = Path(__file__).parents[1] / "wire" / "foreign" / "typescript_closing_client.mjs"


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    folder = tmp_path_factory.mktemp("foreign")
    yield Environments(folder)
    shutil.rmtree(folder)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    film = HeldReply({"success": True, "video": base64.b64encode(MP4_BYTES).decode(), "credits_used": 0.75})
    with LoopbackService({FILM.path: film, "begun/": HeldReply({})}).running() as service:
        yield World(tmp_path, service, film)
        film.release()


@pytest.mark.parametrize(
    ("package", "version"),
    [("npm:@modelcontextprotocol/sdk@1.32.2", "1"), ("npm:@modelcontextprotocol/client@2.4.0", "2")],
)
def test_a_typescript_client_that_closes_in_the_middle_loses_nothing(
    world: World, environments: Environments, package: str, version: str
) -> None:
    program = shutil.copy(PROGRAM, environments.folder(package))
    server = {"command": SERVER_COMMAND[0], "args": SERVER_COMMAND[1:], "env": world.environ()}
    tool = {"name": FILM.tool, "arguments": FILM.arguments}
    given = {"server": server, "tool": tool, "begun": f"{world.service.base_url}/begun/"}
    begun = world.service.replies["begun/"]

    def tell_when_begun() -> None:
        wait_for_film(world)
        begun.release()

    watcher = threading.Thread(target=tell_when_begun)
    watcher.start()
    command = ["node", str(program), version]
    subprocess.run(command, input=json.dumps(given).encode(), check=True, timeout=TIMEOUT_SECONDS)
    watcher.join()
    world.film.release()
    check_film(world)


async def test_a_python_client_that_closes_in_the_middle_loses_nothing(world: World) -> None:
    server = StdioServerParameters(command=SERVER_COMMAND[0], args=list(SERVER_COMMAND[1:]), env=world.environ())
    async with Client(server) as client, anyio.create_task_group() as calls:
        calls.start_soon(client.call_tool, FILM.tool, FILM.arguments)
        await anyio.to_thread.run_sync(wait_for_film, world)
        calls.cancel_scope.cancel()
    world.film.release()
    await anyio.to_thread.run_sync(check_film, world)
    await anyio.to_thread.run_sync(until, lambda: not world.processes())


def wait_for_film(world: World) -> None:
    while world.service.wait_for_request().path != FILM.path:
        pass
