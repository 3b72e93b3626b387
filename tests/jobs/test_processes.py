"""Jobs of a real server process: killed, left by its client, or failed by the sandbox."""

import os
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.jobs.world import BY_TOOL, KINDS, PATIENCE, Paid, made_in, put_inputs, rows
from tests.support import CANARY
from tests.wire.results import failure, fields
from tests.wire.sandbox_service import SandboxService, running_sandbox
from tests.wire_driver import ServerProcess, environment, running_server

pytestmark = [pytest.mark.wide, pytest.mark.engines]
posix = pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without asking it")
each_kind = pytest.mark.parametrize("paid", KINDS, ids=lambda paid: paid.tool.removeprefix("webvoice_"))

TTS = BY_TOOL["webvoice_tts"]


class World:
    """One server at a time, its folders, and a sandbox with scripted faults."""

    def __init__(self, home: Path, play: SandboxService, key: str) -> None:
        self.play = play
        self.out = home / "out"
        self.state = home / "state"
        self._home = home
        self._key = key

    def serving(self, **variables: Any) -> Any:
        own = {"BASE_URL": self.play.base_url, "API_KEY": self._key, "INLINE_WAIT": 0, **variables}
        return running_server(environment(self._home, own))

    def parameters(self) -> StdioServerParameters:
        environ = environment(self._home, {"BASE_URL": self.play.base_url, "API_KEY": self._key})
        return StdioServerParameters(command=sys.executable, args=["-m", "webvoice_mcp"], env=environ)

    def fault(self, paid: Paid, **fault: Any) -> None:
        self.play.fault(paid.path, **fault)

    def last(self, wire: ServerProcess) -> dict[str, Any]:
        newest = fields(wire.call("webvoice_jobs"))["jobs"][0]
        (job,) = fields(wire.call("webvoice_jobs", {"job_id": newest["id"], "wait_seconds": 45}))["jobs"]
        found: dict[str, Any] = job
        return found


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxService]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def key(play: SandboxService) -> str:
    key = play.register("wide@example.com")
    play.purchase("wide@example.com", 10_000)
    return key


@pytest.fixture
def world(tmp_path: Path, play: SandboxService, key: str) -> World:
    put_inputs(tmp_path / "out")
    play.clear_faults()
    return World(tmp_path, play, key)


def wait_for_row(state: Path) -> dict[str, Any]:
    """Return the row of the first job once it is recorded."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if found := rows(state):
                return found[0]
        except sqlite3.Error:
            pass  # not created yet
        time.sleep(0.01)
    raise AssertionError("no job was recorded")


FAULTS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"drop": True}, "network_error"),
    ({"cut_at": 0}, "invalid_response"),
    ({"cut_at": 40}, "invalid_response"),
    ({"status": 500}, "server_error"),
    ({"status": 503}, "provider_unavailable"),
)


@each_kind
def test_each_fault_is_reported_and_costs_one_request(world: World, paid: Paid) -> None:
    with world.serving() as wire:
        for fault, code in FAULTS:
            world.fault(paid, **fault)
            reported, _ = failure(wire.call(paid.tool, paid.arguments))
            assert reported == code
            assert world.last(wire)["error"]["code"] == code
            assert made_in(world.out) == {}
        fields(wire.call(paid.tool, paid.arguments))  # each fault was used up by one request
    assert [row["state"] for row in rows(world.state)] == ["failed"] * len(FAULTS) + ["done"]


@each_kind
def test_a_cancelled_call_goes_on_if_it_makes_a_file(world: World, paid: Paid) -> None:
    world.fault(paid, delay=0.5)
    with world.serving() as wire:
        asked = wire.send_request("tools/call", {"name": paid.tool, "arguments": paid.arguments})
        wait_for_row(world.state)
        wire.send_message({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": asked}})
        job = world.last(wire)
        assert not [line for line in wire.stdout_lines if b'"id":%d,' % asked in line]
    assert job["state"] == ("done" if paid.outlives else "failed")
    files = [Path(file["path"]).name for file in job.get("result", {}).get("files", [])]
    assert sorted(files) == sorted(made_in(world.out))
    assert len(files) == bool(paid.file)
    (row,) = rows(world.state)
    assert row["credits"] == job.get("result", {}).get("credits_used")


@posix
@each_kind
def test_a_killed_server_leaves_an_interrupted_job(world: World, paid: Paid) -> None:
    world.fault(paid, delay=1)
    with world.serving() as wire:
        wire.send_request("tools/call", {"name": paid.tool, "arguments": paid.arguments})
        recorded = wait_for_row(world.state)
        wire.process.send_signal(signal.SIGKILL)
        wire.process.wait()
    assert [name for name in made_in(world.out) if not name.endswith(".part")] == []
    with world.serving() as wire:
        job = world.last(wire)
        assert (job["id"], job["state"], job["error"]["code"]) == (recorded["id"], "interrupted", "interrupted")
        assert "Credits may have been spent" in job["error"]["message"]
        (recent,) = fields(wire.call("webvoice_usage"))["recent"]
        assert (recent["state"], recent["files"], recent["credits"]) == ("interrupted", [], None)
    on_disk = b"".join(path.read_bytes() for path in world.state.rglob("*") if path.is_file())
    assert CANARY.encode() not in on_disk
    assert world._key.encode() not in on_disk


async def test_a_job_that_is_nearly_done_outlives_its_client(world: World) -> None:
    world.fault(TTS, delay=0.3)
    async with Client(world.parameters()) as client:
        assert (await client.call_tool("webvoice_tts", {**TTS.arguments, "background": True})).is_error is False
    assert list(made_in(world.out)) == ["made.mp3"]
    assert [row["state"] for row in rows(world.state)] == ["done"]


async def test_a_long_job_is_interrupted_without_a_partial_file(world: World) -> None:
    world.fault(TTS, delay=30)
    async with Client(world.parameters()) as client:
        assert (await client.call_tool("webvoice_tts", {**TTS.arguments, "background": True})).is_error is False
    with world.serving() as wire:
        job = world.last(wire)
    assert job["state"] == "interrupted"
    assert [name for name in made_in(world.out) if not name.endswith(".part")] == []


async def test_a_client_that_stops_waiting_finds_the_result_later(world: World) -> None:
    world.fault(TTS, delay=0.5)
    async with Client(world.parameters()) as client:
        await client.call_tool("webvoice_account_links", {})  # by now the server is imported, and knows calls
        with anyio.move_on_after(0.3) as scope:
            await client.call_tool("webvoice_tts", TTS.arguments)
        assert scope.cancelled_caught
        with anyio.fail_after(PATIENCE):
            while True:
                listed = (await client.call_tool("webvoice_jobs", {})).structured_content
                if listed and listed["jobs"] and listed["jobs"][0]["state"] == "done":
                    break
                await anyio.sleep(0.05)
    assert list(made_in(world.out)) == ["made.mp3"]


@posix
@pytest.mark.parametrize("end", ["end of input", "SIGTERM", "SIGINT"])
def test_running_jobs_get_their_grace_at_the_end(world: World, end: str) -> None:
    world.fault(TTS, delay=3)
    with world.serving() as wire:
        fields(wire.call("webvoice_tts", {**TTS.arguments, "background": True}))
        ending = wire.close_stdin_and_wait() if end == "end of input" else wire.signal_and_wait(getattr(signal, end))
    assert (ending.code, ending.stderr) == (0, "")
    assert ending.seconds > 2
    assert list(made_in(world.out)) == ["made.mp3"]
    assert [row["state"] for row in rows(world.state)] == ["done"]
