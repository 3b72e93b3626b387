"""OpenAI's own SDK and our client read the same streams alike."""

import itertools
import json
import random
from typing import Any

import httpx2
import openai
import pytest

from tests.client.helpers import CHAT_REQUEST, MakeClient, ignore_text
from tests.support import events
from webvoice_mcp.contract.chat import CHAT

_STREAMS = 200
_WORDS = ["Hello", " ", "\u00e9t\u00e9", "\U0001f600", "\n", '"', "\\", "data: x", "d", "[DONE]", "{}", "<b>"]

pytestmark = [pytest.mark.slow, pytest.mark.untraced]


def cut(rng: random.Random, text: str) -> list[str]:
    offsets = [0, *sorted(rng.choices(range(len(text) + 1), k=rng.randint(0, 5))), len(text)]
    return [text[start:stop] for start, stop in itertools.pairwise(offsets)]


def make_stream(rng: random.Random) -> list[str]:
    """Return the chunks of a stream as OpenAI documents them: text, then tool calls whose pieces are mixed."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in cut(rng, "".join(rng.choices(_WORDS, k=rng.randint(0, 12))))]
    queues: list[list[dict[str, Any]]] = []
    for index in range(rng.choice([0, 0, 1, 2, 3])):
        first = {"name": rng.choice(["get_weather", "add"]), "arguments": ""}
        arguments = json.dumps({word: word for word in rng.choices(_WORDS, k=2)}, ensure_ascii=rng.random() < 0.5)
        pieces = [{"index": index, "function": {"arguments": piece}} for piece in cut(rng, arguments)]
        queues.append([{"index": index, "id": f"call_{index}", "type": "function", "function": first}, *pieces])
    order = [index for index, queue in enumerate(queues) for _ in queue[1:]]
    rng.shuffle(order)
    deltas += [{"tool_calls": [queue.pop(0)]} for queue in queues]  # the SDK takes calls in the order of their indexes
    deltas += [{"tool_calls": [queues[index].pop(0)]} for index in order]
    common = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [{**common, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    reason = "tool_calls" if queues else "stop"
    chunks.append({**common, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    return [*(json.dumps(chunk, ensure_ascii=rng.random() < 0.5) for chunk in chunks), "[DONE]"]


def read_by_sdk(body: bytes) -> tuple[str, list[tuple[str, str, str]]]:
    def reply(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)

    with (
        httpx2.Client(transport=httpx2.MockTransport(reply)) as http,
        openai.OpenAI(api_key="x", base_url="http://127.0.0.1/", http_client=http) as sdk,
        sdk.chat.completions.stream(model="m", messages=[{"role": "user", "content": "Hi"}]) as stream,
    ):
        message = stream.get_final_completion().choices[0].message
    calls = [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or []]
    return message.content or "", calls


async def test_openais_sdk_reads_the_same_texts_and_tool_calls(make: MakeClient) -> None:
    rng = random.Random(1)
    replies = [events(*make_stream(rng)) for _ in range(_STREAMS)]
    bodies = [reply.content for reply in replies]
    client, _, _ = make(*replies)
    for body in bodies:
        message = (await client.chat(CHAT, CHAT_REQUEST, ignore_text)).choices[0].message
        calls = [
            (call["id"], call["function"]["name"], call["function"]["arguments"]) for call in message.tool_calls or []
        ]
        assert (message.text, calls) == read_by_sdk(body)
