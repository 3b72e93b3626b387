"""The reader of a streamed chat beside the plain words of the specification: what has to hold for any stream."""

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, NamedTuple

import httpx2

from tests.fuzz.fuzz import every_way
from tests.fuzz.fuzz_splitter import depth, mended
from webvoice_mcp.client import answers, bodies, redaction, stream
from webvoice_mcp.contract.chat import CHAT
from webvoice_mcp.errors import BadRequest, InvalidResponse, WebVoiceError

_DONE = b"data: [DONE]\n\n"


def _of(*deltas: bytes) -> bytes:
    return b"".join(b'data: {"choices":[{"delta":{%b}}]}\n\n' % each for each in deltas)


SEEDS = [
    _of(b'"role":"assistant","content":"Hi \\ud83d"', b'"content":"\\ude00\xff\xc3\xff\xa9"') + _DONE,
    (
        b': ping\r\n\r\nevent: message\r\nid: 5\r\ndata: {"id":"c","model":"m","usage":{"n":5},"citations":["x"],\r\n'
        b'data: "choices":[{"index":0,"delta":{"content":[{"text":"Hel"},"lo"]},"finish_reason":"stop"}]}\r\n\r\n'
    ),
    _of(
        b'"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\\"a"}},{"id":"b","function":{}}]',
        b'"tool_calls":[{"index":0,"function":{"arguments":"\\":1}"}},{"function":{"arguments":"\\ud83d"}}]',
    )
    + b'data: {"choices":[{"delta":{},"finish_reason":"tool_calls"},{"index":1,"delta":{"content":"x"}}]}\n\n',
    _of(b'"reasoning":"Let "', b'"reasoning_content":"me","images":[{"a":1}],"refusal":"n"') + b"data:[DONE]\r\r",
    b'event: error\ndata: {"message":"no"}\n\n',
    b'data: {"choices":5}\n\ndata: {"choices":[5,{"delta":5},{"index":{}}]}\n\n'
    + _of(b'"content":5,"tool_calls":5', b'"content":{},"tool_calls":[5,{"index":"0","id":5,"function":5}]')
    + _DONE,
    b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: {\n\nevent: error\ndata: {}\n\n',
    _of(b'"content":"Hi"') + b'data: {"error":{"message":"overloaded","code":5},"success":false}\n\n',
    b"\xff" + _of(b'"content":"x","more":"0123456789"') + b"\xfe" + _DONE,
    _of(b'"content":"Your key: wv_wv"', b'"content":"_wv_1234567890wv_"') + _DONE,
    _of(b'"content":"\xff0123456789\xfe","n":[1e999,-1,NaN,true,"\\ud83d"],"m":\xff[\xfe]\xfe') + _DONE,
    _of(b'"content":[\xff"0123456789",\xfe"x"]') + _DONE,
]
WORDS = [
    *rb'data: data:{"choices":[{"delta":{"content":" "}}]} "choices":[ "delta":{ "index": "content": "text":"'.split(),
    *rb'"reasoning":" "reasoning_content":" "tool_calls":[ "function":{ "arguments":" "name":" "id":" "more":'.split(),
    *rb'"finish_reason":"stop" "error": "success":false "message":" "usage":{ "webvoice":{ id: retry:'.split(),
    *rb"\ud83d \ude00 \" null true [] {} -1 1e999 [DONE] wv_wv_1234567890 wv_wv_wv_1234567890 wv_ 567890".split(),
    *[b"data: ", b": ", b"\n\n", b"\r\n", b"\r", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xc3", b"\xff", b"\xfe"],
]

_MOST_DEPTH = 64
_KEY = "wv_wv_1234567890"  # begins with what it begins with
_ASKED = answers.CallContext("https://webvoice.example/api/v1", {}, key=_KEY)
_LINE_END = re.compile(r"\r\n|\r|\n")


class Answer(NamedTuple):
    """What came of a stream: its document, as JSON, and the pieces of text in their order, without the key."""

    document: str
    heard: list[str]


class Refusal(NamedTuple):
    kind: type[WebVoiceError]
    sentence: str
    heard: list[str]


def check(made: list[bytes]) -> None:
    """Read a stream in every way and judge what comes of it.

    Raises:
        AssertionError: it is not as it should be.
    """
    first, *others = asyncio.run(read_all(every_way(made)))
    assert all(each == first for each in others), f"It depends on the cuts: {first}, {others}"
    judge(b"".join(made), first)


async def read_all(ways: Iterable[list[bytes]]) -> list[Answer | Refusal]:
    return [await read(each) for each in ways]


async def read(made: list[bytes]) -> Answer | Refusal:
    heard: list[str] = []

    async def hear(text: str) -> None:
        heard.append(text)

    async def body() -> AsyncIterator[bytes]:
        for piece in made:
            yield piece

    def refuse(chunk: dict[str, Any], /, *, has_content: bool) -> WebVoiceError:
        return answers.interruption_error(chunk, _ASKED, "") if has_content else answers.refusal_error(chunk, _ASKED)

    headers = {"content-type": "text/event-stream"}
    redacting = redaction.RedactingStream(_KEY, hear)
    response = httpx2.Response(200, headers=headers, content=body(), request=httpx2.Request("POST", "http://x.y/"))
    try:
        document = await stream.read_chat(response, redacting.feed, refuse)
        await redacting.finish()
    except (BadRequest, InvalidResponse) as error:
        str(error).encode()
        return Refusal(type(error), str(error), heard)
    bodies.parse_reply(CHAT, document)
    written = json.dumps(document, ensure_ascii=False, allow_nan=False)
    written.encode()
    return Answer(written, heard)


def judge(body: bytes, result: Answer | Refusal) -> None:
    try:
        expected: Expected | Exception = Expected(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        expected = error
    if isinstance(expected, Exception):
        assert isinstance(result, Refusal), f"It should be refused, {expected}: {result}"
        assert (result.kind is BadRequest) == isinstance(expected, ReportedError), f"{expected}, {result}"
        return
    assert isinstance(result, Answer), f"It should be read: {result}"
    document = json.loads(result.document)
    choice = document["choices"][0]
    message = choice["message"]
    assert message["content"] == mended(joined(expected.content))
    assert message.get("reasoning", "") == mended(joined(expected.reasoning))
    assert choice["finish_reason"] == mended(expected.reason)
    arguments = [each["function"]["arguments"] for each in message.get("tool_calls", [])]
    assert sum(map(units, arguments)) == sum(map(units, expected.arguments)), "Arguments were lost."
    spoken = "".join(result.heard)
    assert "" not in result.heard
    told = redaction.redact_document(message["content"], _KEY)
    assert told in {spoken, spoken + "\ufffd"}, "What was heard is not what is told in the end."
    assert _KEY not in spoken


class ReportedError(ValueError):
    pass


class Expected:
    """What a stream says, read event by event.

    Raises:
        ReportedError: the service reports an error in it.
        ValueError: it should be refused.
    """

    reason: Any = None

    def __init__(self, text: str) -> None:
        self.content: list[str] = []
        self.reasoning: list[str] = []
        self.arguments: list[str] = []
        self._begun = ended = False
        for kind, data in events_in(text):
            if ended := data == "[DONE]":
                break
            try:
                self._add(kind, loaded(data))
            except (ValueError, RecursionError):
                if not self.reason:
                    raise
                break  # what is whole was paid for, whatever comes after it
        if not (self.reason or (ended and self._begun)):
            raise ValueError("cut short")

    def _add(self, kind: str, chunk: dict[str, Any]) -> None:
        if kind == "error" or chunk.get("error") or chunk.get("success") is False:
            raise ReportedError
        for choice in dicts(chunk.get("choices")):
            if not choice.get("index"):
                self._begun = True
                self._take(choice)

    def _take(self, choice: dict[str, Any]) -> None:
        delta = as_dict(choice.get("delta"))
        self.content.append(text_of(delta.get("content")))
        self.reasoning.append(text_of(delta.get("reasoning_content")) or text_of(delta.get("reasoning")))
        calls = dicts(delta.get("tool_calls"))
        self.arguments += [text_of(as_dict(call.get("function")).get("arguments")) for call in calls]
        self.reason = choice.get("finish_reason") or self.reason


def events_in(text: str) -> Iterator[tuple[str, str]]:
    """Kind and data of each event that has any."""
    kind, data = "", []
    # The client takes a lone CR at the very end for an empty line too; the specification does not.
    for line in _LINE_END.split(text[:-1] + "\n\n" if text.endswith("\r") else text)[:-1]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif not line:
            if whole := "\n".join(data).strip():
                yield kind, whole
            kind, data = "", []


def loaded(text: str) -> dict[str, Any]:
    chunk = json.loads(text.removeprefix("\ufeff"), parse_float=_finite, parse_constant=lambda _: None)
    if not isinstance(chunk, dict) or depth(chunk) > _MOST_DEPTH:
        raise ValueError("no chunk")
    return chunk


def _finite(digits: str) -> float | None:
    return float(digits) if math.isfinite(float(digits)) else None


def text_of(content: Any) -> str:
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) and isinstance(content, list) else part for part in parts]
    return "".join(each for each in texts if isinstance(each, str))


def joined(pieces: list[str]) -> str:
    """The pieces as one text, in which halves of a character that came apart are one."""
    return "".join(pieces).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") if pieces else ""


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass"))


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
