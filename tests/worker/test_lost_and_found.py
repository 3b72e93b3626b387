"""Results, descriptors and keys when a worker, its server or a descriptor is gone."""

import json
import os
import socket
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx2
import pytest
from mcp import Client

from tests.jobs.world import BY_TOOL, PATIENCE, Upstream, made_in, put_inputs
from tests.support import MakeSettings, ScriptedTransport, connected, fields
from tests.worker.inside import connected_with_worker, job_line, run_worker
from webvoice_mcp import __version__
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.files import Files
from webvoice_mcp.jobs.budget import Budget
from webvoice_mcp.jobs.history import History
from webvoice_mcp.jobs.job import Job
from webvoice_mcp.jobs.jobs import Jobs
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.server import create_server
from webvoice_mcp.worker.channel import SocketChannel

TTS = BY_TOOL["webvoice_tts"]
FIRST_KEY, SECOND_KEY = "wv_first_1234567890", "wv_second_1234567890"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no Unix sockets")


async def test_the_service_may_take_as_long_as_a_recording_plays(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webvoice_mcp.worker.serve._MARGIN_SECONDS", -9.9)
    put_inputs(tmp_path / "out")
    paid = BY_TOOL["webvoice_stt"]
    service = Upstream(paid.answer, hold="head")

    async def answer_late() -> None:
        await service.here.wait()
        await anyio.sleep(0.5)  # WEBVOICE_TIMEOUT and the margin are over, the recording is not
        service.release.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer_late)
        async with connected_with_worker(make_settings(TIMEOUT=10), service) as client:
            fields(await client.call_tool(paid.tool, {**paid.arguments, "background": True}))
    assert made_in(tmp_path / "out") == {paid.file: paid.content}


class PaidWith(httpx2.AsyncBaseTransport):
    """A service that lists a voice, speaks, and notes which key paid for which text; three wait for `release`."""

    def __init__(self) -> None:
        self.paid: dict[str, str] = {}
        self.here = anyio.Event()
        self.release = anyio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(200, json={"voices": {"en": [{"id": "af_sarah"}]}})
        text = json.loads(await request.aread())["text"]
        self.paid[text] = request.headers["X-API-Key"]
        if len(self.paid) == 3:
            self.here.set()
        if len(self.paid) <= 3:
            await self.release.wait()
        return httpx2.Response(200, json=TTS.answer)


@pytest.mark.parametrize("connect", [connected, connected_with_worker])
async def test_each_job_is_paid_by_the_key_that_it_began_with(make_settings: MakeSettings, connect: Any) -> None:
    settings, service = make_settings(API_KEY=""), PaidWith()
    store = KeyStore(settings.credentials_file)

    def change_key(key: str) -> None:
        store.save(settings.base_url, name=key[:9], key=key, use=True)

    change_key(FIRST_KEY)
    lines = [{"text": f"Line {number}.", "voice": "af_sarah", "speed": 0.5 + number / 10} for number in range(5)]
    with anyio.fail_after(PATIENCE):
        async with connect(settings, service) as client, anyio.create_task_group() as calls:
            calls.start_soon(client.call_tool, "webvoice_narrate", {"lines": lines, "output_path": "book.mp3"})
            await service.here.wait()
            change_key(SECOND_KEY)
            fields(await client.call_tool(TTS.tool, {"text": "Hello"}))
            service.release.set()
    assert service.paid == {line["text"]: FIRST_KEY for line in lines} | {"Hello": SECOND_KEY}


async def test_a_call_whose_descriptors_did_not_arrive_is_refused_at_once(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = socket.socketpair()
    facts = {"device": 1, "inode": 1, "size": 1, "modified_ns": 1, "sample": ""}
    file = {"argument": "image", "given": "a.png", "path": "/a.png", "facts": facts, "sent": facts, "descriptor": True}
    with ours:
        async with anyio.create_task_group() as workers:
            workers.start_soon(run_worker, SocketChannel(theirs), make_settings(), ScriptedTransport())
            ours.sendall(job_line(TTS.tool, TTS.arguments, inputs=[file], descriptors=1))
            ours.shutdown(socket.SHUT_WR)
        told = [json.loads(line) for line in ours.recv(1 << 16).splitlines()]
    assert [frame["type"] for frame in told] == ["ready", "finished"]
    assert (told[1]["id"], told[1]["error"]["code"], told[1]["cost"]) == ("job_1", "network_error", [0.0, 0.0])
    assert "nothing was sent" in told[1]["error"]["message"]
    assert "none of its messages" in caplog.text


async def test_a_job_whose_worker_died_after_its_end_is_done(make_settings: MakeSettings) -> None:
    settings = make_settings()
    ours, theirs = socket.socketpair()
    worker = SocketChannel(theirs)
    history = History(settings.history_file, settings.base_url)
    worker.send(json.dumps({"type": "ready", "version": __version__}).encode() + b"\n")
    server = create_server(settings, transport=ScriptedTransport(), start_worker=lambda: SocketChannel(ours))
    results: list[Any] = []

    async def call(client: Client) -> None:
        results.append(await client.call_tool(TTS.tool, TTS.arguments))

    async with Client(server) as client:
        async with anyio.create_task_group() as calls:
            calls.start_soon(call, client)
            line = await anyio.to_thread.run_sync(worker.receive)
            job = json.loads(line or b"null")
            worker.send(json.dumps({"type": "accepted", "id": job["id"]}).encode() + b"\n")
            await history.record_start(job["id"], TTS.tool, job["started_at"], 0.5, key=job["api_key"][-4:])
            await history.record_end(job["id"], "done", 0.75, (str(settings.output_dir / "made.mp3"),), "")
            worker.close()
        assert results[0].is_error
        for arguments in ({}, {"job_id": job["id"]}):
            (listed,) = fields(await client.call_tool("webvoice_jobs", arguments))["jobs"]
            assert (listed["state"], listed["result"]["credits_used"]) == ("done", 0.75)
        settings.history_file.unlink()
        settings.history_file.mkdir()
        (listed,) = fields(await client.call_tool("webvoice_jobs", {"job_id": job["id"]}))["jobs"]
        assert listed["state"] == "interrupted"
    await history.aclose()


async def test_a_server_that_ends_does_not_wait_for_its_worker(make_settings: MakeSettings) -> None:
    settings = make_settings()
    history = History(settings.history_file, settings.base_url)
    estimate = Estimate(0.5, "a guess")
    job = Job(TTS.tool, estimate, Budget(None).reserve(estimate))

    async def work() -> Any:
        await anyio.sleep(0.05)
        job.is_in_worker = True
        job.notify()
        await anyio.sleep_forever()

    async with Jobs(history, grace=10.0) as jobs:
        jobs.submit(job, work, AsyncExitStack())
        began = time.monotonic()
    assert time.monotonic() - began < 10
    await history.aclose()


async def test_a_descriptor_is_closed_if_its_job_is_cancelled_meanwhile(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    put_inputs(tmp_path / "out")
    settings = make_settings()
    async with Files(settings).open_input("photo.png", family="image", argument="image") as file:
        handed = await file.hand_over(with_descriptor=True)
    assert handed.descriptor is not None
    with anyio.CancelScope() as scope:
        scope.cancel()
        async with Files(settings, [handed]).open_input("photo.png", family="image", argument="image"):
            await anyio.lowlevel.checkpoint()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handed.descriptor)
