"""A server that is killed in the middle of a work: what was answered by then is not paid for again."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from mcp import Client

from tests.jobs.works import WORKS, Work, WorksService
from tests.support import CANARY, MakeSettings, fields
from tests.wire_driver import SERVER_COMMAND, TIMEOUT_SECONDS, environment, running_server
from webvoice_mcp.server import create_server

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL"),
    pytest.mark.parametrize("work", WORKS, ids=lambda work: work.tool.removeprefix("webvoice_")),
]

# A program that runs the server, and kills it when Python is about to do something.
KILLED = """
import os, runpy, signal, sys, threading
stage, parts = sys.argv[1], int(sys.argv[2])
kept = []
thread = threading.local()

def watch(event, arguments):
    if event not in ("open", "os.link", "os.remove", "os.rename", "socket.connect"):
        return
    path = str(arguments[1 if event in ("os.link", "os.rename") else 0])
    if event == "os.rename" and path.endswith(".json"):
        thread.is_keeping = True
    elif event == "open" and path.endswith("parts") and getattr(thread, "is_keeping", False):
        kept.append(path)  # the part has its name, and its folder is about to be flushed to the disk
        thread.is_keeping = False
    if {
        "before the first part": event == "socket.connect",
        "after the last part": len(kept) == parts,
        "while the parts are joined": event == "open" and path.endswith(".media"),
        "before the whole has its name": event in ("os.link", "os.rename") and path.startswith("killed"),
        "before the parts are forgotten": event == "os.remove" and path.endswith(".json"),
    }[stage]:
        os.kill(os.getpid(), signal.SIGKILL)

sys.argv = ["webvoice-mcp"]
sys.addaudithook(watch)
runpy.run_module("webvoice_mcp", run_name="__main__")
"""
BEFORE_ANY, BETWEEN, JOINING = "before the first part", "between parts", "while the parts are joined"
STAGES = (
    BEFORE_ANY,
    BETWEEN,
    "after the last part",
    JOINING,
    "before the whole has its name",
    "before the parts are forgotten",
)


@pytest.fixture
def service() -> Iterator[WorksService]:
    with WorksService().running() as running:
        yield running


@pytest.mark.parametrize("stage", STAGES)
async def test_a_work_killed_at_any_stage_is_paid_for_once(
    make_settings: MakeSettings, work: Work, stage: str, tmp_path: Path, out: Path, service: WorksService
) -> None:
    if stage == JOINING and work.tool != "webvoice_narrate":
        pytest.skip("only sound is joined from files")
    work.prepare(out)
    await anyio.to_thread.run_sync(start_and_kill, work, stage, tmp_path, service)
    answered = {BEFORE_ANY: 0, BETWEEN: 2}.get(stage, work.parts)
    assert service.ledger.total() == answered
    service.stop_after = None
    async with Client(create_server(make_settings(BASE_URL=service.base_url, INLINE_WAIT=0))) as client:
        (job,) = fields(await client.call_tool("webvoice_jobs", {}))["jobs"]
        result = fields(await client.call_tool(work.tool, work.call("again")))
        assert job["state"] == "interrupted"
        assert result["parts_reused"] == answered
        assert set(service.ledger.values()) == {1}
        assert len(service.ledger) == work.parts
        fields(await client.call_tool(work.tool, work.call("whole")))  # after a delivery nothing is kept
    assert service.ledger.total() == 2 * work.parts
    assert work.made(out, "again") == work.made(out, "whole")


def start_and_kill(work: Work, stage: str, home: Path, service: WorksService) -> None:
    """Run a server that is killed at a stage of the work. It has no worker process, which would go on."""
    environ = environment(home, {"BASE_URL": service.base_url, "API_KEY": CANARY, "INLINE_WAIT": 0, "WORKER": 0})
    command = SERVER_COMMAND if stage == BETWEEN else (sys.executable, "-c", KILLED, stage, str(work.parts))
    service.stop_after = 2 if stage == BETWEEN else None
    with running_server(environ, command) as server:
        server.send_call(work.tool, work.call("killed"))
        if stage == BETWEEN:
            wait_for_parts(home / "state" / "parts", 2)
            server.process.send_signal(signal.SIGKILL)
        assert server.process.wait(TIMEOUT_SECONDS) == -signal.SIGKILL


def wait_for_parts(folder: Path, count: int) -> None:
    """Wait until so many parts are kept."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while len(list(folder.glob("*.json"))) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)
