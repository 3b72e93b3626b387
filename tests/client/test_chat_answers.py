"""Answers of chats, streamed or whole, in every form in which services send them."""

import json
from typing import Any

import httpx2
import pytest

from tests.client.helpers import CHAT_REQUEST, SPENT, MakeClient, caught, ignore_text
from tests.support import CANARY, ChunkedBody
from webvoice_mcp.contract.chat import CHAT, ChatReply
from webvoice_mcp.errors import BadRequest, InvalidResponse

WHOLE = b'{"id":"c","choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}'
STREAM = (
    b'data: {"id":"c","choices":[{"delta":{"content":"Hel"}}]}\n\n'
    b'data: {"choices":[{"delta":{"content":"lo"},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)
ONE_CHUNK = b'{"id":"c","choices":[{"delta":{"content":"Hello"},"finish_reason":"stop"}]}'
BOM = b"\xef\xbb\xbf"


def answer(body: bytes, kind: str = "text/plain", step: int = 0) -> httpx2.Response:
    pieces = [body[start : start + step] for start in range(0, len(body), step)] if step else [body]
    return httpx2.Response(200, headers={"content-type": kind}, stream=ChunkedBody(pieces))


async def chat(make: MakeClient, *answers: httpx2.Response) -> ChatReply:
    client, _, _ = make(*answers)
    return await client.chat(CHAT, CHAT_REQUEST, ignore_text)


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json", "text/plain", ""])
@pytest.mark.parametrize(
    "body",
    [
        STREAM,
        BOM + STREAM,
        b"\r\n" + STREAM,
        b": ping\n\n" + STREAM,
        STREAM.replace(b"data: ", b"data:").replace(b"\n", b"\r\n"),
        STREAM.replace(b"\n", b"\r"),
        STREAM.removesuffix(b"\n\n"),
        STREAM.removesuffix(b"\n\ndata: [DONE]\n\n"),
        STREAM.replace(b',"finish_reason":"stop"', b"").removesuffix(b"\n\n"),
        WHOLE,
        BOM + WHOLE,
        b" \n" + WHOLE + b"\n",
        BOM + b" " * 100 + STREAM,
        WHOLE + b"\n\ndata: [DONE]\n\n",
        b"data: " + WHOLE + b"\n\n",
        ONE_CHUNK,
        b"event: x\nid: 1\nretry: 5\ndata: " + ONE_CHUNK.replace(b",", b",\ndata: ", 1) + b"\n\n",
    ],
)  # fmt: skip
async def test_an_answer_is_judged_by_its_first_bytes(make: MakeClient, kind: str, body: bytes) -> None:
    for step in (0, 1, 7):
        reply = await chat(make, answer(body, kind, step))
        assert (reply.id, reply.choices[0].message.text) == ("c", "Hello")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<html>502</html>", "not JSON"),
        (b"upstream exploded", "not JSON"),
        (WHOLE[:-2], "not JSON"),
        (WHOLE + b" more", "not JSON"),
        (b'{"a":1}{"b":2}', "not JSON"),
        (b"data: {", "not JSON"),
        (b"", "not JSON"),
        (b"[]", "no usable choices"),
        (b'{"choices":[{"message":"Hello"}]}', "no usable choices"),
        (STREAM.split(b"\n\n")[0] + b"\n\ndata: {", "cut short"),
        (b'{"choices":"\\u00', "not JSON"),
        (b'{"choices":"' + b"x" * (17 << 10) + b"\\u00", "not JSON"),
        (b'{"choices":"' + b"x" * (17 << 10) + b'\\u00"}', "not JSON"),
        (b'{"choices":"' + b"x" * (17 << 10) + b'\\u00zzzz"}', "not JSON"),
        (b'{"choices":"' + b"x" * (17 << 10) + b'\\q"}', "not JSON"),
        (b'{"choices":"' + b"x" * (9 << 20) + b'"}', "larger than 8 MiB"),
        (b'data: {"choices":"' + b"x" * (9 << 20) + b'"}\n\n', "larger than 8 MiB"),
        (b"x" * (9 << 20), "not JSON"),
    ],
)
async def test_what_is_no_answer_is_an_invalid_response(make: MakeClient, body: bytes, sentence: str) -> None:
    for step in (0, 1000):
        client, _, _ = make(answer(body, step=step))
        error = await caught(client.chat(CHAT, CHAT_REQUEST, ignore_text), InvalidResponse)
        assert sentence in str(error)
        assert str(error).endswith(SPENT)


@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    "choice",
    [
        {"error": {"message": "overloaded"}, "finish_reason": "error"},
        {"error": "overloaded"},
        {"message": {"error": {"message": "overloaded"}}, "finish_reason": "error"},
    ],
)
async def test_an_error_inside_a_choice_is_a_failure(make: MakeClient, choice: Any, is_streamed: bool) -> None:
    body = json.dumps({"choices": [choice]}).encode()
    client, _, _ = make(answer(b"data: " + body + b"\n\n" if is_streamed else body))
    error = await caught(client.chat(CHAT, CHAT_REQUEST, ignore_text), BadRequest)
    assert str(error).startswith("The service refused the request: overloaded.")
    assert not error.billed


@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
async def test_an_error_inside_another_choice_is_no_failure(make: MakeClient, is_streamed: bool) -> None:
    name = "delta" if is_streamed else "message"
    choices = [{"index": 0, name: {"content": "Hello"}}, {"index": 1, "error": "overloaded", "finish_reason": "error"}]
    body = json.dumps({"choices": choices}).encode()
    client, _, _ = make(answer(b"data: " + body + b"\n\ndata: [DONE]\n\n" if is_streamed else body))
    reply = await client.chat(CHAT, CHAT_REQUEST, ignore_text)
    assert reply.choices[0].message.content == "Hello"


@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
async def test_a_choice_that_ends_in_error_after_text_is_an_interruption(make: MakeClient, is_streamed: bool) -> None:
    if is_streamed:
        body = b'data: {"choices":[{"delta":{"content":"Half"}}]}\n\ndata: {"choices":[{"finish_reason":"error"}]}\n\n'
    else:
        body = b'{"choices":[{"message":{"content":"Half"},"finish_reason":"error"}]}'
    client, _, _ = make(answer(body))
    error = await caught(client.chat(CHAT, CHAT_REQUEST, ignore_text), BadRequest)
    assert str(error) == f"The service stopped after part of the answer: The model failed. {SPENT}"


@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning": None, "reasoning_content": "Hm"},
        {"reasoning": "Hm", "reasoning_content": None},
        {"reasoning": "", "thinking": "Hm"},
        {"reasoning": {"content": "Hm"}},
        {"reasoning_details": [{"type": "reasoning.text", "text": "H"}, {"summary": "m"}, 5, {"data": "x"}]},
        {"reasoning": "Hm", "reasoning_details": [{"text": "Hm"}]},
    ],
)
async def test_reasoning_is_read_under_any_of_its_names(make: MakeClient, fields: Any, is_streamed: bool) -> None:
    name = "delta" if is_streamed else "message"
    body = json.dumps({"choices": [{name: {"content": "42", **fields}, "finish_reason": "stop"}]}).encode()
    message = (await chat(make, answer(b"data: " + body + b"\n\n" if is_streamed else body))).choices[0].message
    assert (message.text, message.reasoning) == ("42", "Hm")


async def test_a_message_behind_its_deltas_is_not_added_twice(make: MakeClient) -> None:
    call = {"id": "a", "function": {"name": "f", "arguments": "{}"}}
    parts = {"content": "Hello", "reasoning": "Hm", "tool_calls": [call], "refusal": "no"}
    chunks = [{"choices": [{"delta": parts}]}, {"choices": [{"message": parts, "finish_reason": "stop"}]}]
    body = b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks)
    message = (await chat(make, answer(body))).choices[0].message
    assert (message.text, message.reasoning, message.model_extra) == ("Hello", "Hm", {"refusal": "no"})
    assert len(message.tool_calls or []) == 1


async def test_long_texts_are_whole_wherever_they_are_cut(make: MakeClient) -> None:
    text = 'data: "\\\u00e9\U0001f600\n' * 3000
    for ascii_only in (True, False):
        for name in ("delta", "message"):
            choice = {name: {"content": text, "reasoning": text}, "finish_reason": "stop"}
            body = json.dumps({"choices": [choice]}, ensure_ascii=ascii_only).encode()
            for step in (0, 1009):
                framed = b": %b\ndata: %b\n\n" % (b"x" * 100_000, body)
                for sent in (body, framed, framed.replace(b', "reason', b',\ndata: "reason')):
                    message = (await chat(make, answer(sent, step=step))).choices[0].message
                    assert (message.text, message.reasoning) == (text, text)


async def test_a_key_in_a_whole_answer_is_masked(make: MakeClient) -> None:
    reply = await chat(make, answer(WHOLE.replace(b"Hello", CANARY.encode() + b"x" * (20 << 10))))
    assert CANARY not in reply.choices[0].message.text


async def test_a_whole_answer_of_many_parts_is_read(make: MakeClient) -> None:
    parts = [{"type": "text", "text": "ab"}] * 6000
    body = json.dumps({"choices": [{"message": {"content": parts}, "finish_reason": "stop"}]}).encode()
    assert (await chat(make, answer(body))).choices[0].message.text == "ab" * 6000
