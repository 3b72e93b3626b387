"""A result that is too large for hosts is saved as a file, and what jobs keep in memory is bounded."""

import json
from pathlib import Path
from typing import Any

import pytest
from mcp.types import CallToolResult

from tests.files.samples import PNG_BYTES
from tests.jobs.world import BY_TOOL, Paid, Upstream, last_job, put_inputs, settled_rows
from tests.support import MakeSettings, ScriptedTransport, answer, base64_text, connected, fields
from webvoice_mcp.jobs.long_results import MAX_RESULT_BYTES, wire_bytes
from webvoice_mcp.settings import Settings

CHAT, STT, TRANSLATE = BY_TOOL["webvoice_chat"], BY_TOOL["webvoice_stt"], BY_TOOL["webvoice_translate"]
LONG = 'He said "ciao" \\ and\nl\u00e9ft \U0001f600. ' * 22_000
CUT = "The service's answer was too large: the rest of it is left out here. Ask for less of it."
LIMIT = 1_000_000  # bytes of a result on the wire


def wire(result: CallToolResult) -> int:
    return len(result.model_dump_json(by_alias=True, exclude_none=True).encode())


def chat(**message: Any) -> dict[str, Any]:
    return CHAT.answer | {"choices": [{"message": {"role": "assistant", **message}, "finish_reason": "stop"}]}


def content(file: dict[str, Any]) -> bytes:
    return Path(file["path"]).read_bytes()


async def call(settings: Settings, paid: Paid, reply: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    async with connected(settings, Upstream(reply)) as client:
        result = await client.call_tool(paid.tool, {**paid.arguments, **arguments})
        again = await client.call_tool("webvoice_jobs", {"job_id": (await last_job(client))["id"]})
    assert wire(result) < LIMIT
    assert wire(again) < LIMIT
    assert fields(again)["jobs"][0]["result"] == fields(result)
    links = [block.model_dump()["name"] for block in result.content if block.type == "resource_link"]
    assert links == [Path(file["path"]).name for file in fields(result).get("files", [])]
    return fields(result)


async def test_a_long_translation_is_saved_with_a_preview(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings()
    result = await call(settings, TRANSLATE, TRANSLATE.answer | {"translated_text": LONG})
    (file,) = result["files"]
    assert Path(file["path"]).parent == tmp_path / "out"
    assert Path(file["path"]).name.startswith("translate-")
    assert content(file) == LONG.encode()
    assert (file["mime_type"], file["size_bytes"]) == ("text/plain", len(LONG.encode()))
    assert (result["preview"], result["characters"]) == (LONG[:500], len(LONG))
    assert result["note"] == f"translated_text is too long to show and was saved as {file['path']}."
    assert ("translated_text" in result, result["credits_used"]) == (False, 0.05)
    (row,) = await settled_rows(tmp_path / "state")
    assert json.loads(row["files"]) == [file["path"]]


@pytest.mark.parametrize("text", ["x" * 400_000, "\u4f60\u597d" * 70_000], ids=["ASCII", "Chinese"])
async def test_a_text_that_hosts_accept_stays_in_the_result(make_settings: MakeSettings, text: str) -> None:
    result = await call(make_settings(), TRANSLATE, TRANSLATE.answer | {"translated_text": text})
    assert (result["translated_text"] == text, "files" in result, "note" in result) == (True, False, False)


async def test_a_text_that_just_fits_is_whole_in_webvoice_jobs(make_settings: MakeSettings) -> None:
    text = "x" * (MAX_RESULT_BYTES // 2 - 150)
    result = await call(make_settings(), TRANSLATE, TRANSLATE.answer | {"translated_text": text})
    assert result["translated_text"] == text
    assert 0 <= MAX_RESULT_BYTES - wire_bytes(result) < 300


async def test_all_long_parts_of_a_chat_are_saved(make_settings: MakeSettings) -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"x": LONG})}}]
    pictures = [{"image_url": {"url": f"data:image/png;base64,{base64_text(PNG_BYTES)}"}}]
    message = {"content": LONG, "reasoning": LONG[:400_000], "tool_calls": calls, "images": pictures}
    result = await call(make_settings(), CHAT, chat(**message))
    picture, text, calls_file, reasoning = map(content, result["files"])
    assert (picture, text, reasoning) == (PNG_BYTES, LONG.encode(), LONG[:400_000].encode())
    assert json.loads(calls_file) == calls
    assert (result["preview"], result["characters"]) == (LONG[:500], len(LONG))
    assert [name in result["note"] for name in ("text is", "tool_calls is", "reasoning is")] == [True] * 3


async def test_a_transcript_that_was_saved_is_not_saved_again(make_settings: MakeSettings, tmp_path: Path) -> None:
    put_inputs(tmp_path / "out")
    result = await call(make_settings(), STT, STT.answer | {"text": LONG})
    (file,) = result["files"]
    assert Path(file["path"]).name == "talk.txt"
    assert content(file) == LONG.encode()
    assert (result["preview"], "text" in result, "note" in result) == (LONG[:500], False, False)


@pytest.mark.parametrize("text", [LONG, "x" * 950_000, "\u4f60\u597d" * 100_000], ids=["mixed", "ASCII", "Chinese"])
async def test_a_disk_that_refuses_leaves_as_much_of_the_text_as_fits(make_settings: MakeSettings, text: str) -> None:
    settings = make_settings(MAX_FILE_MB="0.1")
    message = {"content": text, "reasoning": text, "tool_calls": [{"arguments": text}]}
    result = await call(settings, CHAT, chat(**message))
    assert (result["preview"], result["characters"]) == (text[:500], len(text))
    assert text.startswith(result["text"])
    shown = {**result, "text": text[: len(result["text"]) + 1]}
    assert wire_bytes(result) <= MAX_RESULT_BYTES < wire_bytes(shown)
    assert {"reasoning", "tool_calls", "files"} & result.keys() == set()
    assert result["note"].count("is too long to show and could not be saved: ") == 3
    assert "WEBVOICE_MAX_FILE_MB" in result["note"]


async def test_a_free_answer_that_is_too_large_keeps_its_beginning(make_settings: MakeSettings) -> None:
    reply = {"user": LONG, "api_key": {"name": LONG, "usage_count": 5}}
    async with connected(make_settings(), ScriptedTransport(answer(reply))) as client:
        result = await client.call_tool("webvoice_status", {})
    assert wire(result) < LIMIT
    status = fields(result)
    assert (LONG.startswith(status["user"]), status["api_key"]["usage_count"]) == (True, 5)
    assert status["note"] == CUT


async def test_large_items_and_names_are_left_out_as_a_whole(make_settings: MakeSettings) -> None:
    rows = [{"id": f"model-{number}", "name": "x " * 25_000} for number in range(12)]
    plans = {"plan " + letter * 400_000: 1 for letter in ("a ", "b ")} | {"basic": 2}
    sent = ScriptedTransport(answer({"models": rows}), answer({"billing": plans}))
    async with connected(make_settings(), sent) as client:
        results = [await client.call_tool(tool, {}) for tool in ("webvoice_list_chat_models", "webvoice_onboarding")]
    assert [wire(result) < LIMIT for result in results] == [True] * 2
    models, onboarding = map(fields, results)
    assert 2 < len(models["models"]) < 12
    assert [row["id"] for row in models["models"]] == [row["id"] for row in rows[: len(models["models"])]]
    assert onboarding["billing"] == {"basic": 2}


@pytest.mark.slow
@pytest.mark.untraced
async def test_a_list_that_is_too_large_keeps_its_first_items(make_settings: MakeSettings) -> None:
    rows = [{"id": f"model-{number}", "name": "x" * 90} for number in range(7000)]
    voices = {code: [{"id": f"v{number}", "name": "x" * 200} for number in range(3000)] for code in ("en", "it")}
    many: dict[str, Any] = {"billing": {f"plan {number}": number for number in range(60_000)}, "credits": 5}
    sent = ScriptedTransport(answer({"models": rows}), answer({"voices": voices}), answer(many))
    calls = ("webvoice_list_chat_models", "webvoice_list_voices", "webvoice_onboarding")
    async with connected(make_settings(), sent) as client:
        results = [await client.call_tool(tool, {}) for tool in calls]
    assert [wire(result) < LIMIT for result in results] == [True] * 3
    models, listed, onboarding = map(fields, results)
    assert [row["id"] for row in models["models"]] == [row["id"] for row in rows[: len(models["models"])]]
    assert (len(models["models"]) > 2000, models["count"]) == (True, 7000)
    assert [len(voices) > 100 for voices in listed["voices"].values()] == [True, True]
    assert (onboarding["billing"].items() <= many["billing"].items(), onboarding["credits"]) == (True, 5)
    assert {result["note"] for result in (models, listed, onboarding)} == {CUT}
