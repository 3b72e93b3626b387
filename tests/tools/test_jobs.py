"""Estimates, budget, consent, jobs, usage and progress, through MCP, against a service that takes its time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.types import METHOD_NOT_FOUND, CallToolResult, ElicitRequestParams, ElicitResult, ErrorData, ImageContent

from tests.files.samples import FLAC_BYTES
from tests.jobs.world import (
    BY_TOOL,
    PAID,
    PATIENCE,
    Paid,
    Upstream,
    ended,
    last_job,
    left,
    made_in,
    put_inputs,
    rows,
    settled_rows,
)
from tests.loopback import LoopbackService
from tests.support import CANARY, MakeSettings, ScriptedTransport, connected, events, failed, fields
from tests.wire_driver import STATELESS_VERSION, environment, running_server
from webvoice_mcp.server import create_server as build
from webvoice_mcp.settings import Settings
from webvoice_mcp.tools import _progress

CHAT, TTS, IMAGE = BY_TOOL["webvoice_chat"], BY_TOOL["webvoice_tts"], BY_TOOL["webvoice_image"]
MODES = pytest.mark.parametrize("mode", ["legacy", "auto"])
SHORT = {each.tool: each.tool.removeprefix("webvoice_") for each in PAID}


def by_tool(paid: Paid) -> str:
    return SHORT[paid.tool]


# Jobs


@pytest.mark.parametrize("paid", [each for each in PAID if each.outlives], ids=by_tool)
async def test_a_background_call_answers_at_once_and_its_result_is_fetched(
    make_settings: MakeSettings, paid: Paid, tmp_path: Path
) -> None:
    put_inputs(tmp_path / "out")
    upstream = Upstream(paid.answer, hold="head")
    async with connected(make_settings(), upstream) as client:
        answer = fields(await client.call_tool(paid.tool, {**paid.arguments, "background": True}))
        assert answer == {"job_id": answer["job_id"], "state": "running", "files": []}
        (running,) = fields(await client.call_tool("webvoice_jobs", {"job_id": answer["job_id"]}))["jobs"]
        assert running == {**running, "id": answer["job_id"], "tool": paid.tool, "state": "running"}
        assert set(running) == {"id", "tool", "state", "started_at"}
        assert fields(await client.call_tool("webvoice_jobs", {}))["jobs"] == [running]
        upstream.release.set()
        job = await ended(client, answer["job_id"])
    assert job == {**running, "state": "done", "result": job["result"]}
    assert job["result"]["credits_used"] == paid.credits
    assert made_in(tmp_path / "out") == {paid.file: paid.content}
    assert upstream.posts == 1


@MODES
@pytest.mark.parametrize("paid", PAID, ids=by_tool)
async def test_a_call_that_outlasts_the_inline_wait_becomes_a_job(
    make_settings: MakeSettings, paid: Paid, tmp_path: Path, mode: str
) -> None:
    put_inputs(tmp_path / "out")
    upstream = Upstream(paid.answer, hold="head")
    async with connected(make_settings(INLINE_WAIT="0.02"), upstream, mode) as client:
        answer = fields(await client.call_tool(paid.tool, paid.arguments))
        assert answer == {"job_id": answer["job_id"], "state": "running", "files": []}
        upstream.release.set()
        job = await ended(client, answer["job_id"])
    assert job["state"] == "done"
    assert upstream.posts <= 1
    said = {"chat/completions/": {"text": "Good day to you"}, "translation/": {"translated_text": "Buongiorno"}}
    assert said.get(paid.path, {}).items() <= job["result"].items()
    assert made_in(tmp_path / "out") == ({paid.file: paid.content} if paid.file else {})


async def test_an_inline_wait_of_0_waits_to_the_end(make_settings: MakeSettings) -> None:
    upstream = Upstream(CHAT.answer, hold="head")
    async with connected(make_settings(INLINE_WAIT=0), upstream) as client, anyio.create_task_group() as group:

        async def call() -> None:
            assert fields(await client.call_tool(CHAT.tool, CHAT.arguments))["text"] == "Good day to you"

        group.start_soon(call)
        await upstream.here.wait()
        upstream.release.set()


@pytest.mark.parametrize(
    ("tool", "arguments", "code"),
    [
        ("webvoice_tts", {"text": "x", "output_path": "there.mp3"}, "file_exists"),
        ("webvoice_tts", {"text": "x", "output_path": "x.wav"}, "invalid_argument"),
        ("webvoice_stt", {"audio_path": "missing.wav"}, "file_not_found"),
        ("webvoice_text_to_video", {"prompt": "x", "duration": 99}, "invalid_argument"),
        ("webvoice_text_to_video", {"prompt": "x", "duration": 15}, "budget_exceeded"),
    ],
)
async def test_refusals_come_at_once_in_the_background_too_and_are_no_jobs(
    make_settings: MakeSettings, tmp_path: Path, tool: str, arguments: dict[str, Any], code: str
) -> None:
    put_inputs(tmp_path / "out")
    (tmp_path / "out" / "there.mp3").write_bytes(b"")
    upstream = Upstream({})
    async with connected(make_settings(MAX_CREDITS=5), upstream) as client:
        said = failed(await client.call_tool(tool, {**arguments, "background": True}))
        assert fields(await client.call_tool("webvoice_jobs", {})) == {"jobs": []}
    assert said.startswith(f"{code}: ")
    assert upstream.asked == []


async def test_a_job_that_fails_says_so_in_every_answer_and_in_the_next_run(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), Upstream(TTS.answer, status=500)) as client:
        answer = fields(await client.call_tool(TTS.tool, {"text": "x", "background": True}))
        job = await ended(client, answer["job_id"])
        assert fields(await client.call_tool("webvoice_jobs", {}))["jobs"] == [job]
    assert job["state"] == "failed"
    assert job["error"]["code"] == "server_error"
    async with connected(make_settings(), Upstream({})) as client:
        later = await ended(client, answer["job_id"])
        assert fields(await client.call_tool("webvoice_jobs", {}))["jobs"] == [later]
    message = "webvoice_tts failed with server_error in another run of the server."
    assert later == {**job, "error": {"code": "server_error", "message": message}}


async def test_a_job_of_an_earlier_run_is_known_with_its_files_and_credits(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    async with connected(make_settings(), Upstream(TTS.answer)) as client:
        fields(await client.call_tool(TTS.tool, TTS.arguments))
        job = await last_job(client)
    async with connected(make_settings(), Upstream({})) as client:
        later = await last_job(client)
    assert [file["path"] for file in job["result"]["files"]] == [str(tmp_path / "out" / "made.mp3")]
    assert later == {**job, "result": {"files": job["result"]["files"], "credits_used": 0.75}}


async def test_a_job_of_another_server_is_waited_for_and_told_apart_from_one_that_was_cut_off(
    make_settings: MakeSettings,
) -> None:
    upstream = Upstream(TTS.answer, hold="head")
    async with connected(make_settings(), upstream) as client, connected(make_settings(), Upstream({})) as other:
        answer = fields(await client.call_tool(TTS.tool, {"text": "x", "background": True}))
        (job,) = fields(await other.call_tool("webvoice_jobs", {"job_id": answer["job_id"]}))["jobs"]
        assert job["state"] == "running"
        assert "error" not in job
        async with anyio.create_task_group() as group:
            group.start_soon(ended, other, answer["job_id"])
            await anyio.wait_all_tasks_blocked()
            upstream.release.set()


async def test_what_runs_when_the_server_ends_is_carried_to_its_end(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    upstream = Upstream(TTS.answer, hold="head")
    client_left = anyio.Event()

    async def release_when_the_client_left() -> None:
        await client_left.wait()
        upstream.release.set()

    async with anyio.create_task_group() as group:
        group.start_soon(release_when_the_client_left)
        async with connected(make_settings(), upstream) as client:
            fields(await client.call_tool(TTS.tool, {**TTS.arguments, "background": True}))
            await upstream.here.wait()
            client_left.set()
    assert made_in(tmp_path / "out") == {"made.mp3": TTS.content}
    assert [row["state"] for row in rows(tmp_path / "state")] == ["done"]


async def test_what_outlasts_the_end_of_the_server_is_interrupted_and_leaves_no_file(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webvoice_mcp.server._GRACE", 0.05)
    upstream = Upstream(TTS.answer, hold="body")
    async with connected(make_settings(), upstream) as client:
        answer = fields(await client.call_tool(TTS.tool, {**TTS.arguments, "background": True}))
    assert upstream.closed == 1
    assert made_in(tmp_path / "out") == {}
    async with connected(make_settings(), Upstream({})) as client:
        job = await ended(client, answer["job_id"])
    assert job["state"] == "interrupted"
    assert job["error"]["code"] == "interrupted"
    assert "Credits may have been spent" in job["error"]["message"]


async def test_an_order_that_crashes_is_a_failed_job_and_the_log_has_the_traceback(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    async def crash(_: httpx2.Request) -> httpx2.Response:
        raise ZeroDivisionError

    async with connected(make_settings(MAX_CREDITS=100), ScriptedTransport(crash)) as client:
        answer = fields(await client.call_tool(TTS.tool, {"text": "x", "background": True}))
        job = await ended(client, answer["job_id"])
        assert await left(client) == 99.5
        assert fields(await client.call_tool("webvoice_usage", {}))["recent"][0]["state"] == "failed"
    assert job["error"]["code"] == "internal_error"
    assert "ZeroDivisionError" in caplog.text
    async with connected(make_settings(), Upstream({})) as client:
        assert await ended(client, answer["job_id"]) == job


async def test_a_fetched_job_shows_its_picture_once(make_settings: MakeSettings) -> None:
    def shown(result: CallToolResult) -> int:
        return len([each for each in result.content if isinstance(each, ImageContent)])

    async with connected(make_settings(), Upstream(IMAGE.answer)) as client:
        inline = await client.call_tool(IMAGE.tool, {"prompt": "x"})
        again = await client.call_tool("webvoice_jobs", {"job_id": (await last_job(client))["id"]})
        answer = fields(await client.call_tool(IMAGE.tool, {"prompt": "x", "background": True}))
        fetched = [
            await client.call_tool("webvoice_jobs", {"job_id": answer["job_id"], "wait_seconds": 10}) for _ in range(2)
        ]
    assert [shown(inline), shown(again), *map(shown, fetched)] == [1, 0, 1, 0]


async def test_jobs_that_run_are_listed_however_many_came_later(make_settings: MakeSettings) -> None:
    upstream = Upstream(CHAT.answer, hold="head")
    async with connected(make_settings(), upstream) as client:
        answer = fields(await client.call_tool(TTS.tool, {"text": "x", "background": True}))
        await upstream.here.wait()
        upstream.hold = None
        for _ in range(25):
            fields(await client.call_tool(CHAT.tool, CHAT.arguments))
        listed = fields(await client.call_tool("webvoice_jobs", {}))["jobs"]
        assert answer["job_id"] in [job["id"] for job in listed if job["state"] == "running"]
        upstream.release.set()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"job_id": "job_nonsense"}, "invalid_argument: job_id 'job_nonsense' is not known."),
        ({"job_id": "job_nonsense", "wait_seconds": 45}, "invalid_argument: job_id 'job_nonsense' is not known."),
        ({"wait_seconds": 46}, "invalid_argument: wait_seconds should be less than or equal to 45"),
        ({"wait_seconds": -1}, "invalid_argument: wait_seconds should be greater than or equal to 0"),
    ],
)
async def test_jobs_that_are_not_known_and_waits_that_are_too_long_are_refused(
    make_settings: MakeSettings, arguments: dict[str, Any], sentence: str
) -> None:
    async with connected(make_settings(), Upstream({})) as client:
        assert failed(await client.call_tool("webvoice_jobs", arguments)).startswith(sentence)


# Usage and history


async def test_usage_sums_by_tool_and_day(make_settings: MakeSettings, tmp_path: Path) -> None:
    async with connected(make_settings(), Upstream(TTS.answer)) as client:
        for _ in range(2):
            fields(await client.call_tool(TTS.tool, {"text": "x", "output_path": "x.mp3"} | {"output_path": ""}))
        used = fields(await client.call_tool("webvoice_usage", {"days": 1}))
    day = used["recent"][0]["time"][:10]
    assert (used["total_credits"], used["by_tool"], used["by_day"]) == (1.5, {TTS.tool: 1.5}, {day: 1.5})
    assert [(each["tool"], each["state"], each["credits"]) for each in used["recent"]] == [(TTS.tool, "done", 0.75)] * 2
    files = [path for each in used["recent"] for path in each["files"]]
    assert sorted(files) == sorted(str(tmp_path / "out" / name) for name in made_in(tmp_path / "out"))


@pytest.mark.parametrize("days", [0, -1, 4000])
async def test_days_that_cannot_be_are_refused(make_settings: MakeSettings, days: int) -> None:
    async with connected(make_settings(), Upstream({})) as client:
        said = failed(await client.call_tool("webvoice_usage", {"days": days}))
    assert said.startswith("invalid_argument: days should be ")


async def test_without_a_history_calls_go_on_and_what_is_known_is_told(
    make_settings: MakeSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state" / "history.db").mkdir(parents=True)
    async with connected(make_settings(), Upstream(TTS.answer)) as client:
        nothing = failed(await client.call_tool("webvoice_jobs", {}))
        used = failed(await client.call_tool("webvoice_usage", {}))
        fields(await client.call_tool(TTS.tool, {"text": "x"}))
        fields(await client.call_tool(TTS.tool, {"text": "x"}))
        known = fields(await client.call_tool("webvoice_jobs", {}))
    assert nothing == used
    assert nothing.startswith(f"disk_error: The history {tmp_path / 'state' / 'history.db'} cannot be used: ")
    assert [job["state"] for job in known["jobs"]] == ["done", "done"]
    assert known["note"] == nothing.removeprefix("disk_error: ")
    assert caplog.text.count("Calls go on without being written down.") == 1


async def test_neither_prompts_nor_keys_are_written_down(make_settings: MakeSettings, tmp_path: Path) -> None:
    put_inputs(tmp_path / "out")
    for paid in PAID:
        arguments = {**paid.arguments, "output_path": ""} if paid.file else paid.arguments
        async with connected(make_settings(), Upstream(paid.answer)) as client:
            fields(await client.call_tool(paid.tool, arguments))
            refused = Upstream({"error": "No: a secret garden at dawn"}, status=400)
        async with connected(make_settings(), refused) as client:
            failed(await client.call_tool(paid.tool, arguments))
    written = b"".join(each.read_bytes() for each in (tmp_path / "state").rglob("*") if each.is_file())
    assert len(rows(tmp_path / "state")) == 2 * len(PAID)
    assert CANARY.encode() not in written
    assert b"garden at dawn" not in written.lower()


# Estimates


@pytest.mark.parametrize(
    ("tool", "arguments", "credits_", "basis"),
    [
        *[(each.tool, each.arguments, each.estimate, "") for each in PAID],
        ("webvoice_tts", {"text": "x" * 10_000, "speed": 2.0}, 3.0, "about 333 s of speech from 10000 characters"),
        ("webvoice_tts", {"text": "x", "language": "fr"}, 0.5, "0.5 per started minute"),
        ("webvoice_tts", {"text": "早" * 1000}, 2.5, "about 247 s of speech"),
        ("webvoice_translate", {"text": "x" * 1001, "target_language": "it"}, 0.2, "1001 characters"),
        ("webvoice_chat", {"prompt": "x", "model": "openrouter:openrouter/free", "stream": True}, 0.0, "0 a request"),
        ("webvoice_image", {"prompt": "x", "provider": "nucleus", "num_images": 2}, 8.0, "2 ordered, 4 an image"),
        ("webvoice_image", {"prompt": "x", "provider": "gen4", "resolution": "720p"}, 2.0, "with gen4 at 720p"),
        ("webvoice_image", {"prompt": "x", "provider": "gen4"}, 3.0, "with gen4 at 1080p"),
        ("webvoice_text_to_video", {"prompt": "x", "resolution": "1080p", "duration": 10}, 28.0, "at 1080p"),
        (
            "webvoice_text_to_video",
            {"prompt": "x", "reference_images": ["https://example.com/a.png"]},
            26.0,
            "doubled for references",
        ),
        ("webvoice_text_to_video", {"prompt": "x", "provider": "veo", "duration": 6}, 7.0, "6 s with veo at 720p"),
        ("webvoice_status", {}, 0.0, "this call is free"),
        ("webvoice_send_email", {"to": "a@example.com", "body": "x"}, 0.0, "this call is free"),
    ],
)
async def test_the_price_of_a_call_is_told_with_its_basis_and_nothing_is_sent(
    make_settings: MakeSettings, tmp_path: Path, tool: str, arguments: dict[str, Any], credits_: float, basis: str
) -> None:
    put_inputs(tmp_path / "out")
    upstream = Upstream({})
    async with connected(make_settings(API_KEY="", CONFIRM_ABOVE=0), upstream) as client:
        quote = fields(await client.call_tool("webvoice_estimate_credits", {"tool": tool, "arguments": arguments}))
    assert quote["credits"] == credits_
    assert basis in quote["basis"]
    assert upstream.asked == []
    assert made_in(tmp_path / "out") == {}


@pytest.mark.parametrize(
    ("listed", "credits_", "basis"),
    [
        ({"models": [{"id": "new", "credits_per_request": 4}]}, 4.0, "4 a request with new"),
        ({"models": [{"id": "new", "credits_per_request": each} for each in (2, 6, 4)]}, 6.0, "6 a request with new"),
        ({"models": [{"id": "new", "credits_per_request": 4, "free": True}]}, 0.0, "0 a request with new"),
        ({"models": [{"id": "new", "credits_per_request": -4}]}, None, "new has no price in the service's list"),
        ({"models": [{"id": "new"}, {"id": "old", "credits_per_request": 1}]}, None, "new has no price in the"),
        ({"nothing": 1}, None, "the service's list cannot be had: invalid_response"),
    ],
)
async def test_a_model_that_is_not_documented_is_looked_up_in_the_services_list(
    make_settings: MakeSettings, listed: dict[str, Any], credits_: float | None, basis: str
) -> None:
    upstream = Upstream(listed)
    asked = {"tool": "webvoice_chat", "arguments": {"prompt": "x", "model": "new"}}
    async with connected(make_settings(), upstream) as client:
        quote = fields(await client.call_tool("webvoice_estimate_credits", asked))
    assert (quote["credits"], basis in quote["basis"]) == (credits_, True)
    assert upstream.asked == [("GET", "chat/models/")]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"tool": "webvoice_nonsense", "arguments": {}}, "invalid_argument: There is no tool 'webvoice_nonsense'."),
        ({"tool": "webvoice_tts", "arguments": {}}, "invalid_argument: text is missing"),
        ({"tool": "webvoice_tts", "arguments": {"text": "x", "speed": 9}}, "invalid_argument: speed should be"),
        ({"tool": "webvoice_tts", "arguments": {"text": "x", "y": 9}}, "invalid_argument: webvoice_tts does not know"),
        ({"tool": "webvoice_tts"}, "invalid_argument: arguments is missing"),
        ({"tool": "webvoice_stt", "arguments": {"audio_path": "no.wav"}}, "file_not_found: "),
    ],
)
async def test_what_cannot_be_estimated_is_refused(
    make_settings: MakeSettings, arguments: dict[str, Any], sentence: str
) -> None:
    async with connected(make_settings(), Upstream({})) as client:
        assert failed(await client.call_tool("webvoice_estimate_credits", arguments)).startswith(sentence)


async def test_a_recording_that_does_not_tell_its_length_has_no_known_price(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    put_inputs(tmp_path / "out")
    (tmp_path / "out" / "odd.flac").write_bytes(FLAC_BYTES)
    asked = {"tool": "webvoice_stt", "arguments": {"audio_path": "odd.flac"}}
    async with connected(make_settings(), Upstream({})) as client:
        quote = fields(await client.call_tool("webvoice_estimate_credits", asked))
    assert quote == {"credits": None, "basis": "the recording does not say how long it is"}


# Budget


@MODES
async def test_parallel_orders_cannot_pass_the_budget_together(make_settings: MakeSettings, mode: str) -> None:
    upstream = Upstream({**TTS.answer, "credits_used": 0.5}, hold="head")
    answers: list[CallToolResult] = []
    refused_all = anyio.Event()
    async with connected(make_settings(MAX_CREDITS=10), upstream, mode) as client:
        async with anyio.create_task_group() as group:

            async def call() -> None:
                answers.append(await client.call_tool(TTS.tool, {"text": "x"}))
                if len(answers) == 44:
                    refused_all.set()

            for _ in range(64):
                group.start_soon(call)
            with anyio.fail_after(PATIENCE):
                await refused_all.wait()
            upstream.release.set()
        refused = [failed(each) for each in answers if each.is_error]
        assert fields(await client.call_tool("webvoice_usage", {}))["total_credits"] == 10
    assert len(refused) == 44
    assert all(each.startswith("budget_exceeded: ") for each in refused)
    assert upstream.posts == 20


async def test_free_calls_and_free_models_are_never_held_up(make_settings: MakeSettings) -> None:
    free = {"prompt": "x", "model": "openrouter:openrouter/free"}
    async with connected(make_settings(MAX_CREDITS=0, CONFIRM_ABOVE=0), Upstream(CHAT.answer)) as client:
        fields(await client.call_tool("webvoice_chat", free))
        fields(await client.call_tool("webvoice_account_links", {}))
        said = failed(await client.call_tool("webvoice_translate", {"text": "x", "target_language": "it"}))
    assert said.startswith("budget_exceeded: This call would cost about 0.1 credits")


async def test_an_unknown_price_is_refused_where_there_is_a_budget_and_only_there(make_settings: MakeSettings) -> None:
    asked = {"prompt": "x", "model": "new"}
    upstream = Upstream({"models": [{"id": "old", "credits_per_request": 1}]})
    async with connected(make_settings(MAX_CREDITS=100), upstream) as client:
        said = failed(await client.call_tool("webvoice_chat", asked))
        assert said.startswith("budget_exceeded: The price of this call cannot be known (new has no price")
    assert upstream.posts == 0
    async with connected(make_settings(), Upstream(CHAT.answer)) as client:
        fields(await client.call_tool("webvoice_chat", asked))


@pytest.mark.parametrize("odd", [-5, float("nan"), float("inf"), "much"])
async def test_a_bill_that_is_no_number_does_not_undo_the_budget(make_settings: MakeSettings, odd: Any) -> None:
    async with connected(make_settings(MAX_CREDITS=100), Upstream({**TTS.answer, "credits_used": odd})) as client:
        await client.call_tool(TTS.tool, {"text": "x"})
        assert await left(client) == 99.5


# Consent


class User:
    """Somebody who is asked, and answers always the same."""

    def __init__(self, action: Any, content: dict[str, Any] | None = None) -> None:
        self.asked: list[str] = []
        self._answer = ElicitResult(action=action, content=content)

    async def __call__(self, context: Any, params: ElicitRequestParams) -> ElicitResult:
        self.asked.append(params.message)
        return self._answer


@asynccontextmanager
async def asking(settings: Settings, upstream: Upstream, mode: str, user: User) -> AsyncIterator[Client]:
    async with Client(build(settings, transport=upstream), mode=mode, elicitation_callback=user) as client:
        yield client


@MODES
async def test_a_yes_pays_for_one_call(make_settings: MakeSettings, mode: str) -> None:
    user, upstream = User("accept", {"go_on": True}), Upstream(CHAT.answer)
    async with asking(make_settings(CONFIRM_ABOVE=1), upstream, mode, user) as client:
        for number in (1, 2):
            assert fields(await client.call_tool(CHAT.tool, CHAT.arguments))["text"] == "Good day to you"
            assert len(user.asked) == upstream.posts == number
    question = "webvoice_chat will cost about 2 credits (2 a request with deepseek-v4-flash). Go on?"
    assert user.asked == [question] * 2


@MODES
@pytest.mark.parametrize(
    "user",
    [
        User("accept", {"go_on": False}),
        User("decline"),
        User("cancel"),
        User("accept"),
        User("accept", {"go_on": "perhaps"}),
        User("accept", {"go_on": "yes"}),
    ],
    ids=["accept without a yes", "decline", "cancel", "no content", "something else", "a word for yes"],
)
async def test_whatever_is_no_yes_is_a_no(make_settings: MakeSettings, mode: str, user: User, tmp_path: Path) -> None:
    upstream = Upstream(CHAT.answer)
    async with asking(make_settings(CONFIRM_ABOVE=1), upstream, mode, user) as client:
        said = failed(await client.call_tool(CHAT.tool, CHAT.arguments))
        assert fields(await client.call_tool("webvoice_jobs", {})) == {"jobs": []}
    assert said.startswith("declined: The user did not agree to the cost. Nothing was spent.")
    assert upstream.asked == []


async def test_a_client_that_refuses_the_question_itself_is_declined(make_settings: MakeSettings) -> None:
    async def refusing(context: Any, params: ElicitRequestParams) -> ErrorData:
        return ErrorData(code=METHOD_NOT_FOUND, message="no")

    upstream = Upstream(CHAT.answer)
    server = build(make_settings(CONFIRM_ABOVE=1), transport=upstream)
    async with Client(server, mode="legacy", elicitation_callback=refusing) as client:
        said = failed(await client.call_tool(CHAT.tool, CHAT.arguments))
    assert said.startswith("declined: The user did not agree to the cost. Nothing was spent.")
    assert upstream.asked == []


@MODES
async def test_a_client_that_cannot_ask_is_declined_with_the_setting_to_change(
    make_settings: MakeSettings, mode: str
) -> None:
    upstream = Upstream(CHAT.answer)
    async with connected(make_settings(CONFIRM_ABOVE="1.5"), upstream, mode) as client:
        said = failed(await client.call_tool(CHAT.tool, CHAT.arguments))
    assert said.startswith("declined: webvoice_chat would cost about 2 credits (2 a request with deepseek-v4-flash)")
    assert "WEBVOICE_CONFIRM_ABOVE=1.5" in said
    assert upstream.asked == []


@MODES
async def test_nobody_is_asked_for_what_is_cheap_free_or_at_the_limit(make_settings: MakeSettings, mode: str) -> None:
    user = User("decline")
    async with asking(make_settings(CONFIRM_ABOVE=2), Upstream(CHAT.answer), mode, user) as client:
        fields(await client.call_tool(CHAT.tool, CHAT.arguments))
        fields(await client.call_tool("webvoice_account_links", {}))
    assert user.asked == []


@MODES
async def test_an_unknown_price_is_asked_about(make_settings: MakeSettings, mode: str) -> None:
    user = User("decline")
    upstream = Upstream({"models": [{"id": "old", "credits_per_request": 1}]})
    async with asking(make_settings(CONFIRM_ABOVE=1000), upstream, mode, user) as client:
        failed(await client.call_tool("webvoice_chat", {"prompt": "x", "model": "new"}))
    (question,) = user.asked
    assert question.startswith("webvoice_chat will cost an unknown number of credits (new has no price in ")


@MODES
@pytest.mark.parametrize(
    ("tool", "arguments", "variables", "code"),
    [
        ("webvoice_tts", {"text": "x", "output_path": "photo.png"}, {}, "invalid_argument"),
        ("webvoice_tts", {"text": "x", "output_path": "there.mp3"}, {}, "file_exists"),
        ("webvoice_tts", {"text": "x", "language": "fr", "output_path": "there.mp3"}, {}, "file_exists"),
        ("webvoice_stt", {"audio_path": "talk.wav", "output_path": "there.txt"}, {}, "file_exists"),
        ("webvoice_stt", {"audio_path": "missing.wav"}, {}, "file_not_found"),
        ("webvoice_image_to_image", {"prompt": "x", "images": ["missing.png"]}, {}, "file_not_found"),
        ("webvoice_image_to_video", {"prompt": "x", "image": "talk.wav"}, {}, "unsupported_media"),
        ("webvoice_chat", {"prompt": "x"}, {"API_KEY": ""}, "not_authenticated"),
        ("webvoice_tts", {"text": "x"}, {"API_KEY": ""}, "not_authenticated"),
        ("webvoice_stt", {"audio_path": "talk.wav"}, {"API_KEY": ""}, "not_authenticated"),
        ("webvoice_text_to_video", {"prompt": "x"}, {"MAX_CREDITS": 1}, "budget_exceeded"),
    ],
)
async def test_nobody_is_asked_for_what_would_be_refused(
    make_settings: MakeSettings,
    tmp_path: Path,
    mode: str,
    tool: str,
    arguments: dict[str, Any],
    variables: dict[str, Any],
    code: str,
) -> None:
    put_inputs(tmp_path / "out")
    for name in ("there.mp3", "there.txt"):
        (tmp_path / "out" / name).write_bytes(b"")
    user, upstream = User("accept", {"go_on": True}), Upstream({})
    async with asking(make_settings(CONFIRM_ABOVE=0, **variables), upstream, mode, user) as client:
        assert failed(await client.call_tool(tool, arguments)).startswith(f"{code}: ")
    assert user.asked == []
    assert upstream.asked == []
    assert set(made_in(tmp_path / "out")) == {"there.mp3", "there.txt"}


@MODES
@pytest.mark.parametrize("paid", PAID, ids=by_tool)
async def test_every_tool_that_costs_credits_asks(
    make_settings: MakeSettings, tmp_path: Path, mode: str, paid: Paid
) -> None:
    put_inputs(tmp_path / "out")
    user, upstream = User("accept", {"go_on": True}), Upstream(paid.answer)
    async with asking(make_settings(CONFIRM_ABOVE=0), upstream, mode, user) as client:
        fields(await client.call_tool(paid.tool, paid.arguments))
    assert len(user.asked) == upstream.posts == 1
    assert user.asked[0].startswith(f"{paid.tool} will cost about {paid.estimate:g} credits (")


def test_a_sealed_yes_that_is_sent_twice_pays_once(tmp_path: Path) -> None:
    meta: dict[str, Any] = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}}
    with LoopbackService({"chat/completions/": CHAT.answer}).running() as service:
        environ = environment(tmp_path, {"BASE_URL": service.base_url, "API_KEY": CANARY, "CONFIRM_ABOVE": 1})
        with running_server(environ, version=STATELESS_VERSION) as wire:
            call = {"name": CHAT.tool, "arguments": CHAT.arguments, "_meta": meta}
            asked = wire.result("tools/call", call)
            assert asked["resultType"] == "input_required"
            (question,) = asked["inputRequests"]
            yes = {question: {"action": "accept", "content": {"go_on": True}}}
            again = {**call, "requestState": asked["requestState"], "inputResponses": yes}
            results = [
                each["result"] for each in wire.responses_to([wire.send_request("tools/call", again) for _ in range(3)])
            ]
            late = wire.result("tools/call", again)
    assert len(service.requests) == 1
    assert [each["isError"] for each in results].count(False) == 1
    refused = [each["content"][0]["text"] for each in (*results, late) if each["isError"]]
    assert (
        refused
        == ["declined: That yes was for one call and has been used. Call the tool anew, so that the user is asked."] * 3
    )


# Progress


class Heard:
    """What a caller who asked for progress heard."""

    def __init__(self) -> None:
        self.said: list[tuple[float, float | None, str]] = []
        self.news = anyio.Event()

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.said.append((progress, total, message or ""))
        self.news.set()
        self.news = anyio.Event()


async def test_progress_comes_within_a_second_as_time_and_then_as_bytes(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_progress, "_BEAT", 0.02)
    heard, upstream = Heard(), Upstream(TTS.answer, hold="head")
    async with connected(make_settings(), upstream, "legacy") as client, anyio.create_task_group() as group:

        async def call() -> None:
            result = await client.call_tool(TTS.tool, {"text": "x"}, progress_callback=heard)
            fields(result)
            count = len(heard.said)
            await client.call_tool("webvoice_account_links", {})
            assert len(heard.said) == count  # nothing after the answer

        started = time.monotonic()
        group.start_soon(call)
        await heard.news.wait()
        assert time.monotonic() - started < 1
        await heard.news.wait()
        upstream.here = anyio.Event()
        held, upstream.release = upstream.release, anyio.Event()
        upstream.hold = "body"
        held.set()
        await upstream.here.wait()
        await heard.news.wait()
        await heard.news.wait()
        upstream.release.set()
    assert [each[0] for each in heard.said] == sorted({each[0] for each in heard.said})
    assert heard.said[0][1:] == (None, "webvoice_tts: 1 s so far")
    size = len(upstream.body)
    assert heard.said[-1][1:] == (size, "webvoice_tts: 0.0 of 0.0 MiB received")
    assert heard.said[-1][0] >= size // 2


async def test_a_caller_who_waits_for_a_job_hears_progress_too(make_settings: MakeSettings) -> None:
    heard, upstream = Heard(), Upstream(TTS.answer, hold="head")
    async with connected(make_settings(), upstream, "legacy") as client, anyio.create_task_group() as group:
        answer = fields(await client.call_tool(TTS.tool, {"text": "x", "background": True}))

        async def wait() -> None:
            asked = {"job_id": answer["job_id"], "wait_seconds": 10}
            await client.call_tool("webvoice_jobs", asked, progress_callback=heard)

        group.start_soon(wait)
        await heard.news.wait()
        upstream.release.set()
    assert heard.said[0][2].startswith("webvoice_tts: ")


def chunk(text: str, finish: str = "null") -> str:
    return f'{{"id":"c1","choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":{finish}}}]}}'


async def test_streamed_text_is_joined_to_few_messages_and_whole(make_settings: MakeSettings) -> None:
    heard = Heard()
    words = [f"word{number} " for number in range(500)]
    answer = events(*map(chunk, words), chunk("end.", '"stop"'), "[DONE]")
    started = time.monotonic()
    async with connected(make_settings(), ScriptedTransport(answer), "legacy") as client:
        result = fields(await client.call_tool("webvoice_chat", {"prompt": "x"}, progress_callback=heard))
    assert "".join(each[2] for each in heard.said) == result["text"] == "".join(words) + "end."
    assert len(heard.said) <= 3 + 10 * (time.monotonic() - started)


async def test_a_caller_who_does_not_read_does_not_hold_up_what_was_ordered(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    stuck = anyio.Event()
    reached = anyio.Event()

    async def never(progress: float, total: float | None, message: str | None) -> None:
        reached.set()
        await stuck.wait()

    first, rest = anyio.Event(), anyio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield f"data: {chunk('one ')}\n\n".encode()
        first.set()
        await rest.wait()
        for _ in range(100):
            yield f"data: {chunk('more ')}\n\n".encode()
        yield f"data: {chunk('end', chr(34) + 'stop' + chr(34))}\n\ndata: [DONE]\n\n".encode()

    class Stream(httpx2.AsyncByteStream):
        def __aiter__(self) -> AsyncIterator[bytes]:
            return pieces()

    answer = httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Stream())
    async with (
        connected(make_settings(), ScriptedTransport(answer), "legacy") as client,
        anyio.create_task_group() as group,
    ):

        async def call() -> None:
            await client.call_tool("webvoice_chat", {"prompt": "x"}, progress_callback=never)

        group.start_soon(call)
        await reached.wait()
        rest.set()
        assert [row["state"] for row in await settled_rows(tmp_path / "state")] == ["done"]
        stuck.set()


# Cancellation


@pytest.mark.parametrize("tool", ["webvoice_list_voices", "webvoice_list_chat_models", "webvoice_status"])
async def test_a_cancelled_listing_is_closed_upstream(make_settings: MakeSettings, tool: str) -> None:
    upstream = Upstream({}, hold="head")
    async with connected(make_settings(), upstream) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, tool)
            await upstream.here.wait()
            group.cancel_scope.cancel()
        await client.call_tool("webvoice_account_links", {})
    assert upstream.closed == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_a_cancelled_chat_closes_its_connection_at_once(make_settings: MakeSettings, stream: bool) -> None:
    asked, gone = anyio.Event(), anyio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if stream:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: " + chunk("one").encode())
            await writer.drain()
        asked.set()
        while await reader.read(1 << 16):
            pass
        gone.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Client(build(make_settings(BASE_URL=f"http://127.0.0.1:{port}/api/v1"))) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "webvoice_chat", {"prompt": "x", "stream": stream})
            await asked.wait()
            started = time.monotonic()
            group.cancel_scope.cancel()
        with anyio.fail_after(2):
            await gone.wait()
        print(f"closed after {time.monotonic() - started:.3f} s")
        assert (await last_job(client))["error"]["code"] == "cancelled"


async def test_nobody_is_told_of_text_who_did_not_ask(make_settings: MakeSettings) -> None:
    answer = events(chunk("one", '"stop"'), "[DONE]")
    async with connected(make_settings(), ScriptedTransport(answer)) as client:
        assert fields(await client.call_tool("webvoice_chat", {"prompt": "x", "stream": True}))["text"] == "one"
