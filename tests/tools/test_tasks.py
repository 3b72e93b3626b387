"""Jobs as tasks, for clients that declare the tasks extension."""

import json
from pathlib import Path
from typing import Any

import anyio
import httpx2
import jsonschema
import pytest
from mcp import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND, MISSING_REQUIRED_CLIENT_CAPABILITY

from tests.jobs.world import BY_TOOL, PAID, PATIENCE, Paid, Upstream, ended, left, made_in, put_inputs, rows
from tests.support import CANARY, MakeSettings, ScriptedTransport
from tests.tools.calls import TOOLS
from tests.tools.extensions import ExtendedClient, Message, extended
from webvoice_mcp.tools.skills.extension import SKILLS
from webvoice_mcp.tools.tasks import TASKS

CHAT, TTS, IMAGE = BY_TOOL["webvoice_chat"], BY_TOOL["webvoice_tts"], BY_TOOL["webvoice_image"]
IN_BACKGROUND = {"text": "x", "background": True}
OTHER_KEY = "wv_canary_of_somebody_else"
METHODS = ("tasks/get", "tasks/update", "tasks/cancel")


def takes_background(paid: Paid) -> bool:
    return "background" in TOOLS[paid.tool].sdk_tool().parameters["properties"]


async def ask(client: ExtendedClient, method: str, task_id: str) -> Message:
    more: Message = {"inputResponses": {}} if method == "tasks/update" else {}
    return await client.request(method, taskId=task_id, **more)


async def refusal(client: ExtendedClient, method: str, task_id: str) -> tuple[int, str]:
    with pytest.raises(MCPError) as caught:
        await ask(client, method, task_id)
    return caught.value.error.code, caught.value.error.message


async def end_of(client: ExtendedClient, task: Message) -> Message:
    """Return a task once it has ended."""
    with anyio.fail_after(PATIENCE):
        while (found := await ask(client, "tasks/get", task["taskId"]))["status"] == "working":  # noqa: ASYNC110 - clients poll, too
            await anyio.sleep(0.01)
    return found


def check_result(tool: str, result: Message) -> Message:
    """Return the structured content of a task's result, after checking that it suits the tool."""
    structured: Message = result["structuredContent"]
    assert json.loads(result["content"][0]["text"]) == structured
    jsonschema.validate(structured, TOOLS[tool].sdk_tool().output_schema or {})
    return structured


def is_acknowledgement(result: Message) -> bool:
    return set(result) == {"resultType", "_meta"} and result["resultType"] == "complete"


@pytest.mark.parametrize("paid", [paid for paid in PAID if takes_background(paid)], ids=lambda paid: paid.tool)
async def test_every_call_in_the_background_is_a_task_with_the_same_result(
    make_settings: MakeSettings, tmp_path: Path, paid: Paid
) -> None:
    put_inputs(tmp_path / "out")
    upstream = Upstream(paid.answer, hold="head")
    async with extended(make_settings(INLINE_IMAGES=0), upstream, TASKS) as client:
        task = await client.call(paid.tool, {**paid.arguments, "background": True})
        assert (task["resultType"], task["status"], task["ttlMs"]) == ("task", "working", None)
        assert "result" not in task
        await upstream.here.wait()
        working = await ask(client, "tasks/get", task["taskId"])
        assert (working["resultType"], working["status"], working["taskId"]) == ("complete", "working", task["taskId"])
        assert working["createdAt"] == task["createdAt"] <= working["lastUpdatedAt"]
        assert 0 < working["pollIntervalMs"] < 10_000
        assert working["statusMessage"].startswith(f"{paid.tool}: ")
        assert "result" not in working
        upstream.release.set()
        completed = await end_of(client, task)
        again = await ask(client, "tasks/get", task["taskId"])
        job = await ended(client.sdk, task["taskId"])
    assert completed["status"] == "completed"
    assert again == completed
    assert check_result(paid.tool, completed["result"]) == job["result"]
    assert (upstream.posts, job["result"]["credits_used"]) == (1, paid.credits)


@pytest.mark.parametrize("paid", [TTS, CHAT], ids=["tts", "chat"])
async def test_a_call_that_outlasts_the_inline_wait_becomes_a_task(make_settings: MakeSettings, paid: Paid) -> None:
    upstream = Upstream(paid.answer, hold="head")
    async with extended(make_settings(INLINE_WAIT="0.02"), upstream, TASKS) as client:
        task = await client.call(paid.tool, paid.arguments)
        assert task["resultType"] == "task"
        upstream.release.set()
        completed = await end_of(client, task)
    assert check_result(paid.tool, completed["result"])["credits_used"] == paid.credits


async def test_a_call_that_ends_in_time_is_no_task(make_settings: MakeSettings) -> None:
    async with extended(make_settings(), Upstream(CHAT.answer), TASKS) as client:
        result = await client.call(CHAT.tool, CHAT.arguments)
        listed = await client.call("webvoice_jobs", {})
        refused = await client.call(TTS.tool, {"text": "x", "output_path": "x.wav", "background": True})
    assert result["resultType"] == "complete"
    assert check_result(CHAT.tool, result)["text"] == "Good day to you"
    assert len(check_result("webvoice_jobs", listed)["jobs"]) == 1
    assert (refused["resultType"], refused["isError"]) == ("complete", True)


@pytest.mark.parametrize(
    ("extension", "mode"), [(SKILLS, "auto"), (TASKS, "legacy")], ids=["not declared", "older revision"]
)
async def test_other_clients_get_a_job_id_and_no_answers_about_tasks(
    make_settings: MakeSettings, extension: str, mode: str
) -> None:
    async with extended(make_settings(), Upstream(TTS.answer), extension, mode=mode) as client:
        started = await client.call(TTS.tool, IN_BACKGROUND)
        assert set(started["structuredContent"]) == {"job_id", "state", "files"}
        assert "taskId" not in started
        codes = {(await refusal(client, method, started["structuredContent"]["job_id"]))[0] for method in METHODS}
    assert codes == {METHOD_NOT_FOUND if mode == "legacy" else MISSING_REQUIRED_CLIENT_CAPABILITY}


async def test_an_unknown_task_is_refused_and_named(make_settings: MakeSettings) -> None:
    async with extended(make_settings(), Upstream({}), TASKS) as client:
        for method in METHODS:
            for task_id in ("job_nonsense", "", "x" * 100_000, "' OR 1=1 --", "../history.db"):
                code, message = await refusal(client, method, task_id)
                assert code == INVALID_PARAMS
                assert f"There is no task {task_id[:80]!r} of the API key at work." in message
        with pytest.raises(MCPError) as caught:
            await client.request("tasks/get")
        assert caught.value.error.code == INVALID_PARAMS


async def test_a_picture_is_part_of_the_result_however_often_it_is_fetched(make_settings: MakeSettings) -> None:
    async with extended(make_settings(), Upstream(IMAGE.answer), TASKS) as client:
        completed = await end_of(client, await client.call(IMAGE.tool, {**IMAGE.arguments, "background": True}))
        assert await ask(client, "tasks/get", completed["taskId"]) == completed
    assert [block["type"] for block in completed["result"]["content"]] == ["text", "image", "resource_link"]


async def test_a_failed_call_is_a_completed_task_with_its_failure(make_settings: MakeSettings) -> None:
    said = httpx2.Response(429, json={"error": f"No for {CANARY}."}, headers={"retry-after": "3600"})
    async with extended(make_settings(), ScriptedTransport(said), TASKS) as client:
        failed = await end_of(client, await client.call(TTS.tool, IN_BACKGROUND))
    async with extended(make_settings(), Upstream({}), TASKS) as client:
        later = await ask(client, "tasks/get", failed["taskId"])
    for task in (failed, later):
        result = task["result"]
        assert (task["status"], result["isError"]) == ("completed", True)
        assert result["content"][0]["text"].startswith("rate_limited: ")
        assert result["_meta"]["webvoice/error"]["code"] == "rate_limited"
        assert "structuredContent" not in result
        assert CANARY not in json.dumps(task)
    assert failed["result"]["_meta"]["webvoice/error"]["retry_after_seconds"] == 3600
    assert later["createdAt"] == failed["createdAt"]


async def test_a_crash_is_a_failed_task_now_and_later(make_settings: MakeSettings) -> None:
    async def crash(_: httpx2.Request) -> httpx2.Response:
        raise ZeroDivisionError

    async with extended(make_settings(), ScriptedTransport(crash), TASKS) as client:
        failed = await end_of(client, await client.call(TTS.tool, IN_BACKGROUND))
    async with extended(make_settings(), Upstream({}), TASKS) as client:
        later = await ask(client, "tasks/get", failed["taskId"])
    for task in (failed, later):
        assert (task["status"], task["error"]["code"]) == ("failed", INTERNAL_ERROR)
        assert task["error"]["message"] == task["statusMessage"]
        assert task["statusMessage"].startswith("It crashed because of a bug in webvoice-mcp.")
        assert "result" not in task


async def test_a_later_server_finds_a_task_with_its_files(make_settings: MakeSettings, tmp_path: Path) -> None:
    async with extended(make_settings(), Upstream(TTS.answer), TASKS) as client:
        task = await client.call(TTS.tool, {**TTS.arguments, "background": True})
        completed = await end_of(client, task)
    async with extended(make_settings(), Upstream({}), TASKS) as client:
        later = await ask(client, "tasks/get", task["taskId"])
        made = tmp_path / "out" / "made.mp3"
        made.unlink()
        gone = await ask(client, "tasks/get", task["taskId"])
        assert is_acknowledgement(await ask(client, "tasks/cancel", task["taskId"]))
    files = completed["result"]["structuredContent"]["files"]
    assert check_result(TTS.tool, later["result"]) == {"files": files, "credits_used": 0.75}
    assert [block["type"] for block in later["result"]["content"]] == ["text", "resource_link"]
    assert later["createdAt"] == task["createdAt"] <= later["lastUpdatedAt"]
    expected = {"files": [], "credits_used": 0.75, "note": f"No longer there: {made}."}
    assert check_result(TTS.tool, gone["result"]) == expected


async def test_a_later_server_says_that_a_text_was_not_kept(make_settings: MakeSettings) -> None:
    upstream = Upstream(CHAT.answer, hold="head")
    async with extended(make_settings(INLINE_WAIT="0.02"), upstream, TASKS) as client:
        task = await client.call(CHAT.tool, CHAT.arguments)
        upstream.release.set()
        await end_of(client, task)
    async with extended(make_settings(), Upstream({}), TASKS) as client:
        later = await ask(client, "tasks/get", task["taskId"])
    kept = check_result(CHAT.tool, later["result"])
    assert kept == {"files": [], "credits_used": 1.5, "note": "Its text was not kept when its server ended."}


async def test_a_task_of_another_server_is_seen_while_it_runs(make_settings: MakeSettings, tmp_path: Path) -> None:
    upstream = Upstream(TTS.answer, hold="head")
    async with (
        extended(make_settings(), upstream, TASKS) as client,
        extended(make_settings(), Upstream({}), TASKS) as other,
    ):
        task = await client.call(TTS.tool, {**TTS.arguments, "background": True})
        await upstream.here.wait()
        working = await ask(other, "tasks/get", task["taskId"])
        assert (working["status"], working["createdAt"]) == ("working", task["createdAt"])
        assert is_acknowledgement(await ask(other, "tasks/cancel", task["taskId"]))
        upstream.release.set()
        completed = await end_of(other, task)
    assert completed["status"] == "completed"
    assert made_in(tmp_path / "out") == {"made.mp3": TTS.content}


async def test_an_interrupted_task_says_what_that_means(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webvoice_mcp.jobs.services.GRACE_SECONDS", 0.05)
    upstream = Upstream(TTS.answer, hold="body")
    async with extended(make_settings(), upstream, TASKS) as client:
        task = await client.call(TTS.tool, IN_BACKGROUND)
    async with extended(make_settings(), Upstream({}), TASKS) as client:
        interrupted = await ask(client, "tasks/get", task["taskId"])
    assert (interrupted["status"], interrupted["result"]["isError"]) == ("completed", True)
    assert interrupted["result"]["content"][0]["text"].startswith("interrupted: Its process ended before it did.")


async def test_somebody_elses_task_is_unknown(make_settings: MakeSettings) -> None:
    async with extended(make_settings(), Upstream(TTS.answer), TASKS) as client:
        task = await client.call(TTS.tool, IN_BACKGROUND)
        await end_of(client, task)
    async with extended(make_settings(API_KEY=OTHER_KEY), Upstream({}), TASKS) as client:
        refused = {(await refusal(client, method, task["taskId"]))[0] for method in METHODS}
    assert refused == {INVALID_PARAMS}


async def test_a_cancelled_medium_that_is_paid_for_is_saved_all_the_same(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    upstream = Upstream(TTS.answer, hold="head")
    async with extended(make_settings(), upstream, TASKS) as client:
        task = await client.call(TTS.tool, {**TTS.arguments, "background": True})
        await upstream.here.wait()
        for _ in range(2):
            assert is_acknowledgement(await ask(client, "tasks/cancel", task["taskId"]))
        assert (await ask(client, "tasks/get", task["taskId"]))["status"] == "working"
        upstream.release.set()
        completed = await end_of(client, task)
        assert is_acknowledgement(await ask(client, "tasks/cancel", task["taskId"]))
        assert await ask(client, "tasks/get", task["taskId"]) == completed
    assert (completed["status"], upstream.closed) == ("completed", 0)
    assert made_in(tmp_path / "out") == {"made.mp3": TTS.content}


async def test_a_cancelled_chat_is_cancelled_upstream(make_settings: MakeSettings, tmp_path: Path) -> None:
    upstream = Upstream(CHAT.answer, hold="head")
    async with extended(make_settings(INLINE_WAIT="0.02"), upstream, TASKS) as client:
        task = await client.call(CHAT.tool, CHAT.arguments)
        await upstream.here.wait()
        for _ in range(2):
            assert is_acknowledgement(await ask(client, "tasks/cancel", task["taskId"]))
        cancelled = await end_of(client, task)
    async with extended(make_settings(), Upstream({}), TASKS) as client:
        later = await ask(client, "tasks/get", task["taskId"])
    assert upstream.closed == 1
    assert [row["error"] for row in rows(tmp_path / "state")] == ["cancelled"]
    for found in (cancelled, later):
        assert found["status"] == "cancelled"
        assert found["statusMessage"].startswith("The caller cancelled it while it was running.")
        assert not {"result", "error"} & set(found)


async def test_a_task_that_is_cancelled_before_it_is_sent_costs_nothing(make_settings: MakeSettings) -> None:
    upstream = Upstream({}, hold="head")  # holds the list of voices, which is fetched first
    settings = make_settings(INLINE_WAIT="0.02", MAX_CREDITS=100)
    async with extended(settings, upstream, TASKS) as client:
        task = await client.call(TTS.tool, {**TTS.arguments, "language": "fr"})
        await ask(client, "tasks/cancel", task["taskId"])
        cancelled = await end_of(client, task)
        assert await left(client.sdk) == 100
    assert cancelled["status"] == "cancelled"
    assert upstream.posts == 0


async def test_answers_to_questions_that_no_task_asked_are_ignored(make_settings: MakeSettings) -> None:
    async with extended(make_settings(), Upstream(TTS.answer), TASKS) as client:
        task = await client.call(TTS.tool, IN_BACKGROUND)
        given = {"name": {"action": "accept", "content": {"name": "x"}}}
        assert is_acknowledgement(await client.request("tasks/update", taskId=task["taskId"], inputResponses=given))
        assert (await end_of(client, task))["status"] == "completed"


async def test_a_history_that_cannot_be_read_is_said(make_settings: MakeSettings, tmp_path: Path) -> None:
    (tmp_path / "state" / "history.db").mkdir(parents=True)
    async with extended(make_settings(), Upstream(TTS.answer), TASKS) as client:
        task = await client.call(TTS.tool, IN_BACKGROUND)
        assert (await end_of(client, task))["status"] == "completed"  # this run's jobs need no history
        code, message = await refusal(client, "tasks/get", "job_1")
    assert code == INTERNAL_ERROR
    assert message.startswith("disk_error: The history ")


async def test_tasks_are_declared_where_clients_look(make_settings: MakeSettings) -> None:
    declared: list[Any] = []
    for mode in ("auto", "legacy"):
        async with extended(make_settings(), ScriptedTransport(), TASKS, mode=mode) as client:
            declared.append(client.sdk.server_capabilities.extensions)
    assert [TASKS in (extensions or {}) for extensions in declared] == [True, False]
