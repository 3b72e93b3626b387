"""Orders over a real pipe, against the sandbox's faults: the server killed, its client gone, its upstream broken."""

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

from tests.orders.world import PAID, Paid, made_in, put_inputs, rows
from tests.support import CANARY
from tests.wire.results import failure, fields
from tests.wire.sandbox_service import SandboxService, running_sandbox
from tests.wire_driver import ServerProcess, environment, running_server

pytestmark = [pytest.mark.wide, pytest.mark.engines]
posix = pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without asking it")
every_tool = pytest.mark.parametrize("paid", PAID, ids=lambda each: each.tool.removeprefix("webvoice_"))

# What the sandbox takes besides what a scripted service does.
_CHEAPER = {
    "webvoice_image_to_video": {"duration": 4},
    "webvoice_text_to_video": {"duration": 4},
    "webvoice_veo_fast_text_to_video": {"duration": 4},
}


class Stage:
    """One server at a time, its folders, and a sandbox that does as it is told."""

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
        (job,) = fields(wire.call("webvoice_jobs", {"job_id": newest["id"], "wait_seconds": 30}))["jobs"]
        found: dict[str, Any] = job
        return found


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxService]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def key(play: SandboxService) -> str:
    made = play.register("wide@example.com")
    play.purchase("wide@example.com", 10_000)
    return made


@pytest.fixture
def stage(tmp_path: Path, play: SandboxService, key: str) -> Stage:
    put_inputs(tmp_path / "out")
    play.clear_faults()
    return Stage(tmp_path, play, key)


def arguments(paid: Paid) -> dict[str, Any]:
    return {**paid.arguments, **_CHEAPER.get(paid.tool, {})}


def wait_for_row(state: Path) -> dict[str, Any]:
    """The row of the first order, once it is written down."""
    until = time.monotonic() + 15
    while time.monotonic() < until:
        try:
            if found := rows(state):
                return found[0]
        except sqlite3.Error:
            pass  # not made yet
        time.sleep(0.01)
    raise AssertionError("no order was written down")


FAULTS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"drop": True}, "network_error"),
    ({"cut_at": 0}, "invalid_response"),
    ({"cut_at": 40}, "invalid_response"),
    ({"status": 500}, "server_error"),
    ({"status": 503}, "provider_unavailable"),
)


@every_tool
def test_faults_are_told_and_cost_one_request_each(stage: Stage, paid: Paid) -> None:
    with stage.serving() as wire:
        for fault, code in FAULTS:
            stage.fault(paid, **fault)
            told, _ = failure(wire.call(paid.tool, arguments(paid)))
            assert told == code
            assert stage.last(wire)["error"]["code"] == code
            assert made_in(stage.out) == {}
        fields(wire.call(paid.tool, arguments(paid)))  # each fault was used up by one request
    assert [row["state"] for row in rows(stage.state)] == ["failed"] * len(FAULTS) + ["done"]


@every_tool
def test_a_call_that_its_caller_cancels_goes_on_where_it_makes_something(stage: Stage, paid: Paid) -> None:
    stage.fault(paid, delay=0.5)
    with stage.serving() as wire:
        asked = wire.send_request("tools/call", {"name": paid.tool, "arguments": arguments(paid)})
        wait_for_row(stage.state)
        wire.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": asked}})
        job = stage.last(wire)
        assert not [line for line in wire.stdout_lines if b'"id":%d,' % asked in line]
    assert job["state"] == ("done" if paid.outlives else "failed")
    files = [Path(each["path"]).name for each in job.get("result", {}).get("files", [])]
    assert sorted(files) == sorted(made_in(stage.out))
    assert len(files) == bool(paid.file)
    (row,) = rows(stage.state)
    assert row["credits"] == job.get("result", {}).get("credits_used")


@posix
@every_tool
def test_a_server_that_is_killed_leaves_an_order_that_says_so(stage: Stage, paid: Paid) -> None:
    stage.fault(paid, delay=1)
    with stage.serving() as wire:
        wire.send_request("tools/call", {"name": paid.tool, "arguments": arguments(paid)})
        written = wait_for_row(stage.state)
        wire.process.send_signal(signal.SIGKILL)
        wire.process.wait()
    assert [name for name in made_in(stage.out) if not name.endswith(".part")] == []
    with stage.serving() as wire:
        job = stage.last(wire)
        assert (job["id"], job["state"], job["error"]["code"]) == (written["id"], "interrupted", "interrupted")
        assert "Credits may have been spent" in job["error"]["message"]
        (recent,) = fields(wire.call("webvoice_usage"))["recent"]
        assert (recent["state"], recent["files"], recent["credits"]) == ("interrupted", [], None)
    written_down = b"".join(each.read_bytes() for each in stage.state.rglob("*") if each.is_file())
    assert CANARY.encode() not in written_down
    assert stage._key.encode() not in written_down


async def test_a_client_that_closes_gets_what_is_soon_ready(stage: Stage) -> None:
    stage.fault(PAID[2], delay=0.3)
    async with Client(stage.parameters()) as client:
        assert (await client.call_tool("webvoice_tts", {**PAID[2].arguments, "background": True})).is_error is False
    assert list(made_in(stage.out)) == ["made.mp3"]
    assert [row["state"] for row in rows(stage.state)] == ["done"]


async def test_a_client_that_closes_leaves_no_half_of_what_takes_long(stage: Stage) -> None:
    stage.fault(PAID[2], delay=30)
    async with Client(stage.parameters()) as client:
        started = time.monotonic()
        assert (await client.call_tool("webvoice_tts", {**PAID[2].arguments, "background": True})).is_error is False
    print(f"closed after {time.monotonic() - started:.1f} s")
    with stage.serving() as wire:
        job = stage.last(wire)
    assert job["state"] == "interrupted"
    assert [name for name in made_in(stage.out) if not name.endswith(".part")] == []


async def test_a_client_that_gives_up_waiting_finds_the_result_later(stage: Stage) -> None:
    stage.fault(PAID[2], delay=0.5)
    async with Client(stage.parameters()) as client:
        with anyio.move_on_after(0.3) as scope:
            await client.call_tool("webvoice_tts", PAID[2].arguments)
        assert scope.cancelled_caught
        with anyio.fail_after(30):
            while True:
                listed = (await client.call_tool("webvoice_jobs", {})).structured_content
                if listed and listed["jobs"] and listed["jobs"][0]["state"] == "done":
                    break
                await anyio.sleep(0.05)
    assert list(made_in(stage.out)) == ["made.mp3"]


@posix
@pytest.mark.parametrize("end", ["end of input", "SIGTERM", "SIGINT"])
def test_running_jobs_get_their_time_and_then_no_more(stage: Stage, end: str) -> None:
    stage.fault(PAID[2], delay=3)
    with stage.serving() as wire:
        fields(wire.call("webvoice_tts", {**PAID[2].arguments, "background": True}))
        ending = wire.close_stdin_and_wait() if end == "end of input" else wire.signal_and_wait(getattr(signal, end))
    assert (ending.code, ending.stderr) == (0, "")
    assert 2 < ending.seconds < 12
    assert list(made_in(stage.out)) == ["made.mp3"]
    assert [row["state"] for row in rows(stage.state)] == ["done"]
