"""Compares the reader of streamed chats with a simple one that was written from the specification."""

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, NamedTuple

import httpx2

from tests.fuzz.fuzz import recut
from tests.fuzz.fuzz_splitter import depth, replace_surrogates
from webvoice_mcp.client import answers, bodies, redaction, stream
from webvoice_mcp.client.pictures import Pictures
from webvoice_mcp.contract.chat import CHAT, arguments_text, reasoning_in
from webvoice_mcp.errors import BadRequest, InvalidResponse, WebVoiceError
from webvoice_mcp.storage.threads import WorkerThreads

_DONE = b"data: [DONE]\n\n"


def _events(*deltas: bytes) -> bytes:
    return b"".join(b'data: {"choices":[{"delta":{%b}}]}\n\n' % delta for delta in deltas)


SEEDS = [
    _events(b'"role":"assistant","content":"Hi \\ud83d"', b'"content":"\\ude00\xff\xc3\xff\xa9"') + _DONE,
    (
        b': ping\r\n\r\nevent: message\r\nid: 5\r\ndata: {"id":"c","model":"m","usage":{"n":5},"citations":["x"],\r\n'
        b'data: "choices":[{"index":0,"delta":{"content":[{"text":"Hel"},"lo"]},"finish_reason":"stop"}]}\r\n\r\n'
    ),
    _events(
        b'"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\\"a"}},{"id":"b","function":{}}]',
        b'"tool_calls":[{"index":0,"function":{"arguments":"\\":1}"}},{"function":{"arguments":"\\ud83d"}}]',
    )
    + b'data: {"choices":[{"delta":{},"finish_reason":"tool_calls"},{"index":1,"delta":{"content":"x"}}]}\n\n',
    _events(b'"reasoning":"Let "', b'"reasoning_content":"me","images":[{"a":1}],"refusal":"n"') + b"data:[DONE]\r\r",
    b'event: error\ndata: {"message":"no"}\n\n',
    b'data: {"choices":5}\n\ndata: {"choices":[5,{"delta":5},{"index":{}}]}\n\n'
    + _events(b'"content":5,"tool_calls":5', b'"content":{},"tool_calls":[5,{"index":"0","id":5,"function":5}]')
    + _DONE,
    b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: {\n\nevent: error\ndata: {}\n\n',
    _events(b'"content":"Hi"') + b'data: {"error":{"message":"overloaded","code":5},"success":false}\n\n',
    b"\xff" + _events(b'"content":"x","more":"0123456789"') + b"\xfe" + _DONE,
    _events(b'"content":"Your key: wv_wv"', b'"content":"_wv_1234567890wv_"') + _DONE,
    _events(b'"content":"\xff0123456789\xfe","n":[1e999,-1,NaN,true,"\\ud83d"],"m":\xff[\xfe]\xfe') + _DONE,
    _events(b'"content":[\xff"0123456789",\xfe"x"]') + _DONE,
]
WORDS = [
    *rb'data: data:{"choices":[{"delta":{"content":" "}}]} "choices":[ "delta":{ "index": "content": "text":"'.split(),
    *rb'"reasoning":" "reasoning_content":" "tool_calls":[ "function":{ "arguments":" "name":" "id":" "more":'.split(),
    *rb'"finish_reason":"stop" "error": "success":false "message":" "usage":{ "webvoice":{ id: retry:'.split(),
    *rb"\ud83d \ude00 \" null true [] {} -1 1e999 [DONE] wv_wv_1234567890 wv_wv_wv_1234567890 wv_ 567890".split(),
    *[b"data: ", b": ", b"\n\n", b"\r\n", b"\r", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xc3", b"\xff", b"\xfe"],
]

_MAX_DEPTH = 64
_KEY = "wv_wv_1234567890"  # its prefix comes twice, which is the difficult case for redaction
_CONTEXT = answers.CallContext("https://webvoice.example/api/v1", {}, key=_KEY)
_LINE_END = re.compile(r"\r\n|\r|\n")


class Answer(NamedTuple):
    """The result for a stream that was accepted: its document as JSON, and the redacted pieces of text in order."""

    document: str
    passed_on: list[str]


class Refusal(NamedTuple):
    kind: type[WebVoiceError]
    message: str
    passed_on: list[str]


def check(pieces: list[bytes]) -> None:
    """Read a stream that is cut in several ways, and check the result.

    Raises:
        AssertionError: the result is wrong.
    """
    first, *others = asyncio.run(read_all(recut(pieces)))
    assert all(other == first for other in others), f"The result depends on the cuts: {first}, {others}"
    judge(b"".join(pieces), first)


async def read_all(cuts: Iterable[list[bytes]]) -> list[Answer | Refusal]:
    return [await read(pieces) for pieces in cuts]


async def read(pieces: list[bytes]) -> Answer | Refusal:
    passed_on: list[str] = []

    async def on_text(text: str) -> None:
        passed_on.append(text)

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    def make_error(chunk: dict[str, Any], /, *, has_content: bool) -> WebVoiceError:
        if has_content:
            return answers.interruption_error(chunk, _CONTEXT, "")
        return answers.refusal_error(chunk, _CONTEXT)

    headers = {"content-type": "text/event-stream"}
    redacting = redaction.RedactingStream(_KEY, on_text)
    response = httpx2.Response(200, headers=headers, content=body(), request=httpx2.Request("POST", "http://x.y/"))
    try:
        document = await stream.read_chat(response, redacting.feed, make_error, Pictures(), WorkerThreads(1))
        await redacting.finish()
    except (BadRequest, InvalidResponse) as error:
        str(error).encode()
        return Refusal(type(error), str(error), passed_on)
    bodies.parse_reply(CHAT, document)
    written = json.dumps(document, ensure_ascii=False, allow_nan=False)
    written.encode()
    return Answer(written, passed_on)


def judge(body: bytes, result: Answer | Refusal) -> None:
    if body.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")):
        return  # it is a whole answer, which is no subject of this program
    try:
        expected: Expected | Exception = Expected(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        expected = error
    if isinstance(expected, Exception):
        assert isinstance(result, Refusal), f"It should be refused ({expected}): {result}"
        assert (result.kind is BadRequest) == isinstance(expected, ReportedError), f"{expected}, {result}"
        return
    assert isinstance(result, Answer), f"It should be accepted: {result}"
    document = json.loads(result.document)
    choice = document["choices"][0]
    message = choice["message"]
    assert message["content"] == replace_surrogates(join(expected.content))
    assert message.get("reasoning", "") == replace_surrogates(join(expected.reasoning))
    assert choice["finish_reason"] == replace_surrogates(expected.reason)
    arguments = [call["function"]["arguments"] for call in message.get("tool_calls", [])]
    assert sum(map(utf16_size, arguments)) == sum(map(utf16_size, expected.arguments)), "Arguments were lost."
    received = "".join(result.passed_on)
    assert "" not in result.passed_on
    redacted = redaction.redact_document(message["content"], _KEY)
    assert redacted in {received, received + "\ufffd"}, "The text that was passed on differs from the final one."
    assert _KEY not in received


class ReportedError(ValueError):
    pass


class Expected:
    """The content of a stream, read event by event.

    Raises:
        ReportedError: the stream reports an error of the service.
        ValueError: the stream should be refused.
    """

    reason: Any = None

    def __init__(self, text: str) -> None:
        self.content: list[str] = []
        self.reasoning: list[str] = []
        self.arguments: list[str] = []
        self._has_choice = ended = False
        for kind, data in events_in(text):
            if ended := data == "[DONE]":
                break
            try:
                self._add(kind, load(data))
            except (ValueError, RecursionError):
                if not self.reason:
                    raise
                break  # the answer is complete and paid for, so errors after it do not matter
        if not (self.reason or (ended and self._has_choice)):
            raise ValueError("cut short")

    def _add(self, kind: str, chunk: dict[str, Any]) -> None:
        if kind == "error" or chunk.get("error") or chunk.get("success") is False:
            raise ReportedError
        for choice in dicts(chunk.get("choices")):
            if not choice.get("index"):
                self._has_choice = True
                self._add_choice(choice)

    def _add_choice(self, choice: dict[str, Any]) -> None:
        delta = as_dict(choice.get("delta"))
        self.content.append(text_of(delta.get("content")))
        self.reasoning.append(reasoning_in(delta))
        calls = dicts(delta.get("tool_calls"))
        self.arguments += [arguments_text(as_dict(call.get("function")).get("arguments")) for call in calls]
        self.reason = choice.get("finish_reason") or self.reason


def events_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield type and data of each event that has data."""
    kind, data = "", []
    # Unlike the specification, the client also reads a lone CR at the very end as an empty line.
    for line in _LINE_END.split(text[:-1] + "\n\n" if text.endswith("\r") else text)[:-1]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif not line:
            if joined_data := "\n".join(data).strip():
                yield kind, joined_data
            kind, data = "", []
    if last := "\n".join(data).strip():  # its blank line may be missing
        yield kind, last


def load(text: str) -> dict[str, Any]:
    chunk = json.loads(text.removeprefix("\ufeff"), parse_float=_finite, parse_constant=lambda _: None)
    if not isinstance(chunk, dict) or depth(chunk) > _MAX_DEPTH:
        raise ValueError("not a chunk")
    return chunk


def _finite(digits: str) -> float | None:
    return float(digits) if math.isfinite(float(digits)) else None


def text_of(content: Any) -> str:
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) and isinstance(content, list) else part for part in parts]
    return "".join(text for text in texts if isinstance(text, str))


def join(pieces: list[str]) -> str:
    """Join pieces of text, including surrogate pairs that were split between them."""
    return "".join(pieces).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") if pieces else ""


def utf16_size(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass"))


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
