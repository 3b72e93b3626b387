"""The sandbox as the service of OpenAI's SDK."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

from tests.sandbox.world import ANN
from webvoice_mcp.sandbox.serve import running

_MODEL = "deepseek-v4-flash"
_WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get current weather for a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai.OpenAI]:
    folder: Path = tmp_path_factory.mktemp("state")
    with running(folder) as url, openai.OpenAI(base_url=url, api_key=_register(url), max_retries=0) as made:
        yield made


def _register(url: str) -> str:
    site = url.removesuffix("/api/v1")
    httpx2.post(f"{url}/auth/send-code/", json={"email": ANN, "accept_privacy": True, "accept_terms": True})
    (mail,) = httpx2.get(f"{site}/sandbox/inbox/", params={"email": ANN}).json()["messages"]
    reply = httpx2.post(f"{url}/auth/verify-code/", json={"email": ANN, "code": mail["code"]})
    return str(reply.json()["api_key"])


def test_an_answer_is_streamed(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model=_MODEL, messages=[{"role": "user", "content": "Say one two"}], stream=True
    )
    chunks = list(stream)
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks]
    assert "".join(pieces) == "[sandbox] one two"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None


def test_a_conversation_with_a_tool_ends_with_an_answer(client: openai.OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is the weather in Rome?"}]
    first = client.chat.completions.create(model=_MODEL, messages=messages, tools=[_WEATHER], tool_choice="auto")
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls
    (call,) = message.tool_calls
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Rome"})
    messages.append(
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.function.name, "arguments": call.function.arguments},
                }
            ],
        }
    )
    messages.append({"role": "tool", "tool_call_id": call.id, "content": '{"temp_c": 22}'})
    second = client.chat.completions.create(model=_MODEL, messages=messages, tools=[_WEATHER])
    assert second.choices[0].finish_reason == "stop"
    assert "22" in (second.choices[0].message.content or "")


def test_the_sdk_joins_streamed_tool_calls(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model=_MODEL, messages=[{"role": "user", "content": "What is the weather in Rome?"}], tools=[_WEATHER]
    ) as stream:
        (choice,) = stream.get_final_completion().choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls
    assert json.loads(choice.message.tool_calls[0].function.arguments) == {"city": "Rome"}


def test_a_wrong_key_is_an_authentication_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        client.with_options(api_key="wv_sandbox_wrong").models.list()
    message = "The API key is not valid. Get one with auth/send-code/."
    assert caught.value.response.json() == {"error": "Unauthorized", "message": message}
