"""Reading of a chat's answer, streamed or whole: text is passed on as it arrives, and joined into one reply.

The first bytes tell what an answer is, because services send streams where none was asked for, whole answers where a
stream was, and either with the content type of the other.
"""

import json
import math
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, Protocol

import anyio
import httpx2

from webvoice_mcp.client.answers import is_refusal
from webvoice_mcp.client.chat_accumulator import ChatAccumulator
from webvoice_mcp.client.checkpoint import Checkpointer
from webvoice_mcp.client.data_links import scan
from webvoice_mcp.client.document import not_json_error, parse_json, replace_surrogates
from webvoice_mcp.client.event_reader import Event, EventReader
from webvoice_mcp.client.long_strings import LongStrings
from webvoice_mcp.client.pictures import Pictures
from webvoice_mcp.contract.bills import dearest
from webvoice_mcp.contract.chat import text_of
from webvoice_mcp.errors import InvalidResponse, WebVoiceError
from webvoice_mcp.storage.threads import WorkerThreads

TEXT_INTERVAL_SECONDS = 0.2
"""Seconds for which tokens are collected before they are passed on together."""

_MAX_BYTES = 8 << 20  # of an answer or of an event, without pictures
_MAX_QUICK_BYTES = 128 << 10  # a larger answer is parsed in a thread, because 8 MiB can take a second
_LINGER_SECONDS = 5.0  # for events after a complete answer, such as its price
_NO_WAIT_SECONDS = 0.0008  # a piece that arrives faster was already available
_SLICE_BYTES = 32 << 10  # read between two checkpoints
_BEFORE_ANSWER = b"\xef\xbb\xbf \t\r\n"  # a byte order mark, or white space that says that the service still works
_EVENT_LINE = re.compile(rb"\s*(?:data|event|id|retry)?\s*:")

OnText = Callable[[str], Awaitable[None]]


class ErrorFactory(Protocol):
    """Makes an error from a chunk that reports one."""

    def __call__(self, chunk: dict[str, Any], /, *, has_content: bool) -> WebVoiceError:
        """Return the error.

        Args:
            chunk: the chunk that reports the error.
            has_content: True if part of the answer has already arrived.
        """
        ...


async def read_chat(
    response: httpx2.Response,
    on_text: OnText,
    make_error: ErrorFactory,
    pictures: Pictures,
    threads: WorkerThreads,
) -> dict[str, Any]:
    """Read an answer to its end, pass on each piece of a streamed text, and return the whole.

    Raises:
        InvalidResponse: it is not JSON, or ends before it is complete.
        WebVoiceError: it reports an error, which `make_error` converts.
    """
    slices = _slices(response)
    first = b""
    async for piece in slices:
        if first := piece.lstrip(_BEFORE_ANSWER):
            break
    if first[:1] in (b"{", b"["):
        return await _read_whole(first, slices, make_error, pictures, threads)
    return await _Stream(on_text, make_error, pictures, threads).read(first, slices)


async def _read_whole(
    first: bytes,
    slices: AsyncIterator[bytes],
    make_error: ErrorFactory,
    pictures: Pictures,
    threads: WorkerThreads,
) -> dict[str, Any]:
    reader = LongStrings(pictures, _MAX_BYTES)
    reader.feed(first)
    async for piece in slices:
        reader.feed(piece)
        await pictures.settle()
    body = reader.finish()
    if len(body) > _MAX_QUICK_BYTES:
        document = await threads.run(_parse_whole, body, reader, pictures)
    else:
        document = _parse_whole(body, reader, pictures)
    await pictures.settle()
    if not isinstance(document, dict):
        return {"data": document}
    choices = [choice for choice in _choices(document) if isinstance(choice, dict)]
    if choices and "message" not in choices[0] and isinstance(choices[0].get("delta"), dict):
        choices[0]["message"] = choices[0]["delta"]  # one chunk with everything in it
    if failure := _failure_in(document):
        message = choices[0].get("message") if choices else None
        text = text_of(message.get("content")) if isinstance(message, dict) else ""
        raise make_error(failure, has_content=bool(text))
    return document


def _parse_whole(body: bytes, reader: LongStrings, pictures: Pictures) -> Any:
    return scan(reader.restore(_parse(body)), pictures)


def _parse(body: bytes) -> Any:
    """Parse an answer, behind which the end marker of a stream may stand."""
    try:
        return parse_json(body)
    except InvalidResponse:
        text = body.decode("utf-8", "replace").lstrip()
        try:
            end = json.JSONDecoder(strict=False).raw_decode(text)[1]
        except (ValueError, RecursionError):
            end = 0
        if not end or not _EVENT_LINE.match(text[end:].encode()):
            raise
        return parse_json(text[:end].encode())


class _Stream:
    """One streamed answer."""

    def __init__(self, on_text: OnText, make_error: ErrorFactory, pictures: Pictures, threads: WorkerThreads) -> None:
        self._on_text = on_text
        self._make_error = make_error
        self._pictures = pictures
        self._threads = threads
        self._chat = ChatAccumulator(pictures)
        self._has_events = False
        self._is_done = False
        self._checkpointer = Checkpointer()

    async def read(self, first: bytes, slices: AsyncIterator[bytes]) -> dict[str, Any]:
        chat = self._chat
        try:
            with anyio.CancelScope() as linger:
                await self._read_events(first, slices, linger)
        except WebVoiceError as error:
            await self._pictures.settle()
            if not chat.is_complete:  # a complete answer was paid for, so it is delivered despite later errors
                error.credits_used = dearest([error.credits_used, chat.bill])
                raise
        await self._pass_on(chat.finish())
        document = await self._threads.run(chat.document)  # thousands of tool calls take a second
        await self._pictures.settle()
        if not chat.is_complete:
            cut = InvalidResponse("The streamed answer was cut short.")
            cut.credits_used = chat.bill
            raise cut
        return document

    async def _read_events(self, first: bytes, slices: AsyncIterator[bytes], linger: anyio.CancelScope) -> None:
        chat = self._chat
        events = EventReader(partial(LongStrings, self._pictures, _MAX_BYTES, content=chat.content))
        is_broken = False
        while True:
            for event in events.feed(first):
                await self._checkpointer.checkpoint()  # a slice can hold thousands of events
                await self._add(event)
                if self._is_done:
                    return
                if chat.is_complete and linger.deadline == math.inf:
                    linger.deadline = anyio.current_time() + _LINGER_SECONDS
            await self._pictures.settle()
            if self._pictures.is_receiving and linger.deadline < math.inf:
                linger.deadline = anyio.current_time() + _LINGER_SECONDS
            try:
                first = await anext(slices)
            except StopAsyncIteration:
                break
            except httpx2.HTTPError:
                is_broken = True
                break
        await self._end_events(events, is_broken=is_broken)

    async def _end_events(self, events: EventReader, *, is_broken: bool) -> None:
        if last := events.finish():  # its blank line is missing
            try:
                await self._add(last)
            except InvalidResponse:
                if not (self._has_events or is_broken):
                    raise
        if not (events.has_fields or is_broken):
            raise not_json_error()

    async def _add(self, event: Event) -> None:
        if event.data == b"[DONE]":
            self._has_events = True
            self._chat.mark_done()
            self._is_done = True
            return
        chunk = event.parse()
        self._has_events = True
        if not isinstance(chunk, dict):
            raise InvalidResponse("The service's stream contains something other than chunks of an answer.")
        failure = chunk if event.kind == "error" or chunk.get("error") or is_refusal(chunk) else _failure_in(chunk)
        if failure is not None:
            raise self._make_error(replace_surrogates(failure), has_content=self._chat.has_content)
        await self._pass_on(self._chat.add(chunk))

    async def _pass_on(self, text: str) -> None:
        if text:
            await self._on_text(self._pictures.preview(text))


def _choices(document: dict[str, Any]) -> list[Any]:
    choices = document.get("choices")
    return choices if isinstance(choices, list) else []


def _failure_in(document: dict[str, Any]) -> dict[str, Any] | None:
    """Return a document that reports the error which is inside a choice, None if there is none."""
    for choice in _choices(document):
        if isinstance(choice, dict) and not choice.get("index"):
            parts = [choice, choice.get("message"), choice.get("delta")]
            errors = [part["error"] for part in parts if isinstance(part, dict) and part.get("error")]
            if errors or choice.get("finish_reason") == "error":
                return {**document, "error": errors[0] if errors else "The model failed"}
    return None


async def _slices(response: httpx2.Response) -> AsyncIterator[bytes]:
    """Iterate over the body in slices, so that a million lines in one piece do not block the event loop.

    Tokens that arrive one by one are collected for `TEXT_INTERVAL_SECONDS`, because waking up costs more than reading a
    token.
    """
    started, checkpointer = time.perf_counter(), Checkpointer()
    async for piece in response.aiter_bytes():
        has_waited = time.perf_counter() - started > _NO_WAIT_SECONDS
        for start in range(0, len(piece), _SLICE_BYTES):
            yield piece[start : start + _SLICE_BYTES]
            await checkpointer.checkpoint()
        if has_waited and len(piece) < _SLICE_BYTES // 2:
            await anyio.sleep(TEXT_INTERVAL_SECONDS)
        started = time.perf_counter()
