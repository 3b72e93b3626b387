"""Joining the chunks of a streamed chat."""

import json
from typing import Any

import httpx2
import pytest

from tests.support import Pieces, events
from webvoice_mcp.client import stream
from webvoice_mcp.client.stream import JoinedChat
from webvoice_mcp.errors import BadRequest, InvalidResponse


def joined(*deltas: dict[str, Any]) -> dict[str, Any]:
    chat = JoinedChat()
    for delta in deltas:
        chat.add({"choices": [{"index": 0, "delta": delta}]})
    message: dict[str, Any] = chat.document()["choices"][0]["message"]
    return message


def call(name: str, arguments: str, identity: str = "") -> dict[str, Any]:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_a_tool_call_in_pieces_is_joined() -> None:
    message = joined(
        {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "get_weather", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"ci'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": 'ty":"Rome"}'}}]},
    )
    assert message["tool_calls"] == [call("get_weather", '{"city":"Rome"}', "c1")]


def test_two_tool_calls_keep_apart_though_their_pieces_mix() -> None:
    message = joined(
        {"tool_calls": [{"index": 1, "id": "b", "function": {"name": "two", "arguments": "{"}}]},
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "one", "arguments": "{"}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "}"}}, {"index": 0, "function": {"arguments": "}"}}]},
    )
    assert message["tool_calls"] == [call("one", "{}", "a"), call("two", "{}", "b")]


def test_tool_calls_without_an_index_begin_with_their_id() -> None:
    message = joined(
        {"tool_calls": [{"id": "a", "function": {"name": "one", "arguments": "{"}}]},
        {"tool_calls": [{"function": {"arguments": "}"}}]},
        {"tool_calls": [{"id": "b", "function": {"name": "two", "arguments": "{}"}}]},
    )
    assert message["tool_calls"] == [call("one", "{}", "a"), call("two", "{}", "b")]


def test_a_piece_without_id_or_index_begins_a_call() -> None:
    assert joined({"tool_calls": [{"function": {"name": "one"}}]})["tool_calls"] == [call("one", "")]


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_is_kept_apart_from_the_text(name: str) -> None:
    message = joined({name: "Let me "}, {name: "think."}, {"content": "42"})
    assert message == {"role": "assistant", "content": "42", "reasoning": "Let me think."}


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"choices": None},
        {"choices": "x"},
        {"choices": [5]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {"content": 5, "tool_calls": "x"}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": 5}]}}]},
        {"choices": [{"index": 1, "delta": {"content": "another choice"}}]},
    ],
)
def test_odd_chunks_add_nothing_and_break_nothing(odd: dict[str, Any]) -> None:
    assert JoinedChat().add(odd) == ""


async def heard(_piece: str) -> None: ...


async def join(response: httpx2.Response) -> dict[str, Any]:
    response.request = httpx2.Request("POST", "http://127.0.0.1/")
    return await stream.join(response, heard, lambda chunk, begun: BadRequest(f"{json.dumps(chunk)} {begun}"))


async def test_a_stream_may_end_without_done_when_the_answer_is_whole() -> None:
    document = await join(events('{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}'))
    assert document == {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]
    }


@pytest.mark.parametrize(
    ("chunks", "sentence"),
    [
        (['{"choices":[{"delta":{"content":"Hi"}}]}'], "cut short"),
        (["[DONE]"], "cut short"),
        (["", "{"], "not JSON"),
        (["[]"], "something else than chunks"),
    ],
)
async def test_a_broken_stream_is_an_invalid_response(chunks: list[str], sentence: str) -> None:
    with pytest.raises(InvalidResponse, match=sentence):
        await join(events(*chunks))


async def test_an_error_chunk_goes_to_the_one_who_knows_its_words() -> None:
    with pytest.raises(BadRequest, match="no"):
        await join(events('{"error":"no"}'))


async def test_an_endless_stream_is_stopped() -> None:
    chunk = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % (b"x" * 100_000)
    response = httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Pieces([chunk] * 1000))
    with pytest.raises(InvalidResponse, match="did not end"):
        await join(response)


async def test_events_may_be_cut_anywhere() -> None:
    body = events('{"choices":[{"delta":{"content":"Hé"},"finish_reason":"stop"}]}', "[DONE]").content
    pieces = [body[at : at + 1] for at in range(len(body))]
    response = httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Pieces(pieces))
    assert (await join(response))["choices"][0]["message"]["content"] == "Hé"
