"""The chat tools, through MCP, against scripted answers."""

import base64
import json
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from tests import support
from tests.files.samples import PNG_BYTES, everything_in
from tests.support import MakeSettings, ScriptedTransport, answer, connected, events, failed, fields

COMPLETION = {
    "id": "chatcmpl-abc123",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "deepseek-v4-flash",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 42, "completion_tokens": 18, "total_tokens": 60},
    "webvoice": {"credits_used": 2.0, "credits_remaining": 98.0, "provider": "deepseek", "queue": "fast"},
}
ANSWER = {
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
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'}}
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


async def ask(
    make_settings: MakeSettings, arguments: dict[str, Any], *answers: Any, tool: str = "webvoice_chat"
) -> tuple[dict[str, Any], dict[str, Any]]:
    return await support.ask(make_settings(), tool, arguments, *(answers or [answer(COMPLETION)]))


async def test_a_prompt_becomes_one_request_and_one_answer(make_settings: MakeSettings) -> None:
    result, sent = await ask(make_settings, {"prompt": "Hi", "system": "Be brief"})
    assert sent == {
        "model": "deepseek-v4-flash",
        "messages": [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}],
        "max_tokens": 2000,
        "temperature": 0.7,
    }
    assert result == ANSWER


async def test_every_argument_reaches_the_service(make_settings: MakeSettings) -> None:
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
    result, sent = await ask(make_settings, arguments, completion(tool_calls=[CALL], reasoning_content="Hm."))
    assert sent == {
        "model": "m",
        "provider": "groq",
        "messages": [USER],
        "max_tokens": 8000,
        "temperature": 2.0,
        "tools": [WEATHER],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
    }
    assert result == {"text": "", "finish_reason": "tool_calls", "tool_calls": [CALL], "reasoning": "Hm."}


@pytest.mark.parametrize("choice", ["none", "auto", "required"])
async def test_a_word_of_choice_is_sent_as_it_is(make_settings: MakeSettings, choice: str) -> None:
    _, sent = await ask(make_settings, {"prompt": "Hi", "tools": [WEATHER], "tool_choice": choice})
    assert sent["tool_choice"] == choice


async def test_web_search_is_sent_when_wanted(make_settings: MakeSettings) -> None:
    _, sent = await ask(make_settings, {"prompt": "Hi", "web_search": True})
    assert sent["web_search"] is True


async def test_a_whole_conversation_with_a_tools_result_is_sent_as_given(make_settings: MakeSettings) -> None:
    messages = [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "22"},
    ]
    _, sent = await ask(make_settings, {"messages": json.dumps(messages), "tools": [WEATHER]})
    assert sent["messages"] == messages


async def test_content_in_parts_is_read_as_one_text(make_settings: MakeSettings) -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "image"}, {"type": "text", "text": "lo"}]
    result, _ = await ask(make_settings, {"prompt": "Hi"}, completion(content=parts))
    assert result["text"] == "Hello"


async def test_what_the_service_adds_is_passed_on(make_settings: MakeSettings) -> None:
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
    result, _ = await ask(make_settings, {"prompt": "Hi"}, answer(body))
    added = {"citations": ["https://example.com/"], "system_fingerprint": "fp_1", "annotations": sources}
    assert result == {**ANSWER, **added}


def drawn(*urls: Any) -> dict[str, Any]:
    return {"content": "A red dot", "images": [{"type": "image_url", "image_url": {"url": each}} for each in urls]}


async def test_pictures_of_an_answer_are_saved(make_settings: MakeSettings, out: Path) -> None:
    encoded = base64.b64encode(PNG_BYTES).decode()
    message = drawn(f"data:image/png;base64,{encoded}", f"DATA:image/jpeg;base64,{encoded.rstrip('=')}\n")
    content = [{"type": "text", "text": "A red dot"}, {"type": "image_url", "image_url": f"data:;base64,{encoded}"}]
    sent = ScriptedTransport(completion(**{**message, "content": content}))
    async with connected(make_settings(), sent) as client:
        result = await client.call_tool("webvoice_chat", {"prompt": "Draw"})
    names = everything_in(out)
    assert [(out / name).read_bytes() for name in names] == [PNG_BYTES] * 3
    assert all(name.startswith("chat-") and "a-red-dot" in name and name.endswith(".png") for name in names)
    assert sorted(Path(each["path"]).name for each in fields(result)["files"]) == names
    assert [block.type for block in result.content] == ["text", *["resource_link"] * 3]
    assert fields(result)["text"] == "A red dot"
    assert encoded[:40] not in result.model_dump_json()
    assert "note" not in fields(result)


async def test_pictures_that_cannot_be_kept_are_told_beside_the_text(make_settings: MakeSettings) -> None:
    link = "https://cdn.example/a.png"
    message = drawn(link, "data:image/svg+xml,<svg>", None)
    message["images"] += ["odd", {"type": "image_url"}]
    result, _ = await ask(make_settings, {"prompt": "Draw"}, completion(**message))
    assert (result["text"], "files" in result) == ("A red dot", False)
    assert result["note"] == (
        f"A picture came as a link; fetch it yourself: {link} "
        "A picture came that could not be kept: It is neither base64 nor a link."
    )


async def test_a_picture_that_the_disk_refuses_does_not_cost_the_text(make_settings: MakeSettings, out: Path) -> None:
    await anyio.Path(out).write_text("a file where the folder should be")
    result, _ = await ask(make_settings, {"prompt": "Draw"}, completion(**drawn("data:image/png;base64,iVBORw0KGgo=")))
    assert result["text"] == "A red dot"
    assert result["note"].startswith("A picture came that could not be kept: Cannot ")


async def test_a_picture_over_the_limit_does_not_cost_the_text(make_settings: MakeSettings, out: Path) -> None:
    message = drawn(f"data:image/png;base64,{base64.b64encode(PNG_BYTES + bytes(2000)).decode()}")
    settings = make_settings(MAX_FILE_MB="0.001")
    result, _ = await support.ask(settings, "webvoice_chat", {"prompt": "Draw"}, completion(**message))
    assert result["text"] == "A red dot"
    assert "WEBVOICE_MAX_FILE_MB" in result["note"]
    assert everything_in(out) == []


async def test_no_more_pictures_are_kept_than_anybody_asked_for(make_settings: MakeSettings, out: Path) -> None:
    message = drawn(*["data:image/png;base64,iVBORw0KGgo="] * 66)
    result, _ = await ask(make_settings, {"prompt": "Draw"}, completion(**message))
    assert len(result["files"]) == len(everything_in(out)) == 64
    assert result["note"] == "66 pictures came, of which 64 were kept."


STREAM = (
    '{"id":"c1","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}',
    '{"choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":null}]}',
    '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"webvoice":{"credits_used":2.0}}',
    "[DONE]",
)


async def test_a_caller_who_wants_progress_hears_the_text_while_it_comes(make_settings: MakeSettings) -> None:
    heard: list[tuple[float, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message))

    sent = ScriptedTransport(events(*STREAM))
    async with connected(make_settings(), sent, "legacy") as client:  # in process, only this mode carries tokens
        result = await client.call_tool("webvoice_chat", {"prompt": "Hi"}, progress_callback=on_progress)
    assert fields(result) == {"text": "Hello", "finish_reason": "stop", "id": "c1", "credits_used": 2.0}
    assert "".join(message or "" for _, message in heard) == "Hello"
    assert [progress for progress, _ in heard] == sorted({progress for progress, _ in heard})
    assert json.loads(sent.bodies[0])["stream"] is True


async def test_streaming_is_possible_with_nobody_listening(make_settings: MakeSettings) -> None:
    result, sent = await ask(make_settings, {"prompt": "Hi", "stream": True}, events(*STREAM))
    assert (result["text"], sent["stream"]) == ("Hello", True)


async def test_streaming_can_be_declined_though_progress_is_wanted(make_settings: MakeSettings) -> None:
    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        raise AssertionError

    sent = ScriptedTransport(answer(COMPLETION))
    async with connected(make_settings(), sent, "legacy") as client:
        result = await client.call_tool(
            "webvoice_chat", {"prompt": "Hi", "stream": False}, progress_callback=on_progress
        )
    assert fields(result) == ANSWER
    assert "stream" not in json.loads(sent.bodies[0])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
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
        ({"messages": [{"role": "system", "content": "x"}]}, "messages ends with role system"),
        ({"messages": ["Hi"]}, "messages.0 should be a valid dictionary"),
        ({"prompt": "Hi", "tools": [WEATHER], "web_search": True}, "web_search cannot be combined with tools"),
        ({"prompt": "Hi", "tools": [{"type": "function"}]}, "tools[0] is no function tool"),
        ({"prompt": "Hi", "tools": [{**WEATHER, "type": "x"}]}, "tools[0] is no function tool"),
        ({"prompt": "Hi", "tools": [{"type": "function", "function": {"name": " "}}]}, "tools[0] is no function"),
        ({"prompt": "Hi", "tool_choice": "auto"}, "tool_choice goes with tools"),
        ({"prompt": "Hi", "tools": [WEATHER], "tool_choice": "other"}, "tool_choice is not one of none, auto"),
        ({"prompt": "Hi", "max_tokens": 0}, "max_tokens should be greater than or equal to 1"),
        ({"prompt": "Hi", "max_tokens": 8001}, "max_tokens should be less than or equal to 8000"),
        ({"prompt": "Hi", "temperature": 2.1}, "temperature should be less than or equal to 2"),
        ({"prompt": "Hi", "temperature": "hot"}, "temperature should be a valid number"),
    ],
)
async def test_what_cannot_be_asked_is_refused_before_any_request(
    make_settings: MakeSettings, arguments: dict[str, Any], sentence: str
) -> None:
    sent = ScriptedTransport()
    async with connected(make_settings(), sent) as client:
        said = failed(await client.call_tool("webvoice_chat", arguments))
    assert said.startswith(f"invalid_argument: {sentence}")
    assert sent.requests == []


async def test_deepinfra_chat_sends_what_chat_would_with_that_provider(make_settings: MakeSettings) -> None:
    arguments = {"prompt": "Hi", "system": "x", "model": "Qwen/Qwen3-Max-Thinking", "max_tokens": 5, "temperature": 1}
    narrow = await ask(make_settings, arguments, tool="webvoice_deepinfra_chat")
    assert narrow == await ask(make_settings, {**arguments, "provider": "deepinfra"})


async def test_deepinfra_chat_knows_its_four_models(make_settings: MakeSettings) -> None:
    _, sent = await ask(make_settings, {"prompt": "Hi"}, tool="webvoice_deepinfra_chat")
    assert sent["model"] == "moonshotai/Kimi-K2.6"
    async with connected(make_settings(), ScriptedTransport()) as client:
        said = failed(await client.call_tool("webvoice_deepinfra_chat", {"prompt": "Hi", "model": "gemini"}))
    assert said.startswith("invalid_argument: model should be 'moonshotai/Kimi-K2.6'")


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, ["a:free", "b", "c"]),
        ({"provider": "GROQ"}, ["b", "c"]),
        ({"free_only": True}, ["a:free"]),
        ({"search": "gam"}, ["c"]),
        ({"search": "A:"}, ["a:free"]),
        ({"provider": "groq", "free_only": True}, []),
    ],
)
async def test_models_are_filtered_here(make_settings: MakeSettings, filters: dict[str, Any], ids: list[str]) -> None:
    sent = ScriptedTransport(answer(MODELS))
    async with connected(make_settings(), sent) as client:
        result = fields(await client.call_tool("webvoice_list_chat_models", filters))
    assert ([row["id"] for row in result["models"]], result["count"]) == (ids, len(ids))
    assert sent.asked == [("GET", "chat/models/")]


async def test_a_model_is_listed_with_its_price(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), ScriptedTransport(answer(MODELS))) as client:
        result = fields(await client.call_tool("webvoice_list_chat_models", {"free_only": True}))
    assert result == {
        "models": [
            {
                "id": "a:free",
                "display_name": "Alpha",
                "provider": "OpenRouter",
                "credits_per_request": 0.0,
                "free": True,
            }
        ],
        "count": 1,
    }


async def test_openais_list_is_asked_for_when_wanted(make_settings: MakeSettings) -> None:
    row = {"id": "deepseek-v4-flash", "object": "model", "created": 1700000000, "owned_by": "deepseek"}
    sent = ScriptedTransport(answer({"object": "list", "data": [row, {**row, "owned_by": "groq"}]}))
    async with connected(make_settings(), sent) as client:
        arguments = {"openai_format": True, "provider": "deepseek"}
        result = fields(await client.call_tool("webvoice_list_chat_models", arguments))
        said = failed(await client.call_tool("webvoice_list_chat_models", {"openai_format": True, "free_only": True}))
    assert result == {"models": [row], "count": 1}
    assert sent.asked == [("GET", "models/")]
    assert said.startswith("invalid_argument: free_only needs the prices")
