"""Joining the chunks of a streamed chat."""

import json
from typing import Any

import httpx2
import pytest

from tests.client.calls import heard
from tests.support import ChunkedBody, events
from webvoice_mcp.client import stream
from webvoice_mcp.client.joined import JoinedChat
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


async def join(response: httpx2.Response, on_text: stream.OnText = heard) -> dict[str, Any]:
    response.request = httpx2.Request("POST", "http://127.0.0.1/")
    return await stream.join(response, on_text, lambda chunk, begun: BadRequest(f"{json.dumps(chunk)} {begun}"))


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
        (['{"choices":[]}', "[DONE]"], "cut short"),
        (["", "{"], "not JSON"),
        (["[]"], "something else than chunks"),
    ],
)
async def test_a_broken_stream_is_an_invalid_response(chunks: list[str], sentence: str) -> None:
    with pytest.raises(InvalidResponse, match=sentence):
        await join(events(*chunks))


@pytest.mark.parametrize(
    ("pieces", "heard_", "whole"),
    [
        (["x \\ud83d", "\\ude00 y"], ["x ", "\U0001f600 y"], "x \U0001f600 y"),
        (["\\ud83d", "", "\\ude00"], ["\U0001f600"], "\U0001f600"),
        (["\\ud83d", "y"], ["\ufffdy"], "\ufffdy"),
        (["\\ude00", "y"], ["\ufffd", "y"], "\ufffdy"),
        (["\\ud83d", "\\ud83d", "\\ude00"], ["\ufffd", "\U0001f600"], "\ufffd\U0001f600"),
        (["x \\ud83d"], ["x "], "x \ufffd"),
    ],
)
async def test_a_character_that_is_split_over_two_chunks_is_joined(
    pieces: list[str], heard_: list[str], whole: str
) -> None:
    shown: list[str] = []

    async def show(text: str) -> None:
        shown.append(text)

    answer = events(*[f'{{"choices":[{{"delta":{{"content":"{piece}"}}}}]}}' for piece in pieces], "[DONE]")
    document = await join(answer, show)
    assert (shown, document["choices"][0]["message"]["content"]) == (heard_, whole)


async def test_no_half_of_a_character_leaves_a_stream() -> None:
    half = "\\ud83d"
    delta = (
        f'{{"content":"{half}","reasoning":"{half}","more":"{half}","{half}":["{half}"],'
        f'"tool_calls":[{{"id":"{half}","function":{{"name":"{half}","arguments":"{half}"}}}}]}}'
    )
    chunk = f'{{"id":"{half}","more":{{"{half}":1}},"choices":[{{"delta":{delta},"finish_reason":"{half}"}}]}}'
    json.dumps(await join(events(chunk)), ensure_ascii=False).encode()
    with pytest.raises(BadRequest) as error:
        await join(events(f'{{"error":"{half}"}}'))
    str(error.value).encode()


async def test_the_arguments_of_a_tool_call_may_be_split_within_a_character() -> None:
    calls = [
        f'{{"index":0,"id":"a","function":{{"name":"f","arguments":"{half}"}}}}' for half in (r"\ud83d", r"\ude00")
    ]
    document = await join(
        events(*[f'{{"choices":[{{"delta":{{"tool_calls":[{each}]}}}}]}}' for each in calls], "[DONE]")
    )
    assert document["choices"][0]["message"]["tool_calls"] == [call("f", "\U0001f600", "a")]


async def test_a_stream_that_is_done_without_a_reason_is_whole() -> None:
    document = await join(events('{"choices":[{"index":null,"delta":{"content":"Hi"}}]}', "[DONE]", "{"))
    assert document == {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": None}]
    }


def test_content_may_come_as_a_list_of_parts() -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": None}, "lo", 5]
    assert joined({"content": parts}) == {"role": "assistant", "content": "Hello"}


def test_what_the_service_added_since_is_kept() -> None:
    chat = JoinedChat()
    first = {"annotations": [{"url": "a"}], "refusal": "No", "images": None, "audio": {"id": 1}, "seed": 1}
    second = {"annotations": [{"url": "b"}], "refusal": ", no", "audio": {"id": 2}, "seed": 2}
    chat.add({"id": "c", "system_fingerprint": "a", "citations": ["x"], "choices": [{"delta": first}], "error": None})
    chat.add({"object": "chunk", "system_fingerprint": "b", "citations": None, "choices": [{"delta": second}]})
    assert chat.document() == {
        "id": "c",
        "system_fingerprint": "b",
        "citations": ["x"],
        "choices": [
            {
                "index": 0,
                "message": {
                    "annotations": [{"url": "a"}, {"url": "b"}],
                    "refusal": "No, no",
                    "audio": {"id": 2},
                    "seed": 2,
                    "role": "assistant",
                    "content": "",
                },
                "finish_reason": None,
            }
        ],
    }


def test_what_the_service_added_since_is_bounded() -> None:
    chat = JoinedChat()
    for number in range(100):
        chat.add({f"more{number}": "x" * 1000, "same": str(number), "choices": [{"delta": {"much": "y" * 1000}}]})
    document = chat.document()
    message = document["choices"][0]["message"]
    assert document["same"] == "99"
    assert 20_000 < len(json.dumps(document)) < 80_000
    assert message["much"] == "y" * len(message["much"])
    assert 20_000 < len(message["much"]) < 40_000


async def test_events_without_data_are_none() -> None:
    body = (
        b"event: ping\n\n: comment\n\nid: 5\n\n" + events('{"choices":[{"delta":{"content":"Hi"}}]}', "[DONE]").content
    )
    response = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    assert (await join(response))["choices"][0]["message"]["content"] == "Hi"


async def test_an_event_that_calls_itself_an_error_is_one() -> None:
    body = b'event: error\ndata: {"message":"no"}\n\n'
    response = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    with pytest.raises(BadRequest, match="no"):
        await join(response)


async def test_an_error_chunk_goes_to_the_one_who_knows_its_words() -> None:
    with pytest.raises(BadRequest, match="no"):
        await join(events('{"error":"no"}'))


async def test_an_endless_stream_is_stopped() -> None:
    chunk = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % (b"x" * 100_000)
    response = httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=ChunkedBody([chunk] * 1000))
    with pytest.raises(InvalidResponse, match="did not end"):
        await join(response)


async def test_events_may_be_cut_anywhere() -> None:
    body = events('{"choices":[{"delta":{"content":"Hé"},"finish_reason":"stop"}]}', "[DONE]").content
    pieces = [body[at : at + 1] for at in range(len(body))]
    response = httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=ChunkedBody(pieces))
    assert (await join(response))["choices"][0]["message"]["content"] == "Hé"


async def test_a_picture_in_a_chunk_does_not_cost_the_text() -> None:
    picture = f'{{"url":"data:image/png;base64,{"A" * (2 << 20)}"}}'
    document = await join(events(f'{{"choices":[{{"delta":{{"content":"Hi","images":[{picture}]}}}}]}}', "[DONE]"))
    assert document["choices"][0]["message"] == {"role": "assistant", "content": "Hi"}
