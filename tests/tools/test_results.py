"""Results are short unless they are the user's own text, and failures carry what a program can act on."""

import json
from pathlib import Path
from typing import Any

import pytest
from mcp.types import CallToolRequest, CallToolRequestParams, CallToolResult, TextContent

from tests.jobs.world import BY_TOOL, PAID, Paid, Upstream, ended, put_inputs
from tests.support import CANARY, MakeSettings, ScriptedTransport, connected, failed, fields
from webvoice_mcp.errors import InvalidResponse, RateLimited
from webvoice_mcp.server import create_server
from webvoice_mcp.tools.results import Result, failed_result

MAX_BYTES = 1536  # of text in a result
CHAT, TTS, TRANSLATE = BY_TOOL["webvoice_chat"], BY_TOOL["webvoice_tts"], BY_TOOL["webvoice_translate"]


def text_bytes(result: CallToolResult) -> int:
    fields(result)
    return sum(len(block.text.encode()) for block in result.content if isinstance(block, TextContent))


async def test_results_of_paid_calls_are_short(make_settings: MakeSettings, tmp_path: Path) -> None:
    put_inputs(tmp_path / "out")
    for paid in PAID:
        arguments = {**paid.arguments, "output_path": ""} if paid.file else paid.arguments
        async with connected(make_settings(), Upstream(paid.answer)) as client:
            assert 50 < text_bytes(await client.call_tool(paid.tool, arguments)) <= MAX_BYTES


async def test_usage_and_jobs_stay_short_however_many_calls_there_were(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), Upstream(TRANSLATE.answer)) as client:
        for _ in range(30):
            await client.call_tool(TRANSLATE.tool, TRANSLATE.arguments)
        results = [await client.call_tool(tool, {}) for tool in ("webvoice_usage", "webvoice_jobs")]
    assert all(1000 < text_bytes(result) <= MAX_BYTES for result in results)
    usage, listed = map(fields, results)
    assert usage["total_credits"] == 1.5
    assert usage["note"] == "Not all jobs are listed here; the sums count all of them."
    assert {(row["tool"], row["credits"]) for row in usage["recent"]} == {(TRANSLATE.tool, 0.05)}
    assert listed["note"] == (
        "These are the newest. Call webvoice_jobs with a job_id for a result or error that is left out here."
    )
    assert [set(job) for job in listed["jobs"][:2]] == [{"id", "tool", "state", "started_at", "result"}] * 2


async def test_a_long_result_is_left_out_of_the_list_of_jobs(make_settings: MakeSettings) -> None:
    story = "A long story. " * 500
    choice = {"index": 0, "message": {"role": "assistant", "content": story}, "finish_reason": "stop"}
    async with connected(make_settings(), Upstream(CHAT.answer | {"choices": [choice]})) as client:
        await client.call_tool(CHAT.tool, CHAT.arguments)
        (job,) = fields(await client.call_tool("webvoice_jobs", {}))["jobs"]
        assert set(job) == {"id", "tool", "state", "started_at"}
        assert (await ended(client, job["id"]))["result"]["text"] == story


async def test_undocumented_fields_are_passed_on_while_they_are_few(make_settings: MakeSettings) -> None:
    added = {f"field_{number}": "word " * 80 for number in range(5)} | {"large": "y y " * 200, "tier": {"name": "play"}}
    async with connected(make_settings(), Upstream(TRANSLATE.answer | added)) as client:
        result = await client.call_tool(TRANSLATE.tool, TRANSLATE.arguments)
    assert text_bytes(result) <= MAX_BYTES
    found: dict[str, Any] = fields(result)
    assert {name: found[name] for name in added if name in found} == {
        name: added[name] for name in ("field_0", "field_1", "tier")
    }


def test_a_long_error_text_loses_its_middle() -> None:
    text = failed(failed_result(InvalidResponse(f"It began {'x' * 5000}. Do this.")))
    assert text.startswith("invalid_response: It began xxx")
    assert text.endswith("xxx. Do this.")
    assert (text.count("…"), len(text)) == (1, 481)


def test_a_failure_carries_its_code_status_and_delay() -> None:
    result = failed_result(RateLimited("Too many requests. Try again later.", status=429, retry_after=60.0))
    assert failed(result) == "rate_limited: Too many requests. Try again later."
    assert result.meta == {"webvoice/error": {"code": "rate_limited", "status": 429, "retry_after_seconds": 60.0}}


async def test_clients_of_older_revisions_get_text_only(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version, blocks in (("2025-03-26", ["text"]), ("2025-06-18", ["text", "resource_link"])):
        monkeypatch.setattr("mcp.client.session.LATEST_HANDSHAKE_VERSION", version)
        async with connected(make_settings(), Upstream(TTS.answer), "legacy") as client:
            # The SDK's own `call_tool` insists on the structured content that older revisions lack.
            result, refused = [
                await client.session.send_request(
                    CallToolRequest(params=CallToolRequestParams(name=TTS.tool, arguments=arguments)), CallToolResult
                )
                for arguments in ({"text": "x"}, {})
            ]
        assert [block.type for block in result.content] == blocks
        assert (result.structured_content is None) == (blocks == ["text"])
        assert isinstance(result.content[0], TextContent)
        assert json.loads(result.content[0].text)["credits_used"] == TTS.credits
        assert failed(refused).startswith("invalid_argument: ")


async def test_links_to_files_can_be_left_out(make_settings: MakeSettings) -> None:
    for switch, blocks in ((1, ["text", "resource_link"]), (0, ["text"])):
        async with connected(make_settings(RESOURCE_LINKS=switch), Upstream(TTS.answer)) as client:
            result = await client.call_tool(TTS.tool, {"text": "x"})
        assert [block.type for block in result.content] == blocks
        assert fields(result)["files"][0]["uri"].startswith("file://")


async def test_without_a_client_results_are_complete(make_settings: MakeSettings) -> None:
    result = await create_server(make_settings()).call_tool("webvoice_nothing", {})
    assert isinstance(result, CallToolResult)
    assert failed(result).startswith("invalid_argument: There is no tool 'webvoice_nothing'.")


class Invented(Result):
    """A result with a field that no reply of the service has."""

    our_own_idea: str = ""


OUR_NAMES = [
    *["note", "next_step", "path", "files", "file", "job_id", "state", "preview", "characters", "uri", "key_source"],
    *["api_key_saved_to", "size_bytes", "our_own_idea", "nextStep", "NEXT-STEP", "next step", "jobId", "JOBID"],
    *[
        "apiKeySavedTo",
        " note ",
        "No\u200bte",
        "\uff4eote",
        "pa\u00adth",
        "n\u00f6te",
        "p\u0430th",
        "n\u03bfte",
        "\u202f",
    ],
]


@pytest.mark.parametrize("paid", [CHAT, TTS, TRANSLATE], ids=["chat", "speech", "translation"])
async def test_fields_of_the_service_that_look_like_ours_are_left_out(make_settings: MakeSettings, paid: Paid) -> None:
    added = {name: f"the service's {name}" for name in OUR_NAMES} | {"tier": "play"}
    async with connected(make_settings(), Upstream(paid.answer | added)) as client:
        found = fields(await client.call_tool(paid.tool, paid.arguments))
    assert found["tier"] == "play"
    assert "the service's" not in json.dumps(found)


async def test_the_account_s_answers_have_no_field_that_looks_like_ours(make_settings: MakeSettings) -> None:
    added = {name: f"the service's {name}" for name in OUR_NAMES}
    for tool, arguments in (
        ("webvoice_status", {}),
        ("webvoice_onboarding", {}),
        ("webvoice_register_send_code", {"email": "a@b.co", "accept_privacy": True, "accept_terms": True}),
        ("webvoice_register_verify", {"email": "a@b.co", "code": "1"}),
        ("webvoice_create_api_key", {"name": "k"}),
        ("webvoice_send_email", {"to": "a@b.co", "body": "x"}),
        ("webvoice_voice_memo", {"text": "x"}),
    ):
        body = {"success": True, "credits": 5, "api_key": "wv_0123456789abcdef", "title": "x"} | added
        async with connected(make_settings(), Upstream(body)) as client:
            assert "the service's" not in json.dumps(fields(await client.call_tool(tool, arguments)))


async def test_an_argument_in_an_error_has_no_key_escape_or_line_break(
    make_settings: MakeSettings,
) -> None:
    quoted = f"/nowhere/{CANARY}\x1b[31m\u202e\nfile: x"
    async with connected(make_settings(), ScriptedTransport()) as client:
        missing = failed(await client.call_tool("webvoice_stt", {"audio_path": quoted}))
        unknown = failed(await client.call_tool("webvoice_jobs", {CANARY: 1}))
    assert "/nowhere/wv_…cdef file: x." in missing
    assert "argument 'wv_…cdef'" in unknown


async def test_an_error_needs_no_readable_key_file(make_settings: MakeSettings) -> None:
    settings = make_settings(API_KEY="")
    settings.credentials_file.mkdir(parents=True)
    async with connected(settings, ScriptedTransport()) as client:
        assert "does not know" in failed(await client.call_tool("webvoice_jobs", {"x": 1}))
