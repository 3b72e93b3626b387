"""Jobs and usage, through MCP, with a service that takes its time."""

import asyncio
import inspect
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.types import CallToolResult, ImageContent

from tests.jobs.world import (
    BY_TOOL,
    PAID,
    PATIENCE,
    Upstream,
    ended,
    last_job,
    left,
    made_in,
    put_inputs,
    rows,
    settled_rows,
)
from tests.support import CANARY, MakeSettings, ScriptedTransport, connected, failed, fields
from tests.tools.calls import TOOLS, check_refused
from webvoice_mcp.contract.endpoint import PaidEndpoint
from webvoice_mcp.server import create_server

CHAT, TTS, IMAGE = BY_TOOL["webvoice_chat"], BY_TOOL["webvoice_tts"], BY_TOOL["webvoice_image"]
IN_BACKGROUND = {"text": "x", "background": True}


async def test_exactly_the_calls_that_outlive_their_caller_run_in_the_background() -> None:
    assert {name for name, tool in TOOLS.items() if tool.is_paid} == set(BY_TOOL)
    for name, paid in BY_TOOL.items():
        tool = TOOLS[name]
        endpoint = tool.endpoints[0]
        assert isinstance(endpoint, PaidEndpoint)
        assert (await tool.function(**paid.arguments)).endpoint is endpoint
        can_be_chosen = "background" in tool.sdk_tool().parameters["properties"]
        can_be_long = "PaidBatch" in str(inspect.signature(tool.function).return_annotation)
        assert can_be_chosen == (endpoint.outlives_caller or can_be_long)
        if can_be_chosen:
            for background in (True, False):
                assert (await tool.function(**paid.arguments, background=background)).background is background


async def test_a_background_call_answers_at_once_and_its_result_is_fetched(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    upstream = Upstream(TTS.answer, hold="head")
    async with connected(make_settings(), upstream) as client:
        answer = fields(await client.call_tool(TTS.tool, {**TTS.arguments, "background": True}))
        assert answer == {"job_id": answer["job_id"], "state": "running", "files": []}
        (running,) = fields(await client.call_tool("webvoice_jobs", {"job_id": answer["job_id"]}))["jobs"]
        assert running == {
            "id": answer["job_id"],
            "tool": TTS.tool,
            "state": "running",
            "started_at": running["started_at"],
        }
        assert fields(await client.call_tool("webvoice_jobs", {}))["jobs"] == [running]
        upstream.release.set()
        job = await ended(client, answer["job_id"])
        fetched = await client.call_tool("webvoice_jobs", {"job_id": answer["job_id"]})
    assert job == {**running, "state": "done", "result": job["result"]}
    assert job["result"]["credits_used"] == TTS.credits
    assert [block.type for block in fetched.content] == ["text", "resource_link"]
    assert made_in(tmp_path / "out") == {"made.mp3": TTS.content}
    assert upstream.posts == 1


async def test_a_background_call_that_ends_at_once_is_answered_with_its_job(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), Upstream(TTS.answer)) as client:
        answer = fields(await client.call_tool(TTS.tool, IN_BACKGROUND))
        assert set(answer) == {"job_id", "state", "files"}
        assert (await ended(client, answer["job_id"]))["state"] == "done"


@pytest.mark.parametrize(
    ("tool", "mode"), [("webvoice_tts", "legacy"), ("webvoice_tts", "auto"), ("webvoice_chat", "auto")]
)
async def test_a_call_that_outlasts_the_inline_wait_becomes_a_job(
    make_settings: MakeSettings, tmp_path: Path, tool: str, mode: str
) -> None:
    paid = BY_TOOL[tool]
    upstream = Upstream(paid.answer, hold="head")
    async with connected(make_settings(INLINE_WAIT="0.02"), upstream, mode) as client:
        answer = fields(await client.call_tool(tool, paid.arguments))
        assert answer == {"job_id": answer["job_id"], "state": "running", "files": []}
        upstream.release.set()
        job = await ended(client, answer["job_id"])
    assert job["state"] == "done"
    assert job["result"].get("text") == (None if paid.file else "Good day to you")
    assert made_in(tmp_path / "out") == ({paid.file: paid.content} if paid.file else {})


async def test_an_inline_wait_of_0_has_no_end(make_settings: MakeSettings) -> None:
    upstream = Upstream(CHAT.answer, hold="head")
    async with connected(make_settings(INLINE_WAIT=0), upstream) as client, anyio.create_task_group() as group:

        async def call() -> None:
            assert fields(await client.call_tool(CHAT.tool, CHAT.arguments))["text"] == "Good day to you"

        group.start_soon(call)
        await upstream.here.wait()
        upstream.release.set()


async def test_refusals_come_at_once_in_the_background_too(make_settings: MakeSettings, tmp_path: Path) -> None:
    put_inputs(tmp_path / "out")
    (tmp_path / "out" / "there.mp3").write_bytes(b"")
    refused: list[tuple[str, dict[str, Any], str]] = [
        ("webvoice_tts", {"text": "x", "output_path": "there.mp3"}, "file_exists"),
        ("webvoice_stt", {"audio_path": "missing.wav"}, "file_not_found"),
        ("webvoice_text_to_video", {"prompt": "x", "duration": 99}, "invalid_argument"),
        ("webvoice_text_to_video", {"prompt": "x", "duration": 15}, "budget_exceeded"),
    ]
    upstream = Upstream({})
    async with connected(make_settings(MAX_CREDITS=5), upstream) as client:
        for tool, arguments, code in refused:
            text = failed(await client.call_tool(tool, {**arguments, "background": True}))
            assert text.startswith(f"{code}: ")
        assert fields(await client.call_tool("webvoice_jobs", {})) == {"jobs": []}
    assert upstream.asked == []


async def test_a_failed_job_says_so_in_the_next_run_too(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), Upstream(TTS.answer, status=500)) as client:
        answer = fields(await client.call_tool(TTS.tool, IN_BACKGROUND))
        job = await ended(client, answer["job_id"])
        assert fields(await client.call_tool("webvoice_jobs", {}))["jobs"] == [job]
    assert job["state"] == "failed"
    assert job["error"]["code"] == "server_error"
    assert "500" in job["error"]["message"]
    async with connected(make_settings(), Upstream({})) as client:
        later = await ended(client, answer["job_id"])
        assert fields(await client.call_tool("webvoice_jobs", {}))["jobs"] == [later]
    message = "webvoice_tts failed with server_error in another run of the server."
    assert later == {**job, "error": {"code": "server_error", "message": message}}


@pytest.mark.parametrize("bill", [{"credits_used": 0.75}, {"credits_used": None}], ids=["billed", "not billed"])
async def test_a_job_of_an_earlier_run_is_known_with_files_and_credits(
    make_settings: MakeSettings, tmp_path: Path, bill: dict[str, Any]
) -> None:
    async with connected(make_settings(), Upstream({**TTS.answer, **bill})) as client:
        fields(await client.call_tool(TTS.tool, TTS.arguments))
        job = await last_job(client)
    async with connected(make_settings(), Upstream({})) as client:
        later = await last_job(client)
    assert [file["path"] for file in job["result"]["files"]] == [str(tmp_path / "out" / "made.mp3")]
    known = {name: value for name, value in bill.items() if value is not None}
    assert later == {**job, "result": {"files": job["result"]["files"], **known}}
    (tmp_path / "out" / "made.mp3").unlink()
    async with connected(make_settings(), Upstream({})) as client:
        result = await client.call_tool("webvoice_jobs", {"job_id": job["id"]})
    (file,) = fields(result)["jobs"][0]["result"]["files"]
    assert file["note"] == "no longer there"
    assert [block.type for block in result.content] == ["text"]


async def test_a_job_of_another_server_can_be_waited_for(make_settings: MakeSettings) -> None:
    upstream = Upstream(TTS.answer, hold="head")
    async with connected(make_settings(), upstream) as client, connected(make_settings(), Upstream({})) as other:
        answer = fields(await client.call_tool(TTS.tool, IN_BACKGROUND))
        await upstream.here.wait()
        asked = {"job_id": answer["job_id"], "wait_seconds": 0.1}
        (job,) = fields(await other.call_tool("webvoice_jobs", asked))["jobs"]
        assert (job["state"], "error" in job, "result" in job) == ("running", False, False)
        async with anyio.create_task_group() as group:
            group.start_soon(ended, other, answer["job_id"])
            await anyio.wait_all_tasks_blocked()
            upstream.release.set()


async def test_a_crash_is_a_failed_job_and_its_traceback_is_logged(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    async def crash(_: httpx2.Request) -> httpx2.Response:
        raise ZeroDivisionError

    async with connected(make_settings(MAX_CREDITS=100), ScriptedTransport(crash)) as client:
        answer = fields(await client.call_tool(TTS.tool, IN_BACKGROUND))
        job = await ended(client, answer["job_id"])
        assert await left(client) == 99.5
        assert fields(await client.call_tool("webvoice_usage", {}))["recent"][0]["state"] == "failed"
    assert job["error"]["code"] == "internal_error"
    assert "ZeroDivisionError" in caplog.text
    async with connected(make_settings(), Upstream({})) as client:
        assert await ended(client, answer["job_id"]) == job


async def test_a_picture_is_shown_once_only(make_settings: MakeSettings) -> None:
    def shown(result: CallToolResult) -> int:
        return len([block for block in result.content if isinstance(block, ImageContent)])

    upstream = Upstream(IMAGE.answer, hold="head")
    async with connected(make_settings(), upstream) as client:
        answer = fields(await client.call_tool(IMAGE.tool, {"prompt": "x", "background": True}))
        job = {"job_id": answer["job_id"]}
        early = await client.call_tool("webvoice_jobs", job)
        upstream.hold = None
        upstream.release.set()
        fetched = [await client.call_tool("webvoice_jobs", {**job, "wait_seconds": 45}) for _ in range(2)]
        inline = await client.call_tool(IMAGE.tool, {"prompt": "x"})
        again = await client.call_tool("webvoice_jobs", {"job_id": (await last_job(client))["id"]})
    assert [shown(result) for result in (early, *fetched, inline, again)] == [0, 1, 0, 1, 0]


async def test_a_running_job_is_listed_however_many_came_later(make_settings: MakeSettings) -> None:
    upstream = Upstream(CHAT.answer, hold="head")
    async with connected(make_settings(), upstream) as client:
        answer = fields(await client.call_tool(TTS.tool, IN_BACKGROUND))
        await upstream.here.wait()
        upstream.hold = None
        for _ in range(25):
            fields(await client.call_tool(CHAT.tool, CHAT.arguments))
        listed = fields(await client.call_tool("webvoice_jobs", {}))["jobs"]
        assert answer["job_id"] in [job["id"] for job in listed if job["state"] == "running"]
        upstream.release.set()


async def test_unknown_jobs_and_long_waits_are_refused(make_settings: MakeSettings) -> None:
    unknown = "invalid_argument: job_id 'job_nonsense' is not known."
    expected: list[tuple[dict[str, Any], str]] = [
        ({"job_id": "job_nonsense"}, unknown),
        ({"job_id": "job_nonsense", "wait_seconds": 45}, unknown),
        ({"wait_seconds": 46}, "invalid_argument: wait_seconds must be a number from 0 to 45"),
        ({"wait_seconds": -1}, "invalid_argument: wait_seconds must be a number from 0 to 45. "),
    ]
    await check_refused(make_settings(), "webvoice_jobs", expected)
    days = [({"days": days}, "invalid_argument: days must be ") for days in (0, 3651)]
    await check_refused(make_settings(), "webvoice_usage", days)


async def test_calls_go_on_without_a_history(
    make_settings: MakeSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state" / "history.db").mkdir(parents=True)
    async with connected(make_settings(), Upstream(TTS.answer)) as client:
        jobs = failed(await client.call_tool("webvoice_jobs", {}))
        usage = failed(await client.call_tool("webvoice_usage", {}))
        fields(await client.call_tool(TTS.tool, {"text": "x"}))
        fields(await client.call_tool(TTS.tool, {"text": "x"}))
        known = fields(await client.call_tool("webvoice_jobs", {}))
    assert jobs == usage
    assert jobs.startswith(f"disk_error: The history {tmp_path / 'state' / 'history.db'} cannot be used: ")
    assert [job["state"] for job in known["jobs"]] == ["done", "done"]
    assert known["note"] == jobs.removeprefix("disk_error: ")
    assert caplog.text.count("Calls go on without a history.") == 1


@pytest.mark.slow
async def test_neither_prompts_nor_keys_are_written_to_the_history(make_settings: MakeSettings, tmp_path: Path) -> None:
    put_inputs(tmp_path / "out")
    for paid in PAID:
        arguments = {**paid.arguments, "output_path": ""} if paid.file else paid.arguments
        async with connected(make_settings(), Upstream(paid.answer)) as client:
            fields(await client.call_tool(paid.tool, arguments))
        refusing = Upstream({"error": "No: a secret garden at dawn"}, status=400)
        async with connected(make_settings(), refusing) as client:
            failed(await client.call_tool(paid.tool, arguments))
    written = b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    assert len(rows(tmp_path / "state")) == 2 * len(PAID)
    assert CANARY.encode() not in written
    assert b"garden at dawn" not in written.lower()


@pytest.mark.parametrize("tool", ["webvoice_list_voices", "webvoice_list_chat_models", "webvoice_status"])
async def test_a_cancelled_free_call_closes_its_connection(make_settings: MakeSettings, tool: str) -> None:
    upstream = Upstream({}, hold="head")
    async with connected(make_settings(), upstream) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, tool)
            await upstream.here.wait()
            group.cancel_scope.cancel()
        await client.call_tool("webvoice_account_links", {})
    assert upstream.closed == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_a_cancelled_chat_closes_its_connection(make_settings: MakeSettings, stream: bool) -> None:
    requested, closed = anyio.Event(), anyio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if stream:
            chunk = b'{"id":"c1","choices":[{"index":0,"delta":{"content":"one"}}]}'
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: " + chunk)
            await writer.drain()
        requested.set()
        while await reader.read(1 << 16):
            pass
        closed.set()
        writer.close()

    service = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = service.sockets[0].getsockname()[1]
    server = create_server(make_settings(BASE_URL=f"http://127.0.0.1:{port}/api/v1"))
    async with service, Client(server) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "webvoice_chat", {"prompt": "x", "stream": stream})
            await requested.wait()
            group.cancel_scope.cancel()
        with anyio.fail_after(60):
            await closed.wait()
        job = await last_job(client)
    assert job["error"]["code"] == "cancelled"
    assert "The caller cancelled it while it was running." in job["error"]["message"]


async def test_media_go_on_without_their_caller_once_they_are_paid_for(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    upstream = Upstream(TTS.answer, hold="head")
    async with connected(make_settings(), upstream) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, TTS.tool, TTS.arguments)
            await upstream.here.wait()
            group.cancel_scope.cancel()
        await client.call_tool("webvoice_account_links", {})
        upstream.release.set()
        assert (await last_job(client))["state"] == "done"
    assert made_in(tmp_path / "out") == {"made.mp3": TTS.content}


async def test_a_call_that_is_cancelled_before_it_is_sent_costs_nothing(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    upstream = Upstream({}, hold="head")  # holds the list of voices, which is fetched first
    async with connected(make_settings(), upstream) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, TTS.tool, {**TTS.arguments, "language": "fr"})
            await upstream.here.wait()
            group.cancel_scope.cancel()
        with anyio.fail_after(PATIENCE):
            while upstream.closed == 0:  # noqa: ASYNC110 - the connection sets no event
                await anyio.sleep(0.01)
        assert fields(await client.call_tool("webvoice_jobs", {})) == {"jobs": []}
    assert upstream.asked == [("GET", "voices/")]
    assert made_in(tmp_path / "out") == {}


async def test_a_caller_that_reads_no_progress_does_not_block_the_job(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    stuck, called, rest = anyio.Event(), anyio.Event(), anyio.Event()

    async def never_return(progress: float, total: float | None, message: str | None) -> None:
        called.set()
        await stuck.wait()

    def event(text: str, finish: str = "null") -> bytes:
        choice = f'{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":{finish}}}'
        return f'data: {{"id":"c1","choices":[{choice}]}}\n\n'.encode()

    class Stream(httpx2.AsyncByteStream):
        async def __aiter__(self) -> Any:
            yield event("one ")
            await rest.wait()
            for _ in range(100):
                yield event("more ")
            yield event("end", '"stop"') + b"data: [DONE]\n\n"

    reply = httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Stream())
    async with (
        connected(make_settings(), ScriptedTransport(reply), "legacy") as client,
        anyio.create_task_group() as group,
    ):

        async def call() -> None:
            await client.call_tool("webvoice_chat", {"prompt": "x"}, progress_callback=never_return)

        group.start_soon(call)
        await called.wait()
        rest.set()
        assert [row["state"] for row in await settled_rows(tmp_path / "state")] == ["done"]
        stuck.set()
