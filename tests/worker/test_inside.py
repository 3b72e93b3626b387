"""Server and worker in one process: what crosses the connection, and what is done about a peer that misbehaves."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest
from mcp import Client

from tests.files.samples import MP3_BYTES
from tests.jobs.world import BY_TOOL, PAID, PATIENCE, Upstream, left, made_in, put_inputs, rows
from tests.support import (
    CANARY,
    MakeSettings,
    ScriptedTransport,
    answer,
    base64_text,
    connected,
    count_descriptors,
    failed,
    fields,
)
from tests.worker.inside import connect_by_pipes, connect_by_sockets, connected_with_worker, job_line, run_worker
from webvoice_mcp import __version__
from webvoice_mcp.server import create_server
from webvoice_mcp.settings import TOOLSETS, Settings
from webvoice_mcp.tools.catalogue import offered
from webvoice_mcp.tools.paid_functions import find_paid_function
from webvoice_mcp.worker.channel import Channel, SocketChannel
from webvoice_mcp.worker.process import start

TTS = BY_TOOL["webvoice_tts"]
READY = json.dumps({"type": "ready", "version": __version__}).encode() + b"\n"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no Unix sockets")


class Peer:
    """A worker that does what the test says."""

    def __init__(self, *lines: bytes) -> None:
        ours, self.connection = socket.socketpair()
        self.channel = SocketChannel(ours)
        self._received = SocketChannel(self.connection)
        self.connection.sendall(b"".join(lines))

    def start(self) -> Channel:
        return self.channel

    async def receive(self) -> dict[str, Any]:
        """Return the next frame of the server."""
        line = await anyio.to_thread.run_sync(self._received.receive)
        frame: dict[str, Any] = json.loads(line or b"null")
        return frame

    def send(self, **frame: Any) -> None:
        self.connection.sendall(json.dumps(frame).encode() + b"\n")

    def close(self) -> None:
        self._received.close()


@pytest.fixture
def connected_to_peer(make_settings: MakeSettings) -> Any:
    """Return a function that connects a client to a server with this worker; nothing is sent to the service."""

    @asynccontextmanager
    async def connect(peer: Peer) -> AsyncIterator[Client]:
        server = create_server(make_settings(MAX_CREDITS=100), transport=ScriptedTransport(), start_worker=peer.start)
        try:
            async with Client(server) as client:
                yield client
        finally:
            peer.close()

    return connect


async def call_in_background(client: Client, results: list[Any], **more: Any) -> None:
    results.append(await client.call_tool(TTS.tool, {**TTS.arguments, **more}))


@pytest.mark.parametrize("paid", PAID, ids=lambda paid: paid.tool)
async def test_every_paid_tool_has_the_same_result_as_in_the_server(
    make_settings: MakeSettings, tmp_path: Path, paid: Any
) -> None:
    put_inputs(tmp_path / "out")
    results = []
    for connect in (connected, connected_with_worker):
        async with connect(make_settings(MAX_CREDITS=100), Upstream(paid.answer)) as client:
            results.append(await client.call_tool(paid.tool, paid.arguments))
            assert await left(client) == 100 - paid.credits
        assert made_in(tmp_path / "out") == ({paid.file: paid.content} if paid.file else {})
        for name in made_in(tmp_path / "out"):
            (tmp_path / "out" / name).unlink()
    assert results[0] == results[1]


def test_the_worker_knows_every_tool_whose_calls_outlive_their_callers() -> None:
    for tool in offered(TOOLSETS):
        if tool.is_paid and any(getattr(endpoint, "outlives_caller", False) for endpoint in tool.endpoints):
            assert find_paid_function(tool.name) is tool.function
    with pytest.raises(LookupError):
        find_paid_function("webvoice_chat")


async def test_parts_that_were_paid_for_are_told_to_other_servers(make_settings: MakeSettings, tmp_path: Path) -> None:
    spoken = {"success": True, "audio": base64_text(MP3_BYTES), "credits_used": 0.5}
    service = ScriptedTransport(answer(spoken), answer(spoken))
    lines = [{"text": "One."}, {"text": "Two.", "voice": "bf_emma"}]
    voices = {"voices": {"en": [{"id": "af_sarah"}, {"id": "bf_emma"}]}}
    service.answers.insert(0, answer(voices))
    async with connected_with_worker(make_settings(), service) as client:
        result = fields(await client.call_tool("webvoice_narrate", {"lines": lines, "output_path": "talk.mp3"}))
        assert (result["parts"], result["credits_used"]) == (2, 1.0)
    async with connected(make_settings(), ScriptedTransport()) as client:
        (job,) = fields(await client.call_tool("webvoice_jobs", {}))["jobs"]
    assert (job["state"], job["parts"], job["parts_done"]) == ("done", 2, 2)


async def test_a_text_that_changes_after_its_price_was_agreed_is_unsent(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    text = tmp_path / "out" / "book.txt"
    text.parent.mkdir()
    text.write_text("A short text.", "utf-8")
    service = ScriptedTransport()
    before = partial(text.write_text, "Another text, which costs as much.", "utf-8")
    async with connected_with_worker(make_settings(), service, before=before) as client:
        refused = failed(await client.call_tool("webvoice_narrate", {"text_path": "book.txt", "voice": "af_sarah"}))
    assert "changed after it was checked, so nothing was sent" in refused
    assert service.asked == []
    assert rows(tmp_path / "state") == []


async def test_descriptors_of_recordings_are_closed_on_both_sides(make_settings: MakeSettings, tmp_path: Path) -> None:
    put_inputs(tmp_path / "out")
    paid = BY_TOOL["webvoice_image_to_image"]
    async with connected_with_worker(make_settings(OVERWRITE=1), Upstream(paid.answer)) as client:
        fields(await client.call_tool(paid.tool, paid.arguments))
        before = count_descriptors()
        for _ in range(5):
            fields(await client.call_tool(paid.tool, paid.arguments))
        assert count_descriptors() <= before


async def test_without_descriptors_files_are_opened_again(make_settings: MakeSettings, tmp_path: Path) -> None:
    put_inputs(tmp_path / "out")
    paid = BY_TOOL["webvoice_image_to_image"]
    async with connected_with_worker(make_settings(), Upstream(paid.answer), connect=connect_by_pipes) as client:
        fields(await client.call_tool(paid.tool, paid.arguments))
    assert made_in(tmp_path / "out")[paid.file] == paid.content


@pytest.mark.parametrize("connect", [connect_by_sockets, connect_by_pipes])
@pytest.mark.parametrize("change", ["replaced", "written to"])
async def test_a_picture_that_changes_after_it_was_checked_is_not_sent(
    make_settings: MakeSettings, tmp_path: Path, connect: Any, change: str
) -> None:
    put_inputs(tmp_path / "out")
    paid, picture = BY_TOOL["webvoice_image_to_image"], tmp_path / "out" / "photo.png"

    def do_change() -> None:
        if change == "replaced":
            (tmp_path / "new.png").write_bytes(picture.read_bytes())
            (tmp_path / "new.png").replace(picture)
        else:
            picture.write_bytes(picture.read_bytes() + b"\0")

    upstream = Upstream(paid.answer)
    async with connected_with_worker(make_settings(), upstream, connect=connect, before=do_change) as client:
        result = await client.call_tool(paid.tool, paid.arguments)
    if (connect, change) == (connect_by_sockets, "replaced"):  # the file that was opened is sent
        assert upstream.posts == 1
    else:
        assert "changed after it was checked, so nothing was sent" in failed(result)
        assert upstream.posts == 0


async def test_a_refused_key_is_known_to_the_server(make_settings: MakeSettings) -> None:
    async with connected_with_worker(make_settings(), Upstream(TTS.answer, status=401)) as client:
        assert "WEBVOICE_API_KEY" in failed(await client.call_tool(TTS.tool, TTS.arguments))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "it ended at once"),
        ([b'{"type":"ready","version":"0.0.1"}\n'], "it is of version 0.0.1"),
        ([b"Traceback (most recent call last):\n"], "it did not say that it is ready"),
    ],
)
async def test_a_worker_that_cannot_be_used_leaves_the_call_to_the_server(
    make_settings: MakeSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture, lines: list[bytes], reason: str
) -> None:
    peer = Peer(*lines)
    peer.connection.shutdown(socket.SHUT_WR)
    server = create_server(make_settings(), transport=Upstream(TTS.answer), start_worker=peer.start)
    async with Client(server) as client:
        fields(await client.call_tool(TTS.tool, TTS.arguments))
        fields(await client.call_tool(TTS.tool, {**TTS.arguments, "output_path": "second.mp3"}))
    peer.close()
    (warning,) = [record.getMessage() for record in caplog.records]  # said once
    assert reason in warning
    assert "calls run in this server, which waits at most 20 seconds for them when it ends" in warning
    assert "WEBVOICE_WORKER=0" in warning
    assert len(made_in(tmp_path / "out")) == 2


async def test_where_no_process_can_be_started_calls_run_in_the_server(
    make_settings: MakeSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "")
    settings = make_settings()
    server = create_server(
        settings, transport=Upstream(TTS.answer), start_worker=partial(start, {}, settings.worker_log)
    )
    async with Client(server) as client:
        fields(await client.call_tool(TTS.tool, TTS.arguments))
    assert "there is no Python interpreter to start" in caplog.text
    assert made_in(tmp_path / "out") == {TTS.file: TTS.content}


async def test_garbage_from_the_worker_is_left_out_and_its_jobs_go_on(
    connected_to_peer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    peer = Peer(READY)
    results: list[Any] = []
    async with connected_to_peer(peer) as client, anyio.create_task_group() as calls:
        calls.start_soon(call_in_background, client, results)
        job = await peer.receive()
        assert (job["type"], job["tool"], job["api_key"]) == ("job", TTS.tool, CANARY)
        own = {"id": job["id"]}
        for garbage in (b"\xff\x00\n", b"[]\n", b"{}\n", b'{"type":"job"}\n', b"[" * 100_000 + b"\n"):
            peer.connection.sendall(garbage)
        peer.send(type="progress", **own)
        peer.send(type="finished", **own, was_sent=True, received=0, expected=None, parts=0, parts_done=0)
        peer.send(type="finished", id="job_of_nobody")
        progress = {"was_sent": True, "received": 1, "expected": None, "parts": 0, "parts_done": 0}
        peer.send(type="finished", **own, **progress, result={"files": [], "format": "mp3"}, files=[], cost=[0.5, 0.5])
    assert fields(results[0])["format"] == "mp3"
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 7
    assert all("none of its messages" in message for message in messages)


@pytest.mark.parametrize("is_accepted", [False, True])
async def test_a_worker_that_ends_in_the_middle_is_a_network_error(connected_to_peer: Any, is_accepted: bool) -> None:
    peer = Peer(READY)
    results: list[Any] = []
    async with connected_to_peer(peer) as client:
        async with anyio.create_task_group() as calls:
            calls.start_soon(call_in_background, client, results)
            job = await peer.receive()
            if is_accepted:
                peer.send(type="accepted", id=job["id"])
            peer.connection.shutdown(socket.SHUT_RDWR)
        text = failed(results[0])
        assert text.startswith("network_error: ")
        assert ("Credits may have been spent" in text, "Nothing was sent." in text) == (is_accepted, not is_accepted)
        assert await left(client) == (99.5 if is_accepted else 100)


async def test_a_job_that_a_signal_cut_off_before_its_request_says_that(connected_to_peer: Any) -> None:
    peer = Peer(READY)
    results: list[Any] = []
    async with connected_to_peer(peer) as client:
        async with anyio.create_task_group() as calls:
            calls.start_soon(call_in_background, client, results)
            job = await peer.receive()
            peer.send(type="accepted", id=job["id"])
            progress = {"was_sent": False, "received": 0, "expected": None, "parts": 0, "parts_done": 0}
            outcome = {"error": {"code": "interrupted", "message": None}, "files": [], "cost": [0.0, 0.5]}
            peer.send(type="finished", id=job["id"], **progress, **outcome)
        assert "Nothing was sent." in failed(results[0])
        assert await left(client) == 100


async def test_a_line_without_an_end_closes_the_connection(
    connected_to_peer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    peer = Peer(READY)
    results: list[Any] = []
    async with connected_to_peer(peer) as client, anyio.create_task_group() as calls:
        calls.start_soon(call_in_background, client, results)
        await peer.receive()

        def flood() -> None:
            try:
                while True:
                    peer.connection.sendall(b"x" * (1 << 20))
            except OSError:
                pass

        await anyio.to_thread.run_sync(flood)
    assert failed(results[0]).startswith("network_error: ")
    assert "a line without an end" in caplog.text


async def test_a_call_that_its_caller_cancels_early_is_cancelled_in_the_worker(connected_to_peer: Any) -> None:
    peer = Peer(READY)
    async with connected_to_peer(peer) as client:
        async with anyio.create_task_group() as calls:
            calls.start_soon(client.call_tool, TTS.tool, TTS.arguments)
            job = await peer.receive()
            calls.cancel_scope.cancel()
        told = [await peer.receive(), await peer.receive()]
        assert sorted(frame["type"] for frame in told) == ["cancel", "reader"]
        outcome = {"error": {"code": "cancelled", "message": None}, "files": [], "cost": [0.0, 0.5]}
        progress = {"was_sent": False, "received": 0, "expected": None, "parts": 0, "parts_done": 0}
        peer.send(type="finished", id=job["id"], **progress, **outcome)
        with anyio.fail_after(PATIENCE):
            while await left(client) != 100:  # noqa: ASYNC110 - nothing tells of it
                await anyio.sleep(0.01)
        assert fields(await client.call_tool("webvoice_jobs", {}))["jobs"] == []


async def test_garbage_from_the_server_is_left_out_by_the_worker(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        async with anyio.create_task_group() as workers:
            workers.start_soon(run_worker, SocketChannel(theirs), make_settings(), ScriptedTransport())
            frames = [b"\xff\n", b"{}\n", b'{"type":"job"}\n', b'{"type":"job","descriptors":0,"id":1}\n']
            harmless = [b'{"type":"cancel","id":"x"}\n', b'{"type":"reader","id":"x"}\n']
            await anyio.to_thread.run_sync(ours.sendall, b"".join(frames + harmless))
            ours.shutdown(socket.SHUT_WR)
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["The server sent a line that is none of its messages. It was left out; jobs go on."] * 4


async def test_a_job_without_progress_is_cut_off_once_its_server_is_gone(
    make_settings: MakeSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webvoice_mcp.worker.serve._MARGIN_SECONDS", -1199.9)
    service = Upstream(TTS.answer, hold="head")
    with anyio.fail_after(PATIENCE):
        async with connected_with_worker(make_settings(TIMEOUT=600), service) as client:
            fields(await client.call_tool(TTS.tool, {**TTS.arguments, "background": True}))
    (row,) = rows(tmp_path / "state")
    assert row["state"] == "interrupted"
    assert "showed no progress" in caplog.text
    assert made_in(tmp_path / "out") == {}


async def test_calls_at_once_share_one_worker(make_settings: MakeSettings, tmp_path: Path) -> None:
    started = 0

    def connect() -> tuple[Channel, Channel]:
        nonlocal started
        started += 1
        time.sleep(0.1)  # so that the second call comes meanwhile
        return connect_by_sockets()

    results: list[Any] = []
    async with (
        connected_with_worker(make_settings(), Upstream(TTS.answer), connect=connect) as client,
        anyio.create_task_group() as tasks,
    ):
        for number in range(2):
            tasks.start_soon(partial(call_in_background, client, results, output_path=f"{number}.mp3"))
    assert [result.is_error for result in results] == [False, False]
    assert (started, sorted(made_in(tmp_path / "out"))) == (1, ["0.mp3", "1.mp3"])


async def test_an_idle_worker_is_ended_and_the_next_call_starts_another(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webvoice_mcp.worker.client.IDLE_SECONDS", 0.05)
    peers = [Peer(READY), Peer(READY)]
    waiting = list(peers)
    server = create_server(make_settings(), transport=ScriptedTransport(), start_worker=lambda: waiting.pop(0).start())
    progress = {"was_sent": True, "received": 1, "expected": None, "parts": 0, "parts_done": 0}
    async with Client(server) as client:
        for peer in peers:
            async with anyio.create_task_group() as calls:
                calls.start_soon(client.call_tool, TTS.tool, TTS.arguments)
                job = await peer.receive()
                peer.send(type="finished", id=job["id"], **progress, result={"files": []}, files=[], cost=[0, 0])
            assert await peer.receive() is None  # the connection was closed
            peer.close()


async def test_a_signal_to_the_worker_interrupts_its_jobs_in_order(make_settings: MakeSettings, tmp_path: Path) -> None:
    service = Upstream(TTS.answer, hold="head")
    results: list[Any] = []
    async with connected_with_worker(make_settings(), service) as client:
        async with anyio.create_task_group() as calls:
            calls.start_soon(call_in_background, client, results)
            await service.here.wait()
            os.kill(os.getpid(), signal.SIGHUP)  # of a terminal that closes
            os.kill(os.getpid(), signal.SIGTERM)
        assert failed(results[0]).startswith("network_error: ")
        (job,) = fields(await client.call_tool("webvoice_jobs", {}))["jobs"]
        assert job["state"] == "interrupted"
    assert [row["state"] for row in rows(tmp_path / "state")] == ["interrupted"]
    assert made_in(tmp_path / "out") == {}


async def test_a_worker_that_hears_nothing_more_took_nothing(connected_to_peer: Any) -> None:
    peer = Peer(READY)
    peer.connection.shutdown(socket.SHUT_RD)
    async with connected_to_peer(peer) as client:
        assert "Nothing was sent" in failed(await client.call_tool(TTS.tool, TTS.arguments))
        assert await left(client) == 100


async def test_a_crash_in_the_worker_is_one_here(connected_to_peer: Any) -> None:
    peer = Peer(READY)
    results: list[Any] = []
    async with connected_to_peer(peer) as client:
        async with anyio.create_task_group() as calls:
            calls.start_soon(call_in_background, client, results)
            job = await peer.receive()
            progress = {"was_sent": True, "received": 0, "expected": None, "parts": 0, "parts_done": 0}
            error = {"code": "internal_error", "message": "It crashed."}
            peer.send(type="finished", id=job["id"], **progress, error=error, files=[], cost=[None, 0.5])
        assert results[0].is_error
        (listed,) = fields(await client.call_tool("webvoice_jobs", {}))["jobs"]
        assert listed["error"]["code"] == "internal_error"
        assert await left(client) == 99.5


@asynccontextmanager
async def talking_to_worker(settings: Settings) -> AsyncIterator[SocketChannel]:
    """Run a worker whose server is the test."""
    ours, theirs = socket.socketpair()
    channel = SocketChannel(ours)
    async with anyio.create_task_group() as workers:
        workers.start_soon(run_worker, SocketChannel(theirs), settings, ScriptedTransport())
        yield channel
        channel.close()


async def told_by(channel: SocketChannel) -> list[dict[str, Any]]:
    """Return what a worker says until a job is finished."""
    told: list[dict[str, Any]] = []
    while not told or told[-1]["type"] != "finished":
        line = await anyio.to_thread.run_sync(channel.receive)
        assert line is not None
        told.append(json.loads(line))
    return told


async def test_a_call_of_an_unknown_tool_crashes_alone(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    async with talking_to_worker(make_settings()) as channel:
        channel.send(job_line("webvoice_nothing", {}))
        told = await told_by(channel)
    assert [frame["type"] for frame in told][:2] == ["ready", "accepted"]
    assert (told[-1]["error"]["code"], told[-1]["cost"]) == ("internal_error", [0.0, 0.5])
    assert "webvoice_nothing crashed" in caplog.text


async def test_a_job_that_is_cancelled_at_once_sends_nothing(make_settings: MakeSettings, tmp_path: Path) -> None:
    async with talking_to_worker(make_settings()) as channel:
        channel.send(job_line(TTS.tool, TTS.arguments) + b'{"type":"cancel","id":"job_1"}\n')
        finished = (await told_by(channel))[-1]
    assert (finished["error"]["code"], finished["was_sent"], finished["cost"][0]) == ("cancelled", False, 0.0)
    assert made_in(tmp_path / "out") == {}


async def test_descriptors_of_a_job_that_is_none_are_closed(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    async with talking_to_worker(make_settings()) as channel:
        read, write = os.pipe()
        channel.send(b'{"type":"job","descriptors":1}\n', [write])
        os.close(write)
        assert await anyio.to_thread.run_sync(os.read, read, 1) == b""  # the worker closed the last one
        os.close(read)
    assert "none of its messages" in caplog.text


async def test_a_server_that_ends_while_its_worker_starts_lets_go_of_it(connected_to_peer: Any) -> None:
    peer = Peer()
    async with connected_to_peer(peer) as client, anyio.create_task_group() as calls:
        calls.start_soon(client.call_tool, TTS.tool, TTS.arguments)
        await anyio.sleep(0.3)  # by now the call waits for the worker, unless the machine is very busy
        calls.cancel_scope.cancel()
    assert await anyio.to_thread.run_sync(peer.channel.receive) is None


async def test_a_worker_that_ends_before_the_hand_over_took_nothing(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    put_inputs(tmp_path / "out")
    paid, peer = BY_TOOL["webvoice_image_to_image"], Peer(READY)
    peer.connection.shutdown(socket.SHUT_WR)
    server = create_server(make_settings(), transport=ScriptedTransport(), start_worker=peer.start)
    async with Client(server) as client:
        assert "Nothing was sent" in failed(await client.call_tool(paid.tool, paid.arguments))
    peer.close()


async def test_of_two_pictures_of_which_one_has_changed_none_stays_open(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    put_inputs(tmp_path / "out")
    paid, second = BY_TOOL["webvoice_image_to_image"], tmp_path / "out" / "second.png"
    second.write_bytes((tmp_path / "out" / "photo.png").read_bytes())
    before = partial(second.write_bytes, second.read_bytes() + b"\0")
    upstream = Upstream(paid.answer)
    async with connected_with_worker(make_settings(), upstream, before=before) as client:
        arguments = {**paid.arguments, "images": ["photo.png", "second.png"]}
        assert "nothing was sent" in failed(await client.call_tool(paid.tool, arguments))
    assert upstream.posts == 0


async def test_a_worker_whose_server_floods_it_finishes_and_ends(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = socket.socketpair()

    def flood() -> None:
        with ours, suppress(OSError):
            while True:
                ours.sendall(b"x" * (1 << 20))

    async with anyio.create_task_group() as workers:
        workers.start_soon(run_worker, SocketChannel(theirs), make_settings(), ScriptedTransport())
        await anyio.to_thread.run_sync(flood)
    assert "a line without an end" in caplog.text
