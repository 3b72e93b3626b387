"""The chat tools, through MCP, with scripted replies of the service."""

import base64
import json
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from tests.files.samples import PNG_BYTES, everything_in
from tests.support import MakeSettings, ScriptedTransport, answer, ask, connected, events, failed, fields
from tests.tools.calls import check_refused
from webvoice_mcp.contract.chat import CHAT, ChatRequest
from webvoice_mcp.tools.chat import webvoice_chat, webvoice_deepinfra_chat

TOOL = "webvoice_chat"
COMPLETION = {
    "id": "chatcmpl-abc123",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "deepseek-v4-flash",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 42, "completion_tokens": 18, "total_tokens": 60},
    "webvoice": {"credits_used": 2.0, "credits_remaining": 98.0, "provider": "deepseek", "queue": "fast"},
}
RESULT = {
    "text": "Hello",
    "finish_reason": "stop",
    "id": "chatcmpl-abc123",
    "model": "deepseek-v4-flash",
    "provider": "deepseek",
    "usage": {"prompt_tokens": 42, "completion_tokens": 18, "total_tokens": 60},
    "credits_used": 2.0,
    "credits_remaining": 98.0,
    "queue": "fast",
}
USER = {"role": "user", "content": "Weather in Rome?"}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'}}
MODELS = {
    "models": [
        {"id": "a:free", "display_name": "Alpha", "provider": "OpenRouter", "credits_per_request": 0},
        {"id": "b", "display_name": "Beta", "provider": "Groq", "credits_per_request": 2.0},
        {"id": "c", "display_name": "Gamma", "provider": "Groq", "credits_per_request": 3.0, "free": False},
    ]
}


def completion(**message: Any) -> httpx2.Response:
    choice = {"message": {"role": "assistant", "content": None, **message}, "finish_reason": "tool_calls"}
    return answer({"choices": [choice]})


async def test_a_chat_is_described_without_a_server() -> None:
    call = await webvoice_chat("Hi", system="Be brief", tools=[WEATHER], tool_choice="auto")
    assert call.endpoint is CHAT
    assert call.request == ChatRequest(
        model="deepseek-v4-flash",
        messages=[{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}],
        max_tokens=2000,
        temperature=0.7,
        tools=[WEATHER],
        tool_choice="auto",
    )
    assert (call.output, call.stream) == (None, None)
    assert (await webvoice_deepinfra_chat("Hi")).request.fields()["model"] == "moonshotai/Kimi-K2.6"


async def test_a_prompt_becomes_one_request_and_one_answer(make_settings: MakeSettings) -> None:
    result, sent = await ask(make_settings(), TOOL, {"prompt": "Hi", "web_search": True}, answer(COMPLETION))
    assert sent == {
        "model": "deepseek-v4-flash",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 2000,
        "temperature": 0.7,
        "web_search": True,
    }
    assert result == RESULT


async def test_every_argument_is_sent(make_settings: MakeSettings) -> None:
    arguments = {
        "messages": [USER],
        "model": "m",
        "provider": "groq",
        "max_tokens": 8000,
        "temperature": 2,
        "tools": [WEATHER],
        "tool_choice": "get_weather",
        "stream": False,
    }
    reply = completion(tool_calls=[TOOL_CALL], reasoning_content="Hm.")
    result, sent = await ask(make_settings(), TOOL, arguments, reply)
    assert sent == {
        "model": "m",
        "provider": "groq",
        "messages": [USER],
        "max_tokens": 8000,
        "temperature": 2.0,
        "tools": [WEATHER],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
    }
    assert result == {"text": "", "finish_reason": "tool_calls", "tool_calls": [TOOL_CALL], "reasoning": "Hm."}


async def test_a_whole_conversation_is_sent_as_given(make_settings: MakeSettings) -> None:
    messages = [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
        {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "22"},
    ]
    arguments = {"messages": json.dumps(messages), "tools": [WEATHER]}
    parts = [{"type": "text", "text": "Hel"}, {"type": "image"}, {"type": "text", "text": "lo"}]
    result, sent = await ask(make_settings(), TOOL, arguments, completion(content=parts))
    assert sent["messages"] == messages
    assert result["text"] == "Hello"


async def test_further_fields_of_the_answer_are_passed_on(make_settings: MakeSettings) -> None:
    sources = [{"type": "url_citation", "url_citation": {"url": "https://example.com/", "title": "T"}}]
    message = {"role": "assistant", "content": "Hello", "annotations": sources, "refusal": None, "text": "other"}
    body = {
        **COMPLETION,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "citations": ["https://example.com/"],
        "system_fingerprint": "fp_1",
        "files": 5,
        "provider": {"odd": 1},
    }
    result, _ = await ask(make_settings(), TOOL, {"prompt": "Hi"}, answer(body))
    added = {"citations": ["https://example.com/"], "system_fingerprint": "fp_1", "annotations": sources}
    assert result == {**RESULT, **added}


def with_pictures(*urls: Any) -> dict[str, Any]:
    return {"content": "A red dot", "images": [{"type": "image_url", "image_url": {"url": url}} for url in urls]}


async def test_pictures_of_an_answer_are_saved(make_settings: MakeSettings, out: Path) -> None:
    encoded = base64.b64encode(PNG_BYTES).decode()
    message = with_pictures(f"data:image/png;base64,{encoded}", f"DATA:image/jpeg;base64,{encoded.rstrip('=')}\n")
    content = [{"type": "text", "text": "A red dot"}, {"type": "image_url", "image_url": f"data:;base64,{encoded}"}]
    service = ScriptedTransport(completion(**{**message, "content": content}))
    async with connected(make_settings(), service) as client:
        result = await client.call_tool(TOOL, {"prompt": "Draw a red dot"})
    names = everything_in(out)
    assert [(out / name).read_bytes() for name in names] == [PNG_BYTES] * 3
    assert all(name.startswith("chat-") and "a-red-dot" in name and name.endswith(".png") for name in names)
    assert sorted(Path(file["path"]).name for file in fields(result)["files"]) == names
    assert [block.type for block in result.content] == ["text", *["resource_link"] * 3]
    assert fields(result)["text"] == "A red dot"
    assert encoded[:40] not in result.model_dump_json()
    assert "note" not in fields(result)


async def test_pictures_that_cannot_be_saved_do_not_cost_the_text(make_settings: MakeSettings, out: Path) -> None:
    link = "https://cdn.example/a.png"
    too_large = base64.b64encode(PNG_BYTES + bytes(2000)).decode()
    message = with_pictures(link, "data:image/svg+xml,<svg>", None, f"data:image/png;base64,{too_large}")
    message["images"] += ["odd", {"type": "image_url"}]
    result, _ = await ask(make_settings(MAX_FILE_MB="0.001"), TOOL, {"prompt": "Draw"}, completion(**message))
    assert (result["text"], "files" in result) == ("A red dot", False)
    assert result["note"].startswith(
        f"A picture came as a link; fetch it yourself: {link} "
        "A picture could not be saved: It is neither base64 nor a link. A picture could not be saved: "
    )
    assert "WEBVOICE_MAX_FILE_MB" in result["note"]
    assert everything_in(out) == []


async def test_a_disk_that_refuses_a_picture_does_not_cost_the_text(make_settings: MakeSettings, out: Path) -> None:
    await anyio.Path(out).write_text("a file where the folder should be")
    reply = completion(**with_pictures("data:image/png;base64,iVBORw0KGgo="))
    result, _ = await ask(make_settings(), TOOL, {"prompt": "Draw"}, reply)
    assert result["text"] == "A red dot"
    assert result["note"].startswith("A picture could not be saved: Cannot ")


async def test_at_most_64_pictures_are_saved(make_settings: MakeSettings, out: Path) -> None:
    reply = completion(**with_pictures(*["data:image/png;base64,iVBORw0KGgo="] * 66))
    result, _ = await ask(make_settings(), TOOL, {"prompt": "Draw"}, reply)
    assert len(result["files"]) == len(everything_in(out)) == 64
    assert result["note"] == "The answer has 66 pictures; 64 were saved."


STREAM = (
    '{"id":"c1","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}',
    '{"choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":null}]}',
    '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"webvoice":{"credits_used":2.0}}',
    "[DONE]",
)


async def test_a_caller_who_wants_progress_gets_the_text_as_it_arrives(make_settings: MakeSettings) -> None:
    received: list[tuple[float, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        received.append((progress, message))

    service = ScriptedTransport(events(*STREAM))
    async with connected(make_settings(), service, "legacy") as client:  # in process, only this mode carries tokens
        result = await client.call_tool(TOOL, {"prompt": "Hi"}, progress_callback=on_progress)
    assert fields(result) == {"text": "Hello", "finish_reason": "stop", "id": "c1", "credits_used": 2.0}
    assert "".join(message or "" for _, message in received) == "Hello"
    assert [progress for progress, _ in received] == sorted({progress for progress, _ in received})
    assert json.loads(service.bodies[0])["stream"] is True


async def test_an_answer_can_be_streamed_without_a_listener(make_settings: MakeSettings) -> None:
    result, sent = await ask(make_settings(), TOOL, {"prompt": "Hi", "stream": True}, events(*STREAM))
    assert (result["text"], sent["stream"]) == ("Hello", True)


async def test_a_caller_who_wants_progress_can_decline_streaming(make_settings: MakeSettings) -> None:
    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        raise AssertionError

    service = ScriptedTransport(answer(COMPLETION))
    async with connected(make_settings(), service, "legacy") as client:
        result = await client.call_tool(TOOL, {"prompt": "Hi", "stream": False}, progress_callback=on_progress)
    assert fields(result) == RESULT
    assert "stream" not in json.loads(service.bodies[0])


async def test_malformed_conversations_and_tools_are_refused_before_any_request(make_settings: MakeSettings) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({}, "Give exactly one of prompt"),
        ({"prompt": "Hi", "messages": [USER]}, "Give exactly one of prompt"),
        ({"messages": []}, "Give exactly one of prompt"),
        ({"messages": [USER], "system": "x"}, "system goes with prompt"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role is not one of system, user"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content must be a string, null or a list"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content is missing"),
        ({"messages": [{"role": "assistant", "content": None}, USER]}, "messages[0].content is missing"),
        ({"messages": [USER, {"role": "tool", "content": "x"}]}, "messages[1].tool_call_id is missing"),
        ({"messages": [USER, {"role": "assistant", "content": "x"}]}, "messages ends with role assistant"),
        ({"messages": ["Hi"]}, "messages[0] must be an object"),
        ({"prompt": "Hi", "tools": [WEATHER], "web_search": True}, "web_search cannot be combined with tools"),
        ({"prompt": "Hi", "tools": [{"type": "function"}]}, "tools[0] is not a function tool"),
        ({"prompt": "Hi", "tools": [WEATHER, {**WEATHER, "type": "x"}]}, "tools[1] is not a function tool"),
        ({"prompt": "Hi", "tools": [{"type": "function", "function": {"name": " "}}]}, "tools[0] is not a function"),
        ({"prompt": "Hi", "tools": [{"type": "function", "function": {"name": 5}}]}, "tools[0] is not a function"),
        ({"prompt": "Hi", "tool_choice": "auto"}, "tool_choice goes with tools"),
        ({"prompt": "Hi", "tools": [WEATHER], "tool_choice": "other"}, "tool_choice is not one of none, auto"),
        ({"prompt": "Hi", "max_tokens": 0}, "max_tokens must be a whole number from 1 to 8000. "),
        ({"prompt": "Hi", "max_tokens": 8001}, "max_tokens must be a whole number from 1 to 8000. "),
        ({"prompt": "Hi", "temperature": 2.1}, "temperature must be a number from 0 to 2. "),
        ({"prompt": "Hi", "temperature": -0.1}, "temperature must be a number from 0 to 2. "),
    ]
    await check_refused(make_settings(), TOOL, [(given, f"invalid_argument: {text}") for given, text in refused])
    other_model = ({"prompt": "Hi", "model": "gemini"}, "invalid_argument: model should be 'moonshotai/Kimi-K2.6'")
    await check_refused(make_settings(), "webvoice_deepinfra_chat", [other_model])


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, ["a:free", "b", "c"]),
        ({"provider": " GROQ"}, ["b", "c"]),
        ({"free_only": True}, ["a:free"]),
        ({"search": "gam"}, ["c"]),
        ({"search": "A:"}, ["a:free"]),
    ],
)
async def test_models_are_filtered_here(make_settings: MakeSettings, filters: dict[str, Any], ids: list[str]) -> None:
    service = ScriptedTransport(answer(MODELS))
    async with connected(make_settings(), service) as client:
        result = fields(await client.call_tool("webvoice_list_chat_models", filters))
    assert ([row["id"] for row in result["models"]], result["count"]) == (ids, len(ids))
    assert [row["free"] for row in result["models"]] == [row["id"] == "a:free" for row in result["models"]]
    assert service.asked == [("GET", "chat/models/")]
    if ids == ["c"]:
        assert result["models"] == [MODELS["models"][2]]


async def test_models_are_listed_in_openais_format_if_wanted(make_settings: MakeSettings) -> None:
    row = {"id": "deepseek-v4-flash", "object": "model", "created": 1700000000, "owned_by": "deepseek"}
    service = ScriptedTransport(answer({"object": "list", "data": [row, {**row, "owned_by": "groq"}]}))
    async with connected(make_settings(), service) as client:
        arguments = {"openai_format": True, "provider": "deepseek"}
        result = fields(await client.call_tool("webvoice_list_chat_models", arguments))
        text = failed(await client.call_tool("webvoice_list_chat_models", {"openai_format": True, "free_only": True}))
    assert result == {"models": [row], "count": 1}
    assert service.asked == [("GET", "models/")]
    assert text.startswith("invalid_argument: free_only needs the prices")


async def test_a_picture_in_a_message_that_only_this_network_has_is_refused(make_settings: MakeSettings) -> None:
    said = (
        "invalid_argument: messages[0].content[1].image_url must be a public https URL without user name or password, "
        "or a data: URL."
    )
    text = {"type": "text", "text": "What is this?"}
    parts = [
        {"type": "image_url", "image_url": {"url": "https://10.0.0.1/a.png"}},
        {"image_url": "HTTPS://localhost/a"},
    ]
    calls = [({"messages": [{"role": "user", "content": [text, part]}]}, said) for part in parts]
    await check_refused(make_settings(), TOOL, calls)


async def test_pictures_and_other_parts_of_a_message_are_sent(make_settings: MakeSettings) -> None:
    urls = ["https://cdn.example/a.png", "data:image/png;base64,AA==", "http://a.example/a.png"]
    content = [*({"type": "image_url", "image_url": {"url": url}} for url in urls), "odd", {"image_url": 5}]
    messages = [{"role": "user", "content": content}]
    _, sent = await ask(make_settings(), TOOL, {"messages": messages}, completion(content="A dot"))
    assert sent["messages"] == messages
