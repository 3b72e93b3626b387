"""Bodies and streams with cuts, repetitions, junk or no end."""

import json
import time
from collections.abc import AsyncIterator, Awaitable
from itertools import pairwise
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.client.helpers import (
    CHAT_REQUEST,
    SPEECH_REQUEST,
    SPENT,
    MakeClient,
    caught,
    event_stream,
    ignore_text,
    ok,
    patient,
    raw,
    translate,
)
from tests.client.test_odd_answers import JSON_VALUES
from tests.support import ChunkedBody
from webvoice_mcp.client import bodies, stream
from webvoice_mcp.client.chat_accumulator import ChatAccumulator
from webvoice_mcp.contract.chat import CHAT
from webvoice_mcp.contract.speech import SPEECH
from webvoice_mcp.errors import BadRequest, InsufficientCredits, InvalidResponse, WebVoiceError


async def outcome(awaitable: Awaitable[Any]) -> Any:
    """Return the reply, or the error's type and message."""
    try:
        return await awaitable
    except WebVoiceError as error:
        return type(error), str(error)


class OpenStream(httpx2.AsyncByteStream):
    """A body that stays open after its pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        await anyio.sleep_forever()


# Documents

MEMBERS = st.lists(
    st.tuples(
        st.sampled_from(["audio", "text", "translated_text", "success", "credits_used", "format", "x"]),
        st.sampled_from([True, False, None, 5, "a", "QUJD", "SUQz", [], ["QUJD"], {"audio": "QUJD"}]),
    ),
    max_size=7,
)


def written(members: list[tuple[str, Any]]) -> bytes:
    return b"{%b}" % b",".join(json.dumps(name).encode() + b":" + json.dumps(value).encode() for name, value in members)


@given(members=MEMBERS)
@example(members=[("success", True), ("translated_text", "a"), ("success", False)])
@example(members=[("audio", "QUJD"), ("audio", None)])
@settings(patient, max_examples=40)
async def test_the_last_repeated_member_counts_and_repeated_media_are_refused(
    make: MakeClient, members: list[tuple[str, Any]]
) -> None:
    unique, repeated = written(list(dict(members).items())), written(members)
    client, _, _ = make(raw(unique), raw(repeated), raw(unique), raw(repeated))
    assert await outcome(translate(client)) == await outcome(translate(client))
    first_sink, second_sink = bytearray(), bytearray()
    first = await outcome(client.download(SPEECH, SPEECH_REQUEST, lambda _field, _index: first_sink.extend))
    second = await outcome(client.download(SPEECH, SPEECH_REQUEST, lambda _field, _index: second_sink.extend))
    if [name for name, _ in members].count("audio") > 1:
        assert second[0] is InvalidResponse
    else:
        assert (second, second_sink) == (first, first_sink)


async def test_an_error_is_reported_even_if_its_body_never_ends(
    make: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "_ERROR_BODY_SECONDS", 0.05)
    client, _, _ = make(httpx2.Response(402, stream=OpenStream(b'{"message":"')))
    assert "Top up" in str(await caught(translate(client), InsufficientCredits))


@pytest.mark.parametrize(("status", "error"), [(200, InvalidResponse), (400, BadRequest)])
async def test_multiple_compression_is_not_undone(make: MakeClient, status: int, error: type[WebVoiceError]) -> None:
    packed = httpx2.Response(status, headers={"content-encoding": "gzip, gzip"}, stream=ChunkedBody([b"never read"]))
    client, _, _ = make(packed)
    assert ("more than once" in str(await caught(translate(client), error))) == (status == 200)


async def test_a_text_full_of_commas_is_read(make: MakeClient) -> None:
    text = "one, two, [three], " * 100_000
    client, _, _ = make(ok({"translated_text": text}))
    assert (await translate(client)).translated_text == text


async def test_a_document_with_too_many_parts_is_refused(make: MakeClient) -> None:
    client, _, _ = make(raw(b'{"translated_text":"a","more":[%b1]}' % (b"1," * 200_000)))
    assert "too many parts" in str(await caught(translate(client), InvalidResponse))


# Streams


def chunk(delta: Any, **more: Any) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": delta, **more}]}).encode() + b"\n\n"


STOP = chunk({}, finish_reason="stop")
LINE_ENDS = [b"\n", b"\r\n", b"\r"]
JUNK = [b": comment", b":", b"retry: 99999999999999999999", b"retry: soon", b"id: 5", b"id", b"colour: red", b"x"]
JUNK += [b"event: message", b""]


@pytest.mark.slow
@given(data=st.data())
@settings(patient, max_examples=40)
async def test_junk_between_events_and_cuts_do_not_change_the_answer(make: MakeClient, data: st.DataObject) -> None:
    end = data.draw(st.sampled_from(LINE_ENDS))
    junk = st.lists(st.sampled_from(JUNK), max_size=4)
    body = b""
    for text in ("Hel", "lo \u2028\u200d", "\U0001f600"):
        lines = [*data.draw(junk), chunk({"content": text}).strip(), *data.draw(junk)]
        body += b"".join(line + end for line in lines) + end
    body += STOP.strip() + 2 * end + b"data: [DONE]" + 2 * end + data.draw(st.binary(max_size=20))
    offsets = [0, *sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=20))), len(body)]
    client, _, _ = make(event_stream(*[body[start:stop] for start, stop in pairwise(offsets)]))
    reply = await client.chat(CHAT, CHAT_REQUEST, ignore_text)
    assert (reply.choices[0].message.text, reply.choices[0].finish_reason) == ("Hello \u2028\u200d\U0001f600", "stop")


@pytest.mark.parametrize("end", [[], [httpx2.RemoteProtocolError("cut")]], ids=["ended", "broken"])
async def test_a_stream_cut_anywhere_gives_the_whole_answer_or_none(make: MakeClient, end: list[Exception]) -> None:
    body = chunk({"content": "Hi"}) + chunk({"content": " there"}) + STOP + b"data: [DONE]\n\n"
    for length in range(len(body)):
        client, sent, _ = make(event_stream(body[:length], *end))
        match await outcome(client.chat(CHAT, CHAT_REQUEST, ignore_text)):
            case (kind, message):
                assert kind is InvalidResponse
                assert message.endswith(SPENT)
            case reply:
                assert reply.choices[0].message.text == "Hi there"
        assert len(sent.requests) == 1


async def test_a_complete_answer_is_delivered_regardless_of_how_its_stream_ends(
    make: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_LINGER_SECONDS", 0.05)
    complete = chunk({"content": "Hi"}) + STOP
    left_open = httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=OpenStream(complete))
    endings: list[bytes | Exception] = [
        b"data: 5\n\n",
        b"data: {oops\n\n",
        b'data: {"error":"x"}\n\n',
        httpx2.RemoteProtocolError("cut"),
    ]
    client, sent, _ = make(left_open, *[event_stream(complete, ending) for ending in endings])
    for number in range(1, 2 + len(endings)):
        reply = await client.chat(CHAT, CHAT_REQUEST, ignore_text)
        assert (reply.choices[0].message.text, len(sent.requests)) == ("Hi", number)


TOOL_CALLS = st.fixed_dictionaries(
    {},
    optional={
        "index": st.integers(-2, 2) | st.sampled_from([10**9, 10**30, -(10**9), 1.5, "0", None, True, [], {}]),
        "id": st.sampled_from(["a", "b", "", None, 5, [], {}]),
        "function": st.fixed_dictionaries({}, optional={"name": JSON_VALUES, "arguments": JSON_VALUES}) | JSON_VALUES,
    },
)
DELTAS = st.fixed_dictionaries(
    {},
    optional={
        "content": JSON_VALUES,
        "reasoning": JSON_VALUES,
        "tool_calls": st.lists(TOOL_CALLS | JSON_VALUES, max_size=4) | JSON_VALUES,
        "role": JSON_VALUES,
        "audio": JSON_VALUES,
    },
)


@pytest.mark.slow
@given(deltas=st.lists(DELTAS | JSON_VALUES, max_size=5), usage=JSON_VALUES, reason=JSON_VALUES)
@settings(patient, max_examples=25)
@pytest.mark.untraced
async def test_odd_deltas_do_not_break_a_stream(make: MakeClient, deltas: list[Any], usage: Any, reason: Any) -> None:
    head = b"data: " + json.dumps({"usage": usage, "id": reason, "webvoice": usage}).encode() + b"\n\n"
    last = chunk({"content": "."}, finish_reason=reason)
    client, _, _ = make(event_stream(head, *map(chunk, deltas), last, STOP))
    reply = await client.chat(CHAT, CHAT_REQUEST, ignore_text)
    message = reply.choices[0].message
    assert message.text.endswith(".")
    assert all(set(call) == {"id", "type", "function"} for call in message.tool_calls or [])
    json.dumps(reply.model_dump(mode="json"), ensure_ascii=False, allow_nan=False).encode()


@pytest.mark.parametrize(
    "piece",
    [
        {"id": "x" * 1_000_000, "function": {"arguments": ""}},
        {"id": "a", "function": {"name": "x" * 1_000_000}},
        {"id": "a", "function": {"arguments": "x" * 1_000_000}},
    ],
    ids=["id", "name", "arguments"],
)
def test_endless_tool_calls_are_stopped(piece: dict[str, Any]) -> None:
    chat = ChatAccumulator()
    deltas = [{"tool_calls": [{**piece, "index": number}]} for number in range(20)]
    with pytest.raises(InvalidResponse, match="too long"):
        [chat.add({"choices": [{"delta": delta}]}) for delta in deltas]


@pytest.mark.slow
def test_many_tool_calls_without_an_index_take_linear_time() -> None:
    started = time.process_time()
    ChatAccumulator().add({"choices": [{"delta": {"tool_calls": [{"id": "a"}] * 20_000}}]})
    assert time.process_time() - started < 10  # quadratic time would be minutes


async def turns_of_others(call: Awaitable[object]) -> int:
    """Return how often another task got its turn during a call."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(count)
        await outcome(call)
        tasks.cancel_scope.cancel()
    return turns


async def test_others_get_their_turn_while_a_piece_of_many_events_is_read(
    make: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webvoice_mcp.client.checkpoint._INTERVAL_SECONDS", 0.0)
    client, _, _ = make(event_stream(chunk({"content": "x"}) * 500 + STOP))
    assert await turns_of_others(client.chat(CHAT, CHAT_REQUEST, ignore_text)) > 500


async def test_others_get_their_turn_while_a_large_answer_is_parsed(make: MakeClient) -> None:
    large = ok({"translated_text": "a", "more": {f"k{number}": "" for number in range(20_000)}})
    client, _, _ = make(ok({"translated_text": "a"}), large)
    assert await turns_of_others(translate(client)) > 0  # the HTTP client is created in a thread
    assert await turns_of_others(translate(client)) > 200
