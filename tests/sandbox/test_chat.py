import json
from typing import Any

import pytest

from tests.sandbox.world import ANN, FREE, HELLO, NOON, SITE, SandboxClient, refused
from webvoice_mcp.contract.models import DOCUMENTED_MODELS
from webvoice_mcp.sandbox.chat_request import PROVIDER_KEYS

_WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get current weather for a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
_ASK = {**HELLO, "tools": [_WEATHER], "messages": [{"role": "user", "content": "What is the weather in Rome?"}]}
_CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'}}


def _events(text: str) -> list[dict[str, Any]]:
    *events, done, rest = text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


async def test_models_are_the_documented_ones_with_their_prices(ann: SandboxClient) -> None:
    reply = (await ann.get("chat/models/")).json()
    assert reply["count"] == len(reply["models"]) == len(DOCUMENTED_MODELS)
    assert reply["models"][:2] == [
        {
            "id": "deepseek-v4-flash",
            "display_name": "DeepSeek V4 Flash",
            "provider": "deepseek",
            "credits_per_request": 2.0,
            "free": False,
        },
        {
            "id": "openrouter:openrouter/free",
            "display_name": "OpenRouter Free (auto)",
            "provider": "openrouter",
            "credits_per_request": 0.0,
            "free": True,
        },
    ]


async def test_models_in_openais_format(ann: SandboxClient) -> None:
    reply = (await ann.get("models/")).json()
    assert sorted(reply) == ["data", "object"]
    assert [model["id"] for model in reply["data"]] == [model.id for model in DOCUMENTED_MODELS]
    assert reply["data"][0] == {
        "id": "deepseek-v4-flash",
        "object": "model",
        "created": 1700000000,
        "owned_by": "deepseek",
    }


def test_every_documented_provider_has_a_name_in_requests() -> None:
    assert set(PROVIDER_KEYS) == {model.provider for model in DOCUMENTED_MODELS}


async def test_an_answer_has_openais_shape_and_names_the_sandbox(ann: SandboxClient) -> None:
    reply = (await ann.post("chat/completions/", HELLO)).json()
    assert reply.pop("id").startswith("chatcmpl-sbx")
    assert reply == {
        "object": "chat.completion",
        "created": int(NOON),
        "model": "sandbox/rules-1",
        "system_fingerprint": "sandbox:rules-1",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "[sandbox] ready"}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4},
        "webvoice": {
            "credits_used": 2.0,
            "credits_remaining": 18.0,
            "provider": "sandbox:rules-1",
            "requested_model": "deepseek-v4-flash",
        },
    }


async def test_a_stream_has_the_same_answer_in_pieces(ann: SandboxClient) -> None:
    question = {**HELLO, "messages": [{"role": "user", "content": "Say one two three"}], "stream": True}
    reply = await ann.post("chat/completions/", question)
    assert reply.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    first, *middle, last = _events(reply.text)
    assert first["choices"] == [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]
    pieces = [event["choices"][0]["delta"]["content"] for event in middle]
    assert pieces == ["[sandbox] ", "one ", "two ", "three"]
    assert last.pop("id") == first["id"]
    assert last == {
        "object": "chat.completion.chunk",
        "created": int(NOON),
        "model": "sandbox/rules-1",
        "system_fingerprint": "sandbox:rules-1",
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 4, "completion_tokens": 4, "total_tokens": 8},
        "webvoice": {
            "credits_used": 2.0,
            "credits_remaining": 18.0,
            "provider": "sandbox:rules-1",
            "requested_model": "deepseek-v4-flash",
        },
    }
    assert await ann.credits() == 18.0


async def test_a_tool_is_called_with_arguments_from_the_question(ann: SandboxClient) -> None:
    (choice,) = (await ann.post("chat/completions/", _ASK)).json()["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert choice == {
        "index": 0,
        "message": {"role": "assistant", "content": None, "tool_calls": [call]},
        "finish_reason": "tool_calls",
    }
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("get_weather", {"city": "Rome"})


async def test_a_streamed_tool_call_comes_in_pieces(ann: SandboxClient) -> None:
    _, head, *pieces, last = _events((await ann.post("chat/completions/", {**_ASK, "stream": True})).text)
    (call,) = head["choices"][0]["delta"]["tool_calls"]
    assert call.pop("id").startswith("call_")
    assert call == {"index": 0, "type": "function", "function": {"name": "get_weather", "arguments": ""}}
    arguments = [piece["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] for piece in pieces]
    assert len(arguments) > 1
    assert json.loads("".join(arguments)) == {"city": "Rome"}
    assert last["choices"] == [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]


async def test_a_tools_result_is_answered_with_text(ann: SandboxClient) -> None:
    messages = [
        *_ASK["messages"],
        {"role": "assistant", "content": None, "tool_calls": [_CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"temp_c": 22}'},
    ]
    (choice,) = (await ann.post("chat/completions/", {**_ASK, "messages": messages})).json()["choices"]
    assert choice["finish_reason"] == "stop"
    assert "22" in choice["message"]["content"]


async def test_max_tokens_cuts_an_answer_short(ann: SandboxClient) -> None:
    body = {"model": FREE, "messages": [{"role": "user", "content": "Say one two three"}], "max_tokens": 2}
    (choice,) = (await ann.post("chat/completions/", body)).json()["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("[sandbox] one two", "length")


@pytest.mark.parametrize(
    "change",
    [
        {"provider": "DeepSeek", "max_tokens": 8000, "temperature": 2},
        {"max_tokens": None, "temperature": None, "tools": None, "tool_choice": None, "stream": None},
        {"tools": [], "tool_choice": "auto", "web_search": True},
        {"tools": [{"type": "function", "function": {"name": "stop"}}], "tool_choice": "none"},
        {"tools": [_WEATHER], "tool_choice": "required", "top_p": 1},
        {"tools": [_WEATHER], "tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
                {"role": "assistant", "content": "Hello!"},
                {"role": "user", "content": "Say ready"},
            ]
        },
    ],
)
async def test_a_request_that_the_documentation_allows_is_answered(
    ann: SandboxClient, change: dict[str, object]
) -> None:
    reply = await ann.post("chat/completions/", {**HELLO, **change})
    assert reply.status_code == 200, reply.text


_TOOLS_SENTENCE = '"tools" must be a list of {"type": "function", "function": {"name": ...}}.'
_CHOICE_SENTENCE = '"tool_choice" must be one of none, auto, required, or name one of "tools".'


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "gpt-9"}, "There is no model 'gpt-9'. List the models with GET models/."),
        ({"provider": "groq"}, "The model 'deepseek-v4-flash' is offered by 'deepseek', not by 'groq'."),
        ({"tools": [_WEATHER], "web_search": True}, '"tools" and "web_search" cannot be combined in one request.'),
        ({"max_tokens": 8001}, '"max_tokens" must be a number from 1 to 8000.'),
        ({"max_tokens": 1.5}, '"max_tokens" must be a whole number.'),
        ({"temperature": 2.1}, '"temperature" must be a number from 0 to 2.'),
        ({"stream": "yes"}, '"stream" must be true or false.'),
        ({"tools": "get_weather"}, _TOOLS_SENTENCE),
        ({"tools": [{"type": "function"}]}, _TOOLS_SENTENCE),
        ({"tools": [{"type": "function", "function": {"name": ""}}]}, _TOOLS_SENTENCE),
        (
            {"model": "qwen3_fast", "tools": [_WEATHER]},
            "\"tools\" are for DeepSeek and OpenRouter models only, not for 'qwen3_fast'.",
        ),
        ({"tool_choice": "required"}, _CHOICE_SENTENCE),
        (
            {"tools": [_WEATHER], "tool_choice": {"type": "function", "function": {"name": "get_time"}}},
            _CHOICE_SENTENCE,
        ),
    ],
)
async def test_a_request_that_the_documentation_excludes_is_refused(
    ann: SandboxClient, change: dict[str, object], message: str
) -> None:
    assert refused(await ann.post("chat/completions/", {**HELLO, **change})) == (400, "Bad Request", message)
    assert await ann.credits() == 20.0


_USER = {"role": "user", "content": "Hello"}
_ASSISTANT_CALLS = {"role": "assistant", "content": None, "tool_calls": [_CALL]}
_NO_LIST = '"messages" must be a list of at least one message.'
_LAST = "The last message must be from: user."


@pytest.mark.parametrize(
    ("messages", "tools", "message"),
    [
        ([], [], _NO_LIST),
        ("Hello", [], _NO_LIST),
        (["Hello"], [], "messages[0] is not a valid message at this place."),
        ([{"role": "user", "content": None}], [], "messages[0] is not a valid message at this place."),
        ([{"role": "user", "content": []}], [], "messages[0] is not a valid message at this place."),
        ([_USER, {"role": "assistant", "content": None}], [], "messages[1] is not a valid message at this place."),
        ([_USER, {"role": "assistant", "content": "Hi"}], [], _LAST),
        ([_USER, _ASSISTANT_CALLS], [], "messages[1] is not a valid message at this place."),
        ([_USER, _ASSISTANT_CALLS], [_WEATHER], "The last message must be from: user, tool."),
        (
            [_USER, {**_ASSISTANT_CALLS, "tool_calls": [{"id": "call_1"}]}],
            [_WEATHER],
            "messages[1] is not a valid message at this place.",
        ),
        (
            [_USER, _ASSISTANT_CALLS, {"role": "tool", "tool_call_id": "call_2", "content": "22"}],
            [_WEATHER],
            "messages[2] is not a valid message at this place.",
        ),
    ],
)
async def test_a_conversation_that_openai_would_refuse_is_refused(
    ann: SandboxClient, messages: object, tools: list[object], message: str
) -> None:
    reply = await ann.post("chat/completions/", {**HELLO, "messages": messages, "tools": tools})
    assert refused(reply) == (400, "Bad Request", message)


async def test_chat_without_enough_credits_is_refused(ann: SandboxClient) -> None:
    await ann.spend_down_to(1.9)
    assert refused(await ann.post("chat/completions/", HELLO)) == (
        402,
        "Payment Required",
        "Insufficient credits: this call costs 2, the account has 1.9. Add some with POST /sandbox/credits/.",
    )


async def test_free_models_answer_without_credits(ann: SandboxClient) -> None:
    await ann.spend_down_to(0.0)
    note = (await ann.post("chat/completions/", {**HELLO, "model": FREE})).json()["webvoice"]
    assert note == {
        "credits_used": 0.0,
        "credits_remaining": 0.0,
        "provider": "sandbox:rules-1",
        "requested_model": FREE,
    }


async def _free_calls(client: SandboxClient, count: int) -> None:
    """Make a number of free calls, at most twenty a minute."""
    for index in range(count):
        client.clock.now += 61 if index and not index % 20 else 0
        reply = await client.post("chat/completions/", {**HELLO, "model": FREE})
        assert reply.status_code == 200, reply.text


async def test_free_models_take_twenty_calls_a_minute(ann: SandboxClient) -> None:
    await _free_calls(ann, 20)
    reply = await ann.post("chat/completions/", {**HELLO, "model": FREE})
    assert refused(reply) == (
        429,
        "Too Many Requests",
        "Too many requests: free chat is limited to 20 in a minute and 50 in a day.",
    )
    assert reply.headers["Retry-After"] == "60"
    assert (await ann.post("chat/completions/", HELLO)).status_code == 200
    ann.clock.now += 60
    await _free_calls(ann, 1)


async def test_free_models_take_fifty_calls_a_day(ann: SandboxClient) -> None:
    await _free_calls(ann, 50)
    ann.clock.now += 3600
    reply = await ann.post("chat/completions/", {**HELLO, "model": FREE})
    assert reply.status_code == 429
    assert reply.headers["Retry-After"] == str(24 * 3600 - 3600 - 2 * 61)


async def test_after_a_purchase_free_models_take_more_calls_a_day(ann: SandboxClient) -> None:
    await ann.post(f"{SITE}/sandbox/credits/", {"email": ANN, "credits": 1})
    await _free_calls(ann, 51)


async def test_another_account_has_its_own_free_calls(ann: SandboxClient) -> None:
    await _free_calls(ann, 20)
    await ann.register("bob@example.com")
    await _free_calls(ann, 20)


@pytest.mark.engines
async def test_the_model_that_draws_sends_a_picture(ann: SandboxClient) -> None:
    pytest.importorskip("PIL")
    question = {**HELLO, "model": "openrouter:google/gemini-2.5-flash-image"}
    question["messages"] = [{"role": "user", "content": "Draw a lighthouse"}]
    message = (await ann.post("chat/completions/", question)).json()["choices"][0]["message"]
    events = _events((await ann.post("chat/completions/", {**question, "stream": True})).text)
    deltas = [event["choices"][0]["delta"] for event in events]
    (images,) = [delta["images"] for delta in deltas if "images" in delta]
    assert images == message["images"]
    assert images[0]["image_url"]["url"].startswith("data:image/png;base64,iVBORw0KGgo")
    assert message["content"].startswith("[sandbox] ")
