"""Streamed chats that are joined into one document."""

import json
import threading
from typing import Any

import httpx2
import pytest

from tests.client.helpers import event_stream, ignore_text
from tests.support import events
from webvoice_mcp.client import stream
from webvoice_mcp.client.chat_accumulator import ChatAccumulator
from webvoice_mcp.client.pictures import Picture, Pictures
from webvoice_mcp.errors import BadRequest, InvalidResponse, WebVoiceError
from webvoice_mcp.storage.threads import WorkerThreads


def accumulate(*deltas: dict[str, Any]) -> dict[str, Any]:
    """Return the message that these deltas are joined into."""
    chat = ChatAccumulator()
    for delta in deltas:
        chat.add({"choices": [{"index": 0, "delta": delta}]})
    message: dict[str, Any] = chat.document()["choices"][0]["message"]
    return message


def tool_call(name: str, arguments: str, call_id: str = "") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_two_tool_calls_with_interleaved_pieces_are_kept_apart() -> None:
    message = accumulate(
        {"tool_calls": [{"index": 1, "id": "b", "function": {"name": "two", "arguments": "{"}}]},
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "one", "arguments": "{"}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "}"}}, {"index": 0, "function": {"arguments": "}"}}]},
    )
    assert message["tool_calls"] == [tool_call("one", "{}", "a"), tool_call("two", "{}", "b")]


def test_tool_calls_without_an_index_begin_with_their_id() -> None:
    message = accumulate(
        {"tool_calls": [{"id": "a", "function": {"name": "one", "arguments": "{"}}]},
        {"tool_calls": [{"function": {"arguments": "}"}}]},
        {"tool_calls": [{"id": "b", "function": {"name": "two", "arguments": "{}"}}]},
    )
    assert message["tool_calls"] == [tool_call("one", "{}", "a"), tool_call("two", "{}", "b")]


def test_a_piece_without_id_or_index_begins_a_call() -> None:
    assert accumulate({"tool_calls": [{"function": {"name": "one"}}]})["tool_calls"] == [tool_call("one", "")]


def test_reasoning_is_kept_apart_from_the_text() -> None:
    message = accumulate({"reasoning": "Let me "}, {"reasoning_content": "think."}, {"content": "42"})
    assert message == {"role": "assistant", "content": "42", "reasoning": "Let me think."}


def test_content_may_come_as_a_list_of_parts() -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": None}, "lo", 5]
    assert accumulate({"content": parts}) == {"role": "assistant", "content": "Hello"}


@pytest.mark.parametrize(
    "choices",
    [
        "x",
        [
            5,
            {"delta": None},
            {"delta": {"content": 5, "tool_calls": "x"}},
            {"delta": {"tool_calls": [{"index": 0, "function": 5}]}},
            {"index": 1, "delta": {"content": "another choice"}},
        ],
    ],
)
def test_odd_chunks_and_other_choices_add_nothing(choices: Any) -> None:
    assert ChatAccumulator().add({"choices": choices}) == ""


def test_undocumented_fields_are_kept() -> None:
    chat = ChatAccumulator()
    first = {"annotations": [{"url": "a"}], "refusal": "No", "images": None, "audio": {"id": 1}, "seed": 1}
    second = {"annotations": [{"url": "b"}], "refusal": ", no", "audio": {"id": 2}, "seed": 2}
    chat.add({"id": "c", "system_fingerprint": "a", "citations": ["x"], "choices": [{"delta": first}], "error": None})
    chat.add({"object": "chunk", "system_fingerprint": "b", "citations": None, "choices": [{"delta": second}]})
    message = {"annotations": [{"url": "a"}, {"url": "b"}], "refusal": "No, no", "audio": {"id": 2}, "seed": 2}
    assert chat.document() == {
        "id": "c",
        "system_fingerprint": "b",
        "citations": ["x"],
        "choices": [{"index": 0, "message": {**message, "role": "assistant", "content": ""}, "finish_reason": None}],
    }


def test_the_size_of_undocumented_fields_is_limited() -> None:
    chat = ChatAccumulator()
    for number in range(100):
        chat.add({f"more{number}": "x" * 1000, "same": str(number), "choices": [{"delta": {"much": "y" * 1000}}]})
    document = chat.document()
    message = document["choices"][0]["message"]
    assert document["same"] == "99"
    assert 20_000 < len(json.dumps(document)) < 80_000
    assert message["much"] == "y" * len(message["much"])
    assert 20_000 < len(message["much"]) < 40_000


# Events


def make_error(chunk: dict[str, Any], /, *, has_content: bool) -> WebVoiceError:
    return BadRequest(f"{json.dumps(chunk)} {has_content}")


async def read(response: httpx2.Response, on_text: stream.OnText = ignore_text) -> dict[str, Any]:
    response.request = httpx2.Request("POST", "http://127.0.0.1/")
    return await stream.read_chat(response, on_text, make_error, Pictures(), WorkerThreads(1))


async def test_a_stream_with_a_finish_reason_is_complete_without_done() -> None:
    document = await read(events('{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}'))
    assert document == {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]
    }


async def test_a_stream_that_is_done_is_complete_without_a_finish_reason() -> None:
    document = await read(events('{"choices":[{"index":null,"delta":{"content":"Hi"}}]}', "[DONE]", "{"))
    assert document == {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": None}]
    }


@pytest.mark.parametrize(
    ("chunks", "sentence"),
    [
        (['{"choices":[{"delta":{"content":"Hi"}}]}'], "cut short"),
        (['{"choices":[]}', "[DONE]"], "cut short"),
        (["", "{"], "not JSON"),
        (["[]"], "something other than chunks"),
    ],
)
async def test_a_broken_stream_is_an_invalid_response(chunks: list[str], sentence: str) -> None:
    with pytest.raises(InvalidResponse, match=sentence):
        await read(events(*chunks))


async def test_an_error_event_is_an_error() -> None:
    with pytest.raises(BadRequest, match="no"):
        await read(event_stream(b'event: error\ndata: {"message":"no"}\n\n'))


async def test_an_endless_stream_is_stopped() -> None:
    chunk = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % (b"x" * 100_000)
    with pytest.raises(InvalidResponse, match="too long"):
        await read(event_stream(*[chunk] * 1000))


async def test_text_is_kept_if_a_chunk_holds_a_large_image() -> None:
    image = f'{{"url":"data:image/png;base64,{"A" * (2 << 20)}"}}'
    document = await read(events(f'{{"choices":[{{"delta":{{"content":"Hi","images":[{image}]}}}}]}}', "[DONE]"))
    assert document["choices"][0]["message"] == {
        "role": "assistant",
        "content": "Hi",
        "images": [{"url": None}],
    }


# Surrogates


@pytest.mark.parametrize(
    ("pieces", "passed_on", "text"),
    [
        (["x \\ud83d", "", "\\ude00 y"], ["x ", "\U0001f600 y"], "x \U0001f600 y"),
        (["\\ude00", "y"], ["\ufffd", "y"], "\ufffdy"),
        (["\\ud83d", "\\ud83d", "\\ude00"], ["\ufffd", "\U0001f600"], "\ufffd\U0001f600"),
        (["x \\ud83d"], ["x "], "x \ufffd"),
    ],
    ids=["pair", "low", "high and pair", "high"],
)
async def test_a_surrogate_pair_split_over_chunks_is_joined(pieces: list[str], passed_on: list[str], text: str) -> None:
    received: list[str] = []

    async def on_text(piece: str) -> None:
        received.append(piece)

    chunks = [f'{{"choices":[{{"delta":{{"content":"{piece}"}}}}]}}' for piece in pieces]
    document = await read(events(*chunks, "[DONE]"), on_text)
    assert (received, document["choices"][0]["message"]["content"]) == (passed_on, text)


async def test_tool_arguments_may_be_split_within_a_surrogate_pair() -> None:
    calls = [
        f'{{"index":0,"id":"a","function":{{"name":"f","arguments":"{half}"}}}}' for half in (r"\ud83d", r"\ude00")
    ]
    document = await read(
        events(*[f'{{"choices":[{{"delta":{{"tool_calls":[{call}]}}}}]}}' for call in calls], "[DONE]")
    )
    assert document["choices"][0]["message"]["tool_calls"] == [tool_call("f", "\U0001f600", "a")]


async def test_no_lone_surrogate_leaves_a_stream() -> None:
    half = "\\ud83d"
    delta = (
        f'{{"content":"{half}","reasoning":"{half}","more":"{half}","{half}":["{half}"],'
        f'"tool_calls":[{{"id":"{half}","function":{{"name":"{half}","arguments":"{half}"}}}}]}}'
    )
    chunk = f'{{"id":"{half}","more":{{"{half}":1}},"choices":[{{"delta":{delta},"finish_reason":"{half}"}}]}}'
    json.dumps(await read(events(chunk)), ensure_ascii=False).encode()
    with pytest.raises(BadRequest) as error:
        await read(events(f'{{"error":"{half}"}}'))
    str(error.value).encode()


class ThreadsOfPictures(Pictures):
    """Pictures that record the threads in which they begin."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[threading.Thread] = set()

    def open(self, source: str = "") -> Picture:
        self.threads.add(threading.current_thread())
        return super().open(source)


async def test_large_answers_are_searched_for_pictures_in_a_thread() -> None:
    link = "data:image/png;base64,AAAA"
    whole = {"choices": [{"message": {"content": "Hi"}}], "links": [link] * 6000}
    calls = [{"id": "a", "function": {"name": "f", "arguments": json.dumps(link)}}]
    chunk = {"choices": [{"delta": {"tool_calls": calls}, "finish_reason": "stop"}]}
    for body in (json.dumps(whole), f"data: {json.dumps(chunk)}\n\n"):
        response, pictures = httpx2.Response(200, text=body), ThreadsOfPictures()
        await stream.read_chat(response, ignore_text, make_error, pictures, WorkerThreads(1))
        assert pictures.threads
        assert threading.main_thread() not in pictures.threads
