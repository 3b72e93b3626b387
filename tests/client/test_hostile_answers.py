"""A service that means harm or is broken: each answer is delivered or told as a known error, and does no harm."""

import base64
import json
import time
import unicodedata
from collections.abc import AsyncIterator, Awaitable
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mcp.types import CallToolResult, ResourceLink, TextContent

from tests.client.calls import ASK, SPEECH_REQUEST, TRANSLATE, Make, heard
from tests.client.test_odd_answers import HALVES, JSON, SPENT, raw
from tests.files.samples import FLAC_BYTES, JPEG_BYTES, MP3_BYTES, PNG_BYTES, mp4_bytes, wav_bytes
from tests.orders.world import PAID, made_in, put_inputs
from tests.support import CANARY, ChunkedBody, MakeSettings, ScriptedTransport, answer, connected, failed, fields
from webvoice_mcp.client import bodies
from webvoice_mcp.client import stream as client_stream
from webvoice_mcp.client.joined import JoinedChat
from webvoice_mcp.contract.chat import CHAT
from webvoice_mcp.contract.speech import SPEECH
from webvoice_mcp.contract.translation import TRANSLATION
from webvoice_mcp.errors import BadRequest, InsufficientCredits, InvalidResponse, WebVoiceError

TOLD = {
    *("unauthorized", "insufficient_credits", "bad_request", "rate_limited", "provider_unavailable", "server_error"),
    *("timeout", "network_error", "invalid_response"),
}
LONGEST = 500  # characters of an error
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
HARMFUL = {
    chr(code)
    for code in {*range(0x10000)} - {*b"\t\n"}
    if unicodedata.category(chr(code)) == "Cc" or unicodedata.bidirectional(chr(code)) in BIDI
}
ESCAPES = "\x1b[31m\x1b]0;owned\x07\x1b]8;;http://evil.example\x1b\\\x1b]52;c;aGk=\x07\x9b2J\r\x00\u202e\u2066"

many = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
some = settings(many, max_examples=25)
translate = ("webvoice_translate", {"text": "Hi", "target_language": "it"})


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


# Whatever comes

_CALLS: list[tuple[str, dict[str, Any], Any]] = [
    *((each.tool, {k: v for k, v in each.arguments.items() if k != "output_path"}, each.answer) for each in PAID),
    ("webvoice_chat", {"prompt": "Hi", "stream": True}, PAID[0].answer),
    ("webvoice_image", {"prompt": "x", "provider": "nucleus", "num_images": 2}, {"images": [encoded(PNG_BYTES)] * 2}),
    ("webvoice_send_email", {"to": "a@b.co", "body": "Hi"}, {"success": True, "message": "Sent"}),
    ("webvoice_voice_memo", {"text": "Hi"}, {"voice_note_id": "1", "title": "t"}),
    ("webvoice_status", {}, {"user": "ann", "credits": 1.5, "api_key": {"name": "k"}}),
    ("webvoice_onboarding", {}, {"credits": 1, "can_use_api": True, "solana": {"memo_code": "M"}}),
    ("webvoice_list_voices", {}, {"voices": {"en": [{"id": "af_sarah", "name": "Sarah"}]}}),
    ("webvoice_list_chat_models", {}, {"models": [{"id": "m", "provider": "p", "credits_per_request": 1}]}),
]
_MEDIA = [b"", b"\0", b"<html>No</html>", PNG_BYTES, PNG_BYTES[:9], JPEG_BYTES, MP3_BYTES, MP3_BYTES[:50], FLAC_BYTES]
_MEDIA += [wav_bytes(), mp4_bytes(b"isom", b"vide"), mp4_bytes(b"M4A ", b"soun"), mp4_bytes(b"isom", b"vide")[:40]]
_ODD = st.one_of(
    JSON,
    st.just(f"Your key: {CANARY}"),
    st.sampled_from([*map(encoded, _MEDIA), ESCAPES, f"https://x.example/?{CANARY}", "data:,x", "x" * 3000]),
    st.sampled_from([10**400, -(10**30), 1e308, "NaN", [[]] * 300, {"error": "x"}, {"url": 5}, ["", None, {}]]),
)
_NAMES = sorted({name for *_, good in _CALLS for name in good})
_NAMES += [
    "error",
    "detail",
    "note",
    "job_id",
    "state",
    "format",
    "duration",
    "count",
    "url",
    "path",
    "fields",
    "shown",
]
_STATUSES = [201, 204, 206, 299, 300, 304, 399, 400, 401, 402, 403, 404, 408, 413, 429, 499, 500, 503, 504, 599, 999]
_HEADERS = [
    *({"content-type": kind} for kind in ("application/json", "text/html; charset=utf-16", "text/event-stream", "")),
    *({"content-encoding": coding} for coding in ("gzip", "deflate, gzip", "br", "\u00ff", "gzip," * 9)),
    *({"content-length": length} for length in ("0", "-1", "7, 8", "9" * 30)),
    *({"location": "http://[::1"}, {"set-cookie": "a=b; expires=" + "9" * 999}, {"date": "\u00ff"}),
]


@st.composite
def hostile(draw: st.DrawFn, good: Any, *, only_once: bool) -> httpx2.Response:
    """An answer in which much is wrong, though not everything, so that it gets far.

    Args:
        only_once: leave out what makes the client ask again, after a pause.
    """
    odd = draw(st.dictionaries(st.sampled_from(_NAMES), _ODD, max_size=3))
    if "choices" in good and draw(st.booleans()):
        parts = ["content", "reasoning", "tool_calls", "images", "finish_reason", "role"]
        message = {"content": "Hi", **draw(st.dictionaries(st.sampled_from(parts), _ODD, max_size=3))}
        odd["choices"] = [{"message": message, "delta": message, **draw(st.dictionaries(st.sampled_from(parts), _ODD))}]
    body = json.dumps({**good, **odd}).encode()
    match draw(st.sampled_from(["whole"] * 5 + ["events", "cut", "spoilt", "BOM", "UTF-16", "deep", "page"])):
        case "events":
            body = (
                b"data: " + body + draw(st.sampled_from([b"", b"\n\n"])) + b"data: [DONE]\n\n" * draw(st.integers(0, 2))
            )
        case "cut":
            body = body[: draw(st.integers(0, len(body)))]
        case "spoilt":
            place = draw(st.integers(0, len(body) - 1))
            body = body[:place] + draw(st.binary(min_size=1, max_size=3)) + body[place + 1 :]
        case "BOM":
            body = b"\xef\xbb\xbf" + body
        case "UTF-16":
            body = body.decode().encode("utf-16")
        case "deep":
            body = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
        case "page":
            body = b"<html><body>Traceback (most recent call last)</body></html>"
    again = {429, 503, 504} if only_once else set()
    status = draw(st.sampled_from([200] * 20 + [each for each in _STATUSES if each not in again]))
    odd_headers = [each for each in _HEADERS if not (only_once and "content-encoding" in each)]
    headers = draw(st.sampled_from([{}] * 9 + odd_headers)) | ({"retry-after": "99"} if status == 429 else {})
    size = draw(st.sampled_from([len(body) + 1, 100, 1])) if len(body) < 10_000 else len(body)
    pieces: list[bytes | Exception] = [body[at : at + size] for at in range(0, len(body), size)]
    if not only_once and draw(st.integers(0, 9)) == 0:
        pieces.append(draw(st.sampled_from([httpx2.ReadError("x"), httpx2.RemoteProtocolError(ESCAPES)])))
    encodable = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return httpx2.Response(status, headers=encodable, stream=ChunkedBody(pieces))


def strictly(text: str) -> Any:
    """The document, in JSON that every client takes."""
    return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def said(result: CallToolResult) -> str:
    return "".join(block.text for block in result.content if isinstance(block, TextContent))


def check(result: CallToolResult, out: Path) -> None:
    """What holds for every result, whatever the service said; the files that came of it are gone afterwards."""
    text = said(result)
    assert CANARY not in text + json.dumps(result.structured_content)
    if result.is_error:
        assert (result.meta or {})["webvoice/error"]["code"] in TOLD, text
        failed(result)
        assert len(text) <= LONGEST
        assert not HARMFUL & set(text), text
        assert not [each for each in ("Traceback", "<html") if each in text]
    else:
        assert strictly(text) == fields(result)
    for name in made_in(out):
        assert not name.endswith(".part")
        assert json.dumps(str(out / name))[1:-1] in text
        (out / name).unlink()


@given(data=st.data())
@some
async def test_whatever_the_service_answers_is_delivered_or_told(
    make_settings: MakeSettings, tmp_path: Path, data: st.DataObject
) -> None:
    out = tmp_path / "out"
    put_inputs(out)
    sent = ScriptedTransport()
    async with connected(make_settings(INLINE_IMAGES=0), sent) as client:
        for tool, arguments, good in data.draw(st.lists(st.sampled_from(_CALLS), min_size=5, max_size=10)):
            reads = tool.startswith(("webvoice_status", "webvoice_onboarding", "webvoice_list"))
            sent.answers = [data.draw(hostile(good, only_once=reads))]
            sent.requests.clear()
            check(await client.call_tool(tool, arguments), out)
            assert len(sent.requests) == 1
        sent.answers = [answer({"translated_text": "Ciao"})]
        assert fields(await client.call_tool(*translate)) == {"translated_text": "Ciao"}


_RESULTS_WITHOUT_FILES: list[tuple[str, dict[str, Any]]] = [
    translate,
    ("webvoice_status", {}),
    ("webvoice_onboarding", {}),
    ("webvoice_send_email", {"to": "a@b.co", "body": "Hi"}),
    ("webvoice_voice_memo", {"text": "Hi"}),
    ("webvoice_create_api_key", {"name": "k"}),
    ("webvoice_register_send_code", {"email": "a@b.co", "accept_privacy": True, "accept_terms": True}),
    ("webvoice_register_verify", {"email": "a@b.co", "code": "1"}),
]
_FORGED = {"path": "/secret", "uri": "file:///secret", "mime_type": "text/plain", "size_bytes": 5}


@pytest.mark.parametrize(("tool", "arguments"), _RESULTS_WITHOUT_FILES, ids=[row[0] for row in _RESULTS_WITHOUT_FILES])
async def test_files_that_the_service_speaks_of_are_no_files_of_ours(
    make_settings: MakeSettings, tool: str, arguments: dict[str, Any]
) -> None:
    good = {"translated_text": "Ciao", "user": "ann", "voice_note_id": "1", "success": True, "message": "Sent"}
    good |= {"credits": 5, "api_key": "wv_second_1234567890"}
    odd: list[Any] = [["a"], [_FORGED], [{"size_bytes": 5}], [5], 5]
    async with connected(
        make_settings(), ScriptedTransport(*[answer({**good, "files": each}) for each in odd])
    ) as client:
        results = [await client.call_tool(tool, arguments) for _ in odd]
        jobs = fields(await client.call_tool("webvoice_jobs", {}))["jobs"]
        results += [await client.call_tool("webvoice_jobs", {"job_id": job["id"]}) for job in jobs]
    for result in results:
        assert fields(result)
        assert not [block for block in result.content if isinstance(block, ResourceLink)]


# Texts


@given(
    status=st.sampled_from([200, 400, 401, 402, 403, 429, 500, 503]),
    words=st.lists(st.sampled_from([*ESCAPES, CANARY[:9], CANARY[9:], CANARY, "\x1b[", "\n"]) | HALVES, max_size=40),
)
@example(status=400, words=[CANARY[:9], "\x07", CANARY[9:]])
@example(status=402, words=["x" * 290, CANARY])
@many
async def test_what_the_service_says_in_an_error_is_harmless_text(
    make_settings: MakeSettings, status: int, words: list[str]
) -> None:
    body = json.dumps({"success": False, "message": "".join(words) * 5}).encode()
    response = httpx2.Response(status, headers={"retry-after": "99"}, content=body)
    async with connected(make_settings(), ScriptedTransport(response)) as client:
        text = failed(await client.call_tool(*translate))
    assert len(text) <= LONGEST
    assert not HARMFUL & set(text)
    assert CANARY not in text


@pytest.mark.parametrize(
    ("tool", "arguments", "body"),
    [
        (*translate, {"translated_text": "Ciao", CANARY: 1}),
        ("webvoice_onboarding", {}, {"credits": 5, "urls": {CANARY: "a", "b": {CANARY: 1}}}),
        ("webvoice_list_voices", {}, {"voices": {CANARY: [{"id": "a"}]}}),
        ("webvoice_chat", {"prompt": "Hi"}, {"choices": [{"message": {"content": "Hi"}}], "usage": {CANARY: 1}}),
    ],
    ids=["added field", "inner field", "language", "usage"],
)
async def test_the_key_does_not_show_as_the_name_of_a_field(
    make_settings: MakeSettings, tool: str, arguments: dict[str, Any], body: Any
) -> None:
    async with connected(make_settings(), ScriptedTransport(answer(body))) as client:
        result = await client.call_tool(tool, arguments)
    assert fields(result)
    assert CANARY not in said(result)


def chunk(delta: Any, **more: Any) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": delta, **more}]}).encode() + b"\n\n"


def stream(*pieces: bytes | Exception) -> httpx2.Response:
    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=ChunkedBody(pieces))


STOP = chunk({}, finish_reason="stop")


@pytest.mark.parametrize("pieces", [[CANARY], [CANARY[:9], CANARY[9:]], list(CANARY)], ids=["whole", "two", "letters"])
async def test_the_key_does_not_show_while_a_chat_comes(make_settings: MakeSettings, pieces: list[str]) -> None:
    told: list[str] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    sent = ScriptedTransport(stream(*[chunk({"content": each}) for each in ["Your key: ", *pieces, " is old"]], STOP))
    async with connected(make_settings(), sent, "legacy") as client:  # in process, only this mode carries tokens
        result = await client.call_tool("webvoice_chat", {"prompt": "Hi"}, progress_callback=on_progress)
    assert fields(result)["text"] == "Your key: wv_…cdef is old"
    assert CANARY not in "".join(told)


async def test_a_key_of_another_form_does_not_show_in_a_link(make_settings: MakeSettings) -> None:
    key = "sk-0123456789-abcdef"
    sent = ScriptedTransport(answer({"audio": f"https://cdn.example/a.mp3?key={key}"}))
    async with connected(make_settings(API_KEY=key), sent) as client:
        text = failed(await client.call_tool("webvoice_tts", {"text": "Hi"}))
    assert "https://cdn.example/a.mp3" in text
    assert key not in text


# Numbers and limits


async def test_bills_beyond_all_numbers_leave_the_sum_a_number(make_settings: MakeSettings) -> None:
    bill = answer({"translated_text": "Ciao", "credits_used": 1.7e308})
    async with connected(make_settings(), ScriptedTransport(bill, bill)) as client:
        for _ in range(2):
            assert strictly(said(await client.call_tool(*translate)))["translated_text"] == "Ciao"
        used = await client.call_tool("webvoice_usage", {})
    assert isinstance(strictly(said(used))["total_credits"], float)


@pytest.mark.parametrize("bill", [-1e6, "-5", "NaN", None, 1e999, 10**400, True, {}])
async def test_no_bill_undoes_the_budget(make_settings: MakeSettings, bill: Any) -> None:
    body = raw(json.dumps({"translated_text": "Ciao", "credits_used": bill}).encode())
    async with connected(make_settings(MAX_CREDITS="0.15"), ScriptedTransport(body, body)) as client:
        assert fields(await client.call_tool(*translate))["translated_text"] == "Ciao"
        assert failed(await client.call_tool(*translate)).startswith("budget_exceeded: ")


async def test_the_pictures_of_a_chat_share_the_limit_of_an_answer(make_settings: MakeSettings, tmp_path: Path) -> None:
    picture = {"image_url": {"url": f"data:image/png;base64,{encoded(PNG_BYTES + bytes(700))}"}}
    body = {"choices": [{"message": {"content": "Hi", "images": [picture] * 5}}]}
    async with connected(make_settings(MAX_FILE_MB="0.001"), ScriptedTransport(answer(body))) as client:
        assert "WEBVOICE_MAX_FILE_MB" in fields(await client.call_tool("webvoice_chat", {"prompt": "Hi"}))["note"]
    assert sum(map(len, made_in(tmp_path / "out").values())) <= 0.001 * 1024**2


# Documents

_TWICE = st.lists(
    st.tuples(
        st.sampled_from(["audio", "text", "translated_text", "success", "credits_used", "format", "\u0061udio", "x"]),
        st.sampled_from([True, False, None, 5, "a", "QUJD", "SUQz", [], ["QUJD"], {"audio": "QUJD"}]),
    ),
    max_size=7,
)


def written(pairs: list[tuple[str, Any]]) -> bytes:
    return b"{%b}" % b",".join(json.dumps(name).encode() + b":" + json.dumps(each).encode() for name, each in pairs)


async def outcome(of: Awaitable[Any]) -> Any:
    """The reply, or the error's type and sentence."""
    try:
        return await of
    except WebVoiceError as error:
        return type(error), str(error)


@given(pairs=_TWICE)
@example(pairs=[("success", True), ("translated_text", "a"), ("success", False)])
@example(pairs=[("audio", "QUJD"), ("audio", None)])
@many
async def test_of_a_field_that_comes_twice_the_last_counts_or_the_answer_is_refused(
    make: Make, pairs: list[tuple[str, Any]]
) -> None:
    bodies = written(list(dict(pairs).items())), written(pairs)
    client, _, _ = make(*map(raw, bodies), *map(raw, bodies))
    assert await outcome(client.call(TRANSLATION, TRANSLATE)) == await outcome(client.call(TRANSLATION, TRANSLATE))
    first, second = bytearray(), bytearray()
    once = await outcome(client.download(SPEECH, SPEECH_REQUEST, lambda _field, _index: first.extend))
    twice = await outcome(client.download(SPEECH, SPEECH_REQUEST, lambda _field, _index: second.extend))
    if [name for name, _ in pairs].count("audio") > 1:
        assert twice[0] is InvalidResponse
    else:
        assert (twice, second) == (once, first)


# Streams

_ENDS = [b"\n", b"\r\n", b"\r"]
_JUNK = [b": comment", b":", b"retry: 99999999999999999999", b"retry: soon", b"id: 5", b"id", b"colour: red", b"x"]


@given(data=st.data())
@many
async def test_junk_between_events_and_the_way_they_are_cut_change_nothing(make: Make, data: st.DataObject) -> None:
    end = data.draw(st.sampled_from(_ENDS))
    junk = st.lists(st.sampled_from([*_JUNK, b"event: message", b""]), max_size=4)
    body = b""
    for each in ("Hel", "lo \u2028\u0085", "\U0001f600"):
        lines = [*data.draw(junk), chunk({"content": each}).strip(), *data.draw(junk)]
        body += b"".join(line + end for line in lines) + end
    body += STOP.strip() + 2 * end + b"data: [DONE]" + 2 * end + data.draw(st.binary(max_size=20))
    places = [0, *sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=20))), len(body)]
    client, _, _ = make(stream(*[body[a:b] for a, b in pairwise(places)]))
    reply = await client.stream(CHAT, ASK, heard)
    assert (reply.choices[0].message.text, reply.choices[0].finish_reason) == ("Hello \u2028\u0085\U0001f600", "stop")


@pytest.mark.parametrize("breaks", [[], [httpx2.RemoteProtocolError("cut")]], ids=["ended", "broken off"])
async def test_a_stream_cut_anywhere_is_the_whole_answer_or_none(make: Make, breaks: list[Exception]) -> None:
    body = chunk({"content": "Hi"}) + chunk({"content": " there"}) + STOP + b"data: [DONE]\n\n"
    for place in range(len(body)):
        client, sent, _ = make(stream(body[:place], *breaks))
        match await outcome(client.stream(CHAT, ASK, heard)):
            case (kind, sentence):
                assert kind is InvalidResponse
                assert sentence.endswith(SPENT)
            case reply:
                assert reply.choices[0].message.text == "Hi there"
        assert len(sent.requests) == 1


_PIECE = st.fixed_dictionaries(
    {},
    optional={
        "index": st.integers(-2, 2) | st.sampled_from([10**9, 10**30, -(10**9), 1.5, "0", None, True, [], {}]),
        "id": st.sampled_from(["a", "b", "", None, 5, [], {}]),
        "function": st.fixed_dictionaries({}, optional={"name": JSON, "arguments": JSON}) | JSON,
    },
)
_DELTA = st.fixed_dictionaries(
    {},
    optional={
        "content": JSON,
        "reasoning": JSON,
        "tool_calls": st.lists(_PIECE | JSON, max_size=4) | JSON,
        "role": JSON,
        "audio": JSON,
    },
)


@given(deltas=st.lists(_DELTA | JSON, max_size=5), usage=JSON, reason=JSON)
@some
async def test_odd_deltas_break_no_stream(make: Make, deltas: list[Any], usage: Any, reason: Any) -> None:
    head = b"data: " + json.dumps({"usage": usage, "id": reason, "webvoice": usage}).encode() + b"\n\n"
    client, _, _ = make(stream(head, *map(chunk, deltas), chunk({"content": "."}, finish_reason=reason), STOP))
    reply = await client.stream(CHAT, ASK, heard)
    message = reply.choices[0].message
    assert message.text.endswith(".")
    assert all(set(each) == {"id", "type", "function"} for each in message.tool_calls or [])
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
def test_tool_calls_without_end_are_stopped(piece: dict[str, Any]) -> None:
    chat = JoinedChat()
    deltas = [{"tool_calls": [{**piece, "index": number}]} for number in range(20)]
    with pytest.raises(InvalidResponse, match="did not end"):
        [chat.add({"choices": [{"delta": delta}]}) for delta in deltas]


def test_many_tool_calls_take_no_longer_without_an_index_than_with_one() -> None:
    began = time.process_time()
    JoinedChat().add({"choices": [{"delta": {"tool_calls": [{"id": "a"}] * 20_000}}]})
    assert time.process_time() - began < 1  # with an index it is a twentieth of that


class _Open(httpx2.AsyncByteStream):
    """A body that never ends after this."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        await anyio.sleep_forever()


async def test_an_answer_that_is_whole_is_delivered_however_its_stream_ends(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_stream, "_LINGER", 0.05)
    kind = {"content-type": "text/event-stream"}
    whole = chunk({"content": "Hi"}) + STOP
    left_open = httpx2.Response(200, headers=kind, stream=_Open(whole))
    beyond: list[bytes | Exception] = [
        b"data: 5\n\n",
        b"data: {oops\n\n",
        b'data: {"error":"x"}\n\n',
        httpx2.RemoteProtocolError("cut"),
    ]
    client, sent, _ = make(left_open, *[stream(whole, each) for each in beyond])
    for number in range(1, 2 + len(beyond)):
        reply = await client.stream(CHAT, ASK, heard)
        assert (reply.choices[0].message.text, len(sent.requests)) == ("Hi", number)


async def test_a_status_counts_though_its_body_never_ends(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_ERROR_SECONDS", 0.05)
    client, _, _ = make(httpx2.Response(402, stream=_Open(b'{"message":"')))
    kind, sentence = await outcome(client.call(TRANSLATION, TRANSLATE))
    assert kind is InsufficientCredits
    assert "Top up" in sentence


@pytest.mark.parametrize("status", [200, 400])
async def test_what_is_compressed_more_than_once_is_not_unpacked(make: Make, status: int) -> None:
    packed = httpx2.Response(
        status, headers={"content-encoding": "gzip, gzip"}, stream=ChunkedBody([b"never looked at"])
    )
    client, _, _ = make(packed)
    kind, sentence = await outcome(client.call(TRANSLATION, TRANSLATE))
    assert (kind, "more than once" in sentence) == ((InvalidResponse, True) if status == 200 else (BadRequest, False))


async def test_a_text_full_of_commas_is_no_bomb(make: Make) -> None:
    text = "one, two, [three], " * 100_000
    client, _, _ = make(answer({"translated_text": text}))
    assert (await client.call(TRANSLATION, TRANSLATE)).translated_text == text


async def test_long_links_beside_a_picture_are_written_into_a_file(make_settings: MakeSettings, tmp_path: Path) -> None:
    links = [f"https://x.example/{number}?{'a' * 5000}" for number in range(3)]
    sent = ScriptedTransport(answer({"images": [encoded(PNG_BYTES), *links]}))
    async with connected(make_settings(INLINE_IMAGES=0), sent) as client:
        made = fields(await client.call_tool("webvoice_image", {"prompt": "x", "output_path": "x.png"}))
    (listed,) = [each for each in (tmp_path / "out").iterdir() if each.suffix == ".txt"]
    assert str(listed) in made["note"]
    assert listed.read_text().split() == links
    assert len(json.dumps(made)) < 1500
